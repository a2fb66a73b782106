/** From the state to the numbers that are drawn, saved and read. */

import { type Best, budgets, curveOf, frontier, ladder, lastBudget } from "./frontier";
import type { State } from "./state";
import { type Curve, EARLY, TERMS, type TermName } from "./theory";

export interface Sampled {
  readonly step: number[];
  readonly flops: number[];
  readonly excess: number[];
}

export interface Model {
  readonly curves: readonly Curve[];
  readonly sampled: readonly Sampled[];
  /** The curve of the size that is chosen, its samples, and their terms. */
  readonly chosen: Curve;
  readonly chosenSamples: Sampled;
  readonly terms: Readonly<Record<TermName, number[]>>;
  /** First and last budget. */
  readonly flops: readonly [number, number];
}

const DENSITY = { chosen: { perDecade: 6, most: 96 }, others: { perDecade: 3, most: 48 } };
const FIRST_STEPS = [1, 2, 3, 5, 8, 12, 19];

const familyOf = (state: State) => ({ ...state, alpha: +state.alpha, beta: +state.beta });

export function modelOf(state: State): Model {
  const sizes = ladder(state.d);
  const curves = sizes.map((d) => curveOf(familyOf(state), d, state));
  const largest = curves[curves.length - 1];
  const end = lastBudget(state.alpha, state.beta, largest);
  const at = sizes.indexOf(state.d);
  const steps = curves.map((curve, k) => {
    const last = Math.min(end, 1e3 * lastBudget(state.alpha, state.beta, curve)) / (curve.problem.d * state.B);
    const density = k === at ? DENSITY.chosen : DENSITY.others;
    return [...FIRST_STEPS, ...budgets(EARLY, Math.max(last, 2 * EARLY), density)];
  });
  const risks = steps.map((step, k) => step.map((t) => curves[k].risk(t)));
  const sampled = steps.map((step, k) => ({
    step,
    flops: step.map((t) => t * curves[k].problem.d * state.B),
    excess: risks[k].map(({ excess }) => excess),
  }));
  const [chosen, chosenSamples] = [curves[at], sampled[at]];
  const split = risks[at].map((risk, k) => chosen.terms(steps[at][k], risk));
  const columns = TERMS.map((name) => [name, split.map((terms) => terms[name])]);
  const terms: Record<TermName, number[]> = Object.fromEntries(columns);
  return { curves, sampled, chosen, chosenSamples, terms, flops: [sizes[0] * state.B, end] };
}

export function frontierOf(state: State, { curves, flops: [, end] }: Model): Best[] {
  const sizes = curves.map(({ problem }) => problem.d);
  return frontier(familyOf(state), state, sizes, budgets(sizes[0] * state.B * EARLY, end));
}

/** The local exponent of a column of the frontier at compute f; null where f is outside. */
export function slopeAt(best: readonly Best[], column: "d" | "excess", f: number): number | null {
  const next = best.findIndex(({ flops }) => flops >= f);
  if (next <= 0) return null;
  const [a, b] = [best[next - 1], best[next]];
  return Math.log(b[column] / a[column]) / Math.log(b.flops / a.flops);
}

/** A column of the frontier at compute f, between its points; null where f is outside. */
export function between(best: readonly Best[], column: "d" | "excess", f: number): number | null {
  const slope = slopeAt(best, column, f);
  if (slope === null) return null;
  const before = best[best.findIndex(({ flops }) => flops >= f) - 1];
  return before[column] * (f / before.flops) ** slope;
}
