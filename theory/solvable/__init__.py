"""Solvable models of neural scaling laws: predict, simulate, compare.

Names are imported on first use, so that ``solvable --help`` does not wait for JAX.
"""

import importlib
from typing import Any

_HOMES = {
    "models.problem": ["Draw", "LinearRegression", "PowerLaw"],
    "rules.rule": ["Rule"],
    "rules.sgd": ["SGD"],
    "rules.momentum": ["DANA", "Momentum", "ThreeRates"],
    "rules.averaging": ["Averaged"],
    "rules.optimizers": ["Optimizer"],
    "rules.schedules": [
        "Constant",
        "Cosine",
        "Geometric",
        "Linear",
        "PowerDecay",
        "StableDecay",
        "Warmup",
    ],
    "rules.full_batch": ["FullBatch", "GradientDescent", "GradientFlow"],
    "dynamics.finite": ["FiniteCurve"],
    "simulation.full_batch_runs": ["FiniteRuns", "RidgeRuns"],
    "simulation.full_batch_simulation": ["simulate_full_batch", "simulate_ridge"],
    "dynamics.ridge": ["InfiniteRiskWarning", "RidgeRisk", "ridge_risk"],
    "design.best_ridge": ["Allocation", "OptimalRidge", "equiparameterization", "optimal_ridge"],
    "design.regimes": [
        "Duality",
        "FiniteExponents",
        "Regime",
        "duality",
        "finite_exponents",
        "regime",
    ],
    "design.stopping": ["EarlyStopping", "early_stopping", "flow_frontier"],
    "models.thresholds": ["max_learning_rate"],
    "models.activations": ["effective_dimension"],
    "models.kernels": ["KernelFeatures"],
    "simulation.nonlinear": ["NonlinearRuns", "simulate_nonlinear"],
    "models.modes": ["Modes"],
    "dynamics.contour": ["contour_modes"],
    "design.batches": [
        "batch_hessian_rate",
        "critical_batch",
        "learning_rate_map",
        "stability",
        "steps_to_target",
    ],
    "design.optimal": ["EdgeWarning", "optimal_schedule", "tune"],
    "rules.labels": ["LabelMixture"],
    "design.mixtures": ["optimal_proportions", "optimal_weights"],
    "models.domains": ["Domains"],
    "dynamics.domain_theory": ["DomainCurve", "expect_domains"],
    "simulation.domain_runs": ["simulate_domains"],
    "asymptotics.scaling": ["Exponents", "exponents"],
    "dynamics.prediction": ["UnstableError", "expect", "predict"],
    "dynamics.ensemble": ["expect_ensemble"],
    "verify.ladder": ["Verification", "verify"],
    "verify.configurations": ["Configuration", "random_configuration"],
    "verify.random_check": ["RandomCheck", "Trial", "verify_configuration", "verify_random"],
    "verify.presets": ["POINTS", "PUBLISHED"],
    "dynamics.curve": ["Curve"],
    "asymptotics.phases": ["Phase", "phase"],
    "design.frontiers": ["Frontier", "frontier"],
    "spectra.degrees": ["degrees_of_freedom", "effective_ridge", "eigenvalue_density"],
    "util.results": ["load"],
    "simulation.runs": ["DivergenceWarning", "Runs"],
    "simulation.budget": ["Estimate", "estimate"],
    "verify.comparison": ["Comparison", "HeavyTailWarning", "compare"],
    "simulation.stepping": ["simulate"],
    "simulation.large": ["simulate_large"],
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'solvable' has no attribute {name!r}")
    return getattr(importlib.import_module(f"solvable.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
