/**
 * Sums over the coordinates j = 1, ..., v, at a cost that grows like log v: exact over the first
 * 16, and over each octave above them a Gauss rule for the discrete sum (Gram's polynomials).
 */

export interface Rule {
  readonly node: number[];
  readonly weight: number[];
}

const EXACT = 16;
const NODES = 8;

/** Nodes and weights for the sum over the integers first, ..., first + n - 1. */
function gramRule(first: number, n: number): Rule {
  if (n <= NODES) return { node: Array.from({ length: n }, (_, i) => first + i), weight: Array(n).fill(1) };
  const square = (k: number) => (k * k * (1 - (k / n) ** 2)) / (4 * (4 * k * k - 1));
  const coupling = Array.from({ length: NODES + 1 }, (_, k) => (k ? Math.sqrt(square(k)) : 0));
  /** The orthonormal polynomial at x, which is in units of n from the middle. */
  const polynomial = (x: number, degree: number) => {
    let [before, p] = [0, 1];
    for (let k = 0; k < degree; k++) [before, p] = [p, (x * p - coupling[k] * before) / coupling[k + 1]];
    return p;
  };
  const degrees = Array.from({ length: NODES }, (_, k) => k);
  let roots: number[] = [];
  for (let degree = 1; degree <= NODES; degree++) {
    const ends = [-0.5, ...roots, 0.5]; // the roots of one degree lie between those of the last
    const f = (x: number) => polynomial(x, degree);
    roots = Array.from({ length: degree }, (_, i) => rootOf(f, ends[i], ends[i + 1]));
  }
  return {
    node: roots.map((x) => first + (n - 1) / 2 + n * x),
    weight: roots.map((x) => n / degrees.reduce((sum, k) => sum + polynomial(x, k) ** 2, 0)),
  };
}

/** The root of f between two points: halving until it is alone and f is straight, then secants. */
function rootOf(f: (x: number) => number, low: number, high: number): number {
  const sign = Math.sign(f(high));
  for (let k = 0; k < 14; k++) {
    const middle = (low + high) / 2;
    if (f(middle) * sign > 0) high = middle;
    else low = middle;
  }
  let [x, fx, y, fy] = [low, f(low), high, f(high)];
  for (let k = 0; k < 5 && fx !== fy; k++) {
    const next = y - (fy * (y - x)) / (fy - fx);
    [x, fx, y, fy] = [y, fy, next, f(next)];
  }
  return y;
}

const octaves: Rule[] = [];

/** Nodes j and multiplicities with sum(weight f(node)) equal to the sum of f over 1, ..., v. */
export function coordinates(v: number): Rule {
  const first = Math.min(v, EXACT);
  const node = Array.from({ length: first }, (_, i) => i + 1);
  const weight = Array<number>(first).fill(1);
  for (let k = 0, start = EXACT; start < v; k++, start *= 2) {
    const whole = 2 * start <= v;
    const rule = whole ? (octaves[k] ??= gramRule(start + 1, start)) : gramRule(start + 1, v - start);
    node.push(...rule.node);
    weight.push(...rule.weight);
  }
  return { node, weight };
}
