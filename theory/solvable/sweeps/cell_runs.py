"""The simulations of many cells of the same shapes, in one call."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from solvable.rules.rule import Rule
from solvable.rules.schedules import rates
from solvable.simulation.loop import MAX_STEP, Piece
from solvable.simulation.one_pass import check_setting, chunks, models_of, take_together
from solvable.simulation.placement import by_seed, prepare
from solvable.sweeps.cells import Cell
from solvable.sweeps.store import Arrays
from solvable.sweeps.words import law_of
from solvable.util.steps import check_steps


def learning_rate(rule: Rule) -> np.ndarray:
    """Of a schedule the first one."""
    return np.asarray(rates("gamma", rule.base.gamma, np.zeros(1, int))[0], float)


def simulated(cells: Sequence[Cell], size: int, device: jax.Device) -> list[Arrays]:
    """As :func:`~solvable.simulate`, each cell with its own seed, problem and rates.

    Fewer cells than ``size`` are filled up with the last one, so that the program is one.
    The excess is infinite where a run has overflowed.
    """
    run = cells[0].run
    step = check_steps(run["steps"], maximum=MAX_STEP)
    rules = [cell.rule(cell.problem()) for cell in cells]
    setting = check_setting(rules[0], run["engine"], law_of(run), run["dtype"])
    with jax.enable_x64(run["dtype"] == "float64"), jax.default_device(device):
        every = []
        for cell, rule in zip(cells, rules, strict=True):
            models, shared, key = models_of(jax.random.key(cell.seed), cell.problem(), run["seeds"])
            layout = by_seed([device], run["seeds"], shared)
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
    excess = np.where(np.isnan(excess), np.inf, excess)
    return [
        {"excess": one, "learning_rate": learning_rate(rule)}
        for one, rule in zip(excess[: len(cells)], rules, strict=True)
    ]
