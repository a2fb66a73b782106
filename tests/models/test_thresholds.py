"""The stability threshold: closed forms, reference values, the spectral radius of the update."""

import jax
import numpy as np
import pytest

from solvable import SGD, Modes, PowerLaw, Spectrum
from solvable.dynamics.recursion import rate
from solvable.models.thresholds import band_edge, largest, max_learning_rate


def isotropic(n):
    return Spectrum(np.ones(n), target=np.ones(n))


def power_law(d, a):
    """Eigenvalues j^-a."""
    return PowerLaw(alpha=a / 2, beta=0.0, v=d)


def few_modes(lam, multiplicity):
    arrays = dict(lam=np.array(lam), multiplicity=np.array(multiplicity))
    return Modes(**arrays, weight=np.ones(len(lam)), floor=0.0, noise=0.0)


def spectral_radius(lam, gamma, B):
    """Of the matrix that takes E m to its next step."""
    return np.linalg.eigvalsh(np.diag(1 - rate(lam, gamma, B)) + gamma**2 / B * np.outer(lam, lam))[
        -1
    ]


@pytest.mark.parametrize("B", [1, 2, 32, 10**6])
@pytest.mark.parametrize("d", [1, 128])
def test_isotropic_regression(d, B):
    assert max_learning_rate(isotropic(d), B) == pytest.approx(2 * B / (d + B + 1), rel=1e-12)


@pytest.mark.parametrize("B", [1, 2, 32, 10**6])
@pytest.mark.parametrize(("v", "d"), [(128, 16), (128, 128)])
def test_isotropic_features(v, d, B, x64):
    """Both conditions are explicit: h(x) = x (1 + v/(d (x - 1))), beyond the Marchenko-Pastur edge.

    Kernel sum: v/(x - 1) < B + 1. Band edge: v/d < (x - 1)^2.
    """
    modes = isotropic(v).spectrum()
    edge = (1 + np.sqrt(v / d)) ** 2
    assert float(band_edge(modes, 1 / d)) == pytest.approx(edge, rel=1e-12)
    x = 1 + max(v / (B + 1), np.sqrt(v / d))
    h = x * (1 + v / d / (x - 1))
    assert float(largest(modes, 1 / d, 1.0 * B)) == pytest.approx(2 * B / (B + 1) / h, rel=1e-12)


@pytest.mark.parametrize(
    ("d", "a", "B", "value"),
    [
        (64, 1, 1, 0.35956221),
        (64, 1, 8, 1.49231920),
        (200, 1.5, 1, 0.53413038),
        (32, 0.5, 8, 1.11869628),
        (512, 1.5, 1, 0.52969),
        (512, 1.5, 4, 1.25549),
        (512, 1.5, 32, 1.87928),
    ],
)
def test_reference_values_of_power_law_regression(d, a, B, value):
    """An independent solution of kappa(eta, B) = 1, to all the digits it was given with."""
    digits = len(str(value).split(".")[1])
    assert max_learning_rate(power_law(d, a), B) == pytest.approx(value, abs=0.51 * 10**-digits)


@pytest.mark.parametrize(
    ("problem", "B", "value", "digits"),
    [
        (PowerLaw(alpha=0.625, beta=0.125, v=1000, d=200), 1, 0.41512, 5),
        (PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400), 1, 0.608, 3),
        (PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400), 32, 1.75, 2),
    ],
)
def test_reference_values_of_features(problem, B, value, digits):
    assert max_learning_rate(problem, B) == pytest.approx(value, abs=1.01 * 10**-digits)


REGRESSIONS = [power_law(d, a) for d, a in [(32, 1.0), (64, 0.5), (200, 1.5), (200, 3.0)]]
regressions = pytest.mark.parametrize("problem", REGRESSIONS, ids=str)


@regressions
@pytest.mark.parametrize("B", [1, 8, 1000])
def test_at_the_threshold_the_update_has_spectral_radius_one(problem, B):
    lam = np.asarray(problem.spectrum().lam)
    gamma = max_learning_rate(problem, B)
    # The radius moves by about d log(radius) / d log(gamma) = O(1) around the threshold.
    assert spectral_radius(lam, gamma, B) == pytest.approx(1, abs=1e-12)
    assert spectral_radius(lam, gamma * (1 + 1e-6), B) > 1 + 1e-9
    assert spectral_radius(lam, gamma * (1 - 1e-6), B) < 1


@pytest.mark.parametrize("B", [1, 8, 1000])
def test_a_draw_has_its_own_threshold(B):
    draw = PowerLaw(alpha=0.7, beta=0.3, v=60, d=40).draw(jax.random.key(0))
    gamma = max_learning_rate(draw, B)
    assert spectral_radius(draw.modes.lam, gamma, B) == pytest.approx(1, abs=1e-12)
    lam = draw.modes.lam
    assert np.sum(gamma * lam / (2 * B - gamma * (B + 1) * lam)) == pytest.approx(1, rel=1e-12)


def test_draws_scatter_around_the_threshold_of_the_equivalent():
    """... if the kernel's sum over all modes decides, and not the one largest eigenvalue."""
    problem = PowerLaw(alpha=0.4, beta=0.3, v=160, d=40)
    draws = [max_learning_rate(problem.draw(jax.random.key(seed))) for seed in range(50)]
    ratios = np.array(draws) / max_learning_rate(problem)
    sem = ratios.std(ddof=1) / np.sqrt(50)
    assert abs(ratios.mean() - 1) < 4 * sem + 1 / 40  # the mean is off by O(1/d)
    assert sem < 0.01  # power: the 24 per cent of 2 B / tr could not hide


@pytest.mark.parametrize(
    "problem", [*REGRESSIONS, PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)], ids=str
)
def test_batches_help_in_proportion_until_they_do_not(problem, x64):
    modes, q = problem.spectrum(), problem.inverse_d
    batches = np.array([1, 2, 4, 8, 32, 128, 10**3, 10**6, 10**9, 10**12])
    gamma = np.array([float(largest(modes, q, 1.0 * B)) for B in batches])
    trace, edge = float(modes.trace), float(band_edge(modes, q) if q else modes.top)
    assert (np.diff(gamma) > 0).all()
    assert (gamma < 2 * batches / trace).all() and (gamma < 2 / edge).all()
    assert gamma[-1] == pytest.approx(2 / edge, rel=1e-6)


@pytest.mark.parametrize("B", [1, 3])
def test_small_batches_against_a_wide_spectrum(B, x64):
    """gamma = 2 B / tr, with corrections of relative size B lam_1 / tr = B / 10^6."""
    modes = few_modes(lam=[1.0, 1e-3, 0.0], multiplicity=[1e6, 1e6, 0.0])
    gamma = float(largest(modes, 0.0, 1.0 * B))
    assert gamma == pytest.approx(2 * B / 1.001e6, rel=2e-6 * B)


def test_multiplicities_stand_for_copies(x64):
    once = few_modes(lam=[1.0, 0.25, 0.0], multiplicity=[2.0, 3.0, 0.0])
    lam = [1.0, 1.0, 0.25, 0.25, 0.25]
    copied = Spectrum(lam, target=lam).spectrum()
    for q in (0.0, 0.2):
        one, other = (float(largest(m, q, 2.0)) for m in (once, copied))
        assert one == pytest.approx(other, rel=1e-13)


@pytest.mark.parametrize("d", [None, 2])
@pytest.mark.parametrize("B", [1, 32])
def test_learning_rate_scales_with_the_spectrum(B, d):
    lam = np.array([1.0, 0.3, 0.01])
    scales = np.array([1.0, 1e-12, 1e12, 1e-280, 1e160])
    problems = [Spectrum(c * lam, target=lam, d=d) for c in scales]
    gamma = [max_learning_rate(problem, B) for problem in problems]
    np.testing.assert_allclose(gamma[0] / np.array(gamma), scales, rtol=1e-12)


def test_fraction_of_the_threshold():
    problem = power_law(32, 1.0)
    sgd = SGD.stable(problem, 0.25, B=8)
    assert sgd == SGD(0.25 * max_learning_rate(problem, 8), 8)


@pytest.mark.parametrize("B", [1, 32])
@pytest.mark.parametrize("kind", ["features", "regression"])
def test_derivative_in_alpha_against_central_differences(kind, B, x64):
    def threshold(alpha):
        if kind == "features":
            return max_learning_rate(PowerLaw(alpha=alpha, beta=0.3, v=1600, d=400), B)
        return max_learning_rate(PowerLaw(alpha=alpha, beta=0.3, v=1600), B)

    h = 1e-5  # the difference errs by h^2, and by eps / h
    by_difference = (threshold(0.8 + h) - threshold(0.8 - h)) / (2 * h)
    assert float(jax.grad(threshold)(0.8)) == pytest.approx(by_difference, rel=1e-8)
