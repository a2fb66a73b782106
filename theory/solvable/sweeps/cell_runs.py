"""The simulations of many cells of the same shapes, in one call."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from solvable.simulation.loop import MAX_STEP, Piece
from solvable.simulation.one_pass import check_setting, chunks, models_of, take_together
from solvable.simulation.placement import by_seed, prepare
from solvable.simulation.training import simulate
from solvable.sweeps.cells import Cell
from solvable.sweeps.store import Arrays
from solvable.sweeps.words import inputs_of, learning_rate
from solvable.util.steps import check_steps


def on_a_data_set(cell: Cell, device: jax.Device) -> Arrays:
    """The runs of one cell on the whole of a data set, each seed with its own."""
    problem, rule, x, data = cell.setup()
    options = dict(inputs=inputs_of(cell.words), dtype=cell.run.get("dtype"))
    with jax.default_device(device):
        key = jax.random.key(cell.seed)
        runs = simulate(key, problem, rule, x, cell.seeds, **data, **options)
    found = {"excess": runs.excess, "train": runs.train}
    return {name: x for name, x in found.items() if x is not None} | learning_rate(rule)


def on_fresh_samples(cells: Sequence[Cell], size: int, device: jax.Device) -> list[Arrays]:
    """Runs of :func:`~solvable.simulate` on fresh samples, each cell with its own seed, problem and
    rates.

    Fewer cells than ``size`` are filled up with the last one, so that the program is one.
    The excess is infinite where a run has overflowed.
    """
    run, setups = cells[0].run, [cell.setup() for cell in cells]
    seeds, dtype = cells[0].seeds, run.get("dtype", "float32")
    step = check_steps(run["steps"], maximum=MAX_STEP)
    engine = run.get("engine", "modes")
    setting = check_setting(setups[0].rule, engine, inputs_of(cells[0].words), dtype)
    with jax.enable_x64(dtype == "float64"), jax.default_device(device):
        every = []
        for cell, (problem, rule, _, _) in zip(cells, setups, strict=True):
            models, shared, key = models_of(jax.random.key(cell.seed), problem, seeds)
            layout = by_seed([device], seeds, shared)
            every.append(prepare(key, models, rule, step, setting, layout))
        every += [every[-1]] * (size - len(every))
        stack = lambda *x: jax.tree.map(lambda *y: jnp.stack(y), *x)
        memory, found = (stack(*x) for x in zip(*((e.state[:2]) for e in every), strict=True))

        def pieces(first: int, last: int) -> Piece:
            each = [one.pieces(first, last) for one in every]
            together = [piece.coefficients for piece in each]
            return Piece(each[0].first, jax.tree.map(lambda *x: jnp.stack(x, axis=1), *together))

        prepared = every[0]._replace(
            state=every[0].state._replace(memory=memory, found=found),
            keys=stack(*(one.keys for one in every)),
            data=stack(*(one.data for one in every)),
            pieces=pieces,
        )
        *_, state = chunks(prepared, int(step[-1]), taking=take_together)
        excess = np.asarray(state.found, float)
    excess = np.where(np.isnan(excess), np.inf, excess)[: len(cells), :seeds]
    return [
        {"excess": one} | learning_rate(rule)
        for one, (_, rule, _, _) in zip(excess, setups, strict=True)
    ]
