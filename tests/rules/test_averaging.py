"""Averages of the iterates: coefficients by hand, identities, second moments, references."""

import jax
import numpy as np
import pytest

from solvable import DANA, SGD, Averaged, Momentum, PowerLaw, Spectrum, expect, predict
from solvable.models import Draw
from solvable.models.thresholds import max_learning_rate
from solvable.schedules import Cosine

STEPS = np.array([0, 1, 2, 3, 10, 50, 63, 64, 65, 200, 600])
FEATURES = PowerLaw(alpha=0.7, beta=0.3, v=24, d=10, noise=0.1)
DRAW = FEATURES.draw(jax.random.key(0))
REGRESSION = PowerLaw(alpha=0.75, beta=0.15, v=16, noise=0.2)


def one(rule, t):
    """A and b of step t."""
    with jax.enable_x64(True):
        A, b = rule.coefficients(np.array([t]))
    return np.asarray(A[0]), np.asarray(b[0])


@pytest.mark.parametrize(
    ("rule", "t", "A", "b"),
    [
        (Averaged(SGD(0.25), ema=0.75), 7, [[1, 0], [0.25, 0.75]], [-0.25, 0]),
        (Averaged(SGD(0.25), ema=0.0), 7, [[1, 0], [1, 0]], [-0.25, 0]),
        (Averaged(SGD(0.25), ema=[0.5, 0.25]), 1, [[1, 0], [0.75, 0.25]], [-0.25, 0]),
        (Averaged(SGD(0.25), tail=0), 0, [[1, 0], [1, 0]], [-0.25, 0]),
        (Averaged(SGD(0.25), tail=0), 3, [[1, 0], [0.25, 0.75]], [-0.25, 0]),
        (Averaged(SGD(0.25), tail=4), 3, [[1, 0], [1, 0]], [-0.25, 0]),
        (Averaged(SGD(0.25), tail=4), 4, [[1, 0], [1, 0]], [-0.25, 0]),
        (Averaged(SGD(0.25), tail=4), 5, [[1, 0], [0.5, 0.5]], [-0.25, 0]),
        (
            Averaged(Momentum(0.25, 0.5), ema=0.75),
            7,
            [[1, -0.125, 0], [0, 0.5, 0], [0.25, 0, 0.75]],
            [-0.25, 1, 0],
        ),
    ],
)
def test_coefficients_by_hand(rule, t, A, b):
    found = one(rule, t)
    np.testing.assert_allclose(found[0], A, rtol=1e-14)
    np.testing.assert_allclose(found[1], b, rtol=1e-14)
    assert rule.start == (*rule.rule.start, 1.0) and rule.output == len(rule.rule.start)
    assert rule.B == rule.rule.B and rule.base is rule.rule


# Identities


def excess(rule, steps=STEPS):
    return predict(REGRESSION, rule, steps).excess


def test_the_average_takes_in_the_old_iterate():
    """With rho = 0 it is the iterate before; and it starts at theta_0, as all do."""
    before = excess(SGD(0.2), np.maximum(STEPS - 1, 0)[1:])
    late = np.array([0, *before])
    late[0] = excess(SGD(0.2), [0])[0]
    np.testing.assert_allclose(excess(Averaged(SGD(0.2), ema=np.zeros(600))), late, rtol=1e-11)
    # By blocks of steps a number is good to their error.
    np.testing.assert_allclose(excess(Averaged(SGD(0.2), ema=0.0)), late, rtol=1e-8)


@pytest.mark.parametrize("base", [SGD(0.2), Momentum(0.02, 0.9, 3), SGD(Cosine(0.3, 600))])
def test_one_over_t_is_the_mean_of_all(base):
    """rho_t = t / (t + 1), by a callable or an array."""
    full = excess(Averaged(base, tail=0))
    for ema in (lambda t: t / (t + 1.0), np.arange(600) / np.arange(1.0, 601.0)):
        np.testing.assert_allclose(excess(Averaged(base, ema=ema)), full, rtol=1e-12)


def test_a_tail_that_has_not_begun_is_the_iterate_before():
    """Step ``tail`` + 1 too is a mean of one."""
    steps = np.array([1, 5, 50, 51, 52])
    found = excess(Averaged(SGD(0.2), tail=50), steps)
    np.testing.assert_allclose(found[:4], excess(SGD(0.2), steps[:4] - 1), rtol=1e-11)
    assert found[4] < 0.999 * found[3]


def test_a_schedule_of_rho_begins_at_a_constant():
    constant, array = (Averaged(SGD(0.2), ema=ema) for ema in (0.9, np.full(600, 0.9)))
    assert constant.constant and not array.constant
    np.testing.assert_allclose(excess(constant), excess(array), rtol=1e-8)  # that of the blocks
    np.testing.assert_allclose(excess(constant)[:7], excess(array)[:7], rtol=1e-12)


def test_the_mean_of_means_by_hand():
    """One mode, where E theta_s theta_t = r^(t - s) E theta_s^2: the running mean in closed form.

    A run of 12 steps, whose mean has second moment sum_{s, t} E theta_s theta_t / 12^2.
    """
    lam, gamma, noise = 0.7, 0.4, 0.3
    problem = Spectrum([lam], target=[1.5], noise=noise)
    r, m = 1 - gamma * lam, [lam * 1.5**2]
    for _ in range(11):
        m.append((r**2 + 2 * (gamma * lam) ** 2) * m[-1] + (gamma * lam) ** 2 * noise)
    for tail in (0, 5):
        kept = range(tail, 12)
        mean = sum(r ** abs(s - t) * m[min(s, t)] for s in kept for t in kept) / len(kept) ** 2
        found = predict(problem, Averaged(SGD(gamma), tail=tail), [12]).excess[0]
        assert found == pytest.approx(mean, rel=1e-12)


# Second moments in all coordinates, of rules as they are written


def averaged(step, rho):
    """The average first takes in the iterate, and then that moves."""

    def both(t, theta, *rest):
        *velocity, mean, g = rest
        mean = rho(t) * mean + (1 - rho(t)) * theta
        return *step(t, theta, *velocity, g), mean

    return both


def sgd(t, theta, g):
    return (theta - 0.3 * g,)


def heavy_ball(t, theta, y, g):
    y = 0.9 * y + g
    return theta - 0.02 * y, y


def nesterov(t, theta, y, g):
    y = (1 - min(1, 5.0 / (1 + t))) * y + g
    return theta - 0.1 * g - 0.01 * y, y


def tail(start):
    return lambda t: max(t - start, 0) / (max(t - start, 0) + 1)


DANA_RULE = DANA(gamma2=0.1, gamma3=0.01, delta=5.0, B=3)
RULES = {
    "ema": (Averaged(SGD(0.3, 2), ema=0.95), averaged(sgd, lambda t: 0.95)),
    "slow ema": (Averaged(SGD(0.3), ema=0.9999), averaged(sgd, lambda t: 0.9999)),
    "mean": (Averaged(SGD(0.3), tail=0), averaged(sgd, tail(0))),
    "tail": (Averaged(SGD(0.3, 3), tail=40), averaged(sgd, tail(40))),
    "changing ema": (
        Averaged(SGD(0.3), ema=lambda t: 1 - 0.5 / (1 + t)),
        averaged(sgd, lambda t: 1 - 0.5 / (1 + t)),
    ),
    "heavy ball": (Averaged(Momentum(0.02, 0.9), ema=0.9), averaged(heavy_ball, lambda t: 0.9)),
    "tail of heavy ball": (Averaged(Momentum(0.02, 0.9), tail=7), averaged(heavy_ball, tail(7))),
    "DANA": (Averaged(DANA_RULE, ema=0.9), averaged(nesterov, lambda t: 0.9)),
}


@pytest.mark.parametrize(("rule", "step"), RULES.values(), ids=RULES)
def test_against_second_moments_in_all_coordinates(second_moments, rule, step):
    of = dict(B=rule.B, output=rule.output)
    early = STEPS < 64
    late = dict(rtol=1e-11) if not rule.constant else dict(rtol=1e-7)  # by blocks of steps
    for found, full in (
        (
            expect(DRAW, rule, STEPS).excess,
            second_moments(FEATURES, step, rule.start, STEPS, W=DRAW.W, **of),
        ),
        (
            predict(REGRESSION, rule, STEPS).excess,
            second_moments(REGRESSION, step, rule.start, STEPS, **of),
        ),
    ):
        np.testing.assert_allclose(found[early], full[early], rtol=1e-11)
        np.testing.assert_allclose(found, full, **late)


# References


@pytest.mark.parametrize(
    ("B", "gamma", "last", "mean"),
    [(1, 0.12, 0.409229, 0.381789), (4, 0.3, 0.363030, 0.339563)],
)
def test_reference_values_for_given_features(B, gamma, last, mean):
    """Confirmed by simulation within 0.1 per cent."""
    problem = PowerLaw(alpha=0.75, beta=0.15, v=60, d=16, noise=0.1)
    draw = Draw(problem=problem, W=np.random.default_rng(0).standard_normal((60, 16)) / 4)
    for rule, value in ((SGD(gamma, B), last), (Averaged(SGD(gamma, B), ema=0.95), mean)):
        assert expect(draw, rule, [200]).excess[0] == pytest.approx(value, abs=5.1e-7)


@pytest.mark.parametrize(
    ("d", "a", "b", "sgd", "noise", "T", "rho", "tail", "values"),
    [
        (32, 1.5, 1.8, SGD(0.2), 0.25, 400, 0.98, 200, (0.105719, 0.045643, 0.045055)),
        (32, 1.5, 1.8, SGD(0.4, 4), 0.25, 400, 0.95, 200, (0.042236, 0.016185, 0.013216)),
        (64, 2.0, 2.0, SGD(0.5, 8), 1.0, 300, 0.9, 100, (0.105501, 0.057358, 0.054331)),
    ],
)
def test_reference_values_for_regression(d, a, b, sgd, noise, T, rho, tail, values):
    """The last iterate, its moving average and its tail average."""
    problem = PowerLaw(alpha=a / 2, beta=(b - a) / 2, v=d, noise=noise)
    rules = (sgd, Averaged(sgd, ema=rho), Averaged(sgd, tail=tail))
    found = [predict(problem, rule, [T]).excess[0] for rule in rules]
    np.testing.assert_allclose(found, values, atol=5.1e-7)


def test_an_average_is_late_at_first():
    problem = PowerLaw(alpha=0.75, beta=0.15, v=32, noise=0.25)
    found = predict(problem, Averaged(SGD(0.2), ema=0.98), [10, 100]).excess
    np.testing.assert_allclose(found, [1.567853, 0.215935], atol=5.1e-7)


@pytest.mark.parametrize(
    ("a", "fraction", "B", "rho", "value"),
    [(1.2, 0.4, 1, 0.95, 0.27115434), (2.0, 0.5, 4, 0.99, 0.01767137)],
)
def test_the_stationary_risk_of_an_average(a, fraction, B, rho, value):
    """In closed form, mode by mode, and to the digits of the reference."""
    problem = PowerLaw(alpha=a / 2, beta=0.0, v=64, noise=1.0)
    gamma = fraction * max_learning_rate(problem, B)
    x = gamma * np.arange(1.0, 65.0) ** -a
    each = x / (B * (2 - x))
    kernel = each / (1 - each)
    share = (1 - rho) / (1 + rho) * (1 + rho * (1 - x)) / (1 - rho * (1 - x))
    floor = (kernel @ share) / (1 - kernel.sum())
    found = predict(problem, Averaged(SGD(gamma, B), ema=rho), [10**12]).excess[0]
    assert found == pytest.approx(floor, rel=1e-9)
    assert found == pytest.approx(value, abs=5.1e-9)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`ema` must be given, or else `tail`, and not both, but is 'ema=None, tail=None'"),
        ({"ema": 0.9, "tail": 10}, "`ema` must be given, or else `tail`, and not both"),
        ({"ema": 1.0}, r"`ema` must lie in \[0, 1\), but is 1.0"),
        ({"ema": -0.1}, "`ema` must be at least 0, but is -0.1"),
        ({"ema": np.nan}, "`ema` must be a finite number, but is nan"),
        ({"ema": [0.5, 1.0]}, r"`ema\[1\]` must lie in \[0, 1\), but is 1.0"),
        ({"ema": [-0.5, 0.5]}, r"`ema\[0\]` must not be negative, but is -0.5"),
        ({"tail": -1}, "`tail` must be at least 0, but is -1"),
        ({"tail": 0.5}, "`tail` must be a whole number, but is 0.5"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=f"Argument {message}"):
        Averaged(SGD(0.1), **arguments)


def test_rho_must_suffice_for_the_steps_and_stay_a_fraction():
    with pytest.raises(ValueError, match="`ema` must have one rate for each of the 6 steps"):
        predict(REGRESSION, Averaged(SGD(0.1), ema=np.full(5, 0.9)), 6)
    with pytest.raises(ValueError, match=r"`ema\(\d\)` must"):
        predict(REGRESSION, Averaged(SGD(0.1), ema=lambda t: 1.5 + 0 * t), 6)
