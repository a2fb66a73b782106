/** The modes of power-law data, and what is read from them on the real axis. */

import { coordinates } from "./sums";

/** d features of data with covariance eigenvalues j^(-2 alpha) and target coefficients j^-beta. */
export interface Problem {
  readonly alpha: number;
  readonly beta: number;
  readonly d: number;
  /** Number of coordinates j, at least d. */
  readonly v: number;
  /** Variance of the label noise. */
  readonly noise: number;
}

/** Nodes in place of the modes: eigenvalue, how many it stands for, risk on it at the start. */
export interface Modes {
  readonly d: number;
  readonly v: number;
  readonly noise: number;
  readonly lam: Float64Array;
  readonly count: Float64Array;
  readonly weight: Float64Array;
  readonly trace: number;
}

export function modesOf({ alpha, beta, d, v, noise }: Problem): Modes {
  const { node, weight: multiplicity } = coordinates(v);
  const [lam, count, weight] = [0, 1, 2].map(() => new Float64Array(node.length));
  for (let k = 0; k < node.length; k++) {
    lam[k] = node[k] ** (-2 * alpha);
    count[k] = multiplicity[k];
    weight[k] = multiplicity[k] * node[k] ** (-2 * (alpha + beta));
  }
  return { d, v, noise, lam, count, weight, trace: sum(lam, (x, k) => x * count[k]) };
}

export function sum(values: Float64Array, term: (x: number, k: number) => number): number {
  let total = 0;
  for (let k = 0; k < values.length; k++) total += term(values[k], k);
  return total;
}

/** Effective ridge kappa (1 - df1 / d) = r at r >= 0; Newton descends from the right. */
export function ridgeOnAxis({ lam, count, d, trace, v }: Modes, r: number): number {
  if (r === 0 && v <= d) return 0; // as many features as coordinates resolve everything
  let kappa = r + trace / d;
  for (let k = 0; k < 100; k++) {
    const [df1, df2] = degreesOfFreedom(lam, count, kappa);
    const change = (kappa * (1 - df1 / d) - r) / (1 - df2 / d);
    kappa -= change;
    if (Math.abs(change) < 1e-9 * kappa) break;
  }
  return kappa;
}

function degreesOfFreedom(lam: Float64Array, count: Float64Array, kappa: number): [number, number] {
  let [df1, df2] = [0, 0];
  for (let k = 0; k < lam.length; k++) {
    const share = lam[k] / (lam[k] + kappa);
    df1 += count[k] * share;
    df2 += count[k] * share * share;
  }
  return [df1, df2];
}

/** The largest stable learning rate: the kernel sums below one, no mode is past the edge. */
export function largestRate(modes: Modes, B: number): number {
  const { lam, count, d, trace } = modes;
  /** Sum over the modes of the n-th power of lam / (x - lam), n = 1 or 2, at x = 1 + gap. */
  const power = (gap: number, n: number) =>
    sum(lam, (x, k) => {
      const ratio = x / (1 - x + gap);
      return count[k] * (n === 2 ? ratio * ratio : ratio);
    });
  /** The derivative of its logarithm by that of the gap. */
  const slopeOf = (gap: number, n: number) =>
    sum(lam, (x, k) => {
      const ratio = x / (1 - x + gap);
      return (-n * gap * count[k] * (n === 2 ? ratio * ratio : ratio)) / (1 - x + gap);
    }) / power(gap, n);
  /** Where the n-th sum is the level, between two gaps: Newton in logarithms, kept between them. */
  const solve = (n: number, level: number, low: number, high: number) => {
    let [left, right] = [Math.log(low), Math.log(high)];
    let y = (left + right) / 2;
    for (let k = 0; k < 100; k++) {
      const gap = Math.exp(y);
      const value = power(gap, n);
      if (value > level) left = y;
      else right = y;
      const next = y - Math.log(value / level) / slopeOf(gap, n);
      if (Math.abs(next - y) < 1e-15) break;
      y = next > left && next < right ? next : (left + right) / 2;
      if (right - left < 1e-15) break;
    }
    return Math.exp(y);
  };
  const kernelGap = solve(1, B + 1, 1 / (B + 1), trace / (B + 1));
  const square = sum(lam, (x, k) => count[k] * x * x);
  const bandGap = solve(2, d, Math.sqrt(1 / d), Math.sqrt((3 * square) / d));
  const gap = Math.max(kernelGap, bandGap);
  return (2 * B) / ((B + 1) * (1 + gap) * (1 + power(gap, 1) / d));
}
