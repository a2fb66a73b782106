"""Training itself, as the judge of the theory."""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "simulation.training": ["simulate"],
    "simulation.runs": ["DivergenceWarning", "Runs"],
    "simulation.budget": ["Estimate", "estimate"],
    "simulation.cluster": ["Cluster"],
    "simulation.domain_runs": ["simulate_domains"],
}

if TYPE_CHECKING:
    from solvable.simulation.budget import Estimate as Estimate
    from solvable.simulation.budget import estimate as estimate
    from solvable.simulation.cluster import Cluster as Cluster
    from solvable.simulation.domain_runs import simulate_domains as simulate_domains
    from solvable.simulation.runs import DivergenceWarning as DivergenceWarning
    from solvable.simulation.runs import Runs as Runs
    from solvable.simulation.training import simulate as simulate
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
