"""From flat words to the objects that they mean, and back.

Words are a mapping from the names of :mod:`solvable.sweeps.schema` to plain values; what is not
said is not in it. A field of a class of one's own is the word ``rule.mu`` or ``model.v``.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from solvable.design.thresholds import threshold
from solvable.inputs import Gaussian, Inputs, Rademacher, StudentT
from solvable.models.power_law import PowerLaw
from solvable.models.problem import Problem
from solvable.rules.averaging import Averaged
from solvable.rules.filters import GradientFlow, Ridge
from solvable.rules.full_batch import FullBatch
from solvable.rules.labels import LabelMixture
from solvable.rules.momentum import DANA, Momentum
from solvable.rules.rule import Rule
from solvable.rules.sgd import SGD
from solvable.schedules import (
    Constant,
    Cosine,
    Geometric,
    PowerDecay,
    StableDecay,
    Warmup,
    rates,
)
from solvable.sweeps.own import class_of, fields_of, made
from solvable.sweeps.schema import DEFAULTS
from solvable.util.checks import check_count, check_number, check_vector
from solvable.util.errors import requirement
from solvable.util.steps import check_times

Words = Mapping[str, Any]


class Setup(NamedTuple):
    """What one command trains."""

    problem: Problem
    rule: Rule
    x: Any
    """The last step, time, or the recorded ones; or ridges."""
    data: dict[str, Any]
    """``n``, ``ensemble`` and ``bags``, if there is a data set."""


_LABELS = ("label_noise", "label_probability", "label_weight")
_SCHEDULE = ("schedule", "p", "warmup")
_STEPPED = (
    *("gamma", "fraction", "B", "mu", *_SCHEDULE, "dana", "ema", "tail", *_LABELS),
    *("full_batch", "rule", "rule_fields", "steps"),
)
_PAIRS = (
    ("v", ("ratio",)),
    ("gamma", ("fraction",)),
    ("ema", ("tail",)),
    ("flow", (*_STEPPED, "ridge")),
    ("ridge", (*_STEPPED, "times")),
    ("full_batch", ("B", *_LABELS)),
    ("dana", ("gamma", "fraction", "mu", *_SCHEDULE, "rule")),
)
"""A word, and those that have no meaning beside it."""

_NEEDS = (
    ("times", ("flow",)),
    ("n", ("full_batch", "flow", "ridge")),
    ("ensemble", ("full_batch", "flow", "ridge")),
    ("bags", ("full_batch", "flow", "ridge")),
    ("label_probability", ("label_noise",)),
    ("label_weight", ("label_noise",)),
    ("label_noise", ("label_probability",)),
    ("rule_fields", ("rule",)),
    ("model_fields", ("model",)),
)
"""A word, and those of which it needs one."""


def check_words(words: Words) -> None:
    """Refuse words that exclude, or need, each other.

    Raises:
        ValueError: If some do; the argument of the error is one of them.
    """
    said = {name for name, x in words.items() if x != DEFAULTS.get(name)}
    said |= {f"{name.split('.')[0]}_fields" for name in words if "." in name}
    for word, without in _PAIRS:
        for other in said.intersection(without) if word in said else ():
            raise requirement(other, f"be left out beside `{word}`", words.get(other))
    for word, others in _NEEDS:
        if word in said and not said.intersection(others):
            which = " or ".join(f"`{name}`" for name in others)
            raise requirement(word, f"come with {which}", words.get(word))
    if (words.get("schedule") == "power") != ("p" in said):
        must = "be given with `schedule` power, and only then"
        raise requirement("p", must, words.get("p"))


def setup(words: Words, *, gamma: float | None = None) -> Setup:
    """The problem, the rule, and the rest of what ``predict`` or ``simulate`` is given.

    Args:
        words: Words, flat or with tables of fields.
        gamma: Takes the place of a learning rate that is a fraction of the largest stable one,
            which takes a moment to find: enough for a check.

    Raises:
        ValueError: If a word is missing, has no meaning here, or has a bad value.
    """
    words = flat(words)
    check_words(words)
    problem, x = problem_of(words), axis_of(words)
    names = ("n", "ensemble", "bags")
    data = {x: words[x] for x in names if words.get(x, DEFAULTS[x]) != DEFAULTS[x]}
    return Setup(problem, rule_of(words, problem, x, gamma=gamma), x, data)


def axis_of(words: Words) -> Any:
    """Steps, times or ridges."""
    name = "times" if words.get("flow") else "ridge" if "ridge" in words else "steps"
    if name not in words:
        raise requirement(name, "be given", None)
    if name == "ridge":
        check_vector(name, np.atleast_1d(words[name]), minimum=0)
    elif name == "times":
        check_times(words[name], name)
    return words[name]


def size_of(words: Words) -> dict[str, Any]:
    """``v`` and ``d``, those that are said; ``v`` by its ratio too."""
    size = {name: words[name] for name in ("v", "d") if name in words}
    if "ratio" in words:
        ratio = check_number("ratio", words["ratio"], minimum=1)
        if "d" not in words:
            raise requirement("ratio", "come with `d`, for v = ratio d", ratio)
        size["v"] = round(ratio * check_count("d", words["d"]))
    return size


def problem_of(words: Words) -> Problem:
    """The problem: a power law, or one of the user's own."""
    size = size_of(words)
    if "model" in words:
        shared = {name: words[name] for name in ("alpha", "beta", "noise") if name in words}
        return made("model", Problem, words, shared | size)
    if "v" not in size:
        raise requirement("v", "be given, or `ratio` and `d`", None)
    for name in ("alpha", "beta"):
        if name not in words:
            raise requirement(name, "be given, or a `model`", None)
    given = {name: words[name] for name in ("alpha", "beta", "noise") if name in words}
    return PowerLaw(**given, **size)


def rule_of(words: Words, problem: Problem, x: Any, *, gamma: float | None = None) -> Rule:
    """The training rule of a problem, up to the last of ``x``."""
    if words.get("flow"):
        return GradientFlow()
    if "ridge" in words:
        return Ridge()
    make, has_rate = _maker(words, problem)
    if has_rate and "gamma" in words:
        gamma = check_number("gamma", words["gamma"], positive=True)
    elif has_rate:
        fraction = check_number("fraction", words.get("fraction", 0.5), positive=True)
        gamma = gamma or fraction * _room(problem, make(1.0), words)
    rule = make(_scheduled(words, gamma, max(int(np.max(x)), 1)) if has_rate else None)
    if {"ema", "tail"} & words.keys():
        rule = Averaged(rule, ema=words.get("ema"), tail=words.get("tail"))
    return FullBatch(rule) if words.get("full_batch") else rule


def _maker(words: Words, problem: Problem) -> tuple[Callable[[Any], Rule], bool]:
    """The rule of a learning rate, without its average; and whether it has a rate."""
    B, mu = words.get("B", 1), words.get("mu")
    has_rate = True
    if "dana" in words:
        make, has_rate = lambda _: DANA.for_problem(problem, words["dana"], B), False
    elif "rule" in words:
        cls = class_of("rule", words["rule"], Rule)
        has_rate = "gamma" in fields_of(cls)
        for word in () if has_rate else ("gamma", "fraction", *_SCHEDULE):
            if words.get(word, DEFAULTS[word]) != DEFAULTS[word]:
                raise requirement(word, f"be left out, as {cls.__name__} has no gamma", words[word])
        known = {name: words[name] for name in ("B", "mu") if name in words}
        make = lambda gamma: made(
            "rule", Rule, words, known | ({"gamma": gamma} if has_rate else {})
        )
    elif mu is not None:
        make = lambda gamma: Momentum(gamma, mu, B)
    else:
        make = lambda gamma: SGD(gamma, B)
    if "label_noise" not in words:
        return make, has_rate
    kinds: list[Any] = [words.get(name) for name in _LABELS]
    return lambda gamma: LabelMixture(make(gamma), *kinds), has_rate


def _room(problem: Problem, rule: Rule, words: Words) -> float:
    """The largest stable learning rate of a rule of rate 1."""
    if not rule.constant:
        raise requirement("gamma", "be given for a rule that changes from step to step", None)
    if words.get("full_batch"):
        return threshold(problem, FullBatch(rule), n=words.get("n"))
    return threshold(problem, rule)


def _scheduled(words: Words, gamma: Any, last: int) -> Any:
    """The learning rate of every step up to the last."""
    shape, warmup = words.get("schedule", "constant"), words.get("warmup")
    if shape == "constant" and warmup is None:
        return gamma
    if warmup is not None and not check_count("warmup", warmup) < last:
        raise requirement("warmup", f"be below the last step, {last}", warmup)
    shapes = dict(constant=Constant, linear=PowerDecay, cosine=Cosine, halving=Geometric)
    made = (shapes | {"power": PowerDecay, "stable-decay": StableDecay})[shape]
    power = {"p": check_number("p", words["p"], minimum=0)} if shape == "power" else {}
    schedule = made(gamma, last - (warmup or 0), **power)
    return schedule if warmup is None else Warmup(warmup, schedule)


def inputs_of(words: Words) -> Inputs:
    """The law of the inputs."""
    law, dof = words.get("inputs", "gaussian"), words.get("dof")
    if (law == "student-t") != (dof is not None):
        raise requirement("dof", "be given with `inputs` student-t, and only then", dof)
    return StudentT(dof) if dof is not None else Rademacher() if law == "rademacher" else Gaussian()


def flat(words: Words) -> dict[str, Any]:
    """Words with their tables of fields flat: ``rule.mu`` for ``rule_fields``."""
    flat = {k: x for k, x in words.items() if k not in ("rule_fields", "model_fields")}
    return flat | {
        f"{word}.{key}": x
        for word in ("model", "rule")
        for key, x in (words.get(f"{word}_fields") or {}).items()
    }


def learning_rate(rule: Any) -> dict[str, np.ndarray]:
    """The learning rate of a rule, of a schedule the first one; empty if it has none."""
    while hasattr(rule, "rule"):
        rule = rule.rule
    if not hasattr(rule, "gamma"):
        return {}
    return {"learning_rate": np.asarray(rates("gamma", rule.gamma, np.zeros(1, int))[0], float)}
