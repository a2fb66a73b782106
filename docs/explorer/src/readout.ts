/** What theory says of the point, in words and exact numbers. */

import { select } from "d3-selection";
import { greek, minus, number } from "./format";
import type { Fraction } from "./fraction";
import type { Model } from "./model";
import { type Phase, TERMS } from "./phases";
import { type State, toHash } from "./state";

const LETTERS = { F_0: "F<sub>0</sub>", F_pp: "F<sub>pp</sub>", F_ac: "F<sub>ac</sub>", K_pp: "K<sub>pp</sub>" };

/** A decimal, after the fraction it is if that is short. */
function exact(x: Fraction): string[] {
  const [text, decimal] = [minus(`${x}`), number(+x)];
  return text.length > 14 || text === decimal ? [decimal] : [text, decimal];
}

function power(base: string, x: Fraction, local: number | null, caveat: string): string {
  const powers = [base, ...exact(x).map((text) => `<i>f</i><sup> ${text}</sup>`)].join(" = ").replace("=", "∼");
  return powers + (local === null ? "" : `<small>on the frontier: ${number(local)}${caveat}</small>`);
}

/** Local exponents on the frontier: of the loss and of the best size. */
export interface Local {
  readonly loss: number | null;
  readonly size: number | null;
}

export function showPhase({ alpha, beta, noise }: State, phase: Phase | null, local: Local): void {
  select("#name").html(phase ? `Phase ${phase.name} <small>${phase.proven ? "proven" : "conjecture, as α ≤ 1/4"}</small>` : "No power law");
  const facts: [string, string][] = phase
    ? [
        ["loss", power("<i>P</i>", phase.loss, local.loss, noise ? "; no phase knows of noise" : "")],
        ["best size", power("<i>d</i>*", phase.size, local.size, "")],
        [
          "balance",
          `${phase.terms.map((term) => `<i>${LETTERS[term]}</i>`).join(" against ")}` +
            `<small>${phase.terms.map((term) => TERMS[term]).join("; ")}</small>`,
        ],
        [
          "boundary",
          (phase.boundary.distance ? `${number(phase.boundary.distance)} from ` : "on ") + greek(phase.boundary.where) +
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

/** All that a saved picture needs to be made again, in phrases that a line may break between. */
export function caption(state: State, phase: Phase | null, { chosen }: Model): string[] {
  const { alpha, beta, d, ratio, B, fraction, noise } = state;
  const words = [
    `α = ${exact(alpha)[0]}`, `β = ${exact(beta)[0]}`, `d = ${d}`, `v/d = ${ratio}`, `B = ${B}`, `σ² = ${noise}`,
    `learning rate ${number(chosen.gamma)} at d = ${d}`, `${fraction} of the largest stable one`,
    phase ? `phase ${phase.name} (${phase.proven ? "proven" : "conjecture"})` : "no power law",
    ...(phase ? [`loss exponent ${exact(phase.loss)[0]}`, `size exponent ${exact(phase.size)[0]}`] : []),
  ];
  return [...words.map((phrase) => `${phrase}, `), "explorer.html", ...toHash(state).split(/(?<=&)/)];
}
