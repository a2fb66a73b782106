"""Samples of several qualities and data of several domains: references, identities, runs."""

import itertools
from dataclasses import replace

import jax
import numpy as np
import pytest

from solvable import (
    SGD,
    Averaged,
    LabelMixture,
    Momentum,
    PowerLaw,
    UnstableError,
    expect,
    predict,
    simulate,
)
from solvable.design import optimal_proportions, optimal_weights
from solvable.dynamics import expect_domains, octaves
from solvable.dynamics.recursion import changes, pull
from solvable.models import Domains
from solvable.models.thresholds import largest

REGRESSION = PowerLaw(alpha=0.75, beta=0.15, v=32)
J = np.arange(1.0, 25.0)


def two_domains(share=0.5):
    """Of the reference: spectra j^-1.5 and 1/(2j), the second target 30 per cent off."""
    first = np.sqrt(J**-1.8 / J**-1.5)
    second = first * (1 + 0.3 * np.random.default_rng(1).standard_normal(24))
    return Domains(
        eigenvalues=[J**-1.5, 0.5 / J],
        target=[first, second],
        noise=[0.1, 0.3],
        proportion=[share, 1 - share],
    )


# Kinds of samples


@pytest.mark.parametrize(
    ("mixture", "excess"),
    [
        (LabelMixture(SGD(0.15), [0.05, 2.0], [0.2, 0.8]), 0.428634),
        (LabelMixture(SGD(0.15, 4), [0.0, 1.0], [0.5, 0.5], [1.5, 0.2]), 0.094283),
    ],
)
def test_reference_values_of_labels(mixture, excess):
    assert predict(REGRESSION, mixture, [150]).excess[0] == pytest.approx(excess, abs=6e-7)


@pytest.mark.parametrize(
    "rule", [SGD(0.2), SGD(np.full(300, 0.2), 4), Momentum(0.02, 0.9), Averaged(SGD(0.1), ema=0.9)]
)
def test_kinds_that_are_alike_are_no_mixture(rule):
    """Extra noise on all is noise of the problem."""
    steps = [1, 10, 300]
    mixture = LabelMixture(rule, [0.3, 0.3], [0.4, 0.6])
    plain = predict(replace(REGRESSION, noise=0.5), rule, steps).excess
    mixed = predict(replace(REGRESSION, noise=0.2), mixture, steps)
    np.testing.assert_allclose(mixed.excess, plain, rtol=1e-8)  # blocks against inversion
    np.testing.assert_allclose(mixed.risk - mixed.excess, 0.2, rtol=1e-12)  # of the problem


def test_one_weight_is_a_learning_rate():
    mixture = LabelMixture(SGD(0.1, 3), [0.1, 0.2], [0.5, 0.5], [2.0, 2.0])
    same = LabelMixture(SGD(0.2, 3), [0.1, 0.2], [0.5, 0.5])
    one, two = (predict(REGRESSION, rule, [3, 300]).excess for rule in (mixture, same))
    np.testing.assert_allclose(one, two, rtol=1e-12)


@pytest.mark.parametrize("B", [1, 5, 100])
def test_the_threshold_is_where_the_update_has_radius_one(B, x64):
    mixture = LabelMixture(SGD(1.0, B), [0.1, 1.0], [0.3, 0.7], [1.0, 0.2])
    modes = REGRESSION.spectrum()
    like = mixture.equivalent
    gamma = float(largest(modes, 0.0, like.B) / like.gamma)
    A, b = np.ones((1, 1)), np.array([-gamma])
    own = changes(A, b, modes.lam, B, mixture.omega)[:, 0, 0]
    fed = mixture.omega[1] * np.asarray(pull(b, modes.lam, modes.multiplicity, B)[0])
    update = np.diag(1 + own) + np.outer(fed, np.ones(32))
    assert np.abs(np.linalg.eigvals(update)).max() == pytest.approx(1, abs=1e-12)
    at = replace(mixture, rule=SGD(gamma, B))
    assert octaves.kernel(modes, at) == pytest.approx(1, rel=1e-9)
    with pytest.raises(UnstableError):
        predict(REGRESSION, replace(mixture, rule=SGD(1.01 * gamma, B)), 10)


def test_features_of_a_mixture():
    """The equivalent against the mean over draws, and one draw against runs of both engines."""
    problem = PowerLaw(alpha=0.75, beta=0.15, v=60, d=20, noise=0.1)
    mixture, steps = LabelMixture(SGD(0.1, 8), [0.0, 1.0], [0.5, 0.5], [1.0, 0.3]), [10, 100]
    draws = [problem.draw(jax.random.key(n)) for n in range(60)]
    relative = np.array([expect(draw, mixture, steps).excess for draw in draws])
    relative = relative / predict(problem, mixture, steps).excess - 1
    error = relative.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert np.abs(relative.mean(axis=0) / error).max() < 3.5  # and of 1/d, which is as small
    assert error.max() < 0.03
    exact = expect(draws[0], mixture, steps).risk
    for engine in ("modes", "features"):
        runs = simulate(jax.random.key(1), draws[0], mixture, steps, seeds=400, engine=engine)
        assert np.abs((runs.mean - exact) / runs.standard_error).max() < 4
        assert (runs.standard_error / exact).max() < 0.02


def test_the_best_weight_is_the_ratio_of_variances_where_noise_decides():
    """(0.5, 2): a quarter, a little more as samples are few; its excess below all on a grid."""
    mixture = LabelMixture(SGD(0.1), [0.5, 2.0], [0.2, 0.8])
    best, excess = optimal_weights(REGRESSION, mixture, steps=2000)
    assert best.weight[0] == 1 and 0.25 < best.weight[1] < 0.32
    assert excess == pytest.approx(predict(REGRESSION, best, [2000]).excess[0], rel=1e-12)
    for weight in (0.2, 0.4):
        for gamma in (0.04, 0.06, 0.09):
            other = LabelMixture(SGD(gamma), [0.5, 2.0], [0.2, 0.8], [1.0, weight])
            assert predict(REGRESSION, other, [2000]).excess[0] > excess


THREE = LabelMixture(SGD(0.01, 4), [0.1, 1.0, 10.0], [0.1, 0.3, 0.6])
SMALL = PowerLaw(alpha=0.75, beta=0.15, v=20, noise=0.05)


def test_the_best_weights_of_three_kinds():
    """Against the value of an independent search, and no weight can be changed for the better.

    Each logarithm is known to 10^-4 or so, where the excess changes by its square.
    """
    best, excess = optimal_weights(SMALL, THREE, 300)
    assert excess == pytest.approx(0.0715927, rel=1e-6)
    logs = np.log([*best.weight, best.rule.gamma])

    def at(x):
        *weight, gamma = np.exp(x)
        rule = LabelMixture(SGD(gamma, 4), THREE.noise, THREE.probability, weight)
        return np.log(predict(SMALL, rule, [300]).excess[0])

    for unit in np.eye(4) * 1e-3:
        assert abs(at(logs + unit) - at(logs - unit)) / 2e-3 < 1e-5
        assert min(at(logs + 100 * unit), at(logs - 100 * unit)) > np.log(excess)


def test_alike_kinds_have_equal_weights_and_pure_ones_the_best():
    alike, _ = optimal_weights(SMALL, LabelMixture(SGD(0.1), [1.0, 1.0], [0.3, 0.7]), 100)
    assert alike.weight.tolist() == [1.0, 1.0]
    pure, _ = optimal_weights(
        replace(SMALL, noise=0.0), LabelMixture(SGD(0.1), [1e6, 0.0], [0.3, 0.7]), 100
    )
    assert pure.weight[1] == 1 and pure.weight[0] < 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probability": [0.5, 0.6]}, "`probability` must sum to one"),
        ({"probability": [-0.5, 1.5]}, r"`probability\[0\]` must not be negative, but is -0.5"),
        ({"weight": [1.0, -1.0]}, r"`weight\[1\]` must not be negative, but is -1.0"),
        ({"weight": [0.0, 0.0]}, "`weight` must not be zero for every kind"),
        ({"noise": [-0.1, 1.0]}, r"`noise\[0\]` must not be negative"),
        ({"weight": [1.0]}, r"`weight` must have as many entries as `noise` \(2\)"),
        ({"noise": [np.nan, 1.0]}, r"`noise\[0\]` must be a finite number"),
    ],
)
def test_bad_labels(change, message):
    arguments = dict(noise=[0.1, 1.0], probability=[0.5, 0.5], weight=[1.0, 1.0])
    with pytest.raises(ValueError, match=message):
        LabelMixture(SGD(0.1), **arguments | change)


def test_what_is_no_rule():
    with pytest.raises(TypeError, match="`rule` must be a training rule"):
        LabelMixture("sgd", [0.1], [1.0])
    mixture = LabelMixture(Averaged(SGD(0.1), ema=0.9), [0.1, 1.0], [0.5, 0.5])
    with pytest.raises(ValueError, match="`mixture` must be of SGD or Momentum with a constant"):
        optimal_weights(REGRESSION, mixture, 100)


# Domains


def test_other_domains_help_early():
    early, late = (optimal_proportions(two_domains(), SGD(0.12, 4), t) for t in (100, 3000))
    assert early[0].proportion[0] < 0.9 < 0.99 < late[0].proportion[0]
    for domains, _ in (early, late):
        assert domains.proportion.sum() == pytest.approx(1, rel=1e-12)
    half = expect_domains(two_domains(), SGD(0.12, 4), [100]).excess[0, 0]
    assert early[1] < half


def test_contradicting_domains_are_left_out():
    three = Domains(
        eigenvalues=[J**-1.5] * 3,
        target=[J**-0.1, -(J**-0.1), J**-0.1],
        noise=[0.5, 0.5, 0.01],
        proportion=[0.4, 0.3, 0.3],
    )  # the third is the first, with less noise; the second contradicts it
    best, _ = optimal_proportions(three, SGD(0.1), 300)
    assert best.proportion.tolist() == pytest.approx([0, 0, 1], abs=1e-9)


@pytest.mark.parametrize("last", [30, 300])
def test_the_best_proportions_of_many_domains(last):
    """No small change helps, to first order, and no mixture of a grid is better."""
    rng = np.random.default_rng(3)
    domains = Domains(
        eigenvalues=J**-1.5 * np.exp(0.3 * rng.standard_normal((4, 24))),
        target=J**-0.1 * (1 + 0.3 * rng.standard_normal((4, 24))),
        noise=[0.5, 0.5, 0.01, 0.2],
        proportion=[0.25] * 4,
    )
    best, excess = optimal_proportions(domains, SGD(0.1), last, domain=1)
    at = lambda h: expect_domains(replace(domains, proportion=h), SGD(0.1), [last]).excess[1, 0]
    assert excess == pytest.approx(at(best.proportion), rel=1e-12)
    for unit in np.eye(4):
        towards = lambda x, unit=unit: at((1 - x) * best.proportion + x * unit)
        # A step of 10^-4 changes the second order by 10^-8.
        assert towards(1e-4) > excess * (1 - 1e-8)
    tenths = [np.array(h) / 10 for h in itertools.product(range(11), repeat=4) if sum(h) == 10]
    assert min(map(at, tenths)) > excess


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (None, TypeError, "`steps` must be a real number"),
        ([1, 2], TypeError, "`steps` must be a real number"),
        (np.nan, ValueError, "`steps` must be a finite number"),
        (-1, ValueError, "`steps` must be at least 1"),
        (2.5, ValueError, "`steps` must be a whole number"),
        (30, ValueError, "`gamma` must have one rate for each of the 30 steps"),
    ],
)
def test_a_bad_horizon_of_domains(steps, error, message):
    """An error is never taken for a risk."""
    with pytest.raises(error, match=message):
        optimal_proportions(two_domains(), SGD(np.full(10, 0.1)), steps)


def test_domains_that_diverge_or_are_not_there():
    with pytest.raises(ValueError, match="`rule` must keep the expected risk finite"):
        optimal_proportions(two_domains(), SGD(50.0), 1000)
    with pytest.raises(ValueError, match="`domain` must be at most 1, but is 2"):
        optimal_proportions(two_domains(), SGD(0.1), 10, domain=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"proportion": [0.5, 0.6]}, "`proportion` must sum to one"),
        ({"proportion": [1.5, -0.5]}, r"`proportion\[1\]` must not be negative, but is -0.5"),
        ({"noise": [0.1]}, "`noise` must have one entry for each of the 2 domains"),
        ({"noise": [0.1, -1.0]}, r"`noise\[1\]` must not be negative"),
        ({"eigenvalues": [J, J[:3]]}, "`eigenvalues` must have as many modes in every domain"),
        ({"target": [J[:3], J[:3]]}, r"`target` must have the shape of `eigenvalues`, \(2, 24\)"),
        ({"eigenvalues": [J, -J]}, r"`eigenvalues\[1\]\[0\]` must be a positive finite number"),
        ({"eigenvalues": 3.0}, "`eigenvalues` must have one row of numbers for each domain"),
    ],
)
def test_bad_domains(change, message):
    arguments = dict(
        eigenvalues=[1 / J, 1 / J], target=[J, J], noise=[0.1, 0.1], proportion=[0.5, 0.5]
    )
    with pytest.raises(ValueError, match=message):
        Domains(**arguments | change)


def test_an_average_may_go_around_a_mixture_or_inside():
    mixture = LabelMixture(SGD(0.1), [0.1, 1.0], [0.5, 0.5])
    outside, inside = (
        Averaged(mixture, ema=0.9),
        LabelMixture(Averaged(SGD(0.1), ema=0.9), [0.1, 1.0], [0.5, 0.5]),
    )
    noisy = predict(replace(REGRESSION, noise=0.55), inside.rule, [60]).excess  # single steps
    for rule in (outside, inside):
        np.testing.assert_allclose(predict(REGRESSION, rule, [60]).excess, noisy, rtol=1e-12)
