"""Comparisons for training on finite data: simulation, equivalent, exponent."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from scipy import stats

from solvable.asymptotics.finite import finite_exponents
from solvable.design.regimes import regime
from solvable.design.stopping import early_stopping, flow_frontier
from solvable.dynamics.prediction import predict
from solvable.models.power_law import PowerLaw
from solvable.rules.filters import GradientFlow, Ridge
from solvable.rules.full_batch import FullBatch, GradientDescent
from solvable.rules.momentum import Momentum
from solvable.simulation.training import simulate
from solvable.verify.presets import task
from solvable.verify.rungs import LEVEL, Check

NEAR = 0.02
"""How near a slope must be to its exponent."""


CASES: list[tuple[str, Any, list]] = [
    ("gradient flow", GradientFlow(), [10.0, 100.0]),
    ("gradient descent", GradientDescent(0.3), [30, 300]),
    ("heavy ball", FullBatch(Momentum(0.3, 0.5)), [30, 100]),
    ("ridge", Ridge(), [0.01, 0.1]),
]
"""Name, rule and times, or ridges."""


def _problem(d: int) -> tuple[PowerLaw, int]:
    return PowerLaw(alpha=1.0, beta=0.0, v=64, d=d, noise=0.1), 3 * d // 2


def _both(key, d: int, rule: Any, times: Any, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Relative deviations of the mean risk and training error, and their standard errors."""
    problem, n = _problem(d)
    runs = simulate(key, problem, rule, times, seeds, n=n)
    theory = predict(problem, rule, times, n=n)
    expected = np.concatenate([theory.risk, theory.train])
    mean = np.concatenate([runs.mean, runs.train_mean])
    error = np.concatenate([runs.standard_error, runs.train_standard_error])
    return mean / expected - 1, error / expected


def finite_equivalent_rung(key: jax.Array, *, quick: bool) -> Check:
    """Literal training on samples against the two-point function: a correction of order 1/size."""
    d, seeds = 16, 2000 if quick else 16_000
    rows, holds, limit = [], [], float(stats.norm.isf(LEVEL / (2 * 4 * len(CASES))))
    for k, (name, rule, times) in enumerate(CASES):
        for attempt, more in ((0, 1), (1, 4)):
            keys = jax.random.split(jax.random.fold_in(key, 2 * k + attempt))
            one, one_error = _both(keys[0], d, rule, times, more * seeds)
            two, two_error = _both(keys[1], 2 * d, rule, times, more * seeds // 2)
            error = np.hypot(one_error, 2 * two_error)
            z = float(np.abs((2 * two - one) / error).max())
            if z < limit:
                break
        at = int(np.argmax(np.abs(one)))
        row = (name, float(one[at]), float(two[at]), float(two_error[at]), z, limit)
        rows.append((*row, float((limit + 1.28) * error.max())))
        holds.append(z < limit)
    return Check(
        name="finite data",
        title="Means over features and samples against the deterministic equivalent",
        columns=("rule", f"d = {d}", f"d = {2 * d}", "+-", "max |z|", "limit", "power"),
        rows=tuple(rows),
        holds=tuple(holds),
        note="Relative deviations of risk and training error, expected to fall like 1/size; z: "
        f"twice that at {2 * d} minus that at {d}. {_problem(d)[0]}, n = 3 d / 2.",
    )


def finite_exponent_rung() -> Check:
    """Slopes of the equivalent against the exponents of what limits."""
    rows, holds = [], []
    for a, b in ((1.5, 1.5), (2.0, 1.5), (5.0, 1.5)):
        wide, flat = task(a, b, 10**12, d=10**5), task(a, b, 10**12)
        noisy = task(a, b, 10**9, noise=0.25)
        expected = finite_exponents(flat)
        found = {
            "width": (regime(wide, None).local["width"], expected.width),
            "data": (regime(flat, 10**5).local["data"], expected.data),
            "time": (regime(flat, 10**13, time=1e5).local["time"], expected.time),
        }
        best = flow_frontier(task(a, b, 10**9), [1e10])
        found["compute"] = (-best.slope[0], expected.compute)
        found["best width"] = (best.size_slope[0], expected.best_width)
        one, two = (early_stopping(noisy, n).excess for n in (10**6, 10**7))
        found["early stopping"] = (np.log10(one / two), expected.stopped)
        for name, (slope, exponent) in found.items():
            rows.append((a, b, expected.task, name, float(slope), float(exponent)))
            holds.append(bool(abs(slope - exponent) < NEAR))
    return Check(
        name="finite exponents",
        title="Local slopes of the equivalent against the exponents of what limits",
        columns=("a", "b", "task", "limit", "slope", "exponent"),
        rows=tuple(rows),
        holds=tuple(holds),
        note="Minus the slopes of the excess risk (of the best width: plus), of gradient flow; "
        "a = 2 alpha + 2 beta, b = 2 alpha. The width's is min(a - 1, b), the data's "
        f"min(a - 1, 2 b). Within {NEAR}.",
    )


def climb(key: jax.Array, *, quick: bool) -> list[Callable[[], Check]]:
    """All rungs of this module."""
    return [lambda: finite_equivalent_rung(key, quick=quick), finite_exponent_rung]
