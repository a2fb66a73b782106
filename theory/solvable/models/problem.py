r"""What is learned: a linear target on power-law data, seen directly or through random features.

Inputs are :math:`x_j = j^{-\alpha} z_j` with :math:`z_j \sim \mathcal N(0, 1)`, j = 1, ..., v;
the target is :math:`y = \sum_j j^{-\beta} x_j` plus label noise. Risk is
:math:`P(\theta) = \mathbb E (\langle \phi, \theta \rangle - y)^2`, with no factor 1/2, and
training starts at :math:`\theta = 0`.

Source: Paquette, Paquette, Xiao, Pennington, *4+3 Phases of Compute-Optimal Neural Scaling
Laws* (2024), arXiv 2405.15074, section 1.
"""

import functools
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float

from solvable.models.modes import Modes
from solvable.numerics.linalg import thin_svd
from solvable.numerics.sums import MAX_SIZE, coordinates
from solvable.util.checks import (
    check_count,
    check_key,
    check_number,
    check_vector,
    is_number,
    plain_number,
)
from solvable.util.errors import requirement, why
from solvable.util.precision import float64_on_cpu, is_traced
from solvable.util.types import Array, Scalar

MAX_COORDINATES = 10**8
"""The largest ``v`` where coordinates are held one by one, as in a draw or a simulation."""

MAX_ENTRIES = 2**31
"""The largest number of entries of a sampled W: 16 GiB."""

EXPLICIT = 512
"""Up to this many coordinates a linear regression keeps them all; above, sums are compressed."""


def _check_data(alpha: object, beta: object, v: object, noise: object) -> None:
    check_number("alpha", alpha, positive=True)
    check_number("beta", beta)
    check_count("v", v, maximum=MAX_SIZE)
    check_number("noise", noise, minimum=0)


def _power_law_modes(alpha, beta, noise, j, multiplicity) -> Modes:
    lam = j ** (-2 * alpha)
    weight = multiplicity * j ** (-2 * (alpha + beta))
    return Modes(lam=lam, weight=weight, multiplicity=multiplicity, floor=0.0, noise=noise)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class LinearRegression:
    r"""Linear regression: the inputs themselves are the features.

    The covariance has eigenvalues :math:`j^{-2\alpha}` and the target coefficients
    :math:`j^{-\beta}` for j = 1, ..., v. For any other spectrum use :meth:`from_spectrum`.

    Args:
        alpha: Capacity exponent, positive.
        beta: Source exponent.
        v: Number of coordinates, up to 10^18; sums include j = v.
        noise: Variance of the label noise. The risk includes it, the excess does not.

    Raises:
        ValueError: If ``alpha`` is not positive, ``noise`` negative, or ``v`` not a positive
            whole number.

    Example:
        >>> LinearRegression(alpha=1.0, beta=0.3, v=1000)
        LinearRegression(alpha=1.0, beta=0.3, v=1000, noise=0.0)
    """

    alpha: Scalar | None = None
    beta: Scalar | None = None
    v: Scalar = 0
    noise: Scalar = 0.0
    eigenvalues: Float[Array, " v"] | None = None
    target: Float[Array, " v"] | None = None

    def __post_init__(self) -> None:
        if self.eigenvalues is None:
            _check_data(self.alpha, self.beta, self.v, self.noise)
        else:
            check_number("noise", self.noise, minimum=0)

    def __repr__(self) -> str:
        if self.eigenvalues is None:
            return (
                f"LinearRegression(alpha={self.alpha}, beta={self.beta}, v={self.v}, "
                f"noise={self.noise})"
            )
        return f"LinearRegression.from_spectrum(<{self.v} eigenvalues>, noise={self.noise})"

    @classmethod
    def from_spectrum(cls, eigenvalues, target, noise: float = 0.0) -> "LinearRegression":
        """Linear regression with any covariance.

        Args:
            eigenvalues: Eigenvalues of the covariance of x, positive, shape (v,).
            target: Coefficients of the target in the eigenbasis, shape (v,).
            noise: Variance of the label noise.

        Raises:
            ValueError: If an eigenvalue is not positive or the lengths differ.

        Example:
            >>> LinearRegression.from_spectrum([1.0, 0.5], target=[1.0, 2.0], noise=0.1)
            LinearRegression.from_spectrum(<2 eigenvalues>, noise=0.1)
        """
        eigenvalues = check_vector("eigenvalues", eigenvalues, positive=True)
        target = check_vector("target", target)
        if target.shape != eigenvalues.shape:
            must = f"have as many entries as `eigenvalues` ({eigenvalues.size})"
            raise requirement("target", must, f"{target.size} long")
        return cls(v=eigenvalues.size, noise=noise, eigenvalues=eigenvalues, target=target)

    inverse_d = 0.0
    """One over the number of features of the resolvent: none of the spectrum is cut off."""

    def spectrum(self, octaves: int | None = None) -> Modes:
        """The modes of x. ``octaves`` fixes the number of nodes; by default ``v`` does."""
        if self.eigenvalues is not None and self.target is not None:
            return Modes(
                lam=self.eigenvalues,
                weight=self.eigenvalues * self.target**2,
                multiplicity=np.ones(np.shape(self.eigenvalues)),
                floor=0.0,
                noise=self.noise,
            )
        if octaves is None and not is_traced(self.v) and self.v <= EXPLICIT:
            j = np.arange(1.0, int(self.v) + 1)
            return _power_law_modes(self.alpha, self.beta, self.noise, j, np.ones_like(j))
        return _power_law_modes(self.alpha, self.beta, self.noise, *coordinates(self.v, octaves))

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations of x and target coefficients, one by one, shape (v,) each."""
        if self.eigenvalues is not None and self.target is not None:
            return np.sqrt(self.eigenvalues), np.asarray(self.target)
        return _explicit(self)


def _explicit(problem: "PowerLaw | LinearRegression") -> tuple[np.ndarray, np.ndarray]:
    check_count("v", problem.v, maximum=MAX_COORDINATES)
    j = np.arange(1.0, int(problem.v) + 1)
    alpha, beta = np.asarray(problem.alpha), np.asarray(problem.beta)
    return j**-alpha, j**-beta


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    r"""Power-law random features (PLRF): the inputs are seen through d random features.

    The features are :math:`\phi = W^\top x`, with W of shape (v, d) and independent entries
    :math:`\mathcal N(0, 1/d)`. The exponents, sizes and noise are all leaves of a pytree.

    Args:
        alpha: Capacity exponent, positive: the covariance of x has eigenvalues j^(-2 alpha).
        beta: Source exponent: the target coefficients are j^(-beta).
        v: Number of coordinates of x, up to 10^18; sums include j = v.
        d: Number of features; for one-pass training at most ``v``.
        noise: Variance of the label noise. The risk includes it, the excess does not.

    Raises:
        ValueError: If ``alpha`` is not positive, ``noise`` negative, or ``v`` or ``d`` not a
            positive whole number.

    Example:
        >>> PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
        PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400, noise=0.0)
    """

    alpha: Scalar
    beta: Scalar
    v: Scalar
    d: Scalar
    noise: Scalar = 0.0

    def __post_init__(self) -> None:
        _check_data(self.alpha, self.beta, self.v, self.noise)
        check_count("d", self.d)

    @property
    def inverse_d(self) -> Scalar:
        """One over the number of features."""
        return 1.0 / self.d

    def spectrum(self, octaves: int | None = None) -> Modes:
        """The modes of x, before the features. ``octaves`` fixes the number of nodes."""
        return _power_law_modes(self.alpha, self.beta, self.noise, *coordinates(self.v, octaves))

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations of x and target coefficients, one by one, shape (v,) each."""
        return _explicit(self)

    def draw(self, key: jax.Array) -> "Draw":
        """Sample the features W.

        The sample is float64 whatever the precision in force, so that one key means one W.

        Raises:
            TypeError: If ``key`` is no random key.
            ValueError: If W would have too many entries.

        Example:
            >>> PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400).draw(jax.random.key(0)).W.shape
            (1600, 400)
        """
        check_key(key)
        if self.v * self.d > MAX_ENTRIES:
            must = f"leave W at most {MAX_ENTRIES:.1e} entries, at v = {self.v}"
            raise requirement("d", must, self.d, "The theory needs no draw: predict.")
        return Draw(problem=self, W=_sample_features(key, int(self.v), int(self.d)))


@float64_on_cpu
def _sample_features(key: jax.Array, v: int, d: int) -> np.ndarray:
    return np.asarray(jax.random.normal(key, (v, d), float)) / np.sqrt(d)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, eq=False)
class Draw:
    """A problem together with one sample of its features."""

    problem: PowerLaw
    W: Float[Array, "v d"]
    """The features, variance 1/d, shape (v, d)."""

    def __repr__(self) -> str:
        return f"Draw({self.problem})"

    @functools.cached_property
    def modes(self) -> Modes:
        r"""The modes of the feature covariance :math:`W^\top D W`, exact, computed once.

        With the thin singular value decomposition :math:`D^{1/2} W = U S V^\top`:
        eigenvalues :math:`S_i^2`, weights :math:`\langle u_i, D^{1/2} b \rangle^2`, and as
        floor the squared length of what is left of :math:`D^{1/2} b`.
        """
        return feature_modes(self.problem, np.asarray(self.W))


def feature_modes(problem: PowerLaw, W: np.ndarray) -> Modes:
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


def check_one_pass(problem: object) -> None:
    """Fresh samples at every step see at most v features apart; full-batch training may take more.

    Raises:
        ValueError: If a :class:`PowerLaw` has ``d > v``.
        TypeError: If it is no problem of one-pass training.
    """
    if not isinstance(problem, PowerLaw | LinearRegression):
        raise TypeError(
            "Argument `problem` must be a PowerLaw or LinearRegression for one-pass training, but "
            f"is {problem!r}. Train it on n samples: GradientFlow, GradientDescent, FullBatch. "
            + why("theory/finite_data")
        )
    if isinstance(problem, PowerLaw):
        d, v = plain_number(problem.d), plain_number(problem.v)
        if is_number(d) and is_number(v) and d > v:
            raise requirement("d", f"not exceed v = {v}", d, "Take v >= d.")


Problem = PowerLaw | LinearRegression
"""Either kind of problem."""
