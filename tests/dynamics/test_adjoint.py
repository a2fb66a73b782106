"""The gradient by every rate: against differences, automatic differentiation, and the recursion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from solvable import SGD, PowerLaw
from solvable.dynamics import contour_modes
from solvable.dynamics.adjoint import final_excess, final_excess_and_gradient
from solvable.dynamics.recursion import stepping

RATES = np.random.default_rng(0).uniform(0.01, 0.1, 600)  # neither a multiple of a row, nor one row


def modes_of(kind):
    if kind == "real":
        return PowerLaw(alpha=1.0, beta=0.5, v=10**7, noise=1.0).spectrum()
    problem = PowerLaw(alpha=1.0, beta=0.3, v=10**6, d=10**3, noise=0.3)
    return contour_modes(problem, SGD(RATES, 4), RATES.size)


@pytest.fixture(params=["real", "complex"])
def modes(request, x64):
    return modes_of(request.param)


def test_the_excess_is_that_of_the_recursion(modes):
    expected = stepping([RATES.size], modes, SGD(RATES, 4))[0]
    for found in (
        final_excess(RATES, modes, 4.0),
        final_excess_and_gradient(RATES, modes, 4.0)[0],
    ):
        assert float(found) == pytest.approx(float(expected), rel=1e-12)


def test_the_gradient_is_that_of_automatic_differentiation(modes):
    expected = jax.grad(final_excess)(jnp.asarray(RATES), modes, 4.0)
    found = final_excess_and_gradient(RATES, modes, 4.0)[1]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13 * np.abs(expected).max())


def test_the_gradient_is_a_difference(modes):
    gradient = final_excess_and_gradient(RATES, modes, 4.0)[1]
    for t in (0, 255, 256, 599):
        shift = 1e-6 * (np.arange(600) == t)
        ahead, behind = (final_excess(RATES + s, modes, 4.0) for s in (shift, -shift))
        assert float(gradient[t]) == pytest.approx(float(ahead - behind) / 2e-6, rel=2e-5)


@pytest.mark.parametrize("steps", [1, 256, 257])
def test_rows_of_any_filling(x64, steps):
    excess, gradient = final_excess_and_gradient(RATES[:steps], modes_of("real"), 4.0)
    assert gradient.shape == (steps,)
    assert float(excess) == float(final_excess(RATES[:steps], modes_of("real"), 4.0))
    assert np.isfinite(gradient).all() and (np.asarray(gradient) != 0).all()
