/**
 * The phase of (alpha, beta), from the linear program that `solvable.phase` solves: the risk is
 * a sum of monomials d^x t^y; at f = d t, d = f^s each is a line in s on the scale log_f, and
 * the optimum is the highest crossing of a falling line and a rising one. Exact arithmetic.
 */

import { Fraction, fraction } from "./fraction";

export const TERMS = {
  F_0: "capacity: the part of the target outside the span of the features",
  F_pp: "population modes that are not yet learned",
  F_ac: "distortion of the modes by the features",
  K_pp: "SGD noise",
} as const;
export type Term = keyof typeof TERMS;

export const NO_POWER_LAW = "no power law";
export type Name = "Ia" | "Ib" | "Ic" | "II" | "III" | "IVa" | "IVb";

export interface Boundary {
  readonly between: readonly [string, string];
  readonly where: string;
  readonly distance: number;
}

export interface Phase {
  readonly name: Name;
  /** The best risk at compute f falls as f to this power. */
  readonly loss: Fraction;
  /** The best size at compute f grows as f to this power. */
  readonly size: Fraction;
  /** The two that balance: one that a larger d lowers, one that it raises. */
  readonly terms: readonly [Term, Term];
  readonly proven: boolean;
  readonly boundary: Boundary;
}

/** A straight piece of a boundary: start + u direction for 0 <= u <= length. */
export interface Segment {
  readonly between: readonly [string, string];
  readonly where: string;
  readonly start: readonly [number, number];
  readonly direction: readonly [number, number];
  readonly length: number;
}

/** Left of it K_pp/gamma falls with s, right of it it rises. */
export const IV = 1 - Math.sqrt(0.5);

const segment = (
  between: [string, string],
  where: string,
  start: [number, number],
  direction: [number, number],
  length = Infinity,
): Segment => ({ between, where, start, direction, length });

export const BOUNDARIES: readonly Segment[] = [
  segment(["Ia", "Ib"], "alpha = 1/2", [0.5, 0.5], [0, -1], 0.5),
  segment(["Ia", "II"], "beta = 1/2", [0.5, 0.5], [1, 0]),
  segment(["Ib", "Ic"], "beta = 1/2", [0, 0.5], [1, 0], 0.25),
  segment(["Ib", "IVb"], "beta = 1/2", [0.25, 0.5], [1, 0], IV - 0.25),
  segment(["Ib", "IVa"], "beta = 1/2", [IV, 0.5], [1, 0], 0.5 - IV),
  segment(["Ic", "IVb"], "alpha = 1/4", [0.25, 0.5], [0, 1]),
  segment(["II", "III"], "beta = alpha", [0.5, 0.5], [1, 1]),
  segment(["III", "IVa"], "alpha = 1/2", [0.5, 0.5], [0, 1]),
  segment(["IVa", "IVb"], "alpha = 1 - 1/sqrt(2)", [IV, 0.5], [0, 1]),
  segment(["Ia", NO_POWER_LAW], "alpha + beta = 1/2", [0.5, 0], [1, -1]),
  segment(["Ib", NO_POWER_LAW], "alpha + beta = 1/2", [0, 0.5], [1, -1], 0.5),
];

const ZERO = fraction(0);
const ONE = fraction(1);
const TWO = fraction(2);

/** Exponent of d in the largest stable learning rate. */
export const rateExponent = (alpha: number): number => Math.min(0, 2 * alpha - 1);

/** The phase, or null where 2 (alpha + beta) <= 1: the risk then follows no power law. */
export function phase(alpha: Fraction, beta: Fraction): Phase | null {
  if (!ONE.below(TWO.times(alpha.plus(beta)))) return null;
  const best = crossings(alpha, beta).reduce((a, b) => (a.loss.below(b.loss) ? b : a));
  const boundary = BOUNDARIES.map((piece) => seenFrom(piece, +alpha, +beta)).reduce((a, b) =>
    b.distance < a.distance ? b : a,
  );
  return {
    ...best,
    name: nameOf(alpha, beta, best.terms),
    proven: ONE.below(fraction(4).times(alpha)),
    boundary,
  };
}

/** Exponents of d and of t of each term that is present. */
function monomials(a: Fraction, b: Fraction): Map<Term, [Fraction, Fraction]> {
  const [a2, b2] = [TWO.times(a), TWO.times(b)];
  const gamma = a2.below(ONE) ? a2.minus(ONE) : ZERO;
  const inverse = ONE.over(a2);
  const rough = b2.below(ONE) ? ONE.minus(b2) : ZERO;
  const found: [Term, Fraction, Fraction][] = [
    ["F_0", rough.minus(a2), ZERO],
    ["F_pp", ZERO, ONE.minus(a2).minus(b2).over(a2)],
  ];
  if (ONE.below(a2) && ONE.below(b2)) found.push(["F_ac", fraction(-1), inverse.minus(ONE)]);
  if (ONE.below(TWO.times(a2))) found.push(["K_pp", gamma, inverse.minus(TWO)]);
  return new Map(found.map(([term, x, y]) => [term, [x.plus(gamma.times(y)), y]]));
}

function crossings(a: Fraction, b: Fraction): { loss: Fraction; size: Fraction; terms: [Term, Term] }[] {
  const lines = [...monomials(a, b)].map(([term, [x, y]]) => ({ term, y, slope: x.minus(y) }));
  return lines
    .filter((falling) => falling.slope.below(ZERO))
    .flatMap((falling) =>
      lines
        .filter((rising) => ZERO.below(rising.slope))
        .map((rising) => {
          const size = falling.y.minus(rising.y).over(rising.slope.minus(falling.slope));
          const loss = falling.y.plus(falling.slope.times(size));
          return { loss, size, terms: [falling.term, rising.term] as [Term, Term] };
        }),
    );
}

function nameOf(a: Fraction, b: Fraction, terms: readonly [Term, Term]): Name {
  const balance = terms.join();
  if (balance === "F_0,F_pp") {
    if (ONE.below(TWO.times(a))) return "Ia";
    return ONE.below(TWO.times(b)) ? "Ic" : "Ib";
  }
  const names: Record<string, Name> = {
    "F_ac,F_pp": "II",
    "F_ac,K_pp": "III",
    "F_0,K_pp": "IVa",
    "K_pp,F_pp": "IVb",
  };
  return names[balance];
}

function seenFrom({ between, where, start, direction, length }: Segment, alpha: number, beta: number): Boundary {
  const [[a, b], [x, y]] = [start, direction];
  const u = ((alpha - a) * x + (beta - b) * y) / (x * x + y * y);
  const nearest = Math.min(Math.max(u, 0), length);
  return { between, where, distance: Math.hypot(alpha - a - nearest * x, beta - b - nearest * y) };
}
