/** The points of `solvable.presets`. */

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
