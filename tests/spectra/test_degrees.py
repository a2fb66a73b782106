"""Effective ridge, degrees of freedom, density: closed forms, sum rules, a draw's eigenvalues."""

import jax
import numpy as np
import pytest

from solvable import PowerLaw, Spectrum
from solvable.spectra import degrees_of_freedom, effective_ridge, eigenvalue_density

PROBLEMS = [
    PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400),
    PowerLaw(alpha=0.4, beta=0.8, v=1600, d=400),
    PowerLaw(alpha=0.7, beta=1.2, v=300, d=299),
    PowerLaw(alpha=1.3, beta=0.2, v=50, d=1),
]
problems = pytest.mark.parametrize("problem", PROBLEMS, ids=str)


def eigenvalues(problem):
    return np.arange(1.0, problem.v + 1) ** (-2 * problem.alpha)


@problems
def test_the_effective_ridge_solves_its_equation(problem):
    """The sum taken term by term; the compressed one of the package is right to 1e-10."""
    lam, ridge = eigenvalues(problem), np.array([0.0, 1e-12, 1e-3, 1.0, 1e6])
    kappa = effective_ridge(problem, ridge)
    df1 = np.sum(lam / (lam + kappa[:, None]), axis=1)
    assert df1[0] == pytest.approx(problem.d, rel=1e-9)
    np.testing.assert_allclose(kappa, ridge + kappa * df1 / problem.d, rtol=1e-9)
    np.testing.assert_allclose(degrees_of_freedom(problem, ridge), df1, rtol=1e-9)
    df2 = np.sum((lam / (lam + kappa[:, None])) ** 2, axis=1)
    np.testing.assert_allclose(degrees_of_freedom(problem, ridge, order=2), df2, rtol=1e-9)
    assert degrees_of_freedom(problem) == pytest.approx(problem.d, rel=1e-12)
    assert effective_ridge(problem, ridge.reshape(5, 1)).shape == (5, 1)


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_as_many_features_as_coordinates_resolve_everything(alpha):
    problem = PowerLaw(alpha=alpha, beta=0.3, v=50, d=50)
    assert effective_ridge(problem) == 0
    assert degrees_of_freedom(problem) == pytest.approx(50, rel=1e-12)
    assert effective_ridge(problem, 0.1) > 0.1  # a ridge is still amplified


def test_more_of_everything_than_coordinates():
    """Also where the eigenvalues are steep, or some of them zero."""
    problem = PowerLaw(alpha=0.2, beta=0.5, v=16, d=16)
    assert effective_ridge(problem) == 0 and degrees_of_freedom(problem) == 16
    flat = Spectrum([1.0, 0.5, 0.0], [1.0, 1.0, 0.0], d=2)
    assert effective_ridge(flat, n=5) == 0 and degrees_of_freedom(flat, n=5) == 2
    assert degrees_of_freedom(PowerLaw(alpha=35.0, beta=0.5, v=1600, d=100)) == pytest.approx(100)


def test_without_features_the_ridge_is_itself():
    problem = PowerLaw(alpha=1.0, beta=0.3, v=20)
    lam, ridge = eigenvalues(problem), np.array([0.0, 1e-3, 2.0])
    np.testing.assert_allclose(effective_ridge(problem, ridge), ridge, rtol=1e-14)
    df1 = np.sum(lam / (lam + ridge[:, None]), axis=1)
    np.testing.assert_allclose(degrees_of_freedom(problem, ridge), df1, rtol=1e-13)


@pytest.mark.parametrize("alpha", [0.8, 1.0, 1.5])
def test_the_effective_ridge_of_many_features(alpha):
    """With integrals for sums, df1 is kappa^(-1/2a) (pi/2a) / sin(pi/2a), a = alpha; it equals d.

    Euler-Maclaurin adds -1/2 to df1, so kappa is off by 2 alpha / (2 d): a rate, checked as such.
    Coordinates beyond v would add v^(1 - 2 alpha) / kappa: nothing here, at v = 10^18.
    """
    x = np.pi / (2 * alpha)
    for d in (10**3, 10**4, 10**5):
        kappa = effective_ridge(PowerLaw(alpha=alpha, beta=0.3, v=10**18, d=d))
        tail = (10.0**18) ** (1 - 2 * alpha) / (2 * alpha - 1) / kappa / d
        ratio = kappa / (x / np.sin(x) / d) ** (2 * alpha)
        assert abs((ratio - 1) * d / -alpha - 1) < 5 * alpha / d + 2 * tail * d


WIDE = PowerLaw(alpha=0.4, beta=0.3, v=800, d=200)


def test_the_density_holds_every_eigenvalue_and_the_trace():
    """The trapezoid rule errs most at the two edges, as h^(3/2) there: below 1e-3."""
    lam = np.geomspace(1e-3, 3, 4001)
    density = eigenvalue_density(WIDE, lam)
    assert (density >= 0).all()
    assert np.trapezoid(density, lam) == pytest.approx(200, rel=1e-3)
    trace = np.trapezoid(lam * density, lam)
    assert trace == pytest.approx(eigenvalues(WIDE).sum(), rel=1e-3)


def drawn(problem, seed):
    W = problem.draw(jax.random.key(seed)).W
    return np.linalg.eigvalsh(W.T @ (eigenvalues(problem)[:, None] * W))


def test_eigenvalues_of_a_draw_are_where_the_density_has_them():
    """Eigenvalues repel, so their number below a level scatters by O(sqrt log d), not sqrt d."""
    lam = np.geomspace(1e-3, 3, 4001)
    density = eigenvalue_density(WIDE, lam)
    below = np.concatenate([[0], np.cumsum(np.diff(lam) * (density[1:] + density[:-1]) / 2)])
    for seed in (0, 1):
        deviation = np.interp(drawn(WIDE, seed), lam, below) - (np.arange(200) + 0.5)
        assert np.abs(deviation).max() < 4
    # Power: with d = 190 for 200 the count would be off by 10.
    fewer = drawn(PowerLaw(alpha=0.4, beta=0.3, v=800, d=190), 0)
    assert np.abs(np.interp(fewer, lam, below) - (np.arange(190) + 0.5)).max() > 8


def test_large_eigenvalues_stand_apart_in_bands_of_mass_one():
    """At alpha = 1 the two largest, near 1 and 1/4; a band has width lam sqrt(8/d) or so."""
    problem = PowerLaw(alpha=1.0, beta=0.3, v=400, d=300)
    for low, high in ((0.6, 1.6), (0.18, 0.35)):
        lam = np.linspace(low, high, 2001)
        density = eigenvalue_density(problem, lam)
        assert density[0] < 1e-3 and density[-1] < 1e-3  # a gap on either side
        assert np.trapezoid(density, lam) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: effective_ridge(WIDE, -0.1), "`ridge` must be finite and not negative, .* -0.1"),
        (lambda: effective_ridge(WIDE, [0.1, np.nan]), "`ridge` must be finite"),
        (lambda: degrees_of_freedom(WIDE, np.inf), "`ridge` must be finite"),
        (lambda: degrees_of_freedom(WIDE, 0.1, order=3), "`order` must be 1 or 2, but is 3"),
        (lambda: eigenvalue_density(WIDE, [0.1, 0.0]), r"`lam\[1\]` must be a positive finite"),
        (lambda: eigenvalue_density(WIDE, []), "`lam` must be a non-empty one-dimensional"),
        (
            lambda: eigenvalue_density(PowerLaw(alpha=1.0, beta=0.3, v=10**7, d=10), [0.1]),
            "`v` must be at most 1000000 for the eigenvalue density, but is 10000000",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("d", "n"), [(400, 300), (300, 400), (300, 300), (1, 1600), (2000, 50)])
def test_features_and_samples_together(d, n):
    """The product form, term by term, on the branch where both factors are positive."""
    problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=d)
    lam, ridge = eigenvalues(problem), np.array([1e-6, 1e-3, 1.0])
    kappa = effective_ridge(problem, ridge, n)
    df1 = (lam / (lam + kappa[:, None])).sum(axis=1)
    assert (df1 < min(d, n)).all()
    np.testing.assert_allclose(kappa * (1 - df1 / d) * (1 - df1 / n), ridge, rtol=1e-9)
    np.testing.assert_allclose(degrees_of_freedom(problem, ridge, n=n), df1, rtol=1e-10)
    assert degrees_of_freedom(problem, n=n) == pytest.approx(min(d, n), rel=1e-10)
    mirror = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=n)
    np.testing.assert_allclose(effective_ridge(mirror, ridge, d), kappa, rtol=1e-12)


@pytest.mark.parametrize("n", [0, 2.5, np.nan])
def test_samples_are_a_count(n):
    with pytest.raises(ValueError, match="`n` must be"):
        effective_ridge(PROBLEMS[0], 0.1, n)
    with pytest.raises(ValueError, match="`n` must be"):
        degrees_of_freedom(PROBLEMS[0], 0.1, n=n)
