"""Compressed sums over the coordinates against direct sums and closed forms."""

import jax
import mpmath
import numpy as np
import pytest

from solvable.numerics.sums import EXACT, MAX_SIZE, NODES, coordinates, count_octaves

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


@pytest.mark.parametrize("v", [45, 64, 100, 128, 5000])
def test_an_octave_integrates_degree_23_exactly(v):
    """Every polynomial of degree 2 * 12 - 1 over the last octave, and not more."""
    last = 2 ** int(np.log2(v - 1))
    middle, half = (v + last + 1) / 2, (v - last) / 2
    j, multiplicity = coordinates(v)
    nodes = (j > last) & (multiplicity > 0)
    integers = np.arange(last + 1, v + 1)

    def difference(degree):
        T = np.polynomial.Chebyshev.basis(degree)
        return multiplicity[nodes] @ T((j[nodes] - middle) / half) - sum(
            T((integers - middle) / half)
        )

    errors = np.abs([difference(k) for k in range(2 * NODES + 1)])
    assert errors[: 2 * NODES].max() < 1e-12 * len(integers)
    assert v == 45 or errors[2 * NODES] > 1e-9 * len(integers)  # 13 integers: nearly exact


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
    short, long = coordinates(v, octaves=16), coordinates(v, octaves=64)
    for (j, multiplicity), octaves in [(short, 16), (long, 64)]:
        assert j.shape == multiplicity.shape == (EXACT + NODES * octaves,)
        assert np.isfinite(j).all()
    np.testing.assert_array_equal(long[1][: short[1].size], short[1])
    assert not long[1][short[1].size :].any()


def test_problems_of_similar_size_share_their_shapes():
    assert [count_octaves(v) for v in (1, 32, 33, 2**21, 2**21 + 1)] == [0, 0, 16, 16, 32]
    assert coordinates(MAX_SIZE)[0].size < 1000
    assert 2.0 ** (5 + count_octaves(MAX_SIZE)) >= MAX_SIZE


def test_traced_sizes_agree_with_concrete_ones(x64):
    sizes = np.array([*SIZES, *HUGE], float)
    f = lambda j: 1 / (1 + 1e-5 * j**1.1)
    traced = jax.jit(jax.vmap(lambda v: compressed(f, v)))(sizes)
    np.testing.assert_allclose(traced, [compressed(f, v) for v in sizes], rtol=1e-13)


def test_the_sum_is_differentiable_in_the_summand(x64):
    """d/ds sum_j j^-s = -sum_j log(j) j^-s, through a jitted sum."""
    j, multiplicity = coordinates(10**6)
    slope = jax.grad(lambda s: multiplicity @ j**-s)(1.3)
    direct = np.arange(1.0, 10**6 + 1)
    np.testing.assert_allclose(slope, -np.sum(np.log(direct) * direct**-1.3), rtol=1e-12)
