"""The loop of all simulations: steps between recorded ones, in calls that end when they like.

Everything but shapes is traced: trip counts, recorded steps, coefficients, data. Where a call ends
changes no number.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from solvable.rules.rule import Coefficients, Rule, coefficients_of, target_keeping

MAX_STEP = 2**31 - 2
"""The largest step of a simulation: the counter is a 32-bit integer."""

BUFFER = 4096
"""Steps whose coefficients are held at a time."""


class State(NamedTuple):
    """How far a simulation is."""

    memory: Any
    """What its rule keeps."""
    found: Any
    """What was recorded, one column for each recorded step."""
    i: Any
    """Columns that are final."""
    t: Any
    """Steps taken."""


class Piece(NamedTuple):
    """The coefficients of the steps from ``first`` on, or one for all of them."""

    first: Any
    coefficients: Any


def advance(
    state: State,
    stop: Any,
    steps: Any,
    piece: Piece,
    move: Callable[[Any, Any, Any], Any],
    record: Callable[[Any], Any],
) -> State:
    """Take steps until ``stop``, and record at every one of ``steps`` that is reached.

    ``move(t, coefficient, memory)`` takes a step; ``record(memory)`` gives a column.
    """

    def step(t, memory):
        at = lambda x: x[jnp.minimum(t - piece.first, x.shape[0] - 1)]
        return move(t, jax.tree.map(at, piece.coefficients), memory)

    def interval(state):
        memory, found, i, t = state
        end = jnp.minimum(steps[i], stop)
        memory = lax.fori_loop(t, end, step, memory)
        # Written even if the call ends before steps[i]: then it is written again.
        column = jnp.expand_dims(record(memory), 1)
        found = lax.dynamic_update_slice_in_dim(found, column, i, axis=1)
        return State(memory, found, i + (end == steps[i]).astype(jnp.int32), end)

    def unfinished(state):
        here = steps[jnp.minimum(state.i, steps.size - 1)] == state.t
        return (state.i < steps.size) & ((state.t < stop) | here)

    return lax.while_loop(unfinished, interval, state)


def has_coefficients(rule: Rule) -> bool:
    """Whether the steps of a rule are said by coefficients."""
    return type(rule).coefficients is not Rule.coefficients


def piece_from(rule: Rule, first: int, last: int, dtype: Any, keeps_target: bool) -> Piece:
    """The coefficients of the next steps, in arrays of one length.

    Args:
        rule: The training rule.
        first: The first of these steps.
        last: The last step of all; what is beyond repeats it, as an array of rates may end there.
        dtype: Their precision.
        keeps_target: Whether the loop follows deviations from the target, so that the rule must not
            move it.
    """
    if not has_coefficients(rule):
        return Piece(np.int32(first), Coefficients(np.zeros((1, 0, 0)), np.zeros((1, 0))))
    t = np.zeros(1, int) if rule.constant else np.arange(first, first + BUFFER)
    find = target_keeping if keeps_target else coefficients_of
    found = find(rule, np.minimum(t, max(last - 1, 0)))
    return Piece(np.int32(first), jax.tree.map(lambda x: np.asarray(x, dtype), found))
