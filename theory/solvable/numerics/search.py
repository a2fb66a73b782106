"""The least value of a function of one number, found on a grid that is zoomed into."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from solvable.util.types import Array, Scalar

GRID = 64
ZOOMS = 6
EDGE = 1e-6
"""How near an end the minimum must be found to count as lying there."""


class Minimum(NamedTuple):
    """Where a function is least between two ends, and its value there and at the upper end."""

    x: Array
    value: Array
    at_low: Array
    at_high: Array
    value_high: Array


def minimum(f: Callable[[Array], Array], low: Scalar, high: Scalar) -> Minimum:
    """Search for the minimum of f, which takes an array.

    The first grid has 64 points, so that of several minima the lowest is found if it is no
    narrower; each zoom keeps two intervals of the last. There is one call of f in the program.
    """
    first, last = (jnp.asarray(x, float) for x in (low, high))

    def zoom(k, state):
        (start, end), *_, high = state
        x = jnp.linspace(start, end, GRID)
        y = f(x)
        at = jnp.argmin(y)
        ends = x[jnp.maximum(at - 1, 0)], x[jnp.minimum(at + 1, GRID - 1)]
        return ends, x[at], y[at], jnp.where(k == 0, y[-1], high)

    state = (first, last), first, first, first
    _, x, value, value_high = lax.fori_loop(0, ZOOMS, zoom, state)
    return Minimum(x, value, x <= first + EDGE, x >= last - EDGE, value_high)
