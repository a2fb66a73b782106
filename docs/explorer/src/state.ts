/** What the page shows, all of it kept in the address; and why a text cannot be shown. */

import { minus } from "./format";
import { Fraction, fraction } from "./fraction";

export type Theme = "light" | "dark";

export interface State {
  readonly alpha: Fraction;
  readonly beta: Fraction;
  readonly d: number;
  readonly ratio: number;
  readonly B: number;
  readonly fraction: number;
  readonly noise: number;
  /** Null is the theme of the system. */
  readonly theme: Theme | null;
}

export const START: State = {
  alpha: fraction(1),
  beta: fraction(7, 10),
  d: 1000,
  ratio: 100,
  B: 1,
  fraction: 0.5,
  noise: 0,
  theme: null,
};

/** The part of the plane that is shown. */
export const PLANE = { alpha: [0, 1.5], beta: [-0.3, 1.6] } as const;

interface Range {
  /** In the address, and in a sentence. */
  readonly word: string;
  readonly symbol: string;
  readonly low: number;
  readonly high: number;
  readonly whole?: boolean;
}

export const RANGES = {
  alpha: { word: "alpha", symbol: "α", low: 0.05, high: PLANE.alpha[1] },
  beta: { word: "beta", symbol: "β", low: PLANE.beta[0], high: PLANE.beta[1] },
  d: { word: "d", symbol: "d", low: 8, high: 1e8, whole: true },
  ratio: { word: "v/d", symbol: "v/d", low: 1, high: 1e4 },
  B: { word: "B", symbol: "B", low: 1, high: 65536, whole: true },
  fraction: { word: "fraction", symbol: "rate / stable", low: 0.01, high: 0.99 },
  noise: { word: "noise", symbol: "σ²", low: 0, high: 10 },
} as const satisfies Readonly<Record<string, Range>>;
export type Key = keyof typeof RANGES;
const KEYS = Object.keys(RANGES) as Key[];

const LONGEST = 40; // characters of a number

/** The number that a text writes, or, as a string, why it cannot be shown. */
export function read(key: Key, text: string): Fraction | string {
  const { low, high, whole }: Range = RANGES[key];
  const value = text.length > LONGEST ? null : Fraction.parse(text);
  if (!value) return "is not a number";
  if (!(+value >= low && +value <= high)) return minus(`is not between ${low} and ${high}`);
  return whole && value.denominator !== 1n ? "is not a whole number" : value;
}

/** What was asked for, why it is not shown, and what is. */
export function refusal(key: Key, text: string, why: string, shown: State): string {
  const { symbol } = RANGES[key];
  return `${symbol} = “${short(text)}” ${why}: ${symbol} = ${minus(written(shown[key]))} is shown.`;
}

/** A short decimal, or else the fraction. */
export const written = (x: Fraction | number): string =>
  typeof x === "number" || 10000n % x.denominator === 0n ? `${+x}` : `${x}`;

const short = (text: string): string => (text.length > 16 ? `${text.slice(0, 15)}…` : text);

export function toHash(state: State): string {
  const words = KEYS.map((key) => `${RANGES[key].word}=${state[key]}`);
  return `#${[...words, ...(state.theme ? [`theme=${state.theme}`] : [])].join("&")}`;
}

/** The state of an address. What it lacks is as at the start; so is what it has wrong, which is said. */
export function fromHash(hash: string): { state: State; faults: string[] } {
  const state: { -readonly [key in keyof State]: State[key] } = { ...START };
  const faults: string[] = [];
  for (const [word, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const key = KEYS.find((key) => RANGES[key].word === word);
    const value = key && read(key, text);
    if (word === "theme" && (text === "light" || text === "dark")) state.theme = text;
    else if (word === "theme") faults.push(`theme = “${short(text)}” is neither light nor dark: that of the system is shown.`);
    else if (!key) faults.push(`“${short(word)}” is not a setting of this page.`);
    else if (typeof value === "string") faults.push(refusal(key, text, value, START));
    else Object.assign(state, { [key]: key === "alpha" || key === "beta" ? value : +value! });
  }
  return { state, faults };
}
