r"""The resolvent of random features: one fixed point, the effective ridge, gives everything.

Let :math:`K = D^{1/2} W W^\top D^{1/2}` with W of d columns, entries of variance 1/d, and D with
eigenvalues :math:`\lambda_j`. For any z off the spectrum of K, up to a relative error O(1/d),

.. math::
    \mathbb E\,\langle D^{1/2} b, (K - z)^{-1} D^{1/2} b\rangle
        &= \frac{\kappa}{-z} \sum_j \frac{\lambda_j b_j^2}{\lambda_j + \kappa}, \\
    \mathbb E\,\operatorname{Tr} K (K - z)^{-1} &= \mathrm{df}_1(\kappa)
        = \sum_j \frac{\lambda_j}{\lambda_j + \kappa},

where the effective ridge :math:`\kappa(z)` solves
:math:`\kappa\,(1 - \mathrm{df}_1(\kappa)/d) = -z`. With :math:`d = \infty` it is -z itself, and
the same two lines are the exact resolvent of the given spectrum. With n samples in place of
the covariance, errors of order 1/n come in and one more factor:
:math:`\kappa\,(1 - \mathrm{df}_1/d)(1 - \mathrm{df}_1/n) = -z`. Near d = n and z = 0 this has
two roots next to each other; the equation solved is the one that has only the right one,

.. math::
    \kappa \left[ 1 - \tfrac12 \mathrm{df}_1(\kappa) \left( \tfrac1d + \tfrac1n +
        \sqrt{(\tfrac1d - \tfrac1n)^2 + \tfrac{4}{d n} \tfrac{-z}{\kappa}} \right) \right] = -z.

Sources: Paquette et al. (2024), arXiv 2405.15074, section 3, where the fixed point is written
for m = -z/kappa; with samples, Defilippis et al. (2024), arXiv 2405.15699 (kappa is their nu_2).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Complex, Float, Inexact

from solvable.models.modes import Modes
from solvable.util.types import Array, Scalar

_TOLERANCE = 1e-8  # of the last step but one: Newton's method squares it
_ITERATIONS = 100
_TURNS = 2


def _stieltjes(
    kappa: Inexact[Array, "..."], lam: Float[Array, " n"], *weights: Float[Array, " n"]
) -> tuple[Array, ...]:
    """sum_j w_j / (lam_j + kappa) for every weight, then sum_j w_j lam_j / (lam_j + kappa)^2
    for the first, adding one mode at a time.

    No array of (kappa, modes) is ever made, and the real arithmetic vectorises: five times
    faster than the same sums over a complex matrix.
    """
    x, y = jnp.real(kappa), jnp.imag(kappa)

    @jax.checkpoint
    def add(sums, mode):
        lam, *w = mode
        shifted = lam + x
        inverse = 1 / (shifted * shifted + y * y)
        re, im = shifted * inverse, -y * inverse  # of 1 / (lam + kappa)
        terms = [part * weight for weight in w for part in (re, im)]
        terms += [w[0] * lam * (re * re - im * im), w[0] * lam * 2 * re * im]
        return [s + t for s, t in zip(sums, terms, strict=True)], None

    zeros = [jnp.zeros_like(x)] * (2 * len(weights) + 2)
    sums, _ = lax.scan(add, zeros, (lam, *weights), unroll=8)
    if jnp.iscomplexobj(kappa):
        return tuple(map(lax.complex, sums[::2], sums[1::2]))
    return tuple(sums[::2])


def _equation(kappa, minus_z, modes: Modes, inverse_d, inverse_n):
    """The left side of the fixed point in its regular form, and its derivative."""
    df1, df2 = _stieltjes(kappa, modes.lam, modes.multiplicity * modes.lam)
    # s is inverse_d R_n + inverse_n R_d, with R = 1 - df1/d and the like: it tells the branch.
    branch = inverse_d + inverse_n - 2 * inverse_d * inverse_n * df1
    both = inverse_d * inverse_n * minus_z / jnp.where(kappa == 0, 1.0, kappa)
    square = (inverse_d - inverse_n) ** 2 + 4 * both
    empty = square == 0
    s = jnp.sqrt(jnp.where(empty, 1.0, square))
    s = jnp.where(empty, 0.0, jnp.where(jnp.real(s * jnp.conj(branch)) < 0, -s, s))
    share = (inverse_d + inverse_n + s) / 2
    bend = both / jnp.where(empty, 1.0, s)
    return kappa * (1 - df1 * share), 1 - df2 * share + df1 * bend


def _step(kappa, minus_z, *args):
    """A Newton step, and the derivative of the left side."""
    value, slope = _equation(kappa, minus_z, *args)
    slope = lax.stop_gradient(slope)
    return kappa - (value - minus_z) / slope, slope


def _converge(kappa, *args):
    """Newton steps until the last one is small, and the slope at the last but one."""

    def unfinished(state):
        _, _, change, k = state
        return (change > _TOLERANCE) & (k < _ITERATIONS)

    def again(state):
        kappa, _, _, k = state
        new, slope = _step(kappa, *args)
        return new, slope, jnp.max(jnp.abs(new - kappa) / jnp.abs(new)), k + 1

    return lax.while_loop(unfinished, again, (kappa, jnp.ones_like(kappa), jnp.inf, 0))[:2]


def _descend(r: Float[Array, "..."], modes: Modes, inverse_d: Scalar, inverse_n: Scalar):
    """The root for -z = r >= 0. The left side is convex: Newton from the right descends to it."""
    start = r + modes.trace * (inverse_d + inverse_n)
    return _converge(start, r, modes, inverse_d, inverse_n)


def ridge_on_axis(
    r: Float[Array, "..."], modes: Modes, inverse_d: Scalar, inverse_n: Scalar = 0.0
) -> Float[Array, "..."]:
    """The effective ridge at -z = r >= 0. At r = 0 it is the scale that d and n resolve."""
    kappa, _ = _descend(*lax.stop_gradient((r, modes, inverse_d, inverse_n)))
    return _step(kappa, r, modes, inverse_d, inverse_n)[0]


def ridge_off_axis(
    minus_z: Complex[Array, "..."], modes: Modes, inverse_d: Scalar, inverse_n: Scalar = 0.0
) -> Complex[Array, "..."]:
    """The effective ridge at complex -z, away from the spectrum."""
    # The iterations carry no derivatives; the last step does (implicit function theorem).
    z = lax.stop_gradient(minus_z)
    rest: Any = lax.stop_gradient((modes, inverse_d, inverse_n))
    r, theta = jnp.abs(z), jnp.angle(z)
    start = tuple(lax.complex(x, jnp.zeros_like(r)) for x in _descend(r, *rest))

    def turn(k, state):  # the phase of z, along d log kappa / d log z
        kappa, slope = state
        before, after = (r * jnp.exp(1j * theta * n / _TURNS) for n in (k, k + 1))
        kappa = kappa * jnp.exp(1j * theta / _TURNS * before / (kappa * slope))
        refine = lambda _, state: _step(state[0], after, *rest)
        return lax.fori_loop(0, 2, refine, (kappa, slope))

    kappa, _ = _converge(lax.fori_loop(0, _TURNS, turn, start)[0], z, *rest)
    return _step(lax.stop_gradient(kappa), minus_z, modes, inverse_d, inverse_n)[0]


def transforms(
    z: Complex[Array, "..."], modes: Modes, inverse_d: Scalar
) -> tuple[Complex[Array, "..."], Complex[Array, "..."]]:
    """The two resolvent traces of the module's docstring: of the target, and of K."""
    kappa = ridge_off_axis(-z, modes, inverse_d)
    trace, target, _ = _stieltjes(kappa, modes.lam, modes.multiplicity * modes.lam, modes.weight)
    return kappa / -z * target, trace
