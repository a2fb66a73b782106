"""The rungs of the training rules hold, and break where a fault is planted."""

from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from solvable import exponents
from solvable.verify import rule_rungs, rungs

KEY = jax.random.key(0)


def check(rung):
    assert rung.passed and rung.holds == (True,) * len(rung.rows)
    assert all(len(row) == len(rung.columns) for row in rung.rows)


@pytest.mark.parametrize(
    "family",
    [x if x == "labels" else pytest.param(x, marks=pytest.mark.slow) for x in rule_rungs.RULES],
)
def test_runs_of_every_family(family):
    rung = rule_rungs.simulated_rung(KEY, family, quick=True)
    check(rung)
    assert all(0 < row[rung.columns.index("power")] < 0.1 for row in rung.rows)


@pytest.mark.parametrize(
    "cases", [rule_rungs.DOMAINS[:1], pytest.param(rule_rungs.DOMAINS, marks=pytest.mark.slow)]
)
def test_domains(monkeypatch, cases):
    monkeypatch.setattr(rule_rungs, "DOMAINS", cases)
    check(rule_rungs.domains_rung(KEY, quick=True))


@pytest.mark.slow
def test_equivalents():
    check(rule_rungs.rule_equivalent_rung(KEY, quick=True))


@pytest.fixture(scope="module")
def remembered():
    """Tuned once for every rule and horizon: the two tests of the horizons tune the same."""
    real, found = rule_rungs.tune, {}

    def tune(problem, rule, T):
        at = (problem.alpha, problem.beta, T, repr(rule(0.1)))
        if at not in found:
            found[at] = real(problem, rule, T)
        return found[at]

    return tune


def of_rules(monkeypatch, *names):
    """The rung of these rules alone."""
    real = rule_rungs._families
    of = lambda T, a: {name: real(T, a)[name] for name in names}
    monkeypatch.setattr(rule_rungs, "_families", of)


FEW = ("constant", "linear", "tail half")  # at once, slowly, and as an average


def power_law(off):
    """What ``tune`` would find if risks were powers of the horizon, a bit off their exponents."""

    def tune(problem, rule, T):
        return SimpleNamespace(excess=T ** (exponents(problem, rule(0.1)).risk + off))

    return tune


@pytest.mark.parametrize(("off", "holds"), [(0.0, True), (0.019, True), (-0.021, False)])
def test_slopes_are_held_against_the_exponents(monkeypatch, off, holds):
    """a = 2 alpha + 2 beta and b = 2 alpha: 1/2, 2/3 and 2/3 at a = 3, b = 2."""
    of_rules(monkeypatch, *FEW)
    monkeypatch.setattr(rule_rungs, "tune", power_law(off))
    rung = rule_rungs.horizon_rung(quick=True)
    assert rung.holds == (holds,) * 3
    for row, exponent in zip(rung.rows, (-1 / 2, -2 / 3, -2 / 3), strict=True):
        a, b, _, expected, before, slope, _ = row
        assert (a, b) == (3.0, 2.0) and expected == pytest.approx(exponent)
        assert before == pytest.approx(slope) == pytest.approx(exponent + off)


def test_a_slow_slope_may_be_far_if_it_comes_nearer(monkeypatch):
    of_rules(monkeypatch, *FEW)
    law = power_law(0.0)
    slowly = lambda *a: SimpleNamespace(excess=law(*a).excess * (1 + 8 * a[-1] ** -0.3))
    monkeypatch.setattr(rule_rungs, "tune", slowly)
    assert rule_rungs.horizon_rung(quick=True).holds == (False, True, False)
    away = lambda *a: SimpleNamespace(excess=law(*a).excess * np.exp(0.01 * np.log(a[-1]) ** 2))
    monkeypatch.setattr(rule_rungs, "tune", away)
    assert rule_rungs.horizon_rung(quick=True).holds == (False, False, False)


@pytest.mark.slow
def test_horizons_of_all_rules(remembered, monkeypatch):
    monkeypatch.setattr(rule_rungs, "tune", remembered)
    rung = rule_rungs.horizon_rung(quick=True)
    check(rung)
    assert len(rung.rows) == 6


def test_climb_has_them_all():
    assert len(rule_rungs.climb(KEY, quick=True)) == len(rule_rungs.RULES) + 3


def test_a_wrong_recursion_is_seen(monkeypatch):
    """A tenth too much noise in the expectation."""
    real = rungs.expect

    def wrong(draw, *arguments):
        curve = real(draw, *arguments)
        return replace(curve, excess=1.1 * curve.excess)

    monkeypatch.setattr(rungs, "expect", wrong)
    assert not rule_rungs.simulated_rung(KEY, "labels", quick=True).passed


def test_a_wrong_domain_is_seen(monkeypatch):
    real = rule_rungs.expect_domains

    def wrong(*arguments):
        curve = real(*arguments)
        return replace(curve, excess=1.2 * curve.excess)

    monkeypatch.setattr(rule_rungs, "DOMAINS", rule_rungs.DOMAINS[:1])
    monkeypatch.setattr(rule_rungs, "expect_domains", wrong)
    assert not rule_rungs.domains_rung(KEY, quick=True).passed


@pytest.mark.slow
def test_a_wrong_exponent_is_seen(remembered, monkeypatch):
    monkeypatch.setattr(rule_rungs, "tune", remembered)
    of_rules(monkeypatch, *FEW)
    real = rule_rungs.exponents
    wrong = lambda *a: replace(real(*a), risk=real(*a).risk + 0.05)
    monkeypatch.setattr(rule_rungs, "exponents", wrong)
    rung = rule_rungs.horizon_rung(quick=True)
    fast = [holds for row, holds in zip(rung.rows, rung.holds, strict=True) if row[-1] != "slow"]
    assert fast == [False, False]
