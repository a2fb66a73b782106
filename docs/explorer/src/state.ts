/** What the page shows, all of it in the address. */

import { Fraction, fraction } from "./fraction";

export interface State {
  readonly alpha: Fraction;
  readonly beta: Fraction;
  readonly d: number;
  readonly ratio: number;
  readonly B: number;
  readonly fraction: number;
  readonly noise: number;
}

export const START: State = {
  alpha: fraction(1),
  beta: fraction(7, 10),
  d: 1000,
  ratio: 100,
  B: 1,
  fraction: 0.5,
  noise: 0,
};

/** The part of the plane that is shown and may be chosen from. */
export const PLANE = { alpha: [0, 1.5], beta: [-0.3, 1.6] } as const;
const LEAST_ALPHA = 0.05;

export const allowed = (alpha: number, beta: number): boolean =>
  alpha >= LEAST_ALPHA && alpha <= PLANE.alpha[1] && beta >= PLANE.beta[0] && beta <= PLANE.beta[1];

const whole = (least: number, most: number) => (x: number) => Number.isInteger(x) && x >= least && x <= most;

const NUMBERS = {
  d: { word: "d", valid: whole(8, 1e8) },
  ratio: { word: "v/d", valid: (x: number) => x >= 1 && x <= 1e4 },
  B: { word: "B", valid: whole(1, 65536) },
  fraction: { word: "fraction", valid: (x: number) => x > 0 && x < 1 },
  noise: { word: "noise", valid: (x: number) => x >= 0 && x <= 10 },
} as const;

export function toHash(state: State): string {
  const words = Object.entries(NUMBERS).map(([key, { word }]) => `${word}=${state[key as keyof typeof NUMBERS]}`);
  return `#${[`alpha=${state.alpha}`, `beta=${state.beta}`, ...words].join("&")}`;
}

/** The state of an address; what it lacks or has wrong is as at the start. */
export function fromHash(hash: string): State {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const state: { -readonly [key in keyof State]: State[key] } = { ...START };
  const [alpha, beta] = ["alpha", "beta"].map((word) => Fraction.parse(words.get(word) ?? ""));
  if (alpha && beta && allowed(+alpha, +beta)) Object.assign(state, { alpha, beta });
  for (const [key, { word, valid }] of Object.entries(NUMBERS)) {
    const value = Number(words.get(word) ?? NaN);
    if (valid(value)) state[key as keyof typeof NUMBERS] = value;
  }
  return state;
}
