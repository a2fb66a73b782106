"""Any optimiser of optax as a training rule, for simulation: theory's neighbours."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np

from solvable.rules.rule import Coefficients, Rule
from solvable.util.checks import check_count
from solvable.util.types import Array, Scalar


class _Update(NamedTuple):
    """How a simulation takes the steps of a gradient transformation."""

    transformation: Any

    def start(self, theta: Array) -> tuple[Array, Any]:
        """The iterate, and the optimiser's own state."""
        return theta, self.transformation.init(theta)

    def iterate(self, memory: tuple[Array, Any]) -> Array:
        """Where the gradient is taken."""
        return memory[0]

    output = iterate

    def move(self, memory: tuple[Array, Any], gradient: Array, _) -> tuple[Array, Any]:
        """A step."""
        theta, state = memory
        change, state = self.transformation.update(gradient, state, theta)
        return theta + change.astype(theta.dtype), state


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Optimizer(Rule):
    """An ``optax.GradientTransformation``, such as Adam or sign descent, on batches of B samples.

    It can be simulated by the ``features`` engine, which keeps the coordinates of theta, and
    nothing else: there is no theory of it here.

    Args:
        transformation: What has ``init`` and ``update`` as optax defines them.
        B: Batch size.

    Raises:
        TypeError: If it has not.

    Example:
        >>> import optax
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=400, d=100)
        >>> rule = Optimizer(optax.adam(1e-2), B=8)
        >>> simulate(jax.random.key(0), problem, rule, 100, engine="features").risk.shape
        (1, 80)
    """

    transformation: Any = field(metadata={"static": True})
    B: Scalar = 1

    engines: ClassVar = ("features",)

    def __post_init__(self) -> None:
        if not (hasattr(self.transformation, "init") and hasattr(self.transformation, "update")):
            raise TypeError(
                "Argument `transformation` must be an optax.GradientTransformation, but is "
                f"{self.transformation!r}."
            )
        check_count("B", self.B)

    @property
    def constant(self) -> bool:
        """True: a simulation needs no coefficients."""
        return True

    @property
    def update(self) -> _Update:
        """How a simulation takes a step."""
        return _Update(self.transformation)

    def coefficients(self, t: np.ndarray) -> Coefficients:
        """None: what an optimiser does is not linear, and has no theory here."""
        return Coefficients(np.zeros((1, 0, 0)), np.zeros((1, 0)))
