"""The spectrum of random features: effective ridge, degrees of freedom, density."""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "spectra.degrees": ["degrees_of_freedom", "effective_ridge", "eigenvalue_density"],
}

if TYPE_CHECKING:
    from solvable.spectra.degrees import degrees_of_freedom as degrees_of_freedom
    from solvable.spectra.degrees import effective_ridge as effective_ridge
    from solvable.spectra.degrees import eigenvalue_density as eigenvalue_density
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
