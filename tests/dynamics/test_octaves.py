"""Any number of steps by doubling blocks: against single steps, and against the inversion."""

import numpy as np
import pytest

from solvable import SGD, Averaged, Momentum, PowerLaw, expect, predict
from solvable.dynamics import contour_modes, octaves
from solvable.dynamics.recursion import stepping
from solvable.models.thresholds import max_learning_rate
from solvable.rules import ThreeRates

LONG = 20_000
STEPS = np.unique([*range(70), *np.rint(np.geomspace(64, LONG, 60)).astype(int)])
LATE = np.unique(np.rint(np.geomspace(1, 1e15, 150)).astype(int))

PROBLEMS = {
    "regression": PowerLaw(alpha=0.75, beta=0.15, v=10**12, noise=0.1),
    "features": PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400, noise=0.1),
    "huge": PowerLaw(alpha=0.4, beta=0.4, v=4 * 10**8, d=10**8, noise=0.1),
}


def nodes_of(problem, rule, horizon):
    if problem.d is None:
        return problem.spectrum()
    return contour_modes(problem, rule, horizon)


RULES = {
    "SGD": lambda gamma: SGD(0.5 * gamma),
    "near the threshold": lambda gamma: SGD(0.95 * gamma),
    "heavy ball": lambda gamma: Momentum(0.05 * gamma, 0.9),
    "heavier ball": lambda gamma: Momentum(0.01 * gamma, 0.98, 8),
    "three rates": lambda gamma: ThreeRates(Delta=0.05, gamma2=0.1 * gamma, gamma3=0.01 * gamma),
    "average": lambda gamma: Averaged(SGD(0.5 * gamma), ema=0.99),
    "slow average": lambda gamma: Averaged(SGD(0.5 * gamma), ema=0.9999),
    "average of heavy ball": lambda gamma: Averaged(Momentum(0.05 * gamma, 0.9), ema=0.9),
}


# Programs are compiled for every number of nodes and vectors: all rules on one problem, and the
# hardest problem with few.
PAIRS = [("regression", name) for name in RULES]
PAIRS += [("features", name) for name in ("near the threshold", "average")]
PAIRS += [pytest.param("features", "heavier ball", marks=pytest.mark.slow)]
PAIRS += [("huge", "SGD")]


@pytest.mark.parametrize(("problem", "rule"), PAIRS)
def test_blocks_are_many_single_steps(problem, rule, x64):
    """The measured error bounds the true one, and promises enough."""
    problem = PROBLEMS[problem]
    rule = RULES[rule](max_learning_rate(problem))
    nodes = nodes_of(problem, rule, LONG)
    found, error = octaves.evaluate(STEPS, nodes, rule)
    stepped = np.asarray(stepping(STEPS, nodes, rule))
    off = np.abs(found / stepped - 1)
    assert off.max() <= error < 5e-7
    # A run of single steps comes first, and is the same program.
    first = octaves.settled(nodes, rule)
    assert first >= octaves.FIRST
    np.testing.assert_array_equal(found[STEPS < first], stepped[STEPS < first])


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize(("fraction", "B"), [(0.5, 1), (0.9, 32)])
def test_fifteen_decades_against_the_inversion(problem, fraction, B, x64):
    sgd = SGD.stable(problem, fraction, B)
    found, error = octaves.evaluate(LATE, nodes_of(problem, sgd, LATE[-1]), sgd)
    inverted = predict(problem, sgd, LATE).excess  # good to 1e-9 where it is hardest
    assert np.abs(found / inverted - 1).max() < error + 1e-9 < 5e-8


def test_the_end_of_fifteen_decades_is_the_floor(x64):
    """Linear regression forgets where it came from: r / (1 - r) of the noise, r the kernel sum."""
    problem = PowerLaw(alpha=0.5, beta=0.0, v=64, noise=1.0)
    gamma = 0.5 * max_learning_rate(problem)
    lam = 1 / np.arange(1.0, 65.0)
    kernel = np.sum(gamma * lam / (2 - 2 * gamma * lam))
    found, _ = octaves.evaluate(np.array([10**15]), problem.spectrum(), SGD(gamma))
    assert found[0] == pytest.approx(kernel / (1 - kernel), rel=1e-12)


def test_which_steps_are_asked_for_does_not_matter(x64):
    """All of them, or one, or an end on any seam: of the single steps, of a block, of a panel."""
    problem = PROBLEMS["regression"]
    rule, nodes = Momentum(0.02, 0.9), problem.spectrum()
    every, _ = octaves.evaluate(np.arange(3000), nodes, rule)
    for t in (0, 1, 63, 64, 511, 512, 513, 1024, 2999):
        alone, _ = octaves.evaluate(np.array([t]), nodes, rule)
        assert alone[0] == pytest.approx(every[t], rel=1e-12)


def test_the_cost_does_not_grow_with_the_horizon(monkeypatch):
    """Single steps are taken for the first few hundred, at 10^15 as at 10^4."""
    taken, real = [], octaves.trajectory

    def counted(*arguments):
        for t, excess, X in real(*arguments):
            taken.append(t + excess.size)
            yield t, excess, X

    monkeypatch.setattr(octaves, "trajectory", counted)
    for last in (10**4, 10**15):
        curve = predict(PROBLEMS["regression"], Momentum(0.02, 0.9), last)
        assert curve.error < 1e-7
    assert taken == [512, 512]


# What is smooth for SGD rings for an average of it, if steps overshoot: E theta (mean) changes
# sign from step to step, and decays by as little as a factor 0.98 or 0.998 each.
EDGES = {
    "average at the edge": lambda gamma: Averaged(SGD(0.99 * gamma, 1000), ema=0.9),
    "closer": lambda gamma: Averaged(SGD(0.999 * gamma, 10**6), ema=0.99),
    "slow average": lambda gamma: Averaged(SGD(0.99 * gamma, 10**6), ema=0.9999),
    "heavy ball at the edge": lambda gamma: Averaged(Momentum(1.4985 * gamma, 0.5, 10**6), ema=0.5),
}


@pytest.mark.parametrize("rule", EDGES.values(), ids=EDGES)
def test_averages_at_the_edge_of_stability(rule, x64):
    """Of batches so large that the top mode overshoots: no error is worse than it says."""
    problem = PowerLaw(alpha=0.75, beta=0.15, v=64, noise=0.1)
    rule = rule(max_learning_rate(problem, 10**6))
    steps = np.arange(1500)
    curve = expect(problem, rule, steps)
    off = np.abs(curve.excess / np.asarray(stepping(steps, problem.spectrum(), rule)) - 1)
    assert off.max() <= max(curve.error, 1e-10)
    assert curve.error < 1e-6


def test_what_rings_for_ever_is_refused():
    """A velocity that forgets in 10^7 steps: single steps would be all there is, for hours."""
    with pytest.raises(ValueError, match=r"`steps` must end by 1e\+08, as Momentum.* rings for"):
        predict(PROBLEMS["regression"], Momentum(1e-8, 1 - 1e-7), 10**12)
