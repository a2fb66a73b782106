"""The best of everything: size, rate, batch, schedule, weights, ridge, and when to stop."""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "design.frontiers": ["Frontier", "frontier"],
    "design.thresholds": ["RateMap", "Stability", "learning_rate_map", "stability", "threshold"],
    "design.batches": ["CriticalBatch", "batch_hessian_rate", "critical_batch", "steps_to_target"],
    "design.optimal": ["EdgeWarning", "OptimalSchedule", "Tuned", "optimal_schedule", "tune"],
    "design.mixtures": ["optimal_proportions", "optimal_weights"],
    "design.best_ridge": ["Allocation", "OptimalRidge", "equiparameterization", "optimal_ridge"],
    "design.regimes": ["Duality", "Regime", "duality", "regime"],
    "design.stopping": ["EarlyStopping", "early_stopping", "flow_frontier"],
}

if TYPE_CHECKING:
    from solvable.design.batches import CriticalBatch as CriticalBatch
    from solvable.design.batches import batch_hessian_rate as batch_hessian_rate
    from solvable.design.batches import critical_batch as critical_batch
    from solvable.design.batches import steps_to_target as steps_to_target
    from solvable.design.best_ridge import Allocation as Allocation
    from solvable.design.best_ridge import OptimalRidge as OptimalRidge
    from solvable.design.best_ridge import equiparameterization as equiparameterization
    from solvable.design.best_ridge import optimal_ridge as optimal_ridge
    from solvable.design.frontiers import Frontier as Frontier
    from solvable.design.frontiers import frontier as frontier
    from solvable.design.mixtures import optimal_proportions as optimal_proportions
    from solvable.design.mixtures import optimal_weights as optimal_weights
    from solvable.design.optimal import EdgeWarning as EdgeWarning
    from solvable.design.optimal import OptimalSchedule as OptimalSchedule
    from solvable.design.optimal import Tuned as Tuned
    from solvable.design.optimal import optimal_schedule as optimal_schedule
    from solvable.design.optimal import tune as tune
    from solvable.design.regimes import Duality as Duality
    from solvable.design.regimes import Regime as Regime
    from solvable.design.regimes import duality as duality
    from solvable.design.regimes import regime as regime
    from solvable.design.stopping import EarlyStopping as EarlyStopping
    from solvable.design.stopping import early_stopping as early_stopping
    from solvable.design.stopping import flow_frontier as flow_frontier
    from solvable.design.thresholds import RateMap as RateMap
    from solvable.design.thresholds import Stability as Stability
    from solvable.design.thresholds import learning_rate_map as learning_rate_map
    from solvable.design.thresholds import stability as stability
    from solvable.design.thresholds import threshold as threshold
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
