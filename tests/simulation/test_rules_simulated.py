"""Every rule as simulated, in both engines, judged by the exact expectation."""

import jax
import numpy as np
import pytest

from solvable import (
    DANA,
    SGD,
    Averaged,
    Constant,
    Cosine,
    Geometric,
    Momentum,
    Optimizer,
    PowerLaw,
    ThreeRates,
    Warmup,
    expect,
    simulate,
)
from solvable.simulation import placement
from solvable.simulation import stepping as simulation

KEY = jax.random.key(11)
PROBLEM = PowerLaw(alpha=0.7, beta=0.4, v=24, d=8, noise=0.3)
DRAW = PROBLEM.draw(jax.random.key(0))
STEPS = [0, 1, 2, 5, 20, 60, 150]
SEEDS = 1600

RULES = {
    "schedule": SGD(Warmup(10, Cosine(0.15, 140)), 4),
    "stages": SGD(Geometric(0.1, 150, stages=5), 4),
    "random rates": SGD(np.random.default_rng(0).uniform(0, 0.15, 150), 4),
    "heavy ball": Momentum(0.03, 0.8, 4),
    "scheduled heavy ball": Momentum(Cosine(0.03, 150), 0.8, 4),
    "three rates": ThreeRates(Delta=0.3, gamma1=1.5, gamma2=0.05, gamma3=0.02, B=4),
    "DANA-constant": DANA(gamma2=0.1, gamma3=0.01, delta=5.0, B=4),
    "DANA-decaying": DANA.for_problem(PROBLEM, "decaying", 4),
    "ema": Averaged(SGD(0.1, 4), ema=0.9),
    "tail": Averaged(SGD(0.1, 4), tail=10),
    "mean of heavy ball": Averaged(Momentum(0.03, 0.8, 4), tail=0),
    "ema of DANA": Averaged(DANA(gamma2=0.1, gamma3=0.01, delta=5.0, B=4), ema=lambda t: 0.8),
}


# Every rule in one engine, and in the other one in the slow set; every family of rules in both.
ENGINES = ("modes", "features")
CASES = [
    pytest.param(rule, engine, id=f"{name}-{engine}", marks=[pytest.mark.slow] * ((k + n) % 2 == 1))
    for k, (name, rule) in enumerate(RULES.items())
    for n, engine in enumerate(ENGINES)
]


@pytest.mark.parametrize(("rule", "engine"), CASES)
def test_the_mean_is_the_exact_expectation(rule, engine):
    """|z| < 4 at six steps in 24 cases: a false alarm in one of 100 keys, and this one is none."""
    runs = simulate(KEY, DRAW, rule, STEPS, SEEDS, engine=engine)
    expected = expect(DRAW, rule, STEPS).risk
    error = runs.standard_error[1:]
    assert np.max(error / runs.mean[1:]) < 0.02  # power
    # Averages have not moved yet at step 1, nor have seeds come apart.
    rounding = 1e-5 * expected[1:]
    assert (np.abs(runs.mean[1:] - expected[1:]) < 4 * error + rounding).all()
    np.testing.assert_allclose(runs.risk[:, 0], expected[0], rtol=1e-5)


@pytest.mark.parametrize(
    "rule",
    [SGD(Cosine(0.3, 9000)), Averaged(SGD(Constant(0.1, 9)), tail=8800)],
    ids=["last rates", "mean of the last"],
)
def test_coefficients_are_refilled(rule):
    """They are held for 4096 steps at a time. Here only those of the third buffer matter.

    Up to there the risk would not fall: rates are not small, or the mean has not begun.
    """
    steps = [0, 4095, 4096, 4097, 8191, 8192, 9000]
    runs = simulate(KEY, DRAW, rule, steps, 400)
    expected = expect(DRAW, rule, steps).risk
    error = runs.standard_error[1:]
    assert np.max(error / runs.mean[1:]) < 0.02
    assert np.abs((runs.mean[1:] - expected[1:]) / error).max() < 4
    excess = expected - PROBLEM.noise
    floor = DRAW.modes.floor
    assert excess[-1] - floor < 0.7 * (excess[-2] - floor)  # power: the last steps do it


def test_buffers_do_not_change_a_bit(monkeypatch):
    """Chunks end where buffers do; with other buffers they end elsewhere."""
    rule, steps = Momentum(Cosine(0.05, 700), 0.8), [0, 63, 64, 65, 500, 700]
    whole = simulate(KEY, DRAW, rule, steps, 3, dtype="float64").risk
    monkeypatch.setattr(placement, "BUFFER", 64)
    small = simulate(KEY, DRAW, rule, steps, 3, dtype="float64").risk
    np.testing.assert_allclose(small, whole, rtol=1e-12)  # another program may round differently


def test_one_program_serves_all_numbers():
    """Of a rule, not only of SGD: constant rates, and those that change."""
    steps = [0, 10, 100]

    def run(make, numbers, key):
        problem = PowerLaw(alpha=0.5 + 0.1 * key, beta=0.3, v=24, d=6, noise=0.1 * key)
        simulate(jax.random.key(key), problem, make(*numbers), steps, seeds=2)

    for make, one, other in (
        (Momentum, (0.02, 0.9), (0.01, 0.5)),
        (lambda peak, T, mu: Momentum(Cosine(peak, T), mu), (0.02, 100, 0.9), (0.01, 50, 0.8)),
        (lambda g, rho: Averaged(SGD(g), ema=rho), (0.1, 0.9), (0.05, 0.99)),
        (lambda g, tail: Averaged(SGD(g), tail=tail), (0.1, 3), (0.05, 50)),
        (lambda g, delta: DANA(gamma2=g, gamma3=g / 10, delta=delta), (0.1, 4.0), (0.05, 6.0)),
    ):
        run(make, one, 0)
        size = simulation._advance._cache_size()
        run(make, other, 1)
        assert simulation._advance._cache_size() == size


@pytest.mark.parametrize("engine", ["modes", "features"])
def test_the_same_samples_for_equal_rules(engine):
    """A number, an array, a callable; heavy ball without momentum; a mean of one iterate."""
    run = lambda rule: simulate(KEY, DRAW, rule, STEPS, 3, engine=engine, dtype="float64").excess
    plain = run(SGD(0.1))
    for rule in (SGD(np.full(150, 0.1)), SGD(lambda t: 0.1), Momentum(0.1, 0.0)):
        np.testing.assert_allclose(run(rule), plain, rtol=1e-10)
    late = simulate(
        KEY, DRAW, Averaged(SGD(0.1), ema=0.0), [0, 6], 3, engine=engine, dtype="float64"
    )
    np.testing.assert_allclose(late.excess[:, 1], plain[:, 3], rtol=1e-10)  # the iterate of step 5


def test_regression_takes_any_rule():
    problem = PowerLaw(alpha=0.6, beta=0.3, v=8, noise=0.3)
    rule = Averaged(Momentum(Cosine(0.03, 150), 0.8, 4), tail=20)
    for engine in ("modes", "features"):
        runs = simulate(KEY, problem, rule, STEPS, SEEDS, engine=engine)
        z = (runs.mean - expect(problem, rule, STEPS).risk)[2:] / runs.standard_error[2:]
        assert np.abs(z).max() < 4


# Optimisers of optax


@pytest.fixture
def optax():
    return pytest.importorskip("optax")


def test_sgd_of_optax_is_ours(optax):
    """The same key, the same samples, the same steps; also with momentum."""
    for theirs, ours in (
        (optax.sgd(0.1), SGD(0.1, 4)),
        (optax.sgd(0.03, momentum=0.8), Momentum(0.03, 0.8, 4)),
    ):
        one, other = (
            simulate(KEY, DRAW, rule, STEPS, 3, engine="features", dtype="float64").risk
            for rule in (Optimizer(theirs, 4), ours)
        )
        np.testing.assert_allclose(one, other, rtol=1e-6)  # optax holds some rates in 32 bits


def test_adam_and_sign_descent_learn(optax):
    for transformation in (optax.adam(0.03), optax.sign_sgd(0.01)):
        runs = simulate(KEY, DRAW, Optimizer(transformation, 8), 300, 4, engine="features")
        assert (runs.risk[:, -1] < 0.5 * runs.risk[:, 0]).all()
        assert runs.engine == "features"


def test_optimisers_need_coordinates(optax):
    rule = Optimizer(optax.adam(0.03))
    with pytest.raises(ValueError, match=r"`engine` must be features for .*, but is 'modes'"):
        simulate(KEY, DRAW, rule, 10)
    with pytest.raises(TypeError, match=r"`transformation` must be an optax\.GradientTransf"):
        Optimizer("adam")
    with pytest.raises(ValueError, match="`B` must be at least 1, but is 0"):
        Optimizer(optax.adam(0.03), 0)


def test_optimisers_have_no_theory(optax):
    with pytest.raises((TypeError, ValueError), match="Argument `sgd` must"):
        expect(DRAW, Optimizer(optax.adam(0.03)), 10)
