"""Bad input is refused with a message that names the argument, the requirement and the value."""

import re
from dataclasses import replace

import jax
import numpy as np
import pytest

from solvable import SGD, Momentum, PowerLaw, Spectrum, UnstableError, expect, predict, simulate
from solvable.design import frontier
from solvable.dynamics import expect_ensemble
from solvable.models.thresholds import max_learning_rate
from solvable.schedules import Cosine

PLRF = PowerLaw(alpha=1.0, beta=0.3, v=20, d=5)
REGRESSION = Spectrum([1.0, 0.5, 0.1], target=[1.0, 1.0, 1.0])
STABLE = SGD(0.1)


def features(**changes):
    return PowerLaw(**(dict(alpha=1.0, beta=0.3, v=20, d=5) | changes))


def regression(**changes):
    return PowerLaw(**(dict(alpha=1.0, beta=0.3, v=20) | changes))


def spectrum(eigenvalues, target=(1.0, 1.0), noise=0.0):
    return Spectrum(eigenvalues, target, noise)


NOT_NUMBERS = ["1.0", b"1", None, True, 1j, [1.0], (1.0,), {}, {1.0}, np.bool_(True)]
NOT_FINITE = [float("nan"), float("inf"), -float("inf"), np.float64("nan"), np.array(np.inf)]


def cases():
    """(name of the argument, call, bad value, requirement) of every argument that is a number."""
    for kind in (features, regression):
        for bad in (0, -1, 0.0, -1e-300, *NOT_FINITE):
            yield "alpha", kind, bad, "positive finite number"
        for bad in NOT_FINITE:
            yield "beta", kind, bad, "finite number"
            yield "noise", kind, bad, "finite number"
        for bad in (-1, -1e-300):
            yield "noise", kind, bad, "at least 0"
        for bad in (0, -3, 0.0):
            yield "v", kind, bad, "at least 1"
        for bad in (20.5, np.float32(7.5), 1e-3):
            yield "v", kind, bad, "whole number"
        for bad in NOT_FINITE:
            yield "v", kind, bad, "finite number"
        for bad in (10**18 + 1, 2e18, 10**30):
            yield "v", kind, bad, "at most 1e+18"
    for bad in (0, -3):
        yield "d", features, bad, "at least 1"
    for bad in (5.5, 0.5):
        yield "d", features, bad, "whole number"
    for bad in NOT_FINITE:
        yield "d", features, bad, "finite number"
    for bad in (21, 10**6, 21.0):
        yield "d", lambda d: predict(features(d=d), STABLE, 10), bad, "not exceed v = 20"
        yield "d", lambda d: SGD.stable(features(d=d), 0.5), bad, "not exceed v = 20"
    for bad in (0, -0.1, *NOT_FINITE):
        yield "gamma", lambda gamma: SGD(gamma), bad, "positive finite number"
    for bad in (0, -8):
        yield "B", lambda B: SGD(0.1, B), bad, "at least 1"
        yield "B", lambda B: max_learning_rate(PLRF, B), bad, "at least 1"
        yield "B", lambda B: SGD.stable(PLRF, 0.5, B), bad, "at least 1"
    for bad in (1.5, np.float64(0.5)):
        yield "B", lambda B: SGD(0.1, B), bad, "whole number"
        yield "B", lambda B: max_learning_rate(PLRF, B), bad, "whole number"
        yield "B", lambda B: SGD.stable(PLRF, 0.5, B), bad, "whole number"
    for bad in NOT_FINITE:
        yield "B", lambda B: SGD(0.1, B), bad, "finite number"
    for bad in (0, -0.5, *NOT_FINITE):
        yield "fraction", lambda fraction: SGD.stable(PLRF, fraction), bad, "positive finite number"
    for run in (predict, expect):
        follow = lambda steps, run=run: run(REGRESSION, STABLE, steps)
        for bad in (-1, np.int64(-1)):
            yield "steps", follow, bad, "at least 0"
        for bad in (0.5, 10.25):
            yield "steps", follow, bad, "whole number"
        for bad in NOT_FINITE:
            yield "steps", follow, bad, "finite number"
        for bad in (10**15 + 1, 1e16, 10**30):
            yield "steps", follow, bad, "at most 1e+15"


@pytest.mark.parametrize(("name", "call", "bad", "must"), list(cases()))
def test_numbers_out_of_range(name, call, bad, must):
    with pytest.raises(ValueError) as caught:
        call(**{name: bad})
    shown = bad.item() if isinstance(bad, (np.generic, np.ndarray)) else bad
    message = str(caught.value)
    # The one grammar: requirement, value, and sometimes how to mend it.
    assert re.fullmatch(r"Argument `\w+` must [^,`]+, but is [^`]+\.( [A-Z].*\.)?", message)
    assert message.startswith(f"Argument `{name}` must ")
    assert must in message
    assert f", but is {shown!r}." in message


@pytest.mark.parametrize("bad", [np.int64(21), np.float64(21.0), np.array(21)])
def test_sizes_that_are_numpy_scalars(bad):
    with pytest.raises(ValueError, match=r"`d` must not exceed v = 20, but is 21(\.0)?\. "):
        max_learning_rate(features(d=bad))


@pytest.mark.parametrize("name", ["steps", "v"])
def test_integers_beyond_every_float(name):
    call = {"steps": lambda steps: predict(REGRESSION, STABLE, steps), "v": features}[name]
    with pytest.raises(ValueError, match=f"`{name}` must be at most"):
        call(**{name: 10**400})


@pytest.mark.parametrize("bad", NOT_NUMBERS, ids=repr)
@pytest.mark.parametrize(
    ("name", "call"),
    [
        *(("alpha", kind) for kind in (features, regression)),
        *(("beta", kind) for kind in (features, regression)),
        *(("v", kind) for kind in (features, regression)),
        *(("noise", kind) for kind in (features, regression)),
        ("d", features),
        ("B", lambda B: SGD(0.1, B)),
        ("B", lambda B: max_learning_rate(PLRF, B)),
        ("fraction", lambda fraction: SGD.stable(PLRF, fraction)),
        ("noise", lambda noise: spectrum([1.0, 0.5], noise=noise)),
    ],
)
def test_what_is_not_a_number(name, call, bad):
    with pytest.raises(TypeError) as caught:
        call(**{name: bad})
    message = str(caught.value)
    assert message.startswith(f"Argument `{name}` must be a real number, but is ")
    assert str(bad) in message


@pytest.mark.parametrize(
    "bad", [x for x in NOT_NUMBERS if not isinstance(x, list | tuple)], ids=repr
)
def test_what_is_not_a_rate(bad):
    """Lists are rates, one per step."""
    with pytest.raises(TypeError, match="`gamma` must be a real number, but is "):
        SGD(bad)


@pytest.mark.parametrize(
    ("eigenvalues", "target", "fragments"),
    [
        ([1.0, 0.0], [1.0, 1.0], ["`eigenvalues[1]`", "positive finite", "0.0"]),
        ([1.0, -0.5], [1.0, 1.0], ["`eigenvalues[1]`", "positive finite", "-0.5"]),
        ([np.nan, 0.5], [1.0, 1.0], ["`eigenvalues[0]`", "positive finite", "nan"]),
        ([1.0, np.inf], [1.0, 1.0], ["`eigenvalues[1]`", "positive finite", "inf"]),
        ([1.0, 0.5], [1.0, np.nan], ["`target[1]`", "finite", "nan"]),
        ([1.0, 0.5], [1.0], ["`target`", "as many entries as `eigenvalues` (2)", "1"]),
        ([1.0, 0.5], [1.0, 1.0, 1.0], ["`target`", "as many entries as `eigenvalues` (2)", "3"]),
        ([], [], ["`eigenvalues`", "non-empty", "(0,)"]),
        ([[1.0, 0.5]], [1.0, 1.0], ["`eigenvalues`", "one-dimensional", "(1, 2)"]),
        (1.0, [1.0], ["`eigenvalues`", "one-dimensional", "()"]),
        ([1.0, 0.5], [[1.0, 1.0]], ["`target`", "one-dimensional", "(1, 2)"]),
    ],
)
def test_spectra(eigenvalues, target, fragments):
    with pytest.raises(ValueError) as caught:
        spectrum(eigenvalues, target)
    assert all(fragment in str(caught.value) for fragment in fragments)


@pytest.mark.parametrize("bad", ["abc", [1.0, "x"], {"a": 1}, [1j, 1.0], [object(), 1.0]])
@pytest.mark.parametrize("name", ["eigenvalues", "target"])
def test_spectra_that_are_not_numbers(name, bad):
    arguments = {"eigenvalues": [1.0, 0.5], "target": [1.0, 1.0]} | {name: bad}
    with pytest.raises(TypeError, match=f"Argument `{name}` must be a one-dimensional array"):
        spectrum(**arguments)


@pytest.mark.parametrize("run", [predict, expect])
@pytest.mark.parametrize(
    ("steps", "fragments"),
    [
        ([], ["non-empty", "(0,)"]),
        ([[0, 1], [2, 3]], ["one-dimensional", "(2, 2)"]),
        ([0, 1, 1], ["strictly increasing", "[1, 1]", "np.unique"]),
        ([0, 5, 3], ["strictly increasing", "[5, 3]", "np.unique"]),
        ([-1, 0], ["between 0 and 1e+15", "-1"]),
        ([0, 0.5], ["whole numbers", "0.5"]),
        ([0.0, np.nan], ["`steps[1]`", "finite", "nan"]),
        ([0.0, np.inf], ["`steps[1]`", "finite", "inf"]),
        ([0, 10**15 + 1], ["between 0 and 1e+15", "1000000000000001"]),
        ([0, 1e18], ["between 0 and 1e+15", "1e+18"]),
    ],
)
def test_steps(run, steps, fragments):
    with pytest.raises(ValueError, match=r"Argument `steps") as caught:
        run(REGRESSION, STABLE, steps)
    assert all(fragment in str(caught.value) for fragment in fragments)


@pytest.mark.parametrize("run", [predict, expect])
@pytest.mark.parametrize("steps", ["100", b"10", None, ["a"], True, [0, 1j], {}])
def test_steps_that_are_not_numbers(run, steps):
    with pytest.raises(TypeError, match=r"Argument `steps` must be .*, but is"):
        run(REGRESSION, STABLE, steps)


class TestWrongKind:
    """What has another function of its own is pointed to it."""

    def test_predict_is_not_for_draws(self):
        with pytest.raises(TypeError, match=r"Argument `problem`.*expect\(draw"):
            predict(PLRF.draw(jax.random.key(0)), STABLE, [0, 1])

    @pytest.mark.parametrize("key", [0, None, "0", np.zeros(3)])
    def test_a_key_is_needed(self, key):
        for run in (
            lambda: simulate(key, REGRESSION, STABLE, 2),
            lambda: PLRF.draw(key),
            lambda: expect_ensemble(key, PLRF, STABLE, 2, draws=2),
        ):
            with pytest.raises(TypeError, match="`key` must be a random key, such as"):
                run()

    @pytest.mark.parametrize("key", [jax.random.key(0), jax.random.PRNGKey(0)])
    def test_keys_of_both_kinds_are_welcome(self, key):
        assert simulate(key, REGRESSION, STABLE, 2).risk.shape == (1, 3)

    def test_a_family_is_a_function(self):
        with pytest.raises(TypeError, match="`family` must be a function, but is PowerLaw"):
            frontier(PLRF, SGD.stable, [1e9])

    def test_expect_is_not_for_means_over_draws(self):
        with pytest.raises(TypeError, match=r"Argument `draw`.*predict"):
            expect(PLRF, STABLE, [0, 1])

    @pytest.mark.parametrize("run", [predict, expect])
    @pytest.mark.parametrize("bad", [None, 0.5, "plrf", (20, 5)])
    def test_a_problem_is_needed(self, run, bad):
        with pytest.raises(TypeError, match=r"Argument `(problem|draw)` must be"):
            run(bad, STABLE, [0, 1])

    @pytest.mark.parametrize("run", [predict, expect])
    @pytest.mark.parametrize("bad", [None, 0.1, "sgd"])
    def test_a_rule_is_needed(self, run, bad):
        with pytest.raises(TypeError, match="Argument `sgd` must be"):
            run(REGRESSION, bad, [0, 1])


@pytest.mark.parametrize("fraction", [1.0, 1.5, 1e6])
def test_learning_rates_at_the_threshold_and_above(fraction):
    for problem in (PLRF, REGRESSION):
        sgd = SGD.stable(problem, fraction)
        with pytest.raises(UnstableError, match=r"`sgd`.* gamma .*learning rate, .* for B = 1"):
            predict(problem, sgd, [0, 1])


@pytest.mark.parametrize("number", [int, float, np.int32, np.int64, np.float64, np.array])
def test_whole_numbers_of_any_type_are_welcome(number):
    for kind in (features, regression):
        problem = kind(v=number(20))
        assert problem.spectrum().multiplicity.sum() == pytest.approx(20)
        assert max_learning_rate(problem, number(2)) == max_learning_rate(kind(), 2)
    assert predict(REGRESSION, STABLE, number(2)).step.tolist() == [0, 1, 2]


def test_paths_that_lack_a_rule_say_which_they_have():
    cosine = SGD(Cosine(0.1, 100))
    with pytest.raises(ValueError, match="`rule` must give SGD of constant rate"):
        frontier(lambda d: replace(PLRF, v=4 * d, d=d), lambda _: cosine, [1e9])
    with pytest.raises(TypeError, match=r"`rule\(problem\)` must be a SGD"):
        frontier(lambda d: replace(PLRF, v=4 * d, d=d), lambda _: Momentum(0.01), [1e9])
    with pytest.raises(ValueError, match="`sgd` must have a constant rate here"):
        expect_ensemble(jax.random.key(0), PLRF, cosine, 10, draws=2)
    with pytest.raises(TypeError, match="`sgd` must be a SGD"):
        expect_ensemble(jax.random.key(0), PLRF, Momentum(0.01), 10, draws=2)
