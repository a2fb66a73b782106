/** Numbers and powers as text. */

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export const superscript = (n: number): string =>
  `${n}`.replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPT[Number(digit)]);

export const minus = (text: string): string => text.replace(/-/g, "−");

/** Four significant digits, as a person writes them. */
export function number(x: number): string {
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return "–";
  const [mantissa, exponent] = x.toExponential(3).split("e");
  const power = Number(exponent);
  if (power >= -3 && power < 4) return minus(`${Number(x.toPrecision(4))}`);
  const short = minus(`${Number(mantissa)}`);
  return short === "1" ? `10${superscript(power)}` : `${short}×10${superscript(power)}`;
}

/** Three letters of Greek and the minus sign, for the equations of boundaries. */
export const greek = (text: string): string =>
  minus(text).replace(/alpha/g, "α").replace(/beta/g, "β").replace("sqrt(2)", "√2");
