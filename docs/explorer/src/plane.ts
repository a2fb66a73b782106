/** The plane of (alpha, beta): phases, boundaries, and the point, moved by mouse, touch and keys. */

import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { pointer, select } from "d3-selection";
import { line } from "d3-shape";
import { PHASES } from "./colours";
import { Fraction, fraction } from "./fraction";
import { BOUNDARIES, IV, NO_POWER_LAW } from "./phases";
import { POINTS } from "./presets";
import { PLANE, RANGES } from "./state";

type Point = readonly [number, number];

const [LEFT, RIGHT] = PLANE.alpha;
const [BOTTOM, TOP] = PLANE.beta;
const CORNER: Point = [0.5, 0.5];

/** Corners of each region within the plane, and where its name stands: IVb is too narrow for its own. */
const REGIONS: Readonly<Record<string, { corners: readonly Point[]; name: Point; above?: boolean }>> = {
  Ia: { corners: [CORNER, [0.5, 0], [0.5 - BOTTOM, BOTTOM], [RIGHT, BOTTOM], [RIGHT, 0.5]], name: [1.13, 0.08] },
  Ib: { corners: [CORNER, [0.5, 0], [0, 0.5]], name: [0.37, 0.33] },
  Ic: { corners: [[0, 0.5], [0.25, 0.5], [0.25, TOP], [0, TOP]], name: [0.125, 1.2] },
  II: { corners: [CORNER, [RIGHT, 0.5], [RIGHT, RIGHT]], name: [1.2, 0.93] },
  III: { corners: [CORNER, [RIGHT, RIGHT], [RIGHT, TOP], [0.5, TOP]], name: [0.78, 1.35] },
  IVa: { corners: [[IV, 0.5], CORNER, [0.5, TOP], [IV, TOP]], name: [0.396, 1.2] },
  IVb: { corners: [[0.25, 0.5], [IV, 0.5], [IV, TOP], [0.25, TOP]], name: [(0.25 + IV) / 2, TOP], above: true },
  [NO_POWER_LAW]: {
    corners: [[0, BOTTOM], [0.5 - BOTTOM, BOTTOM], [0, 0.5]],
    name: [0.34, -0.215],
  },
};

const MARGIN = { left: 50, right: 6, top: 20, bottom: 36 };
const HUNDREDTHS = 100;
const GRIP = 22; // radius of what a finger can hold

const snapped = (x: number, [low, high]: readonly [number, number]): Fraction =>
  fraction(Math.round(Math.min(Math.max(x, low), high) * HUNDREDTHS), HUNDREDTHS);

const clamped = (alpha: number, beta: number): [Fraction, Fraction] => [
  snapped(alpha, [RANGES.alpha.low, RANGES.alpha.high]),
  snapped(beta, [RANGES.beta.low, RANGES.beta.high]),
];

const STEPS: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowDown: [0, -1],
  ArrowUp: [0, 1],
};

export class Plane {
  private readonly svg;
  private readonly x = scaleLinear([LEFT, RIGHT], [0, 1]);
  private readonly y = scaleLinear([BOTTOM, TOP], [0, 1]);
  private at: Point = [1, 0.7];

  constructor(
    private readonly element: SVGSVGElement,
    move: (alpha: Fraction, beta: Fraction) => void,
  ) {
    this.svg = select(element);
    const moveTo = (alpha: number, beta: number) => {
      const to = clamped(alpha, beta);
      this.at = [+to[0], +to[1]]; // at once, so that keys pressed fast add up
      move(...to);
    };
    let held: Point = [0, 0]; // from a finger to the point, which does not jump when it is taken
    const follow = (event: MouseEvent) => {
      const [px, py] = pointer(event, element);
      moveTo(this.x.invert(px + held[0]), this.y.invert(py + held[1]));
    };
    const onGrip = (event: Event) => (event.target as Element).classList.contains("grip");
    // A mouse drags from anywhere. A finger drags the point itself: elsewhere it scrolls, or taps.
    element.addEventListener("pointerdown", (event) => {
      const [px, py] = pointer(event, element);
      const mouse = event.pointerType === "mouse";
      if (!mouse && !onGrip(event)) return;
      held = mouse ? [0, 0] : [this.x(this.at[0]) - px, this.y(this.at[1]) - py];
      element.setPointerCapture(event.pointerId);
      if (mouse) follow(event);
    });
    // The style sheet says so too, but within an SVG not every browser listens.
    element.addEventListener("touchstart", (event) => onGrip(event) && event.preventDefault(), { passive: false });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) follow(event);
    });
    element.addEventListener("click", (event) => {
      const { pointerType } = event as PointerEvent;
      if (onGrip(event) || (pointerType !== "touch" && pointerType !== "pen")) return;
      held = [0, 0];
      follow(event);
    });
    element.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      const size = (event.shiftKey ? 10 : 1) / HUNDREDTHS;
      moveTo(this.at[0] + size * step[0], this.at[1] + size * step[1]);
    });
  }

  /** Everything but the point, as large as the style sheet makes the element. */
  layout(): void {
    const [width, height] = [Math.max(this.element.clientWidth, 200), Math.max(this.element.clientHeight, 200)];
    const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
    this.x.range([MARGIN.left, right]);
    this.y.range([bottom, MARGIN.top]);
    this.svg.attr("viewBox", `0 0 ${width} ${height}`).selectChildren().remove();
    const outline = line<Point>((p) => this.x(p[0]), (p) => this.y(p[1]));
    for (const [name, { corners, name: [alpha, beta], above }] of Object.entries(REGIONS)) {
      this.svg.append("path").attr("class", "region").attr("data-name", name).attr("d", `${outline(corners)}Z`)
        .attr("fill", name === NO_POWER_LAW ? "transparent" : PHASES[name]);
      this.svg.append("text").attr("class", "region-name").text(name)
        .classed("small", name === NO_POWER_LAW)
        .attr("x", this.x(alpha)).attr("y", this.y(beta) - (above ? 9 : 0));
    }
    for (const { start: [a, b], direction: [dx, dy], length } of BOUNDARIES) {
      const room = [[dx, a, LEFT, RIGHT], [dy, b, BOTTOM, TOP]].map(([step, from, low, high]) =>
        step ? ((step > 0 ? high : low) - from) / step : Infinity,
      );
      const u = Math.min(length, ...room);
      this.svg.append("path").attr("class", "boundary").attr("d", outline([[a, b], [a + u * dx, b + u * dy]]));
    }
    for (const [alpha, beta] of Object.values(POINTS).flat())
      this.svg.append("circle").attr("class", "preset").attr("r", 1.8).attr("cx", this.x(alpha)).attr("cy", this.y(beta));
    this.svg.append("g").attr("transform", `translate(0,${bottom})`).call(axisBottom(this.x).ticks(7).tickSizeOuter(0));
    this.svg.append("g").attr("transform", `translate(${MARGIN.left},0)`).call(axisLeft(this.y).ticks(9).tickSizeOuter(0));
    const label = (x: number, y: number, text: string, turn = 0) =>
      this.svg.append("text").attr("class", "axis-label").attr("text-anchor", "middle")
        .attr("transform", `translate(${x},${y}) rotate(${turn})`).text(text);
    label((MARGIN.left + right) / 2, height - 5, "capacity exponent α");
    label(9, (MARGIN.top + bottom) / 2, "source exponent β", -90);
    this.svg.append("path").attr("class", "cross");
    this.svg.append("circle").attr("class", "point").attr("r", 6);
    this.svg.append("circle").attr("class", "grip").attr("r", GRIP);
    this.show(...this.at, this.element.getAttribute("aria-label") ?? "");
  }

  show(alpha: number, beta: number, label: string): void {
    this.at = [alpha, beta];
    const [x, y] = [this.x(alpha), this.y(beta)];
    this.svg.selectAll(".point, .grip").attr("cx", x).attr("cy", y);
    const [bottom, left] = [this.y(BOTTOM), this.x(LEFT)];
    this.svg.select(".cross").attr("d", `M${left},${y}H${x}V${bottom}`).attr("fill", "none");
    this.element.setAttribute("aria-label", label);
  }
}
