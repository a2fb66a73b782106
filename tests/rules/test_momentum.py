"""Momentum: coefficients by hand, identities, second moments in all coordinates, references."""

import jax
import numpy as np
import pytest

from solvable import DANA, SGD, Momentum, PowerLaw, Spectrum, UnstableError, expect, predict
from solvable.models import Draw
from solvable.models.thresholds import max_learning_rate
from solvable.rules import ThreeRates
from solvable.schedules import Constant, Cosine

STEPS = np.array([0, 1, 2, 3, 10, 50, 63, 64, 65, 200, 600])
FEATURES = PowerLaw(alpha=0.7, beta=0.3, v=24, d=10, noise=0.1)
DRAW = FEATURES.draw(jax.random.key(0))
REGRESSION = PowerLaw(alpha=0.75, beta=0.15, v=16, noise=0.2)


def one(rule, t):
    """A and b of step t."""
    with jax.enable_x64(True):
        A, b = rule.coefficients(np.array([t]))
    return np.asarray(A[0]), np.asarray(b[0])


# theta <- theta - gamma (mu y + g) for heavy ball, written out; and so on


@pytest.mark.parametrize(
    ("rule", "t", "A", "b"),
    [
        (Momentum(0.25, 0.5), 7, [[1, -0.125], [0, 0.5]], [-0.25, 1]),
        (Momentum(Constant(0.25, 9), 0.0), 7, [[1, 0], [0, 0]], [-0.25, 1]),
        (Momentum(np.arange(1.0, 9.0), 0.5), 2, [[1, -1.5], [0, 0.5]], [-3, 1]),
        (
            ThreeRates(Delta=0.25, gamma1=2.0, gamma2=0.5, gamma3=0.125),
            3,
            [[1, -0.09375], [0, 0.75]],
            [-0.75, 2],
        ),
        (ThreeRates(Delta=4.0, gamma2=0.5, gamma3=0.1), 3, [[1, 0], [0, 0]], [-0.6, 1]),
        # delta / (1 + t) is cut at 1 in the first steps: the memory is empty
        (DANA(gamma2=0.5, gamma3=0.1, delta=5.0), 0, [[1, 0], [0, 0]], [-0.6, 1]),
        (DANA(gamma2=0.5, gamma3=0.1, delta=5.0), 9, [[1, -0.05], [0, 0.5]], [-0.6, 1]),
        (DANA(gamma2=0.5, gamma3=0.2, delta=6.0, decay=0.5), 8, [[1, -1 / 45], [0, 1 / 3]], None),
    ],
)
def test_coefficients_by_hand(rule, t, A, b):
    found = one(rule, t)
    np.testing.assert_allclose(found[0], A, rtol=1e-14, atol=1e-17)
    b = [-(0.5 + 0.2 / 3), 1] if b is None else b
    np.testing.assert_allclose(found[1], b, rtol=1e-14)
    assert rule.start == (1.0, 0.0) and rule.output == 0


@pytest.mark.parametrize("B", [1, 8])
@pytest.mark.parametrize("kind", ["constant", "decaying"])
def test_the_choices_of_the_paper(kind, B):
    """With c = min(1, B / Tr D), here 1 / 1.6 at B = 1; problem or draw."""
    trace = np.sum(np.arange(1.0, 25.0) ** -1.4)
    c = min(1.0, B / trace)
    for problem in (FEATURES, DRAW):
        rule = DANA.for_problem(problem, kind, B)
        assert (rule.gamma2, rule.delta, rule.B) == pytest.approx((c / 2, 4 + 1.0 / 0.7, B))
        small = (0.1 * c * B / 10, 0.0) if kind == "constant" else (0.1 * c, 1 / 1.4)
        assert (rule.gamma3, rule.decay) == pytest.approx(small)
    # The features of a regression are its coordinates.
    rule = DANA.for_problem(REGRESSION, "constant")
    c = 1 / np.sum(np.arange(1.0, 17.0) ** -1.5)
    assert (rule.gamma2, rule.gamma3) == pytest.approx((c / 2, 0.1 * c / 16))


# Identities


def assert_same_curve(one, other, rtol=1e-12):
    for run, problem in ((predict, REGRESSION), (expect, DRAW)):
        curves = [run(problem, rule, STEPS).excess for rule in (one, other)]
        np.testing.assert_allclose(*curves, rtol=rtol)


def test_heavy_ball_is_a_case_of_three_rates():
    assert_same_curve(
        Momentum(0.02, 0.9, 2), ThreeRates(Delta=0.1, gamma2=0.0, gamma3=0.02, B=2), rtol=1e-11
    )


def test_without_momentum_it_is_sgd():
    """By blocks of steps, one by one, and in closed form."""
    assert_same_curve(Momentum(0.1, 0.0, 2), SGD(0.1, 2), rtol=1e-9)  # the error of the blocks
    assert_same_curve(Momentum(Constant(0.1, 9), 0.0, 2), SGD(0.1, 2), rtol=1e-11)
    schedule = Cosine(0.2, 300)
    assert_same_curve(Momentum(schedule, 0.0), SGD(schedule))


def test_only_the_product_of_two_rates_matters():
    """gamma_1 scales the memory, gamma_3 reads it."""
    assert_same_curve(
        ThreeRates(Delta=0.1, gamma1=8.0, gamma2=0.05, gamma3=0.0025),
        ThreeRates(Delta=0.1, gamma1=1.0, gamma2=0.05, gamma3=0.02),
        rtol=1e-11,
    )


@pytest.mark.parametrize("kind", ["constant", "decaying"])
def test_dana_with_its_rates_written_out(kind):
    dana = DANA.for_problem(REGRESSION, kind, 2)
    t = np.arange(600.0)
    rates = ThreeRates(
        Delta=dana.delta / (1 + t),  # above 1 at first, which is cut
        gamma2=dana.gamma2,
        gamma3=dana.gamma3 * (1 + t) ** -dana.decay,
        B=2,
    )
    assert_same_curve(dana, rates)


# Second moments in all coordinates


def heavy_ball(gamma, mu):
    def step(t, theta, y, g):
        y = mu * y + g
        return theta - gamma(t) * y, y

    return step


def nesterov(delta, gamma2, gamma3):
    def step(t, theta, y, g):
        y = (1 - min(1, delta / (1 + t))) * y + g
        return theta - gamma2 * g - gamma3(t) * y, y

    return step


def three(t, theta, y, g):
    y = 0.7 * y + 1.5 * g
    return theta - 0.04 * g - 0.03 * y, y


RULES = {
    "heavy ball": (Momentum(0.02, 0.9), heavy_ball(lambda t: 0.02, 0.9)),
    "in batches": (Momentum(0.05, 0.8, 4), heavy_ball(lambda t: 0.05, 0.8)),
    "scheduled": (
        Momentum(Cosine(0.04, 100), 0.9, 2),
        heavy_ball(lambda t: 0.04 * np.cos(np.pi * min(t, 100) / 200) ** 2, 0.9),
    ),
    "three rates": (ThreeRates(Delta=0.3, gamma1=1.5, gamma2=0.04, gamma3=0.03), three),
    "DANA": (
        DANA(gamma2=0.1, gamma3=0.01, delta=5.0),
        nesterov(5.0, 0.1, lambda t: 0.01),
    ),
    "decaying DANA": (
        DANA(gamma2=0.1, gamma3=0.05, delta=5.0, decay=0.6, B=3),
        nesterov(5.0, 0.1, lambda t: 0.05 * (1 + t) ** -0.6),
    ),
}


@pytest.mark.parametrize(("rule", "step"), RULES.values(), ids=RULES)
def test_against_second_moments_in_all_coordinates(second_moments, rule, step):
    start = (1, 0)
    full = second_moments(FEATURES, step, start, STEPS, W=DRAW.W, B=rule.B)
    late = dict(rtol=1e-11) if not rule.constant else dict(rtol=1e-9)  # by blocks of steps
    early = STEPS < 64
    found = expect(DRAW, rule, STEPS).excess
    np.testing.assert_allclose(found[early], full[early], rtol=1e-11)
    np.testing.assert_allclose(found, full, **late)
    full = second_moments(REGRESSION, step, start, STEPS, B=rule.B)
    found = predict(REGRESSION, rule, STEPS).excess
    np.testing.assert_allclose(found[early], full[early], rtol=1e-11)
    np.testing.assert_allclose(found, full, **late)


def test_any_features(second_moments):
    """W that nobody sampled as we do, with a rank below its size."""
    W = np.random.default_rng(1).standard_normal((24, 3)) @ np.ones((3, 10)) / 10
    draw, (rule, step) = Draw(problem=FEATURES, W=W), RULES["scheduled"]
    full = second_moments(FEATURES, step, (1, 0), STEPS, W=W, B=rule.B)
    np.testing.assert_allclose(expect(draw, rule, STEPS).excess, full, rtol=1e-11)


# References


@pytest.mark.parametrize(
    ("rule", "excess"),
    [
        (Momentum(0.02, 0.9), [0.620606, 0.153918, 0.064866]),
        (Momentum(0.01, 0.98, 8), [0.535746, 0.232447, 0.015498]),
    ],
)
def test_reference_values_of_heavy_ball(rule, excess):
    """Independent recursions, within one standard error (0.3 per cent) of simulations."""
    problem = PowerLaw(alpha=0.75, beta=0.15, v=32, noise=0.1)
    np.testing.assert_allclose(predict(problem, rule, [20, 100, 300]).excess, excess, atol=5.1e-7)


@pytest.mark.parametrize(
    ("kind", "B", "noise", "excess"),
    [
        ("constant", 1, 0.0, [0.170721, 0.049755, 0.014709]),
        ("decaying", 4, 0.05, [0.090509, 0.030687, 0.013703]),
    ],
)
def test_reference_values_of_dana(kind, B, noise, excess):
    problem = PowerLaw(alpha=1.0, beta=0.2, v=48, noise=noise)
    rule = DANA.for_problem(problem, kind, B)
    np.testing.assert_allclose(predict(problem, rule, [20, 100, 400]).excess, excess, atol=5.1e-7)


def test_dana_outruns_sgd():
    """The exponent of alpha = 1, beta = 0.2 without noise: 0.70, and 1.02 at 10^5 steps."""
    problem, steps = PowerLaw(alpha=1.0, beta=0.2, v=10**7), [100_000, 110_000]
    rules = {0.700: SGD.stable(problem, 0.3), 1.0: DANA.for_problem(problem, "decaying")}
    for slope, rule in rules.items():
        excess = predict(problem, rule, steps).excess
        found = -np.diff(np.log(excess))[0] / np.log(1.1)
        assert found == pytest.approx(slope, abs=0.02)


# Bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Momentum(0.1, 1.0), r"`mu` must lie in \[0, 1\), but is 1.0"),
        (lambda: Momentum(0.1, -0.1), "`mu` must be at least 0, but is -0.1"),
        (lambda: Momentum(0.1, np.nan), "`mu` must be a finite number, but is nan"),
        (lambda: Momentum(0.0), "`gamma` must be a positive finite number, but is 0.0"),
        (lambda: Momentum([0.1, -1.0]), r"`gamma\[1\]` must not be negative, but is -1.0"),
        (lambda: Momentum(0.1, B=0), "`B` must be at least 1, but is 0"),
        (
            lambda: ThreeRates(Delta=-0.1, gamma2=0.1, gamma3=0.1),
            "`Delta` must be at least 0, but is -0.1",
        ),
        (
            lambda: ThreeRates(Delta=0.1, gamma2=-0.1, gamma3=0.1),
            "`gamma2` must be at least 0, but is -0.1",
        ),
        (
            lambda: ThreeRates(Delta=0.1, gamma2=0.1, gamma3=[0.1, np.nan]),
            r"`gamma3\[1\]` must be a finite number, but is nan",
        ),
        (
            lambda: DANA(gamma2=0.0, gamma3=0.1, delta=5.0),
            "`gamma2` must be a positive finite number, but is 0.0",
        ),
        (
            lambda: DANA(gamma2=0.1, gamma3=0.1, delta=-5.0),
            "`delta` must be a positive finite number, but is -5.0",
        ),
        (
            lambda: DANA(gamma2=0.1, gamma3=0.1, delta=5.0, decay=-1.0),
            "`decay` must be at least 0, but is -1.0",
        ),
        (
            lambda: DANA.for_problem(REGRESSION, "growing"),
            "`kind` must be one of constant, decaying, but is 'growing'",
        ),
        (
            lambda: DANA.for_problem(Spectrum([1.0], [1.0])),
            "`problem` must be a power law",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=f"Argument {message}"):
        make()


@pytest.mark.parametrize(
    "rule",
    [
        ThreeRates(Delta=np.full(5, 0.1), gamma2=0.1, gamma3=0.1),
        ThreeRates(Delta=0.1, gamma2=0.1, gamma3=np.full(5, 0.1)),
        Momentum(np.full(5, 0.1)),
    ],
)
def test_arrays_have_one_rate_per_step(rule):
    with pytest.raises(
        ValueError, match=r"must have one rate for each of the 6 steps, .* '5 long'"
    ):
        predict(REGRESSION, rule, 6)


def test_above_the_threshold():
    """In closed form for heavy ball of constant rate; else by its overflow."""
    with pytest.raises(UnstableError, match="below the largest stable learning rate"):
        predict(REGRESSION, Momentum(1.0, 0.9), 10)
    growing = Momentum(Constant(1.0, 9), 0.9)
    with pytest.raises(UnstableError, match=r"overflows by step \d+"):
        predict(REGRESSION, growing, [0, 10, 20_000])
    assert predict(REGRESSION, growing, [20_000], allow_unstable=True).excess[0] == np.inf


def test_under_vmap_what_is_unstable_has_no_number(x64):
    """As for SGD: no error can be raised there."""
    threshold = 0.19 * max_learning_rate(REGRESSION)
    excess = lambda gamma: predict(REGRESSION, Momentum(gamma, 0.9, 10**6), [0, 50]).excess
    gamma = threshold * np.array([0.5, 100.0])
    found = np.asarray(jax.vmap(excess)(gamma))
    alone = predict(REGRESSION, Momentum(gamma[0], 0.9, 10**6), [0, 50]).excess
    np.testing.assert_allclose(found[0], alone, rtol=1e-12)
    assert np.isnan(found[1]).all()
