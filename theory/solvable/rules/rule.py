r"""A training rule: a linear recursion of a few vectors, driven by the gradient.

A rule keeps a short memory x of vectors like :math:`\theta`, the iterate itself first, and takes
steps

.. math::
    x_i \leftarrow \sum_j A_{ij}(t)\, x_j + b_i(t)\, g,

with g the gradient of half the squared error, averaged over B fresh samples. ``A`` and ``b`` are
all that theory and simulation need to know of a rule.

Source: Ferbach et al. (2025), arXiv 2505.16098, for momentum in this form. Derived in the
documents: theory/momentum.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.util.errors import requirement, wrong_kind
from solvable.util.precision import is_traced
from solvable.util.record import Record, derived, usual
from solvable.util.types import Array, Scalar

KEPT = 1e-9
"""Relative to the start: how nearly the memory of the target must be a fixed point of A."""


class Coefficients(NamedTuple):
    """What each of n steps does to a memory of r vectors; n = 1 stands for every step."""

    A: Float[Array, "n r r"]
    b: Float[Array, "n r"]

    @classmethod
    def of(cls, t: np.ndarray, A: Sequence[Sequence[Any]], b: Sequence[Any]) -> "Coefficients":
        """Coefficients of steps t from numbers, or arrays along t, entry by entry.

        Example:
            >>> A, b = Coefficients.of(np.arange(3), [[1.0]], [-np.array([0.1, 0.2, 0.3])])
            >>> A.shape, b[:, 0].tolist()
            ((3, 1, 1), [-0.1, -0.2, -0.3])
        """
        xp: Any = jnp if is_traced((list(A), list(b))) else np
        along = lambda row: xp.stack(
            [xp.broadcast_to(xp.asarray(x, float), np.shape(t)) for x in row]
        )
        return cls(xp.stack([along(row) for row in A]).transpose(2, 0, 1), along(b).T)


class Labels(NamedTuple):
    """Kinds of training samples: extra label noise, probability and weight of each."""

    noise: Float[Array, " K"]
    probability: Float[Array, " K"]
    weight: Float[Array, " K"]


class Equivalent(NamedTuple):
    """SGD with the same sum of the kernel, and the same edge of stability."""

    gamma: Scalar
    B: Scalar


class Linear(NamedTuple):
    """How a simulation takes the steps of a rule with coefficients: the memory is an array."""

    starts: tuple[float, ...]
    at: int

    def start(self, theta: Array) -> Float[Array, "r d"]:
        """The memory at step 0."""
        return jnp.stack([x * theta for x in self.starts])

    def iterate(self, memory: Float[Array, "r d"]) -> Float[Array, " d"]:
        """The point where the gradient is taken."""
        return memory[0]

    def output(self, memory: Float[Array, "r d"]) -> Float[Array, " d"]:
        """The vector whose risk is recorded."""
        return memory[self.at]

    def move(self, memory, gradient, coefficient: Coefficients) -> Float[Array, "r d"]:
        """A step."""
        A, b = coefficient
        every = range(len(self.starts))
        kept = [sum(A[i, j] * memory[j] for j in every) for i in every]
        return jnp.stack([x + b[i] * gradient for i, x in enumerate(kept)])


class Rule(Record):
    """The base of all training rules.

    A rule of your own declares its numbers, what it keeps, and the coefficients of its steps; then
    every wrapper and every question takes it.

    Example:
        >>> class Nesterov(Rule):
        ...     gamma: float
        ...     mu: float = 0.9
        ...     B: int = 1
        ...     start = (1.0, 0.0)  # the iterate and a velocity, in units of theta at step 0
        ...     constant = True
        ...
        ...     def coefficients(self, t):
        ...         g, mu = self.gamma, self.mu
        ...         return Coefficients.of(t, [[1.0, -g * mu**2], [0.0, mu]], [-g * (1 + mu), 1.0])
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=400, d=100)
        >>> predict(problem, Averaged(Nesterov(0.01), ema=0.9), [0, 1000]).risk.round(4)
        array([1.3054, 0.0137])
    """

    axis = usual("step")
    """What a curve of the rule runs over: ``step``, ``time`` or ``ridge``."""

    data = usual("fresh")
    """``fresh`` samples at every step, or the ``whole`` of one data set."""

    engines = usual(("modes", "features"))
    """Where it can be simulated on fresh samples."""

    B = usual(1)
    """Batch size."""

    start = usual((1.0,))
    """The memory at step 0, in units of theta: 1 for the iterate, 0 for a velocity."""

    output = usual(0)
    """Which vector of the memory the risk is of."""

    constant = usual(False)
    """Whether every step has the same coefficients; then any number of steps costs the same."""

    labels = usual(None)
    """The kinds of training samples, if they are not all alike."""

    @derived
    def base(self) -> "Rule":
        """The rule that moves the iterate: the rule itself, unless it is an average of another."""
        return self

    @derived
    def equivalent(self) -> Equivalent | None:
        """SGD with the same threshold of stability, if the rule has one in closed form."""
        return None

    @property
    def omega(self) -> tuple[Scalar, Scalar]:
        """Means of the weights of the samples, and of their squares."""
        if self.labels is None:
            return 1.0, 1.0
        _, p, w = self.labels
        return p @ w, p @ w**2

    def seen_noise(self, noise: Scalar) -> Scalar:
        """Label noise in the gradient: the mean of the squared weight times the variance."""
        if self.labels is None:
            return noise
        extra, p, w = self.labels
        return p @ (w**2 * (noise + extra))

    @property
    def update(self) -> Any:
        """How a simulation takes a step."""
        return Linear(tuple(map(float, self.start)), int(self.output))

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients A and b of steps t, a vector of whole numbers.

        A rule whose steps are all alike may return them once, of shapes (r, r) and (r,).
        """
        must = "have a theory, which needs `coefficients`"
        raise requirement("rule", must, self, "Simulate it instead.")


def check_rule(rule: Any) -> Rule:
    """A training rule."""
    if not isinstance(rule, Rule):
        raise wrong_kind("rule", "be a training rule", rule, "Such as SGD(0.1).")
    return rule


def coefficients_of(rule: Rule, t: np.ndarray) -> Coefficients:
    """The coefficients of steps t, whatever the shape and the type in which a rule gives them.

    Raises:
        ValueError: If their shapes do not fit the memory of the rule, or one is not finite.
    """
    if rule.data == "fresh" and not rule.engines:
        raise requirement("rule", "take steps", rule)
    A, b = rule.coefficients(t)
    r = len(rule.start)
    if is_traced((A, b)):
        return Coefficients(A, b)
    A, b = np.asarray(A, float), np.asarray(b, float)
    if A.ndim == 2 and b.ndim == 1:
        A, b = A[None], b[None]
    if A.shape[1:] != (r, r) or b.shape[1:] != (r,) or not len(A) == len(b) in (1, len(t)):
        must = f"give A of shape (n, {r}, {r}) and b of shape (n, {r}) for n steps, as it keeps"
        raise requirement("rule", f"{must} {r} vectors", f"{rule}, with {A.shape} and {b.shape}")
    if not (np.isfinite(A).all() and np.isfinite(b).all()):
        bad = ~(np.isfinite(A).all(axis=(1, 2)) & np.isfinite(b).all(axis=1))
        at = int(t[int(np.argmax(bad))])
        raise requirement("rule", f"have finite coefficients at step {at}", rule)
    return Coefficients(A, b)


def target_keeping(rule: Rule, t: np.ndarray) -> Coefficients:
    """The coefficients of steps t of a rule for which zero error is a fixed point.

    The theory follows the deviation from the target, so it holds for rules that stay on the target
    once they are there: A must keep the memory of it, A start = start.

    Raises:
        ValueError: If the rule moves the target, as weight decay does.
    """
    A, b = coefficients_of(rule, t)
    if not is_traced(A):
        start = np.asarray(rule.start, float)
        moved = np.abs(A @ start - start).max(axis=1) > KEPT * np.abs(start).max()
        if moved.any():
            at = int(t[int(np.argmax(moved))])
            must = f"stay on the target once it is there (this one leaves it at step {at})"
            fix = "Only the features engine trains it: simulate(..., engine='features')."
            raise requirement("rule", must, rule, fix, page="theory/momentum")
    return Coefficients(A, b)
