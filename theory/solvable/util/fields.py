"""Types of the fields of records, for type checkers.

A field takes more types than it keeps: ``Spectrum([1.0, 0.5], ...)`` holds an array. Checkers read
both from the type of a descriptor. What is kept is said as users see it; inside transformations of
JAX it is traced.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias, TypeVar, overload

import jax
import numpy as np

Real: TypeAlias = float | Fraction | np.number[Any] | np.ndarray | jax.Array
"""A number as a user may give it; arrays have no dimensions."""

Reals: TypeAlias = Sequence[float] | np.ndarray | jax.Array
"""Numbers as a user may give them, one-dimensional."""

Rate: TypeAlias = Real | Sequence[float] | Callable[[Any], Any]
"""A number, an array of one rate per step, or a callable of the step."""

Steps: TypeAlias = float | Reals
"""The last step, time or ridge, or all of them."""

if TYPE_CHECKING:
    Given = TypeVar("Given", contravariant=True)
    Kept = TypeVar("Kept", covariant=True)

    class Field(Generic[Given, Kept]):
        """A field that is given as one type and kept as another."""

        @overload
        def __get__(self, record: None, owner: Any) -> Self: ...
        @overload
        def __get__(self, record: object, owner: Any) -> Kept: ...
        def __get__(self, record: Any, owner: Any) -> Any: ...
        def __set__(self, record: Any, value: Given) -> None: ...

    Number: TypeAlias = Field[Real, float]
    Whole: TypeAlias = Field[Real, int]
    MaybeWhole: TypeAlias = Field[Real | None, int | None]
    Vector: TypeAlias = Field[Reals, np.ndarray]
    MaybeVector: TypeAlias = Field[Reals | None, Any]
    Table: TypeAlias = Field[Sequence[Reals] | np.ndarray | jax.Array, np.ndarray]
    Function: TypeAlias = Field[Callable[[Any], Any], Callable[[Any], Any]]
    RateField: TypeAlias = Field[Rate, Any]
    MaybeRate: TypeAlias = Field[Rate | None, Any]
else:
    Number = Whole = MaybeWhole = Vector = MaybeVector = Table = Any
    Function = RateField = MaybeRate = Any
