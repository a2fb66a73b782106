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

What is summed has poles where an eigenvalue :math:`j^{-2 \alpha}` meets a point of a contour. In
:math:`\log j` they come closer to the real axis in proportion to :math:`1 / \alpha`. Steep spectra
therefore have panels shorter than an octave, and more coordinates that are summed one by one.

Sources: Gautschi (2004), *Orthogonal Polynomials*, section 1.5 (the recurrence); Golub and Welsch
(1969), Math. Comp. 23, 221 (rules from recurrences). Derived in the documents:
theory/linear_regression.
"""

import functools
import itertools
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
"""The coordinates summed one by one, times the panels of an octave."""
NODES = 12
"""Nodes per panel."""
STEEP = 1.125
"""The steepest spectrum, by its exponent alpha, for which a panel is an octave."""
PARTS = 8
"""The most panels of an octave."""

_LAYERS = (1 / 4, 1 / 16)  # of the last panel
_SHARED = 16  # panels are counted in steps of so many


def count_parts(alpha: Scalar) -> int:
    """Panels per octave for eigenvalues ``j**(-2 * alpha)``: 1, 2, 4 or 8; 2 if that is traced.

    Each is good for exponents four times as large as the one before: the steeper the spectrum, the
    fewer of its coordinates matter at all.
    """
    if is_traced(alpha):
        return 2
    steepest = float(np.max(np.abs(alpha)))
    return min(PARTS, 1 << max(0, math.ceil(math.log(max(steepest / STEEP, 1.0), 4))))


def count_octaves(v: float) -> int:
    """Octaves needed above ``EXACT`` for sums up to ``v``, in steps of 16.

    Steps, so that problems of similar size share one compiled program.
    """
    return _count_panels(v, 1)


def _count_panels(v: float, parts: int) -> int:
    octaves = max(0.0, math.log2(max(v, 1) / (EXACT * parts)))
    return _SHARED * math.ceil((octaves * parts - 1e-12) / _SHARED)


def _gram_rule(n, xp: ModuleType = np):
    """Nodes (offsets from the middle) and weights for a sum over n consecutive integers."""
    k = xp.arange(1.0, NODES)
    # Scaled by n, so that one eigenvalue problem serves 3 integers and 10^18.
    b = xp.sqrt(xp.maximum(k**2 * (1 - (k / n) ** 2), 0) / (4 * (4 * k**2 - 1)))
    nodes, vectors = xp.linalg.eigh(xp.diag(b, 1) + xp.diag(b, -1))
    return n * nodes, n * vectors[0] ** 2


def _between(low, high, xp: ModuleType = np):
    """Nodes and weights for a sum over low < j <= high."""
    n = high - low
    offset, weight = _gram_rule(xp.maximum(n, 1), xp)
    return low + (n + 1) / 2 + offset, xp.where(n > 0, weight, 0.0)


@functools.cache
def _panels(panels: int, parts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ends of all panels, which are whole numbers; nodes and weights of each."""
    ends = np.rint(EXACT * parts * 2.0 ** (np.arange(panels + 1) / parts))
    rules = [_between(*pair) for pair in itertools.pairwise(ends)]
    nodes, weight = (np.array(x) for x in zip(*rules, strict=True))
    return ends, nodes, weight


def coordinates(
    v: Scalar, octaves: int | None = None, parts: int = 1
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Nodes j and multiplicities with ``sum(multiplicity * f(j))`` equal to the sum of f to v.

    Args:
        v: Number of coordinates; the sum includes j = v. May be traced; from 12 coordinates on
            the derivative by v is that of the smooth continuation of the sum, and below it is
            not a number.
        octaves: Octaves above the coordinates that are summed one by one; by default as many as
            ``v`` needs.
        parts: Panels per octave, from :func:`count_parts`.

    Returns:
        Two arrays, of ``32 + 12 * octaves`` values for one part, NumPy unless ``v`` is traced.
        Unused nodes have multiplicity zero.
    """
    traced = is_traced(v)
    xp = jnp if traced else np
    panels = parts * octaves if octaves is not None else None
    if panels is None:
        panels = _count_panels(MAX_SIZE if traced else float(v), parts)
    exact = np.arange(1.0, EXACT * parts + 1)
    if panels == 0:
        return exact, xp.where(exact <= v, 1.0, 0.0)
    ends, nodes, weight = (xp.asarray(x) for x in _panels(panels, parts))
    # The panel that v cuts short, together with the one before if it is much shorter than that.
    last = xp.maximum(xp.searchsorted(ends, v) - 1, 0)
    before = xp.maximum(last - 1, 0)
    least = xp.maximum((ends[last] - ends[before]) / 2, NODES)
    last = xp.where(v - ends[last] < least, before, last)
    # Of 12 integers at least (no b_k is zero), as their number is what is differentiated by v.
    whole = xp.floor(v)
    begin = xp.minimum(ends[last], xp.maximum(whole - NODES, 0))
    # Long after the slowest mode is learned, what is left is a boundary layer at v.
    shares = [xp.maximum(xp.floor((whole - begin) * share), NODES) for share in _LAYERS]
    cuts = [begin, *(xp.maximum(begin, whole - share) for share in shares), v]
    first, *layers = (_between(low, high, xp) for low, high in itertools.pairwise(cuts))
    panel = np.arange(panels)[:, None]
    nodes, weight = (
        xp.where(panel == last, cut, full) for cut, full in zip(first, (nodes, weight), strict=True)
    )
    alone = exact, xp.where(exact <= begin, 1.0, 0.0)
    whole_panels = nodes.ravel(), xp.where(panel > last, 0.0, weight).ravel()
    j, multiplicity = zip(alone, whole_panels, *layers, strict=True)
    return xp.concatenate(j), xp.concatenate(multiplicity)
