"""Problems: what is learned, and what it takes to write one."""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "models.problem": ["Problem"],
    "models.modes": ["Modes"],
    "models.power_law": ["PowerLaw"],
    "models.spectrum": ["Spectrum"],
    "models.draw": ["Draw"],
    "models.kernels": ["KernelFeatures"],
    "models.nonlinear": ["NonlinearFeatures"],
    "models.domains": ["Domains"],
    "models.activations": ["effective_dimension"],
    "util.record": ["choice", "count", "field", "number", "static", "vector"],
}

if TYPE_CHECKING:
    from solvable.models.activations import effective_dimension as effective_dimension
    from solvable.models.domains import Domains as Domains
    from solvable.models.draw import Draw as Draw
    from solvable.models.kernels import KernelFeatures as KernelFeatures
    from solvable.models.modes import Modes as Modes
    from solvable.models.nonlinear import NonlinearFeatures as NonlinearFeatures
    from solvable.models.power_law import PowerLaw as PowerLaw
    from solvable.models.problem import Problem as Problem
    from solvable.models.spectrum import Spectrum as Spectrum
    from solvable.util.record import choice as choice
    from solvable.util.record import count as count
    from solvable.util.record import field as field
    from solvable.util.record import number as number
    from solvable.util.record import static as static
    from solvable.util.record import vector as vector
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
