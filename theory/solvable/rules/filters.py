r"""Training that is a function of the spectrum of the data: gradient flow and ridge regression.

A filter leaves the part p(h) of the error on an eigenvalue h of the covariance of the samples, and
has no steps: :math:`e^{-h t}` for gradient flow at time t, and :math:`\rho / (h + \rho)` for ridge
regression at ridge :math:`\rho`. The theory needs p as a sum of resolvents, :math:`p(h) = 2
\operatorname{Re} \sum_j u_j\, z_j / (z_j + h)`.

Source: Bordelon, Atanasov, Pehlevan (2024), arXiv 2402.01092. Derived in the documents:
theory/finite_data.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Complex, Float

from solvable.numerics.contours import TALBOT, talbot
from solvable.rules.rule import Rule
from solvable.util.types import Array

Points = tuple[Complex[Array, "k n"], Complex[Array, "k n"]]
"""Points z and weights u of a sum of resolvents, for each of k places on the axis."""


class Filter(Rule):
    """The base of training without steps, on the whole of one data set."""

    data = "whole"
    engines = ()

    def remaining(self, h: Array, x: Array) -> Array:
        """The part p(h) of the error that is left at x on the axis; entry by entry."""
        raise NotImplementedError

    def learned(self, h: Array, x: Array) -> Array:
        """1 - p(h), without cancellation where little is learned."""
        return 1 - self.remaining(h, x)

    def resolvents(self, x: Float[Array, " k"], points: int = TALBOT) -> Points:
        """p as a sum of resolvents at each x; more ``points`` give it more accurately."""
        raise NotImplementedError


class GradientFlow(Filter):
    r"""Gradient flow, :math:`d\theta / dt = -\nabla \tfrac{1}{2n} |\Phi \theta - y|^2`.

    One unit of time is one step of gradient descent at learning rate 1, in the limit of small
    rates. A curve of it runs over times, which need not be whole.

    Example:
        >>> GradientFlow()
        GradientFlow()
    """

    axis = "time"

    def remaining(self, h: Array, x: Array) -> Array:
        """exp(-h t)."""
        return jnp.exp(-h * x)

    def learned(self, h: Array, x: Array) -> Array:
        """1 - exp(-h t)."""
        return -jnp.expm1(-h * x)

    def resolvents(self, x: Float[Array, " k"], points: int = TALBOT) -> Points:
        """Points on Talbot's contour, scaled by 1 / t: any positive time costs the same."""
        w, c = talbot(points)
        z = w / x[:, None]
        return z, jnp.broadcast_to(-0.5j * c / w, z.shape)


class Ridge(Filter):
    r"""Ridge regression, the minimum of

    .. math::
        \frac1n \sum_{i \le n} (\langle \phi_i, \theta \rangle - y_i)^2 + \text{ridge}\, |\theta|^2,

    the *mean* squared residual. A curve of it runs over ridges; ridge 0 is the solution of least
    norm.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.0, v=1000, d=100)
        >>> found = predict(problem, Ridge(), [1e-3, 1e-2], n=250)
        >>> found.risk.round(4), found.train.round(4)
        (array([0.369, 0.426]), array([0.189 , 0.3228]))
    """

    axis = "ridge"

    def remaining(self, h: Array, x: Array) -> Array:
        """ridge / (h + ridge), and zero at ridge 0 where h is positive."""
        return jnp.where(h > 0, x / jnp.where(h > 0, h + x, 1), 1.0)

    def learned(self, h: Array, x: Array) -> Array:
        """h / (h + ridge); infinite where h + ridge is not positive and there is no minimum."""
        proper = h + x > 0
        learned = jnp.where(proper, h / jnp.where(proper, h + x, 1), jnp.inf)
        return jnp.where(h > 0, learned, 0.0)

    def resolvents(self, x: Float[Array, " k"], points: int = TALBOT) -> Any:
        """A single one, at the ridge itself."""
        return x[:, None], jnp.full((*x.shape, 1), 0.5)
