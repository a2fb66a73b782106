"""The ladder holds, and each rung breaks where a fault is planted in one of its two neighbours."""

import dataclasses
import functools
import json

import jax
import numpy as np
import pytest

from solvable import SGD, Curve, PowerLaw, Runs, compare
from solvable.verify import POINTS, Verification, climb, rungs

FEW = (("Ia", 1.0, 0.3), ("Ic", 0.2, 0.7), ("IVb", 0.27, 0.7))  # all three methods of the slopes


SMALL = rungs.QUICK._replace(d=24, doublings=6)


def at(monkeypatch, *points):
    """The ladder at these points alone, and small."""
    monkeypatch.setattr(rungs, "_points", lambda per_phase: iter(points))
    monkeypatch.setattr(rungs, "QUICK", SMALL)


def like(correction, beyond=0.0):
    """Deviations from the equivalent of known law, as the draws of features would give them."""

    def deviations(key, problem, sgd, step, draws):
        error = np.full(step.size, 0.3 / np.sqrt(draws * problem.d))
        noise = np.asarray(jax.random.normal(key, step.shape)) * error
        return correction / problem.d + beyond + noise, error

    return deviations


@pytest.fixture(scope="module")
def climbed():
    """The quick ladder at few points, and the rungs as they were reported.

    The means over draws, which take long to compile, follow their law: a correction of order 1/d.
    """
    reported = []
    with pytest.MonkeyPatch.context() as patch:
        at(patch, *FEW)
        patch.setattr(rungs, "_deviations", like(1.5))
        return climb(quick=True, seed=0, report=reported.append), reported


def test_the_ladder_holds(climbed):
    verification, reported = climbed
    assert verification.passed
    assert [rung.name for rung in reported] == ["simulation", "equivalent", "exponents"]
    assert tuple(reported) == verification.rungs
    for check in verification.rungs:
        assert check.passed and len(check.rows) >= 3
        assert all(len(row) == len(check.columns) for row in check.rows)
        assert check.holds == (True,) * len(check.rows)


def test_the_rungs_have_power(climbed):
    """What would have been seen in nine cases of ten is small: the rungs could have failed."""
    simulation, equivalent, exponents = climbed[0].rungs
    assert [row[3] for row in simulation.rows] == ["modes"] * 3
    assert all(0 < row[simulation.columns.index("power")] < 0.15 for row in simulation.rows)
    assert all(0 < row[equivalent.columns.index("power")] < 0.15 for row in equivalent.rows)
    methods = [row[exponents.columns.index("method")] for row in exponents.rows]
    assert methods == ["direct", "extrapolated", "finite sums"]
    assert all(row[exponents.columns.index("+-")] < rungs.CLOSE for row in exponents.rows)


def test_it_is_plain_numbers_and_words(climbed):
    verification = climbed[0]
    plain = json.loads(json.dumps(verification.to_dict(), allow_nan=False))
    assert plain["passed"] is True and plain["seed"] == 0
    assert [rung["name"] for rung in plain["rungs"]] == ["simulation", "equivalent", "exponents"]
    assert plain["rungs"][2]["rows"] == [list(row) for row in verification.rungs[2].rows]
    assert plain["rungs"][2]["holds"] == [True, True, True]
    assert plain["rungs"][2]["slow"] == ["Ic (0.2, 0.7)", "IVb (0.27, 0.7)"]
    series = plain["rungs"][2]["series"]
    assert all(len(slopes) == len(series["flops"]) for slopes in series.values())
    assert set(series) == {"flops", *(f"{name} ({a}, {b})" for name, a, b in FEW)}


def test_one_row_that_fails_fails_the_ladder(climbed):
    good = climbed[0].rungs[0]
    bad = dataclasses.replace(good, rows=good.rows + good.rows[:1], holds=(*good.holds, False))
    assert not bad.passed
    verification = Verification(rungs=(good, bad), seed=0)
    assert not verification.passed
    assert verification.to_dict()["rungs"][1]["passed"] is False


@pytest.mark.parametrize("per_phase", [1, 2])
def test_every_phase_is_climbed(per_phase):
    points = list(rungs._points(per_phase))
    assert len(points) == 7 * per_phase
    assert {name for name, *_ in points} == set(POINTS)


# Planted faults


def scaled(function, factor):
    """The same with another risk, but for step 0, which would give it away at once."""

    def faulty(*arguments):
        curve = function(*arguments)
        factors = np.where(curve.step > 0, factor, 1)
        return dataclasses.replace(curve, excess=factors * curve.excess)

    return faulty


@pytest.mark.slow
def test_a_wrong_expectation_fails_the_first_rung(monkeypatch):
    """By a tenth, at batch size 8."""
    at(monkeypatch, FEW[0])
    monkeypatch.setattr(rungs, "expect", scaled(rungs.expect, 1.1))
    rung = rungs.simulation_rung(jax.random.key(0), quick=True)
    assert rung.holds == (False,)


def recursion(samples):
    """The expectation of SGD by stepping, with ``B + samples`` in the square of a step."""

    def expected(draw, rule, step):
        lam, m = np.asarray(draw.modes.lam), np.asarray(draw.modes.weight)
        a = 1 - 2 * rule.gamma * lam + rule.gamma**2 * (rule.B + samples) / rule.B * lam**2
        excess, floor = [], float(draw.modes.floor)
        for _ in range(int(step[-1]) + 1):
            excess.append(floor + m.sum())
            m = a * m + rule.gamma**2 / rule.B * lam**2 * (floor + m.sum())
        return Curve(x=step, excess=np.array(excess)[step], problem=draw.problem, rule=rule)

    return expected


@pytest.mark.parametrize(
    ("samples", "seeds"),
    [(1.0, 2**12), (1.3, 2**12), pytest.param(1.1, rungs.BOLD.seeds, marks=pytest.mark.slow)],
)
def test_a_wrong_coefficient_of_the_noise_fails_the_first_rung(monkeypatch, samples, seeds):
    """(B + 1.1) / B for (B + 1) / B: it takes batch size 1, a rate near the threshold, many runs.

    The deviation grows like ``samples`` - 1 and the root of the runs, so that the default cases,
    with three times the fault, take a sixteenth of the runs.
    """
    quick = rungs.QUICK
    at(monkeypatch, ("Ib", *POINTS["Ib"][0]))
    if seeds == rungs.BOLD.seeds:
        monkeypatch.setattr(rungs, "QUICK", quick)
    monkeypatch.setattr(rungs, "BOLD", rungs.BOLD._replace(seeds=seeds))
    monkeypatch.setattr(rungs, "expect", recursion(samples))
    assert rungs.simulation_rung(jax.random.key(0), quick=True).holds == (True, samples == 1)


def test_every_row_of_the_whole_rung_can_fail(monkeypatch):
    """Its level is shared by 22 rows; the p-value of a bootstrap has a least value."""
    theory = Curve(
        x=[1, 2], excess=np.ones(2), problem=PowerLaw(alpha=1.0, beta=0.3, v=9), rule=SGD(1)
    )
    runs = Runs.from_array([1, 2], np.random.default_rng(0).normal(1.1, 0.1, (64, 2)))
    verdict = functools.cache(lambda level: compare(theory, runs, level=level))
    monkeypatch.setattr(rungs, "judged", lambda *a: verdict(a[-1]))
    assert rungs.simulation_rung(jax.random.key(0), quick=False).holds == (False,) * 22


@pytest.mark.parametrize(("beyond", "holds"), [(0.0, True), (0.15, False)])
def test_a_deviation_beyond_one_over_d_fails_the_second_rung(monkeypatch, beyond, holds):
    at(monkeypatch, FEW[0])
    monkeypatch.setattr(rungs, "_deviations", like(1.5, beyond))
    rung = rungs.equivalent_rung(jax.random.key(0), quick=True)
    assert rung.holds == (holds,)
    assert rung.rows[0][rung.columns.index("power")] < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_a_wrong_equivalent_fails_the_second_rung(monkeypatch, factor):
    """By a fifth, of which the part beyond c/d is as large."""
    at(monkeypatch, *FEW)
    monkeypatch.setattr(rungs, "predict", scaled(rungs.predict, factor))
    rung = rungs.equivalent_rung(jax.random.key(0), quick=True)
    assert rung.holds == (factor == 1,) * 3
    assert all(0 < row[rung.columns.index("power")] < 0.15 for row in rung.rows)


@pytest.mark.parametrize("point", FEW[:2], ids=lambda point: point[0])
def test_a_wrong_exponent_fails_the_third_rung(monkeypatch, point):
    """By 0.02."""
    at(monkeypatch, point)
    real = rungs.phase
    monkeypatch.setattr(
        rungs,
        "phase",
        lambda *at: dataclasses.replace(real(*at), loss_exponent=real(*at).loss_exponent - 0.02),
    )
    assert not rungs.exponent_rung(quick=True).passed


def test_a_wrong_exponent_of_the_size_fails_the_third_rung(monkeypatch):
    at(monkeypatch, FEW[0])
    real = rungs.phase
    monkeypatch.setattr(
        rungs,
        "phase",
        lambda *at: dataclasses.replace(real(*at), size_exponent=real(*at).size_exponent + 0.02),
    )
    assert not rungs.exponent_rung(quick=True).passed


def test_an_optimum_at_the_edge_fails_the_third_rung(monkeypatch):
    at(monkeypatch, FEW[0])
    real, edge = rungs.frontier, np.array([True] + 7 * [False])
    monkeypatch.setattr(rungs, "frontier", lambda *a: dataclasses.replace(real(*a), at_edge=edge))
    assert not rungs.exponent_rung(quick=True).passed


def test_wrong_finite_sums_fail_the_third_rung(monkeypatch):
    at(monkeypatch, FEW[2])
    real = rungs.finite_slopes
    monkeypatch.setattr(rungs, "finite_slopes", lambda *a: (real(*a)[0] + 0.02, real(*a)[1]))
    assert not rungs.exponent_rung(quick=True).passed


def test_extrapolation_of_a_geometric_approach_is_exact():
    slopes = -0.2222 + 0.05 * 0.6 ** np.arange(8)
    limit, moved = rungs._extrapolated(slopes)
    assert limit == pytest.approx(-0.2222, abs=1e-13)
    assert moved < 1e-12
