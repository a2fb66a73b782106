"""Every rule as simulated, in both engines, judged by its exact expectation in NumPy."""

import jax
import numpy as np
import pytest

from solvable import (
    DANA,
    SGD,
    Averaged,
    Momentum,
    Optimizer,
    PowerLaw,
    Spectrum,
    expect,
    simulate,
)
from solvable.rules import ThreeRates
from solvable.schedules import Constant, Cosine, Geometric, Warmup
from solvable.simulation import loop, one_pass

KEY = jax.random.key(11)
PROBLEM = PowerLaw(alpha=0.7, beta=0.4, v=24, d=8, noise=0.3)
DRAW = PROBLEM.draw(jax.random.key(0))
STEPS = [0, 1, 2, 5, 10, 25, 60]
SEEDS = 1600

RULES = {
    "schedule": SGD(Warmup(5, Cosine(0.15, 55)), 4),
    "stages": SGD(Geometric(0.1, 60, stages=5), 4),
    "random rates": SGD(np.random.default_rng(0).uniform(0, 0.15, 60), 4),
    "heavy ball": Momentum(0.03, 0.8, 4),
    "scheduled heavy ball": Momentum(Cosine(0.03, 60), 0.8, 4),
    "three rates": ThreeRates(Delta=0.3, gamma1=1.5, gamma2=0.05, gamma3=0.02, B=4),
    "DANA-constant": DANA(gamma2=0.1, gamma3=0.01, delta=5.0, B=4),
    "DANA-decaying": DANA.for_problem(PROBLEM, "decaying", 4),
    "ema": Averaged(SGD(0.1, 4), ema=0.9),
    "tail": Averaged(SGD(0.1, 4), tail=10),
    "mean of heavy ball": Averaged(Momentum(0.03, 0.8, 4), tail=0),
    "ema of DANA": Averaged(DANA(gamma2=0.1, gamma3=0.01, delta=5.0, B=4), ema=lambda t: 0.8),
}
# Every family of rules in one engine; all rules in both with the slow tests.
DEFAULT = {
    ("schedule", "modes"),
    ("heavy ball", "features"),
    ("DANA-decaying", "modes"),
    ("ema", "features"),
    ("mean of heavy ball", "modes"),
}
CASES = [
    pytest.param(
        rule,
        engine,
        id=f"{name}-{engine}",
        marks=[] if (name, engine) in DEFAULT else [pytest.mark.slow],
    )
    for name, rule in RULES.items()
    for engine in ("modes", "features")
]


def expected(modes, rule, steps):
    """Risk from the second moments of the rule's vectors along every mode, step by step.

    In units of the risk, with error e along a mode, a sample has the gradient lam g r, where r is
    the sum of g e over modes plus independent noise: E (g r)^2 = 2 e^2 + P for Gaussian g.
    """
    lam, r = np.asarray(modes.lam), len(rule.start)
    S = np.asarray(modes.weight)[:, None, None] * np.outer(rule.start, rule.start)
    noise, found = float(modes.noise + modes.floor), []
    for t in range(max(steps) + 1):
        found.append(S[:, rule.output, rule.output].sum() + noise)
        risk = S[:, 0, 0].sum() + noise
        with jax.enable_x64(True):
            A, b = (np.asarray(x)[-1] for x in rule.coefficients(np.array([min(t, 59)])))
        M = np.broadcast_to(A, (lam.size, r, r)) + lam[:, None, None] * np.outer(b, np.eye(r)[0])
        scatter = lam**2 * (S[:, 0, 0] + risk) / rule.B
        S = M @ S @ M.transpose(0, 2, 1) + scatter[:, None, None] * np.outer(b, b)
    return np.array(found)[steps]


def agree(runs, exact):
    """|z| < 4 at six steps in 24 cases: a false alarm in one of 100 keys, and this one is none."""
    error = runs.standard_error[1:]
    assert np.max(error / runs.mean[1:]) < 0.02  # power
    # Averages have not moved yet at step 1, nor have seeds come apart.
    rounding = 1e-5 * exact[1:]
    assert (np.abs(runs.mean[1:] - exact[1:]) < 4 * error + rounding).all()
    np.testing.assert_allclose(runs.risk[:, 0], exact[0], rtol=1e-5)


def run(rule, engine="modes", problem=DRAW):
    return simulate(KEY, problem, rule, STEPS, SEEDS, engine=engine, dtype="float64")


@pytest.mark.parametrize(("rule", "engine"), CASES)
def test_the_mean_is_the_exact_expectation(rule, engine):
    agree(run(rule, engine), expected(DRAW.modes, rule, STEPS))


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_exact_expectation_is_that_of_the_theory(rule):
    theory = expect(DRAW, rule, STEPS).risk
    np.testing.assert_allclose(theory, expected(DRAW.modes, rule, STEPS), rtol=1e-9)


@pytest.mark.parametrize("engine", ["modes", pytest.param("features", marks=pytest.mark.slow)])
def test_regression_takes_any_rule(engine):
    problem = Spectrum(np.arange(1.0, 9) ** -1.2, np.arange(1.0, 9) ** -0.3, noise=0.3)
    rule = Averaged(Momentum(Cosine(0.03, 60), 0.8, 4), tail=20)
    exact = expected(problem.spectrum(), rule, STEPS)
    agree(run(rule, engine, problem), exact)


@pytest.mark.slow
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
    """Chunks end where buffers do; with other buffers they end elsewhere, and are refilled."""
    rule = RULES["schedule"]
    whole, buffers, pieces = run(rule).risk, [], loop.piece_from

    def spy(rule, first, *rest, **more):
        buffers.append(first)
        return pieces(rule, first, *rest, **more)

    monkeypatch.setattr(loop, "BUFFER", 25)
    monkeypatch.setattr("solvable.simulation.placement.piece_from", spy)
    small = run(rule).risk
    assert buffers == [0, 25, 50]
    np.testing.assert_allclose(small, whole, rtol=1e-12)  # another program may round differently


@pytest.mark.parametrize(
    ("make", "one", "other"),
    [
        (lambda peak, T: SGD(Warmup(T // 5, Cosine(peak, T)), 4), (0.1, 100), (0.05, 50)),
        (lambda g, tail: Averaged(Momentum(g, 0.5, 4), tail=tail), (0.03, 3), (0.02, 50)),
        pytest.param(
            lambda g, delta: DANA(gamma2=g, gamma3=g / 10, delta=delta, B=4),
            (0.1, 4.0),
            (0.05, 6.0),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["schedule", "mean", "DANA"],
)
def test_one_program_serves_all_numbers(make, one, other):
    """Of a rule, not only of SGD."""
    run(make(*one))
    size = one_pass.take._cache_size()
    run(make(*other), problem=PowerLaw(alpha=0.6, beta=0.3, v=8, noise=0.1))
    assert one_pass.take._cache_size() == size


@pytest.mark.parametrize("engine", ["modes", pytest.param("features", marks=pytest.mark.slow)])
def test_the_same_samples_for_equal_rules(engine):
    """An array, a callable of any kind; a mean of one iterate; heavy ball without momentum."""
    plain = run(SGD(np.full(60, 0.1), 4), engine).excess
    for rule in (SGD(lambda t: 0.1, 4), SGD(Constant(0.1, 60), 4)):
        np.testing.assert_allclose(run(rule, engine).excess, plain, rtol=1e-10)
    late = [0, 1, 2, 6, 11, 26, 60]
    zero = Averaged(Momentum(0.1, 0.0, 4), ema=np.zeros(60))
    found = simulate(KEY, DRAW, zero, late, SEEDS, engine=engine, dtype="float64").excess
    np.testing.assert_allclose(found[:, 3:6], plain[:, 3:6], rtol=1e-10)  # the iterate before


# Optimisers of optax


@pytest.fixture
def optax():
    return pytest.importorskip("optax")


@pytest.mark.parametrize("momentum", [0.8, pytest.param(None, marks=pytest.mark.slow)])
def test_sgd_of_optax_is_ours(optax, momentum):
    """The same key, the same samples, the same steps; also with momentum."""
    ours = Momentum(0.03, 0.8, 4) if momentum else SGD(0.03, 4)
    theirs = Optimizer(optax.sgd(0.03, momentum=momentum), 4)
    one, other = (run(rule, "features").risk for rule in (theirs, ours))
    np.testing.assert_allclose(one, other, rtol=1e-6)  # optax holds some rates in 32 bits


@pytest.mark.parametrize("name", ["adam", pytest.param("sign_sgd", marks=pytest.mark.slow)])
def test_adam_and_sign_descent_learn(optax, name):
    rule = Optimizer(getattr(optax, name)(0.02), 8)
    runs = simulate(KEY, DRAW, rule, 300, 4, engine="features")
    assert (runs.risk[:, -1] < 0.5 * runs.risk[:, 0]).all()
    assert runs.engine == "features"


def test_noise_of_an_optimiser_is_its_own_in_every_seed(optax):
    """With almost nothing to learn a step is the noise alone: rate^2 eta chi^2 at eigenvalues 1.

    Its key is in the state of the optimiser, the same for all; and another key is other noise.
    """
    problem = Spectrum(np.ones(12), np.full(12, 1e-3))
    chain = optax.chain(optax.add_noise(4.0, 0.0, 3), optax.sgd(0.1))
    rule = Optimizer(chain, 4)
    runs, other = (
        simulate(key, problem, rule, [0, 1], 2000, engine="features").excess[:, 1]
        for key in (KEY, jax.random.key(12))
    )
    assert np.unique(runs).size == 2000 and np.intersect1d(runs, other).size == 0
    # A chi^2 of twelve degrees of freedom in units of 0.04: of mean 12, of variance 24.
    assert abs(runs.mean() / 0.04 - 12) < 4 * np.sqrt(24 / 2000)
    assert runs.var() / 0.04**2 == pytest.approx(24, rel=4 * np.sqrt(3 / 2000))


def test_optimisers_that_need_more_than_a_gradient_are_refused(optax):
    for transformation, message in (
        (optax.lbfgs(), "scale_by_zoom_linesearch.* missing 3 required .*'value', 'grad'"),
        (optax.polyak_sgd(), "scale_by_polyak.* missing 1 required .*'value'"),
        (
            optax.contrib.differentially_private_aggregate(1.0, 1.0, key=0),
            "gradient of every sample, as differentially priv",
        ),
    ):
        with pytest.raises(ValueError, match=f"`transformation` must take a step .*{message}"):
            Optimizer(transformation)


def test_optimisers_need_coordinates(optax):
    rule = Optimizer(optax.adam(0.03))
    with pytest.raises(ValueError, match=r"`engine` must be features for .*, but is 'modes'"):
        simulate(KEY, DRAW, rule, 10)
    with pytest.raises(TypeError, match=r"`transformation` must be an optax\.GradientTransf"):
        Optimizer("adam")
    with pytest.raises(ValueError, match="`B` must be at least 1, but is 0"):
        Optimizer(optax.adam(0.03), 0)


def test_optimisers_have_no_theory(optax):
    with pytest.raises(ValueError, match=r"`rule` must have a theory.*Simulate it instead"):
        expect(DRAW, Optimizer(optax.adam(0.03)), 10)
