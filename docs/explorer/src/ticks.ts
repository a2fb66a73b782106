/** Ticks of logarithmic axes: whole decades, as many as there is room for. */

export interface Ticks {
  /** Labelled. */
  readonly major: number[];
  readonly minor: number[];
}

export function decades(low: number, high: number, room: number): Ticks {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const stride = Math.max(1, Math.ceil((last - first + 1) / room));
  const every = Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => first + k);
  const inside = (x: number) => x >= low && x <= high;
  const power = (k: number) => Number(`1e${k}`);
  const rest = every.filter((k) => k % stride !== 0).map(power);
  const between = stride === 1 ? [first - 1, ...every].flatMap((k) => [2, 3, 4, 5, 6, 7, 8, 9].map((m) => m * power(k))) : [];
  return {
    major: every.filter((k) => k % stride === 0).map(power).filter(inside),
    minor: [...rest, ...between].filter(inside),
  };
}
