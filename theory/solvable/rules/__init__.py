"""Training rules, and what it takes to write one."""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "rules.rule": ["Coefficients", "Rule"],
    "rules.sgd": ["SGD"],
    "rules.momentum": ["DANA", "Momentum", "ThreeRates"],
    "rules.averaging": ["Averaged"],
    "rules.labels": ["LabelMixture"],
    "rules.full_batch": ["FullBatch", "GradientDescent"],
    "rules.filters": ["Filter", "GradientFlow", "Ridge"],
    "rules.optimizers": ["Optimizer"],
    "schedules": ["is_constant", "rates"],
    "util.record": ["choice", "count", "field", "number", "rate", "static", "vector"],
}

if TYPE_CHECKING:
    from solvable.rules.averaging import Averaged as Averaged
    from solvable.rules.filters import Filter as Filter
    from solvable.rules.filters import GradientFlow as GradientFlow
    from solvable.rules.filters import Ridge as Ridge
    from solvable.rules.full_batch import FullBatch as FullBatch
    from solvable.rules.full_batch import GradientDescent as GradientDescent
    from solvable.rules.labels import LabelMixture as LabelMixture
    from solvable.rules.momentum import DANA as DANA
    from solvable.rules.momentum import Momentum as Momentum
    from solvable.rules.momentum import ThreeRates as ThreeRates
    from solvable.rules.optimizers import Optimizer as Optimizer
    from solvable.rules.rule import Coefficients as Coefficients
    from solvable.rules.rule import Rule as Rule
    from solvable.rules.sgd import SGD as SGD
    from solvable.schedules import is_constant as is_constant
    from solvable.schedules import rates as rates
    from solvable.util.record import choice as choice
    from solvable.util.record import count as count
    from solvable.util.record import field as field
    from solvable.util.record import number as number
    from solvable.util.record import rate as rate
    from solvable.util.record import static as static
    from solvable.util.record import vector as vector
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
