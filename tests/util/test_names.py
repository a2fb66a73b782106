"""Arguments that a record does not have: the error names the one that is meant."""

import copy
import dataclasses
import pickle
import re

import pytest

from solvable import SGD, Modes, Momentum, PowerLaw, Ridge, Spectrum, schedules


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: SGD(lr=0.1),
            "SGD has no argument `lr`, but received 0.1. Take `gamma`. Its arguments are gamma, B.",
        ),
        (lambda: SGD(0.1, batch_size=8), "no argument `batch_size`, but received 8. Take `B`."),
        (lambda: SGD(0.1, 1, 2), "SGD has no place for the argument 2. Its arguments are gamma, B"),
        (
            lambda: Momentum(0.1, momentum=0.9),
            "no argument `momentum`, but received 0.9. Take `mu`",
        ),
        (
            lambda: PowerLaw(1.0, 0.3, 100),
            "PowerLaw takes its arguments by name, but received 1.0 without one. "
            "Write PowerLaw(alpha=1.0, beta=0.3, v=100).",
        ),
        (lambda: PowerLaw(alpha=1.0, beta=0.3, v=9, width=3), "no argument `width`"),
        (lambda: PowerLaw(alpa=1.0, beta=0.3, v=9), "`alpa`, but received 1.0. Take `alpha`."),
        (lambda: Spectrum(lam=[1.0], target=[1.0]), "Take `eigenvalues`."),
        (lambda: Modes(eigenvalues=[1.0], weight=[1.0]), "Take `lam`."),
        (lambda: schedules.Cosine(lr=0.1, T=9), "Take `peak`."),
        (lambda: dataclasses.replace(SGD(0.1), lr=0.2), "Take `gamma`."),
        (lambda: SGD(0.1, zzz=1), "no argument `zzz`, but received 1. Its arguments are gamma, B."),
        (lambda: Ridge(0.1), "Ridge has no place for the argument 0.1. It has none."),
    ],
)
def test_the_argument_that_is_meant_is_named(make, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        make()


def test_missing_arguments_are_named():
    with pytest.raises(TypeError, match=r"'beta' and 'v'"):
        PowerLaw(alpha=1.0)


def test_copies_are_made_without_arguments():
    rule = SGD(0.1, B=4)
    assert pickle.loads(pickle.dumps(rule)) == copy.deepcopy(rule) == rule
