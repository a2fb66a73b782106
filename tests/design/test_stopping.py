"""When to stop and how wide to train: exponents, first orders, and what has no reason to stop."""

import numpy as np
import pytest

from solvable import PowerLaw, Ridge, Spectrum, predict
from solvable.asymptotics import finite_exponents
from solvable.design import early_stopping, flow_frontier
from solvable.verify import presets


def task(a, b, v=10**12, d=1000, noise=0.0):
    return presets.task(a, b, v, d, noise)


@pytest.mark.parametrize(
    ("a", "b", "risk", "time", "tolerance"),
    [(1.5, 1.5, 1 / 3, 1.0, 0.02), (2, 1.5, 0.5, 0.75, 0.005), (4, 1.5, 0.75, 0.375, 0.005)],
)
def test_early_stopping(a, b, risk, time, tolerance):
    exponents = finite_exponents(task(a, b))
    assert (exponents.stopped, exponents.stopping_time) == (pytest.approx(risk), time)
    one, two = (early_stopping(task(a, b, d=None, noise=0.25), n) for n in (10**6, 10**7))
    assert np.log10(one.excess / two.excess) == pytest.approx(risk, abs=tolerance)
    assert np.log10(two.time / one.time) == pytest.approx(time, abs=tolerance)


@pytest.mark.parametrize("n", [100, 1000, 1500])
def test_without_noise_there_is_no_reason_to_stop(n):
    """Nor with more samples than coordinates, where the risk decays to rounding, and then is none.

    The risk said is the limit: that of ridge regression at zero, and zero from n = v on.
    """
    problem = task(2, 1.5, d=None, v=1000)
    found = early_stopping(problem, n)
    assert found.time == np.inf
    limit = predict(problem, Ridge(), [0.0], n=n).excess[0] if n < 1000 else 0.0
    assert found.excess == limit >= 0


def test_strong_noise_stops_at_once():
    """E(0) - 2 t sum lam^2 w^2 + t^2 (noise + E(0)) sum lam^2 / n is least at this time."""
    problem = PowerLaw(alpha=1.0, beta=0.5, v=100, noise=1e9)
    lam, m = problem.spectrum().lam, problem.spectrum().weight
    time = 15 * (m @ lam) / ((1e9 + m.sum()) * np.sum(lam**2))
    found = early_stopping(problem, 15)
    assert found.time == pytest.approx(time, rel=1e-3)  # near it the risk is flat
    assert found.excess == pytest.approx(m.sum() - time * (m @ lam), rel=1e-12)


def test_time_has_the_unit_of_one_over_an_eigenvalue():
    """However small the eigenvalues are: the search is not over times of fixed size."""
    lam = np.arange(1.0, 101.0) ** -2
    one = early_stopping(Spectrum(lam, np.ones(100), noise=1.0), 50)
    other = early_stopping(Spectrum(1e-30 * lam, np.ones(100), noise=1e-30), 50)
    assert other.time == pytest.approx(1e30 * one.time, rel=1e-5)
    assert other.excess == pytest.approx(1e-30 * one.excess, rel=1e-9)


def test_steep_spectra_are_stopped_late():
    """With b = 6 and a = 7 the time grows like n^(6/7), here past 10^15."""
    problem = PowerLaw(alpha=3.0, beta=0.5, v=10**12, noise=0.25)
    one, two = (early_stopping(problem, n) for n in (10**17, 10**18))
    assert two.time > 1e15
    assert np.log10(two.time / one.time) == pytest.approx(6 / 7, abs=0.01)


@pytest.mark.parametrize(
    ("a", "b", "kind"), [(2, 1.5, "hard"), (2.8, 1.5, "easy"), (4, 1.5, "very easy")]
)
def test_compute_optimal_width(a, b, kind):
    """The best width grows more slowly than time for hard tasks: t ~ d^b."""
    expected = finite_exponents(task(a, b))
    assert expected.task == kind
    best = flow_frontier(task(a, b, v=10**9), [1e9, 1e10])
    assert -best.slope == pytest.approx(expected.compute, abs=0.01)
    assert best.size_slope == pytest.approx(expected.best_width, abs=0.01)
    assert not best.at_edge.any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: early_stopping(task(2, 1.5), 0), "`n` must be at least 1"),
        (lambda: early_stopping(task(2, 1.5), 1e19), r"`n` must be at most 1e\+18"),
        (lambda: flow_frontier(task(2, 1.5), [-1.0]), r"`flops\[0\]` must be a positive"),
        (lambda: flow_frontier(task(2, 1.5), [1e-300, 1.0]), r"`flops\[0\]` must leave an excess"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
