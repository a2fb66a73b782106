"""Learning rates that change: shapes, conventions, and what they do to the risk."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from solvable import SGD, PowerLaw, expect, predict
from solvable.schedules import (
    Constant,
    Cosine,
    Geometric,
    Linear,
    PowerDecay,
    StableDecay,
    Warmup,
)

T, PEAK = 40, 0.3
STEPS = np.array([0, 1, 2, 3, 10, 50, 64, 65, 200])
FEATURES = PowerLaw(alpha=0.7, beta=0.3, v=24, d=10, noise=0.1)
REGRESSION = PowerLaw(alpha=0.75, beta=0.15, v=16, noise=0.2)

# In words of z = t / T, T steps from t = 0 on, so the last one is at z = 1 - 1 / T.
SHAPES = {
    "constant": (Constant(PEAK, T), lambda z: 1.0),
    "linear": (Linear(PEAK, T), lambda z: 1 - z),
    "power": (PowerDecay(PEAK, T, p=3.0), lambda z: (1 - z) ** 3),
    "flat power": (PowerDecay(PEAK, T, p=0.0), lambda z: 1.0),
    "cosine": (Cosine(PEAK, T), lambda z: np.cos(np.pi * z / 2) ** 2),
    "linear cooldown": (
        StableDecay(PEAK, T, fraction=0.25),
        lambda z: 1.0 if z < 0.75 else 4 * (1 - z),
    ),
    "1-sqrt cooldown": (
        StableDecay(PEAK, T, fraction=0.25, cooldown="1-sqrt"),
        lambda z: 1.0 if z < 0.75 else 1 - 2 * np.sqrt(z - 0.75),
    ),
    "only a cooldown": (StableDecay(PEAK, T, fraction=1.0), lambda z: 1 - z),
    "stages": (Geometric(PEAK, T, stages=4), lambda z: 0.5 ** int(4 * z)),
}


@pytest.mark.parametrize(("schedule", "shape"), SHAPES.values(), ids=SHAPES)
def test_shapes(schedule, shape):
    written = np.array([PEAK * shape(t / T) for t in range(T)])
    np.testing.assert_allclose(schedule(np.arange(T)), written, rtol=1e-13, atol=1e-16)
    assert [float(schedule(t)) for t in range(T)] == pytest.approx(written, rel=1e-13, abs=1e-16)
    assert written[-1] > 0  # the last step still does something


@pytest.mark.parametrize(("schedule", "shape"), SHAPES.values(), ids=SHAPES)
def test_from_the_horizon_on_the_rate_stays(schedule, shape):
    after = np.asarray(schedule(np.array([T, T + 1, 10 * T])))
    assert (after == after[0]).all() and 0 <= after[0] <= schedule(T - 1)


@pytest.mark.parametrize(("schedule", "shape"), SHAPES.values(), ids=SHAPES)
def test_shapes_under_transformations(schedule, shape, x64):
    """JAX traces the step, or the numbers of the schedule."""
    t = jnp.arange(T)
    for traced in (jax.jit(jax.vmap(schedule))(t), jax.jit(lambda s: s(t))(schedule)):
        np.testing.assert_allclose(traced, schedule(np.arange(T)), rtol=1e-12)


@pytest.mark.parametrize(
    ("horizon", "stages", "length"), [(1000, 9, 100), (10**4, 13, 752), (3000, 11, 259), (1, 1, 1)]
)
def test_geometric_by_default_is_that_of_lin_et_al(horizon, stages, length):
    """floor(log2 T) levels of floor(T / log2 T) steps; what is left over stays at the last."""
    rates = np.asarray(Geometric(1.0, horizon)(np.arange(max(horizon, stages * length))))
    level = np.minimum(np.arange(rates.size) // length, stages - 1)
    np.testing.assert_array_equal(rates, 0.5**level)


@pytest.mark.parametrize(("schedule", "shape"), SHAPES.values(), ids=SHAPES)
def test_a_warm_up_before_any_schedule(schedule, shape):
    """(t + 1) / steps of the first rate; then the schedule from its own beginning."""
    warm = np.asarray(Warmup(5, schedule)(np.arange(5 + T)))
    first = float(schedule(0))
    np.testing.assert_allclose(warm[:5], first * np.array([0.2, 0.4, 0.6, 0.8, 1.0]), rtol=1e-15)
    np.testing.assert_array_equal(warm[5:], schedule(np.arange(T)))


def test_warm_ups_of_a_plain_function_and_of_a_warm_up():
    assert float(Warmup(4, lambda t: 2.0)(1)) == 1.0
    np.testing.assert_allclose(
        Warmup(2, Warmup(2, Constant(1.0, T)))(np.arange(5)), [0.25, 0.5, 0.5, 1.0, 1.0]
    )


# What they do to the risk


def plain(rate):
    return lambda t, theta, g: [theta - rate(t) * g]


@pytest.mark.parametrize("B", [1, 3])
@pytest.mark.parametrize("name", ["cosine", "1-sqrt cooldown", "stages", "warm-up"])
def test_a_schedule_against_second_moments(second_moments, name, B):
    """... for features and for regression, past the horizon too."""
    schedule = Warmup(7, Cosine(PEAK, T)) if name == "warm-up" else SHAPES[name][0]
    sgd, step = SGD(schedule, B), plain(lambda t: float(schedule(t)))
    draw = FEATURES.draw(jax.random.key(0))
    full = second_moments(FEATURES, step, (1,), STEPS, W=draw.W, B=B)
    np.testing.assert_allclose(expect(draw, sgd, STEPS).excess, full, rtol=1e-11)
    full = second_moments(REGRESSION, step, (1,), STEPS, B=B)
    np.testing.assert_allclose(predict(REGRESSION, sgd, STEPS).excess, full, rtol=1e-11)


def test_arrays_and_functions_are_the_schedule_they_hold():
    """A list, a NumPy or JAX array, a function: one curve, also if it is random and reaches 0."""
    schedule = Cosine(PEAK, 200)
    same = predict(REGRESSION, SGD(schedule), STEPS).excess
    rates = np.asarray(schedule(np.arange(200)))
    for gamma in (rates, rates.tolist(), lambda t: (1 + jnp.cos(jnp.pi * t / 200)) * PEAK / 2):
        found = predict(REGRESSION, SGD(gamma), STEPS).excess
        np.testing.assert_allclose(found, same, rtol=1e-12)
    single = predict(REGRESSION, SGD(jnp.asarray(rates)), STEPS).excess
    np.testing.assert_allclose(single, same, rtol=1e-4)  # 200 rates of 24 bits


def test_random_rates_against_second_moments(second_moments):
    rates = np.random.default_rng(0).uniform(0, 0.5, 200) * (np.arange(200) % 5 > 0)
    full = second_moments(REGRESSION, plain(lambda t: rates[min(t, 199)]), (1,), STEPS)
    np.testing.assert_allclose(predict(REGRESSION, SGD(rates), STEPS).excess, full, rtol=1e-11)


@pytest.mark.parametrize("rate", [Constant(0.3, T), lambda t: 0.3 + 0 * t, np.full(200, 0.3)])
def test_a_constant_rate_by_any_name(rate):
    """Stepped, where the number is solved in closed form."""
    assert not SGD(rate).constant
    one, other = (predict(REGRESSION, SGD(gamma), STEPS).excess for gamma in (rate, 0.3))
    np.testing.assert_allclose(one, other, rtol=1e-11)


def test_schedules_of_optax_are_learning_rates():
    optax = pytest.importorskip("optax")
    steps = [0, 10, 100]
    for theirs, ours in {
        optax.cosine_decay_schedule(PEAK, 100): Cosine(PEAK, 100),
        optax.linear_schedule(PEAK, 0.0, 100): Linear(PEAK, 100),
        optax.polynomial_schedule(PEAK, 0.0, 2, 100): PowerDecay(PEAK, 100, p=2.0),
    }.items():
        np.testing.assert_allclose(
            predict(REGRESSION, SGD(theirs), steps).excess,
            predict(REGRESSION, SGD(ours), steps).excess,
            rtol=1e-4,  # some of optax is in single precision whatever the setting
        )


@pytest.mark.parametrize(
    ("schedule", "excess"),
    [
        (Cosine(0.25, 300), 0.0528183070),
        (StableDecay(0.25, 300, fraction=0.2), 0.0569871239),
        # 30 steps of warm-up, and the last 90 of 300 for the cooldown
        (Warmup(30, StableDecay(0.25, 270, fraction=1 / 3, cooldown="1-sqrt")), 0.0513630493),
    ],
)
def test_reference_values(schedule, excess):
    """Independent recursions, confirmed by simulation within 0.3 per cent."""
    problem = PowerLaw(alpha=0.75, beta=0.25, v=48, noise=0.2)
    assert predict(problem, SGD(schedule), [300]).excess[0] == pytest.approx(excess, abs=5.1e-11)


@pytest.mark.parametrize(("cooldown", "excess"), [("linear", 2.10369e-2), ("1-sqrt", 2.01461e-2)])
def test_the_better_cooldown_at_its_best_peak(cooldown, excess):
    """The peaks of the references were tuned to within 0.5 per cent; 1-sqrt wins by 4."""
    problem = PowerLaw(alpha=1.0, beta=0.5, v=10**7, noise=1.0)
    peaks = np.geomspace(0.01, 0.08, 20)
    sgds = [SGD(StableDecay(peak, 1024, 0.2, cooldown)) for peak in peaks]
    found = [predict(problem, sgd, [1024]).excess[0] for sgd in sgds]
    at = int(np.argmin(found))
    assert 0 < at < 19
    assert found[at] == pytest.approx(excess, rel=6e-3)


# Bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cosine(0.1, 0), "`T` must be at least 1, but is 0."),
        (lambda: Linear(0.1, -5), "`T` must be at least 1, but is -5."),
        (lambda: Constant(0.1, 2.5), "`T` must be a whole number, but is 2.5."),
        (lambda: Cosine(0.0, 10), "`peak` must be a positive finite number, but is 0.0."),
        (lambda: Geometric(-0.1, 10), "`peak` must be a positive finite number, but is -0.1."),
        (lambda: Cosine(np.nan, 10), "`peak` must be a positive finite number, but is nan."),
        (lambda: PowerDecay(0.1, 10, p=-1.0), "`p` must be at least 0, but is -1.0."),
        (lambda: StableDecay(0.1, 10, fraction=0.0), "`fraction` must be a positive finite number"),
        (lambda: StableDecay(0.1, 10, fraction=1.5), "`fraction` must be at most 1, but is 1.5."),
        (
            lambda: StableDecay(0.1, 10, cooldown="cosine"),
            "`cooldown` must be one of linear, 1-sqrt, but is 'cosine'.",
        ),
        (lambda: Geometric(0.1, 10, stages=0), "`stages` must be at least 1, but is 0."),
        (lambda: Geometric(0.1, 10, stages=1.5), "`stages` must be a whole number, but is 1.5."),
        (lambda: Warmup(0, Constant(0.1, 10)), "`steps` must be at least 1, but is 0."),
        (lambda: SGD([0.1, -0.2]), "`gamma[1]` must not be negative, but is -0.2."),
        (lambda: SGD([0.1, np.nan]), "`gamma[1]` must be a finite number, but is nan."),
        (lambda: SGD([np.inf, 0.1]), "`gamma[0]` must be a finite number, but is inf."),
        (lambda: SGD([]), "`gamma` must be a non-empty one-dimensional array, but is 'shape (0,)'"),
        (lambda: SGD(np.ones((2, 3))), "`gamma` must be a non-empty one-dimensional array"),
    ],
)
def test_bad_numbers(make, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        make()


@pytest.mark.parametrize("bad", [0.1, "cosine", 3])
def test_a_warm_up_needs_a_schedule(bad):
    with pytest.raises(TypeError, match="`schedule` must be a callable of the step, but is"):
        Warmup(5, bad)


@pytest.mark.parametrize(
    ("gamma", "message"),
    [
        (np.full(9, 0.1), "`gamma` must have one rate for each of the 10 steps, but is '9 long'."),
        (lambda t: jnp.where(t == 4, jnp.nan, 0.1), "`gamma(4)` must be finite and not negative"),
        (lambda t: 0.1 - 0.05 * t, "`gamma(3)` must be finite and not negative, but is -0.05"),
        (lambda t: jnp.stack([0.1 * t, t]), "`gamma` must return one rate per step, but is"),
    ],
)
def test_bad_rates_are_named_when_they_are_used(gamma, message):
    """An array, too short for the steps; a function, by the first step it fails at."""
    draw = FEATURES.draw(jax.random.key(0))
    for run in (lambda: predict(REGRESSION, SGD(gamma), 10), lambda: expect(draw, SGD(gamma), 10)):
        with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
            run()


def test_an_array_serves_exactly_its_steps():
    assert predict(REGRESSION, SGD(np.full(10, 0.1)), 10).step[-1] == 10
