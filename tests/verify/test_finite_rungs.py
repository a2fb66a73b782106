"""The rungs of finite data hold, and fall with a fault of a few per cent."""

import dataclasses

import jax
import pytest

from solvable import Ridge
from solvable.verify import finite_rungs


@pytest.mark.slow
@pytest.mark.parametrize("fault", [1.0, 1.1])
def test_equivalent(fault, monkeypatch):
    """A factor of 1.1 on the two-point theory of ridge regression does not pass."""
    true = finite_rungs.predict

    def wrong(problem, rule, times, n):
        found = true(problem, rule, times, n=n)
        factor = fault if isinstance(rule, Ridge) else 1.0
        return dataclasses.replace(found, excess=found.excess * factor)

    monkeypatch.setattr(finite_rungs, "predict", wrong)
    monkeypatch.setattr(finite_rungs, "CASES", [finite_rungs.CASES[0], finite_rungs.CASES[-1]])
    rung = finite_rungs.finite_equivalent_rung(jax.random.key(1), quick=True)
    assert rung.holds == (True, fault == 1.0)
    assert all(row[-1] < 0.1 for row in rung.rows), "no power"
