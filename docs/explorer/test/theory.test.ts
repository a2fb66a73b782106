import { describe, expect, test } from "vitest";
import golden from "../golden.json";
import { Fraction } from "../src/fraction";
import { largestRate, modesOf } from "../src/modes";
import { phase } from "../src/phases";
import { Curve, TERMS } from "../src/theory";

describe("phases", () => {
  test.each(golden.phases)("($alpha, $beta)", (point) => {
    const found = phase(Fraction.parse(point.alpha)!, Fraction.parse(point.beta)!);
    expect(found?.name ?? null).toBe(point.name);
    if (!found) return;
    expect(`${found.loss}`).toBe(point.loss);
    expect(`${found.size}`).toBe(point.size);
    expect(found.terms).toEqual(point.terms);
    expect(found.proven).toBe(point.proven);
    expect(found.boundary.where).toBe(point.where);
    expect(found.boundary.distance).toBeCloseTo(point.distance!, 13);
  });
});

describe.each(golden.curves)("alpha = $problem.alpha, beta = $problem.beta", (row) => {
  test("threshold", () => {
    const threshold = largestRate(modesOf(row.problem), row.training.B);
    expect(Math.abs(threshold / row.threshold - 1)).toBeLessThan(1e-12);
  });

  test("risk and its terms", () => {
    const curve = new Curve(row.problem, row.training);
    let [worst, worstTerm] = [0, 0];
    row.step.forEach((t, k) => {
      const risk = curve.risk(t);
      worst = Math.max(worst, Math.abs(risk.excess / row.excess[k] - 1));
      const terms = curve.terms(t, risk);
      for (const name of TERMS)
        worstTerm = Math.max(worstTerm, Math.abs(terms[name] - row.terms[name][k]) / row.excess[k]);
    });
    expect(worst).toBeLessThan(1e-6);
    expect(worstTerm).toBeLessThan(1e-6);
  });
});
