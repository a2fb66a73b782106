r"""Power laws: eigenvalues j^(-2 alpha) with target coefficients j^(-beta).

Inputs are :math:`x_j = j^{-\alpha} z_j` with :math:`z_j \sim \mathcal N(0, 1)`, j = 1, ..., v, and
the target is :math:`y = \sum_j j^{-\beta} x_j` plus label noise.

Source: Paquette, Paquette, Xiao, Pennington, *4+3 Phases of Compute-Optimal Neural Scaling
Laws* (2024), arXiv 2405.15074, section 1. Derived in the documents: theory/random_features.
"""

import numpy as np

from solvable.models.modes import Modes
from solvable.models.problem import MAX_COORDINATES, Problem
from solvable.numerics.sums import MAX_SIZE, coordinates, count_parts
from solvable.util.checks import check_count
from solvable.util.fields import MaybeWhole, Number, Whole
from solvable.util.precision import is_traced
from solvable.util.record import count, number

EXPLICIT = 512
"""Up to this many coordinates a linear regression keeps them all; above, sums are compressed."""


class PowerLaw(Problem, kw_only=True):
    r"""Power-law data, learned from d random features (PLRF) or, without d, from the inputs.

    The features are :math:`\phi = W^\top x`, with W of shape (v, d) and independent entries
    :math:`\mathcal N(0, 1/d)`. With ``d=None`` it is linear regression on x itself. The exponents,
    sizes and noise are all leaves of a pytree.

    Args:
        alpha: Capacity exponent, positive: the covariance of x has eigenvalues j^(-2 alpha).
        beta: Source exponent: the target coefficients are j^(-beta).
        v: Number of coordinates of x, up to 10^18; sums include j = v.
        d: Number of features, for one-pass training at most ``v``; None for linear regression.
        noise: Variance of the label noise. The risk includes it, the excess does not.

    Raises:
        ValueError: If ``alpha`` is not positive, ``noise`` negative, or ``v`` or ``d`` not a
            positive whole number.

    Example:
        >>> PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
        PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400, noise=0.0)
    """

    alpha: Number = number(positive=True)
    beta: Number = number()
    v: Whole = count(maximum=MAX_SIZE)
    d: MaybeWhole = count(default=None)
    noise: Number = number(minimum=0, default=0.0)

    def spectrum(self, octaves: int | None = None) -> Modes:
        """The modes of x. ``octaves`` fixes the number of nodes; by default ``v`` does."""
        few = self.d is None and octaves is None and not is_traced(self.v) and self.v <= EXPLICIT
        if few:
            j = np.arange(1.0, int(self.v) + 1)
            multiplicity = np.ones_like(j)
        else:
            j, multiplicity = coordinates(self.v, octaves, count_parts(self.alpha))
        return Modes(
            lam=j ** (-2 * self.alpha),
            weight=multiplicity * j ** (-2 * (self.alpha + self.beta)),
            multiplicity=multiplicity,
            floor=0.0,
            noise=self.noise,
        )

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations of x and target coefficients, one by one, shape (v,) each."""
        check_count("v", self.v, maximum=MAX_COORDINATES)
        j = np.arange(1.0, int(self.v) + 1)
        alpha, beta = np.asarray(self.alpha), np.asarray(self.beta)
        return j**-alpha, j**-beta
