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

Where every coordinate is resolved, there being no more of them than features and than samples,
the effective ridge at ridge 0 is zero itself.

Sources: Paquette et al. (2024), arXiv 2405.15074, section 3, where the fixed point is written for m
= -z/kappa; with samples, Defilippis et al. (2024), arXiv 2405.15699 (kappa is their nu_2). Derived
in the documents: theory/random_features, theory/finite_data.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Complex, Float, Inexact

from solvable.models.modes import Modes
from solvable.util.types import Array, Scalar

_TOLERANCE = 1e-8  # of the last step but one: Newton's method squares it
_ITERATIONS = 1200  # a double root at the smallest number is approached by halves
_TURNS = 2
TOP = 2.0**250
"""The largest eigenvalue in the units of all that follows, so that a spectrum may have any scale.
Fourth powers occur: of effective ridges down to 1e-150 times the largest eigenvalue."""

EQUAL = 1e-12
"""Relative difference of counts that are the same: sums of multiplicities round."""


def scaled(x: Any, modes: Modes) -> Any:
    """A number of the dimension of an eigenvalue, in units where the largest is ``TOP``."""
    return x / lax.stop_gradient(modes.top) * TOP


def unscaled(x: Any, modes: Modes) -> Any:
    """The other way."""
    return x / TOP * lax.stop_gradient(modes.top)


def rank(modes: Modes) -> Array:
    """How many eigenvalues are not zero."""
    return jnp.sum(jnp.where(modes.lam > 0, modes.multiplicity, 0.0))


def resolves(modes: Modes, inverse_d: Scalar, inverse_n: Scalar = 0.0) -> Array:
    """Whether there are as many features, and samples, as coordinates. It is the smallest ridge
    that decides what is learned then, and at ridge 0 everything is."""
    return rank(modes) * jnp.maximum(inverse_d, inverse_n) <= 1 + EQUAL


def learned(kappa: Array, modes: Modes) -> Array:
    """lam / (lam + kappa), the part of a mode that is resolved; none of an eigenvalue of zero."""
    lam = modes.lam
    return lam / jnp.where(lam > 0, lam + jnp.asarray(kappa)[..., None], 1.0)


def left_over(kappa: Array, modes: Modes) -> Array:
    """kappa / (lam + kappa), the part that is not."""
    lam, kappa = modes.lam, jnp.asarray(kappa)[..., None]
    return jnp.where(lam > 0, kappa / jnp.where(lam > 0, lam + kappa, 1.0), 1.0)


def freedom(kappa: Array, modes: Modes, order: int) -> Array:
    """Degrees of freedom of an order at given effective ridges."""
    return learned(kappa, modes) ** order @ modes.multiplicity


def _stieltjes(
    kappa: Inexact[Array, "..."], lam: Float[Array, " n"], *weights: Float[Array, " n"]
) -> tuple[Array, ...]:
    """sum_j w_j / (lam_j + kappa) for every weight, then sum_j w_j / (lam_j + kappa)^2 for the
    first, adding one mode at a time.

    No array of (kappa, modes) is ever made, and the real arithmetic vectorises: five times
    faster than the same sums over a complex matrix.
    """
    x, y = jnp.real(kappa), jnp.imag(kappa)
    is_complex = jnp.iscomplexobj(kappa)

    @jax.checkpoint
    def add(sums, mode):
        lam, *w = mode
        shifted = lam + x
        if is_complex:
            inverse = 1 / (shifted * shifted + y * y)
            re, im = shifted * inverse, -y * inverse  # of 1 / (lam + kappa)
            parts = [part * weight for weight in w for part in (re, im)]
            parts += [w[0] * (re * re - im * im), w[0] * 2 * re * im]
        else:
            inverse = 1 / shifted
            parts = [inverse * weight for weight in w] + [w[0] * inverse * inverse]
        return [s + t for s, t in zip(sums, parts, strict=True)], None

    zeros = [jnp.zeros_like(x)] * ((len(weights) + 1) * (1 + is_complex))
    sums, _ = lax.scan(add, zeros, (lam, *weights), unroll=8)
    return tuple(map(lax.complex, sums[::2], sums[1::2])) if is_complex else tuple(sums)


def _equation(kappa, minus_z, lam, n_lam, inverse_d, inverse_n):
    """The left side f of the fixed point in its regular form, f', and kappa f' - f."""
    df1, slope = _stieltjes(kappa, lam, n_lam)
    # s is inverse_d R_n + inverse_n R_d, with R = 1 - df1/d and the like: it tells the branch.
    branch = inverse_d + inverse_n - 2 * inverse_d * inverse_n * df1
    both = inverse_d * inverse_n * minus_z / jnp.where(kappa == 0, 1.0, kappa)
    square = (inverse_d - inverse_n) ** 2 + 4 * both
    empty = square == 0
    s = jnp.sqrt(jnp.where(empty, 1.0, square))
    s = jnp.where(empty, 0.0, jnp.where(jnp.real(s * jnp.conj(branch)) < 0, -s, s))
    share = (inverse_d + inverse_n + s) / 2
    bent = df1 * both / jnp.where(empty, 1.0, s)
    between = kappa * slope  # df1 - df2
    return (
        kappa * (1 - df1 * share),
        1 - (df1 - between) * share + bent,
        kappa * (between * share + bent),
    )


def _resolved(kappa, minus_z, lam, n, inverse_d, inverse_n):
    """The equation where everything can be resolved: the product itself, which has one root.

    1 - df1/d is written as a sum of positive terms, for ridges much below all eigenvalues.
    """
    left = [
        jnp.where(x > EQUAL, x, 0.0) for x in (1 - n.sum() * inverse_d, 1 - n.sum() * inverse_n)
    ]
    sum_, slope = _stieltjes(kappa, lam, n)
    R, S = left[0] + kappa * sum_ * inverse_d, left[1] + kappa * sum_ * inverse_n
    bent = kappa * (sum_ - kappa * slope) * (inverse_d * S + inverse_n * R)
    return kappa * R * S, R * S + bent, kappa * bent


def _newton(equation, kappa, minus_z, *args):
    """A Newton step, and the slope. The step is a sum: between eigenvalues that are far apart, the
    difference of kappa and f / f' has no digit left."""
    _, slope, rest = equation(kappa, minus_z, *args)
    return (minus_z + rest) / slope, slope


def _differentiable(equation, kappa, minus_z, *args):
    """A root with the derivatives it has by the implicit function theorem."""
    kappa = lax.stop_gradient(kappa)
    value, slope, _ = equation(kappa, minus_z, *args)
    off = value - minus_z
    return kappa - (off - lax.stop_gradient(off)) / lax.stop_gradient(slope)


def _converge(equation, kappa, *args):
    """Newton steps until the last one is small, and the slope at the last but one."""

    def unfinished(state):
        _, _, change, k = state
        return (change > _TOLERANCE) & (k < _ITERATIONS)

    def again(state):
        kappa, _, _, k = state
        new, slope = _newton(equation, kappa, *args)
        return new, slope, jnp.max(jnp.abs(new - kappa) / jnp.abs(new)), k + 1

    return lax.while_loop(unfinished, again, (kappa, jnp.ones_like(kappa), jnp.inf, 0))[:2]


def _descend(equation, r: Float[Array, "..."], trace, *rest):
    """The root for -z = r >= 0. The left side is convex: Newton from the right descends to it."""
    start = r + trace * (rest[-2] + rest[-1])
    return _converge(equation, start, r, *rest)


def ridge_on_axis(
    r: Float[Array, "..."], modes: Modes, inverse_d: Scalar, inverse_n: Scalar = 0.0
) -> Float[Array, "..."]:
    """The effective ridge at -z = r >= 0. At r = 0 it is the scale that d and n resolve."""
    lam, r = scaled(modes.lam, modes), scaled(jnp.asarray(r), modes)
    n = jnp.where(lam > 0, modes.multiplicity, 0.0)
    sizes, trace = (inverse_d, inverse_n), n @ lam
    all_resolved = lax.stop_gradient(resolves(modes, inverse_d, inverse_n))
    found = []
    # Each equation is solved where it is needed, and elsewhere where it is easy: at the largest r.
    for equation, here, weight in (
        (_resolved, all_resolved & (r > 0), n),
        (_equation, ~all_resolved, n * lam),
    ):
        minus_z, rest = jnp.where(here, r, TOP), (lam, weight, *sizes)
        kappa, _ = _descend(equation, *lax.stop_gradient((minus_z, trace, *rest)))
        found.append(_differentiable(equation, kappa, minus_z, *rest))
    slope = (1 - n.sum() * inverse_d) * (1 - n.sum() * inverse_n)  # at zero
    linear = jnp.where(slope > EQUAL, r / jnp.where(slope > EQUAL, slope, 1.0), 0.0)
    kappa = jnp.where(all_resolved, jnp.where(r > 0, found[0], linear), found[1])
    return unscaled(kappa, modes)


def _off_axis(minus_z: Complex[Array, "..."], *rest: Any) -> Complex[Array, "..."]:
    # The iterations carry no derivatives; the last step does (implicit function theorem).
    z, fixed = lax.stop_gradient((minus_z, rest))
    r, theta = jnp.abs(z), jnp.angle(z)
    start = tuple(
        lax.complex(x, jnp.zeros_like(r)) for x in _descend(_equation, r, fixed[1].sum(), *fixed)
    )

    def turn(k, state):  # the phase of z, along d log kappa / d log z
        kappa, slope = state
        before, after = (r * jnp.exp(1j * theta * n / _TURNS) for n in (k, k + 1))
        kappa = kappa * jnp.exp(1j * theta / _TURNS * before / (kappa * slope))
        refine = lambda _, state: _newton(_equation, state[0], after, *fixed)
        return lax.fori_loop(0, 2, refine, (kappa, slope))

    kappa, _ = _converge(_equation, lax.fori_loop(0, _TURNS, turn, start)[0], z, *fixed)
    return _differentiable(_equation, kappa, minus_z, *rest)


def ridge_off_axis(
    minus_z: Complex[Array, "..."], modes: Modes, inverse_d: Scalar, inverse_n: Scalar = 0.0
) -> Complex[Array, "..."]:
    """The effective ridge at complex -z, away from the spectrum."""
    lam = scaled(modes.lam, modes)
    rest = lam, modes.multiplicity * lam, inverse_d, inverse_n
    return unscaled(_off_axis(scaled(minus_z, modes), *rest), modes)


def transforms(
    z: Complex[Array, "..."], modes: Modes, inverse_d: Scalar
) -> tuple[Complex[Array, "..."], Complex[Array, "..."]]:
    """The two resolvent traces of the module's docstring: of the target, and of K."""
    lam, minus_z = scaled(modes.lam, modes), scaled(-z, modes)
    n_lam = modes.multiplicity * lam
    kappa = _off_axis(minus_z, lam, n_lam, inverse_d, 0.0)
    trace, target, _ = _stieltjes(kappa, lam, n_lam, scaled(modes.weight, modes))
    return kappa / minus_z * target, trace
