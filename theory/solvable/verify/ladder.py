"""The ladder of verification: simulation, exact expectation, equivalent, exponent.

Every rung compares two neighbours, so a disagreement names its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

from solvable.util.checks import check_count, check_flag
from solvable.util.errors import wrong_kind
from solvable.verify import finite_rungs, rule_rungs, rungs
from solvable.verify.configurations import LARGEST
from solvable.verify.rungs import Check


@dataclass(frozen=True)
class Verification:
    """The checks of all rungs, from the bottom."""

    rungs: tuple[Check, ...]
    seed: int

    @property
    def passed(self) -> bool:
        """Whether every rung holds."""
        return all(check.passed for check in self.rungs)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and words, for JSON."""
        rungs = [vars(check) | {"passed": check.passed} for check in self.rungs]
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
        seed: Of every random number, below 2^32.
        report: Called with each check as it is done.

    Raises:
        TypeError: If an argument is of another kind.
        ValueError: If ``seed`` is out of range.

    Example:
        >>> climb(quick=True).passed  # doctest: +SKIP
        True
    """
    quick, everything = check_flag("quick", quick), check_flag("everything", everything)
    seed = check_count("seed", seed, minimum=0, maximum=LARGEST)
    if report is not None and not callable(report):
        raise wrong_kind("report", "be a function of a check, or None", report)
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
