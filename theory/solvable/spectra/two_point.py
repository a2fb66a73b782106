r"""Two resolvents under one expectation: all that full-batch training needs of a model.

With d random features and n samples the error vector obeys :math:`K = G S`, where G is the Gram
matrix of the features in the coordinates of x and S the empirical covariance. Where a rule leaves
:math:`p(K) w`, with p a polynomial and w the target, its risk is a double sum of

.. math::
    Q(z, z') = z z'\, \mathbb E\, \langle (z + K)^{-1} w,\ D\, (z' + K)^{-1} w \rangle

over points of a contour, and ridge regression is one point, z = z' = ridge. In the limit of many
features and samples it closes on two effective ridges :math:`\kappa, \kappa'` of
:mod:`solvable.spectra.resolvent`. With

.. math::
    S_w = \sum \frac{\lambda w^2}{(\lambda + \kappa)(\lambda + \kappa')}, \quad
    S_{w2} = \sum \frac{\lambda^2 w^2}{(\lambda + \kappa)(\lambda + \kappa')}, \quad
    S_1 = \sum \frac{\lambda}{(\lambda + \kappa)(\lambda + \kappa')}, \quad
    S_2 = \sum \frac{\lambda^2}{(\lambda + \kappa)(\lambda + \kappa')},

.. math::
    Q &= \frac{\kappa \kappa' \left[ S_w + S_1 S_{w2} / (d - S_2) \right] + \sigma^2 g}{1 - g},
    \qquad
    g = \frac1n \left[ S_2 + \frac{\kappa \kappa' S_1^2}{d - S_2} \right].

The residuals on the training samples correlate as :math:`R R' (Q + \sigma^2)`, with
:math:`R = 1 - \mathrm{df}_1(\kappa) / n`. For two predictors with features of their own on the
same data, 1/d is zero in these formulas (not in :math:`\kappa`); with data of their own, g is.
Numerical relative errors are those of the sums; the theory's are O(1/d) and O(1/n).

Sources: Bordelon, Atanasov, Pehlevan (2024), arXiv 2402.01092, for the dynamics; Defilippis et al.
(2024), arXiv 2405.15699, and Atanasov et al. (2024), arXiv 2405.00592, for ridge. Derived in the
documents: theory/finite_data.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Inexact

from solvable.models.modes import Modes
from solvable.spectra.resolvent import EQUAL, TOP, rank, scaled
from solvable.util.types import Array, Scalar


class Sizes(NamedTuple):
    """How many of everything: what training on a data set depends on besides its spectrum."""

    inverse_d: Scalar
    """One over the number of features; zero for infinitely many, or none."""
    inverse_n: Scalar = 0.0
    """One over the number of samples; zero for infinitely many."""
    ensemble: Scalar = 1.0
    """Draws of the features whose predictors are averaged."""
    bags: Scalar = 1.0
    """Data sets whose predictors are averaged."""


class TwoPoint(NamedTuple):
    """Q for every pair of points, apart from the label noise, and what the noise adds to it."""

    same: Inexact[Array, "... k l"]
    """One predictor: the same features and the same data."""
    own_features: Inexact[Array, "... k l"]
    own_data: Inexact[Array, "... k l"]
    own_both: Inexact[Array, "... k l"]
    """The bias: nothing is shared but the law."""
    noise: Inexact[Array, "... k l"]
    """The part of the excess that the label noise makes, of one predictor."""
    noise_own_features: Inexact[Array, "... k l"]


def _learnable(modes: Modes) -> tuple[Array, Array]:
    """Weights on eigenvalues that are not zero, and the part of the target that no rule learns."""
    used = modes.lam > 0
    return jnp.where(used, modes.weight, 0.0), modes.floor + jnp.where(
        used, 0.0, modes.weight
    ).sum()


def _left(df, rest, modes: Modes, inverse: Scalar) -> Array:
    """1 - df * inverse, from ``rest``, the rank less df, where that is known and df fills the rank
    so nearly that no digit would be left."""
    direct = 1 - df * inverse
    if rest is None:
        return direct
    never = 1 - rank(modes) * inverse
    whole = jnp.where(never > EQUAL, never, 0.0) + rest * inverse
    return jnp.where(never >= -EQUAL, whole, direct)


def two_point(
    kappa: Inexact[Array, "... k"],
    other: Inexact[Array, "... l"],
    modes: Modes,
    sizes: Sizes,
) -> TwoPoint:
    """The two-point function at every pair of effective ridges."""
    used, (inverse_d, inverse_n, *_) = modes.lam > 0, sizes
    n, weight, floor = modes.multiplicity, *_learnable(modes)
    # In units of the largest, as squares of them occur. What is zero has no part in any sum.
    lam = scaled(modes.lam, modes)
    kappa, other = scaled(kappa, modes), scaled(other, modes)
    u, v = (1 / (jnp.where(used, lam, TOP) + x[..., None]) for x in (kappa, other))
    inner = lambda weight: (u * weight) @ jnp.swapaxes(v, -1, -2)
    Sw, Sw2, S1, S2 = map(inner, (weight, lam * weight, n * lam, n * lam**2))
    kappa, other = kappa[..., :, None], other[..., None, :]
    product = kappa * other
    rest = None if jnp.iscomplexobj(u) else (kappa + other) * S1 + product * inner(n * used)
    left_d, left_n = (_left(S2, rest, modes, inverse) for inverse in (inverse_d, inverse_n))
    # Where everything is resolved kappa is zero, whatever it is multiplied by.
    features = product * S1 * inverse_d / jnp.where(product == 0, 1.0, left_d)
    bias = product * Sw + floor
    one_data = bias + Sw2 * features
    g_features = inverse_n * S1 * features
    g_own, g = inverse_n * S2, inverse_n * S2 + g_features
    left = left_n - g_features
    return TwoPoint(
        same=one_data / left,
        own_features=bias / left_n,
        own_data=one_data,
        own_both=bias,
        noise=modes.noise * g / left,
        noise_own_features=modes.noise * g_own / left_n,
    )


TERMS = ("bias", "features", "data", "noise")
"""The parts of the excess risk."""


class Parts(NamedTuple):
    """The excess risk of an average over predictors, and its training error (of one data set)."""

    bias: Array
    features: Array
    data: Array
    noise: Array
    train: Array

    @property
    def excess(self) -> Array:
        """The sum of the first four."""
        return self.bias + self.features + self.data + self.noise


def _mixed(Q: TwoPoint, sizes: Sizes) -> tuple[Array, Array, Array, Array]:
    """The parts of the risk of the mean over draws of the features times data sets.

    What the mean over infinitely many features would remove is the variance of the features;
    what then still depends on the samples, and not on the noise of their labels, of the data.
    """
    E, M = 1 / sizes.ensemble, 1 / sizes.bags
    features = M * (Q.same - Q.own_features) + (1 - M) * (Q.own_data - Q.own_both)
    data = M * (Q.own_features - Q.own_both)
    noise = M * (E * Q.noise + (1 - E) * Q.noise_own_features)
    return Q.own_both, E * features, data, noise


def pair_sums(
    kappa: Inexact[Array, "... n"],
    u: Inexact[Array, "... k n"],
    modes: Modes,
    sizes: Sizes,
) -> Parts:
    r"""Risk and training error of rules that leave :math:`2 \operatorname{Re} \sum u_j z_j (z_j +
    K)^{-1}`, several with the same points, shape (..., k), from the effective ridges there."""
    ratio = 1 / (jnp.where(modes.lam > 0, modes.lam, modes.top) + kappa[..., None])
    df1 = ratio @ (modes.lam * modes.multiplicity)
    rest = kappa * (ratio @ jnp.where(modes.lam > 0, modes.multiplicity, 0.0))
    rest = None if jnp.iscomplexobj(kappa) else rest
    residual = u * _left(df1, rest, modes, sizes.inverse_n)[..., None, :]
    parts, train = 0.0, 0.0
    for other in (lambda x: x, jnp.conj):  # both halves of the contour
        Q = two_point(kappa, other(kappa), modes, sizes)
        summed = lambda x, q, other=other: jnp.sum((x @ q) * other(x), axis=-1)
        parts += jnp.stack([summed(u, part) for part in _mixed(Q, sizes)])
        train += summed(residual, sum(_mixed(Q, sizes._replace(bags=1.0))) + modes.noise)
    return Parts(*2 * jnp.real(parts), 2 * jnp.real(train))
