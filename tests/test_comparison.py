"""The verdict on synthetic runs whose true mean is known: false alarms, power, slopes."""

import dataclasses
import warnings

import jax
import numpy as np
import pytest
from scipy import stats

from solvable import SGD, Curve, HeavyTailWarning, LinearRegression, PowerLaw, Runs, compare
from solvable.verify.comparison import _slopes

PROBLEM = PowerLaw(alpha=1.0, beta=0.3, v=40, d=10)
RULE = SGD(0.1, B=8)
STEP = np.array([1, 2, 4, 8, 16, 32])
TRUTH = 1.0 / STEP**0.5
REPLICATES = 200


def curve(risk=TRUTH, step=STEP, **change):
    """A curve that says so."""
    fields = dict(step=step, excess=np.asarray(risk, float), problem=PROBLEM, sgd=RULE)
    return Curve(**fields | {"rung": "exact expectation"} | change)


def runs(risk, step=STEP, **change):
    """Runs that did so."""
    labels = dict(engine="modes", inputs="gaussian", dtype="float64", features="shared")
    fields = dict(step=step, excess=np.asarray(risk, float), problem=PROBLEM, sgd=RULE)
    return Runs(**labels | fields | change)


def correlated(rng, seeds):
    """Unit normal scatter, correlated from step to step as along a run."""
    noise = rng.normal(size=(seeds, STEP.size))
    for k in range(1, STEP.size):
        noise[:, k] = 0.8 * noise[:, k - 1] + 0.6 * noise[:, k]
    return noise


def normal(rng, seeds):
    """Runs whose mean is the truth."""
    return TRUTH * (1 + 0.3 * correlated(rng, seeds))


def lognormal(rng, seeds):
    """The same with a heavy tail: kurtosis 40 and more."""
    return TRUTH * np.exp(0.9 * correlated(rng, seeds) - 0.9**2 / 2)


@pytest.mark.parametrize("law", [normal, lognormal])
def test_the_false_alarm_rate_is_the_level(law):
    """At level 0.05, 200 verdicts reject 10 +- 3.1 times if the rate is true.

    More than 20 or less than 2 would have probability 10^-3 each. A heavy tail makes the mean
    of few runs skew, for which no test of its mean is exact; the bounds are the same.
    """
    rng = np.random.default_rng(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeavyTailWarning)
        verdicts = [compare(curve(), runs(law(rng, 64)), level=0.05) for _ in range(REPLICATES)]
    rate = np.mean([not verdict.agrees for verdict in verdicts])
    assert 0.01 <= rate <= 0.1
    # Power of this test: the largest of six |z| against the limit for one, 1.96, would reject
    # too often.
    naive = np.mean([np.abs(verdict.z).max() > 1.96 for verdict in verdicts])
    assert naive > 0.1


def test_a_deviation_as_large_as_the_power_is_seen():
    """... nine times in ten at one step, by its definition; more often at several."""
    rng = np.random.default_rng(2)
    seen, half = [], []
    for _ in range(100):
        power = compare(curve(), runs(normal(rng, 64))).power
        risk = normal(rng, 64)
        seen.append(not compare(curve(TRUTH / (1 + power)), runs(risk)).agrees)
        half.append(not compare(curve(TRUTH / (1 + power / 2)), runs(risk)).agrees)
    assert np.mean(seen) > 0.75  # five standard errors below nine in ten
    assert np.mean(half) < np.mean(seen) - 0.2  # and the power is not far too modest


def test_power_at_a_single_step_is_nine_in_ten():
    """200 detections at rate 0.9 scatter by 0.021; the estimated standard error adds to it."""
    rng = np.random.default_rng(3)
    seen, step = [], STEP[:1]
    for _ in range(REPLICATES):
        risk = 1 + 0.3 * rng.normal(size=(2, 64, 1))
        power = compare(curve([1.0], step), runs(risk[0], step)).power
        seen.append(not compare(curve([1.0], step), runs(power + risk[1], step)).agrees)
    assert 0.8 < np.mean(seen) < 0.97


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
    reach = verdict.critical + stats.t.ppf(0.9, 19)  # nine of ten, the error itself estimated
    reach = reach * verdict.standard_error / verdict.predicted
    np.testing.assert_allclose(verdict.detectable, reach, rtol=1e-14)
    assert verdict.power == reach.min()
    assert verdict.agrees == (verdict.p_value >= 0.01)


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
    assert compare(curve(), runs(risk)).agrees
    verdict = compare(curve(1.1 * TRUTH), runs(risk))
    assert not verdict.agrees and verdict.p_value == 0


def test_the_equivalent_is_said_to_be_a_mean_over_features():
    risk = normal(np.random.default_rng(10), 20)
    equivalent = curve(rung="deterministic equivalent")
    assert "one draw scatters" in str(compare(equivalent, runs(risk)))
    own = compare(equivalent, runs(risk, features="own"))
    assert "up to O(1/d)" in str(own) and "one draw" not in str(own)
    assert compare(curve(), runs(risk)).notes == ()


# Bad input

GOOD = np.random.default_rng(11).uniform(0.9, 1.1, size=(8, STEP.size)) * TRUTH
DIVERGED = np.where(np.arange(48).reshape(8, 6) % 48 == 47, np.inf, GOOD)


@pytest.mark.parametrize(
    ("curve", "runs", "message"),
    [
        (curve(), runs(GOOD[:7]), "`runs` must have at least 8 seeds, but is 7"),
        (curve(), runs(DIVERGED), "`runs` must be finite, but is 'diverged for 1 seeds'"),
        (curve(sgd=SGD(0.2, B=8)), runs(GOOD), r"be of the sgd of the curve, SGD\(gamma=0.2, B=8"),
        (curve(sgd=SGD(0.1, B=1)), runs(GOOD), r"but is SGD\(gamma=0.1, B=8\)"),
        (
            curve(problem=dataclasses.replace(PROBLEM, noise=0.1)),
            runs(GOOD),
            "be of the problem of the curve, .*noise=0.1.*noise=0.0",
        ),
        (
            curve(problem=LinearRegression(alpha=1.0, beta=0.3, v=40)),
            runs(GOOD),
            "be of the problem of the curve, LinearRegression",
        ),
        (
            curve(np.delete(TRUTH, 2), np.delete(STEP, 2)),
            runs(GOOD),
            "`curve` must hold every step of the runs, but is 'without step 4'.*steps=runs.step",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(curve, runs, message):
    with pytest.raises(ValueError, match=message):
        compare(curve, runs)


@pytest.mark.parametrize("level", [0, 1, -0.1, np.nan])
def test_the_level_is_a_probability(level):
    with pytest.raises(ValueError, match="`level` must lie between 0 and 1"):
        compare(curve(), runs(GOOD), level=level)


def test_spectra_are_compared_entry_by_entry():
    one, other = (
        LinearRegression.from_spectrum([1.0, x], target=jax.numpy.ones(2)) for x in (0.5, 0.4)
    )
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
