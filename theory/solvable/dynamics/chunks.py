"""Answers at many places on an axis, chunk by chunk.

Memory does not grow with the number of places, and calls share programs: chunks have one of few
lengths, the powers of two up to ``CHUNK``, that itself, and ``LARGE`` for very many.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

CHUNK = 64
"""Places answered at a time."""

LARGE = 1024
"""The length of a chunk where there are more than this many."""


def _length(size: int, least: int, large: int) -> int:
    if size > large:
        return large
    return CHUNK if size > CHUNK else max(least, 1 << (size - 1).bit_length())


def in_chunks(
    f: Callable[[Any], tuple[Any, Any]],
    x: Any,
    *,
    least: int = 1,
    large: int = LARGE,
    whole: bool = False,
) -> tuple[Any, Any]:
    """A tree of answers at every place, and the largest of their errors.

    Args:
        f: From places, shape (m,), to a tree of arrays of this shape and one error of all.
        x: The places, as floats, shape (k,). What is filled up repeats the last.
        least: The shortest chunk.
        large: The longest.
        whole: All in one chunk, for what JAX traces: there every chunk is compiled again.
    """
    size = x.shape[0]
    length = _length(size, least, large)
    if whole:
        length *= -(-size // length)
    padded = jnp.pad if isinstance(x, jax.Array) else np.pad
    chunks = padded(x, (0, -size % length), mode="edge").reshape(-1, length)
    if len(chunks) == 1:
        answers, error = f(chunks[0])
        return jax.tree.map(lambda part: part[:size], answers), error
    every, errors = zip(*(_held(f(chunk)) for chunk in chunks), strict=True)
    joined = jax.tree.map(lambda *parts: np.concatenate(parts)[:size], *every)
    return joined, max(errors)


def _held(answer: tuple[Any, Any]) -> tuple[Any, float]:
    return jax.tree.map(np.asarray, answer[0]), float(answer[1])
