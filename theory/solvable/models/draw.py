"""One sample of the random features of a problem, and its exact modes."""

import functools
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from solvable.models.modes import Modes
from solvable.models.problem import Problem
from solvable.numerics.linalg import thin_svd
from solvable.util.precision import float64_on_cpu
from solvable.util.types import Array, Rung


class Draw(Problem, kw_only=True):
    """A problem together with one sample of its features.

    Predictions for a draw are exact expectations over the data: nothing random is left but them.

    Example:
        >>> PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400).draw(jax.random.key(0))
        Draw(PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400, noise=0.0))
    """

    problem: Problem
    """What is learned."""
    W: Float[Array, "v d"]
    """The features, variance 1/d, shape (v, d)."""

    def __repr__(self) -> str:
        return f"Draw({self.problem})"

    @property
    def d(self) -> int:  # ty: ignore[invalid-method-override]
        """Number of features."""
        return self.W.shape[-1]

    @property
    def v(self) -> int:
        """Number of coordinates of x."""
        return self.W.shape[0]

    @property
    def noise(self) -> Any:  # ty: ignore[invalid-method-override]
        """Variance of the label noise."""
        return self.problem.noise

    @property
    def inverse_d(self) -> float:
        """Zero: the features are given, and their modes exact."""
        return 0.0

    @property
    def rung(self) -> Rung:
        """Exact."""
        return Rung.EXACT

    @functools.cached_property
    def modes(self) -> Modes:
        r"""The modes of the feature covariance :math:`W^\top D W`, exact, computed once.

        With the thin singular value decomposition :math:`D^{1/2} W = U S V^\top`:
        eigenvalues :math:`S_i^2`, weights :math:`\langle u_i, D^{1/2} b \rangle^2`, and as
        floor the squared length of what is left of :math:`D^{1/2} b`.
        """
        return feature_modes(self.problem, np.asarray(self.W))

    def spectrum(self, octaves: int | None = None) -> Modes:
        """The modes of the features."""
        return self.modes

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations of x and target coefficients, one by one, shape (v,) each."""
        return self.problem.coordinates()

    def draw(self, key: jax.Array) -> "Draw":
        """The draw itself: its features are sampled."""
        return self


@float64_on_cpu
def sample_features(key: jax.Array, v: int, d: int) -> np.ndarray:
    """W of shape (v, d), independent normal entries of variance 1/d."""
    return np.asarray(jax.random.normal(key, (v, d), float)) / np.sqrt(d)


def feature_modes(problem: Problem, W: np.ndarray) -> Modes:
    """The exact modes of features W, shape (v, d), or of a stack of them."""
    scale, target = problem.coordinates()
    U, S = thin_svd(scale[:, None] * W)
    y = scale * target
    projection = y @ U
    outside = y - np.einsum("...vd,...d->...v", U, projection)
    return Modes(
        lam=S**2,
        weight=projection**2,
        multiplicity=np.ones_like(S),
        floor=np.sum(outside**2, axis=-1),
        noise=np.full(S.shape[:-1], float(problem.noise))[()],
    )
