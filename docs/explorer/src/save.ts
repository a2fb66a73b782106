/** The picture as SVG or PNG, and the numbers as CSV or JSON. */

import type { Best } from "./frontier";
import type { Model } from "./model";
import type { Phase } from "./phases";
import { type State, toHash } from "./state";
import { TERMS } from "./theory";

const NAME = "solvable_explorer";
const SPACE = "http://www.w3.org/2000/svg";
const GAP = 28;
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

/** All charts side by side, with the style of the page written into every element. */
export function picture(charts: readonly SVGSVGElement[]): { svg: Blob; width: number; height: number } {
  const page = document.createElementNS(SPACE, "svg");
  const boxes = charts.map((chart) => chart.getBoundingClientRect());
  const [left, top] = [Math.min(...boxes.map((box) => box.left)), Math.min(...boxes.map((box) => box.top))];
  const width = Math.max(...boxes.map((box) => box.right)) - left + 2 * GAP;
  const height = Math.max(...boxes.map((box) => box.bottom)) - top + 2 * GAP;
  page.setAttribute("xmlns", SPACE);
  page.setAttribute("viewBox", `0 0 ${width} ${height}`);
  page.setAttribute("width", `${width}`);
  page.setAttribute("height", `${height}`);
  const paper = document.createElementNS(SPACE, "rect");
  paper.setAttribute("width", "100%");
  paper.setAttribute("height", "100%");
  paper.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
  page.append(paper);
  charts.forEach((chart, k) => {
    const copy = styled(chart);
    copy.setAttribute("x", `${boxes[k].left - left + GAP}`);
    copy.setAttribute("y", `${boxes[k].top - top + GAP}`);
    copy.setAttribute("width", `${boxes[k].width}`);
    page.append(copy);
  });
  return { svg: new Blob([new XMLSerializer().serializeToString(page)], { type: "image/svg+xml" }), width, height };
}

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

/** One row per point of a curve; of the frontier too, with its own d. */
export function csv({ curves, sampled, chosen, terms }: Model, best: readonly Best[]): Blob {
  const rows = sampled.flatMap(({ step, flops, excess }, k) =>
    step.map((t, i) => {
      const split = curves[k] === chosen ? TERMS.map((name) => terms[name][i]) : TERMS.map(() => "");
      return ["curve", curves[k].problem.d, t, flops[i], excess[i], ...split];
    }),
  );
  const front = best.map(({ flops, d, excess }) => ["frontier", d, "", flops, excess, ...TERMS.map(() => "")]);
  const head = ["what", "d", "step", "flops", "excess", ...TERMS];
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
