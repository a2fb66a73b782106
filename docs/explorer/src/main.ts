/** The page: state in, pictures and words out. */

import { Chart } from "./chart";
import { TERM_COLOURS } from "./colours";
import { Controls } from "./controls";
import { number } from "./format";
import type { Best } from "./frontier";
import { type Model, between, frontierOf, modelOf, slopeAt } from "./model";
import { type Phase, phase as phaseOf } from "./phases";
import { INK, TERM_WORDS, ladderColour, lossPicture, sizePicture, termsPicture } from "./pictures";
import { Plane } from "./plane";
import { caption, sentence, showPhase } from "./readout";
import { csv, download, json, picture, png } from "./save";
import { type State, type Theme, fromHash, toHash } from "./state";
import { TERMS } from "./theory";

const find = <T extends Element>(selector: string): T => document.querySelector<T>(selector)!;
const svg = (id: string) => find<SVGSVGElement>(`#${id}`);

let state: State;
let phase: Phase | null;
let model: Model;
let best: Best[] = [];

const plane = new Plane(svg("plane"), (alpha, beta) => change({ alpha, beta }));
const controls = new Controls((part) => change(part), (fault) => notice([fault]), () => state);
const loss = new Chart(svg("loss"), readLoss);
const terms = new Chart(svg("terms"), readTerms);
const size = new Chart(svg("size"), readSize);

let frame = 0;
let rest = 0;

/** A change is drawn at the next frame; it makes known what could not be done, and forgets what was said before. */
function change(part: Partial<State>, faults: readonly string[] = []): void {
  state = { ...state, ...part };
  notice(faults);
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(update);
}

function changeToAddress(): void {
  const { state, faults } = fromHash(location.hash);
  change(state, faults);
}

function notice(faults: readonly string[]): void {
  find("#notice").replaceChildren(
    ...faults.map((words) => Object.assign(document.createElement("p"), { textContent: words })),
  );
}

function update(): void {
  const start = performance.now();
  phase = phaseOf(state.alpha, state.beta);
  model = modelOf(state);
  best = frontierOf(state, model);
  paint(state.theme);
  controls.show(state);
  plane.show(+state.alpha, +state.beta, `Plane of the exponents; ${sentence(state, phase)}`);
  draw();
  performance.measure("update", { start });
  settleSoon();
}

function settleSoon(): void {
  clearTimeout(rest);
  rest = window.setTimeout(settle, 300);
}

/** What is not for every moment of a movement. */
function settle(): void {
  find("#live").textContent = sentence(state, phase);
  history.replaceState(null, "", toHash(state));
}

function draw(): void {
  const last = best[best.length - 1]?.flops ?? 0;
  showPhase(state, phase, { loss: slopeAt(best, "excess", last), size: slopeAt(best, "d", last) });
  loss.draw(lossPicture(model, best, phase));
  terms.draw(termsPicture(model));
  size.draw(sizePicture(model, best, phase));
  readLoss();
  readTerms();
  readSize();
}

/** A list of "words = value" below a chart. */
function say(chart: string, values: readonly (readonly [string, number | null])[]): void {
  const shown = values.filter(([, value]) => value !== null);
  find(`#${chart}-values`).innerHTML = shown.map(([words, value]) => `<span>${words} <b>${number(value!)}</b></span>`).join(" · ");
}

function readLoss(): void {
  const f = loss.cursor;
  const dots = model.curves.map((curve, k) => {
    const t = f === null ? 0 : f / (curve.problem.d * state.B);
    return { d: curve.problem.d, y: t >= 1 ? curve.risk(t).excess : 0, colour: ladderColour(k) };
  });
  const front = f === null ? null : between(best, "excess", f);
  loss.mark([...dots, ...(front === null ? [] : [{ y: front, colour: INK }])]);
  if (f === null) return hint("loss");
  const curves = dots.filter(({ y }) => y > 0).map(({ d, y }, k) => [`${k ? "" : "d = "}${number(d)}:`, y] as const);
  say("loss", [["f =", f], ["best:", front], ["slope", slopeAt(best, "excess", f)], ...curves]);
}

function readTerms(): void {
  const cursor = terms.cursor;
  if (cursor === null) {
    terms.mark([]);
    return hint("terms");
  }
  const t = Math.round(cursor);
  const risk = model.chosen.risk(t);
  const split = model.chosen.terms(t, risk);
  terms.mark([...TERMS.map((name) => ({ y: split[name], colour: TERM_COLOURS[name] })), { y: risk.excess, colour: INK }]);
  say("terms", [["t =", t], ["sum", risk.excess], ...TERMS.map((name) => [TERM_WORDS[name], split[name]] as const)]);
}

function readSize(): void {
  const f = size.cursor;
  const d = f === null ? null : between(best, "d", f);
  size.mark(d === null ? [] : [{ y: d, colour: INK }]);
  if (f === null) return hint("size");
  say("size", [["f =", f], ["best d", d], ["slope", slopeAt(best, "d", f)]]);
}

const HINTS: Readonly<Record<string, () => string>> = {
  loss: () => `Learning rate ${number(model.chosen.gamma)}; point at the curves to read them.`,
  terms: () => "Terms that are too small to show lie below the axis.",
  size: () => (best.length ? "At each budget the best of all sizes." : "No size is the best within this range."),
};

function hint(chart: string): void {
  find(`#${chart}-values`).textContent = HINTS[chart]();
}

/** In a theme, or in that of the system. */
function paint(theme: Theme | null): void {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  if (theme === state.theme) return;
  state = { ...state, theme };
  settleSoon();
}

function toggleTheme(): void {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  paint((state.theme ?? system) === "dark" ? "light" : "dark");
}

async function save(kind: string): Promise<void> {
  const charts = () => picture(["plane", "loss", "terms", "size"].map(svg), caption(state, phase, model));
  const kinds: Record<string, () => Blob | Promise<Blob>> = {
    svg: () => charts().svg,
    png: () => png(charts()),
    csv: () => csv(state, model, best),
    json: () => json(state, phase, model, best),
  };
  download(kind, await kinds[kind]());
}

find("#theme").addEventListener("click", toggleTheme);
for (const button of document.querySelectorAll<HTMLButtonElement>("#save button"))
  button.addEventListener("click", () => void save(button.dataset.kind!));
addEventListener("hashchange", changeToAddress);
// The page around this one, if there is one, may have a theme of its own.
addEventListener("message", ({ source, data }) => {
  if (source === parent && source !== window) paint(["light", "dark"].includes(data?.theme) ? data.theme : null);
});
changeToAddress();

new ResizeObserver(() => {
  for (const picture of [plane, loss, terms, size]) picture.layout();
  if (model) draw();
}).observe(find("main"));
