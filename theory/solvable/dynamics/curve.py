"""The risk along training, as the theory gives it."""

from typing import Any

import numpy as np
from jaxtyping import Float

from solvable.models.problem import Problem
from solvable.rules.rule import Rule
from solvable.util.along import Along
from solvable.util.errors import requirement
from solvable.util.record import static
from solvable.util.results import AXIS, array
from solvable.util.types import Array, Rung, Scalar


class Curve(Along, kw_only=True):
    """Expected risk along an axis: steps, times of gradient flow, or ridges.

    Arrays are float64 NumPy, shape (k,).

    Example:
        >>> curve = predict(PowerLaw(alpha=1.0, beta=0.3, v=100), SGD(0.1), 1000)
        >>> curve.step[[0, -1]], curve.risk[[0, -1]].round(4)
        (array([   0, 1000]), array([1.3051, 0.0088]))
    """

    x: Any = array(AXIS)
    """The axis: also ``step``, ``time`` or ``ridge``, whichever it is."""
    excess: Float[Array, " k"] = array(AXIS)
    """Expected risk on fresh samples, minus the label noise."""
    train: Float[Array, " k"] | None = array(AXIS, default=None)
    """Mean squared residual on the samples of a finite data set, label noise included."""
    terms: dict[str, Float[Array, " k"]] | None = array(AXIS, default=None)
    """The parts of the excess: for fresh samples capacity, population, distortion and SGD noise; on
    a finite data set bias, variance of the features, variance of the data, and label noise."""
    kappa: Float[Array, " k"] | None = array(AXIS, default=None)
    """The effective ridge of ridge regression."""
    df1: Float[Array, " k"] | None = array(AXIS, default=None)
    """Degrees of freedom of ridge regression: the expected trace of the smoother that takes labels
    to predictions."""
    df2: Float[Array, " k"] | None = array(AXIS, default=None)
    """Degrees of freedom of second order, the sum of (lam / (lam + kappa))^2."""
    error: Scalar = 0.0
    """Relative numerical error of the excess (not the error of the theory; see ``rung``)."""
    axis: str = static("step")
    """``step``, ``time`` or ``ridge``."""
    rung: Rung = static(Rung.EXACT)
    """What the numbers are: an exact expectation, or a deterministic equivalent."""
    problem: Problem
    """What is learned."""
    rule: Rule
    """How."""
    n: Scalar | None = None
    """Samples of the data set; None for fresh or infinitely many samples."""
    ensemble: Scalar = 1
    """Draws of the features averaged over."""
    bags: Scalar = 1
    """Data sets averaged over."""

    @property
    def gcv(self) -> Float[np.ndarray, " k"]:
        """Generalised cross validation of ridge regression, train / (1 - df1 / n)^2.

        It is what the training data tell of the risk, and equals it to the order of the
        equivalent. Where the training error is zero it is not a number.
        """
        if self.train is None or self.df1 is None:
            must = "be of one data set fitted by ridge regression, for cross validation"
            raise requirement("curve", must, self.rule)
        left = 1 - self.df1 * (0.0 if self.n is None else 1 / self.n)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(left < 1e-9, np.nan, self.train / left**2)

    def __str__(self) -> str:
        return (
            f"{self.rung} of {self.problem}\n"
            f"{self.rule}{self._samples()}, {self._span()}: "
            f"risk {self.risk[0]:.6g} to {self.risk[-1]:.6g}, numerical error {self.error:.0e}"
        )
