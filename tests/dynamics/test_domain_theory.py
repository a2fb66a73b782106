"""Risks of several domains: plain second moments in 60 digits, other theory, and literal runs."""

import jax
import mpmath
import numpy as np
import pytest

from solvable import SGD, Spectrum, expect
from solvable.dynamics import expect_domains
from solvable.dynamics.domain_theory import final_excess_by_proportion
from solvable.models import Domains
from solvable.simulation import simulate_domains

J = np.arange(1.0, 25.0)
K = np.arange(1.0, 7.0)


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


def plain_second_moments(domains, gamma, B, steps, digits=300):
    """u = E theta and S = E theta^2 as they stand in any derivation, with their cancellations."""
    with mpmath.workdps(digits):
        number = lambda x: mpmath.mpf(float(x))
        lam, w = ([[number(x) for x in row] for row in x] for x in (domains[0], domains[1]))
        noise, h = ([number(x) for x in row] for row in (domains[2], domains[3]))
        gamma, B, kinds = number(gamma), number(B), range(len(h))
        mean = [sum(h[k] * lam[k][i] for k in kinds) for i in range(len(lam[0]))]
        r = [sum(h[k] * lam[k][i] * w[k][i] for k in kinds) for i in range(len(mean))]
        u = S = [mpmath.mpf(0)] * len(mean)
        found, every = [], range(len(mean))
        for t in range(max(steps) + 1):
            e = [[S[i] - 2 * w[k][i] * u[i] + w[k][i] ** 2 for i in every] for k in kinds]
            P = [sum(x * y for x, y in zip(lam[k], e[k], strict=True)) for k in kinds]
            if t in steps:
                found.append([float(x) for x in P])
            own = [
                sum(h[k] * lam[k][i] * (2 * lam[k][i] * e[k][i] + P[k] + noise[k]) for k in kinds)
                for i in every
            ]
            square = [mean[i] ** 2 * S[i] - 2 * mean[i] * r[i] * u[i] + r[i] ** 2 for i in every]
            S = [
                S[i]
                - 2 * gamma * (mean[i] * S[i] - r[i] * u[i])
                + gamma**2 * (own[i] / B + (1 - 1 / B) * square[i])
                for i in every
            ]
            u = [u[i] - gamma * (mean[i] * u[i] - r[i]) for i in every]
        return np.array(found).T


OFF = np.random.default_rng(0).standard_normal(6)
PARTS = {
    "one target, no noise": ([K**-1.5, 0.5 / K], [K**-0.2] * 2, [0.0, 0.0], [0.5, 0.5], 0.3, 1000),
    "targets apart": (
        [K**-1.5, 0.5 / K],
        [K**-0.2, K**-0.2 * (1 + 0.3 * OFF)],
        [0.1, 0.3],
        [0.25, 0.75],
        0.12,
        1,
    ),
    "targets hardly apart": (
        [K**-1.5, 0.5 / K],
        [K**-0.2, K**-0.2 * (1 + 1e-9 * OFF)],
        [0.0, 0.0],
        [0.25, 0.75],
        0.3,
        64,
    ),
    "fast": ([np.full(6, 1.0)] * 2, [K**-0.2] * 2, [0.0, 0.0], [0.5, 0.5], 0.9, 10**9),
}


@pytest.mark.parametrize("name", PARTS)
def test_no_digit_is_lost_as_the_risk_becomes_small(name):
    """Risks down to 10^-80, positive and within the stated error."""
    *parts, gamma, B = PARTS[name]
    steps = [0, 1, 7, 40] if name == "fast" else [0, 1, 30, 400]
    names = ("eigenvalues", "target", "noise", "proportion")
    domains = Domains(**dict(zip(names, parts, strict=True)))
    found = expect_domains(domains, SGD(gamma, B), steps)
    expected = plain_second_moments(parts, gamma, B, steps)
    assert (found.excess > 0).all()
    assert np.abs(found.excess / expected - 1).max() < found.error < 1e-11


@pytest.mark.parametrize(
    ("share", "B", "excess"),
    [(0.5, 1, (0.110933, 0.168018)), (0.8, 4, (0.076538, 0.171345))],
)
def test_reference_values_of_domains(share, B, excess):
    found = expect_domains(two_domains(share), SGD(0.12, B), [150]).excess[:, 0]
    np.testing.assert_allclose(found, excess, atol=6e-7)


@pytest.mark.parametrize("B", [1, 7])
def test_one_domain_is_linear_regression(B):
    problem = Spectrum(J**-1.5, J**-0.1, noise=0.2)
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
    final = final_excess_by_proportion(domains, SGD(gamma), last)[0]
    np.testing.assert_allclose(final, found[:, 1], rtol=1e-12)


def test_derivatives_by_the_proportions():
    """Central differences, whose error is that of rounding over twice the step."""
    domains, rule = two_domains(0.3), SGD(0.12 * np.linspace(1.5, 0, 200))
    excess, slopes = final_excess_by_proportion(domains, rule, 200)
    np.testing.assert_allclose(excess, expect_domains(domains, rule, [200]).excess[:, 0], 1e-12)
    at = lambda h: expect_domains(two_domains(h[0] / sum(h)), rule, [200]).excess[:, 0]
    for j, unit in enumerate(np.eye(2) * 1e-5):
        expected = (at(domains.proportion + unit) - at(domains.proportion - unit)) / 2e-5
        np.testing.assert_allclose(slopes[j], expected, rtol=1e-7)


def test_domains_that_diverge():
    with pytest.raises(ValueError, match="`rule` must keep the expected risk finite"):
        expect_domains(two_domains(), SGD(50.0), 1000)
