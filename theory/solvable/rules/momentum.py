r"""Momentum: heavy ball, and the dimension-adapted Nesterov acceleration of random features.

All are cases of one rule with three rates,

.. math::
    y_t = (1 - \Delta_t)\, y_{t-1} + \gamma_1 g_t, \qquad
    \theta_{t+1} = \theta_t - \gamma_2 g_t - \gamma_3 y_t, \qquad y_{-1} = 0.

Source: Ferbach et al. (2025), *Dimension-adapted Momentum Outscales SGD*, arXiv 2505.16098. Derived
in the documents: theory/momentum.
"""

import numpy as np

from solvable.models.problem import Problem, check_problem
from solvable.rules.rule import Coefficients, Equivalent, Rule
from solvable.schedules import is_constant, rates
from solvable.util.checks import check_choice, check_count
from solvable.util.errors import requirement
from solvable.util.fields import Number, RateField, Whole
from solvable.util.record import count, number, rate


def _three(t, Delta, gamma1, gamma2, gamma3) -> Coefficients:
    keep = 1 - Delta
    A = [[1.0, -gamma3 * keep], [0.0, keep]]
    return Coefficients.of(t, A, [-(gamma2 + gamma1 * gamma3), gamma1])


class Momentum(Rule):
    r"""Heavy ball: :math:`y \leftarrow \mu y + g`, :math:`\theta \leftarrow \theta - \gamma y`.

    Its stability threshold, kernel sum and floor are those of SGD with batch size
    :math:`B (1 - \mu) / (1 + \mu)` at the learning rate :math:`\gamma / (1 + \mu)`.

    Args:
        gamma: Learning rate: a number, an array of rates, or a callable of the step.
        mu: Momentum, in [0, 1).
        B: Batch size.

    Raises:
        ValueError: If ``mu`` is not in [0, 1), a rate negative, or ``B`` not a positive whole
            number.

    Example:
        >>> Momentum(gamma=0.02, mu=0.9)
        Momentum(gamma=0.02, mu=0.9, B=1)
    """

    gamma: RateField = rate()
    mu: Number = number(minimum=0, below=1, default=0.9)
    B: Whole = count(default=1)

    start = (1.0, 0.0)

    @property
    def constant(self) -> bool:
        """Whether the learning rate is one number."""
        return is_constant(self.gamma)

    @property
    def equivalent(self) -> Equivalent | None:
        """SGD with the same threshold, for a constant learning rate."""
        if not self.constant:
            return None
        return Equivalent(self.gamma / (1 + self.mu), self.B * (1 - self.mu) / (1 + self.mu))

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of steps t."""
        return _three(t, 1 - self.mu, 1.0, 0.0, rates("gamma", self.gamma, t))


class ThreeRates(Rule, kw_only=True):
    r"""The general rule of this module: any :math:`\Delta_t, \gamma_1, \gamma_2, \gamma_3`.

    Each is a number, an array with one entry per step, or a callable of the step, and none is
    negative. :math:`\Delta_t` is cut at 1.

    Args:
        Delta: How much of the velocity a step forgets, from 0 to 1.
        gamma1: Rate of the gradient in the velocity.
        gamma2: Learning rate of the plain gradient.
        gamma3: Learning rate of the velocity.
        B: Batch size.

    Example:
        >>> rule = ThreeRates(Delta=0.1, gamma1=1.0, gamma2=0.0, gamma3=0.02)  # heavy ball
        >>> rule.coefficients(np.array([0])).b.tolist()
        [[-0.02, 1.0]]
    """

    Delta: RateField = rate(minimum=0)
    gamma1: RateField = rate(minimum=0, default=1.0)
    gamma2: RateField = rate(minimum=0)
    gamma3: RateField = rate(minimum=0)
    B: Whole = count(default=1)

    start = (1.0, 0.0)

    @property
    def constant(self) -> bool:
        """Whether all four are numbers."""
        return all(map(is_constant, (self.Delta, self.gamma1, self.gamma2, self.gamma3)))

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of steps t."""
        names = ("Delta", "gamma1", "gamma2", "gamma3")
        Delta, *gammas = (rates(name, getattr(self, name), t) for name in names)
        return _three(t, Delta.clip(0, 1), *gammas)


class DANA(Rule, kw_only=True):
    r"""Dimension-adapted Nesterov acceleration.

    The rule of this module with :math:`\gamma_1 = 1`, :math:`\Delta_t = \min(1, \delta / (1 +
    t))`, :math:`\gamma_2` constant and :math:`\gamma_3(t) = \gamma_3 (1 + t)^{-\text{decay}}`.
    :meth:`for_problem` has the choices of the paper.

    Args:
        gamma2: Learning rate of the plain gradient, positive.
        gamma3: Learning rate of the momentum at step 0, positive.
        delta: How fast the memory grows: it is about t / delta steps long.
        decay: Exponent of the decay of ``gamma3``; 0 is DANA-constant.
        B: Batch size.

    Raises:
        ValueError: If a rate or ``delta`` is not positive, ``decay`` is negative, or ``B`` is
            not a positive whole number.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.2, v=1600, d=400)
        >>> DANA.for_problem(problem, "decaying").delta
        5.2
    """

    gamma2: Number = number(positive=True)
    gamma3: Number = number(positive=True)
    delta: Number = number(positive=True)
    decay: Number = number(minimum=0, default=0.0)
    B: Whole = count(default=1)

    start = (1.0, 0.0)

    @classmethod
    def for_problem(cls, problem: Problem, kind: str = "decaying", B: int = 1) -> "DANA":
        r"""The coefficients of the paper, from the size and the exponents of a problem.

        With :math:`c = \min(1, B / \operatorname{Tr} D)`: :math:`\gamma_2 = c / 2`,
        :math:`\delta = 4 + (\alpha + \beta) / \alpha`, and :math:`\gamma_3 = c B / (10\, d)`
        (``constant``) or :math:`c / 10 \cdot (1 + t)^{-1 / (2 \alpha)}` (``decaying``).

        Args:
            problem: A power law, or a draw of its features.
            kind: ``constant`` or ``decaying``.
            B: Batch size.

        Raises:
            ValueError: If ``kind`` is unknown, or the problem has no exponents.
        """
        problem = getattr(check_problem(problem), "problem", problem)  # of a draw
        check_choice("kind", kind, "constant", "decaying")
        B = check_count("B", B)
        alpha, beta = (getattr(problem, name, None) for name in ("alpha", "beta"))
        if alpha is None or beta is None:
            raise requirement("problem", "be a power law", problem, "Give DANA its numbers.")
        c = min(1.0, B / float(problem.spectrum().trace))
        size = float(problem.size)
        gamma3, decay = (0.1 * c * B / size, 0.0) if kind == "constant" else (0.1 * c, 0.5 / alpha)
        delta = 4 + (alpha + beta) / alpha
        return cls(gamma2=c / 2, gamma3=gamma3, delta=delta, decay=decay, B=B)

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of steps t."""
        gamma3 = self.gamma3 * (1.0 + t) ** -self.decay
        return _three(t, (self.delta / (1.0 + t)).clip(0, 1), 1.0, self.gamma2, gamma3)
