"""Our conventions, pinned by value: public codes for the same models differ by factors."""

import dataclasses
import itertools
import math

import jax
import mpmath
import numpy as np
import pytest

from solvable import SGD, Curve, PowerLaw, Spectrum, expect, predict

STEPS = np.arange(8)  # everywhere, so that compiled programs are shared

PLANE = pytest.mark.parametrize(
    ("alpha", "beta"),  # both sides of 2 alpha = 1 and of 2 beta = 1
    [(1.0, 0.3), (1.0, 0.7), (0.7, 1.2), (0.4, 0.4), (0.4, 0.8), (0.3, -0.1)],
)


def truncated_zeta(s: float, v: int) -> float:
    """The sum of j^-s over j = 1, ..., v."""
    with mpmath.workdps(40):
        return float(mpmath.zeta(s) - mpmath.zeta(s, v + 1))


def sgd_step_by_integration(scale, W, b, noise, gamma, B):
    """E P(theta_1) - noise, from the definitions, integrated exactly over the batch.

    P(theta_1) is of degree four in every Gaussian variable, so three Gauss-Hermite nodes in
    each are exact. No moment formula is used.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    v = len(scale)
    total = 0.0
    for pick in itertools.product(range(3), repeat=B * (v + 1)):
        z = nodes[list(pick)].reshape(B, v + 1)
        x = z[:, :v] * scale
        y = x @ b + math.sqrt(noise) * z[:, v]
        phi = x @ W
        theta = -gamma * np.mean(phi * (phi @ np.zeros(W.shape[1]) - y)[:, None], axis=0)
        total += weights[list(pick)].prod() * np.sum((scale * (W @ theta - b)) ** 2)
    return total


@PLANE
@pytest.mark.parametrize("v", [1, 40, 1600, 10**6])
def test_initial_risk_is_a_sum_to_v_inclusive_without_one_half(alpha, beta, v):
    closed_form = truncated_zeta(2 * (alpha + beta), v)
    regression = PowerLaw(alpha=alpha, beta=beta, v=v)
    features = PowerLaw(alpha=alpha, beta=beta, v=v, d=1)
    assert float(regression.spectrum().weight.sum()) == pytest.approx(closed_form, rel=1e-12)
    assert float(features.spectrum().weight.sum()) == pytest.approx(closed_form, rel=1e-12)


@pytest.mark.parametrize(
    "curve",
    [
        lambda problem: expect(problem.draw(jax.random.key(0)), SGD(0.1), STEPS),
        lambda problem: predict(dataclasses.replace(problem, d=None), SGD(0.1), STEPS),
        pytest.param(lambda problem: predict(problem, SGD(0.1), STEPS), marks=pytest.mark.slow),
    ],
    ids=["expect", "predict", "predict features"],
)
def test_initial_risk_is_the_same_whatever_computes_it(curve):
    found = curve(PowerLaw(alpha=0.7, beta=0.3, v=40, d=40, noise=0.2))
    assert found.excess[0] == pytest.approx(truncated_zeta(2, 40), rel=1e-12)
    assert found.risk[0] == pytest.approx(truncated_zeta(2, 40) + 0.2, rel=1e-12)


@pytest.mark.parametrize("B", [1, 2])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_one_step_of_sgd_from_its_definition(B, noise):
    problem = PowerLaw(alpha=0.8, beta=0.4, v=3, d=2, noise=noise)
    draw = problem.draw(jax.random.key(1))
    j = np.arange(1.0, 4.0)
    by_hand = sgd_step_by_integration(j**-0.8, draw.W, j**-0.4, noise, 0.11, B)
    after_one = expect(draw, SGD(0.11, B), STEPS).excess[1]
    assert after_one == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("B", [1, 7, 400])
def test_gamma_multiplies_the_mean_over_the_batch(B):
    """One coordinate: theta_1 - b = -(1 - gamma lam chi2_B / B) b, and chi2_B has known moments."""
    lam, b, gamma = 0.5, 3.0, 0.2
    problem = Spectrum([lam], target=[b])
    closed_form = lam * b**2 * (1 - 2 * gamma * lam + (gamma * lam) ** 2 * (1 + 2 / B))
    assert predict(problem, SGD(gamma, B), STEPS).risk[1] == pytest.approx(closed_form, rel=1e-12)


def test_noise_is_a_variance_and_part_of_the_risk_but_not_of_the_excess():
    """With nothing to learn, one step fits the noise of one batch."""
    lam, noise, gamma, B = np.array([1.0, 0.1]), 0.36, 0.1, 4
    problem = Spectrum(lam, target=np.zeros(2), noise=noise)
    curve = predict(problem, SGD(gamma, B), STEPS)
    assert curve.excess[0] == pytest.approx(0, abs=1e-15)  # the noise is 0.36
    assert curve.excess[1] == pytest.approx(gamma**2 / B * noise * np.sum(lam**2), rel=1e-12)
    np.testing.assert_array_equal(curve.risk, curve.excess + noise)


@pytest.mark.parametrize("d", [None, 5])
def test_covariance_eigenvalues_are_j_to_the_minus_2_alpha(d):
    modes = PowerLaw(alpha=0.6, beta=0.9, v=30, d=d).spectrum()
    j = np.arange(1.0, 31.0)
    lam, weight = (
        np.asarray(x)[np.asarray(modes.multiplicity) > 0] for x in (modes.lam, modes.weight)
    )
    np.testing.assert_allclose(lam, j**-1.2, rtol=1e-14)
    np.testing.assert_allclose(weight, j**-3.0, rtol=1e-14)


def test_coordinates_are_standard_deviations_and_target_coefficients():
    scale, target = PowerLaw(alpha=0.6, beta=0.9, v=30, d=5).coordinates()
    j = np.arange(1.0, 31.0)
    np.testing.assert_allclose(scale, j**-0.6, rtol=1e-14)
    np.testing.assert_allclose(target, j**-0.9, rtol=1e-14)


def test_features_have_variance_one_over_d():
    v, d = 1600, 400
    W = PowerLaw(alpha=1.0, beta=0.3, v=v, d=d).draw(jax.random.key(0)).W
    assert W.shape == (v, d) and W.dtype == np.float64
    sem = math.sqrt(2 / W.size)  # of the mean of chi-squared variables with one degree
    assert abs(d * np.mean(W**2) - 1) < 5 * sem
    assert abs(np.mean(W) * math.sqrt(d * W.size)) < 5
    assert abs(np.mean((d * W**2) ** 2) / 3 - 1) < 5 * math.sqrt(32 / 3 / W.size)  # Gaussian
    assert sem < 0.002  # power: neither 1/v nor 1/(d + 1) could hide


def test_modes_of_a_draw_are_those_of_the_feature_covariance():
    problem = PowerLaw(alpha=0.6, beta=0.9, v=30, d=5, noise=0.1)
    draw = problem.draw(jax.random.key(3))
    j = np.arange(1.0, 31.0)
    covariance = draw.W.T @ np.diag(j**-1.2) @ draw.W
    best = np.linalg.solve(covariance, draw.W.T @ (j**-1.2 * j**-0.9))
    floor = np.sum(j**-1.2 * (draw.W @ best - j**-0.9) ** 2)
    modes = draw.modes
    eigenvalues = np.linalg.eigvalsh(covariance)[::-1]
    np.testing.assert_allclose(modes.lam, eigenvalues, rtol=1e-12)
    assert modes.floor == pytest.approx(floor, rel=1e-12)
    assert modes.noise == 0.1


def test_a_key_means_one_draw_whatever_the_precision():
    problem, key = PowerLaw(alpha=0.6, beta=0.9, v=30, d=5), jax.random.key(3)
    with jax.enable_x64(True):
        in_64_bits = problem.draw(key).W
    np.testing.assert_array_equal(problem.draw(key).W, in_64_bits)


@pytest.mark.parametrize(
    ("problem", "size"),
    [
        (PowerLaw(alpha=1.0, beta=0.3, v=10**12, d=10**9), 10**9),
        (PowerLaw(alpha=1.0, beta=0.3, v=10**12), 10**12),
        (Spectrum([1.0, 0.5], target=[1.0, 1.0]), 2),
    ],
)
def test_compute_counts_features_times_samples(problem, size):
    """... up to 10^30 flops, where integers of 64 bits would have wrapped."""
    step = np.array([0, 10, 10**15])
    curve = Curve(x=step, excess=np.ones(3), problem=problem, rule=SGD(gamma=0.01, B=1000))
    np.testing.assert_array_equal(curve.flops, [0, size * 1e4, size * 1e18])
