/** The points of `solvable.verify.presets`, with names. */

import { minus } from "./format";
import { Fraction } from "./fraction";
import { phase } from "./phases";

type Point = [number, number];

export const POINTS: Readonly<Record<string, Point[]>> = {
  Ia: [[1, 0.3], [1.3, 0.2]],
  Ib: [[0.4, 0.4], [0.35, 0.4]],
  Ic: [[0.2, 0.7], [0.15, 0.7]],
  II: [[1, 0.7], [1.2, 0.8]],
  III: [[0.7, 1.2], [0.9, 1.5]],
  IVa: [[0.4, 0.8], [0.42, 1]],
  IVb: [[0.27, 0.7], [0.28, 0.7]],
};

const along = (...betas: number[]): Point[] => betas.map((beta) => [0.7, beta]);

export const PUBLISHED: Readonly<Record<string, Point[]>> = {
  "compute-optimal front": along(0.7),
  "exponents along a line": along(0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3),
  "negative beta": along(-0.2, -0.1, 0, 0.1, 0.2),
};

export interface Preset {
  readonly group: string;
  readonly name: string;
  readonly point: Point;
}

/** How the second point of each phase differs from the first. */
const SECOND: Readonly<Record<string, string>> = {
  Ia: "steeper spectrum",
  Ib: "flatter spectrum",
  Ic: "flatter spectrum",
  II: "steeper spectrum",
  III: "steeper spectrum",
  IVa: "easier target",
  IVb: "nearer to IVa",
};

const phaseAt = ([alpha, beta]: Point): string =>
  phase(Fraction.parse(`${alpha}`)!, Fraction.parse(`${beta}`)!)?.name ?? "no power law";

export const PRESETS: readonly Preset[] = [
  ...Object.entries(POINTS).flatMap(([name, points]) =>
    points.map((point, k) => ({ group: "phases", name: `${name}, ${k ? SECOND[name] : "typical"}`, point })),
  ),
  ...Object.entries(PUBLISHED).flatMap(([name, points]) =>
    points.map((point) => ({ group: `published: ${name}`, name: `α = ${point[0]}, β = ${minus(`${point[1]}`)}: ${phaseAt(point)}`, point })),
  ),
];
