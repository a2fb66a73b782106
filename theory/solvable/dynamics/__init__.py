"""The expected risk along training, and what it is made of."""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "dynamics.prediction": ["expect", "predict"],
    "dynamics.curve": ["Curve"],
    "dynamics.ensemble": ["expect_ensemble"],
    "dynamics.domain_theory": ["DomainCurve", "expect_domains"],
    "dynamics.contour": ["contour_modes"],
    "dynamics.ridge": ["InfiniteRiskWarning"],
    "dynamics.one_pass": ["UnstableError"],
}

if TYPE_CHECKING:
    from solvable.dynamics.contour import contour_modes as contour_modes
    from solvable.dynamics.curve import Curve as Curve
    from solvable.dynamics.domain_theory import DomainCurve as DomainCurve
    from solvable.dynamics.domain_theory import expect_domains as expect_domains
    from solvable.dynamics.ensemble import expect_ensemble as expect_ensemble
    from solvable.dynamics.one_pass import UnstableError as UnstableError
    from solvable.dynamics.prediction import expect as expect
    from solvable.dynamics.prediction import predict as predict
    from solvable.dynamics.ridge import InfiniteRiskWarning as InfiniteRiskWarning
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
