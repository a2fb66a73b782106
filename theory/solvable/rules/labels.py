r"""Samples of several qualities: label noise of several levels, and weights for them.

With a sample of kind z of probability :math:`p_z`, extra noise :math:`\sigma_z^2` and weight
:math:`\omega_z` in the gradient, the recursion of :mod:`solvable.dynamics.recursion` needs three
means: of :math:`\omega`, of :math:`\omega^2` and of :math:`\omega^2 \sigma^2`. Where the noise
alone matters, weights proportional to :math:`1 / \sigma_z^2` are best: a noisy sample is worth
:math:`\sigma_{clean}^2 / \sigma_{noisy}^2` clean ones. Derived in the documents: theory/mixtures.
"""

from typing import Any

import numpy as np

from solvable.rules.rule import Coefficients, Equivalent, Labels, Rule
from solvable.rules.wrapper import check_wrapped
from solvable.util.checks import check_vector
from solvable.util.errors import requirement
from solvable.util.fields import MaybeVector, Vector
from solvable.util.precision import is_traced
from solvable.util.record import field, vector


class LabelMixture(Rule):
    r"""A rule whose training samples are of several kinds.

    The label noise of a kind adds to that of the problem. The risk stays that of the problem.

    Args:
        rule: How it is trained: any rule with coefficients.
        noise: Variance of the extra label noise of each kind, shape (K,).
        probability: Of each kind; they sum to one.
        weight: Of each kind in the gradient, not negative; by default one.

    Raises:
        ValueError: If lengths differ, probabilities are negative or do not sum to one, a noise or
            a weight is negative, or all weights are zero.

    Example:
        >>> LabelMixture(SGD(0.1), noise=[0.05, 2.0], probability=[0.2, 0.8], weight=[1, 0.05])
        LabelMixture(rule=SGD(gamma=0.1, B=1), noise=[0.05, 2.0], probability=[0.2, 0.8],
        weight=[1.0, 0.05])
    """

    rule: Rule = field(check_wrapped, kind="rule")
    noise: Vector = vector(minimum=0)
    probability: Vector = vector(minimum=0)
    weight: MaybeVector = vector(minimum=0, default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rule.labels is not None:
            raise requirement("rule", "have samples that are all alike", self.rule)
        kinds = ("noise", np.shape(self.noise)[0])
        if self.weight is None:
            object.__setattr__(self, "weight", np.ones(kinds[1]))
        for name in ("probability", "weight"):
            check_vector(name, getattr(self, name), size=kinds)
        if is_traced((self.probability, self.weight)):
            return
        total = self.probability.sum()
        if abs(total - 1) > 1e-9:
            raise requirement("probability", "sum to one", f"{self.probability.tolist()}: {total}")
        if not self.probability @ self.weight > 0:
            raise requirement("weight", "not be zero for every kind that occurs", self.weight)

    @property
    def B(self) -> Any:
        """Batch size of the rule."""
        return self.rule.B

    @property
    def start(self) -> tuple[float, ...]:
        """The memory of the rule at step 0."""
        return self.rule.start

    @property
    def output(self) -> int:
        """The output of the rule."""
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
        return Labels(self.noise, self.probability, self.weight)

    @property
    def equivalent(self) -> Equivalent | None:
        r"""The SGD of the same stability: of batch size (B - 1 + k) / k, with :math:`k =
        \bar{\omega^2} / \bar\omega^2`."""
        like = self.rule.equivalent
        if like is None or len(self.base.start) > 1:
            return None
        mean, square = self.omega
        k = square / mean**2
        gamma, B = like
        return Equivalent(gamma * mean * (B - 1 + k) / B, (B - 1 + k) / k)

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of steps t."""
        return self.rule.coefficients(t)
