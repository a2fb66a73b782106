"""The memory that a simulation on fresh samples takes, as a formula of its sizes."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from solvable.models.draw import Draw, modes_memory
from solvable.models.problem import DRAWN, Problem
from solvable.rules.rule import Rule
from solvable.util.checks import check_count
from solvable.util.errors import requirement
from solvable.util.memory import check_memory, machine_memory


class Needs(NamedTuple):
    """Bytes by sizes, and these sizes by the names of their arguments."""

    formula: Callable[..., float]
    sizes: dict[str, int]

    @property
    def total(self) -> float:
        """Bytes at the sizes."""
        return self.formula(*self.sizes.values())


def listed(problem: Problem) -> int:
    """The number of coordinates of x, of which a simulation needs every one.

    Raises:
        ValueError: If there are infinitely many.
    """
    if not np.isfinite(float(problem.v)):
        must = "list every eigenvalue to be simulated, and have none that vanish"
        fix = "The theory needs no list: predict. NonlinearFeatures(...) are simulated themselves."
        raise requirement("problem", must, problem, fix)
    return int(problem.v)


def needs(
    problem: Problem,
    rule: Rule,
    recorded: int,
    seeds: int,
    setting: tuple[Any, Any, np.dtype],
) -> Needs:
    """What the arrays of a simulation take at their peak, good to a factor of two.

    They are those of the model, the state before and after a call, the records here and there, the
    draw of features while its modes are computed, and the samples of a step.

    Raises:
        ValueError: If the batch size is no whole number, or the problem has no list of coordinates.
    """
    engine, law, dtype = setting
    literal, item = not engine.of_deviations, dtype.itemsize
    shared = problem.d is None or isinstance(problem, Draw)
    vectors = len(rule.start) + 2  # an optimiser keeps some that are not declared

    def formula(seeds: int, B: int, recorded: int, v: int, d: int | None = None) -> float:
        width = v if d is None else d if literal else min(v, d)
        features = v * width if literal and d is not None else width
        data = 3 * (1 if shared else seeds) * (features + (v if literal else width)) * item
        draw = 0 if d is None else DRAWN * v * d if literal else modes_memory(v, d)
        state = 2 * seeds * (vectors * width + recorded) * item + 24 * seeds * recorded
        samples = law.copies * seeds * B * (v + width if literal else width + 1) * item
        return data + draw + state + samples

    sizes = {"seeds": seeds, "B": check_count("B", rule.B), "recorded steps": recorded}
    sizes |= {"v": listed(problem)} | ({} if problem.d is None else {"d": int(problem.d)})
    return Needs(formula, sizes)


def check_fits(found: Needs, devices: Sequence[jax.Device]) -> None:
    """Refuse what these devices cannot hold.

    Raises:
        ValueError: If it is too much; the message names the size that matters most.
    """
    here = [device for device in devices if device.process_index == jax.process_index()]
    limits: list[Any] = [(device.memory_stats() or {}).get("bytes_limit") for device in here]
    if all(limits):
        memory = float(sum(limits)) * len(devices) / len(here)
    else:  # the memory of a CPU is that of the machine
        memory = machine_memory() * len({device.process_index for device in devices})
    fix = "Take less of it; the theory has no such limit: predict."
    check_memory(*found, fix=fix, memory=memory)
