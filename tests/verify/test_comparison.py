"""Curves against runs: what is compared, what is said of it, and what is refused."""

import dataclasses
from decimal import Decimal

import jax
import numpy as np
import pytest

from solvable import (
    SGD,
    Curve,
    GradientFlow,
    PowerLaw,
    Ridge,
    Runs,
    Spectrum,
    compare,
    predict,
)
from solvable.util.types import Rung
from solvable.verify.comparison import HeavyTailWarning, _slopes
from solvable.verify.verdict import judge

PROBLEM = PowerLaw(alpha=1.0, beta=0.3, v=40, d=10)
RULE = SGD(0.1, B=8)
STEP = np.array([1, 2, 4, 8, 16, 32])
TRUTH = 1.0 / STEP**0.5


def curve(risk=TRUTH, x=STEP, **change):
    """A curve that says so."""
    fields = dict(x=x, excess=np.asarray(risk, float), problem=PROBLEM, rule=RULE)
    return Curve(**fields | change)


def runs(risk, x=STEP, **change):
    """Runs that did so."""
    fields = dict(x=x, excess=np.asarray(risk, float), problem=PROBLEM, rule=RULE)
    return Runs(**{"dtype": "float64"} | fields | change)


def normal(rng, seeds):
    """Runs whose mean is the truth, correlated from step to step."""
    noise = rng.normal(size=(seeds, STEP.size))
    for k in range(1, STEP.size):
        noise[:, k] = 0.8 * noise[:, k - 1] + 0.6 * noise[:, k]
    return TRUTH * (1 + 0.3 * noise)


# The verdict: its level and power are tested in test_verdict


def test_z_scores_are_deviations_in_standard_errors():
    """The curve has more steps than the runs, and label noise is in both risks."""
    risk = normal(np.random.default_rng(4), 20)
    noisy = dataclasses.replace(PROBLEM, noise=0.5)
    every = np.arange(1, 33)
    verdict = compare(curve(1.1 / every**0.5, every, problem=noisy), runs(risk, problem=noisy))
    z = (risk.mean(0) - 1.1 * TRUTH) / np.sqrt(risk.var(0, ddof=1) / 20)
    np.testing.assert_allclose(verdict.z, z, rtol=1e-12)
    np.testing.assert_allclose(verdict.predicted, 1.1 * TRUTH + 0.5, rtol=1e-15)
    np.testing.assert_allclose(verdict.measured, risk.mean(0) + 0.5, rtol=1e-14)
    # numpy.std of the risk, in which 0.5 cancels: a few ulp of 1 in 0.1
    np.testing.assert_allclose(verdict.standard_error, risk.std(0, ddof=1) / 20**0.5, rtol=1e-13)


def test_the_verdict_is_that_of_the_test_on_both_sides():
    risk = normal(np.random.default_rng(4), 20)
    verdict, alone = compare(curve(), runs(risk)), judge(risk - TRUTH, 0.01, TRUTH)
    np.testing.assert_allclose(verdict.score, alone.z, rtol=1e-12)
    assert verdict.p_value == alone.p_value
    np.testing.assert_allclose(verdict.critical, alone.critical, rtol=1e-12)
    np.testing.assert_allclose(verdict.detectable, alone.detectable, rtol=1e-12)
    np.testing.assert_allclose(verdict.sides, alone.power, rtol=1e-12)
    assert verdict.power == max(verdict.sides)
    assert verdict.agrees == (verdict.p_value >= 0.01)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_shift_is_seen_and_said_with_its_side(sign):
    risk = normal(np.random.default_rng(4), 64)
    fine = compare(curve(), runs(risk))
    below, above = fine.sides
    assert f"runs {below:.2%} below the curve or {above:.2%} above it" in str(fine)
    shift = 1 + 1.5 * sign * (above if sign > 0 else below)
    found = compare(curve(), runs(shift * risk))
    assert fine.agrees and not found.agrees and np.sign(found.score[found.worst]) == sign
    assert str(found).startswith("DISAGREES") and f"score {sign}"[:-1] in str(found)


def test_a_verdict_is_the_same_each_time():
    risk = normal(np.random.default_rng(5), 20)
    once, again = (compare(curve(), runs(risk)) for _ in range(2))
    assert (once.p_value, once.critical) == (again.p_value, again.critical)


# Slopes


def test_slopes_of_a_power_law_are_its_exponent():
    step = np.array([0, 1, 2, 3, 5, 8, 16, 40, 100])
    law = np.where(step > 0, np.maximum(step, 1) ** -0.6, 2.0)
    risk = np.random.default_rng(6).uniform(0.5, 1.5, size=(9, 1)) * law
    verdict = compare(curve(3 * law, step), runs(risk, step))
    assert np.isnan(verdict.slope[[0, -1]]).all()  # no slope from step 0, nor past the end
    np.testing.assert_allclose(verdict.slope[1:-1], -0.6, rtol=1e-12)
    np.testing.assert_allclose(verdict.predicted_slope[1:-1], -0.6, rtol=1e-12)
    # Runs that differ by factors have one slope.
    np.testing.assert_allclose(verdict.slope_error[1:-1], 0, atol=1e-14)
    backwards, _ = _slopes(step[::-1] * 1.0, risk[:, ::-1])
    np.testing.assert_allclose(backwards[::-1], verdict.slope, rtol=1e-12)


@pytest.mark.parametrize("n", [50, 200])
def test_errors_of_slopes_are_those_of_the_jackknife(n):
    """Leave one run out at a time. Both are right to relative O(1/n); the constant is below 1."""
    risk = normal(np.random.default_rng(7), n)
    _, error = _slopes(STEP, risk)
    without = np.array([_slopes(STEP, np.delete(risk, i, axis=0))[0] for i in range(n)])
    jackknife = np.sqrt((n - 1) / n * np.sum((without - without.mean(0)) ** 2, axis=0))
    np.testing.assert_allclose(error[:-1], jackknife[:-1], rtol=1 / n)
    assert np.isnan(error[-1])


# Tails, deterministic steps


def test_a_mean_carried_by_one_run_warns():
    risk = normal(np.random.default_rng(8), 100)
    assert compare(curve(), runs(risk)).kurtosis < 10  # and does not warn
    risk[3, 2] += 50
    with pytest.warns(HeavyTailWarning, match="a few of 100 runs carry the mean"):
        verdict = compare(curve(), runs(risk))
    deviation = risk[:, 2] - risk[:, 2].mean()
    kurtosis = np.mean(deviation**4) / np.mean(deviation**2) ** 2
    assert verdict.kurtosis == pytest.approx(kurtosis, rel=1e-12)
    assert verdict.kurtosis == pytest.approx(100, rel=0.1)  # n - 2 + 1/(n - 1) for one outlier
    assert "heavy-tailed" in str(verdict)


@pytest.mark.parametrize("n", [8, 20])
def test_few_runs_warn_too(n):
    """A kurtosis of 30 is beyond them: one outlier among n gives n - 2 + 1/(n - 1)."""
    risk = normal(np.random.default_rng(8), n)
    assert compare(curve(), runs(risk)).kurtosis < 0.6 * n  # and does not warn
    risk[3, 2] += 50
    with pytest.warns(HeavyTailWarning, match=f"a few of {n} runs carry the mean"):
        assert compare(curve(), runs(risk)).kurtosis < 30


@pytest.mark.parametrize(("dtype", "rounding"), [("float32", 1e-6), ("float64", 1e-13)])
def test_step_zero_must_agree_to_rounding(dtype, rounding):
    step, truth = np.append(0, STEP), np.append(2.0, TRUTH)
    risk = np.column_stack([np.full(30, 2.0), normal(np.random.default_rng(9), 30)])
    rounded = risk * (1 + rounding * np.random.default_rng(0).uniform(-1, 1, risk.shape))
    verdict = compare(curve(truth, step), runs(rounded, step, dtype=dtype))
    assert verdict.z[0] == 0 and verdict.agrees
    wrong = compare(curve(np.append(2.002, TRUTH), step), runs(risk, step, dtype=dtype))
    assert np.isinf(wrong.z[0]) and wrong.p_value == 0 and not wrong.agrees
    assert "DISAGREES" in str(wrong) and "at step 0" in str(wrong)


def test_runs_without_any_scatter():
    risk = np.tile(TRUTH, (8, 1))
    verdict = compare(curve(), runs(risk))
    assert verdict.agrees and verdict.power == 0 and str(verdict).startswith("agrees: p = 1")
    wrong = compare(curve(1.1 * TRUTH), runs(risk))
    assert not wrong.agrees and wrong.p_value == 0 and wrong.score[0] == -np.inf


# Other axes, and runs of one's own


def test_runs_of_ones_own_are_judged():
    """A NumPy loop in single precision: step 0 agrees to that, and 1.5 times the rate does not."""
    rng, j = np.random.default_rng(0), np.arange(1.0, 11)
    problem, steps = PowerLaw(alpha=0.8, beta=0.4, v=10, noise=0.1), [0, 2, 10, 40]
    theta, risk = np.zeros((100, 10), np.float32), []
    for t in range(41):
        if t in steps:
            risk.append(np.sum((j**-0.8 * (theta - j**-0.4)) ** 2, axis=1, dtype=np.float32) + 0.1)
        x = rng.normal(size=(100, 8, 10)) * j**-0.8
        noise = np.sqrt(0.1) * rng.normal(size=(100, 8))
        residual = np.einsum("rbj,rj->rb", x, theta - j**-0.4) - noise
        theta = (theta - 0.3 * np.einsum("rb,rbj->rj", residual, x) / 8).astype(np.float32)
    exact = predict(problem, SGD(0.3, 8), steps)
    for own in (Runs.from_array(steps, np.transpose(risk)),
                Runs.from_array(steps, np.transpose(risk), problem, SGD(0.3, 8))):  # fmt: skip
        verdict = compare(exact, own)
        assert verdict.agrees and verdict.power < 0.2 and verdict.z[0] == 0
        assert not compare(
            predict(problem, SGD(0.45, 8), steps), Runs.from_array(steps, own.risk)
        ).agrees
    with pytest.raises(ValueError, match="be of the rule of the curve"):
        compare(predict(problem, SGD(0.45, 8), steps), own)


@pytest.mark.parametrize(
    ("axis", "rule", "x"),
    [("time", GradientFlow(), [0.5, 1.0, 30.0]), ("ridge", Ridge(), [1e-3, 0.1, 2.0])],
)
def test_other_axes_are_compared_in_any_order(axis, rule, x):
    options, x = dict(axis=axis, rule=rule, n=96), np.array(x)
    theory = curve([0.9, 0.5, 0.4], x[::-1] * (1 + 1e-12), **options)
    found = runs([0.4, 0.9] * np.random.default_rng(0).uniform(0.9, 1.1, (50, 2)), x[[0, 2]],
                 engine="samples", **options)  # fmt: skip
    verdict = compare(theory, found)
    assert verdict.agrees and verdict.axis == axis and f"at {axis} " in str(verdict)
    np.testing.assert_array_equal(verdict.predicted, [0.4, 0.9])
    assert verdict.predicted_slope[0] == pytest.approx(np.log(0.9 / 0.4) / np.log(x[2] / x[0]))
    assert not compare(curve([0.9, 0.5, 0.5], x[::-1], **options), found).agrees
    with pytest.raises(ValueError, match=f"`runs` must run along `{axis}`, as the curve"):
        compare(theory, runs(GOOD))
    with pytest.raises(ValueError, match="`runs` must be of the n of the curve, 96, but is None"):
        compare(theory, dataclasses.replace(found, n=None))


def test_the_equivalent_is_said_to_be_a_mean_over_features():
    risk = normal(np.random.default_rng(10), 20)
    equivalent = curve(rung=Rung.EQUIVALENT)
    assert "one draw scatters" in str(compare(equivalent, runs(risk)))
    own = compare(equivalent, runs(risk, features="own"))
    assert "up to O(1/d)" in str(own) and "one draw" not in str(own)
    assert compare(curve(), runs(risk)).notes == ()


# Bad input

GOOD = np.random.default_rng(11).uniform(0.9, 1.1, size=(8, STEP.size)) * TRUTH
DIVERGED = np.where(np.arange(48).reshape(8, 6) % 48 == 47, np.inf, GOOD)


def twice(result):
    """What ``jax.vmap`` makes of one."""
    return jax.tree.map(lambda x: np.stack([x, x]), result)


@pytest.mark.parametrize(
    ("curve", "runs", "message"),
    [
        (curve(), runs(GOOD[:7]), "`runs` must have at least 8 seeds, but is 7"),
        (curve(), runs(DIVERGED), "`runs` must be finite, but is 'diverged for 1 seeds'"),
        (
            curve(rule=SGD(0.2, B=8)),
            runs(GOOD),
            r"be of the rule of the curve, SGD\(gamma=0.2, B=8",
        ),
        (curve(rule=SGD(0.1, B=1)), runs(GOOD), r"but is SGD\(gamma=0.1, B=8\)"),
        (
            curve(problem=dataclasses.replace(PROBLEM, noise=0.1)),
            runs(GOOD),
            "be of the problem of the curve, .*noise=0.1.*noise=0.0",
        ),
        (
            curve(problem=dataclasses.replace(PROBLEM, d=None)),
            runs(GOOD),
            "be of the problem of the curve, .*d=None",
        ),
        (
            curve(np.delete(TRUTH, 2), np.delete(STEP, 2)),
            runs(GOOD),
            "`curve` must hold every step of the runs, but is 'without step 4'.*at runs.step",
        ),
        (curve(np.where(STEP == 4, np.nan, TRUTH)), runs(GOOD), "`curve` must be finite at every"),
        (twice(curve()), runs(GOOD), r"`curve` must be of one problem and rule, .*\(2, 6\)"),
        (curve(), twice(runs(GOOD)), r"`runs` must be of one problem and rule, .*\(2, 8, 6\)"),
    ],
)
def test_what_cannot_be_compared_is_said(curve, runs, message):
    with pytest.raises(ValueError, match=message):
        compare(curve, runs)


@pytest.mark.parametrize(
    ("curve", "runs", "message"),
    [
        (None, runs(GOOD), r"`curve` must be a Curve, but is None. It comes from predict"),
        (TRUTH, runs(GOOD), "`curve` must be a Curve, but is array"),
        (runs(GOOD), runs(GOOD), "`curve` must be a Curve, but is Runs"),
        (curve(), None, "`runs` must be Runs, but is None"),
        (curve(), GOOD, r"`runs` must be Runs, .* Runs.from_array\(step, risk\)"),
        (curve(), curve(), "`runs` must be Runs, but is Curve"),
    ],
)
def test_the_wrong_kind(curve, runs, message):
    with pytest.raises(TypeError, match=message):
        compare(curve, runs)


@pytest.mark.parametrize("level", [0, 1, -0.1, np.nan, 1e-9, 10**400])
def test_the_level_is_a_probability(level):
    with pytest.raises(ValueError, match="`level` must"):
        compare(curve(), runs(GOOD), level=level)


@pytest.mark.parametrize("level", [None, "0.1", Decimal("0.1"), 1j, np.array([0.1]), True])
def test_the_level_is_a_number(level):
    with pytest.raises(TypeError, match="`level` must be a real number"):
        compare(curve(), runs(GOOD), level=level)


def test_spectra_are_compared_entry_by_entry():
    one, other = (Spectrum([1.0, x], target=jax.numpy.ones(2)) for x in (0.5, 0.4))
    assert compare(curve(problem=one), runs(GOOD, problem=one)).z.size == STEP.size
    with pytest.raises(ValueError, match="be of the problem of the curve"):
        compare(curve(problem=one), runs(GOOD, problem=other))


def test_rounding_is_no_power():
    """A mean of iterates is theta_0 at first: what scatters there is the last digit of float32."""
    rng = np.random.default_rng(9)
    risk = normal(rng, 50)
    risk[:, 0] = TRUTH[0] * (1 + 1e-8 * rng.normal(size=50))
    verdict = compare(curve(), runs(risk, dtype="float32"))
    assert verdict.standard_error[0] == 0 and verdict.power > 0.01
