import { expect, test } from "vitest";
import golden from "../golden.json";
import { frontier } from "../src/frontier";

test.each(golden.frontiers)("alpha = $problem.alpha, beta = $problem.beta", (row) => {
  const found = frontier(row.problem, row.training, [10, 1e9], row.flops);
  expect(found.map(({ flops }) => flops)).toEqual(row.flops);
  found.forEach((best, k) => {
    expect(Math.abs(best.d / row.d[k] - 1)).toBeLessThan(5e-3);
    expect(Math.abs(best.excess / row.excess[k] - 1)).toBeLessThan(2e-4);
  });
});
