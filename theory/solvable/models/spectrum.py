r"""A problem of any spectrum, learned directly or through random features of it."""

from typing import Any

import numpy as np

from solvable.models.modes import Modes
from solvable.models.problem import Problem
from solvable.util.checks import check_vector
from solvable.util.errors import requirement
from solvable.util.fields import MaybeVector, MaybeWhole, Number, Vector
from solvable.util.precision import is_traced
from solvable.util.record import count, number, vector

_ROUNDED = (
    "If it is zero up to rounding, as of a kernel matrix, take np.maximum(eigenvalues, 0): what is "
    "zero carries nothing."
)


class Spectrum(Problem):
    r"""Inputs whose covariance has any eigenvalues, with a target on them.

    It is learned from d random features :math:`\phi = W^\top x`, with W of independent entries
    :math:`\mathcal N(0, 1/d)`, or with ``d=None`` from x itself.

    Eigenvalues measured on data are those of the covariance :math:`X^\top X / n` of n rows, with
    coefficients :math:`U^\top X^\top y / (n \lambda)`. Of a kernel matrix K of n points, with
    :math:`K = U S U^\top`, they are :math:`\lambda = S / n` and :math:`U^\top y / \sqrt{n
    \lambda}`: not S itself.

    Args:
        eigenvalues: Eigenvalues of the covariance of x, not negative, shape (m,). Those that are
            zero carry nothing.
        target: Coefficients b of the target in the eigenbasis, shape (m,): the part of its variance
            on an eigenvalue is lam b^2. Of an eigenvalue that occurs several times, the length of
            the coefficients on all of them.
        d: Number of random features; None to learn from x itself.
        noise: Variance of the label noise. The risk includes it, the excess does not.
        multiplicity: How often each eigenvalue occurs, whole numbers; once by default.

    Raises:
        ValueError: If an eigenvalue is negative, lengths differ, or a number is out of range.

    Example:
        >>> Spectrum([1.0, 0.5], target=[1.0, 2.0], noise=0.1)
        Spectrum(eigenvalues=[1.0, 0.5], target=[1.0, 2.0], d=None, noise=0.1, multiplicity=None)
        >>> predict(Spectrum([1.0, 0.5, 0.1], [1.0, 1.0, 1.0], d=2), SGD(0.1), [0, 10]).rung
        <Rung.EQUIVALENT: 'deterministic equivalent'>
    """

    eigenvalues: Vector = vector(minimum=0, fix=_ROUNDED)
    target: Vector = vector()
    d: MaybeWhole = count(default=None)
    noise: Number = number(minimum=0, default=0.0)
    multiplicity: MaybeVector = vector(minimum=1, whole=True, default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        size = ("eigenvalues", np.shape(self.eigenvalues)[0])
        check_vector("target", self.target, size=size)
        if not is_traced(self.eigenvalues) and not np.any(self.eigenvalues > 0):
            raise requirement("eigenvalues", "have a positive entry", self.eigenvalues.tolist())
        if self.multiplicity is not None:
            check_vector("multiplicity", self.multiplicity, size=size)

    @property
    def v(self) -> Any:
        """Number of coordinates of x."""
        if self.multiplicity is None:
            return np.shape(self.eigenvalues)[-1]
        return self.multiplicity.sum()

    def spectrum(self, octaves: int | None = None) -> Modes:
        """The modes of x."""
        return Modes(
            lam=self.eigenvalues,
            weight=self.eigenvalues * self.target**2,
            multiplicity=self.multiplicity,
            noise=self.noise,
        )

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations of x and target coefficients, one by one, shape (v,) each."""
        if self.multiplicity is not None:
            return super().coordinates()
        return np.sqrt(self.eigenvalues), np.asarray(self.target)
