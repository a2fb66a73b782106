"""What the tests share: the user's 32-bit setting, and oracles that trust nothing of ours."""

import jax
import mpmath
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def settings_are_left_alone():
    """The tests run as users do, with 64-bit types off; none may leave them on."""
    before = jax.config.values.copy()
    assert not before["jax_enable_x64"]
    yield
    assert jax.config.values == before


@pytest.fixture
def x64():
    """64-bit types, for the functions below the public ones."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
def matrix_powers():
    """The excess risk by powers of the dense update matrix, in 60 digits.

    The state is (m_1, ..., m_n, 1), so floor and noise are entries of the matrix too.
    """

    def excess(modes, gamma, B, steps):
        with mpmath.workdps(60):
            lam, n, m = (
                [mpmath.mpf(float(x)) for x in xs]
                for xs in (modes.lam, modes.multiplicity, modes.weight)
            )
            floor, noise = mpmath.mpf(float(modes.floor)), mpmath.mpf(float(modes.noise))
            gamma, B = mpmath.mpf(float(gamma)), mpmath.mpf(float(B))
            update = mpmath.zeros(len(lam) + 1)
            update[len(lam), len(lam)] = 1
            for i in range(len(lam)):
                pull = gamma**2 / B * n[i] * lam[i] ** 2
                for j in range(len(lam)):
                    update[i, j] = pull
                update[i, i] += 1 - 2 * gamma * lam[i] + gamma**2 * (B + 1) / B * lam[i] ** 2
                update[i, len(lam)] = pull * (floor + noise)
            start = mpmath.matrix([*m, 1])
            after = ((update ** int(t)) * start for t in steps)
            return np.array([float(floor + sum(state[: len(lam)])) for state in after])

    return excess
