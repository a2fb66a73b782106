r"""A training rule: a linear recursion of a few vectors, driven by the gradient.

A rule keeps a short memory x of vectors like :math:`\theta`, the iterate itself first, and takes
steps

.. math::
    x_i \leftarrow \sum_j A_{ij}(t)\, x_j + b_i(t)\, g,

with g the gradient of half the squared error, averaged over B fresh samples. ``A`` and ``b`` are
all that theory and simulation need to know of a rule.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.util.checks import check_number, is_number, plain_number
from solvable.util.errors import requirement
from solvable.util.types import Array, Scalar


class Coefficients(NamedTuple):
    """What each of n steps does to a memory of r vectors; n = 1 stands for every step."""

    A: Float[Array, "n r r"]
    b: Float[Array, "n r"]


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
        """Where the gradient is taken."""
        return memory[0]

    def output(self, memory: Float[Array, "r d"]) -> Float[Array, " d"]:
        """Of which the risk is recorded."""
        return memory[self.at]

    def move(self, memory, gradient, coefficient: Coefficients) -> Float[Array, "r d"]:
        """A step."""
        A, b = coefficient
        every = range(len(self.starts))
        kept = [sum(A[i, j] * memory[j] for j in every) for i in every]
        return jnp.stack([x + b[i] * gradient for i, x in enumerate(kept)])


class Rule:
    """What every training rule has."""

    engines: ClassVar[tuple[str, ...]] = ("modes", "features")
    """Where it can be simulated."""

    @property
    def B(self) -> Any:
        """Batch size."""
        raise NotImplementedError

    @property
    def start(self) -> tuple[float, ...]:
        """The memory at step 0, in units of theta_0: 1 for the iterate, 0 for a velocity."""
        return (1.0,)

    @property
    def base(self) -> Any:
        """The rule that moves the iterate: the rule itself, unless it is an average of another."""
        return self

    @property
    def output(self) -> int:
        """Which vector of the memory the risk is of."""
        return 0

    @property
    def constant(self) -> bool:
        """Whether every step has the same coefficients."""
        raise NotImplementedError

    @property
    def equivalent(self) -> Equivalent | None:
        """SGD with the same threshold of stability, if the rule has one in closed form."""
        return None

    @property
    def labels(self) -> Labels | None:
        """The kinds of training samples, if they are not all alike."""
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
        return Linear(self.start, self.output)

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """The coefficients of steps t, a vector of whole numbers."""
        raise NotImplementedError


def stack(t: np.ndarray, A: Sequence[Sequence[Any]], b: Sequence[Any]) -> Coefficients:
    """Coefficients from numbers, or arrays along t, entry by entry."""
    along = lambda row: jnp.stack([jnp.broadcast_to(jnp.asarray(x, float), t.shape) for x in row])
    return Coefficients(jnp.stack([along(row) for row in A]).transpose(2, 0, 1), along(b).T)


def check_fraction(name: str, value: object) -> None:
    """A number in [0, 1)."""
    value = plain_number(value)
    check_number(name, value, minimum=0)
    if is_number(value) and value >= 1:
        raise requirement(name, "lie in [0, 1)", value)
