/** The picture as SVG or PNG, and the numbers as CSV or JSON. */

import type { Best } from "./frontier";
import { widthOf } from "./measure";
import type { Model } from "./model";
import type { Phase } from "./phases";
import { type State, toHash } from "./state";
import { TERMS } from "./theory";

const NAME = "solvable_explorer";
const SPACE = "http://www.w3.org/2000/svg";
const GAP = 28;
const LETTERS = 12; // size of the caption
const LINE = 17; // from one line of it to the next
const KEPT = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap"],
  ...["font-family", "font-size", "font-style", "text-anchor", "dominant-baseline"],
];

export function download(kind: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = `${NAME}.${kind}`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/**
 * The charts in two columns, with the style of the page written into every element, and below the
 * shorter column what they show.
 */
export function picture(charts: readonly SVGSVGElement[], caption: readonly string[]): { svg: Blob; width: number; height: number } {
  const boxes = charts.map((chart) => chart.getBoundingClientRect());
  const columns = [{ x: GAP, width: 0, bottom: 0 }, { x: 0, width: 0, bottom: 0 }];
  const shorter = () => (columns[1].bottom < columns[0].bottom ? columns[1] : columns[0]);
  const places = boxes.map((box) => {
    const column = shorter();
    const y = column.bottom + GAP;
    [column.width, column.bottom] = [Math.max(column.width, box.width), y + box.height];
    return { column, y };
  });
  columns[1].x = columns[0].width + 2 * GAP;
  const below = shorter();
  const { backgroundColor, color } = getComputedStyle(document.body);
  const { fontFamily } = getComputedStyle(document.querySelector("output")!);
  const lines = wrapped(caption, below.width);
  const first = below.bottom + GAP + LINE;
  below.bottom = first + lines.length * LINE;
  const [width, height] = [columns[1].x + columns[1].width + GAP, Math.max(columns[0].bottom, columns[1].bottom) + GAP];
  const page = made("svg", { xmlns: SPACE, viewBox: `0 0 ${width} ${height}`, width, height });
  page.append(made("rect", { width: "100%", height: "100%", fill: backgroundColor }));
  charts.forEach((chart, k) => {
    const copy = styled(chart);
    const { width, height } = boxes[k];
    set(copy, { x: places[k].column.x, y: places[k].y, width, height });
    page.append(copy);
  });
  lines.forEach((words, k) => {
    const text = made("text", { x: below.x, y: first + k * LINE, fill: color, "font-family": fontFamily, "font-size": `${LETTERS}px` });
    text.textContent = words;
    page.append(text);
  });
  return { svg: new Blob([new XMLSerializer().serializeToString(page)], { type: "image/svg+xml" }), width, height };
}

type Attributes = Readonly<Record<string, string | number>>;

const set = (element: SVGElement, attributes: Attributes): void =>
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, `${value}`));

function made(kind: string, attributes: Attributes): SVGElement {
  const element = document.createElementNS(SPACE, kind) as SVGElement;
  set(element, attributes);
  return element;
}

/** Phrases in lines no wider than that, unless one alone is wider. */
const wrapped = (phrases: readonly string[], width: number): string[] =>
  phrases.reduce<string[]>((lines, phrase) => {
    const longer = (lines[lines.length - 1] ?? "") + phrase;
    const fits = lines.length && widthOf(longer.trimEnd(), LETTERS, "sans") <= width;
    return fits ? [...lines.slice(0, -1), longer] : [...lines, phrase];
  }, []);

function styled(element: SVGElement): SVGElement {
  const copy = element.cloneNode(false) as SVGElement;
  const style = getComputedStyle(element);
  copy.removeAttribute("class");
  copy.removeAttribute("style");
  for (const name of KEPT) copy.setAttribute(name, style.getPropertyValue(name));
  for (const child of element.childNodes)
    copy.append(child instanceof SVGElement ? styled(child) : child.cloneNode());
  return copy;
}

export async function png({ svg, width, height }: { svg: Blob; width: number; height: number }): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(await svg.text())}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob((blob) => done(blob!)));
}

const SETTINGS = ["alpha", "beta", "ratio", "noise", "B", "fraction"] as const;

/** One row per point of a curve; of the frontier too, with its own d. Every row has the settings. */
export function csv(state: State, { curves, sampled, chosen, terms }: Model, best: readonly Best[]): Blob {
  const settings = SETTINGS.map((name) => +state[name]);
  const none = TERMS.map(() => "");
  const rows = curves.flatMap((curve, k) =>
    sampled[k].step.map((t, i) => {
      const split = curve === chosen ? TERMS.map((name) => terms[name][i]) : none;
      const { problem: { d, v }, gamma } = curve;
      return ["curve", ...settings, d, v, gamma, t, sampled[k].flops[i], sampled[k].excess[i], ...split];
    }),
  );
  const front = best.map(({ flops, d, excess }) => ["frontier", ...settings, d, "", "", "", flops, excess, ...none]);
  const head = ["what", ...SETTINGS, "d", "v", "gamma", "step", "flops", "excess", ...TERMS];
  return new Blob([[head, ...rows, ...front].map((row) => `${row.join(",")}\n`).join("")], { type: "text/csv" });
}

export function json(state: State, phase: Phase | null, { curves, sampled, chosen, terms }: Model, best: readonly Best[]): Blob {
  const data = {
    address: toHash(state),
    problem: { alpha: +state.alpha, beta: +state.beta, ratio: state.ratio, noise: state.noise },
    training: { B: state.B, fraction: state.fraction },
    phase: phase && { ...phase, loss: `${phase.loss}`, size: `${phase.size}` },
    curves: curves.map(({ problem: { d, v }, gamma }, k) => ({ d, v, gamma, ...sampled[k] })),
    terms: { d: chosen.problem.d, ...terms },
    frontier: best,
  };
  return new Blob([`${JSON.stringify(data, null, 1)}\n`], { type: "application/json" });
}
