"""Records: frozen dataclasses that are pytrees of JAX, compare by content, and check their fields.

Problems, rules, options and results are records. A class declares its fields, and what each of them
must be::

    class Momentum(Rule):
        gamma: Rate = rate()
        mu: Scalar = number(minimum=0, below=1, default=0.9)
        B: Scalar = count(default=1)

What is no field is set without an annotation. A record is checked when a user makes one. When JAX
takes a record apart and puts it together again, with tracers, batches or shapes in the place of
numbers, nothing is checked and nothing is run.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

import jax
import numpy as np
from jax.core import Tracer

from solvable.util.checks import (
    check_choice,
    check_count,
    check_flag,
    check_number,
    check_rate,
    check_vector,
    is_number,
)
from solvable.util.names import check_names

Kind = TypeVar("Kind", bound="Record")
MISSING: Any = dataclasses.MISSING
_FIELDS = "__dataclass_fields__"
_FEW = 8  # entries of an array that a repr shows


def field(
    check: Callable[[str, Any], Any] | None = None,
    *,
    default: Any = MISSING,
    static: bool = False,
    **metadata: Any,
) -> Any:
    """A field with a check, which returns the value to keep; ``None`` passes if it is the default.

    A static field is no number but a part of what JAX compiles for.

    Args:
        check: Takes the name and the value, and returns the value to keep or raises.
        default: The value if none is given; without it, one must be.
        static: Whether it is a part of what JAX compiles for.
        metadata: Anything else to be kept with the field.
    """
    metadata |= {"check": check, "static": static}
    return dataclasses.field(default=default, metadata=metadata)


def number(*, default: Any = MISSING, **bounds: Any) -> Any:
    """A real number, with the bounds of :func:`~solvable.util.checks.check_number`.

    Args:
        default: The value if none is given; without it, one must be.
        bounds: ``positive``, ``minimum``, ``maximum``, ``below``.
    """
    return field(lambda name, x: check_number(name, x, **bounds), default=default, kind="number")


def count(*, default: Any = MISSING, minimum: int = 1, maximum: float = math.inf) -> Any:
    """A whole number in range.

    Args:
        default: The value if none is given; without it, one must be.
        minimum: The smallest number.
        maximum: The largest number.
    """
    check = lambda name, x: check_count(name, x, minimum=minimum, maximum=maximum)
    return field(check, default=default, kind="count")


def vector(*, default: Any = MISSING, **bounds: Any) -> Any:
    """A one-dimensional array, with the bounds of :func:`~solvable.util.checks.check_vector`.

    Args:
        default: The value if none is given; without it, one must be.
        bounds: ``positive``, ``minimum``.
    """
    check = lambda name, x: _fixed(check_vector(name, x, **bounds))
    return field(check, default=default, kind="vector")


def _fixed(array: Any) -> Any:
    """An array that stays as it is, as a record does."""
    if isinstance(array, np.ndarray):
        array.setflags(write=False)
    return array


def rate(*, default: Any = MISSING, minimum: float | None = None) -> Any:
    """A learning rate: a positive number (or from ``minimum`` on), an array with one rate per step,
    or a callable of the step.

    It stays as it is given; :func:`~solvable.rules.rates` tells it at any steps.
    """
    check = lambda name, x: check_rate(name, x, minimum)
    return field(check, default=default, kind="rate")


def choice(*choices: str, default: Any = MISSING) -> Any:
    """One of a few words; static.

    Args:
        choices: The words.
        default: The word if none is given; without it, one must be.
    """
    check = lambda name, x: check_choice(name, x, *choices)
    return field(check, default=default, static=True, kind="choice")


def flag(default: bool) -> Any:
    """True or False; static."""
    return field(check_flag, default=default, static=True, kind="flag")


def static(default: Any = MISSING) -> Any:
    """Anything that can be hashed, and is a part of what JAX compiles for.

    Args:
        default: The value if none is given; without it, one must be.
    """
    return field(default=default, static=True)


class _Derived:
    """No data descriptor, so that the value of a field comes before it."""

    def __init__(self, get: Callable[[Any], Any]) -> None:
        self.get, self.__doc__ = get, get.__doc__

    def __get__(self, record: Any, owner: type) -> Any:
        return self if record is None else self.get(record)


def derived(get: Callable[[Any], Any]) -> Any:
    """A property that a field of a subclass may take the place of."""
    return _Derived(get)


def usual(value: Any) -> Any:
    """What all records of a class have, unless a subclass makes a field or a property of it."""
    return value


@dataclass_transform(
    frozen_default=True,
    eq_default=False,
    field_specifiers=(field, number, count, vector, rate, choice, flag, static),
)
class Record:
    """The base of all records: see the module.

    Example:
        >>> PowerLaw(alpha=1.0, beta=0.3, v=100) == PowerLaw(alpha=1.0, beta=0.3, v=100.0)
        True
        >>> jax.tree.map(lambda x: 2 * x, PowerLaw(alpha=1.0, beta=0.3, v=100, d=10)).v
        200
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Any]]

    kinds: ClassVar[dict[str, type["Record"]]] = {}
    """Every record class that has been defined, by ``module:name``, for reading files."""

    def __init_subclass__(cls, *, kw_only: bool = False) -> None:
        super().__init_subclass__()
        inherited = {f.name for f in dataclasses.fields(cls)} if hasattr(cls, _FIELDS) else set()
        for name in inspect.get_annotations(cls):
            # What a base class has under this name is no default of the field.
            if name not in cls.__dict__ and name not in inherited and hasattr(cls, name):
                setattr(cls, name, dataclasses.field())
        dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=kw_only)(cls)
        Record.kinds[kind_of(cls)] = cls
        fixed = [f.name for f in dataclasses.fields(cls) if f.metadata.get("static")]
        traced = [f.name for f in dataclasses.fields(cls) if f.name not in fixed]
        keys = [jax.tree_util.GetAttrKey(name) for name in traced]

        def flatten(record: Record) -> tuple[list[Any], tuple[Any, ...]]:
            return [getattr(record, x) for x in traced], tuple(getattr(record, x) for x in fixed)

        def flatten_with_keys(record: Record) -> tuple[Any, tuple[Any, ...]]:
            children, rest = flatten(record)
            return tuple(zip(keys, children, strict=True)), rest

        def unflatten(rest: tuple[Any, ...], children: Any) -> Record:
            parts = [*zip(fixed, rest, strict=True), *zip(traced, children, strict=True)]
            return cls.unchecked(**dict(parts))

        jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)

    if not TYPE_CHECKING:  # checkers know the arguments of every record

        def __new__(cls, *positional: Any, **named: Any) -> Any:
            check_names(cls, positional, named)
            return object.__new__(cls)

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            check, value = f.metadata.get("check"), getattr(self, f.name)
            if check is not None and not (value is None and f.default is None):
                object.__setattr__(self, f.name, check(f.name, value))

    @classmethod
    def unchecked(cls: type[Kind], **fields: Any) -> Kind:
        """A record as JAX would rebuild it, of any fields: numbers may be batches of numbers."""
        record = object.__new__(cls)
        vars(record).update(fields)
        return record

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values of the fields."""
        return ((f.name, getattr(self, f.name)) for f in dataclasses.fields(self))

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={_shown(value)}" for name, value in self.items())
        return f"{type(self).__name__}({parts})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(_same(x, getattr(other, name)) for name, x in self.items())

    def __hash__(self) -> int:
        return hash((type(self), *(_hashable(value) for _, value in self.items())))


def kind_of(cls: type) -> str:
    """The name of a class in files."""
    return f"{cls.__module__}:{cls.__qualname__}"


def _shown(value: Any) -> str:
    if not isinstance(value, (np.ndarray, jax.Array)) or isinstance(value, Tracer):
        return repr(value)
    if value.ndim == 1 and value.size <= _FEW:
        return repr(value.tolist())
    return f"<{' x '.join(map(str, value.shape))} numbers>" if value.ndim else repr(value.item())


def _same(x: Any, y: Any) -> bool:
    if x is y:
        return True
    if isinstance(x, Tracer) or isinstance(y, Tracer):
        return False
    if hasattr(x, "dtype") or hasattr(y, "dtype"):
        try:
            return np.array_equal(np.asarray(x), np.asarray(y))
        except (TypeError, ValueError):
            return False
    if isinstance(x, dict) and isinstance(y, dict):
        return x.keys() == y.keys() and all(_same(x[key], y[key]) for key in x)
    if isinstance(x, (list, tuple)) and isinstance(y, (list, tuple)):
        return len(x) == len(y) and all(map(_same, x, y))
    return bool(x == y)


def _hashable(value: Any) -> Any:
    """Equal for what :func:`_same` holds to be the same."""
    if is_number(value) or isinstance(value, str):
        return value
    if isinstance(value, dict):
        return tuple(sorted((key, _hashable(x)) for key, x in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(map(_hashable, value))
    if hasattr(value, "dtype") and not isinstance(value, Tracer):
        array = np.asarray(value)
        return array.item() if array.ndim == 0 else (array.shape, tuple(array.ravel().tolist()))
    return value
