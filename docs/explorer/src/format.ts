/** Numbers and powers as text. */

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export const superscript = (n: number): string =>
  `${n}`.replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPT[Number(digit)]);

/** Four significant digits, as a person writes them. */
export function number(x: number): string {
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return "–";
  const [mantissa, exponent] = x.toExponential(3).split("e");
  const power = Number(exponent);
  if (power >= -3 && power < 4) return `${Number(x.toPrecision(4))}`.replace("-", "−");
  const short = `${Number(mantissa)}`.replace("-", "−");
  return short === "1" ? `10${superscript(power)}` : `${short}×10${superscript(power)}`;
}

/** Three letters of Greek and the minus sign, for the equations of boundaries. */
export const greek = (text: string): string =>
  text.replace(/alpha/g, "α").replace(/beta/g, "β").replace(/-/g, "−").replace("sqrt(2)", "√2");
