"""The least value of a function of one number, found on a grid that is zoomed into."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax

from solvable._types import Array, Scalar

GRID = 64
ZOOMS = 6
EDGE = 1e-6
"""How near an end the minimum must be found to count as lying there."""


def minimum(f: Callable[[Array], Array], low: Scalar, high: Scalar) -> tuple[Array, Array, Array]:
    """Where f is least between two ends, and whether that is at the lower, or the upper end.

    ``f`` takes an array. The first grid has 64 points, so that of several minima the lowest is
    found if it is no narrower; each zoom keeps two intervals of the last.
    """

    def zoom(_, ends):
        x = jnp.linspace(*ends, GRID)
        at = jnp.argmin(f(x))
        return x[jnp.maximum(at - 1, 0)], x[jnp.minimum(at + 1, GRID - 1)]

    first, last = (jnp.asarray(x, float) for x in (low, high))
    ends = lax.fori_loop(0, ZOOMS, zoom, (first, last))
    x = jnp.linspace(*ends, 3)
    x = x[jnp.argmin(f(x))]
    return x, x <= first + EDGE, x >= last - EDGE
