r"""Averages of the iterates: exponential moving, tail, and full.

Source: arXiv 2502.14123 (SGD with exponential moving average), whose average takes in the old
iterate: :math:`\bar\theta_0 = \theta_0`, :math:`\bar\theta_{t+1} = \rho \bar\theta_t + (1 -
\rho)\, \theta_t`.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from solvable.rules.momentum import DANA, Momentum, ThreeRates
from solvable.rules.rule import Coefficients, Equivalent, Rule, check_fraction
from solvable.rules.schedules import Rate, check_rate, is_constant, rates
from solvable.rules.sgd import SGD
from solvable.util.checks import check_count, check_type
from solvable.util.errors import requirement
from solvable.util.precision import is_traced
from solvable.util.types import Scalar


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Averaged(Rule):
    r"""The average of the iterates of another rule; risk and excess are those of the average.

    .. math::
        \bar\theta_{t+1} = \rho_t \bar\theta_t + (1 - \rho_t)\, \theta_t, \qquad
        \bar\theta_0 = \theta_0.

    Args:
        rule: What is averaged: :class:`SGD`, :class:`Momentum`, :class:`DANA` or
            :class:`ThreeRates`.
        ema: :math:`\rho` in [0, 1): a number, an array with one entry per step, or a callable
            of the step.
        tail: Instead, the first step of a plain mean, which at step T is that of iterates
            ``tail``, ..., T - 1; 0 for the mean of all. Up to step ``tail`` itself there is none
            to average, and the result is the iterate before.

    Raises:
        ValueError: If not exactly one of ``ema`` and ``tail`` is given, :math:`\rho` is not in
            [0, 1), or ``tail`` not a whole number from 0 on.

    Example:
        >>> Averaged(SGD(0.1), ema=0.99)
        Averaged(rule=SGD(gamma=0.1, B=1), ema=0.99, tail=None)
    """

    rule: SGD | Momentum | DANA | ThreeRates
    ema: Rate | None = None
    tail: Scalar | None = None

    def __post_init__(self) -> None:
        if (self.ema is None) == (self.tail is None):
            both = f"ema={self.ema!r}, tail={self.tail!r}"
            raise requirement("ema", "be given, or else `tail`, and not both", both)
        is_placeholder = type(self.rule) is object or hasattr(self.rule, "shape")  # of JAX
        if not is_placeholder:
            check_type("rule", self.rule, SGD, Momentum, DANA, ThreeRates)
        if self.tail is not None:
            check_count("tail", self.tail, minimum=0)
            return
        if is_constant(self.ema):
            check_fraction("ema", self.ema)
            return
        ema = check_rate("ema", self.ema, minimum=0)
        if isinstance(ema, np.ndarray) and (ema >= 1).any():
            at = int(np.argmax(ema >= 1))
            raise requirement(f"ema[{at}]", "lie in [0, 1)", float(ema[at]))
        object.__setattr__(self, "ema", ema)

    @property
    def start(self) -> tuple[float, ...]:
        """The average starts at theta_0."""
        return (*self.rule.start, 1.0)

    @property
    def base(self) -> Rule:
        """What is averaged."""
        return self.rule

    @property
    def B(self) -> Scalar:
        """Batch size of the rule."""
        return self.rule.B

    @property
    def output(self) -> int:
        """The average."""
        return len(self.rule.start)

    @property
    def constant(self) -> bool:
        """Whether the rule is constant, and rho is one number."""
        return self.rule.constant and self.tail is None and is_constant(self.ema)

    @property
    def equivalent(self) -> Equivalent | None:
        """That of the rule: the average does not act on it."""
        return self.rule.equivalent

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of steps t."""
        A, b = self.rule.coefficients(t)
        if self.tail is None:
            rho = rates("ema", self.ema, t)
            if not is_traced(rho) and (np.asarray(rho) >= 1).any():
                at = int(np.argmax(np.asarray(rho) >= 1))
                raise requirement(f"ema({int(t[at])})", "lie in [0, 1)", float(rho[at]))
        else:
            averaged = jnp.maximum(jnp.asarray(t, float) - self.tail, 0)
            rho = averaged / (averaged + 1)
        A = jnp.pad(A, ((0, 0), (0, 1), (0, 1)))
        A = A.at[:, -1, 0].set(1 - rho).at[:, -1, -1].set(rho)
        return Coefficients(A, jnp.pad(b, ((0, 0), (0, 1))))
