"""Singular values of many small matrices, or of a large one."""

import contextlib
import threading

import numpy as np
from threadpoolctl import threadpool_limits

_SMALL = 2**18
"""Entries up to which threads cost more than they bring, many times more on busy cores."""


class _OneThread:
    """BLAS on one thread while anyone is inside.

    The number of threads belongs to the whole process. So it is set by the first who comes, and
    put back by the last who goes, whichever threads of Python they are.
    """

    def __init__(self) -> None:
        self.lock, self.inside, self.limits = threading.Lock(), 0, None

    def __enter__(self) -> None:
        with self.lock:
            if self.inside == 0:
                self.limits = threadpool_limits(1, user_api="blas")
            self.inside += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                assert self.limits is not None
                self.limits.restore_original_limits()


one_blas_thread = _OneThread()
"""A context for many small decompositions from any number of threads: ``with one_blas_thread``."""


def blas_threads(entries: int) -> contextlib.AbstractContextManager[None]:
    """A context of the number of threads that is best for matrices of so many entries."""
    return one_blas_thread if entries <= _SMALL else contextlib.nullcontext()


def thin_svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left singular vectors and singular values of a matrix, or of a stack of them."""
    with blas_threads(matrix.shape[-2] * matrix.shape[-1]):
        U, S, _ = np.linalg.svd(matrix, full_matrices=False)
    return U, S
