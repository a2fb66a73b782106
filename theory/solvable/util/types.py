"""Types of annotations, and what a number is."""

import enum
from typing import Any

import jax
import numpy as np

Array = jax.Array | np.ndarray
"""Theory takes and gives NumPy, and sees JAX inside transformations."""

Scalar = float | np.number[Any] | Array
"""A number, or a zero-dimensional array; a batch of them under ``jax.vmap``."""


class Rung(enum.Enum):
    """What a number is, from the most certain on."""

    EXACT = "exact expectation"
    """An expectation without any approximation but rounding."""
    EQUIVALENT = "deterministic equivalent"
    """Right up to a relative error that vanishes as the sizes grow."""
    ASYMPTOTIC = "asymptotic"
    """An exponent, right in a limit."""
    CONJECTURE = "conjecture"
    """Seen in numbers, and not proven."""
    SIMULATION = "simulation"
    """A mean over runs, with a standard error."""

    def __str__(self) -> str:
        return self.value
