"""Singular values of many small matrices, or of a large one."""

import numpy as np
from threadpoolctl import threadpool_limits

_SMALL = 2**18
"""Entries up to which threads cost more than they bring, many times more on busy cores."""


def thin_svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left singular vectors and singular values of a matrix, or of a stack of them."""
    small = matrix.shape[-2] * matrix.shape[-1] <= _SMALL
    with threadpool_limits(1 if small else None, user_api="blas"):
        U, S, _ = np.linalg.svd(matrix, full_matrices=False)
    return U, S
