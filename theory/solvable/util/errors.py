"""Checks of user input. A message names the argument, what it must be, and what it is."""

import math
import numbers
from typing import Any

import numpy as np


def requirement(name: str, must: str, value: object, fix: str = "") -> ValueError:
    """The one grammar of our messages: what must hold, what was received, how to mend it."""
    return ValueError(f"Argument `{name}` must {must}, but is {value!r}.{' ' + fix if fix else ''}")


DOCUMENTS = "https://github.com/solvable-models/solvable/blob/main/docs"
"""Of this version in a clone: the folder ``docs``."""


def why(page: str) -> str:
    """The end of a message that a page of the documents explains."""
    return f"Why: {DOCUMENTS}/{page}.md"


def is_number(value: object) -> bool:
    """Whether ``value`` is a concrete real number: not an array, not traced, not a bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def plain_number(value: Any) -> Any:
    """NumPy scalars and zero-dimensional arrays as Python numbers, for checks and messages."""
    if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0:
        return value.item()
    return value


def check_number(name: str, value: object, *, positive: bool = False, minimum: float | None = None):
    """A finite real number, or an array or traced value, which only the caller can check."""
    value = plain_number(value)
    if not is_number(value):
        if hasattr(value, "shape") or not isinstance(
            value, (str, bytes, bool, complex, type(None), list, tuple, dict, set)
        ):
            return  # an array (a batch, under vmap), a tracer, or a placeholder of JAX
        raise TypeError(f"Argument `{name}` must be a real number, but is {value!r}.")
    kind = "positive finite" if positive else "finite"
    finite = isinstance(value, int) or math.isfinite(value)  # of any size, for an int
    if not finite or (positive and value <= 0):
        raise requirement(name, f"be a {kind} number", value)
    if minimum is not None and value < minimum:
        raise requirement(name, f"be at least {minimum:g}", value)


def check_count(name: str, value: object, *, minimum: int = 1, maximum: float = math.inf):
    """An integral number in range (``400`` and ``400.0`` are; ``400.5`` is not)."""
    value = plain_number(value)
    check_number(name, value)
    if not is_number(value):
        return
    if value != int(value):
        raise requirement(name, "be a whole number", value)
    if value < minimum:
        raise requirement(name, f"be at least {minimum}", value)
    if value > maximum:
        raise requirement(name, f"be at most {maximum:g}", value)


def check_type(name: str, value: object, *types: type) -> None:
    """An instance of one of our classes."""
    if not isinstance(value, types):
        names = " or ".join(cls.__name__ for cls in types)
        raise TypeError(f"Argument `{name}` must be a {names}, but is {value!r}.")


def check_key(key: Any) -> None:
    """A random key of JAX, of the new kind or the old."""
    if not str(getattr(key, "dtype", "")).startswith("key<") and np.shape(key) != (2,):
        example = "such as jax.random.key(0)"
        raise TypeError(f"Argument `key` must be a random key, {example}, but is {key!r}.")


def check_vector(name: str, value: object, *, positive: bool = False) -> np.ndarray:
    """A non-empty one-dimensional array of finite (positive) numbers, as float64 NumPy."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(
            f"Argument `{name}` must be a one-dimensional array of numbers, but is {value!r}."
        ) from None
    if array.ndim != 1 or array.size == 0:
        raise requirement(name, "be a non-empty one-dimensional array", f"shape {array.shape}")
    bad = ~np.isfinite(array) | (positive & (array <= 0))
    if bad.any():
        at = int(np.argmax(bad))
        kind = "positive finite" if positive else "finite"
        raise requirement(f"{name}[{at}]", f"be a {kind} number", float(array[at]))
    return array
