r"""Ridges below zero, down to minus the lower edge of the Gram spectrum.

Where all non-zero eigenvalues of the data are positive, ridge regression is well defined at a
negative ridge of smaller modulus, and the effective ridge continues there: it is the root of
:math:`f(\kappa) = \kappa\,(1 - \mathrm{df}_1/d)(1 - \mathrm{df}_1/n)` below the largest zero of f,
and it may be negative itself if there are more samples and features than coordinates. The branch
ends where f has its minimum: at minus the lower edge.

Source: Wu, Xu (2020), arXiv 2006.05800 (negative ridges that are best). Derived in the documents:
theory/ridge.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from solvable.models.modes import Modes
from solvable.spectra.resolvent import scaled, unscaled
from solvable.util.types import Array, Scalar

_HALVINGS = 80


class Branch(NamedTuple):
    """The effective ridges of all ridges that are not positive."""

    kappa_least: Array
    """The effective ridge at the lower edge."""
    kappa_zero: Array
    """The effective ridge at ridge 0."""
    ridge_least: Array
    """Minus the lower edge of the Gram spectrum."""


class _Below(NamedTuple):
    """f as a function of the gap, how far kappa is above minus the smallest eigenvalue."""

    lam: Array
    n: Array
    smallest: Array
    inverse_d: Scalar
    inverse_n: Scalar

    def sums(self, gap: Array) -> tuple[Array, Array]:
        """df1, and df1 - df2."""
        inverse = 1 / (self.lam - self.smallest + gap[..., None])
        n_lam = self.n * self.lam
        return inverse @ n_lam, (gap - self.smallest) * (inverse**2 @ n_lam)

    def value(self, gap: Array) -> Array:
        df1, _ = self.sums(gap)
        return (gap - self.smallest) * (1 - df1 * self.inverse_d) * (1 - df1 * self.inverse_n)

    def slope(self, gap: Array) -> Array:
        df1, between = self.sums(gap)
        R, S = 1 - df1 * self.inverse_d, 1 - df1 * self.inverse_n
        return R * S + between * (self.inverse_d * S + self.inverse_n * R)


def _below(modes: Modes, inverse_d: Scalar, inverse_n: Scalar) -> _Below:
    lam = scaled(modes.lam, modes)
    used = (lam > 0) & (modes.multiplicity > 0)
    smallest = jnp.min(jnp.where(used, lam, jnp.inf))
    n = jnp.where(used, modes.multiplicity, 0.0)
    return _Below(jnp.where(used, lam, smallest), n, smallest, inverse_d, inverse_n)


def _bisect(is_right: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The gap from which on ``is_right`` holds, by halves of its logarithm."""

    def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = (bracket[0] + bracket[1]) / 2
        right = is_right(jnp.exp(middle))
        return jnp.where(right, bracket[0], middle), jnp.where(right, middle, bracket[1])

    return jnp.exp(lax.fori_loop(0, _HALVINGS, halve, (jnp.log(low), jnp.log(high)))[1])


def _ends(f: _Below) -> tuple[Array, Array]:
    """Gaps of the lower edge and of ridge 0."""
    bottom, top = 1e-40 * f.smallest, 2 * (f.n @ f.lam) + f.smallest
    filled = [
        _bisect(lambda gap, x=x: f.sums(gap)[0] * x < 1, bottom, top)
        for x in (f.inverse_d, f.inverse_n)
    ]
    # f is zero where one of its factors is. Below its largest zero it falls, then turns.
    _, low, high = jnp.sort(jnp.stack([f.smallest, *filled]))
    return _bisect(lambda gap: f.slope(gap) > 0, low, high), high


def negative_branch(modes: Modes, inverse_d: Scalar, inverse_n: Scalar) -> Branch:
    """Where the ridges below zero end, and where they begin."""
    f = _below(modes, inverse_d, inverse_n)
    edge, zero = _ends(f)
    found = edge - f.smallest, zero - f.smallest, jnp.minimum(f.value(edge), 0.0)
    return Branch(*(unscaled(x, modes) for x in found))


def ridge_below(
    r: Float[Array, "..."], modes: Modes, inverse_d: Scalar, inverse_n: Scalar
) -> Float[Array, "..."]:
    """The effective ridge at a negative ridge above minus the lower edge."""
    f = _below(modes, inverse_d, inverse_n)
    r = scaled(r, modes)
    low, high = (jnp.broadcast_to(x, r.shape) for x in _ends(f))
    gap = lax.stop_gradient(_bisect(lambda gap: f.value(gap) > r, low, high))
    off = f.value(gap) - r  # what follows carries the derivatives
    kappa = gap - lax.stop_gradient(f.smallest)
    kappa = kappa - (off - lax.stop_gradient(off)) / lax.stop_gradient(f.slope(gap))
    return unscaled(kappa, modes)
