"""The compute-optimal frontier: against brute force, its own definition, and the exponents."""

import dataclasses
import re

import numpy as np
import pytest

from solvable import SGD, PowerLaw, UnstableError, load, phase, predict
from solvable.design import frontier
from solvable.models.thresholds import max_learning_rate
from solvable.verify import POINTS
from solvable.verify.finite_sums import finite_slopes, leading_terms
from solvable.verify.presets import family, half_trace


def problems(alpha, beta, noise=0.0):
    """The usual family, as a function of d."""
    return lambda d: family(alpha, beta, d, noise)


II = problems(1.0, 0.7)


def log_excess(problem, sgd, flops):
    """From predict, at a number of steps that need not be whole: linear between its neighbours.

    The risk is convex in log t, so this errs by 1 / (8 t^2), below 1e-7 at t > 10^3.
    """
    step = flops / (problem.d * sgd.B)
    whole = np.floor(step)
    excess = predict(problem, sgd, [whole, whole + 1]).excess
    return np.log(np.interp(step, [whole, whole + 1], excess))


@pytest.fixture(scope="module")
def best():
    """In phase II at two budgets."""
    return frontier(II, half_trace, [1e8, 1e9])


def test_the_optimum_is_that_of_brute_force():
    """Every size of a dense grid, by ``predict``; the parabola through the best three.

    Here v is fixed, which is a family too, and one compiled call for all sizes.
    """
    of_size = lambda d: PowerLaw(alpha=1.0, beta=0.7, v=10**6, d=d)
    flops, rule = 3e6, lambda problem: half_trace(problem, B=4)
    best = frontier(of_size, rule, [flops])
    sizes = np.unique(np.rint(best.d * np.geomspace(1 / 2, 2, 31))).astype(int)
    risk = np.array([log_excess(of_size(int(d)), rule(of_size(int(d))), flops) for d in sizes])
    k = int(np.argmin(risk))
    assert 0 < k < sizes.size - 1
    x = np.log(sizes[k - 1 : k + 2])
    a, b, c = np.polyfit(x - x[1], risk[k - 1 : k + 2], 2)
    # Three points 5 % apart: the cubic term moves the minimum by (0.05)^2.
    assert best.d == pytest.approx(sizes[k] * np.exp(-b / (2 * a)), rel=5e-3)
    assert best.excess == pytest.approx(np.exp(c - b * b / (4 * a)), rel=1e-5)
    assert not best.at_edge


def test_no_size_beats_the_envelope(best):
    for f, d, excess in zip(best.flops, best.d, best.excess, strict=True):
        for factor in (0.5, 0.95, 1.05, 2.0):
            problem = II(round(d * factor))
            other = np.exp(log_excess(problem, half_trace(problem), f))
            # The optimum is flat: 5 % off in d costs (0.05)^2 times a curvature of order 0.1.
            assert other > excess * (1 + 1e-5)
        near = II(round(d))
        at = np.exp(log_excess(near, half_trace(near), f))
        assert at == pytest.approx(excess, rel=1e-5)  # rounding d moves it by d^-2


def test_slopes_are_those_of_the_frontier():
    """By central differences, of a step half as large: both err as the square of the step."""
    step = 0.1
    best = frontier(II, half_trace, np.exp([-step, 0, step]) * 1e12, sizes=(10**4, 10**6))
    slope, size_slope = (np.log(x[2] / x[0]) / (2 * step) for x in (best.excess, best.d))
    # The slopes change by 1e-3 per decade of f, so by some 1e-6 in the third derivative; d* is
    # known to the square root of the accuracy of the risk.
    assert best.slope[1] == pytest.approx(slope, abs=2e-5)
    assert best.size_slope[1] == pytest.approx(size_slope, abs=2e-3)


@pytest.mark.parametrize("name", ["Ia", "Ib", "II", "III", "IVa"])
def test_the_exponents_are_reached(name):
    """At f = 10^20, to 0.005, which is the claim; the smallest exponent is 0.3."""
    alpha, beta = POINTS[name][0]
    predicted = phase(alpha, beta)
    best = frontier(problems(alpha, beta), half_trace, [1e20], sizes=(10**5, 10**13))
    assert best.slope[0] == pytest.approx(predicted.loss_exponent, abs=0.005)
    assert best.size_slope[0] == pytest.approx(predicted.size_exponent, abs=0.005)
    assert not best.at_edge[0]


def test_an_optimum_outside_the_sizes_is_flagged(best):
    assert not best.at_edge.any() and "edge" not in str(best)
    large = frontier(II, half_trace, [1e8, 1e9], sizes=(10**5, 10**6))
    assert large.at_edge.all() and (large.d >= 10**5 * (1 - 1e-9)).all()
    assert str(large).count("at the edge of the sizes searched: no optimum") == 2
    between = int(np.sqrt(best.d[0] * best.d[1]))  # above the first, below the second
    small = frontier(II, half_trace, [1e8, 1e9], sizes=(8, between))
    assert small.at_edge.tolist() == [False, True]
    assert small.d[1] == pytest.approx(between, rel=1e-9)
    assert small.d[0] == pytest.approx(best.d[0], rel=1e-3)  # the minimum of another polynomial


@pytest.mark.parametrize("sizes", [(500, 700), (100, 101)])
def test_a_narrow_range_of_sizes_is_searched_too(sizes):
    """The optimum, near 2000, is outside: the answer is the upper end, and flagged."""
    best = frontier(II, half_trace, [1e8], sizes=sizes)
    assert best.at_edge[0]
    assert best.d[0] == pytest.approx(sizes[1], rel=1e-9)
    end = II(sizes[1])
    risk = np.exp(log_excess(end, half_trace(end), 1e8))
    assert best.excess[0] == pytest.approx(risk, rel=1e-6)


def test_noise_is_said_to_be_outside_the_phases(best):
    noisy = frontier(problems(1.0, 0.7, noise=0.25), half_trace, [1e8, 1e9])
    assert "Label noise 0.25: the phases and their exponents assume none." in str(noisy)
    assert "noise" not in str(best)
    assert (noisy.excess > best.excess).all()  # SGD fits noise


def test_a_frontier_is_saved_and_loaded_without_loss(best, tmp_path):
    best.save(tmp_path / "frontier.nc")
    again = load(tmp_path / "frontier.nc")
    for f in dataclasses.fields(best):
        np.testing.assert_array_equal(getattr(again, f.name), getattr(best, f.name))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flops": [1e9, 1e8]}, "`flops` must be strictly increasing, but is [1000000000.0,"),
        ({"flops": [1e8, 1e8]}, "`flops` must be strictly increasing"),
        ({"flops": [-1e8]}, "`flops[0]` must be a positive finite number, but is -100000000.0"),
        ({"flops": []}, "`flops` must be a non-empty one-dimensional array"),
        ({"flops": 1e8}, "`flops` must be a non-empty one-dimensional array"),
        ({"flops": [300.0, 1e8]}, "`flops` must leave at least 32 steps to the smallest size, 100"),
        ({"flops": [1e3]}, "`flops` must leave at least 32 steps to the smallest size, 100"),
        ({"sizes": (1000, 100)}, "`sizes` must be an increasing pair"),
        ({"sizes": (0, 100)}, "`sizes` must be at least 1, but is 0"),
        (
            {"family": lambda d: PowerLaw(alpha=1.0, beta=0.7, v=d)},
            "`family` must return a problem with d = 100 when called with 100",
        ),
        ({"family": lambda d: II(2 * d)}, "when called with 100, but is PowerLaw(alpha=1.0, "),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"family": II, "rule": half_trace, "flops": [1e8], "sizes": (100, 10**6)}
    with pytest.raises(ValueError, match=re.escape(message)):
        frontier(**arguments | change)


def test_an_unstable_rule_is_refused_with_its_threshold():
    with pytest.raises(UnstableError, match="`rule` must give gamma below") as caught:
        frontier(II, lambda problem: SGD(1.2), [1e8], sizes=(100, 1000))
    threshold, d = re.search(r"rate, (\S+) at d = (\d+), but is 1.2", str(caught.value)).groups()
    assert float(threshold) == pytest.approx(max_learning_rate(II(int(d))), rel=1e-5)
    # Stable at some sizes is not enough: this rule is not, from d = 500 on.
    with pytest.raises(UnstableError, match=r"at d = [5-9]..[, ]"):
        frontier(II, lambda p: SGD(0.3 if p.d < 500 else 1.2), [1e8], sizes=(100, 1000))


# The terms with their finite sums


@pytest.mark.parametrize("B", [1, 8])
def test_leading_terms_are_their_sums(B):
    problem, sgd, t = PowerLaw(alpha=0.27, beta=0.7, v=60, d=15), SGD(0.05, B), 40.0
    lam = np.arange(1.0, 61.0) ** -0.54
    low, high = 0.0, 10.0  # kappa_0 by bisection: df1 falls
    for _ in range(100):
        kappa = (low + high) / 2
        low, high = (kappa, high) if np.sum(lam / (lam + kappa)) > 15 else (low, kappa)
    q, weight = lam / (lam + kappa), lam * np.arange(1.0, 61.0) ** -1.4
    a = 1 - 2 * 0.05 * lam + 0.05**2 * (B + 1) / B * lam**2
    by_hand = np.sum(weight * (1 - q)) + np.sum(weight * q * a**t)
    by_hand += 0.05 / B * np.sum(lam**2 * q * a**t)
    assert leading_terms(problem, sgd, t) == pytest.approx(by_hand, rel=1e-9)


def test_finite_slopes_approach_the_exponents_where_the_terms_are_powers():
    """In Ib two plain powers balance, F_0 and F_pp: 2e-3 at f = 10^18, less later."""
    alpha, beta = POINTS["Ib"][0]
    predicted, off = phase(alpha, beta), []
    for f, near in ((1e14, 1e7), (1e18, 1e9)):
        slope, size_slope = finite_slopes(problems(alpha, beta), half_trace, f, near)
        off.append(abs(slope - predicted.loss_exponent))
    assert off[1] < 0.6 * off[0] and off[1] < 0.005
    assert size_slope == pytest.approx(predicted.size_exponent, abs=0.005)
