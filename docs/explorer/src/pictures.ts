/** The three charts: loss over compute, the terms of one curve, the best size. */

import type { Entry, Picture, Series } from "./chart";
import { TERM_COLOURS } from "./colours";
import { number } from "./format";
import type { Best } from "./frontier";
import type { Model } from "./model";
import type { Phase } from "./phases";
import { TERMS, type TermName } from "./theory";

export const INK = "var(--ink)";
export const TERM_WORDS: Readonly<Record<TermName, string>> = {
  capacity: "capacity",
  population: "population",
  distortion: "distortion",
  sgd_noise: "SGD noise",
};

const LADDER = ["#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d"];
const LADDER_DARK = ["#8f7fd6", "#5f8fd0", "#3aa3b3", "#35bd9c", "#8fd95f"];

/** Dark to light with the size, on either paper. */
export const ladderColour = (k: number): string => `light-dark(${LADDER[k]}, ${LADDER_DARK[k]})`;

const guideEntry = (phase: Phase | null): Entry[] => (phase ? [{ name: "slope of the phase", colours: [INK], look: "dotted" }] : []);

export function lossPicture({ curves, sampled, flops }: Model, best: readonly Best[], phase: Phase | null): Picture {
  const sizes = curves.map(({ problem }) => number(problem.d));
  const series: Series[] = sampled.map(({ flops: x, excess: y }, k) => ({ x, y, colour: ladderColour(k) }));
  series.push({ ...column(best, "excess"), colour: INK, look: "strong" });
  if (phase) series.push(guide(best, "excess", +phase.loss, flops[1]));
  const [low, high] = range(sampled.map(({ excess }) => excess));
  return {
    title: "Loss",
    xLabel: "compute f = d B t",
    yLabel: "excess risk",
    xDomain: flops,
    yDomain: [low / 1.6, high * 1.6],
    series,
    key: [
      { name: `d = ${sizes[0]} to ${sizes[sizes.length - 1]}`, colours: sizes.map((_, k) => ladderColour(k)) },
      { name: "best d", colours: [INK], look: "strong" },
      ...guideEntry(phase),
    ],
  };
}

export function termsPicture({ chosen, chosenSamples: { step, excess }, terms }: Model): Picture {
  const [low, high] = range([excess]);
  return {
    title: `Terms at d = ${number(chosen.problem.d)}`,
    xLabel: "step t",
    yLabel: "excess risk",
    xDomain: [1, step[step.length - 1]],
    yDomain: [low / 300, high * 2],
    series: [
      ...TERMS.map((name) => ({ x: step, y: terms[name], colour: TERM_COLOURS[name], look: "dashed" })),
      { x: step, y: excess, colour: INK },
    ],
    key: [
      { name: "sum", colours: [INK] },
      ...TERMS.map((name) => ({ name: TERM_WORDS[name], colours: [TERM_COLOURS[name]], look: "dashed" })),
    ],
  };
}

export function sizePicture({ curves, flops }: Model, best: readonly Best[], phase: Phase | null): Picture {
  const sizes = curves.map(({ problem }) => problem.d);
  const series: Series[] = [{ ...column(best, "d"), colour: INK, look: "strong" }];
  if (phase) series.push(guide(best, "d", +phase.size, flops[1]));
  return {
    title: "Best size",
    xLabel: "compute f = d B t",
    yLabel: "best d",
    xDomain: flops,
    yDomain: [sizes[0] / 3, sizes[sizes.length - 1] * 3],
    series,
    key: [{ name: "best d", colours: [INK], look: "strong" }, ...guideEntry(phase)],
  };
}

const column = (best: readonly Best[], name: "d" | "excess") => ({
  x: best.map(({ flops }) => flops),
  y: best.map((point) => point[name]),
});

/** The power law of the phase from the middle of the frontier on, a little aside of it. */
function guide(best: readonly Best[], name: "d" | "excess", exponent: number, end: number): Series {
  const from = best[Math.floor(best.length / 2)];
  const x = from ? [from.flops, end] : [];
  const shift = { excess: 0.4, d: 2.5 }[name];
  const y = x.map((f) => shift * from[name] * (f / from.flops) ** exponent);
  return { x, y, colour: INK, look: "dotted" };
}

function range(columns: readonly number[][]): [number, number] {
  const values = columns.flat().filter((y) => y > 0);
  return [Math.min(...values), Math.max(...values)];
}
