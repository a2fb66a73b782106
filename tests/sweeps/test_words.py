"""Words mean the objects that one would write in Python, and objects have their words."""

import sys

import numpy as np
import pytest

from solvable import (
    DANA,
    SGD,
    Averaged,
    Curve,
    FullBatch,
    GradientFlow,
    LabelMixture,
    Momentum,
    PowerLaw,
    Ridge,
    Spectrum,
    threshold,
)
from solvable.inputs import Gaussian, Rademacher, StudentT
from solvable.rules import ThreeRates
from solvable.schedules import (
    Constant,
    Cosine,
    Geometric,
    PowerDecay,
    StableDecay,
    Warmup,
)
from solvable.sweeps import schema
from solvable.sweeps.described import words_of
from solvable.sweeps.words import flat, inputs_of, problem_of, setup

BASE = dict(alpha=1.0, beta=0.3, v=40, d=10)
PROBLEM = PowerLaw(**BASE)
LABELS = dict(label_noise=[0.0, 1.0], label_probability=[0.5, 0.5])

RULES = [
    (dict(gamma=0.1), SGD(0.1)),
    (dict(gamma=0.1, B=4, mu=0.5), Momentum(0.1, 0.5, 4)),
    (dict(gamma=0.1, schedule="linear"), SGD(PowerDecay(0.1, 100))),
    (dict(gamma=0.1, schedule="power", p=2.0), SGD(PowerDecay(0.1, 100, p=2.0))),
    (dict(gamma=0.1, schedule="cosine", mu=0.0), Momentum(Cosine(0.1, 100), 0.0)),
    (dict(gamma=0.1, schedule="stable-decay"), SGD(StableDecay(0.1, 100))),
    (dict(gamma=0.1, schedule="halving", ema=0.9), Averaged(SGD(Geometric(0.1, 100)), ema=0.9)),
    (dict(gamma=0.1, warmup=10), SGD(Warmup(10, Constant(0.1, 90)))),
    (dict(gamma=0.1, warmup=10, schedule="cosine"), SGD(Warmup(10, Cosine(0.1, 90)))),
    (dict(gamma=0.1, tail=0), Averaged(SGD(0.1), tail=0)),
    (dict(gamma=0.1, **LABELS), LabelMixture(SGD(0.1), *LABELS.values())),
    (
        dict(gamma=0.1, **LABELS, label_weight=[1.0, 0.5], ema=0.5),
        Averaged(LabelMixture(SGD(0.1), *LABELS.values(), [1.0, 0.5]), ema=0.5),
    ),
    (dict(dana="constant", B=2), DANA.for_problem(PROBLEM, "constant", 2)),
    (dict(dana="decaying", ema=0.5), Averaged(DANA.for_problem(PROBLEM), ema=0.5)),
    (dict(gamma=0.1, full_batch=True, n=20), FullBatch(SGD(0.1))),
    (
        dict(gamma=0.1, mu=0.5, ema=0.5, full_batch=True),
        FullBatch(Averaged(Momentum(0.1, 0.5), 0.5)),
    ),
]


@pytest.mark.parametrize(("words", "rule"), RULES, ids=lambda x: str(x)[:60])
def test_a_rule(words, rule):
    found = setup(BASE | words | {"steps": 100})
    assert found.problem == PROBLEM
    assert found.rule == rule
    assert found.data == ({"n": 20} if "n" in words else {})


def test_rules_without_steps():
    flow = setup(BASE | dict(flow=True, times=[0.0, 2.5], n=20, bags=2))
    assert (flow.rule, flow.x, flow.data) == (GradientFlow(), [0.0, 2.5], {"n": 20, "bags": 2})
    ridge = setup(BASE | dict(ridge=0.1))
    assert (ridge.rule, ridge.x, ridge.data) == (Ridge(), 0.1, {})


@pytest.mark.parametrize(
    ("words", "rule", "n"),
    [
        ({}, SGD(1.0, 3), None),
        ({"mu": 0.5}, Momentum(1.0, 0.5, 3), None),
        (LABELS, LabelMixture(SGD(1.0, 3), *LABELS.values()), None),
        ({"full_batch": True, "n": 20, "B": 1}, FullBatch(SGD(1.0)), 20),
    ],
    ids=["SGD", "momentum", "labels", "full batch"],
)
def test_a_fraction_is_of_the_threshold_of_the_rule(words, rule, n):
    """By default half of it."""
    expected = threshold(PROBLEM, rule, n=n)
    for fraction in (0.25, None):
        said = {} if fraction is None else {"fraction": fraction}
        found = setup(BASE | {"B": 3, "steps": 100} | words | said).rule
        inner = getattr(found, "rule", found)
        assert inner.gamma == (fraction or 0.5) * expected


def test_problems():
    assert problem_of(dict(alpha=1.0, beta=0.3, v=7)) == PowerLaw(alpha=1.0, beta=0.3, v=7)
    assert problem_of(dict(alpha=1.0, beta=0.3, d=10, ratio=2.56)).v == 26
    words = {"model": "solvable.models:PowerLaw", "model.alpha": 1, "model.beta": 0.3, "v": 7}
    assert problem_of(words) == PowerLaw(alpha=1.0, beta=0.3, v=7)


def test_inputs():
    assert inputs_of({}) == Gaussian()
    assert inputs_of({"inputs": "rademacher"}) == Rademacher()
    assert inputs_of({"inputs": "student-t", "dof": 5}) == StudentT(5)


OWN = """
from solvable import Rule
from solvable.rules import Coefficients

class Leaky(Rule):
    gamma: float
    nu: float = 0.5
    B: int = 1
    constant = True
    def coefficients(self, t):
        return Coefficients.of(t, [[1.0]], [-self.gamma * self.nu])
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of one's own in the working folder."""
    (tmp_path / "leaky_module.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    yield "leaky_module:Leaky"
    sys.modules.pop("leaky_module", None)


def test_a_rule_of_ones_own(own, monkeypatch):
    before = list(sys.path)
    found = setup(BASE | {"rule": own, "gamma": 0.1, "B": 3, "rule.nu": 0.9, "steps": 10}).rule
    assert (found.gamma, found.nu, found.B) == (0.1, 0.9, 3)
    assert sys.path == before
    asked = []
    monkeypatch.setattr(
        "solvable.sweeps.words.threshold", lambda problem, rule: asked.append(rule) or 3.0
    )
    half = setup(BASE | {"rule": own, "rule.nu": 0.25, "steps": 10}).rule
    assert (half.gamma, half.nu) == (1.5, 0.25)
    assert [(rule.gamma, rule.nu) for rule in asked] == [(1.0, 0.25)]
    with pytest.raises(ValueError, match="`rule_fields` must be the fields of Leaky"):
        setup(BASE | {"rule": own, "gamma": 0.1, "mu": 0.9, "steps": 10})
    shaped = setup(BASE | {"rule": own, "gamma": 0.1, "schedule": "cosine", "steps": 10}).rule
    assert shaped.gamma == Cosine(0.1, 10)


@pytest.mark.parametrize(
    ("words", "argument"),
    [
        (dict(gamma=0.1), "steps"),
        (dict(steps=10, gamma=-1.0), "gamma"),
        (dict(steps=10, gamma=-1.0, schedule="cosine"), "gamma"),
        (dict(steps=10, gamma=0.1, fraction=0.1), "fraction"),
        (dict(steps=10, ema=0.1, tail=0), "tail"),
        (dict(steps=10, dana="constant", gamma=0.1), "gamma"),
        (dict(steps=10, p=2.0), "p"),
        (dict(steps=10, schedule="power"), "p"),
        (dict(steps=10, warmup=10), "warmup"),
        (dict(steps=10, n=5), "n"),
        (dict(steps=10, full_batch=True, B=2), "B"),
        (dict(steps=10, label_noise=[1.0]), "label_noise"),
        (dict(flow=True, times=1.0, steps=10), "steps"),
        (dict(flow=True), "times"),
        (dict(ridge=-1.0), "ridge[0]"),
        (dict(ridge=0.1, gamma=0.1), "gamma"),
        (dict(steps=10, rule_fields={"x": 1}), "rule_fields"),
        (dict(steps=10, **{"rule.x": 1}), "rule_fields"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_word(words, argument):
    with pytest.raises(ValueError) as caught:
        setup(BASE | words)
    assert caught.value.argument == argument


@pytest.mark.parametrize(("words", "rule"), [(x, y) for x, y in RULES if "dana" not in x])
def test_and_back(words, rule):
    """The words of a curve make its problem and its rule again."""
    rest = dict(n=20) if "n" in words else {}
    curve = Curve(x=np.array([0, 100]), excess=np.ones(2), problem=PROBLEM, rule=rule, **rest)
    found = words_of(curve)
    again = setup(flat(found))
    assert (again.problem, again.rule, again.x) == (PROBLEM, rule, [0, 100])
    assert again.data == rest


def test_and_back_of_what_has_no_words_of_its_own():
    rule = ThreeRates(Delta=0.1, gamma2=0.0, gamma3=0.02)
    curve = Curve(x=np.array([0, 9]), excess=np.ones(2), problem=PROBLEM, rule=rule)
    found = words_of(curve)
    assert found["rule"] == "solvable.rules.momentum:ThreeRates"
    assert setup(flat(found)).rule == rule
    for bad in (SGD([0.1] * 9), SGD(Cosine(0.1, 7)), SGD(lambda t: 0.1)):
        with pytest.raises(TypeError, match="`rule` must have a rate with words"):
            words_of(Curve(x=np.array([0, 9]), excess=np.ones(2), problem=PROBLEM, rule=bad))
    spectrum = Spectrum([1.0, 0.5], [1.0, 1.0])
    with pytest.raises(TypeError, match="`problem` must hold numbers and words"):
        words_of(Curve(x=np.array([0, 9]), excess=np.ones(2), problem=spectrum, rule=SGD(0.1)))


def test_the_schema_is_one_list():
    names = [word.name for table in schema.TABLES.values() for word in table]
    assert len(names) == len(set(names))
    others = [alias for names in schema.ALIASES.values() for alias in names]
    assert not set(others) & set(names) and len(others) == len(set(others))
    assert set(schema.ALIASES) <= set(names)
