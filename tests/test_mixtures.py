"""Samples of several qualities and data of several domains: references, identities, runs."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from solvable import (
    SGD,
    Averaged,
    Domains,
    LabelMixture,
    LinearRegression,
    Momentum,
    PowerLaw,
    UnstableError,
    expect,
    expect_domains,
    optimal_proportions,
    optimal_weights,
    predict,
    simulate,
    simulate_domains,
    stability,
)
from solvable.dynamics import octaves
from solvable.dynamics.recursion import changes, pull
from solvable.models.thresholds import largest

REGRESSION = LinearRegression(alpha=0.75, beta=0.15, v=32)
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
    with pytest.raises(TypeError, match="`rule` must be a SGD or"):
        LabelMixture("sgd", [0.1], [1.0])
    mixture = LabelMixture(Averaged(SGD(0.1), ema=0.9), [0.1, 1.0], [0.5, 0.5])
    with pytest.raises(ValueError, match="`mixture` must be of SGD or Momentum with a constant"):
        optimal_weights(REGRESSION, mixture, 100)
    with pytest.raises(ValueError, match="`rule` must be SGD or Momentum of constant rate"):
        stability(REGRESSION, mixture)


# Domains


@pytest.mark.parametrize(
    ("share", "B", "excess"),
    [(0.5, 1, (0.110933, 0.168018)), (0.8, 4, (0.076538, 0.171345))],
)
def test_reference_values_of_domains(share, B, excess):
    found = expect_domains(two_domains(share), SGD(0.12, B), [150]).excess[:, 0]
    np.testing.assert_allclose(found, excess, atol=6e-7)


@pytest.mark.parametrize("B", [1, 7])
def test_one_domain_is_linear_regression(B):
    problem = LinearRegression.from_spectrum(J**-1.5, J**-0.1, noise=0.2)
    domain = Domains(eigenvalues=[J**-1.5], target=[J**-0.1], noise=[0.2], proportion=[1.0])
    steps = [0, 1, 5, 700]
    found = expect_domains(domain, SGD(0.2, B), steps)
    curve = expect(problem, SGD(0.2, B), steps)
    np.testing.assert_allclose(found.excess[0], curve.excess, rtol=1e-11)
    np.testing.assert_allclose(found.risk[0], curve.risk, rtol=1e-11)


def test_a_domain_without_samples_does_not_matter():
    """Nor does it matter that there are two, if they are alike."""
    rule, steps = SGD(0.12, 4), [1, 150]
    alone = expect_domains(two_domains(1.0), rule, steps).excess[0]
    single = Domains(eigenvalues=[J**-1.5], target=[J**-0.15], noise=[0.1], proportion=[1.0])
    twice = Domains(
        eigenvalues=[J**-1.5] * 2, target=[J**-0.15] * 2, noise=[0.1] * 2, proportion=[0.3, 0.7]
    )
    for domains in (single, twice):
        excess = expect_domains(domains, rule, steps).excess
        np.testing.assert_allclose(excess, np.broadcast_to(alone, excess.shape), rtol=1e-12)


@pytest.mark.parametrize(("share", "B"), [pytest.param(0.5, 1, marks=pytest.mark.slow), (0.8, 4)])
def test_runs_on_domains(share, B):
    domains, steps = two_domains(share), [10, 150]
    exact = expect_domains(domains, SGD(0.12, B), steps).excess
    runs = simulate_domains(jax.random.key(2), domains, SGD(0.12, B), steps, seeds=4000)
    error = runs.std(axis=0, ddof=1) / np.sqrt(4000)
    assert np.abs((runs.mean(axis=0) - exact) / error).max() < 4
    assert (error / exact).max() < 0.02


def test_schedules_on_domains():
    """More steps than are taken in one call."""
    domains, last = two_domains(), 2**14 + 100
    gamma = 0.12 * (1 - np.arange(last) / last)
    found = expect_domains(domains, SGD(gamma), [last - 1, last]).excess
    assert found[0, 1] < found[0, 0] < expect_domains(domains, SGD(0.12), [last]).excess[0, 0]


def test_other_domains_help_early():
    early, late = (optimal_proportions(two_domains(), SGD(0.12, 4), t) for t in (100, 3000))
    assert early[0].proportion[0] < 0.9 < 0.99 < late[0].proportion[0]
    for domains, _ in (early, late):
        assert domains.proportion.sum() == pytest.approx(1, rel=1e-12)
    half = expect_domains(two_domains(), SGD(0.12, 4), [100]).excess[0, 0]
    assert early[1] < half
    three = Domains(
        eigenvalues=[J**-1.5] * 3,
        target=[J**-0.1, -(J**-0.1), J**-0.1],
        noise=[0.5, 0.5, 0.01],
        proportion=[0.4, 0.3, 0.3],
    )  # the third is the first, with less noise; the second contradicts it
    best, _ = optimal_proportions(three, SGD(0.1), 300)
    assert best.proportion[2] > 0.9


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


def test_domains_that_diverge():
    with pytest.raises(ValueError, match="`sgd` must keep the expected risk finite"):
        expect_domains(two_domains(), SGD(50.0), 1000)
    with pytest.raises(ValueError, match="`domain` must be at most 1, but is 2"):
        optimal_proportions(two_domains(), SGD(0.1), 10, domain=2)


def test_a_mixture_goes_around_an_average():
    """The other way round, the average would not know of the kinds."""
    mixture = LabelMixture(SGD(0.1), [0.1, 1.0], [0.5, 0.5])
    with pytest.raises(TypeError, match=r"`rule` must be a SGD or .* but is LabelMixture"):
        Averaged(mixture, ema=0.9)
    average = Averaged(SGD(0.1), ema=0.9)
    around = LabelMixture(average, [0.1, 1.0], [0.5, 0.5])
    noisy = predict(replace(REGRESSION, noise=0.55), average, [60]).excess  # single steps
    np.testing.assert_allclose(predict(REGRESSION, around, [60]).excess, noisy, rtol=1e-12)
