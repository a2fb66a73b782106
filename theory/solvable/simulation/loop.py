"""The loop of all simulations: steps between recorded ones, in calls that end when they like.

Everything but shapes is traced: trip counts, recorded steps, coefficients, data. Where a call ends
changes no number.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from solvable.rules.rule import Coefficients, Rule, coefficients_of, target_keeping
from solvable.util.errors import requirement
from solvable.util.steps import check_steps

MAX_STEP = 2**31 - 2
"""The largest step of a simulation: the counter is a 32-bit integer."""

MAX_RECORDED = 10**7
"""The largest number of recorded steps."""

BUFFER = 4096
"""Steps whose coefficients are held at a time."""

CHUNK_SECONDS = 0.5


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


def chunks(
    state: State,
    last: int,
    pieces: Callable[[int], Piece],
    taking: Callable[[State, Any, Piece], State],
    size: int = 256,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[State]:
    """Run in chunks, from ``size`` steps up to about half a second, from a state on.

    Where chunks end changes no number. Between them Python is awake: for Ctrl-C, a progress bar, a
    checkpoint.

    Args:
        state: Where it begins.
        last: The last step of all.
        pieces: The coefficients of the steps from a number on.
        taking: Goes from a state to a step, with the coefficients.
        size: Steps of the first chunk.
        clock: Seconds.
    """
    i, t = int(state.i), int(state.t)
    placed = jax.tree.map(lambda x: x.sharding, (state.memory, state.found))
    piece = pieces(t - t % BUFFER)
    began = clock()
    while True:
        ends = any(x.shape[0] > 1 for x in piece.coefficients)  # the coefficients do
        if ends and t >= int(piece.first) + BUFFER:
            piece = pieces(t)
        stop = min(t + size, last, int(piece.first) + BUFFER if ends else last)
        here = State(state.memory, state.found, np.int32(i), np.int32(t))
        state = taking(here, np.int32(stop), piece)
        # As they came, so that every call looks alike to the compiler; and it waits.
        memory, found = jax.device_put((state.memory, state.found), placed)
        i, t = int(state.i), int(state.t)
        state = State(memory, found, i, t)
        now = clock()
        size, began = (2 * size if now - began < CHUNK_SECONDS else size), now
        yield state
        if t >= last:
            return


def check_recorded(steps: Any) -> np.ndarray:
    """The steps at which a simulation records.

    Raises:
        ValueError: As :func:`~solvable.util.steps.check_steps`, or if there are too many.
    """
    if np.size(steps) > MAX_RECORDED:
        fix = "A number alone is the last of about 200 steps, evenly spaced in the logarithm."
        raise requirement("steps", f"hold at most {MAX_RECORDED:g} steps", np.shape(steps), fix)
    return check_steps(steps, maximum=MAX_STEP)


def title(rule: Rule) -> str:
    """The name of a rule, with that of the rule it wraps."""
    inner = getattr(rule, "rule", None)
    return type(rule).__name__ + (f"({title(inner)})" if isinstance(inner, Rule) else "")
