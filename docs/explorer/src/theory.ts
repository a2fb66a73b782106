/**
 * The expected risk of one-pass SGD at any step, by inversion of its generating function
 * (Paquette et al. 2024, arXiv 2405.15074, sections 2 and 3; Weideman 2006 for the contour).
 * Risk is excess risk throughout: the label noise is not part of it.
 */

import * as C from "./complex";
import type { Complex } from "./complex";
import { type Modes, type Problem, largestRate, modesOf, ridgeOnAxis, sum } from "./modes";
import { Resolvent } from "./ridge";

export const TERMS = ["capacity", "population", "distortion", "sgd_noise"] as const;
export type TermName = (typeof TERMS)[number];
export type Terms = Readonly<Record<TermName, number>>;

/** How the problem is trained: batch size, and learning rate as a fraction of the stable one. */
export interface Training {
  readonly B: number;
  readonly fraction: number;
}

/** Steps before this one are taken from a circle, later ones from Talbot's contour. */
export const EARLY = 32;
const CIRCLE = 64;
const RADIUS = Math.exp(0.35);

interface Node {
  readonly point: Complex;
  readonly weight: Complex;
}

/** Upper half of Weideman's optimal contour of n points in log s. */
const talbot = (n: number): readonly Node[] =>
  Array.from({ length: n / 2 }, (_, k) => {
    const theta = ((k + 0.5) * 2 * Math.PI) / n;
    const cotangent = 1 / Math.tan(0.6407 * theta);
    const w: Complex = [n * (-0.6122 + 0.5017 * theta * cotangent), n * 0.2645 * theta];
    const slope = 0.5017 * (cotangent - 0.6407 * theta * (1 + cotangent ** 2));
    return { point: w, weight: C.scale(2, C.multiply(C.exp(w), [slope, 0.2645])) };
  });

/** Errors near 1e-9, and near 1e-6, of the risk; larger where it has fallen fast and far. */
const CONTOURS = { fine: talbot(24), coarse: talbot(16) };

/** Upper half of the circle of s. */
const ARC: readonly Complex[] = Array.from({ length: CIRCLE / 2 }, (_, k) =>
  C.exp([Math.log(RADIUS), (2 * Math.PI * (k + 0.5)) / CIRCLE]),
);

/** Generating functions of the excess risk and of its part without feedback. */
type Pair = readonly [Complex, Complex];

/** One point s, or a path of them, on which the two resolvents are continued. */
class Path {
  private readonly inner: Resolvent;
  private readonly outer: Resolvent;

  constructor(
    private readonly modes: Modes,
    private readonly gamma: number,
    private readonly B: number,
  ) {
    this.inner = new Resolvent(modes);
    this.outer = new Resolvent(modes);
  }

  /** s - a(lam) is quadratic in lam: what is summed over the modes comes from its two roots. */
  at(sMinus1: Complex, neighbour?: Path): Pair {
    const { gamma, B } = this;
    const q = C.sqrt(C.add(C.real(1), C.scale((B + 1) / B, sMinus1)));
    const onePlusQ = C.add(C.real(1), q);
    const z0 = C.scale(-1 / gamma, C.divide(sMinus1, onePlusQ));
    const z1 = C.scale(B / (gamma * (B + 1)), onePlusQ);
    const [low, high] = [this.inner.at(z0, neighbour?.inner), this.outer.at(z1, neighbour?.outer)];
    const scale = C.scale((gamma ** 2 * (B + 1)) / B, C.subtract(z1, z0));
    const forcing = C.divide(C.subtract(low.target, high.target), scale);
    const moments = C.subtract(C.multiply(z0, low.trace), C.multiply(z1, high.trace));
    const kernel = C.scale(gamma ** 2 / B, C.divide(moments, scale));
    const labels = C.scale(this.modes.noise, C.divide(kernel, sMinus1));
    return [C.divide(C.add(forcing, labels), C.subtract(C.real(1), kernel)), forcing];
  }
}

/** Excess risk, and its part without the feedback of SGD noise. */
export interface Risk {
  readonly excess: number;
  readonly forcing: number;
}

/** A problem and its training, at any step. Steps asked for in order are continued: faster. */
export class Curve {
  readonly modes: Modes;
  readonly gamma: number;
  private readonly contour: readonly Node[];
  private readonly paths: readonly Path[];
  private circle: readonly Pair[] | null = null;
  private floor: { kappa: number; capacity: number } | null = null;

  constructor(
    readonly problem: Problem,
    readonly training: Training,
    accuracy: keyof typeof CONTOURS = "fine",
  ) {
    this.contour = CONTOURS[accuracy];
    this.modes = modesOf(problem);
    this.gamma = training.fraction * largestRate(this.modes, training.B);
    this.paths = this.contour.map(() => this.path());
  }

  /** After t steps, which need not be whole from 32 on. */
  risk(t: number): Risk {
    return t < EARLY ? this.early(Math.round(t)) : this.late(t);
  }

  /** The four terms that the risk after t steps is the sum of. */
  terms(t: number, { excess, forcing }: Risk): Terms {
    const { lam, weight } = this.modes;
    const [gamma, { B }] = [this.gamma, this.training];
    this.floor ??= this.unlearnable();
    const { kappa, capacity } = this.floor;
    const population = sum(lam, (x, k) => {
      const decay = Math.log1p(-gamma * x * (2 - ((gamma * (B + 1)) / B) * x));
      return ((weight[k] * x) / (x + kappa)) * Math.exp(t * decay);
    });
    const distortion = forcing - capacity - population;
    return { capacity, population, distortion, sgd_noise: excess - forcing };
  }

  private unlearnable(): { kappa: number; capacity: number } {
    const kappa = ridgeOnAxis(this.modes, 0);
    return { kappa, capacity: sum(this.modes.lam, (x, k) => (this.modes.weight[k] * kappa) / (x + kappa)) };
  }

  private path(): Path {
    return new Path(this.modes, this.gamma, this.training.B);
  }

  private early(t: number): Risk {
    const path = this.circle ? null : this.path();
    this.circle ??= ARC.map((s) => path!.at(C.subtract(s, C.real(1))));
    const weights = ARC.map((s) => C.scale(2 / CIRCLE, C.exp(C.scale(t + 1, C.log(s)))));
    return integral(this.circle, weights, 0);
  }

  private late(t: number): Risk {
    const values = this.contour.map(({ point }, k) => this.paths[k].at(C.expm1(C.scale(1 / (t + 1), point)), this.paths[k - 1]));
    const weights = this.contour.map(({ weight }) => C.scale(1 / (t + 1), weight));
    return integral(values, weights, 1);
  }
}

/** The real (0) or imaginary (1) part of the weighted sums. */
function integral(values: readonly Pair[], weights: readonly Complex[], part: 0 | 1): Risk {
  const total = (which: 0 | 1) =>
    values.reduce((sum, pair, k) => sum + C.multiply(pair[which], weights[k])[part], 0);
  return { excess: total(0), forcing: total(1) };
}
