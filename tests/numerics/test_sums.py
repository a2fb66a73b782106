"""Compressed sums over the coordinates against direct sums and closed forms."""

import jax
import mpmath
import numpy as np
import pytest

from solvable.numerics.sums import EXACT, MAX_SIZE, NODES, coordinates, count_octaves, count_parts

SIZES = [1, 2, 12, 31, 32, 33, 34, 35, 44, 45, 63, 64, 65, 128, 129, 1000, 12345, 10**6]
HUGE = [10**12, 2**50, 2**50 + 1, 10**18]

SUMMANDS = {
    "count": lambda j: np.ones_like(j),
    "j^-0.2": lambda j: j**-0.2,
    "j^-1": lambda j: 1 / j,
    "j^-2.6": lambda j: j**-2.6,
    "real ridge": lambda j: 1 / (1 + 0.03 * j**1.4),
    "complex ridge": lambda j: 1 / (1 + (0.01 + 0.02j) * j),
    # The ridge of the contour's corner, where lam + kappa comes closest to zero.
    "ridge at 135 degrees": lambda j: 1 / (1 - (1 - 1j) * 1e-3 * j),
    "SGD": lambda j: j**-1.2 * (1 - 0.5 / j) ** 200,
}

with_sizes = pytest.mark.parametrize("v", SIZES)
with_huge_sizes = pytest.mark.parametrize("v", HUGE)


def compressed(f, v, **options):
    j, multiplicity = coordinates(v, **options)
    return multiplicity @ f(j)


def closed(v, exact):
    """A closed form in 50 digits (v = 10^18 eats 18 of them), rounded."""
    with mpmath.workdps(50):
        return complex(exact(mpmath.mpf(v)))


def linear(kappa, v):
    """The sum of 1/(1 + kappa j), alpha = 1/2: compressed, and by digammas."""

    def exact(v):
        c = 1 / mpmath.mpmathify(kappa)
        return c * (mpmath.digamma(v + 1 + c) - mpmath.digamma(1 + c))

    return compressed(lambda j: 1 / (1 + kappa * j), v), closed(v, exact)


def quadratic(kappa, v):
    """The sum of 1/(1 + kappa j^2), alpha = 1: compressed, and by digammas."""

    def exact(v):  # partial fractions: 1/(j^2 + c^2) = (1/(j - ic) - 1/(j + ic)) / 2ic
        c = 1 / mpmath.sqrt(kappa)
        up, down = (
            mpmath.digamma(v + 1 + i * c) - mpmath.digamma(1 + i * c)
            for i in (mpmath.mpc(0, 1), mpmath.mpc(0, -1))
        )
        return c * (down - up) / mpmath.mpc(0, 2)

    return compressed(lambda j: 1 / (1 + kappa * j**2), v), closed(v, exact)


@with_sizes
@pytest.mark.parametrize("f", SUMMANDS.values(), ids=SUMMANDS)
def test_direct_sums(f, v):
    direct = f(np.arange(1.0, v + 1)).sum()  # pairwise summation: error near 20 eps
    np.testing.assert_allclose(compressed(f, v), direct, rtol=1e-13)


@with_huge_sizes
@pytest.mark.parametrize("s", [-1.0, 0.0, 0.2, 0.9, 1.3, 2.6])
def test_truncated_zeta(s, v):
    def hurwitz(v):  # the difference of two Hurwitz zetas continues to every s but one
        return mpmath.zeta(s) - mpmath.zeta(s, v + 1)

    np.testing.assert_allclose(compressed(lambda j: j**-s, v), closed(v, hurwitz).real, rtol=1e-13)


@with_huge_sizes
def test_harmonic_numbers(v):
    harmonic = closed(v, mpmath.harmonic).real
    np.testing.assert_allclose(compressed(lambda j: 1 / j, v), harmonic, rtol=1e-13)


@with_huge_sizes
@pytest.mark.parametrize("kappa", [1e-3, 1e-9, 1e-17, 1e-9j, (1 + 1j) * 1e-6])
def test_effective_dimension_in_closed_form(kappa, v):
    np.testing.assert_allclose(*linear(kappa, v), rtol=1e-12)
    np.testing.assert_allclose(*quadratic(kappa, v), rtol=1e-12)


@with_huge_sizes
@pytest.mark.parametrize("kappa", [(-1 + 1j) * 1e-6, (-1 + 1j) * 1e-12])
def test_effective_dimension_next_to_the_spectrum(kappa, v):
    """The poles kappa = -1/j^(2 alpha) come closer to the real j as alpha grows.

    At 135 degrees they are 135/(2 alpha) degrees away: 12 nodes per octave lose three digits
    at alpha = 1. (The risk does not: see test_prediction.)
    """
    np.testing.assert_allclose(*linear(kappa, v), rtol=1e-12)
    np.testing.assert_allclose(*quadratic(kappa, v), rtol=1e-9)


def test_short_octaves_hold_their_integers_one_by_one():
    for n in range(1, NODES + 1):
        j, multiplicity = coordinates(EXACT + n)
        used = multiplicity > 0.5
        np.testing.assert_allclose(np.sort(j[used]), np.arange(1, EXACT + n + 1), rtol=1e-15)
        np.testing.assert_allclose(multiplicity[used], 1, rtol=1e-13)
        np.testing.assert_allclose(multiplicity[~used], 0, atol=1e-13)


@pytest.mark.parametrize(("low", "high"), [(32, 64), (64, 128), (2048, 4096)])
def test_an_octave_integrates_degree_23_exactly(low, high):
    """Every polynomial of degree 2 * 12 - 1 over a whole octave, and not more."""
    middle, half = (high + low + 1) / 2, (high - low) / 2
    j, multiplicity = coordinates(10**4)
    nodes = (j > low) & (j <= high)
    assert nodes.sum() == NODES
    integers = np.arange(low + 1, high + 1)

    def difference(degree):
        T = np.polynomial.Chebyshev.basis(degree)
        exact = T((integers - middle) / half).sum()
        return multiplicity[nodes] @ T((j[nodes] - middle) / half) - exact

    errors = np.abs([difference(k) for k in range(2 * NODES + 1)])
    assert errors[: 2 * NODES].max() < 1e-12 * len(integers)
    assert errors[2 * NODES] > 1e-9 * len(integers)


@pytest.mark.parametrize("v", [*SIZES, *HUGE])
def test_multiplicities_count_the_coordinates(v):
    j, multiplicity = coordinates(v)
    assert (multiplicity >= 0).all()
    assert multiplicity.sum() == pytest.approx(v, rel=1e-14)
    used = j[multiplicity > 1e-9]
    assert used.min() >= 1 and used.max() <= v * (1 + 1e-15)
    assert (np.diff(np.sort(used)) > 0).all()


@pytest.mark.parametrize("v", [1, 20, 40, 12345])
def test_padding_has_multiplicity_zero(v):
    layers = 2 * NODES  # at the end
    short, long = coordinates(v, octaves=16), coordinates(v, octaves=64)
    for (j, multiplicity), octaves in [(short, 16), (long, 64)]:
        assert j.shape == multiplicity.shape == (EXACT + NODES * octaves + layers,)
        assert np.isfinite(j).all()
    size = short[1].size - layers
    np.testing.assert_array_equal(long[1][:size], short[1][:size])
    np.testing.assert_array_equal(long[1][-layers:], short[1][-layers:])
    assert not long[1][size:-layers].any()


def test_problems_of_similar_size_share_their_shapes():
    assert [count_octaves(v) for v in (1, 32, 33, 2**21, 2**21 + 1)] == [0, 0, 16, 16, 32]
    assert coordinates(MAX_SIZE)[0].size < 1000
    assert 2.0 ** (5 + count_octaves(MAX_SIZE)) >= MAX_SIZE


def test_traced_sizes_agree_with_concrete_ones(x64):
    sizes = np.array([*SIZES, *HUGE], float)
    f = lambda j: 1 / (1 + 1e-5 * j**1.1)
    traced = jax.jit(jax.vmap(lambda v: compressed(f, v)))(sizes)
    np.testing.assert_allclose(traced, [compressed(f, v) for v in sizes], rtol=1e-13)


@pytest.fixture(scope="module")
def value_and_slope():
    with jax.enable_x64(True):
        return jax.jit(jax.value_and_grad(lambda v: compressed(lambda j: j**-1.3, v)))


@pytest.mark.parametrize(
    "v", [12, 13, 20, 31, 32, 33, 44, 45, 64, 65, 512, 513, 4095, 4096, 4097, 10**6, 2**50 + 1]
)
def test_the_derivative_by_the_number_of_coordinates(value_and_slope, v, x64):
    """Of zeta(s) - zeta(s, v + 1), the sum continued smoothly, by v: s zeta(s + 1, v + 1).

    It comes from the last 12 integers at least, as polynomials: exact to 1e-13 unless these are
    the first of all, where j^-s is none.
    """
    value, slope = value_and_slope(float(v))
    with mpmath.workdps(50):
        exact = mpmath.zeta(1.3) - mpmath.zeta(1.3, v + 1)
        derivative = 1.3 * mpmath.zeta(2.3, v + 1)
    assert value == pytest.approx(float(exact), rel=1e-14)
    assert slope == pytest.approx(float(derivative), rel=1e-13 if v >= 20 else 1e-6)


@pytest.mark.parametrize("v", [300, 10**4])
@pytest.mark.parametrize(("alpha", "parts"), [(1.0, 1), (1.2, 2), (4.0, 2), (10.0, 4), (30.0, 8)])
def test_steep_spectra_have_more_panels(alpha, parts, v):
    """df1 at effective ridges in the midst of the eigenvalues, where one panel is the hardest.

    Of ridges on the axis any may occur. Training meets those 45 degrees from the eigenvalues too,
    but down to 1e-15 only, which is the smallest rate that 10^15 steps can see.
    """
    assert count_parts(alpha) == parts
    lam = lambda j: j ** (-2 * alpha)
    coarse = 0.0
    for j in (20.0, 60.0, 100.0, 2000.0):
        for turn in (1, np.exp(0.75j * np.pi)):
            if turn != 1 and lam(j) < 1e-15:
                continue
            kappa = turn * lam(j)
            term = lambda i, kappa=kappa: lam(i) / (lam(i) + kappa)
            direct = term(np.arange(1.0, v + 1)).sum()
            assert abs(compressed(term, v, parts=parts) / direct - 1) < 1e-10
            coarse = max(coarse, abs(compressed(term, v) / direct - 1))
    assert alpha < 4 or coarse > 1e-6  # an octave a panel would not do


def test_the_layer_at_the_end():
    """Long after the slowest mode is learned, sum exp(-x lam_j / lam_v) comes from few j alone."""
    for v in (513, 600, 1500, 10**5 + 7):
        for x in (1.0, 30.0, 300.0):
            f = lambda j, v=v, x=x: np.exp(-x * ((v / j) ** 2 - 1))
            direct = f(np.arange(1.0, v + 1)).sum()
            assert compressed(f, v) == pytest.approx(direct, rel=1e-10)


def test_the_sum_is_differentiable_in_the_summand(x64):
    """d/ds sum_j j^-s = -sum_j log(j) j^-s, through a jitted sum."""
    j, multiplicity = coordinates(10**6)
    slope = jax.grad(lambda s: multiplicity @ j**-s)(1.3)
    direct = np.arange(1.0, 10**6 + 1)
    np.testing.assert_allclose(slope, -np.sum(np.log(direct) * direct**-1.3), rtol=1e-12)
