/** The colours of the package's figures. */

import { NO_POWER_LAW } from "./phases";
import type { TermName } from "./theory";

export const PHASES: Readonly<Record<string, string>> = {
  Ia: "#77AADD",
  Ib: "#99DDFF",
  Ic: "#44BB99",
  II: "#BBCC33",
  III: "#EEDD88",
  IVa: "#EE8866",
  IVb: "#FFAABB",
  [NO_POWER_LAW]: "#FFFFFF",
};

export const TERM_COLOURS: Readonly<Record<TermName, string>> = {
  capacity: "#009E73",
  population: "#CC79A7",
  distortion: "#E69F00",
  sgd_noise: "#56B4E9",
};
