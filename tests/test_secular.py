"""The sum of exponentials against matrix powers, a dense eigensolver, and the inversion."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from solvable import SGD, LinearRegression, Modes
from solvable.dynamics import inversion, secular
from solvable.dynamics.recursion import rate, stepping
from solvable.models.thresholds import largest

pytestmark = pytest.mark.usefixtures("x64")

evaluate, exponentials, invert = map(
    jax.jit, (secular.evaluate, secular.exponentials, inversion.evaluate)
)

EPS = np.finfo(float).eps
STEPS = np.array([0, 1, 2, 10, 1e3, 1e6, 1e10, 1e15])

SPECTRA = {
    "distinct": [1.0, 0.6, 0.3, 0.1, 0.01],
    "repeated": [1.0, 0.5, 0.5, 0.5, 0.1],
    "all equal": [1.0, 1.0, 1.0, 1.0, 1.0],
    "neighbours in float64": [1.0, 1 - EPS, 1 - 7 * EPS, 0.5, 0.5 + EPS],
    "tiny": [1.0, 1e-4, 1e-8, 1e-16, 1e-24],
    "underflow of the square": [1.0, 0.1, 1e-3, 1e-200, 0.0],
}


def make_modes(lam, multiplicity=(1.0, 1.0, 1.0, 1.0, 1.0), floor=0.0, noise=0.0):
    return Modes(
        lam=np.array(lam),
        weight=np.array([0.5, 0.1, 0.3, 0.7, 0.01]),
        multiplicity=np.array(multiplicity),
        floor=floor,
        noise=noise,
    )


def stable_gamma(modes, fraction, B):
    return fraction * float(largest(modes, 0.0, 1.0 * B))


def tolerance(fraction):
    """Near the threshold rates and limit are differences of terms 1/(1 - fraction) larger."""
    return 1e-12 + EPS / (1 - fraction) ** 2


@pytest.mark.parametrize(("floor", "noise"), [(0.0, 0.0), (0.01, 0.0), (0.01, 0.1)])
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("B", [1, 8, 1000])
@pytest.mark.parametrize("lam", SPECTRA.values(), ids=SPECTRA)
def test_any_step_is_a_matrix_power(matrix_powers, lam, B, fraction, floor, noise):
    modes = make_modes(lam, floor=floor, noise=noise)
    gamma = stable_gamma(modes, fraction, B)
    excess, _ = evaluate(STEPS, modes, gamma, 1.0 * B)
    powers = matrix_powers(modes, gamma, B, STEPS)
    np.testing.assert_allclose(excess, powers, rtol=tolerance(fraction))


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("B", [1, 8, 1000])
def test_first_steps_are_those_of_the_recursion(B, fraction):
    modes = make_modes(SPECTRA["repeated"], (1.0, 5.0, 1.0, 2.0, 40.0), 0.01, 0.1)
    gamma = stable_gamma(modes, fraction, B)
    steps = np.array([0.0, 1.0, 2.0, 3.0, 10.0, 50.0, 200.0, 500.0])
    excess, _ = evaluate(steps, modes, gamma, 1.0 * B)
    stepped = stepping(steps, modes, SGD(gamma, B))
    np.testing.assert_allclose(excess, stepped, rtol=tolerance(fraction))


@pytest.mark.parametrize("ulps", [0, 1, 3, 1000])
@pytest.mark.parametrize("B", [8, 1000])
def test_two_eigenvalues_that_decay_at_one_rate(matrix_powers, B, ulps):
    """The rate is symmetric about lam = 1/(gamma (1 + 1/B)); fast modes have slow twins."""
    gamma = 1.2
    twin = 2 * B / (gamma * (B + 1)) - 1.0
    modes = make_modes([1.0, twin * (1 + ulps * EPS), 0.3, 0.1, 0.01], floor=0.01)
    fast, slow = rate(modes.lam[:2], gamma, B)
    assert fast == pytest.approx(slow, rel=1e-12) and modes.lam[0] > 1.1 * modes.lam[1]
    assert gamma < 0.999 * stable_gamma(modes, 1.0, B)
    excess, _ = evaluate(STEPS, modes, gamma, 1.0 * B)
    np.testing.assert_allclose(excess, matrix_powers(modes, gamma, B, STEPS), rtol=1e-12)


@pytest.mark.parametrize("multiplicity", [(1, 0, 0, 0, 0), (1, 0, 3, 0, 0), (2.5, 10, 0, 0, 1e3)])
def test_unused_nodes_change_nothing(multiplicity):
    """Padding has multiplicity zero and no weight, wherever its node lies."""
    used = np.array(multiplicity) > 0
    modes = make_modes([1.0, 0.6, 0.3, 0.1, 0.01], 1.0 * np.array(multiplicity), 0.01, 0.1)
    modes = replace(modes, weight=modes.weight * used)
    gamma = stable_gamma(modes, 0.6, 4)
    padded, padded_forcing = evaluate(STEPS, modes, gamma, 4.0)
    parts = {name: getattr(modes, name)[used] for name in ("lam", "weight", "multiplicity")}
    alone, forcing = evaluate(STEPS, replace(modes, **parts), gamma, 4.0)
    np.testing.assert_allclose(padded, alone, rtol=1e-13)
    np.testing.assert_allclose(padded_forcing, forcing, rtol=1e-13)


@pytest.mark.parametrize("B", [1.0, 16.0])
def test_single_mode_is_a_geometric_series(B):
    """m <- a m + b (m + noise): the limit is b noise / (1 - a - b)."""
    lam, m, noise, gamma = 0.7, 2.0, 0.1, 0.5
    modes = LinearRegression.from_spectrum([lam], target=[np.sqrt(m / lam)], noise=noise).spectrum()
    b = (gamma * lam) ** 2 / B
    a = (1 - gamma * lam) ** 2 + b
    limit = b * noise / (1 - a - b)
    (mu,), (r,), found = exponentials(modes, gamma, B)
    assert float(mu) == pytest.approx(1 - a - b, rel=1e-14)
    assert float(found) == pytest.approx(limit, rel=1e-14)
    assert float(r) == pytest.approx(m - limit, rel=1e-14)


@pytest.mark.parametrize("B", [1.0, 16.0])
def test_rates_are_the_eigenvalues_of_the_update_and_interlace(B):
    rng = np.random.default_rng(0)
    lam = np.sort(rng.uniform(0.01, 1, 40))
    modes = LinearRegression.from_spectrum(lam, target=np.ones(40), noise=0.1).spectrum()
    gamma = stable_gamma(modes, 0.8, B)
    mu, r, limit = exponentials(modes, gamma, B)
    update = np.diag(1 - rate(lam, gamma, B)) + gamma**2 / B * np.outer(lam, lam)
    np.testing.assert_allclose(1 - mu, np.linalg.eigvalsh(update)[::-1], atol=100 * EPS)
    poles = np.sort(rate(lam, gamma, B))
    assert (mu > 0).all() and (mu < poles).all() and (mu[1:] > poles[:-1]).all()
    assert float(limit + r.sum()) == pytest.approx(modes.weight.sum(), rel=1e-12)


def test_forcing_is_the_risk_without_feedback():
    modes = make_modes(SPECTRA["distinct"], floor=0.01, noise=0.1)
    _, forcing = evaluate(STEPS, modes, 0.4, 2.0)
    a = (1 - 0.4 * modes.lam) ** 2 + (0.4 * modes.lam) ** 2 / 2
    np.testing.assert_allclose(forcing, 0.01 + a ** STEPS[:, None] @ modes.weight, rtol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize(
    ("alpha", "beta", "B"), [(1.0, 0.3, 1), (0.7, 1.2, 8), (0.6, 0.1, 32), (0.3, 0.7, 1)]
)
def test_secular_equation_against_the_inversion(alpha, beta, B, noise):
    """Two algorithms with nothing in common, at 10^12 coordinates, up to 10^15 steps.

    The contour passes the origin at a distance 1/t. The inversion rounds relative to the
    transform there, which is larger than the risk where the risk falls faster than 1/t: for
    easy targets, and once the slowest mode is learned. It must know, and say so.
    """
    problem = LinearRegression(alpha=alpha, beta=beta, v=10**12, noise=noise)
    modes = replace(problem.spectrum(), floor=noise / 3)
    gamma = stable_gamma(modes, 0.7, B)
    solved, forcing = map(np.array, evaluate(STEPS, modes, gamma, 1.0 * B))
    inverted, other_forcing, error = map(np.array, invert(STEPS, modes, 0.0, gamma, 1.0 * B))
    transform = 1 / (1 + STEPS[:, None] * rate(modes.lam, gamma, B)) @ modes.weight
    for one, other in [(inverted, solved), (other_forcing, forcing)]:
        assert (np.abs(one - other) < 2e-12 * (solved + transform)).all()
    assert np.max(np.abs(solved / inverted - 1)) < 10 * error + 1e-12
