"""One sample of the random features of a problem, and its exact modes."""

import functools
import math
from typing import Any

import jax
import numpy as np

from solvable.models.modes import Modes
from solvable.models.problem import Problem, check_problem
from solvable.numerics.linalg import thin_svd
from solvable.util.checks import check_array
from solvable.util.errors import requirement
from solvable.util.fields import Table
from solvable.util.memory import check_memory
from solvable.util.precision import float64_on_cpu, is_traced
from solvable.util.record import field
from solvable.util.types import Rung


def _check_problem(name: str, problem: Any) -> Problem:
    return check_problem(problem)


def _check_features(name: str, W: Any) -> Any:
    if is_traced(W):
        return W
    if not (isinstance(W, np.ndarray) and W.dtype == np.float64):  # which may be large
        W = check_array(name, W)
    if W.ndim != 2 or W.size == 0:
        raise requirement(name, "have shape (v, d)", f"shape {W.shape}")
    if not np.isfinite(W).all():
        raise requirement(name, "have finite entries", W)
    return W


class Draw(Problem, kw_only=True):
    """A problem together with one sample of its features.

    Predictions for a draw are exact expectations over the data: nothing random is left but them.

    Example:
        >>> PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400).draw(jax.random.key(0))
        Draw(PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400, noise=0.0))
    """

    problem: Problem = field(_check_problem, kind="problem")
    """What is learned."""
    W: Table = field(_check_features, kind="matrix")
    """The features, variance 1/d, shape (v, d)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_traced((self.problem, self.W)) and np.shape(self.W)[0] != self.problem.v:
            must = f"have one row for each of the v = {self.problem.v:g} coordinates"
            raise requirement("W", must, f"shape {np.shape(self.W)}")

    def __repr__(self) -> str:
        return f"Draw({self.problem})"

    @property
    def d(self) -> int:
        """Number of features."""
        return self.W.shape[-1]

    @property
    def v(self) -> int:
        """Number of coordinates of x."""
        return self.W.shape[0]

    @property
    def noise(self) -> Any:
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


def modes_memory(v: int, d: int) -> int:
    """Bytes that the modes of features take while they are computed, the features among them.

    As measured: five copies, and as many of the square matrix that a decomposition works in.
    """
    return 40 * d * (v + min(v, d))


def feature_modes(problem: Problem, W: np.ndarray) -> Modes:
    """The exact modes of features W, shape (v, d), or of a stack of them."""
    *stack, v, d = W.shape
    fix = "The theory needs no draw: predict."
    check_memory(lambda v, d: modes_memory(v, d) * math.prod(stack), {"v": v, "d": d}, fix)
    scale, target = problem.coordinates()
    U, S = thin_svd(scale[:, None] * W)
    y = scale * target
    projection = y @ U
    outside = y - np.einsum("...vd,...d->...v", U, projection)
    return Modes.unchecked(  # of several problems, if W is a stack
        lam=S**2,
        weight=projection**2,
        multiplicity=np.ones_like(S),
        floor=np.sum(outside**2, axis=-1),
        noise=np.full(S.shape[:-1], float(problem.noise))[()],
    )
