"""The simulations of many cells of the same shapes, in one call."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvable.rules.rule import Rule
from solvable.rules.schedules import rates
from solvable.simulation.placement import by_seed, prepare
from solvable.simulation.stepping import MAX_STEP, advance_together, checked, chunks, models_of
from solvable.sweeps.cells import Cell
from solvable.sweeps.store import Arrays
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
    law, sample, precision = checked(
        rules[0], run["engine"], run["inputs"], run["dof"], run["dtype"]
    )
    with jax.enable_x64(run["dtype"] == "float64"), jax.default_device(device):
        prepared = []
        for cell, rule in zip(cells, rules, strict=True):
            models, shared, key = models_of(jax.random.key(cell.seed), cell.problem(), run["seeds"])
            layout = by_seed([device], run["seeds"], shared)
            prepared.append(prepare(key, models, shared, rule, step, law, precision, layout))
        prepared += [prepared[-1]] * (size - len(prepared))
        arguments = prepared[0] | {
            name: jax.tree.map(lambda *x: jnp.stack(x), *(each[name] for each in prepared))
            for name in ("keys", "state", "excess", "data")
        }

        def coefficients(first: int, last: int) -> Any:
            found = (each["coefficients"](first, last) for each in prepared)
            return jax.tree.map(lambda *x: jnp.stack(x, axis=1), *found)

        arguments["coefficients"] = coefficients
        static: dict[str, Any] = dict(engine=law, sample=sample, B=int(rules[0].B))
        every = chunks(arguments, int(step[-1]), advance=advance_together, **static)
        for *_, excess, _ in every:  # noqa: B007
            pass
        excess = np.asarray(excess, float)
    excess = np.where(np.isnan(excess), np.inf, excess)
    return [
        {"excess": one, "learning_rate": learning_rate(rule)}
        for one, rule in zip(excess[: len(cells)], rules, strict=True)
    ]
