"""Write golden.json: what solvable says, for the tests of the explorer to compare with."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from solvable import SGD, PowerLaw, phase, predict, threshold
from solvable.design import frontier
from solvable.plot import PHASES, TERMS
from solvable.verify.presets import POINTS, PUBLISHED

EDGES = "1/2,1/4 1/2,1/2 1,1/2 1/4,3/4 1/2,9/10 7/10,7/10 0.7,-0.2"
INSIDE = "1/3,2/3 22/75,1 0.29,0.9 0.3,0.9 0.05,0.6 1.5,1.6 1/3,1/6"
STEPS = [0, 1, 7, 31, 32, 100, 3_000, 10**5, 10**7, 10**9, 10**12, 10**15]
CURVES = [  # alpha, beta, d, v/d, B, fraction, noise
    (1.0, 0.3, 400, 4, 1, 0.5, 0.0),
    (1.0, 0.7, 1000, 100, 1, 0.5, 0.0),
    (0.7, 1.2, 10**5, 100, 8, 0.75, 0.0),
    (0.4, 0.4, 800, 4, 1, 0.5, 0.0),
    (0.4, 0.8, 800, 4, 4, 0.25, 0.01),
    (0.2, 0.7, 1000, 4, 1, 0.5, 0.0),
    (0.27, 0.7, 10**6, 10, 64, 0.9, 0.0),
    (1.3, 0.2, 10**6, 100, 1, 0.6, 1e-4),
    (0.7, -0.1, 50, 2, 1, 0.5, 0.1),
    (1.5, 1.2, 1000, 100, 64, 0.95, 0.0),
    (0.3, 0.1, 200, 3, 2, 0.5, 0.0),
    (0.05, 0.6, 10, 1, 1, 0.05, 0.0),
    (0.7, 0.7, 1000, 100, 16, 0.99, 1e-4),
    (1.0, 0.3, 400, 4, 1, 0.01, 0.0),
]  # fmt: skip
FRONTIERS = [(1.0, 0.7, 100, 1, 0.5), (0.4, 0.8, 4, 8, 0.5), (0.7, 0.2, 100, 1, 0.25)]


def phases() -> list[dict]:
    points = [(str(a), str(b)) for pairs in POINTS.values() for a, b in pairs]
    points += [tuple(pair.split(",")) for pair in f"{EDGES} {INSIDE}".split()]
    points += [(str(a), str(b)) for pairs in PUBLISHED.values() for a, b in pairs]
    return [{"alpha": a, "beta": b} | describe(a, b) for a, b in dict.fromkeys(points)]


def describe(alpha: str, beta: str) -> dict:
    a, b = Fraction(alpha), Fraction(beta)
    if 2 * (a + b) <= 1:
        return {"name": None}
    found = phase(a, b)
    return {
        "name": found.name,
        "loss": str(found.loss_exponent),
        "size": str(found.size_exponent),
        "terms": found.terms,
        "proven": found.proven,
        "where": found.boundary.where,
        "distance": found.boundary.distance,
    }


def curves() -> list[dict]:
    rows = []
    for alpha, beta, d, ratio, B, fraction, noise in CURVES:
        problem = PowerLaw(alpha=alpha, beta=beta, v=ratio * d, d=d, noise=noise)
        curve = predict(problem, SGD.stable(problem, fraction, B), STEPS, terms=True)
        rows.append(
            {
                "problem": {"alpha": alpha, "beta": beta, "d": d, "v": ratio * d, "noise": noise},
                "training": {"B": B, "fraction": fraction},
                "threshold": threshold(problem, SGD.stable(problem, fraction, B)),
                "step": STEPS,
                "excess": curve.excess.tolist(),
                "terms": {name: term.tolist() for name, term in curve.terms.items()},
            }
        )
    return rows


def frontiers() -> list[dict]:
    rows = []
    for alpha, beta, ratio, B, fraction in FRONTIERS:
        best = frontier(
            lambda d: PowerLaw(alpha=alpha, beta=beta, v=ratio * d, d=d),  # noqa: B023
            lambda problem: SGD.stable(problem, fraction, B),  # noqa: B023
            10.0 ** np.arange(9, 16, 2),
        )
        rows.append(
            {
                "problem": {"alpha": alpha, "beta": beta, "ratio": ratio, "noise": 0.0},
                "training": {"B": B, "fraction": fraction},
                "flops": best.flops.tolist(),
                "d": best.d.tolist(),
                "excess": best.excess.tolist(),
                "slope": best.slope.tolist(),
            }
        )
    return rows


if __name__ == "__main__":
    rows = curves()
    golden = {
        "presets": {"points": POINTS, "published": PUBLISHED},
        "colours": {"phases": PHASES, "terms": {name: TERMS[name] for name in rows[0]["terms"]}},
        "phases": phases(),
        "curves": rows,
        "frontiers": frontiers(),
    }
    path = Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")
