r"""Sums over the coordinates j = 1, ..., v, at a cost that grows like log v.

The spectra of the models are power laws, smooth in :math:`\log j`. So :math:`\sum_{j \le v} f(j)`
is exact over the first 32 coordinates, and over each octave :math:`2^k < j \le 2^{k+1}` above
it is a Gauss rule *for the discrete sum*: 12 nodes integrate every polynomial of degree 23
over the integers of the octave exactly. The orthogonal polynomials are those of Gram
(discrete Chebyshev), with recurrence coefficients

.. math::
    b_k^2 = \frac{k^2 (n^2 - k^2)}{4 (4 k^2 - 1)}, \qquad n \text{ the number of integers.}

An octave of fewer than 13 integers comes out exact by itself, since :math:`b_n = 0`
decouples the rule.
"""

import functools
import math
from types import ModuleType

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.util.precision import is_traced
from solvable.util.types import Array, Scalar

MAX_SIZE = 10**18
"""The largest v: the sums are tested up to here."""

EXACT = 32
"""The coordinates summed one by one."""
NODES = 12
"""Nodes per octave."""
_FIRST = int(math.log2(EXACT))


def count_octaves(v: float) -> int:
    """Octaves needed above ``EXACT`` for sums up to ``v``, in steps of 16.

    Steps, so that problems of similar size share one compiled program.
    """
    octaves = max(0, math.ceil(math.log2(max(v, 1)) - _FIRST - 1e-12))
    return 16 * math.ceil(octaves / 16)


def _gram_rule(n, xp: ModuleType = np):
    """Nodes (offsets from the middle) and weights for a sum over n consecutive integers."""
    k = xp.arange(1.0, NODES)
    # Scaled by n, so that one eigenvalue problem serves 3 integers and 10^18.
    b = xp.sqrt(xp.maximum(k**2 * (1 - (k / n) ** 2), 0) / (4 * (4 * k**2 - 1)))
    nodes, vectors = xp.linalg.eigh(xp.diag(b, 1) + xp.diag(b, -1))
    return n * nodes, n * vectors[0] ** 2


@functools.cache
def _full_octaves(octaves: int) -> tuple[np.ndarray, np.ndarray]:
    starts = [2.0**k for k in range(_FIRST, _FIRST + octaves)]
    rules = [_gram_rule(start) for start in starts]
    nodes = [1.5 * start + 0.5 + x for start, (x, _) in zip(starts, rules, strict=True)]
    return np.array(nodes), np.array([weight for _, weight in rules])


def coordinates(
    v: Scalar, octaves: int | None = None
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Nodes j and multiplicities with ``sum(multiplicity * f(j))`` equal to the sum of f to v.

    Args:
        v: Number of coordinates; the sum includes j = v. May be traced.
        octaves: Octaves above the first 32 coordinates; by default as many as ``v`` needs.

    Returns:
        Two arrays of ``32 + 12 * octaves`` values, NumPy unless ``v`` is traced. Unused nodes
        have multiplicity zero.
    """
    traced = is_traced(v)
    xp = jnp if traced else np
    if octaves is None:
        octaves = count_octaves(MAX_SIZE if traced else float(v))
    j = np.arange(1.0, EXACT + 1)
    multiplicity = xp.where(j <= v, 1.0, 0.0)
    if octaves == 0:
        return j, multiplicity
    nodes, weight = _full_octaves(octaves)
    start = 2.0 ** np.arange(_FIRST, _FIRST + octaves)[:, None]
    # Only the last octave can be cut short by v.
    last = xp.maximum(2.0 ** xp.floor(xp.log2(v)), EXACT)
    n = xp.maximum(v - last, 1)
    offset, cut = _gram_rule(n, xp)
    nodes = xp.where(start == last, last + (n + 1) / 2 + offset, nodes)
    weight = xp.where(start == last, xp.where(v > last, cut, 0.0), weight)
    weight = xp.where(start > last, 0.0, weight)
    return (
        xp.concatenate([j, nodes.ravel()]),
        xp.concatenate([multiplicity, weight.ravel()]),
    )
