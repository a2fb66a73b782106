"""The recursion of the modes, against matrices that know nothing of modes."""

import jax
import numpy as np
import pytest

from solvable import SGD, Modes, PowerLaw, Spectrum, expect
from solvable.dynamics.recursion import rate, stepping
from solvable.models.thresholds import largest

STEPS = np.array([0.0, 1.0, 2.0, 3.0, 10.0, 50.0, 200.0, 500.0])


def moments_of_the_error(problem, W, gamma, B, steps):
    """E P(theta_t) - noise, from the second moment of r = W theta - b in all v coordinates.

    One step is r <- r - gamma W W' mean_i x_i (x_i' r - e_i), and by Isserlis' theorem
    E x x' R x x' = 2 D R D + Tr(D R) D. Neither eigenvalues nor modes appear.
    """
    scale, b = problem.coordinates()
    D, G, R = np.diag(scale**2), W @ W.T, np.outer(b, b)
    excess = []
    for _ in range(int(max(steps)) + 1):
        risk = np.trace(D @ R) + problem.noise
        excess.append(risk - problem.noise)
        DRD = D @ R @ D
        gradients = (2 * DRD + risk * D) / B + (1 - 1 / B) * DRD
        R = R - gamma * (G @ D @ R + R @ D @ G) + gamma**2 * G @ gradients @ G
    return np.array(excess)[np.asarray(steps, int)]


@pytest.mark.parametrize("noise", [0.0, 0.2])
@pytest.mark.parametrize("B", [1, 3, 100])
def test_the_diagonal_of_the_second_moment_closes(B, noise):
    """The full v x v second moment, stepped, against the d modes."""
    problem = PowerLaw(alpha=0.6, beta=0.4, v=50, d=40, noise=noise)
    draw = problem.draw(jax.random.key(B))
    sgd = SGD.stable(draw, 0.7, B)
    full = moments_of_the_error(problem, draw.W, sgd.gamma, B, STEPS)
    np.testing.assert_allclose(expect(draw, sgd, STEPS).excess, full, rtol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.2])
@pytest.mark.parametrize("B", [1, 8, 1000])
@pytest.mark.parametrize("fraction", [0.1, 0.9, 1.05])
def test_stepping_is_a_matrix_power(x64, matrix_powers, B, fraction, noise):
    """... below the threshold and above it, where the recursion is all there is."""
    modes = Modes(
        lam=np.array([1.0, 0.5, 0.5, 1e-3, 0.0]),
        weight=np.array([0.3, 1.0, 0.2, 0.1, 0.05]),
        multiplicity=np.array([1.0, 2.0, 1.0, 30.0, 0.0]),
        floor=0.01,
        noise=noise,
    )
    gamma = fraction * float(largest(modes, 0.0, 1.0 * B))
    excess = stepping(STEPS, modes, SGD(gamma, B))
    np.testing.assert_allclose(excess, matrix_powers(modes, gamma, B, STEPS), rtol=1e-12)


def one_mode(lam, m, floor, noise, gamma, B, steps):
    """The recursion, written out for one eigenvalue."""
    excess = []
    for _ in range(steps):
        excess.append(floor + m)
        mean, spread = (1 - gamma * lam) ** 2, (gamma * lam) ** 2 / B
        m = (mean + spread) * m + spread * (m + floor + noise)
    return excess


def test_complex_nodes_are_stepped_like_eigenvalues(x64):
    """Any quadrature that is exact for polynomials will do.

    The mean of h over a circle around c is h(c) for a polynomial h of degree below the number
    of nodes. A step adds degree two at most: 64 nodes stand for one eigenvalue for 31 steps.
    """
    nodes = Modes(
        lam=0.7 + 0.2 * np.exp(2j * np.pi * np.arange(64) / 64),
        weight=np.full(64, 2.0 / 64 + 0j),
        multiplicity=np.full(64, 1.0 / 64),
        floor=0.1,
        noise=0.3,
    )
    excess = stepping(np.arange(31), nodes, SGD(0.5, 2))
    np.testing.assert_allclose(excess, one_mode(0.7, 2.0, 0.1, 0.3, 0.5, 2, 31), rtol=1e-12)


def test_recorded_steps_are_counted_from_zero_and_may_repeat(x64):
    problem = Spectrum([1.0, 0.3], target=[1.0, 2.0], noise=0.1)
    some = np.array([0.0, 3.0, 7.0, 7.0])
    every = stepping(np.arange(8), problem.spectrum(), SGD(0.4))
    np.testing.assert_array_equal(
        stepping(some, problem.spectrum(), SGD(0.4)), np.array(every)[[0, 3, 7, 7]]
    )


@pytest.mark.parametrize("B", [1.0, 8.0, 1000.0])
def test_rate_keeps_every_digit_of_a_slow_mode(B):
    """1 - a(lam) is 2 gamma lam for a mode of 1e-24, where a(lam) itself rounds to one."""
    lam, gamma = np.array([1.0, 1e-8, 1e-24]), 0.3
    a = 1 - 2 * gamma * lam + gamma**2 * (B + 1) / B * lam**2
    np.testing.assert_allclose(1 - rate(lam, gamma, B), a, rtol=1e-15)
    assert rate(lam, gamma, B)[2] == pytest.approx(6e-25, rel=1e-15)
