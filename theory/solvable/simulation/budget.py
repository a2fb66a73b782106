"""What a simulation will take, before it is run."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from solvable.inputs import Gaussian, Inputs, check_inputs
from solvable.models.draw import Draw
from solvable.models.problem import Problem, check_problem
from solvable.rules.rule import Rule, check_rule
from solvable.simulation.loop import check_recorded
from solvable.simulation.needs import check_fits, needs
from solvable.simulation.one_pass import check_setting, chunks
from solvable.simulation.placement import by_seed, check_devices, prepare
from solvable.util.checks import check_count
from solvable.util.memory import in_words
from solvable.util.precision import usual_promotion

_CALIBRATION = 0.2  # seconds
_COMPILATION = 3.0  # of a draw, at most


@dataclass(frozen=True)
class Estimate:
    """What a simulation will take."""

    seconds: float
    """Wall time: draws of the features and steps, without compilation."""
    memory: int
    """Bytes at the peak, by a formula that is good to a factor of two."""
    steps: int
    """Steps of SGD, over all seeds."""

    def __str__(self) -> str:
        return f"{self.steps:,} steps, about {self.seconds:.2g} s and {in_words(self.memory)}"


@usual_promotion
def estimate(
    problem: Problem,
    rule: Rule,
    steps: Any,
    seeds: int = 1,
    *,
    engine: str = "modes",
    inputs: Inputs | None = None,
    dtype: str = "float32",
    devices: Sequence[jax.Device] | None = None,
) -> Estimate:
    """Time, memory and steps of :func:`simulate` on fresh samples with the same arguments.

    Draws features once and runs the seeds for a fraction of a second; the rest is extrapolated.
    What would not fit into memory is refused before, as by :func:`simulate`.

    Args:
        problem: As for :func:`simulate`.
        rule: As for :func:`simulate`.
        steps: As for :func:`simulate`.
        seeds: As for :func:`simulate`.
        engine: As for :func:`simulate`.
        inputs: As for :func:`simulate`.
        dtype: As for :func:`simulate`.
        devices: As for :func:`simulate`.

    Raises:
        ValueError: As :func:`simulate`.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=100)
        >>> estimate(problem, SGD(0.1), 10_000, seeds=4).steps
        40000
    """
    check_problem(problem)
    seeds, step = check_count("seeds", seeds), check_recorded(steps)
    inputs = check_inputs(Gaussian() if inputs is None else inputs)
    setting = check_setting(check_rule(rule), engine, inputs, dtype)
    devices = check_devices(devices, seeds)
    found = needs(problem, rule, step.size, seeds, setting)
    check_fits(found, devices)
    shared = problem.d is None or isinstance(problem, Draw)
    for _ in range(2):  # the first draw of its shape also compiles
        began = time.perf_counter()
        model = problem if shared else problem.draw(jax.random.key(0))
        setting[0].data(model)
        drawing = time.perf_counter() - began
        if drawing > _COMPILATION:
            break
    models = [model] * (1 if shared else seeds)
    last, seconds = int(step[-1]), 0.0
    with jax.enable_x64(dtype == "float64"):
        layout = by_seed(devices, seeds, shared)
        prepared = prepare(jax.random.key(0), models, rule, step, setting, layout)
        list(chunks(prepared, 0))  # compiles, and takes no step
        began, before = time.perf_counter(), (0, 0.0)
        for state in chunks(prepared, last, size=8):
            elapsed, t = time.perf_counter() - began, int(state.t)
            # Of the last chunk alone, as long as all before: what a chunk costs is of the others.
            seconds = last * (elapsed - before[1]) / max(t - before[0], 1)
            before = t, elapsed
            if elapsed > _CALIBRATION:
                break
    seconds += 0.0 if shared else seeds * drawing
    return Estimate(seconds=seconds, memory=int(found.total), steps=last * seeds)
