r"""Averages of the iterates: exponential moving, tail, and full.

Source: arXiv 2502.14123 (SGD with exponential moving average), whose average takes in the old
iterate: :math:`\bar\theta_0 = \theta_0`, :math:`\bar\theta_{t+1} = \rho \bar\theta_t + (1 -
\rho)\, \theta_t`. Derived in the documents: theory/averaging.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from solvable.rules.rule import Coefficients, Equivalent, Labels, Rule, coefficients_of
from solvable.rules.wrapper import check_wrapped
from solvable.schedules import is_constant, rates
from solvable.util.checks import check_number, check_rate
from solvable.util.errors import requirement
from solvable.util.fields import MaybeRate, MaybeWhole
from solvable.util.precision import is_traced
from solvable.util.record import count, field


def _check_ema(name: str, ema: Any) -> Any:
    if is_constant(ema):
        return check_number(name, ema, minimum=0, below=1)
    ema = check_rate(name, ema, minimum=0)
    if isinstance(ema, np.ndarray) and (ema >= 1).any():
        at = int(np.argmax(ema >= 1))
        raise requirement(f"{name}[{at}]", "lie in [0, 1)", float(ema[at]))
    return ema


class Averaged(Rule):
    r"""The average of the iterates of another rule; risk and excess are those of the average.

    .. math::
        \bar\theta_{t+1} = \rho_t \bar\theta_t + (1 - \rho_t)\, \theta_t, \qquad
        \bar\theta_0 = \theta_0.

    Args:
        rule: What is averaged: any rule with coefficients.
        ema: :math:`\rho` in [0, 1): a number, an array with one entry per step, or a callable
            of the step.
        tail: Instead, the first step of a plain mean, which at step T is that of iterates
            ``tail``, ..., T - 1; 0 for the mean of all. Up to step ``tail`` itself there is none
            to average, and the result is the iterate before.

    Raises:
        ValueError: If not exactly one of ``ema`` and ``tail`` is given, :math:`\rho` is not in
            [0, 1), or ``tail`` not a whole number from 0 on.
        TypeError: If ``rule`` has no steps of its own to average.

    Example:
        >>> Averaged(SGD(0.1), ema=0.99)
        Averaged(rule=SGD(gamma=0.1, B=1), ema=0.99, tail=None)
    """

    rule: Rule = field(check_wrapped, kind="rule")
    ema: MaybeRate = field(_check_ema, default=None, kind="rate")
    tail: MaybeWhole = count(minimum=0, default=None)

    def __post_init__(self) -> None:
        if (self.ema is None) == (self.tail is None):
            both = f"ema={self.ema!r}, tail={self.tail!r}"
            raise requirement("ema", "be given, or else `tail`, and not both", both)
        super().__post_init__()

    @property
    def start(self) -> tuple[float, ...]:
        """The average starts at theta_0."""
        return (*self.rule.start, 1.0)

    @property
    def base(self) -> Rule:
        """The rule that moves the iterate."""
        return self.rule.base

    @property
    def B(self) -> Any:
        """Batch size of the rule."""
        return self.rule.B

    @property
    def labels(self) -> Labels | None:
        """The kinds of training samples."""
        return self.rule.labels

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
        """The equivalent of the rule: the average does not act on it."""
        return self.rule.equivalent

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of steps t."""
        A, b = coefficients_of(self.rule, t)
        rho = self._forgetting(t)
        xp: Any = jnp if is_traced((A, b, rho)) else np
        n, r = len(t), len(self.rule.start)
        A, b = xp.broadcast_to(A, (n, r, r)), xp.broadcast_to(b, (n, r))
        taken = np.arange(r) == self.rule.output
        last = xp.concatenate([(1 - rho)[:, None] * taken, rho[:, None]], axis=1)
        A = xp.concatenate([xp.pad(A, ((0, 0), (0, 0), (0, 1))), last[:, None]], axis=1)
        return Coefficients(A, xp.pad(b, ((0, 0), (0, 1))))

    def _forgetting(self, t: np.ndarray) -> Any:
        """rho of steps t."""
        if self.tail is not None:
            averaged = np.maximum(np.asarray(t, float) - self.tail, 0)
            return averaged / (averaged + 1)
        rho = rates("ema", self.ema, t)
        if not is_traced(rho) and (rho >= 1).any():
            at = int(np.argmax(rho >= 1))
            raise requirement(f"ema({int(t[at])})", "lie in [0, 1)", float(rho[at]))
        return rho
