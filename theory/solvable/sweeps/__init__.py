"""Many configurations, computed once each, whatever happens on the way."""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "sweeps.sweep": ["Status", "Sweep", "collect", "estimate", "read", "run", "status"],
    "sweeps.budget": ["SweepEstimate"],
    "sweeps.described": ["words_of"],
}

if TYPE_CHECKING:
    from solvable.sweeps.budget import SweepEstimate as SweepEstimate
    from solvable.sweeps.described import words_of as words_of
    from solvable.sweeps.sweep import Status as Status
    from solvable.sweeps.sweep import Sweep as Sweep
    from solvable.sweeps.sweep import collect as collect
    from solvable.sweeps.sweep import estimate as estimate
    from solvable.sweeps.sweep import read as read
    from solvable.sweeps.sweep import run as run
    from solvable.sweeps.sweep import status as status
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
