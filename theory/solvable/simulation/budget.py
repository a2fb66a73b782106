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
from solvable.simulation.loop import MAX_STEP
from solvable.simulation.one_pass import check_setting, chunks
from solvable.simulation.placement import by_seed, check_devices, prepare
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

    Draws features once and runs the seeds for a fraction of a second; the rest is
    extrapolated.

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
    seeds = check_count("seeds", seeds)
    step = check_steps(steps, maximum=MAX_STEP)
    inputs = check_inputs(Gaussian() if inputs is None else inputs)
    setting = check_setting(check_rule(rule), engine, inputs, dtype)
    devices = check_devices(devices, seeds)
    shared = problem.d is None or isinstance(problem, Draw)
    for _ in range(2):  # the first draw of its shape also compiles
        began = time.perf_counter()
        model = problem if shared else problem.draw(jax.random.key(0))
        one = setting[0].data(model)
        drawing = time.perf_counter() - began
        if drawing > _COMPILATION:
            break
    draw = 4 * model.W.nbytes if isinstance(model, Draw) and engine == "modes" else 0
    models = [model] if shared else [model] * seeds
    last, seconds = int(step[-1]), 0.0
    with jax.enable_x64(dtype == "float64"):
        layout = by_seed(devices, seeds, shared)
        prepared = prepare(jax.random.key(0), models, rule, step, setting, layout)
        memory = _nbytes((prepared, prepared.pieces(0, last), one)) + draw
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
    return Estimate(seconds=seconds, memory=memory, steps=last * seeds)
