"""Simulation and theory of finite data at the sizes the papers simulate, to half a per cent.

Papers: arXiv 2402.01092 (flow and descent), 2210.16859 (ridge regression). Written a, b: the
spectrum is j^-b, and the signal on it j^-a.
"""

import jax
import numpy as np
import pytest

from solvable import GradientDescent, GradientFlow, Ridge, predict, simulate
from solvable.verify.presets import task

SEEDS = 300
CORRECTION = 1.0
"""The theory is off by as much of 1 / min(d, n): 2 per cent at 50, half a per cent at 200."""


def agree(runs, theory, size):
    """Within four standard errors and the correction; and a fault of 5 per cent would be seen."""
    of_train = runs.train.mean(axis=0), runs.train.std(axis=0, ddof=1) / np.sqrt(SEEDS)
    for (mean, error), expected in (
        ((runs.mean, runs.standard_error), theory.risk),
        (of_train, theory.train),
    ):
        seen = expected > 1e-9  # what is fitted exactly has no training error
        mean, error, expected = mean[seen], error[seen], expected[seen]
        assert (np.abs(mean - expected) < 4 * error + CORRECTION / size * expected).all()
        assert (2 * error < 0.05 * expected).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("d", "n", "a", "b", "noise", "rule", "times"),
    [
        (200, 300, 1.5, 1.25, 0.0, GradientFlow(), [10, 100, 1000]),
        (300, 150, 1.5, 1.25, 0.0, GradientFlow(), [10, 100, 1000, 100_000]),
        (200, 300, 2.0, 1.5, 0.25, GradientFlow(), [10, 100, 1000]),
        (200, 300, 1.5, 1.25, 0.09, GradientDescent(0.5), [30, 300, 3000]),
    ],
)
def test_training(d, n, a, b, noise, rule, times):
    problem = task(a, b, v=1000, d=d, noise=noise)
    key = jax.random.key(7 * d + n + int(100 * noise))
    runs = simulate(key, problem, rule, times, seeds=SEEDS, n=n)
    agree(runs, predict(problem, rule, times, n=n), min(d, n))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("v", "d", "n", "a", "b", "noise", "ridge"),
    [
        (1000, 100, 250, 1.5, 1.5, 0.0, [1e-3, 1e-2]),
        (1000, 250, 100, 1.5, 1.5, 0.0, [0.0, 1e-3]),
        (1000, 200, 200, 1.5, 1.5, 0.04, [1e-4, 1e-3, 1e-2]),
        (600, 300, 400, 2.2, 1.3, 0.25, [1e-3, 1e-1]),
        (3000, 50, 400, 1.5, 1.5, 0.0, [0.0]),
        (3000, 400, 50, 1.5, 1.5, 0.0, [0.0]),
        (3000, 400, 50, 2.0, 1.5, 0.0, [0.0]),
    ],
)
def test_ridge_regression(v, d, n, a, b, noise, ridge):
    problem = task(a, b, v=v, d=d, noise=noise)
    runs = simulate(jax.random.key(v + 3 * d + n), problem, Ridge(), ridge, seeds=SEEDS, n=n)
    agree(runs, predict(problem, Ridge(), ridge, n=n), min(d, n))
