"""The ladder of verification: simulation, exact expectation, equivalent, exponent.

Every rung compares two neighbours, so a disagreement names its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

from solvable.verify import finite_rungs, rule_rungs, rungs
from solvable.verify.rungs import Check


@dataclass(frozen=True)
class Verification:
    """The rungs, from the bottom."""

    rungs: tuple[Check, ...]
    seed: int

    @property
    def passed(self) -> bool:
        """Whether every rung holds."""
        return all(rung.passed for rung in self.rungs)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and words, for JSON."""
        rungs = [vars(rung) | {"passed": rung.passed} for rung in self.rungs]
        return {"passed": self.passed, "seed": self.seed, "rungs": rungs}


def climb(
    *,
    quick: bool = False,
    everything: bool = False,
    seed: int = 0,
    report: Callable[[Check], None] | None = None,
) -> Verification:
    """Climb the ladder.

    Args:
        quick: Fewer points, draws and seeds: under half a minute instead of minutes.
        everything: Also a rung for each family of other training rules, and for finite data.
        seed: Of every random number.
        report: Called with each rung as it is done.

    Example:
        >>> climb(quick=True).passed  # doctest: +SKIP
        True
    """
    key = jax.random.key(seed)
    steps: list[Callable[[], Check]] = [
        lambda: rungs.simulation_rung(jax.random.fold_in(key, 0), quick=quick),
        lambda: rungs.equivalent_rung(jax.random.fold_in(key, 1), quick=quick),
        lambda: rungs.exponent_rung(quick=quick),
    ]
    if everything:
        steps += rule_rungs.climb(jax.random.fold_in(key, 2), quick=quick)
        steps += finite_rungs.climb(jax.random.fold_in(key, 3), quick=quick)
    found = []
    for step in steps:
        found.append(step())
        if report:
            report(found[-1])
    return Verification(rungs=tuple(found), seed=seed)
