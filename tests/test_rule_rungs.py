"""The rungs of the training rules hold, and break where a fault is planted."""

from dataclasses import replace

import jax
import pytest

from solvable.verify import rule_rungs, rungs

KEY = jax.random.key(0)


def check(rung):
    assert rung.passed
    assert all(len(row) == len(rung.columns) for row in rung.rows)
    assert rung.columns[-1] == "holds" and all(row[-1] is True for row in rung.rows)


@pytest.mark.parametrize("family", rule_rungs.RULES)
def test_runs_of_every_family(family):
    rung = rule_rungs.simulated_rung(KEY, family, quick=True)
    check(rung)
    assert all(0 < row[rung.columns.index("power")] < 0.1 for row in rung.rows)


def test_domains():
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


def test_horizons(remembered, monkeypatch):
    monkeypatch.setattr(rule_rungs, "tune", remembered)
    of_rules(monkeypatch, *FEW)
    rung = rule_rungs.horizon_rung(quick=True)
    check(rung)
    assert len(rung.rows) == 3


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

    monkeypatch.setattr(rule_rungs, "expect_domains", wrong)
    assert not rule_rungs.domains_rung(KEY, quick=True).passed


def test_a_wrong_exponent_is_seen(remembered, monkeypatch):
    monkeypatch.setattr(rule_rungs, "tune", remembered)
    of_rules(monkeypatch, *FEW)
    real = rule_rungs.exponents
    wrong = lambda *a: replace(real(*a), risk=real(*a).risk + 0.05)
    monkeypatch.setattr(rule_rungs, "exponents", wrong)
    rung = rule_rungs.horizon_rung(quick=True)
    assert [row[-1] for row in rung.rows if row[-2] != "slow"] == [False, False]
