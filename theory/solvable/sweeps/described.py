"""The words of a result: what a sweep file or the command line would be told to make it again."""

from typing import Any

import numpy as np

from solvable.models.power_law import PowerLaw
from solvable.rules.averaging import Averaged
from solvable.rules.filters import GradientFlow, Ridge
from solvable.rules.full_batch import FullBatch
from solvable.rules.labels import LabelMixture
from solvable.rules.momentum import Momentum
from solvable.rules.rule import Rule
from solvable.rules.sgd import SGD
from solvable.schedules import (
    Constant,
    Cosine,
    Geometric,
    PowerDecay,
    Schedule,
    StableDecay,
    Warmup,
    is_constant,
)
from solvable.sweeps.schema import DEFAULTS
from solvable.util.along import Along
from solvable.util.errors import wrong_kind
from solvable.util.record import Record, kind_of

_SHAPES = {Cosine: "cosine", StableDecay: "stable-decay", Geometric: "halving"}


def words_of(result: Along) -> dict[str, Any]:
    """The words of a curve or of runs, flat; tables of fields for classes that have no words.

    Raises:
        TypeError: If a part of it cannot be said in words: a function, an array, a schedule that
            does not end at the last step.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=100)
        >>> words_of(predict(problem, SGD(0.1, B=2), [0, 10]))
        {'alpha': 1.0, 'beta': 0.3, 'v': 100, 'gamma': 0.1, 'B': 2, 'steps': [0, 10]}
    """
    x = np.asarray(result.x).tolist()
    words = _problem(result.problem) | _rule(result.rule, max(int(x[-1]), 1))
    words["ridge" if result.axis == "ridge" else f"{result.axis}s"] = x
    words |= {name: getattr(result, name) for name in ("n", "ensemble", "bags")}
    return {name: x for name, x in words.items() if name not in DEFAULTS or x != DEFAULTS[name]}


def _problem(problem: Any) -> dict[str, Any]:
    if type(problem) is PowerLaw:
        return dict(problem.items())
    return {"model": kind_of(type(problem)), "model_fields": _fields(problem)}


def _rule(rule: Any, last: int) -> dict[str, Any]:
    if isinstance(rule, (GradientFlow, Ridge)):
        return {"flow": isinstance(rule, GradientFlow)}
    if isinstance(rule, (FullBatch, Averaged, LabelMixture)):
        inner = _rule(rule.rule, last)
        if isinstance(rule, FullBatch):
            return inner | {"full_batch": True, "B": 1}
        if isinstance(rule, Averaged):
            return inner | {"ema": rule.ema, "tail": rule.tail}
        names = ("noise", "probability", "weight")
        return inner | {f"label_{name}": getattr(rule, name).tolist() for name in names}
    if type(rule) in (SGD, Momentum):
        return _rate(rule.gamma, last) | {"B": rule.B, "mu": getattr(rule, "mu", None)}
    return {"rule": kind_of(type(rule)), "rule_fields": _fields(rule)}


def _rate(gamma: Any, last: int) -> dict[str, Any]:
    """A learning rate, or a schedule that ends at the last step."""
    if isinstance(gamma, Warmup):
        return _rate(gamma.schedule, last - gamma.steps) | {"warmup": gamma.steps}
    if not callable(gamma) and is_constant(gamma):
        return {"gamma": gamma}
    if isinstance(gamma, Schedule) and gamma.T == last:
        shape, again = _SHAPES.get(type(gamma)), type(gamma)
        if isinstance(gamma, PowerDecay):
            return {"gamma": gamma.peak, "schedule": "power", "p": gamma.p}
        if again is Constant or (shape and gamma == again(gamma.peak, last)):
            return {"gamma": gamma.peak, "schedule": shape or "constant"}
    raise wrong_kind("rule", "have a rate with words: a number, or a schedule to the end", gamma)


def _fields(record: Record) -> dict[str, Any]:
    found = {name: x for name, x in record.items() if x is not None}
    for name, x in found.items():
        if not isinstance(x, (bool, int, float, str)):
            kind = "rule" if isinstance(record, Rule) else "problem"
            raise wrong_kind(kind, f"hold numbers and words, as {name}", x)
    return found
