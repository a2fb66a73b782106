"""Checks of user input. Each returns the value in the form that the package works with."""

import math
import numbers
from typing import Any

import numpy as np

from solvable.util.errors import requirement, wrong_kind

LARGEST = 10**300
"""The largest number: beyond it double precision overflows."""


def is_tracer(value: object) -> bool:
    """Whether JAX is tracing the value. A process that never imported JAX has no tracers."""
    import sys

    core = sys.modules.get("jax.core")
    return core is not None and isinstance(value, core.Tracer)


def plain_number(value: Any) -> Any:
    """Real numbers of any type, as Python numbers: fractions, NumPy and JAX scalars, and arrays
    without dimensions. Anything else as it is."""
    if isinstance(value, np.ma.MaskedArray) or is_tracer(value):
        return value
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    # The item of a date is a number of nanoseconds, and a key of JAX has none.
    if kind and kind not in "mM" and np.ndim(value) == 0 and hasattr(value, "item"):
        value = value.item()
    if not is_number(value) or isinstance(value, (int, float)):
        return value
    return (
        int(value)
        if isinstance(value, numbers.Rational) and value.denominator == 1
        else _float(value)
    )


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def is_number(value: object) -> bool:
    """Whether ``value`` is a concrete real number: not an array, not traced, not a bool, and no
    span of time, which NumPy counts among the integers."""
    no_number = (bool, np.bool_, np.timedelta64)
    return isinstance(value, numbers.Real) and not isinstance(value, no_number)


def is_usual(value: Any, usual: Any) -> bool:
    """Whether an argument has the value that it has where it is left out."""
    plain = plain_number(value)
    return value is usual or (is_number(plain) and plain == usual)


def check_number(
    name: str,
    value: Any,
    *,
    positive: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
    below: float | None = None,
) -> Any:
    """A finite real number, as a Python number; what JAX traces passes as it is."""
    value = plain_number(value)
    if is_tracer(value):
        return value
    if not is_number(value):
        fix = ""
        if getattr(value, "ndim", 0):
            fix = "For many at once take jax.vmap, or jax.tree.map over the numbers of one."
        raise wrong_kind(name, "be a real number", value, fix)
    finite = isinstance(value, int) or math.isfinite(value)  # of any size, for an int
    if finite and abs(value) > LARGEST:
        must = "be at most 1e+300" if value > 0 else "be at least -1e+300"
        raise requirement(name, must, value)
    if not finite or (positive and value <= 0):
        raise requirement(name, f"be a {'positive finite' if positive else 'finite'} number", value)
    if minimum is not None and value < minimum:
        raise requirement(name, f"be at least {minimum:g}", value)
    if maximum is not None and value > maximum:
        raise requirement(name, f"be at most {maximum:g}", value)
    if below is not None and value >= below:
        if minimum is None:
            raise requirement(name, f"be below {below:g}", value)
        raise requirement(name, f"lie in [{minimum:g}, {below:g})", value)
    return value


def check_count(name: str, value: Any, *, minimum: int = 1, maximum: float = math.inf) -> Any:
    """A whole number in range, as an int: ``400`` and ``400.0`` are, ``400.5`` is not."""
    value = plain_number(value)
    if is_tracer(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > maximum:
        raise requirement(name, f"be at most {maximum:g}", value)
    value = check_number(name, value)
    if value != int(value):
        raise requirement(name, "be a whole number", value)
    if value < minimum:
        raise requirement(name, f"be at least {minimum}", value)
    if value > maximum:
        raise requirement(name, f"be at most {maximum:g}", value)
    return int(value)


def check_choice(name: str, value: Any, *choices: str) -> str:
    """One of a few words."""
    if not (isinstance(value, str) and value in choices):
        raise requirement(name, f"be one of {', '.join(choices)}", value)
    return str(value)


def check_flag(name: str, value: Any) -> bool:
    """True or False."""
    value = plain_number(value)
    if not isinstance(value, (bool, np.bool_)):
        raise wrong_kind(name, "be True or False", value)
    return bool(value)


def check_type(name: str, value: Any, *types: type) -> Any:
    """An instance of one of our classes."""
    if not isinstance(value, types):
        names = " or ".join(cls.__name__ for cls in types)
        raise wrong_kind(name, f"be a {names}", value)
    return value


def check_key(key: Any) -> Any:
    """A random key of JAX for one stream of random numbers, always of the new kind.

    A raw key of four words is one of the generator ``rbg``, whatever the setting of JAX; it
    gives the same numbers as a key and as words.
    """
    dtype, shape = str(getattr(key, "dtype", "")), np.shape(key)
    if dtype.startswith("key<") and shape == ():
        return key
    kinds = {(2,): ("threefry2x32",), (4,): ("rbg", "unsafe_rbg")}.get(shape, ())
    if dtype != "uint32" or not kinds:
        raise wrong_kind("key", "be a random key, such as jax.random.key(0)", key)
    import jax

    usual = getattr(jax.config, "jax_default_prng_impl", "threefry2x32")
    return jax.random.wrap_key_data(key, impl=usual if usual in kinds else kinds[0])


def check_vector(
    name: str,
    value: Any,
    *,
    positive: bool = False,
    minimum: float | None = None,
    whole: bool = False,
    size: tuple[str, int] | None = None,
    fix: str = "",
) -> Any:
    """A non-empty one-dimensional array of finite numbers, as float64 NumPy.

    ``size`` is the name and the length of the argument that it must be as long as, and ``fix`` what
    to do about numbers below the bound. Of what JAX traces only the shape is checked.
    """
    array = check_array(name, value)
    if array.ndim != 1 or array.size == 0:
        raise requirement(name, "be a non-empty one-dimensional array", f"shape {array.shape}")
    if size is not None and array.size != size[1]:
        must = f"have as many entries as `{size[0]}` ({size[1]})"
        raise requirement(name, must, f"{array.size} long")
    if is_tracer(array):
        return array
    bad = ~np.isfinite(array) | (positive & (array <= 0))
    if bad.any():
        at = int(np.argmax(bad))
        kind = "positive finite" if positive else "finite"
        fix = fix if np.isfinite(array[at]) else ""
        raise requirement(f"{name}[{at}]", f"be a {kind} number", float(array[at]), fix)
    if minimum is not None and (array < minimum).any():
        at = int(np.argmax(array < minimum))
        must = "not be negative" if minimum == 0 else f"be at least {minimum:g}"
        raise requirement(f"{name}[{at}]", must, float(array[at]), fix)
    if whole and (array != np.floor(array)).any():
        at = int(np.argmax(array != np.floor(array)))
        raise requirement(f"{name}[{at}]", "be a whole number", float(array[at]))
    return array


def check_rate(name: str, value: Any, minimum: float | None = None) -> Any:
    """A number, positive (or from ``minimum`` on), a vector of rates >= 0, or a callable."""
    if callable(value) or is_tracer(value):
        return value
    if isinstance(value, (list, tuple)) or np.ndim(value) > 0:
        return check_vector(name, value, minimum=0)
    return check_number(name, value, positive=minimum is None, minimum=minimum)


def check_array(name: str, value: Any) -> Any:
    """Numbers of any shape, as float64 NumPy. Text, truth values, dates and complex are none."""
    if is_tracer(value):
        return value
    refusal = wrong_kind(name, "be a one-dimensional array of numbers", value)
    if isinstance(value, (str, bytes, bytearray, memoryview, dict, set)) or value is None:
        raise refusal
    if isinstance(value, (list, tuple)) and any(map(_is_no_number, value)):
        raise refusal
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.getmaskarray(value).any():
            raise requirement(name, "have no masked entries", value, "Leave them out.")
        value = value.data
    try:
        array = np.asarray(value)
    except Exception:  # whatever an object says when it is asked to be an array
        raise refusal from None
    if array.dtype == object:
        if not all(is_number(plain_number(x)) for x in array.ravel()):
            raise refusal
    elif array.dtype.kind not in "iuf" and "float" not in array.dtype.name:
        raise refusal
    try:
        return array.astype(float)
    except (TypeError, ValueError, OverflowError):
        raise refusal from None


def _is_no_number(value: object) -> bool:
    """What NumPy would silently make a number of, in a list of others."""
    return isinstance(value, (bool, np.bool_)) or value is np.ma.masked
