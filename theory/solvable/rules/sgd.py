"""One-pass SGD.

Source: Paquette et al. (2024), arXiv 2405.15074, section 1. Derived in the documents:
theory/random_features.
"""

import numpy as np

from solvable.models.problem import Problem
from solvable.models.thresholds import max_learning_rate
from solvable.rules.rule import Coefficients, Equivalent, Rule
from solvable.schedules import is_constant, rates
from solvable.util.checks import check_count, check_number
from solvable.util.fields import RateField, Whole
from solvable.util.record import count, rate


class SGD(Rule):
    r"""One-pass SGD: a step sees B fresh samples once.

    .. math::
        \theta \leftarrow \theta - \frac{\gamma}{B} \sum_{i=1}^{B}
            \phi_i \left(\langle \phi_i, \theta \rangle - y_i\right)

    Args:
        gamma: Learning rate on the batch *mean*: a positive number, an array with one rate per
            step, or a callable of the step, such as ``schedules.Cosine`` or a schedule of optax.
            Paquette et al. (2024) sum over the batch: their rate is ``gamma / B``.
        B: Batch size.

    Raises:
        ValueError: If ``gamma`` is not positive (in an array, negative or not finite), or ``B``
            not a positive whole number.

    Example:
        >>> SGD(gamma=0.1, B=8)
        SGD(gamma=0.1, B=8)
    """

    gamma: RateField = rate()
    B: Whole = count(default=1)

    @property
    def constant(self) -> bool:
        """Whether the learning rate is one number."""
        return is_constant(self.gamma)

    @property
    def equivalent(self) -> Equivalent | None:
        """The rule itself, for a constant learning rate."""
        return Equivalent(self.gamma, self.B) if self.constant else None

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of steps t."""
        return Coefficients.of(t, [[1.0]], [-rates("gamma", self.gamma, t)])

    @classmethod
    def stable(cls, problem: Problem, fraction: float = 0.5, B: int = 1) -> "SGD":
        """SGD at a fraction of the largest stable learning rate.

        Args:
            problem: A problem, or a draw of its features.
            fraction: Of :func:`~solvable.threshold`; one and above diverges.
            B: Batch size.

        Example:
            >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
            >>> round(float(SGD.stable(problem, 0.5).gamma), 3)
            0.304
        """
        fraction, B = check_number("fraction", fraction, positive=True), check_count("B", B)
        return cls(fraction * max_learning_rate(problem, B), B)
