"""The law of the coordinates of x in a simulation, in units of their deviations."""

from typing import Any

import jax
import numpy as np

from solvable.util.checks import check_number
from solvable.util.errors import requirement, wrong_kind
from solvable.util.record import Record, field

__all__ = ["Gaussian", "Inputs", "Rademacher", "StudentT"]


class Inputs(Record):
    """The base of laws of inputs: independent coordinates of mean zero and variance one.

    Example:
        >>> class Uniform(Inputs):
        ...     def __call__(self, key, shape, dtype):
        ...         return jax.random.uniform(key, shape, dtype, -(3**0.5), 3**0.5)
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=100)
        >>> runs = simulate(
        ...     jax.random.key(0), problem, SGD(0.1), 10, engine="features", inputs=Uniform()
        ... )
        >>> runs.inputs
        'Uniform()'
    """

    copies = 6
    """Arrays of the size of the samples that drawing them and a step take, for the memory."""

    def __call__(self, key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
        """Samples of the given shape."""
        raise NotImplementedError


class Gaussian(Inputs):
    """Standard normal coordinates, for which the theory is made."""

    def __call__(self, key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
        """Samples of the given shape."""
        return jax.random.normal(key, shape, dtype)


class Rademacher(Inputs):
    """Coordinates +1 or -1."""

    def __call__(self, key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
        """Samples of the given shape."""
        return jax.random.rademacher(key, shape, dtype)


def _check_dof(name: str, value: Any) -> float:
    value = check_number(name, value)
    if not value > 4:
        raise requirement(name, "exceed 4, for the noise of SGD to have a variance", value)
    return float(value)


class StudentT(Inputs):
    """Student-t coordinates of unit variance. The noise of SGD needs four moments: dof > 4.

    Args:
        dof: Degrees of freedom.

    Raises:
        ValueError: If ``dof`` is not above 4.
    """

    dof: float = field(_check_dof, static=True, kind="number")

    def __call__(self, key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
        """Samples of the given shape."""
        t = jax.random.t(key, self.dof, shape, dtype)
        return t * np.sqrt((self.dof - 2) / self.dof).astype(dtype)


def check_inputs(inputs: Any) -> Inputs:
    """A law of inputs."""
    if not isinstance(inputs, Inputs):
        fix = "Such as inputs.Gaussian(), inputs.Rademacher() or inputs.StudentT(5)."
        raise wrong_kind("inputs", "be a law of inputs", inputs, fix)
    return inputs
