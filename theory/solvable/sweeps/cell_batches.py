"""The numbers of many cells: those that share a program, in one call of it.

Batches have a fixed, padded length, so that the numbers of a cell do not depend on which cells
are beside it: on a CPU, bit for bit.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from solvable.design.frontiers import frontier
from solvable.dynamics import inversion
from solvable.dynamics.one_pass import UnstableError
from solvable.dynamics.prediction import expect, predict
from solvable.models.thresholds import largest
from solvable.numerics.sums import count_octaves, count_parts
from solvable.sweeps.cell_runs import learning_rate, simulated
from solvable.sweeps.cells import Cell
from solvable.sweeps.store import Arrays
from solvable.util.precision import float64_on_cpu
from solvable.util.steps import check_steps

BATCH = 32
"""Curves of one call."""

ROWS, ACCELERATOR_ROWS = 64, 1024
"""Runs of one call: cells times seeds."""

Group = tuple[Any, ...]


def group(cell: Cell) -> Group:
    """Cells of one group share compiled programs, and can share a call."""
    values, size = cell.values, cell.size
    if cell.compute == "predict" and _is_plain(cell):
        return "predict", count_octaves(float(size["v"])), count_parts(values["alpha"])
    shapes = () if cell.compute in ("predict", "frontier") else (size["v"], size["d"], values["B"])
    kinds = tuple(key in values for key in ("mu", "ema", "tail"))
    return cell.compute, *shapes, *kinds, values["schedule"]


def _is_plain(cell: Cell) -> bool:
    """SGD of constant rate on random features, whose expected risk is one program."""
    others = any(key in cell.values for key in ("linear_regression", "mu", "ema", "tail"))
    return cell.values["schedule"] == "constant" and not others


def together(cell: Cell) -> int:
    """How many cells like this one share a call."""
    if cell.compute == "predict" and _is_plain(cell):
        return BATCH
    if cell.compute == "simulate":
        rows = ROWS if jax.default_backend() == "cpu" else ACCELERATOR_ROWS
        return max(rows // cell.run["seeds"], 1)
    return 1


def batches(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells in groups, cut to what one call takes."""
    groups: dict[Group, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(group(cell), []).append(cell)
    return [
        members[k : k + size]
        for members in groups.values()
        for size in [together(members[0])]
        for k in range(0, len(members), size)
    ]


def compute(cells: Sequence[Cell], device: jax.Device | None = None) -> list[Arrays]:
    """The numbers of the cells of one batch.

    ``predict``: ``excess`` (step), its relative numerical ``error``, and the ``learning_rate``;
    ``expect`` and ``simulate``: ``excess`` (seed, step) and ``learning_rate``; ``frontier``: the
    best size ``d``, ``excess``, both slopes and ``at_edge`` (flops). Above the stability
    threshold a prediction is NaN.
    """
    first = cells[0]
    if first.compute == "simulate":
        return simulated(cells, together(first), device or jax.local_devices()[0])
    if first.compute == "predict" and _is_plain(first):
        padded = [*cells, *[cells[-1]] * (BATCH - len(cells))]
        return _plain_predictions(padded)[: len(cells)]
    return [_ALONE[cell.compute](cell) for cell in cells]


@jax.jit
def _curves(step, modes, inverse_d, rate, relative, B):
    def one(cell):
        modes, inverse_d, rate, relative, B = cell
        threshold = largest(modes, inverse_d, B)
        gamma = jnp.where(relative, rate * threshold, rate)
        excess, _, error = inversion.evaluate(step, modes, inverse_d, gamma, B)
        stable = gamma < threshold
        excess = jnp.where(stable, excess, jnp.nan)
        error = jnp.where(stable, jnp.maximum(error, 1e-12), jnp.nan)
        return {"excess": excess, "error": error, "learning_rate": gamma}

    return lax.map(one, (modes, inverse_d, rate, relative, B))


@float64_on_cpu
def _plain_predictions(cells: Sequence[Cell]) -> list[Arrays]:
    problems = [cell.problem() for cell in cells]
    octaves = count_octaves(float(problems[0].v))
    spectra = [problem.spectrum(octaves) for problem in problems]
    modes = jax.tree.map(lambda *x: np.stack([np.asarray(y, float) for y in x]), *spectra)
    floats = lambda values: np.array([float(x) for x in values])
    found = _curves(
        check_steps(cells[0].steps).astype(float),
        modes,
        floats(problem.inverse_d for problem in problems),
        floats(cell.values.get("gamma", cell.values.get("fraction", 0.5)) for cell in cells),
        np.array(["gamma" not in cell.values for cell in cells]),
        floats(cell.values["B"] for cell in cells),
    )
    found = {name: np.asarray(x) for name, x in found.items()}
    return [{name: x[k] for name, x in found.items()} for k in range(len(cells))]


def _prediction(cell: Cell) -> Arrays:
    problem = cell.problem()
    rule = cell.rule(problem)
    try:
        curve = predict(problem, rule, cell.steps)
        excess, error = curve.excess, curve.error
    except UnstableError:
        excess, error = np.full(check_steps(cell.steps).size, np.nan), np.nan
    return {"excess": excess, "error": np.asarray(error), "learning_rate": learning_rate(rule)}


def _expectation(cell: Cell) -> Arrays:
    problem = cell.problem()
    rule = cell.rule(problem)
    rows = []
    for seed in range(cell.run["seeds"]):
        model = problem
        if problem.d is not None:
            model = problem.draw(jax.random.fold_in(jax.random.key(cell.seed), seed))
        try:
            rows.append(expect(model, rule, cell.steps).excess)
        except UnstableError:
            rows.append(np.full(check_steps(cell.steps).size, np.nan))
    return {"excess": np.stack(rows), "learning_rate": learning_rate(rule)}


def _frontier(cell: Cell) -> Arrays:
    best = frontier(cell.family().problem, cell.training().rule, cell.run["flops"])
    names = ("d", "excess", "slope", "size_slope", "at_edge")
    return {name: np.asarray(getattr(best, name)) for name in names}


_ALONE: dict[str, Callable[[Cell], Arrays]] = {
    "predict": _prediction,
    "expect": _expectation,
    "frontier": _frontier,
}
