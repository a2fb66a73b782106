/**
 * The ladder of sizes around one, and the best of all sizes at each budget f = d B t. Sizes and
 * budgets lie on logarithmic grids, so that each size is asked for its steps in order.
 */

import { fraction, Fraction } from "./fraction";
import { phase, rateExponent } from "./phases";
import { Curve, EARLY, type Training } from "./theory";

/** A problem at any size. */
export interface Family {
  readonly alpha: number;
  readonly beta: number;
  /** v / d. */
  readonly ratio: number;
  readonly noise: number;
}

export interface Best {
  readonly flops: number;
  readonly d: number;
  readonly excess: number;
}

const SMALLEST = 8;
const PER_DECADE = 6; // sizes in the search
const BUDGETS = { perDecade: 2, most: 48 };

export function curveOf(family: Family, d: number, training: Training, accuracy: "fine" | "coarse" = "fine"): Curve {
  const { alpha, beta, ratio, noise } = family;
  return new Curve({ alpha, beta, d, v: Math.max(d, Math.round(ratio * d)), noise }, training, accuracy);
}

/** The size itself, and its multiples by 10 and 100 and their inverses. */
export function ladder(d: number): number[] {
  return [-2, -1, 0, 1, 2].map((k) => Math.round(d * 10 ** k)).filter((size) => size >= SMALLEST);
}

/** Where the last size of a ladder has nothing more to gain, by the exponents of its phase. */
export function lastBudget(alpha: Fraction, beta: Fraction, largest: Curve): number {
  const size = +(phase(alpha, beta)?.size ?? fraction(1, 2));
  const tau = largest.problem.d ** ((1 - size) / size + rateExponent(+alpha));
  return (30 * largest.problem.d * largest.training.B * tau) / largest.gamma;
}

/** How dense points are on a logarithmic axis, and how many at most, however many decades it spans. */
export interface Density {
  readonly perDecade: number;
  readonly most: number;
}

/** Budgets evenly spaced in the logarithm, both ends included. */
export function budgets(first: number, last: number, { perDecade, most }: Density = BUDGETS): number[] {
  const count = Math.min(Math.max(2, Math.ceil(perDecade * Math.log10(last / first))), most);
  return Array.from({ length: count + 1 }, (_, k) => first * (last / first) ** (k / count));
}

/** The best size at each budget, where it lies between the sizes searched. */
export function frontier(family: Family, training: Training, sizes: readonly number[], flops: readonly number[]): Best[] {
  const [low, high] = [Math.log(Math.max(SMALLEST, sizes[0] / 3)), Math.log(sizes[sizes.length - 1] * 3)];
  const count = Math.ceil(((high - low) / Math.LN10) * PER_DECADE);
  const searched = Array.from({ length: count + 1 }, (_, k) =>
    curveOf(family, Math.round(Math.exp(low + ((high - low) * k) / count)), training, "coarse"),
  );
  const logRisk = searched.map(() => new Map<number, number>());
  const at = (k: number, f: number): number => {
    const { problem } = searched[k];
    const t = f / (problem.d * training.B);
    if (t < EARLY) return Infinity;
    const known = logRisk[k].get(f);
    const found = known ?? Math.log(searched[k].risk(t).excess);
    logRisk[k].set(f, found);
    return found;
  };
  let start = 0;
  return flops.flatMap((f) => {
    let best = start; // the optimum moves little from one budget to the next
    while (best < count && at(best + 1, f) < at(best, f)) best++;
    while (best > 0 && at(best - 1, f) < at(best, f)) best--;
    start = best;
    if (best === 0 || best === count) return [];
    const first = Math.min(Math.max(best - 2, 0), count - 4);
    const near = [0, 1, 2, 3, 4].map((k) => first + k).filter((k) => at(k, f) < Infinity);
    if (near[near.length - 1] === best) return [];
    const x = near.map((k) => Math.log(searched[k].problem.d));
    const y = near.map((k) => at(k, f));
    const [logD, least] = minimum(x, y, Math.log(searched[best - 1].problem.d), Math.log(searched[best + 1].problem.d));
    return [{ flops: f, d: Math.exp(logD), excess: Math.exp(least) }];
  });
}

/** The least value between low and high of the polynomial through the points, by golden section. */
function minimum(x: readonly number[], y: readonly number[], low: number, high: number): [number, number] {
  const shrink = (Math.sqrt(5) - 1) / 2;
  for (let k = 0; k < 40; k++) {
    const [left, right] = [high - shrink * (high - low), low + shrink * (high - low)];
    if (lagrange(x, y, left) < lagrange(x, y, right)) high = right;
    else low = left;
  }
  return [(low + high) / 2, lagrange(x, y, (low + high) / 2)];
}

function lagrange(x: readonly number[], y: readonly number[], at: number): number {
  return y.reduce(
    (sum, value, i) => sum + x.reduce((term, xj, j) => (j === i ? term : (term * (at - xj)) / (x[i] - xj)), value),
    0,
  );
}
