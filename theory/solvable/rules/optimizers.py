"""Any optimiser of optax as a training rule, for simulation: theory's neighbours."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from solvable.rules.rule import Rule
from solvable.util.errors import requirement, wrong_kind
from solvable.util.fields import Whole
from solvable.util.record import count, field
from solvable.util.types import Array


class _Update(NamedTuple):
    """How a simulation takes the steps of a gradient transformation."""

    transformation: Any

    def start(self, theta: Array) -> tuple[Array, Any]:
        """The iterate, and the optimiser's own state."""
        return theta, self.transformation.init(theta)

    def iterate(self, memory: tuple[Array, Any]) -> Array:
        """The point where the gradient is taken."""
        return memory[0]

    output = iterate

    def move(self, memory: tuple[Array, Any], gradient: Array, _) -> tuple[Array, Any]:
        """A step."""
        theta, state = memory
        change, state = self.transformation.update(gradient, state, theta)
        return theta + change.astype(theta.dtype), state


def _check_transformation(name: str, value: Any) -> Any:
    """What takes a step from a gradient alone, as is tried without any number."""
    if not (hasattr(value, "init") and hasattr(value, "update")):
        raise wrong_kind(name, "be an optax.GradientTransformation", value)

    def step(theta: Array) -> tuple[Any, Any, Any]:
        state = value.init(theta)
        return state, *value.update(theta, state, theta)

    must = "take a step from the gradient of a batch alone, at a vector theta"
    theta = jax.ShapeDtypeStruct((3,), jnp.float32)
    try:
        before, change, after = jax.eval_shape(step, theta)
    except Exception as error:
        fix = f"It says: {type(error).__name__}: {error}"
        raise requirement(name, must, value, fix) from error
    if getattr(change, "shape", None) != theta.shape:
        fix = "It takes the gradient of every sample, as differentially private steps do."
        raise requirement(name, must, value, fix)
    kind = lambda state: [(x.shape, x.dtype) for x in jax.tree.leaves(state)]
    if kind(before) != kind(after) or jax.tree.structure(before) != jax.tree.structure(after):
        must = "keep a state of the same shapes and types"
        raise requirement(name, must, value, f"It goes from {before} to {after}.")
    return value


class Optimizer(Rule):
    """An ``optax.GradientTransformation``, such as Adam or sign descent, on batches of B samples.

    It can be simulated by the ``features`` engine, which keeps the coordinates of theta, and
    nothing else: there is no theory of it here. A random key in its state, as of
    ``optax.noisy_sgd``, is replaced by one of its own for every seed, made from the key of the
    simulation.

    Args:
        transformation: What has ``init`` and ``update`` as optax defines them, and takes a step
            from the gradient. One that needs the loss too, or can call it, such as ``optax.lbfgs``
            and ``optax.polyak_sgd``, or the gradient of every sample, such as
            ``optax.contrib.dpsgd``, is refused.
        B: Batch size.

    Raises:
        TypeError: If it has no ``init`` and ``update``.
        ValueError: If it takes no step from a gradient alone; the message says what it needs.

    Example:
        >>> import optax
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=400, d=100)
        >>> rule = Optimizer(optax.adam(1e-2), B=8)
        >>> simulate(jax.random.key(0), problem, rule, 100, engine="features").risk.shape
        (1, 80)
    """

    transformation: Any = field(_check_transformation, static=True, kind="transformation")
    B: Whole = count(default=1)

    engines = ("features",)
    constant = True

    @property
    def update(self) -> _Update:
        """How a simulation takes a step."""
        return _Update(self.transformation)
