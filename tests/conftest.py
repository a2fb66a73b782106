"""What the tests share: the user's 32-bit setting, and oracles that trust nothing of ours."""

import os
import tempfile

if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    # Most of the time goes into compiling. What one file has compiled the others read, in other
    # processes too, for one run: the workers and the commands under test inherit the folder.
    PROGRAMS = tempfile.TemporaryDirectory(prefix="programs-", ignore_cleanup_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = PROGRAMS.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"

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


@pytest.fixture(scope="module", autouse=True)
def programs_are_dropped():
    """Compiled programs of one file, gigabytes in all, do not outlive it."""
    yield
    jax.clear_caches()


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


@pytest.fixture(scope="session")
def second_moments():
    """The excess risk of any rule, from the second moments of its vectors in all v coordinates.

    A rule is given as its paper writes it: ``step(t, *vectors, g)`` returns the vectors after
    step t, the iterate first. Its matrix is read off by stepping unit vectors. With r_i = W x_i -
    (start of x_i) b, G = W W' and risk P of the iterate, a step is r <- (A + b e_0' G D) r + b G
    (g - E g), and by Isserlis' theorem the gradient of B samples has covariance (D R D + P D) / B.
    Neither eigenvalues nor modes appear.
    """

    def excess(problem, step, start, steps, *, W=None, B=1, output=0):
        scale, target = problem.coordinates()
        D, k = np.diag(scale**2), len(start)
        G = np.eye(scale.size) if W is None else W @ W.T
        S = np.outer(*2 * [np.outer(start, -target).ravel()])
        found, identity = [], np.eye(scale.size)
        for t in range(int(max(steps)) + 1):
            blocks = S.reshape(k, scale.size, k, scale.size)
            risk = np.trace(D @ blocks[0, :, 0]) + problem.noise
            found.append(np.trace(D @ blocks[output, :, output]))
            moved = np.array(step(t, *np.eye(k + 1)))
            A, b = moved[:, :k], moved[:, k]
            M = np.kron(A, identity) + np.kron(np.outer(b, np.eye(k)[0]), G @ D)
            spread = (D @ blocks[0, :, 0] @ D + risk * D) / B
            S = M @ S @ M.T + np.kron(np.outer(b, b), G @ spread @ G)
        return np.array(found)[np.asarray(steps, int)]

    return excess
