"""Solvable models of neural scaling laws: predict, simulate, compare.

The verbs, the problems and the training rules are here; the rest has rooms of its own:
``schedules`` of learning rates, ``inputs`` of simulations, ``spectra`` of features, ``design`` of
training, ``verify``, ``plot``, ``sweeps``, and ``models`` and ``rules`` for those who add theirs.
Names are imported on first use, so that ``solvable --help`` does not wait for JAX.
"""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "models.power_law": ["PowerLaw"],
    "models.spectrum": ["Spectrum"],
    "models.kernels": ["KernelFeatures"],
    "models.nonlinear": ["NonlinearFeatures"],
    "models.modes": ["Modes"],
    "models.problem": ["Problem"],
    "rules.rule": ["Rule"],
    "rules.sgd": ["SGD"],
    "rules.momentum": ["DANA", "Momentum"],
    "rules.averaging": ["Averaged"],
    "rules.labels": ["LabelMixture"],
    "rules.full_batch": ["FullBatch", "GradientDescent"],
    "rules.filters": ["GradientFlow", "Ridge"],
    "rules.optimizers": ["Optimizer"],
    "dynamics.prediction": ["expect", "predict"],
    "dynamics.curve": ["Curve"],
    "dynamics.one_pass": ["UnstableError"],
    "asymptotics.phases": ["phase"],
    "asymptotics.scaling": ["exponents"],
    "design.thresholds": ["stability", "threshold"],
    "simulation.training": ["simulate"],
    "simulation.runs": ["Runs"],
    "simulation.budget": ["estimate"],
    "verify.comparison": ["compare"],
    "util.steps": ["log_steps"],
    "util.results": ["load"],
    "util.errors": ["ArgumentError"],
}
_MODULES = {
    "schedules": "schedules",
    "inputs": "inputs",
    "models": "models",
    "rules": "rules",
    "spectra": "spectra",
    "dynamics": "dynamics",
    "asymptotics": "asymptotics",
    "design": "design",
    "simulation": "simulation",
    "verify": "verify",
    "sweeps": "sweeps",
    "plot": "plot",
    "exercises": "exercises",
}

__version__ = "0.1.0"

if TYPE_CHECKING:
    from solvable import asymptotics as asymptotics
    from solvable import design as design
    from solvable import dynamics as dynamics
    from solvable import exercises as exercises
    from solvable import inputs as inputs
    from solvable import models as models
    from solvable import plot as plot
    from solvable import rules as rules
    from solvable import schedules as schedules
    from solvable import simulation as simulation
    from solvable import spectra as spectra
    from solvable import sweeps as sweeps
    from solvable import verify as verify
    from solvable.asymptotics.phases import phase as phase
    from solvable.asymptotics.scaling import exponents as exponents
    from solvable.design.thresholds import stability as stability
    from solvable.design.thresholds import threshold as threshold
    from solvable.dynamics.curve import Curve as Curve
    from solvable.dynamics.one_pass import UnstableError as UnstableError
    from solvable.dynamics.prediction import expect as expect
    from solvable.dynamics.prediction import predict as predict
    from solvable.models.kernels import KernelFeatures as KernelFeatures
    from solvable.models.modes import Modes as Modes
    from solvable.models.nonlinear import NonlinearFeatures as NonlinearFeatures
    from solvable.models.power_law import PowerLaw as PowerLaw
    from solvable.models.problem import Problem as Problem
    from solvable.models.spectrum import Spectrum as Spectrum
    from solvable.rules.averaging import Averaged as Averaged
    from solvable.rules.filters import GradientFlow as GradientFlow
    from solvable.rules.filters import Ridge as Ridge
    from solvable.rules.full_batch import FullBatch as FullBatch
    from solvable.rules.full_batch import GradientDescent as GradientDescent
    from solvable.rules.labels import LabelMixture as LabelMixture
    from solvable.rules.momentum import DANA as DANA
    from solvable.rules.momentum import Momentum as Momentum
    from solvable.rules.optimizers import Optimizer as Optimizer
    from solvable.rules.rule import Rule as Rule
    from solvable.rules.sgd import SGD as SGD
    from solvable.simulation.budget import estimate as estimate
    from solvable.simulation.runs import Runs as Runs
    from solvable.simulation.training import simulate as simulate
    from solvable.util.errors import ArgumentError as ArgumentError
    from solvable.util.results import load as load
    from solvable.util.steps import log_steps as log_steps
    from solvable.verify.comparison import compare as compare
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES, _MODULES)
