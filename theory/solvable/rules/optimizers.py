"""Any optimiser of optax as a training rule, for simulation: theory's neighbours."""

from typing import Any, NamedTuple

from solvable.rules.rule import Rule
from solvable.util.errors import wrong_kind
from solvable.util.record import count, field
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


def _check_transformation(name: str, value: Any) -> Any:
    if not (hasattr(value, "init") and hasattr(value, "update")):
        raise wrong_kind(name, "be an optax.GradientTransformation", value)
    return value


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

    transformation: Any = field(_check_transformation, static=True)
    B: Scalar = count(default=1)  # ty: ignore[invalid-type-form]

    engines = ("features",)
    constant = True

    @property
    def update(self) -> _Update:
        """How a simulation takes a step."""
        return _Update(self.transformation)
