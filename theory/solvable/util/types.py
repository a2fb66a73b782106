"""Types of annotations: theory takes and gives NumPy, and sees JAX inside transformations."""

import jax
import numpy as np

Array = jax.Array | np.ndarray
Scalar = float | Array
"""A number, or a zero-dimensional array; a batch of them under ``jax.vmap``."""
