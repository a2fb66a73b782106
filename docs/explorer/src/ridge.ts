/**
 * The resolvent of random features: kappa (1 - df1(kappa) / d) = -z gives its traces at any z.
 * (Paquette et al. 2024, arXiv 2405.15074, section 3.)
 */

import * as C from "./complex";
import type { Complex } from "./complex";
import { type Modes, ridgeOnAxis } from "./modes";

/** A root, and d log kappa / d log(-z) there, from which the next one is guessed. */
interface Root {
  readonly minusZ: Complex;
  readonly kappa: Complex;
  readonly slope: Complex;
}

/** The two traces: of the target, and of K. */
export interface Traces {
  readonly target: Complex;
  readonly trace: Complex;
}

const CLOSE = 1e-7; // of a Newton step, whose square is the error that is left

/** Traces along a path of z, each point continued from the one before. */
export class Resolvent {
  private last: Root | null = null;
  private readonly modes: Modes;

  constructor(modes: Modes) {
    this.modes = modes;
  }

  at(z: Complex): Traces {
    const minusZ: Complex = [-z[0], -z[1]];
    const root = this.last && this.continued(this.last, minusZ);
    this.last = root && sameHalf(root) ? root : this.afresh(minusZ);
    const [df1, , target] = this.sums(this.last.kappa);
    return { target: C.multiply(C.divide(this.last.kappa, minusZ), target), trace: df1 };
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
      const [df1, df2] = this.sums(kappa);
      const slope = C.subtract(C.real(1), C.scale(1 / d, df2));
      const value = C.multiply(kappa, C.subtract(C.real(1), C.scale(1 / d, df1)));
      const change = C.divide(C.subtract(value, minusZ), slope);
      kappa = C.subtract(kappa, change);
      if (C.modulus(change) < CLOSE * C.modulus(kappa) || k > 50)
        return { minusZ, kappa, slope: C.divide(minusZ, C.multiply(kappa, slope)) };
    }
  }

  /** sum lam / (lam + kappa), sum lam^2 / (lam + kappa)^2, and sum weight / (lam + kappa). */
  private sums([x, y]: Complex): [Complex, Complex, Complex] {
    const { lam, count, weight } = this.modes;
    let [a, b, c, e, f, g] = [0, 0, 0, 0, 0, 0];
    for (let k = 0; k < lam.length; k++) {
      const shifted = lam[k] + x;
      const inverse = 1 / (shifted * shifted + y * y);
      const re = shifted * inverse;
      const im = -y * inverse;
      const mass = count[k] * lam[k];
      a += mass * re;
      b += mass * im;
      c += mass * lam[k] * (re * re - im * im);
      e += mass * lam[k] * 2 * re * im;
      f += weight[k] * re;
      g += weight[k] * im;
    }
    return [
      [a, b],
      [c, e],
      [f, g],
    ];
  }
}

/** kappa and -z lie in one half-plane: another root of the equation may not. */
const sameHalf = ({ kappa, minusZ }: Root): boolean => kappa[1] * minusZ[1] >= 0;
