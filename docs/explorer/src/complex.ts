/** Complex numbers as pairs. */

export type Complex = readonly [number, number];

export const real = (x: number): Complex => [x, 0];
export const add = (a: Complex, b: Complex): Complex => [a[0] + b[0], a[1] + b[1]];
export const subtract = (a: Complex, b: Complex): Complex => [a[0] - b[0], a[1] - b[1]];
export const scale = (x: number, a: Complex): Complex => [x * a[0], x * a[1]];
export const modulus = (a: Complex): number => Math.hypot(a[0], a[1]);

export const multiply = (a: Complex, b: Complex): Complex => [
  a[0] * b[0] - a[1] * b[1],
  a[0] * b[1] + a[1] * b[0],
];

export function divide(a: Complex, b: Complex): Complex {
  const square = b[0] * b[0] + b[1] * b[1];
  return [(a[0] * b[0] + a[1] * b[1]) / square, (a[1] * b[0] - a[0] * b[1]) / square];
}

export const exp = ([x, y]: Complex): Complex => [Math.exp(x) * Math.cos(y), Math.exp(x) * Math.sin(y)];
export const log = (a: Complex): Complex => [Math.log(modulus(a)), Math.atan2(a[1], a[0])];

/** exp(a) - 1, to the last digit for small a. */
export function expm1([x, y]: Complex): Complex {
  const half = Math.sin(y / 2);
  return [Math.expm1(x) * Math.cos(y) - 2 * half * half, Math.exp(x) * Math.sin(y)];
}

/** The root with positive real part. */
export function sqrt(a: Complex): Complex {
  const r = modulus(a);
  const x = Math.sqrt((r + Math.abs(a[0])) / 2);
  const y = Math.abs(a[1]) / (2 * x);
  const [re, im] = a[0] >= 0 ? [x, y] : [y, x];
  return [re, a[1] < 0 ? -im : im];
}
