/** What theory says of the point, in words and exact numbers. */

import { select } from "d3-selection";
import { greek, number } from "./format";
import type { Fraction } from "./fraction";
import { type Phase, TERMS } from "./phases";
import type { State } from "./state";

const LETTERS = { F_0: "F<sub>0</sub>", F_pp: "F<sub>pp</sub>", F_ac: "F<sub>ac</sub>", K_pp: "K<sub>pp</sub>" };

/** A decimal, after the fraction it is if that is short. */
function exact(x: Fraction): string[] {
  const [text, decimal] = [`${x}`.replace("-", "−"), number(+x)];
  return text.length > 14 || text === decimal ? [decimal] : [text, decimal];
}

function power(base: string, x: Fraction, local: number | null, noise: number): string {
  const powers = [base, ...exact(x).map((text) => `<i>f</i><sup> ${text}</sup>`)].join(" = ").replace("=", "∼");
  const caveat = noise > 0 ? ", with noise, of which the phases know nothing" : "";
  return powers + (local === null ? "" : `<small>on the frontier: ${number(local)}${caveat}</small>`);
}

/** Local exponents on the frontier: of the loss and of the best size. */
export interface Local {
  readonly loss: number | null;
  readonly size: number | null;
}

export function showPhase({ alpha, beta, noise }: State, phase: Phase | null, local: Local): void {
  select("#name").html(phase ? `Phase ${phase.name} <small>${phase.proven ? "proven" : "conjecture"}</small>` : "No power law");
  const facts: [string, string][] = phase
    ? [
        ["loss", power("<i>P</i>", phase.loss, local.loss, noise)],
        ["best size", power("<i>d</i>*", phase.size, local.size, noise)],
        [
          "balance",
          `${phase.terms.map((term) => `<i>${LETTERS[term]}</i>`).join(" against ")}` +
            `<small>${phase.terms.map((term) => TERMS[term]).join("; ")}</small>`,
        ],
        ["status", phase.proven ? "proven in the paper" : "conjecture of the paper, as α ≤ 1/4"],
        [
          "boundary",
          `${number(phase.boundary.distance)} from ${greek(phase.boundary.where)}` +
            `<small>between ${phase.boundary.between.join(" and ")}; on it logarithms may appear</small>`,
        ],
      ]
    : [["why", `α + β = ${exact(alpha.plus(beta)).join(" = ")} is not above 1/2: the sum over j of j<sup>−2(α + β)</sup> diverges as v grows, and the risk does not fall with size.`]];
  select("#facts").html(facts.map(([term, text]) => `<dt>${term}</dt><dd>${text}</dd>`).join(""));
}

/** The same in one sentence, to be heard. */
export function sentence({ alpha, beta }: State, phase: Phase | null): string {
  const where = `alpha ${alpha}, beta ${beta}`;
  if (!phase) return `${where}: no power law`;
  const status = phase.proven ? "proven" : "conjecture";
  return `${where}: phase ${phase.name}, loss exponent ${phase.loss}, size exponent ${phase.size}, ${status}`;
}
