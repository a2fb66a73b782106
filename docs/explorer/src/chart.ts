/** One chart on logarithmic axes, with a cursor moved by pointer and arrow keys. */

import { axisBottom, axisLeft } from "d3-axis";
import { scaleLog } from "d3-scale";
import { pointer, select } from "d3-selection";
import { curveMonotoneX, line } from "d3-shape";
import { superscript } from "./format";
import { widthOf } from "./measure";
import { decades } from "./ticks";

export interface Series {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly colour: string;
  /** Classes of the style sheet: dashed, dotted, strong. */
  readonly look?: string;
}

/** A line of the key: the colours of the series it names. */
export interface Entry {
  readonly name: string;
  readonly colours: readonly string[];
  readonly look?: string;
}

export interface Picture {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xDomain: readonly [number, number];
  readonly yDomain: readonly [number, number];
  readonly series: readonly Series[];
  readonly key: readonly Entry[];
}

/** A dot of the cursor. */
export interface Dot {
  readonly y: number;
  readonly colour: string;
}

const MARGIN = { left: 52, right: 8, bottom: 34 };
const KEY_ROW = 16;
const SWATCH = 16;
const KEY_STEPS = 80;
let clips = 0;

export class Chart {
  private readonly svg;
  private readonly clip = `clip-${clips++}`;
  private readonly x = scaleLog().clamp(true);
  private readonly y = scaleLog();
  private width = 200;
  private height = 120;
  private top = 0;
  /** Where the cursor is; null when it is away. */
  cursor: number | null = null;

  constructor(
    private readonly element: SVGSVGElement,
    private readonly moved: () => void,
  ) {
    this.svg = select(element);
    for (const kind of ["pointerdown", "pointermove"] as const)
      element.addEventListener(kind, (event) => this.moveTo(this.x.invert(pointer(event, element)[0])));
    element.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") this.moveTo(null); // what a finger has read stays when it is lifted
    });
    element.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Escape") this.moveTo(null);
      if (!step) return;
      event.preventDefault();
      const [low, high] = this.x.domain();
      const from = this.cursor ?? Math.sqrt(low * high);
      const to = from * (high / low) ** ((step * (event.shiftKey ? 8 : 1)) / KEY_STEPS);
      this.moveTo(Math.min(Math.max(to, low), high));
    });
  }

  /** As large as the style sheet makes the element. */
  layout(): void {
    this.width = Math.max(this.element.clientWidth, 200);
    this.height = Math.max(this.element.clientHeight, 120);
  }

  draw(picture: Picture): void {
    const [right, bottom] = [this.width - MARGIN.right, this.height - MARGIN.bottom];
    this.x.domain(picture.xDomain).range([MARGIN.left, right]);
    const { svg, element } = this;
    svg.attr("viewBox", `0 0 ${this.width} ${this.height}`).selectChildren().remove();
    element.setAttribute("aria-label", `${picture.title}: arrow keys read its values`);
    this.text("title", 0, 13, picture.title);
    this.top = this.key(picture.key, widthOf(picture.title, 14, "serif") + 18, right);
    this.y.domain(picture.yDomain).range([bottom, this.top]);
    svg.append("clipPath").attr("id", this.clip).append("rect")
      .attr("x", MARGIN.left).attr("y", this.top).attr("width", right - MARGIN.left).attr("height", bottom - this.top);
    this.axis("x", bottom, Math.floor((right - MARGIN.left) / 64));
    this.axis("y", MARGIN.left, Math.floor((bottom - this.top) / 34));
    this.text("axis-label", (MARGIN.left + right) / 2, this.height - 4, picture.xLabel).attr("text-anchor", "middle");
    this.text("axis-label", 0, 0, picture.yLabel).attr("text-anchor", "middle")
      .attr("transform", `translate(11,${(this.top + bottom) / 2}) rotate(-90)`);
    const plot = svg.append("g").attr("clip-path", `url(#${this.clip})`);
    const path = line<[number, number]>((p) => this.x(p[0]), (p) => this.y(p[1])).curve(curveMonotoneX);
    for (const { x, y, colour, look = "" } of picture.series) {
      const points = x.map((value, k): [number, number] => [value, y[k]]).filter((p) => p[1] > 0);
      plot.append("path").attr("class", `line ${look}`).attr("d", path(points)).style("stroke", colour);
    }
    svg.append("g").attr("class", "cursor");
  }

  /** The cursor's line and dots, at where it is. */
  mark(dots: readonly Dot[]): void {
    const group = this.svg.select(".cursor");
    group.selectChildren().remove();
    if (this.cursor === null) return;
    const x = this.x(this.cursor);
    const [top, bottom] = [this.top, this.height - MARGIN.bottom];
    group.append("line").attr("x1", x).attr("x2", x).attr("y1", top).attr("y2", bottom);
    for (const { y, colour } of dots) {
      const place = y > 0 ? this.y(y) : NaN;
      if (place >= top && place <= bottom)
        group.append("circle").attr("cx", x).attr("cy", place).attr("r", 3.5).style("fill", colour);
    }
  }

  private moveTo(x: number | null): void {
    this.cursor = x;
    this.moved();
  }

  private text(kind: string, x: number, y: number, words: string) {
    return this.svg.append("text").attr("class", kind).attr("x", x).attr("y", y).text(words);
  }

  /** The names of the series, beside the title and in as many rows as they need; where the plot may begin. */
  private key(entries: readonly Entry[], start: number, right: number): number {
    let [x, y] = [start, 13];
    for (const { name, colours, look = "" } of entries) {
      const swatch = SWATCH * Math.max(1, colours.length / 2);
      const length = swatch + 5 + widthOf(name, 12, "sans");
      if (x + length > right) [x, y] = [0, y + KEY_ROW];
      this.text("key", x + swatch + 5, y, name);
      const each = swatch / colours.length;
      colours.forEach((colour, k) =>
        this.svg.append("path").attr("class", `line ${look}`).attr("d", `M${x + k * each},${y - 4}h${each}`).style("stroke", colour),
      );
      x += length + 13;
    }
    return y + 11;
  }

  private axis(which: "x" | "y", at: number, room: number): void {
    const scale = this[which];
    const [low, high] = scale.domain();
    const { major, minor } = decades(low, high, room);
    const [make, place] = which === "x" ? [axisBottom, `translate(0,${at})`] : [axisLeft, `translate(${at},0)`];
    const group = (ticks: number[], size: number) =>
      this.svg.append("g").attr("transform", place)
        .call(make(scale).tickValues(ticks).tickFormat(() => "").tickSizeInner(size).tickSizeOuter(0));
    group(minor, 3);
    group(major, 6).selectAll<SVGTextElement, number>("text")
      .text((value) => `10${superscript(Math.round(Math.log10(value)))}`);
  }
}
