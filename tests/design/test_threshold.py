"""Stability: reference tables, dense matrices, and late curves."""

import jax
import numpy as np
import pytest

from solvable import SGD, Averaged, Momentum, PowerLaw, Spectrum, expect, predict, stability
from solvable.design import learning_rate_map
from solvable.models import Draw
from solvable.models.thresholds import max_learning_rate
from solvable.schedules import Cosine

ISOTROPIC = Spectrum(np.ones(128), target=np.ones(128))
FEATURES = PowerLaw(alpha=0.7, beta=0.4, v=1600, d=400, noise=0.1)


def power_law(d, a, noise=1.0):
    """Eigenvalues j^-a."""
    return PowerLaw(alpha=a / 2, beta=0.0, v=d, noise=noise)


# Reference values, of independent solutions, confirmed by simulation


@pytest.mark.parametrize(
    ("d", "a", "B", "fraction", "floor"),
    [
        (64, 1, 1, 0.3, 0.36272),
        (64, 1, 1, 0.5, 0.84141),
        (64, 1, 16, 0.5, 0.19381),
        (64, 1.5, 4, 0.5, 0.32509),
    ],
)
def test_floors_of_sgd(d, a, B, fraction, floor):
    problem = power_law(d, a)
    sgd = SGD.stable(problem, fraction, B)
    found = stability(problem, sgd)
    assert found.floor == pytest.approx(floor, abs=5.1e-6)
    assert found.threshold == pytest.approx(max_learning_rate(problem, B), rel=1e-12)
    assert found.stable


@pytest.mark.parametrize(
    ("d", "a", "B", "mu", "value"),
    [(40, 1.5, 1, 0.9, 0.06809725), (40, 1.5, 16, 0.9, 0.90915757), (40, 1.0, 4, 0.5, 0.74562054)],
)
def test_thresholds_of_heavy_ball(d, a, B, mu, value):
    """Whatever the learning rate that is asked about."""
    for gamma in (1e-6, 0.5 * value, 0.999 * value):
        found = stability(power_law(d, a), Momentum(gamma, mu, B))
        assert found.threshold == pytest.approx(value, abs=5.1e-9)
        assert found.stable
    assert not stability(power_law(d, a), Momentum(1.001 * value, mu, B)).stable


@pytest.mark.parametrize(
    ("rule", "floor"), [(Momentum(0.02, 0.9), 0.483263), (Momentum(0.1, 0.9, 8), 0.253067)]
)
def test_floors_of_heavy_ball(rule, floor):
    assert stability(power_law(32, 1.2), rule).floor == pytest.approx(floor, abs=5.1e-7)


# Dense matrices


def joint_update(lam, gamma, mu, B):
    """The step of (E e^2, E e y, E y^2), n modes each, for y' = mu y + g, e' = e - gamma y'.

    With E e g = lam E e^2, E y g = lam E e y, E g^2 = (1 + 1/B) lam^2 E e^2 + lam sum_j lam_j
    E e_j^2 / B.
    """
    I, L, O = np.eye(lam.size), np.diag(lam), np.zeros((lam.size, lam.size))
    of = dict(ee=[I, O, O], ey=[O, I, O], yy=[O, O, I], eg=[L, O, O], yg=[O, L, O])
    of["gg"] = [(1 + 1 / B) * L**2 + np.outer(lam, lam) / B, O, O]
    of = {name: np.hstack(blocks) for name, blocks in of.items()}
    yy = mu**2 * of["yy"] + 2 * mu * of["yg"] + of["gg"]
    ey = mu * of["ey"] + of["eg"]  # E e y'
    return np.vstack([of["ee"] - 2 * gamma * ey + gamma**2 * yy, ey - gamma * yy, yy])


def radius(*arguments):
    return np.abs(np.linalg.eigvals(joint_update(*arguments))).max()


@pytest.mark.parametrize("B", [1, 8, 1000])
@pytest.mark.parametrize("mu", [0.0, 0.5, 0.9, 0.98])
@pytest.mark.parametrize(("d", "a"), [(20, 1.5), (24, 0.5)])
def test_at_the_threshold_the_joint_update_has_spectral_radius_one(d, a, mu, B):
    lam = np.arange(1.0, d + 1) ** -a
    threshold = stability(power_law(d, a), Momentum(0.01, mu, B)).threshold
    assert radius(lam, threshold, mu, B) == pytest.approx(1, abs=1e-9)
    assert radius(lam, threshold * (1 + 1e-3), mu, B) > 1 + 1e-7
    assert radius(lam, threshold * (1 - 1e-3), mu, B) < 1


# Late curves


@pytest.mark.parametrize(
    "rule",
    [
        SGD(0.1),
        pytest.param(SGD(0.5, 16), marks=pytest.mark.slow),
        pytest.param(Momentum(0.01, 0.9), marks=pytest.mark.slow),
        Momentum(0.05, 0.5, 4),
    ],
    ids=repr,
)
def test_the_floor_is_the_end_of_the_curve(rule):
    """Of a regression, of a draw, and of the equivalent, where slow modes take 10^15 steps.

    The last is good to the error of the inversion and of the contour.
    """
    regression = power_law(64, 1.0)
    draw = PowerLaw(alpha=0.7, beta=0.4, v=40, d=10, noise=0.1).draw(jax.random.key(0))
    for problem in (regression, draw):
        late = expect(problem, rule, [10**12]).excess[0]
        assert stability(problem, rule).floor == pytest.approx(late, rel=1e-9)
    late = predict(FEATURES, rule, [10**15]).excess[0]
    assert stability(FEATURES, rule).floor == pytest.approx(late, rel=3e-9)


def test_the_kernel_sums_up():
    """kappa = sum of gamma lam / (2 B - (B + 1) gamma lam), for regression and for a draw."""
    draw = PowerLaw(alpha=0.7, beta=0.4, v=40, d=10, noise=0.1).draw(jax.random.key(0))
    for problem, lam in ((power_law(64, 1.0), 1 / np.arange(1.0, 65)), (draw, draw.modes.lam)):
        for gamma, B in ((0.1, 1), (0.3, 4), (1.2, 1000)):
            x = gamma * np.asarray(lam)
            kernel = np.sum(x / (2 * B - (B + 1) * x))
            assert stability(problem, SGD(gamma, B)).kernel == pytest.approx(kernel, rel=1e-12)


def test_the_equivalent_of_many_features_is_the_mean_of_draws():
    problem = PowerLaw(alpha=0.7, beta=0.4, v=160, d=40, noise=0.1)
    draws = [problem.draw(jax.random.key(seed)) for seed in range(20)]
    floors = np.array([stability(draw, SGD(0.05)).floor for draw in draws])
    error = floors.std(ddof=1) / np.sqrt(20)
    mean = stability(problem, SGD(0.05)).floor
    assert abs(floors.mean() - mean) < 4 * error + mean / 40  # the mean is off by O(1/d)
    assert error < 0.06 * mean  # power


@pytest.mark.parametrize("problem", [power_law(64, 1.0), FEATURES], ids=str)
@pytest.mark.parametrize("make", [lambda g: SGD(g, 8), lambda g: Momentum(g, 0.9, 8)])
def test_above_the_threshold_there_is_no_floor(problem, make):
    threshold = stability(problem, make(0.01)).threshold
    below, above, far = (stability(problem, make(x * threshold)) for x in (0.999, 1.001, 50.0))
    assert below.stable and below.kernel < 1 and np.isfinite(below.floor)
    for found in (above, far):
        assert not found.stable and found.kernel >= 1 and found.floor == np.inf
        assert found.threshold == pytest.approx(threshold, rel=1e-12)


# The map


def test_the_map_of_learning_rates():
    """The threshold for each B, in between its two limits."""
    B = np.array([1, 4, 32, 1e3, 1e9])
    for problem in (power_law(512, 1.5), FEATURES):
        found = learning_rate_map(problem, B)
        each = [max_learning_rate(problem, size) for size in B]
        np.testing.assert_allclose(found.largest, each, rtol=1e-12)
        np.testing.assert_allclose(found.small_batch, found.small_batch[0] * B, rtol=1e-14)
        np.testing.assert_allclose(found.linear_scaling, found.largest[0] * B, rtol=1e-14)
        assert (found.largest < found.small_batch).all()
        assert found.largest[-1] == pytest.approx(found.large_batch, rel=1e-4)
    trace = np.sum(np.arange(1.0, 513) ** -1.5)
    found = learning_rate_map(power_law(512, 1.5), B)
    assert found.turning_point == pytest.approx(trace, rel=1e-12)  # its top eigenvalue is one
    assert found.small_batch[0] == pytest.approx(2 / trace, rel=1e-12)


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: stability(ISOTROPIC, SGD(Cosine(0.1, 10))),
            ValueError,
            "`rule` must take steps with the same coefficients each",
        ),
        (
            lambda: stability(ISOTROPIC, Averaged(SGD(0.1), ema=0.9)),
            ValueError,
            "`rule` must be no average",
        ),
        (lambda: stability("plrf", SGD(0.1)), TypeError, "`problem` must be a problem"),
        (lambda: stability(ISOTROPIC, 0.1), TypeError, "`rule` must be a training rule"),
        (lambda: learning_rate_map(ISOTROPIC, []), ValueError, "`B` must be a non-empty"),
        (lambda: learning_rate_map(ISOTROPIC, [1, 0]), ValueError, r"`B\[1\]` must be a positive"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_draws_of_any_features_have_a_floor():
    """... what they cannot express, for small rates and little noise."""
    problem = PowerLaw(alpha=0.75, beta=0.15, v=60, d=16)
    W = np.random.default_rng(0).standard_normal((60, 16)) / 4
    scale, target = problem.coordinates()
    X, y = scale[:, None] * W, scale * target
    outside = np.sum((y - X @ np.linalg.lstsq(X, y)[0]) ** 2)
    found = stability(Draw(problem=problem, W=W), SGD(1e-9))
    assert found.floor == pytest.approx(outside, rel=1e-6)
