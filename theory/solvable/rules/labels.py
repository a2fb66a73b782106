r"""Samples of several qualities: label noise of several levels, and weights for them.

With a sample of kind z of probability :math:`p_z`, extra noise :math:`\sigma_z^2` and weight
:math:`\omega_z` in the gradient, the recursion of :mod:`solvable.dynamics.recursion` needs three means:
of :math:`\omega`, of :math:`\omega^2` and of :math:`\omega^2 \sigma^2`. Where the noise alone
matters, weights proportional to :math:`1 / \sigma_z^2` are best: a noisy sample is worth
:math:`\sigma_{clean}^2 / \sigma_{noisy}^2` clean ones.
"""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from solvable.rules.averaging import Averaged
from solvable.rules.momentum import DANA, Momentum, ThreeRates
from solvable.rules.rule import Coefficients, Equivalent, Labels, Rule
from solvable.rules.sgd import SGD
from solvable.util.checks import check_type, check_vector
from solvable.util.errors import requirement
from solvable.util.types import Scalar

_RULES = (SGD, Momentum, DANA, ThreeRates, Averaged)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class LabelMixture(Rule):
    r"""A rule whose training samples are of several kinds.

    The label noise of a kind adds to that of the problem. The risk stays that of the problem.

    Args:
        rule: How it is trained.
        noise: Variance of the extra label noise of each kind, shape (K,).
        probability: Of each kind; they sum to one.
        weight: Of each kind in the gradient, not negative; by default one.

    Raises:
        ValueError: If lengths differ, probabilities are negative or do not sum to one, a noise or
            a weight is negative, or all weights are zero.

    Example:
        >>> LabelMixture(SGD(0.1), noise=[0.05, 2.0], probability=[0.2, 0.8], weight=[1, 0.05])
        LabelMixture(SGD(gamma=0.1, B=1), noise=[0.05, 2.0], probability=[0.2, 0.8],
        weight=[1.0, 0.05])
    """

    rule: SGD | Momentum | DANA | ThreeRates | Averaged
    noise: Any
    probability: Any
    weight: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.rule, Rule):
            if type(self.rule) is object or hasattr(self.rule, "shape"):
                return  # a placeholder of JAX
            check_type("rule", self.rule, *_RULES)
        check_type("rule", self.rule, *_RULES)
        noise = check_vector("noise", self.noise)
        weight = np.ones(noise.size) if self.weight is None else self.weight
        given = {"noise": noise, "probability": self.probability, "weight": weight}
        for name, value in given.items():
            array = check_vector(name, value)
            if array.size != noise.size:
                must = f"have as many entries as `noise` ({noise.size})"
                raise requirement(name, must, f"{array.size} long")
            if (array < 0).any():
                at = int(np.argmax(array < 0))
                raise requirement(f"{name}[{at}]", "not be negative", float(array[at]))
            object.__setattr__(self, name, array)
        total = self.probability.sum()
        if abs(total - 1) > 1e-9:
            raise requirement("probability", "sum to one", f"{self.probability.tolist()}: {total}")
        if not self.probability @ self.weight > 0:
            raise requirement("weight", "not be zero for every kind that occurs", self.weight)

    def __repr__(self) -> str:
        numbers = (f"{n}={getattr(self, n).tolist()}" for n in ("noise", "probability", "weight"))
        return f"LabelMixture({self.rule}, {', '.join(numbers)})"

    @property
    def B(self) -> Scalar:
        """Batch size of the rule."""
        return self.rule.B

    @property
    def start(self) -> tuple[float, ...]:
        """That of the rule."""
        return self.rule.start

    @property
    def output(self) -> int:
        """That of the rule."""
        return self.rule.output

    @property
    def base(self) -> Rule:
        """The rule that moves the iterate."""
        return self.rule.base

    @property
    def constant(self) -> bool:
        """Whether the rule is."""
        return self.rule.constant

    @property
    def labels(self) -> Labels:
        """The kinds."""
        return Labels(self.noise, self.probability, np.asarray(self.weight))

    @property
    def equivalent(self) -> Equivalent | None:
        r"""For SGD, with :math:`k = \bar{\omega^2} / \bar\omega^2`, B is (B - 1 + k) / k."""
        if not (isinstance(self.base, SGD) and self.base.constant):
            return None
        mean, square = self.omega
        k = square / mean**2
        gamma, B = self.base.gamma, self.base.B
        return Equivalent(gamma * mean * (B - 1 + k) / B, (B - 1 + k) / k)

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of steps t."""
        return self.rule.coefficients(t)
