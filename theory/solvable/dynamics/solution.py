"""What every solver takes and gives.

A solver takes what training sees of a problem, a rule, and the recorded steps, and gives the excess
risk there with its numerical error. Which one is taken is decided in one place,
:mod:`solvable.dynamics.one_pass`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from solvable.models.modes import Modes
from solvable.rules.rule import Rule
from solvable.util.types import Array, Scalar


class Seen(NamedTuple):
    """What training sees of a problem."""

    modes: Modes
    """The spectrum: that of the features themselves, or of the inputs behind them."""
    inverse_d: Scalar
    """One over the number of features in front of the spectrum; zero if there are none."""
    nodes: Callable[[float], Modes]
    """The modes to take steps with up to a horizon: the spectrum itself, or nodes that stand for
    that of the features."""


class Solution(NamedTuple):
    """The excess risk at the recorded steps."""

    excess: Float[Array, " k"]
    error: Any
    """Relative numerical error of the excess."""
    forcing: Float[Array, " k"] | None = None
    """The part of the excess without the feedback of SGD noise, where it is known apart."""


@runtime_checkable
class Solver(Protocol):
    """A map from what training sees, a rule and recorded steps to the excess risk."""

    def __call__(self, seen: Seen, rule: Rule, step: np.ndarray) -> Solution: ...
