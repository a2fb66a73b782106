/** Sliders, inputs of the point, and presets. */

import { number } from "./format";
import { Fraction } from "./fraction";
import { POINTS, PUBLISHED } from "./presets";
import { type State, allowed } from "./state";

type Change = (change: Partial<State>) => void;
type Key = "d" | "ratio" | "B" | "fraction" | "noise";

interface Slider {
  readonly key: Key;
  readonly words: string;
  readonly values: readonly number[];
}

const twoDigits = (x: number): number => Number(x.toPrecision(2));
const powers = (first: number, last: number, perUnit: number): number[] =>
  Array.from({ length: (last - first) * perUnit + 1 }, (_, k) => twoDigits(10 ** (first + k / perUnit)));

const SLIDERS: readonly Slider[] = [
  { key: "d", words: "features <i>d</i>", values: powers(1, 7, 10) },
  { key: "ratio", words: "<i>v</i> / <i>d</i>", values: powers(0, 4, 10) },
  { key: "B", words: "batch <i>B</i>", values: Array.from({ length: 17 }, (_, k) => 2 ** k) },
  { key: "fraction", words: "rate / stable", values: Array.from({ length: 19 }, (_, k) => twoDigits(0.05 * (k + 1))) },
  { key: "noise", words: "noise <i>σ</i>²", values: [0, ...powers(-8, 0, 4)] },
];

export class Controls {
  private readonly inputs = new Map<Key, { input: HTMLInputElement; text: HTMLElement; values: readonly number[] }>();
  private readonly point = ["alpha", "beta"].map((id) => document.querySelector<HTMLInputElement>(`#${id}`)!);
  private readonly preset = document.querySelector<HTMLSelectElement>("#preset")!;

  constructor(change: Change) {
    for (const { key, words, values } of SLIDERS) {
      const label = document.createElement("label");
      label.innerHTML = `<span>${words}</span><b></b><input type="range" id="slider-${key}" min="0" max="${values.length - 1}" />`;
      document.querySelector("#sliders")!.append(label);
      const input = label.querySelector("input")!;
      input.addEventListener("input", () => change({ [key]: values[Number(input.value)] }));
      this.inputs.set(key, { input, text: label.querySelector("b")!, values });
    }
    for (const form of document.querySelectorAll("form")) form.addEventListener("submit", (event) => event.preventDefault());
    const read = () => {
      const [alpha, beta] = this.point.map(({ value }) => Fraction.parse(value));
      const valid = alpha && beta && allowed(+alpha, +beta);
      for (const input of this.point) input.setAttribute("aria-invalid", `${!valid}`);
      if (valid) change({ alpha, beta });
    };
    for (const input of this.point) input.addEventListener("input", read);
    this.offer(change);
  }

  /** The points of the package, each with the usual v / d there: 4 below alpha = 1/2, else 100. */
  private offer(change: Change): void {
    const groups = { ...Object.fromEntries(Object.entries(POINTS).map(([name, points]) => [`phase ${name}`, points])), ...PUBLISHED };
    this.preset.append(new Option("choose", ""));
    for (const [label, points] of Object.entries(groups)) {
      const group = document.createElement("optgroup");
      group.label = label;
      for (const [alpha, beta] of points) group.append(new Option(`${alpha}, ${beta}`));
      this.preset.append(group);
    }
    this.preset.addEventListener("change", () => {
      const [alpha, beta] = this.preset.value.split(",").map(Fraction.parse);
      if (alpha && beta) change({ alpha, beta, ratio: +alpha < 0.5 ? 4 : 100 });
    });
  }

  show(state: State): void {
    for (const [key, { input, text, values }] of this.inputs) {
      const value = state[key];
      const distance = (x: number) => Math.abs(Math.log((x + 1e-12) / (value + 1e-12)));
      const nearest = values.reduce((best, x, k) => (distance(x) < distance(values[best]) ? k : best), 0);
      input.value = `${nearest}`;
      text.textContent = number(value);
      input.setAttribute("aria-valuetext", text.textContent);
    }
    this.point.forEach((input, k) => {
      const value = [state.alpha, state.beta][k];
      if (document.activeElement !== input) input.value = decimal(value) ? `${+value}` : `${value}`;
      if (document.activeElement !== input) input.setAttribute("aria-invalid", "false");
    });
    const here = [...this.preset.options].find(({ value }) => value === `${+state.alpha}, ${+state.beta}`);
    this.preset.value = here?.value ?? "";
  }
}

/** Whether a fraction is a short decimal, and then shown as one. */
const decimal = (x: Fraction): boolean => 10000n % x.denominator === 0n;
