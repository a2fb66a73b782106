/**
 * The resolvent of random features: kappa (1 - df1(kappa) / d) = -z gives its traces at any z.
 * (Paquette et al. 2024, arXiv 2405.15074, section 3.)
 */

import * as C from "./complex";
import type { Complex } from "./complex";
import { type Modes, ridgeOnAxis } from "./modes";

/** A root with the traces at it, and d log kappa / d log(-z), from which the next one is guessed. */
interface Root {
  readonly minusZ: Complex;
  readonly kappa: Complex;
  readonly slope: Complex;
  readonly traces: Traces;
}

/** The two traces: of the target, and of K. */
export interface Traces {
  readonly target: Complex;
  readonly trace: Complex;
}

interface Sums {
  readonly df1: Complex;
  readonly df2: Complex;
  readonly target: Complex;
  readonly targetSlope: Complex;
}

const CLOSE = 1e-7; // of a Newton step, whose square is the error that is left

/** Traces along a path of z, each point continued from the one before. */
export class Resolvent {
  private last: Root | null = null;
  private readonly modes: Modes;

  constructor(modes: Modes) {
    this.modes = modes;
  }

  /** At z, which is near the last z or, before there is one, near that of a neighbour. */
  at(z: Complex, neighbour?: Resolvent): Traces {
    const minusZ: Complex = [-z[0], -z[1]];
    const near = this.last ?? neighbour?.last;
    const root = near && this.continued(near, minusZ);
    this.last = root && sameHalf(root) ? root : this.afresh(minusZ);
    return this.last.traces;
  }

  /** From the real axis, turning the phase of z in quarters. */
  private afresh(minusZ: Complex): Root {
    const [logR, theta] = C.log(minusZ);
    const kappa = C.real(ridgeOnAxis(this.modes, Math.exp(logR)));
    let root = this.newton(C.real(Math.exp(logR)), kappa);
    for (let k = 1; k < 4; k++) root = this.continued(root, C.exp([logR, (theta * k) / 4]));
    return this.continued(root, minusZ);
  }

  private continued({ minusZ: before, kappa, slope }: Root, minusZ: Complex): Root {
    const turn = C.log(C.divide(minusZ, before));
    return this.newton(minusZ, C.multiply(kappa, C.exp(C.multiply(slope, turn))));
  }

  private newton(minusZ: Complex, kappa: Complex): Root {
    const { d } = this.modes;
    for (let k = 0; ; k++) {
      const { df1, df2, target, targetSlope } = this.sums(kappa);
      const slope = C.subtract(C.real(1), C.scale(1 / d, df2));
      const value = C.multiply(kappa, C.subtract(C.real(1), C.scale(1 / d, df1)));
      const change = C.divide(C.subtract(minusZ, value), slope);
      const relative = C.divide(change, kappa);
      kappa = C.add(kappa, change);
      if (C.modulus(relative) > CLOSE && k < 50) continue;
      // The sums are those before the last step, which is short: they are carried along it.
      const moved = C.add(target, C.multiply(targetSlope, change));
      const trace = C.subtract(df1, C.multiply(relative, C.subtract(df1, df2)));
      const traces = { target: C.multiply(C.divide(kappa, minusZ), moved), trace };
      return { minusZ, kappa, slope: C.divide(minusZ, C.multiply(kappa, slope)), traces };
    }
  }

  /** df1 = sum lam / (lam + kappa), df2 = sum lam^2 / (lam + kappa)^2; sum weight / (lam + kappa), its slope. */
  private sums([x, y]: Complex): Sums {
    const { lam, count, weight } = this.modes;
    let [a, b, c, e, f, g, p, q] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let k = 0; k < lam.length; k++) {
      const shifted = lam[k] + x;
      const inverse = 1 / (shifted * shifted + y * y);
      const re = shifted * inverse;
      const im = -y * inverse;
      const squareRe = re * re - im * im;
      const squareIm = 2 * re * im;
      const mass = count[k] * lam[k];
      a += mass * re;
      b += mass * im;
      c += mass * lam[k] * squareRe;
      e += mass * lam[k] * squareIm;
      f += weight[k] * re;
      g += weight[k] * im;
      p -= weight[k] * squareRe;
      q -= weight[k] * squareIm;
    }
    return { df1: [a, b], df2: [c, e], target: [f, g], targetSlope: [p, q] };
  }
}

/** kappa and -z lie in one half-plane: another root of the equation may not. */
const sameHalf = ({ kappa, minusZ }: Root): boolean => kappa[1] * minusZ[1] >= 0;
