/** Sliders, inputs of the point, and presets. */

import { number } from "./format";
import { Fraction } from "./fraction";
import { PRESETS, type Preset } from "./presets";
import { type Key, type State, read, refusal, written } from "./state";

type Change = (change: Partial<State>) => void;
type SliderKey = Exclude<Key, "alpha" | "beta">;

interface Slider {
  readonly key: SliderKey;
  readonly words: string;
  readonly values: readonly number[];
}

const twoDigits = (x: number): number => Number(x.toPrecision(2));
const powers = (first: number, last: number, perUnit: number): number[] =>
  Array.from({ length: (last - first) * perUnit + 1 }, (_, k) => twoDigits(10 ** (first + k / perUnit)));

const SLIDERS: readonly Slider[] = [
  { key: "d", words: "size <i>d</i>", values: powers(1, 7, 10) },
  { key: "ratio", words: "<i>v</i> / <i>d</i>", values: powers(0, 4, 10) },
  { key: "B", words: "batch <i>B</i>", values: Array.from({ length: 17 }, (_, k) => 2 ** k) },
  { key: "fraction", words: "rate / stable", values: Array.from({ length: 19 }, (_, k) => twoDigits(0.05 * (k + 1))) },
  { key: "noise", words: "noise <i>σ</i>²", values: [0, ...powers(-8, 0, 4)] },
];

export class Controls {
  private readonly sliders = new Map<SliderKey, { input: HTMLInputElement; text: HTMLElement; values: readonly number[] }>();
  private readonly boxes = (["alpha", "beta"] as const).map((key) => ({ key, box: document.querySelector<HTMLInputElement>(`#${key}`)! }));
  private readonly preset = document.querySelector<HTMLSelectElement>("#preset")!;

  /** Every change is made known, and so is what was typed and cannot be shown. */
  constructor(change: Change, refuse: (words: string) => void, state: () => State) {
    for (const { key, words, values } of SLIDERS) {
      const row = document.createElement("label");
      row.innerHTML = `<span>${words}</span><b></b><input type="range" id="slider-${key}" min="0" max="${values.length - 1}" />`;
      document.querySelector("#sliders")!.append(row);
      const input = row.querySelector("input")!;
      input.addEventListener("input", () => change({ [key]: values[Number(input.value)] }));
      this.sliders.set(key, { input, text: row.querySelector("b")!, values });
    }
    for (const form of document.querySelectorAll("form")) form.addEventListener("submit", (event) => event.preventDefault());
    for (const { key, box } of this.boxes) {
      box.addEventListener("input", () => {
        const value = read(key, box.value);
        box.setAttribute("aria-invalid", `${typeof value === "string"}`);
        if (typeof value === "string") refuse(refusal(key, box.value, value, state()));
        else change({ [key]: value });
      });
      box.addEventListener("change", () => fill(box, state()[key])); // once left, it says what is shown
    }
    this.offer(change);
  }

  /** Each point comes with the usual v / d there: 4 below alpha = 1/2, else 100. */
  private offer(change: Change): void {
    this.preset.append(new Option("presets …", ""));
    for (const name of new Set(PRESETS.map(({ group }) => group))) {
      const group = document.createElement("optgroup");
      group.label = name;
      for (const preset of PRESETS.filter(({ group }) => group === name))
        group.append(new Option(preset.name, `${PRESETS.indexOf(preset)}`));
      this.preset.append(group);
    }
    this.preset.addEventListener("change", () => {
      const point = PRESETS[Number(this.preset.value || NaN)]?.point;
      if (!point) return;
      const [alpha, beta] = point.map((x) => Fraction.parse(`${x}`)!);
      change({ alpha, beta, ratio: +alpha < 0.5 ? 4 : 100 });
    });
  }

  show(state: State): void {
    for (const [key, { input, text, values }] of this.sliders) {
      const value = state[key];
      const distance = (x: number) => Math.abs(Math.log((x + 1e-12) / (value + 1e-12)));
      const nearest = values.reduce((best, x, k) => (distance(x) < distance(values[best]) ? k : best), 0);
      input.value = `${nearest}`;
      text.textContent = number(value);
      input.setAttribute("aria-valuetext", text.textContent);
    }
    for (const { key, box } of this.boxes) {
      const same = `${read(key, box.value)}` === `${state[key]}`;
      if (!same || document.activeElement !== box) fill(box, state[key]); // "0.70" stays while it is typed
    }
    const isHere = ({ point: [alpha, beta] }: Preset) => alpha === +state.alpha && beta === +state.beta;
    const chosen = PRESETS[Number(this.preset.value || NaN)];
    if (!chosen || !isHere(chosen)) this.preset.value = indexOrNone(PRESETS.findIndex(isHere));
  }
}

const indexOrNone = (k: number): string => (k < 0 ? "" : `${k}`);

function fill(box: HTMLInputElement, value: Fraction): void {
  box.value = written(value);
  box.setAttribute("aria-invalid", "false");
}
