"""The ladder holds, and each rung breaks where a fault is planted in one of its two neighbours."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from solvable import POINTS, Verification, verify
from solvable.verify import rungs

FEW = (("Ia", 1.0, 0.3), ("Ic", 0.2, 0.7), ("IVb", 0.27, 0.7))  # all three methods of the slopes


def at(monkeypatch, *points):
    """The ladder at these points alone."""
    monkeypatch.setattr(rungs, "_points", lambda per_phase: iter(points))


@pytest.fixture(scope="module")
def climbed():
    """The quick ladder at few points, and the rungs as they were reported."""
    reported = []
    with pytest.MonkeyPatch.context() as patch:
        at(patch, *FEW)
        return verify(quick=True, seed=0, report=reported.append), reported


def test_the_ladder_holds(climbed):
    verification, reported = climbed
    assert verification.passed
    assert [rung.name for rung in reported] == ["simulation", "equivalent", "exponents"]
    assert tuple(reported) == verification.rungs
    for rung in verification.rungs:
        assert rung.passed and len(rung.rows) >= 3
        assert all(len(row) == len(rung.columns) for row in rung.rows)
        assert rung.columns[-1] == "holds" and all(row[-1] is True for row in rung.rows)


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
    series = plain["rungs"][2]["series"]
    assert all(len(slopes) == len(series["flops"]) for slopes in series.values())
    assert set(series) == {"flops", *(f"{name} ({a}, {b})" for name, a, b in FEW)}


def test_one_row_that_fails_fails_the_ladder(climbed):
    good = climbed[0].rungs[0]
    bad = dataclasses.replace(good, rows=(*good.rows, (*good.rows[0][:-1], False)))
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


def test_a_wrong_expectation_fails_the_first_rung(monkeypatch):
    """By a tenth."""
    at(monkeypatch, FEW[0])
    monkeypatch.setattr(rungs, "expect", scaled(rungs.expect, 1.1))
    rung = rungs.simulation_rung(jax.random.key(0), quick=True)
    assert [row[-1] for row in rung.rows] == [False]


def test_a_wrong_equivalent_fails_the_second_rung(monkeypatch):
    """By a fifth, of which the part beyond c/d is as large. Half the draws show it."""
    at(monkeypatch, FEW[0])
    real = rungs._deviations
    monkeypatch.setattr(rungs, "_deviations", lambda *a: real(*a[:-1], a[-1] // 2))
    monkeypatch.setattr(rungs, "predict", scaled(rungs.predict, 1.2))
    assert not rungs.equivalent_rung(jax.random.key(0), quick=True).passed


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
