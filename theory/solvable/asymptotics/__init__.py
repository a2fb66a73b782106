"""Exponents: phases of compute-optimal training, rules in the horizon, limits on finite data."""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "asymptotics.phases": ["Phase", "phase"],
    "asymptotics.scaling": ["Exponents", "exponents"],
    "asymptotics.finite": ["FiniteExponents", "finite_exponents"],
}

if TYPE_CHECKING:
    from solvable.asymptotics.finite import FiniteExponents as FiniteExponents
    from solvable.asymptotics.finite import finite_exponents as finite_exponents
    from solvable.asymptotics.phases import Phase as Phase
    from solvable.asymptotics.phases import phase as phase
    from solvable.asymptotics.scaling import Exponents as Exponents
    from solvable.asymptotics.scaling import exponents as exponents
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
