r"""Training on one finite data set, every step on all of it.

A rule of one-pass training becomes its full-batch rule by wrapping it: the same coefficients,
driven by the gradient of half the mean squared residual. On an eigenvalue h of K it leaves the
part :math:`p_t(h)` of the error: :math:`e^{-h t}` for gradient flow, :math:`(1 - \gamma h)^t` for
gradient descent, and for any rule the output of

.. math::
    x \leftarrow (A(t) + h\, b(t) e_0^\top)\, x.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import numpy as np

from solvable.rules.averaging import Averaged
from solvable.rules.momentum import DANA, Momentum, ThreeRates
from solvable.rules.rule import Coefficients, Rule
from solvable.rules.schedules import Rate
from solvable.rules.sgd import SGD
from solvable.util.checks import check_type


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GradientFlow:
    r"""Gradient flow, :math:`d\theta / dt = -\nabla \tfrac{1}{2n} |\Phi \theta - y|^2`.

    One unit of time is one step of gradient descent at learning rate 1, in the limit of small
    rates.

    Example:
        >>> GradientFlow()
        GradientFlow()
    """


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class FullBatch(Rule):
    """Any rule with coefficients, its gradient taken on the whole data set.

    Args:
        rule: :class:`SGD` with any schedule, :class:`Momentum`, :class:`ThreeRates`,
            :class:`DANA` or :class:`Averaged`. Its batch size has no meaning here.

    Raises:
        TypeError: If ``rule`` is something else.

    Example:
        >>> from solvable import Momentum
        >>> FullBatch(Momentum(gamma=0.5, mu=0.9)).B
        inf
    """

    rule: SGD | Momentum | ThreeRates | DANA | Averaged

    def __post_init__(self) -> None:
        if type(self.rule) is object or hasattr(self.rule, "shape"):
            return  # a placeholder of JAX
        check_type("rule", self.rule, SGD, Momentum, ThreeRates, DANA, Averaged)

    engines: ClassVar[tuple[str, ...]] = ()
    B: ClassVar[float] = np.inf
    """No noise of batches."""

    @property
    def descent_rate(self) -> Any:
        """The rate, if it is gradient descent of constant rate; else None."""
        return self.rule.gamma if isinstance(self.rule, SGD) and self.rule.constant else None

    @property
    def start(self) -> tuple[float, ...]:
        """That of the rule."""
        return self.rule.start

    @property
    def base(self) -> Any:
        """The rule that moves the iterate, with full batches."""
        rule: Any = self.rule.base
        return FullBatch(rule)

    @property
    def output(self) -> int:
        """That of the rule."""
        return self.rule.output

    @property
    def constant(self) -> bool:
        """Whether every step has the same coefficients."""
        return self.rule.constant

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """Those of the rule."""
        return self.rule.coefficients(t)


def GradientDescent(gamma: Rate) -> FullBatch:
    """Full-batch gradient descent: :class:`FullBatch` of SGD.

    Args:
        gamma: Learning rate: a number, an array of rates, or a callable of the step.

    Example:
        >>> GradientDescent(0.5)
        FullBatch(rule=SGD(gamma=0.5, B=1))
    """
    return FullBatch(SGD(gamma))
