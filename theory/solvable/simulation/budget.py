"""What a simulation will take, before it is run."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from solvable.models.problem import Draw, LinearRegression, PowerLaw
from solvable.rules.rule import Rule
from solvable.simulation.placement import by_seed, prepare
from solvable.simulation.stepping import MAX_STEP, checked, chunks
from solvable.util.checks import check_count
from solvable.util.steps import check_steps

_CALIBRATION = 0.2  # seconds
_COMPILATION = 3.0  # of a draw, at most


@dataclass(frozen=True)
class Estimate:
    """What a simulation will take."""

    seconds: float
    """Wall time: draws of the features and steps, without compilation."""
    memory: int
    """Bytes of the arrays of the runs, and of a draw while its modes are computed."""
    steps: int
    """Steps of SGD, over all seeds."""

    def __str__(self) -> str:
        return (
            f"{self.steps:,} steps, about {self.seconds:.2g} s and {self.memory / 2**20:,.1f} MiB"
        )


def _nbytes(tree: object) -> int:
    return sum(x.nbytes for x in jax.tree.leaves(tree) if hasattr(x, "nbytes"))


def estimate(
    problem: PowerLaw | LinearRegression | Draw,
    sgd: Rule,
    steps: int | Sequence[int] | np.ndarray,
    seeds: int = 1,
    *,
    engine: str = "modes",
    inputs: str = "gaussian",
    dof: float | None = None,
    dtype: str = "float32",
    devices: Sequence[jax.Device] | None = None,
) -> Estimate:
    """Time, memory and steps of :func:`simulate` with the same arguments.

    Draws features once and runs the seeds for a fraction of a second; the rest is
    extrapolated.

    Raises:
        ValueError: As :func:`simulate`.

    Example:
        >>> problem = LinearRegression(alpha=1.0, beta=0.3, v=100)
        >>> estimate(problem, SGD(0.1), 10_000, seeds=4).steps
        40000
    """
    check_count("seeds", seeds)
    seeds = int(seeds)
    step = check_steps(steps, maximum=MAX_STEP)
    law, sample, precision = checked(sgd, engine, inputs, dof, dtype)
    devices = list(devices or jax.local_devices())[:seeds]
    shared = not isinstance(problem, PowerLaw)
    for _ in range(2):  # the first draw of its shape also compiles
        began = time.perf_counter()
        model = problem if shared else problem.draw(jax.random.key(0))
        one = law.data(model)
        drawing = time.perf_counter() - began
        if drawing > _COMPILATION:
            break
    draw = 4 * model.W.nbytes if isinstance(model, Draw) and engine == "modes" else 0
    models = [model] if shared else [model] * seeds
    last, seconds = int(step[-1]), 0.0
    with jax.enable_x64(dtype == "float64"):
        key, layout = jax.random.key(0), by_seed(devices, seeds, shared)
        arguments = prepare(key, models, shared, sgd, step, law, precision, layout)
        coefficients = arguments["coefficients"](0, last)
        memory = _nbytes((arguments, coefficients, one)) + draw
        static: dict[str, Any] = dict(engine=law, sample=sample, B=int(sgd.B))
        list(chunks(arguments, 0, **static))  # compiles, and takes no step
        began, before = time.perf_counter(), (0, 0.0)
        for t, *_ in chunks(arguments, last, size=8, **static):
            elapsed = time.perf_counter() - began
            # Of the last chunk alone, as long as all before: what a chunk costs is of the others.
            seconds = last * (elapsed - before[1]) / max(t - before[0], 1)
            before = t, elapsed
            if elapsed > _CALIBRATION:
                break
    seconds += 0.0 if shared else seeds * drawing
    return Estimate(seconds=seconds, memory=memory, steps=last * seeds)
