"""The exponents of the rules: the tables of the papers, and measured slopes."""

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
    exponents,
    predict,
)
from solvable.schedules import Constant, Cosine, Geometric, Linear, PowerDecay, StableDecay, Warmup
from solvable.verify import presets

DRAW = PowerLaw(alpha=1.0, beta=0.5, v=4, d=2).draw(jax.random.key(0))
T = 1000
RULES = {
    "constant": SGD(0.1),
    "no decay": SGD(Constant(0.1, T)),
    "linear": SGD(Linear(0.1, T)),
    "cosine": SGD(Cosine(0.1, T)),
    "warm": SGD(Warmup(10, Cosine(0.1, T))),
    "stable": SGD(StableDecay(0.1, T)),
    "halving": SGD(Geometric(0.1, T)),
    "ema": Averaged(SGD(0.1), ema=0.99),
    "tail": Averaged(SGD(0.1), tail=T // 2),
    "all": Averaged(SGD(0.1), tail=0),
}


def task(a, b, noise=1.0):
    """Eigenvalues j^-b, and on them a signal j^-a: a = 2 alpha + 2 beta, b = 2 alpha."""
    return presets.task(a, b, v=10**7, noise=noise)


@pytest.mark.parametrize(
    ("a", "b", "constant", "linear", "cosine", "best"),
    [
        (3, 2, 1 / 2, 2 / 3, 2 / 3, 2 / 3),
        (4, 3, 1 / 2, 2 / 3, 3 / 4, 3 / 4),
        (2.5, 1.5, 1 / 2, 3 / 5, 3 / 5, 3 / 5),
        (1.75, 2.5, 3 / 13, 0.3, 0.3, 0.3),
        (1.5, 2, 0.2, 0.25, 0.25, 0.25),
    ],
)
def test_exponents_with_noise(a, b, constant, linear, cosine, best):
    found = {name: exponents(task(a, b), rule) for name, rule in RULES.items()}
    found["best"] = exponents(task(a, b), SGD(PowerDecay(0.1, T, 2 * b - 1)))
    expected = dict(constant=constant, linear=linear, cosine=cosine, best=best)
    expected |= {"no decay": constant, "stable": linear, "warm": cosine}
    expected |= {"halving": best, "ema": best, "tail": best, "all": best}
    for name, exponent in expected.items():
        assert found[name].risk == pytest.approx(-exponent, rel=1e-12), name
        assert found[name].status == "derived"
    assert (found["best"].peak == 0) == (a < b)


def test_the_mean_of_all_is_limited_by_its_start():
    """2b/(2b + 1) once s > 2; measured .79 for .80 at a = 6, b = 2."""
    assert exponents(task(6, 2), RULES["all"]).risk == pytest.approx(-0.8)
    assert exponents(task(6, 2), RULES["tail"]).risk == pytest.approx(-5 / 6)


@pytest.mark.parametrize(("alpha", "beta"), [(1e299, 1.0), (1.0, 1e299), (1e299, 1e299)])
def test_extreme_targets_have_finite_exponents(alpha, beta):
    for noise in (0.0, 1.0):
        found = exponents(PowerLaw(alpha=alpha, beta=beta, v=10, noise=noise), SGD(0.1))
        assert np.isfinite(found.risk)


@pytest.mark.parametrize("p", [1.0, 3.0])
def test_the_peak_that_balances(p):
    """Signal (N peak)^-s against noise: the exponents of the risk and of the peak agree."""
    a, b = 4.0, 3.0
    found = exponents(task(a, b), SGD(PowerDecay(0.1, T, p)))
    s = (a - 1) / b
    assert found.risk == pytest.approx(-s * (1 + found.peak))


@pytest.mark.parametrize(
    ("alpha", "beta", "sgd", "dana"),
    [(1, 0.2, 0.7, 1.05), (1, 0.05, 0.55, 0.825), (1, 1.2, 1.5, 2.25), (1, 2, 1.5, 2.25)],
)
def test_exponents_without_noise(alpha, beta, sgd, dana):
    problem = PowerLaw(alpha=alpha, beta=beta, v=1600, d=400)
    assert exponents(problem, SGD(0.1)).risk == pytest.approx(-sgd)
    assert exponents(problem, Momentum(0.01)).risk == pytest.approx(-sgd)
    decaying, constant = (DANA.for_problem(problem, kind) for kind in ("decaying", "constant"))
    assert exponents(problem, decaying).risk == pytest.approx(-dana)
    assert exponents(problem, constant).risk == pytest.approx(-2 * sgd)
    assert exponents(problem, decaying).status == "numerical"


@pytest.mark.parametrize(
    ("rule", "low", "high"),
    [
        (SGD(0.3), 0.698, 0.702),
        pytest.param(Momentum(0.03, 0.9), 0.698, 0.702, marks=pytest.mark.slow),
        (DANA.for_problem(PowerLaw(alpha=1.0, beta=0.2, v=10**7)), 0.9, 1.05),
    ],
    ids=["SGD", "heavy ball", "DANA"],
)
def test_sgd_and_heavy_ball_have_one_exponent(rule, low, high):
    """.700 at (1, 0.2), and DANA falls faster, towards 1.05 from below."""
    problem, steps = PowerLaw(alpha=1.0, beta=0.2, v=10**7), [10**4, 2 * 10**4]
    excess = predict(problem, rule, steps).excess
    assert low < np.log(excess[0] / excess[1]) / np.log(2) < high


def test_noise_made_early_outlives_an_easy_target():
    """Of DANA too: 2.25 at (1, 2), from below, where the signal alone would give 3.75."""
    problem, steps = PowerLaw(alpha=1.0, beta=2.0, v=10**7), [10**5, 2 * 10**5]
    excess = predict(problem, DANA.for_problem(problem), steps).excess
    assert 2.1 < np.log(excess[0] / excess[1]) / np.log(2) < 2.25


@pytest.mark.parametrize(
    ("problem", "rule", "message"),
    [
        (task(3, 2), Momentum(0.1), "`rule` must be SGD with a named schedule, or an average"),
        (task(3, 2), SGD(np.ones(5)), "`rule` must be SGD with a named schedule"),
        (task(3, 2), SGD(lambda t: 0.1 + 0 * t), "`rule` must be SGD with a named schedule"),
        (task(3, 2, 0.0), RULES["linear"], "`rule` must be SGD or Momentum of constant rate, or"),
        (task(3, 0.9), SGD(0.1), "`alpha` must satisfy 2 alpha > 1, .* but is 0.45"),
        (task(0.9, 2), SGD(0.1), r"`beta` must satisfy 2 \(alpha \+ beta\) > 1"),
        (Spectrum([1.0], [1.0]), SGD(0.1), "`problem` must be a power law"),
        (DRAW, SGD(0.1), "`problem` must be a power law"),
    ],
)
def test_bad_input(problem, rule, message):
    with pytest.raises(ValueError, match=message):
        exponents(problem, rule)


@pytest.mark.parametrize(
    ("problem", "rule", "message"),
    [
        (None, SGD(0.1), "`problem` must be a problem, but is None"),
        (task(3, 2), 0.1, "`rule` must be a Rule, but is 0.1"),
        (jax.tree.map(np.atleast_1d, task(3, 2)), SGD(0.1), "`alpha` must be a real number"),
    ],
)
def test_the_wrong_kind(problem, rule, message):
    with pytest.raises(TypeError, match=message):
        exponents(problem, rule)


def test_an_optimizer_has_no_exponent():
    optax = pytest.importorskip("optax")
    with pytest.raises(ValueError, match="`rule` must be SGD"):
        exponents(task(3, 2), Optimizer(optax.adam(1e-3)))
