"""Do theory and simulation agree? Comparisons, the ladder, random configurations."""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "verify.comparison": ["Comparison", "HeavyTailWarning", "compare"],
    "verify.ladder": ["Verification", "climb"],
    "verify.rungs": ["Check"],
    "verify.configurations": ["Configuration", "random_configuration"],
    "verify.random_check": ["RandomCheck", "Trial", "check_configuration", "check_random"],
    "verify.presets": ["POINTS", "PUBLISHED", "family", "half_trace", "task"],
}

if TYPE_CHECKING:
    from solvable.verify.comparison import Comparison as Comparison
    from solvable.verify.comparison import HeavyTailWarning as HeavyTailWarning
    from solvable.verify.comparison import compare as compare
    from solvable.verify.configurations import Configuration as Configuration
    from solvable.verify.configurations import random_configuration as random_configuration
    from solvable.verify.ladder import Verification as Verification
    from solvable.verify.ladder import climb as climb
    from solvable.verify.presets import POINTS as POINTS
    from solvable.verify.presets import PUBLISHED as PUBLISHED
    from solvable.verify.presets import family as family
    from solvable.verify.presets import half_trace as half_trace
    from solvable.verify.presets import task as task
    from solvable.verify.random_check import RandomCheck as RandomCheck
    from solvable.verify.random_check import Trial as Trial
    from solvable.verify.random_check import check_configuration as check_configuration
    from solvable.verify.random_check import check_random as check_random
    from solvable.verify.rungs import Check as Check
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
