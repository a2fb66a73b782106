"""Solvable models of neural scaling laws: predict, simulate, compare.

Names are imported on first use, so that ``solvable --help`` does not wait for JAX.
"""

import importlib
from typing import Any

_HOMES = {
    "problem": ["Draw", "LinearRegression", "PowerLaw"],
    "rule": ["Rule"],
    "sgd": ["SGD"],
    "momentum": ["DANA", "Momentum", "ThreeRates"],
    "averaging": ["Averaged"],
    "optimizers": ["Optimizer"],
    "schedules": [
        "Constant",
        "Cosine",
        "Geometric",
        "Linear",
        "PowerDecay",
        "StableDecay",
        "Warmup",
    ],
    "full_batch": ["FullBatch", "GradientDescent", "GradientFlow"],
    "finite": ["FiniteCurve"],
    "full_batch_runs": ["FiniteRuns", "RidgeRuns"],
    "full_batch_simulation": ["simulate_full_batch", "simulate_ridge"],
    "ridge": ["InfiniteRiskWarning", "RidgeRisk", "ridge_risk"],
    "best_ridge": ["Allocation", "OptimalRidge", "equiparameterization", "optimal_ridge"],
    "regimes": ["Duality", "FiniteExponents", "Regime", "duality", "finite_exponents", "regime"],
    "stopping": ["EarlyStopping", "early_stopping", "flow_frontier"],
    "thresholds": ["max_learning_rate"],
    "activations": ["effective_dimension"],
    "kernels": ["KernelFeatures"],
    "nonlinear": ["NonlinearRuns", "simulate_nonlinear"],
    "modes": ["Modes"],
    "contour": ["contour_modes"],
    "batches": [
        "batch_hessian_rate",
        "critical_batch",
        "learning_rate_map",
        "stability",
        "steps_to_target",
    ],
    "optimal": ["EdgeWarning", "optimal_schedule", "tune"],
    "labels": ["LabelMixture"],
    "mixtures": ["optimal_proportions", "optimal_weights"],
    "domains": ["Domains"],
    "domain_theory": ["DomainCurve", "expect_domains"],
    "domain_runs": ["simulate_domains"],
    "scaling": ["Exponents", "exponents"],
    "prediction": ["UnstableError", "expect", "predict"],
    "ensemble": ["expect_ensemble"],
    "ladder": ["Verification", "verify"],
    "configurations": ["Configuration", "random_configuration"],
    "random_check": ["RandomCheck", "Trial", "verify_configuration", "verify_random"],
    "presets": ["POINTS", "PUBLISHED"],
    "curve": ["Curve"],
    "phases": ["Phase", "phase"],
    "frontiers": ["Frontier", "frontier"],
    "spectrum": ["degrees_of_freedom", "effective_ridge", "eigenvalue_density"],
    "results": ["load"],
    "runs": ["DivergenceWarning", "Runs"],
    "budget": ["Estimate", "estimate"],
    "comparison": ["Comparison", "HeavyTailWarning", "compare"],
    "simulation": ["simulate"],
    "large": ["simulate_large"],
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'solvable' has no attribute {name!r}")
    return getattr(importlib.import_module(f"solvable.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
