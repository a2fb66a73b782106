"""Batch size: references, plain recursions, and matrices sampled in NumPy."""

from decimal import Decimal

import jax
import numpy as np
import pytest

from solvable import SGD, PowerLaw, Spectrum, predict
from solvable.design import batch_hessian_rate, critical_batch, steps_to_target

KEY = jax.random.key(0)
ISOTROPIC = Spectrum(np.ones(128), target=np.ones(128))
FEATURES = PowerLaw(alpha=0.7, beta=0.4, v=1600, d=400, noise=0.1)


def power_law(d, a, noise=1.0):
    """Eigenvalues j^-a."""
    return PowerLaw(alpha=a / 2, beta=0.0, v=d, noise=noise)


# The Hessian of a batch


@pytest.mark.parametrize(
    ("problem", "B", "draws", "value"),
    [
        (ISOTROPIC, 1, 400, 0.01558),
        (ISOTROPIC, 8, 200, 0.08730),
        (ISOTROPIC, 32, 100, 0.23394),
        pytest.param(ISOTROPIC, 128, 100, 0.51900, marks=pytest.mark.slow),
        (ISOTROPIC, 1024, 40, 1.10827),
        (power_law(512, 1.5), 1, 800, 0.78188),
        (power_law(512, 1.5), 4, 400, 1.30510),
        pytest.param(power_law(512, 1.5), 32, 200, 1.90574, marks=pytest.mark.slow),
    ],
)
def test_the_rule_of_the_batch_hessian(problem, B, draws, value):
    rate, error = batch_hessian_rate(KEY, problem, B, draws)
    assert error < 0.035  # power
    # The references are means over samples too, of unknown error: as large as ours, say.
    assert abs(rate / value - 1) < 4 * np.sqrt(2) * error


def test_the_batch_hessian_of_a_draw():
    """Independent of the basis: that of x W, for x of the inputs."""
    draw = PowerLaw(alpha=0.7, beta=0.4, v=20, d=6).draw(jax.random.key(0))
    rate, error = batch_hessian_rate(jax.random.key(1), draw, 4, 2000)
    rng, scale = np.random.default_rng(0), draw.problem.coordinates()[0]
    tops = [
        np.linalg.norm((rng.normal(size=(4, 20)) * scale) @ draw.W, 2) ** 2 / 4 for _ in range(2000)
    ]
    other = np.std(tops) / np.mean(tops) / np.sqrt(2000)
    assert abs(rate * np.mean(tops) / 2 - 1) < 4 * np.hypot(error, other) < 0.1


@pytest.mark.parametrize("B", [6, 9])
def test_the_hessian_of_a_batch_larger_than_the_inputs(B):
    """It is decomposed, not sampled: against batches that NumPy samples."""
    scale = np.arange(1.0, 7.0) ** -0.5
    problem = Spectrum(scale**2, target=np.ones(6))
    rate, error = batch_hessian_rate(KEY, problem, B, 4000)
    x = np.random.default_rng(0).normal(size=(4000, B, 6)) * scale
    tops = np.linalg.norm(x, 2, axis=(1, 2)) ** 2 / B
    other = np.std(tops) / np.mean(tops) / np.sqrt(4000)
    assert abs(rate * np.mean(tops) / 2 - 1) < 4 * np.hypot(error, other) < 0.05


def test_the_hessian_of_a_huge_batch_is_that_of_the_inputs():
    """Its largest eigenvalue, one, fluctuates by (2 / B)^1/2: at no cost in memory."""
    rate, error = batch_hessian_rate(KEY, power_law(12, 1.5), 10**9)
    assert rate == pytest.approx(2, abs=4 * 2 * np.sqrt(2 / 1e9 / 200) + 1e-7) and error < 1e-5


# Steps and samples to a target


def fewest_steps(problem, target, B, last):
    """By the plain recursion, step by step at 4001 rates, with the least risks before it."""
    modes = problem.spectrum()
    lam, n = np.asarray(modes.lam), np.asarray(modes.multiplicity)
    gamma = np.geomspace(1e-4, 2, 4001)[:, None] / lam.max()
    m = np.broadcast_to(modes.weight, (4001, lam.size))
    for t in range(last + 1):
        excess = m.sum(axis=1)
        if excess.min() <= target:
            return t, float(gamma[np.argmin(excess), 0])
        with np.errstate(over="ignore", invalid="ignore"):
            m = m * (1 - 2 * gamma * lam + gamma**2 * lam**2 * (1 + 1 / B))
            m = m + gamma**2 * lam**2 * n / B * (excess + modes.noise)[:, None]
        m = np.where(np.isfinite(m), m, np.inf)


@pytest.mark.parametrize("target", [0.5, 1e-2, 1e-4, 1e-8, 1e-11])
def test_one_mode_without_noise_takes_one_step(target):
    """At the rate 1 / lam, whatever the target: down to 10^-12, what a batch of 10^12 leaves."""
    steps, gamma = steps_to_target(Spectrum([2.0], target=[1.0]), target, np.inf)
    assert steps == 1 and gamma == pytest.approx(0.5, rel=0.3)


@pytest.mark.parametrize(
    ("problem", "target", "B"),
    [
        (power_law(6, 1.5, noise=0.3), 0.4, 1),
        (power_law(6, 1.5, noise=0.3), 0.05, 4),
        (power_law(6, 1.5, noise=0.0), 1e-3, 1e12),
        (Spectrum([1.0, 1.0, 0.3], target=[1.0, 2.0, 3.0], noise=1.0), 0.3, 2),
    ],
)
def test_the_fewest_steps_by_the_plain_recursion(problem, target, B):
    expected, _ = fewest_steps(problem, target, B, 2000)
    assert steps_to_target(problem, target, B)[0] == expected > 1


@pytest.mark.parametrize("target", [1e-4, 1e-8, 1e-20])
def test_equal_modes_have_a_closed_form(target):
    """A batch of one on v equal modes: the factor 1 - 2 g + (v + 2) g^2 is least at 1 / (v + 2)."""
    expected = np.ceil(np.log(target / 128) / np.log1p(-1 / 130))
    steps, gamma = steps_to_target(ISOTROPIC, target, 1)
    assert steps == expected and gamma == pytest.approx(1 / 130, rel=1e-6)


@pytest.mark.parametrize(("target", "B"), [(0.4, 26.3), (0.1, 151)])
def test_critical_batches(target, B):
    """The references are tuned to one per cent in either, which the steps feel to second order."""
    problem = PowerLaw(alpha=0.75, beta=0.15, v=10**7, noise=1.0)
    found = critical_batch(problem, target)
    assert found.B == pytest.approx(B, rel=0.01)
    assert found.B == found.samples / found.steps


def test_the_fewest_steps_are_fewest():
    """Neither other rates nor one step less reach the target."""
    problem, target = PowerLaw(alpha=0.75, beta=0.15, v=10**6, noise=1.0), 0.2
    steps, gamma = steps_to_target(problem, target, 8)
    at = lambda rate, t: predict(problem, SGD(rate, 8), [t]).excess[0]
    assert at(gamma, steps) <= target
    assert all(at(gamma * x, steps - 1) > target for x in (0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 1.25))


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: batch_hessian_rate(KEY, FEATURES, 4), TypeError, "`problem` .* given features"),
        (lambda: batch_hessian_rate(KEY, ISOTROPIC, Decimal("0.5")), TypeError, "`B` must be a"),
        (lambda: batch_hessian_rate(KEY, ISOTROPIC, 0.5), ValueError, "`B` must be a whole"),
        (
            lambda: batch_hessian_rate(KEY, power_law(10**7, 1.5), 10**9),
            ValueError,
            "`v` must leave arrays whose entries fit",
        ),
        (
            lambda: batch_hessian_rate(KEY, ISOTROPIC, 4, draws=1),
            ValueError,
            "`draws` must be at least 2, but is 1",
        ),
        (
            lambda: batch_hessian_rate(KEY, ISOTROPIC, 4, draws=10**9),
            ValueError,
            r"`draws` must be at most 1e\+06",
        ),
        (lambda: critical_batch(ISOTROPIC, 0.0), ValueError, "`target` must be a positive finite"),
        (lambda: critical_batch(ISOTROPIC, 200.0), ValueError, "below the initial excess risk"),
        (
            lambda: critical_batch(PowerLaw(alpha=1.0, beta=0.3, v=1600, d=4), 0.01),
            ValueError,
            r"`target` must exceed 0\.\d+, the excess risk of the best theta, but is 0.01",
        ),
        (
            lambda: steps_to_target(power_law(10**4, 1.5), 1e-9, 1),
            ValueError,
            r"`target` must be reached within 1e\+13 steps",
        ),
        (lambda: critical_batch("plrf", 0.4), TypeError, "`problem` must be a problem"),
        (lambda: steps_to_target(ISOTROPIC, 0.1, 0), ValueError, "`B` must be a positive finite"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
