r"""Training on one finite data set, every step on all of it.

A rule of one-pass training becomes its full-batch rule by wrapping it: the same coefficients,
driven by the gradient of half the mean squared residual. On an eigenvalue h of the covariance of
the samples it leaves the part :math:`p_t(h)` of the error: :math:`(1 - \gamma h)^t` for gradient
descent, and for any rule the output of

.. math::
    x \leftarrow (A(t) + h\, b(t) e_0^\top)\, x.

Source: Bordelon, Atanasov, Pehlevan (2024), arXiv 2402.01092. Derived in the documents:
theory/finite_data.
"""

from typing import Any

import numpy as np

from solvable.rules.rule import Coefficients, Rule
from solvable.rules.sgd import SGD
from solvable.rules.wrapper import check_wrapped
from solvable.util.fields import Rate
from solvable.util.record import field


class FullBatch(Rule):
    """Any rule with coefficients, its gradient taken on the whole data set.

    Args:
        rule: Its batch size has no meaning here.

    Raises:
        TypeError: If ``rule`` has no coefficients.

    Example:
        >>> FullBatch(Momentum(gamma=0.5, mu=0.9)).B
        inf
    """

    rule: Rule = field(check_wrapped, kind="rule")

    data = "whole"
    engines = ()
    B = np.inf

    @property
    def start(self) -> tuple[float, ...]:
        """The memory of the rule at step 0."""
        return self.rule.start

    @property
    def base(self) -> Rule:
        """The rule that moves the iterate, with full batches."""
        return FullBatch(self.rule.base)

    @property
    def output(self) -> int:
        """The output of the rule."""
        return self.rule.output

    @property
    def constant(self) -> bool:
        """Whether every step has the same coefficients."""
        return self.rule.constant

    @property
    def descent_rate(self) -> Any:
        """The rate, if it is gradient descent of constant rate; else None."""
        single = self.constant and len(self.start) == 1
        return -self.coefficients(np.zeros(1, int)).b[0, 0] if single else None

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of the rule."""
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
