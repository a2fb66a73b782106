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
from solvable.dynamics.prediction import predict
from solvable.models.thresholds import largest
from solvable.numerics.sums import count_octaves, count_parts
from solvable.sweeps.cell_runs import on_a_data_set, on_fresh_samples
from solvable.sweeps.cells import Cell, family
from solvable.sweeps.expectations import expectations
from solvable.sweeps.schema import WORDS
from solvable.sweeps.store import Arrays
from solvable.sweeps.words import learning_rate, rule_of
from solvable.util.precision import float64_on_cpu
from solvable.util.steps import check_steps

BATCH = 32
"""Curves of one call."""

ROWS, ACCELERATOR_ROWS = 64, 1024
"""Runs of one call: cells times seeds."""

Group = tuple[Any, ...]

_PLAIN = {"alpha", "beta", "noise", "v", "ratio", "d", "gamma", "fraction", "B", "schedule"}
"""The words of SGD on random features, whose expected risk at constant rate is one program."""


def group(cell: Cell) -> Group:
    """Cells of one group share compiled programs, and can share a call."""
    values = cell.values
    if _is_plain(cell):
        return "predict", count_octaves(float(cell.size["v"])), count_parts(values["alpha"])
    sizes = {} if cell.compute == "frontier" else {"octaves": count_octaves(float(cell.size["v"]))}
    if cell.compute in ("expect", "simulate"):
        sizes = cell.size | {name: values.get(name) for name in ("B", "n", "ensemble", "bags")}
    numbers = {word.name for word in WORDS.values() if word.kind in ("real", "count")}
    kinds = ((key, None if key in numbers else str(x)) for key, x in values.items())
    return cell.compute, *sizes.values(), *kinds


def _is_plain(cell: Cell) -> bool:
    """SGD of constant rate on random features."""
    constant = cell.values.get("schedule", "constant") == "constant"
    known = cell.values.keys() <= _PLAIN and "d" in cell.values
    return cell.compute == "predict" and "steps" in cell.run and known and constant


def together(cell: Cell) -> int:
    """How many cells like this one share a call."""
    if _is_plain(cell):
        return BATCH
    if cell.compute == "simulate" and "steps" in cell.run and "full_batch" not in cell.values:
        rows = ROWS if jax.default_backend() == "cpu" else ACCELERATOR_ROWS
        return max(rows // cell.seeds, 1)
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

    ``predict``: ``excess`` along the axis, its relative numerical ``error``, on a data set also
    ``train``, and the ``learning_rate``, if there is one; ``expect`` and ``simulate``: ``excess``
    (seed, step), ``train`` likewise, and the ``learning_rate``; ``frontier``: the best size ``d``,
    ``excess``, both slopes and ``at_edge`` (flops). Above the stability threshold a prediction is
    NaN.
    """
    first = cells[0]
    if _is_plain(first):
        padded = [*cells, *[cells[-1]] * (BATCH - len(cells))]
        return _plain_predictions(padded)[: len(cells)]
    if first.compute != "simulate":
        return [_ALONE[cell.compute](cell) for cell in cells]
    where = device or jax.local_devices()[0]
    if first.setup(gamma=1.0).rule.data == "whole":
        return [on_a_data_set(cell, where) for cell in cells]
    return on_fresh_samples(cells, together(first), where)


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
        check_steps(cells[0].run["steps"]).astype(float),
        modes,
        floats(problem.inverse_d for problem in problems),
        floats(cell.values.get("gamma", cell.values.get("fraction", 0.5)) for cell in cells),
        np.array(["gamma" not in cell.values for cell in cells]),
        floats(cell.values.get("B", 1) for cell in cells),
    )
    found = {name: np.asarray(x) for name, x in found.items()}
    return [{name: x[k] for name, x in found.items()} for k in range(len(cells))]


def _prediction(cell: Cell) -> Arrays:
    problem, rule, x, data = cell.setup()
    found: dict[str, Any]
    try:
        curve = predict(problem, rule, x, **data)
        found = {"excess": curve.excess, "error": np.asarray(curve.error), "train": curve.train}
    except UnstableError:
        nothing = np.full(check_steps(x).size, np.nan)
        train = nothing if rule.data == "whole" and data.get("bags", 1) == 1 else None
        found = {"excess": nothing, "error": np.asarray(np.nan), "train": train}
    return {name: x for name, x in found.items() if x is not None} | learning_rate(rule)


def _expectation(cell: Cell) -> Arrays:
    problem, rule, x, _ = cell.setup()
    excess = expectations(problem, rule, x, cell.seeds, cell.seed, "nan")
    return {"excess": excess} | learning_rate(rule)


def _frontier(cell: Cell) -> Arrays:
    best = frontier(
        lambda d: family(cell.values, d),
        lambda problem: rule_of(cell.values, problem, 1),
        cell.run["flops"],
    )
    names = ("d", "excess", "slope", "size_slope", "at_edge")
    return {name: np.asarray(getattr(best, name)) for name in names}


_ALONE: dict[str, Callable[[Cell], Arrays]] = {
    "predict": _prediction,
    "expect": _expectation,
    "frontier": _frontier,
}
