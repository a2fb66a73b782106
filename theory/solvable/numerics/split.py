"""Complex numbers as two real arrays, for loops: compilers vectorise those, not pairs in memory."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from solvable.util.types import Array


class Split(NamedTuple):
    """re + i im, with the arithmetic a polynomial needs."""

    re: Array
    im: Array

    def __add__(self, other: Any) -> "Split":
        if isinstance(other, Split):
            return Split(self.re + other.re, self.im + other.im)
        return Split(self.re + other, self.im)

    def __mul__(self, other: Any) -> "Split":
        if isinstance(other, Split):
            re, im = other
            return Split(self.re * re - self.im * im, self.re * im + self.im * re)
        return Split(self.re * other, self.im * other)

    def __truediv__(self, real: Any) -> "Split":
        return Split(self.re / real, self.im / real)

    __radd__, __rmul__ = __add__, __mul__


def split(x: Array) -> Array | Split:
    """A complex array as two; a real one as it is."""
    return Split(jnp.real(x), jnp.imag(x)) if jnp.iscomplexobj(x) else x


def joined(x: Array | Split) -> Array:
    """Back again."""
    return x.re + 1j * x.im if isinstance(x, Split) else x


def real(x: Array | Split) -> Array:
    """The real part."""
    return x.re if isinstance(x, Split) else x
