import { expect, test } from "vitest";
import golden from "../golden.json";
import { number } from "../src/format";
import { Fraction } from "../src/fraction";
import { phase } from "../src/phases";
import { PHASES, TERM_COLOURS } from "../src/colours";
import { frontierOf, modelOf } from "../src/model";
import { POINTS, PRESETS, PUBLISHED } from "../src/presets";
import { RANGES, START, type Key, fromHash, toHash } from "../src/state";
import { decades } from "../src/ticks";

test("presets and colours are those of the package", () => {
  expect(POINTS).toEqual(golden.presets.points);
  expect(PUBLISHED).toEqual(golden.presets.published);
  expect(PHASES).toEqual(golden.colours.phases);
  expect(TERM_COLOURS).toEqual(golden.colours.terms);
});

test("every preset has a name of its own", () => {
  const names = PRESETS.map(({ group, name }) => `${group}: ${name}`);
  expect(new Set(names).size).toBe([...Object.values(POINTS), ...Object.values(PUBLISHED)].flat().length);
  for (const { name } of PRESETS) expect(name).toMatch(/[A-Za-z]/);
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

test("the address keeps the state", () => {
  const state = { ...START, alpha: Fraction.parse("1/3")!, d: 400, noise: 1e-8, B: 64, theme: "dark" as const };
  expect(fromHash(toHash(state))).toEqual({ state, faults: [] });
  expect(fromHash("")).toEqual({ state: START, faults: [] });
});

test.each([
  ["alpha=3", "α = “3” is not between 0.05 and 1.5: α = 1 is shown."],
  ["beta=x", "β = “x” is not a number: β = 0.7 is shown."],
  ["beta=-0.31", "β = “-0.31” is not between −0.3 and 1.6: β = 0.7 is shown."],
  ["d=10.5", "d = “10.5” is not a whole number: d = 1000 is shown."],
  ["B=1e5", "B = “1e5” is not between 1 and 65536: B = 1 is shown."],
  ["v/d=0x10", "v/d = “0x10” is not a number: v/d = 100 is shown."],
  ["fraction=1e-300", "rate / stable = “1e-300” is not between 0.01 and 0.99: rate / stable = 0.5 is shown."],
  ["noise=", "σ² = “” is not a number: σ² = 0 is shown."],
  [`noise=0.${"1".repeat(99)}`, "σ² = “0.1111111111111…” is not a number: σ² = 0 is shown."],
  ["theme=blue", "theme = “blue” is neither light nor dark: that of the system is shown."],
  ["gamma=1", "“gamma” is not a setting of this page."],
])("of an address with %s it says what is replaced", (hash, fault) => {
  expect(fromHash(`#${hash}`)).toEqual({ state: START, faults: [fault] });
});

test("every end of every range can be drawn", () => {
  for (const key of Object.keys(RANGES) as Key[])
    for (const end of [RANGES[key].low, RANGES[key].high]) {
      const { state, faults } = fromHash(`#${RANGES[key].word}=${end}`);
      expect(faults).toEqual([]);
      const model = modelOf(state);
      const values = [...model.sampled.flatMap(({ excess }) => excess), ...frontierOf(state, model).map(({ excess }) => excess)];
      expect(values.length).toBeLessThan(2000);
      expect(values.filter((x) => !(x > 0 && x < Infinity))).toEqual([]);
    }
}, 30_000);

test.each([[1, 2], [0.3, 3e9], [1e-40, 1e40], [2e-7, 3e-7]])("ticks from %d to %d", (low, high) => {
  const { major, minor } = decades(low, high, 7);
  expect(major.length).toBeLessThanOrEqual(8);
  expect(minor.length).toBeLessThan(80);
  for (const tick of [...major, ...minor]) expect(tick >= low && tick <= high).toBe(true);
});
