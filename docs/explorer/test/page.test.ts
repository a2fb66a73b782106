import { expect, test } from "vitest";
import golden from "../golden.json";
import { number } from "../src/format";
import { Fraction } from "../src/fraction";
import { phase } from "../src/phases";
import { PHASES, TERM_COLOURS } from "../src/colours";
import { POINTS, PUBLISHED } from "../src/presets";
import { START, fromHash, toHash } from "../src/state";
import { decades } from "../src/ticks";

test("presets and colours are those of the package", () => {
  expect(POINTS).toEqual(golden.presets.points);
  expect(PUBLISHED).toEqual(golden.presets.published);
  expect(PHASES).toEqual(golden.colours.phases);
  expect(TERM_COLOURS).toEqual(golden.colours.terms);
});

test("numbers are read exactly", () => {
  const parsed = ["0.7", "7/10", "-1.5e-1", ".5", "2"].map((text) => `${Fraction.parse(text)}`);
  expect(parsed).toEqual(["7/10", "7/10", "-3/20", "1/2", "2"]);
  expect(["", ".", "1/0", "x", "1e", "0x1"].map(Fraction.parse)).toEqual(Array(6).fill(null));
});

test("the region without a power law is closed", () => {
  expect(phase(Fraction.parse("0.3")!, Fraction.parse("0.2")!)).toBeNull();
});

test("numbers are shown with their digits", () => {
  expect([0, 0.25, 1234, 1e4, 123456, 1.5e-7, 1e22].map((x) => number(x))).toEqual([
    "0", "0.25", "1234", "10⁴", "1.235×10⁵", "1.5×10⁻⁷", "10²²",
  ]);
});

test("the hash keeps the state, and nonsense in it is ignored", () => {
  const state = { ...START, alpha: Fraction.parse("1/3")!, d: 400, noise: 0.01, B: 64 };
  expect(fromHash(toHash(state))).toEqual(state);
  expect(fromHash("#alpha=x&beta=&d=-3&B=1.5&fraction=2&noise=-1&v/d=0")).toEqual(START);
});

test.each([[1, 2], [0.3, 3e9], [1e-40, 1e40], [2e-7, 3e-7]])("ticks from %d to %d", (low, high) => {
  const { major, minor } = decades(low, high, 7);
  expect(major.length).toBeLessThanOrEqual(8);
  expect(minor.length).toBeLessThan(80);
  for (const tick of [...major, ...minor]) expect(tick >= low && tick <= high).toBe(true);
});
