"""The effective ridge and the two resolvent traces, against other algorithms and closed forms."""

import jax
import mpmath
import numpy as np
import pytest
from scipy.optimize import brentq

from solvable import Modes, PowerLaw, Spectrum
from solvable.spectra.resolvent import ridge_off_axis, ridge_on_axis, transforms

pytestmark = pytest.mark.usefixtures("x64")

on_axis, off_axis, both_traces = map(jax.jit, (ridge_on_axis, ridge_off_axis, transforms))

PROBLEMS = [  # hard and easy targets, all features there are, and one
    PowerLaw(alpha=1.0, beta=0.3, v=200, d=40),
    PowerLaw(alpha=0.3, beta=0.7, v=1000, d=500),
    PowerLaw(alpha=0.7, beta=0.3, v=200, d=200),
    PowerLaw(alpha=0.7, beta=0.3, v=200, d=1),
]
problems = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.alpha}-{p.v}-{p.d}")
POINTS = 64  # at a time, so that all tests share one compiled program


def direct(problem):
    """Eigenvalues and initial risks of all v coordinates."""
    scale, target = problem.coordinates()
    return scale**2, (scale * target) ** 2


def ridges(z, problem):
    return np.array(off_axis(-z, problem.spectrum(), problem.inverse_d))


def traces(z, problem, inverse_d):
    return map(np.array, both_traces(z, problem.spectrum(), inverse_d))


def random_points(angle, low=-4, high=3):
    rng = np.random.default_rng(0)
    return 10 ** rng.uniform(low, high, POINTS) * np.exp(1j * angle)


def defect(kappa, minus_z, inverse_d, lam, multiplicity=1):
    """How far the fixed point is from solved, in units of its largest term."""
    pull = kappa * inverse_d * (multiplicity * lam / (lam + kappa[:, None])).sum(1)
    return np.abs(kappa - pull - minus_z) / (np.abs(kappa) + np.abs(pull) + np.abs(minus_z))


def every_root(minus_z, lam, inverse_d):
    r"""All solutions of the fixed point, in 40 digits: the eigenvalues of an arrowhead matrix.

    kappa (1 - q sum lam/(lam + kappa)) = kappa - q sum lam + q sum lam^2/(lam + kappa).
    """
    n = len(lam)
    with mpmath.workdps(40):
        arrowhead = mpmath.diag([minus_z + inverse_d * mpmath.fsum(lam), *(-lam)])
        for k in range(n):
            arrowhead[0, k + 1] = mpmath.sqrt(inverse_d) * lam[k]
            arrowhead[k + 1, 0] = -arrowhead[0, k + 1]
        return np.array(list(map(complex, mpmath.eig(arrowhead, left=False, right=False))))


@problems
# At a positive angle to the negative axis, to the imaginary axis, and down to the band itself.
@pytest.mark.parametrize("angle", [np.pi, 3 * np.pi / 4, np.pi / 2, np.pi / 4, 0.1, 1e-3, 1e-6])
def test_fixed_point_at_random_points(problem, angle):
    lam, _ = direct(problem)
    z = random_points(angle)
    kappa = ridges(z, problem)
    # Towards the band the compressed sums lose digits (test_sums); the iteration loses none.
    tolerance = 1e-14 if angle > np.pi / 3 else 1e-8
    assert defect(kappa, -z, problem.inverse_d, lam).max() < tolerance
    modes = problem.spectrum()
    assert defect(kappa, -z, problem.inverse_d, modes.lam, modes.multiplicity).max() < 1e-14
    assert (kappa.imag * (-z).imag >= 0).all()  # the physical branch
    np.testing.assert_allclose(ridges(z.conj(), problem), kappa.conj(), rtol=1e-12)


@pytest.mark.parametrize("d", [1, 3, 6])
@pytest.mark.parametrize("angle", [3.1, 2.0, 1.0, 0.1, 1e-3])
def test_ridge_is_the_only_root_in_its_half_plane(d, angle):
    lam = np.array([1.0, 0.5, 0.25, 0.1, 0.01, 0.001])
    problem = Spectrum(lam, target=lam)
    z = random_points(angle)
    kappa = np.array(off_axis(-z, problem.spectrum(), 1 / d))
    for i in range(0, POINTS, 8):
        roots = every_root(-z[i], lam, 1 / d)
        (only,) = roots[roots.imag < 0]
        assert abs(kappa[i] / only - 1) < 1e-12


@problems
def test_ridge_on_the_axis_against_a_bracketing_solver(problem):
    lam, _ = direct(problem)
    r = np.abs(random_points(0))
    f = lambda kappa, r: kappa * (1 - np.sum(lam / (lam + kappa)) / problem.d) - r
    bracketed = [
        brentq(f, x, x + lam.sum() / problem.d, args=(x,), xtol=1e-300, rtol=1e-14) for x in r
    ]
    kappa = on_axis(r, problem.spectrum(), problem.inverse_d)
    np.testing.assert_allclose(kappa, bracketed, rtol=1e-12)
    np.testing.assert_allclose(ridges(-r + 0j, problem), bracketed, rtol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 40, 199])
def test_ridge_at_zero_resolves_d_features(d):
    problem = PowerLaw(alpha=1.0, beta=0.3, v=200, d=d)
    lam, _ = direct(problem)
    kappa = float(on_axis(0.0, problem.spectrum(), problem.inverse_d))
    assert np.sum(lam / (lam + kappa)) == pytest.approx(d, rel=1e-12)


def test_ridge_at_zero_for_sizes_that_no_sum_reaches():
    """d = 10^9, v = 10^18, alpha = 1: df1 is a difference of digammas of 1/sqrt(kappa)."""
    problem = PowerLaw(alpha=1.0, beta=0.3, v=10**18, d=10**9)
    kappa = float(on_axis(0.0, problem.spectrum(), problem.inverse_d))
    with mpmath.workdps(50):
        c, i = 1 / mpmath.sqrt(kappa), mpmath.mpc(0, 1)
        up, down = (
            mpmath.digamma(problem.v + 1 + s * c) - mpmath.digamma(1 + s * c) for s in (i, -i)
        )
        df1 = float(mpmath.re(c * (down - up) / (2 * i)))
    assert df1 == pytest.approx(1e9, rel=1e-12)


@problems
def test_without_features_the_traces_are_plain_sums(problem):
    lam, risk = direct(problem)
    z = random_points(np.pi / 2)
    target, trace = traces(z, problem, inverse_d=0.0)
    np.testing.assert_allclose(target, (risk / (lam - z[:, None])).sum(1), rtol=1e-12)
    np.testing.assert_allclose(trace, (lam / (lam - z[:, None])).sum(1), rtol=1e-12)


@problems
def test_traces_in_terms_of_the_ridge(problem):
    lam, risk = direct(problem)
    z = random_points(np.pi / 2)
    kappa = ridges(z, problem)
    target, trace = traces(z, problem, problem.inverse_d)
    by_hand = (kappa / -z) * (risk / (lam + kappa[:, None])).sum(1)
    np.testing.assert_allclose(target, by_hand, rtol=1e-12)
    np.testing.assert_allclose(trace, (lam / (lam + kappa[:, None])).sum(1), rtol=1e-12)
    # The other form, d (1 + z / kappa), where it does not cancel.
    near = np.abs(z) < 0.1
    other = problem.d * (1 + z / kappa)
    np.testing.assert_allclose(trace[near], other[near], rtol=1e-10)


@problems
def test_moments_of_the_feature_covariance(problem):
    """The residues at infinity are the moments of K, known from averages over Gaussian W.

    With t_k = sum lam^k: E Tr K = t_1, E Tr K^2 = t_2 + t_1^2/d, E Tr K^3 = t_3 + 3 t_1 t_2/d +
    t_1^3/d^2 to leading order. Between two target vectors, with u_k = sum lam^k (lam b^2):
    u_0, u_1, u_2 + t_1 u_1/d.
    """
    lam, risk = direct(problem)
    q = problem.inverse_d
    t1, t2, t3 = (np.sum(lam**k) for k in (1, 2, 3))
    u0, u1, u2 = (risk @ lam**k for k in range(3))
    radius = 30 + 30 * q * t1  # well outside the band
    z = radius * np.exp(2j * np.pi * (np.arange(POINTS) + 0.5) / POINTS)
    target, trace = traces(z, problem, q)
    of_target, of_trace = ([np.mean(-f * z ** (k + 1)) for k in range(3)] for f in (target, trace))
    np.testing.assert_allclose(of_target, [u0, u1, u2 + q * t1 * u1], rtol=1e-12, atol=1e-12)
    of_gauss = [t1, t2 + q * t1**2, t3 + 3 * q * t1 * t2 + q**2 * t1**3]
    np.testing.assert_allclose(of_trace, of_gauss, rtol=1e-12, atol=1e-10)


def test_isotropic_spectrum_is_marchenko_pastur():
    """All eigenvalues one: the ridge solves a quadratic equation. Here v/d = 4."""
    problem = Spectrum(np.ones(400), target=np.ones(400))
    z = random_points(1.0)
    kappa = np.array(off_axis(-z, problem.spectrum(), 1 / 100))
    half = (1 + z - 4) / 2  # kappa^2 + 2 half kappa + z = 0
    root = np.sqrt(half**2 - z)
    root *= np.where((-half + root).imag < 0, 1, -1)
    np.testing.assert_allclose(kappa, -half + root, rtol=1e-11)


def test_derivatives_of_the_ridge_on_the_axis():
    """By the implicit function theorem."""
    problem = PROBLEMS[0]
    modes, q = problem.spectrum(), problem.inverse_d
    lam, _ = direct(problem)
    slopes = jax.jit(jax.grad(lambda r, q: ridge_on_axis(r, modes, q), (0, 1)))
    for r in (0.0, 1e-3, 1.0):
        kappa = float(on_axis(r, modes, q))
        df1, df2 = (np.sum((lam / (lam + kappa)) ** k) for k in (1, 2))
        in_r, in_q = slopes(r, q)
        assert float(in_r) == pytest.approx(1 / (1 - q * df2), rel=1e-12)
        assert float(in_q) == pytest.approx(kappa * df1 / (1 - q * df2), rel=1e-12)


def test_derivative_off_the_axis_against_central_differences():
    z = random_points(np.pi / 2, high=0)

    @jax.jit
    def parts(alpha):
        problem = PowerLaw(alpha=alpha, beta=0.3, v=200, d=40)
        kappa = ridge_off_axis(-z, problem.spectrum(), problem.inverse_d)
        return jax.numpy.stack([kappa.real, kappa.imag])

    h = 1e-5  # the difference errs by h^2, and by eps / h
    by_difference = (parts(0.8 + h) - parts(0.8 - h)) / (2 * h)
    np.testing.assert_allclose(jax.jit(jax.jacfwd(parts))(0.8), by_difference, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("n", [10, 150, 180, 290])
def test_an_exponential_spectrum(n):
    """300 eigenvalues e^-j: 127 decades, of which every step of Newton's method takes one or so."""
    spectrum = Spectrum(np.exp(-np.arange(1.0, 301)), np.ones(300)).spectrum()
    with mpmath.workdps(60):
        lam = [mpmath.exp(-j) for j in range(1, 301)]
        df1 = lambda y: mpmath.fsum(x / (x + mpmath.exp(y)) for x in lam) - n
        exact = mpmath.exp(mpmath.findroot(df1, (-n, -n - 1)))
    assert float(on_axis(0.0, spectrum, 0.0, 1 / n)) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e160, 1e280])
def test_a_spectrum_of_any_scale(scale):
    """Everything is in proportion, though squares of the eigenvalues are no numbers."""
    lam = np.arange(1.0, 101) ** -1.5
    one, other = (
        Modes(lam=c * lam, weight=c * lam, multiplicity=np.ones(100)) for c in (1.0, scale)
    )
    z = 0.1 + 0.2j
    on = [float(on_axis(c * 0.1, m, 1 / 30, 1 / 20)) for c, m in ((1, one), (scale, other))]
    off = [complex(off_axis(c * z, m, 1 / 30, 1 / 20)) for c, m in ((1, one), (scale, other))]
    assert on[1] / scale == pytest.approx(on[0], rel=1e-13)
    assert off[1] / scale == pytest.approx(off[0], rel=1e-13)
    # The target has the scale of the risk over that of the eigenvalues.
    traces = [both_traces(c * z, m, 1 / 30) for c, m in ((1, one), (scale, other))]
    for mine, its in zip(*traces, strict=True):
        assert complex(its) == pytest.approx(complex(mine), rel=1e-13)


@pytest.mark.parametrize(("alpha", "d"), [(10.0, 400), (30.0, 20), (30.0, 400), (60.0, 20)])
def test_a_steep_spectrum(alpha, d):
    """Between eigenvalues d and d + 1, which are far apart: lam_d (lam_d+1 + ...) = kappa^2.

    Where df1 is between d - 1/2 and d + 1/2 only the neighbours count, to the order of the next.
    """
    lam = np.arange(1.0, 1001) ** (-2 * alpha)
    spectrum = Modes(lam=lam, weight=lam, multiplicity=np.ones(1000))
    kappa = float(on_axis(0.0, spectrum, 1 / d))
    with mpmath.workdps(40):
        exact = [mpmath.mpf(j) ** (-2 * alpha) for j in range(1, 1001)]
        left = mpmath.fsum(x / (x + mpmath.mpf(kappa)) for x in exact) - d
        slope = mpmath.fsum(x * kappa / (x + mpmath.mpf(kappa)) ** 2 for x in exact)
    assert abs(left / slope) < 1e-12  # the relative error of kappa, to first order


@pytest.mark.parametrize(("d", "n"), [(50, 50), (50, 80), (60, 50), (60, 70), (None, 50)])
def test_everything_is_resolved(d, n):
    """50 equal eigenvalues: the equation is kappa (kappa + 1 - c) (kappa + 1 - e) = r (kappa + 1)^2
    with c = 50/d, e = 50/n, and at r = 0 its root is zero itself."""
    spectrum = Modes(lam=np.ones(50), weight=np.ones(50), multiplicity=np.ones(50))
    sizes = 0.0 if d is None else 1 / d, 1 / n
    assert float(on_axis(0.0, spectrum, *sizes)) == 0.0
    for r in (1e-300, 1e-30, 1e-12, 1e-3):
        kappa = float(on_axis(r, spectrum, *sizes))
        with mpmath.workdps(400):
            c, e, k = mpmath.mpf(50) / (d or mpmath.inf), mpmath.mpf(50) / n, mpmath.mpf(kappa)
            value = k * (k + 1 - c) * (k + 1 - e) / (k + 1) ** 2
            off = float(value / mpmath.mpf(r) - 1)
        assert abs(off) < 1e-12


def followed(modulus, angle, lam, multiplicity, d, n):
    """The effective ridge on d and n by its product form, carried from the axis in small steps.

    A fixed number of steps of tangent and Newton: no square root, no branch to choose.
    """
    sums = lambda k: [multiplicity @ (lam / (lam + k)) ** order for order in (1, 2)]

    def product(k):
        df1, df2 = sums(k)
        R, S = 1 - df1 / d, 1 - df1 / n
        return k * R * S, R * S + (df1 - df2) * (R / n + S / d)

    least = brentq(lambda y: sums(np.exp(y))[0] - min(d, n), -90, 20, xtol=1e-14)
    kappa = (
        np.exp(
            brentq(
                lambda y: product(np.exp(y))[0] - modulus, least, np.log(modulus) + 60, xtol=1e-14
            )
        )
        + 0j
    )
    for theta in np.linspace(0, angle, 200)[1:]:
        target = modulus * np.exp(1j * theta)
        for _ in range(3):
            value, slope = product(kappa)
            kappa -= (value - target) / slope
    return kappa


@pytest.mark.parametrize("a", [1.2, 2.0, 3.0])
@pytest.mark.parametrize(
    ("d", "n"), [(100, 100), (100, 101), (3, 3), (3, 10**5), (2000, 20), (10**4, 10**4)]
)
def test_features_and_samples_off_the_axis(a, d, n):
    """At d = n the product form has two roots close together: one continues to infinity."""
    modes = PowerLaw(alpha=a / 2, beta=0.0, v=10**6).spectrum()
    modulus = np.repeat(10.0 ** np.array([-9, -5, -1, 2]), 2)
    angle = np.tile([1.5, -2.6], 4)
    z = modulus * np.exp(1j * angle)
    found = np.array(jax.jit(ridge_off_axis)(z, modes, 1.0 / d, 1.0 / n))
    expected = [
        followed(r, t, modes.lam, modes.multiplicity, d, n)
        for r, t in zip(modulus, angle, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-8)
