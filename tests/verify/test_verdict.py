"""The test behind every verdict: its level and power on either side, on runs of known mean."""

import numpy as np
import pytest
from scipy import stats

from solvable.verify.rungs import LEVEL
from solvable.verify.verdict import (
    GROUPS,
    _grouped,
    _with_skewness,
    _without_skewness,
    deviation,
    judge,
)

REPLICATES = 200


def correlated(rng, seeds, steps=6):
    """Unit normal scatter, correlated from step to step as along a run."""
    noise = rng.normal(size=(seeds, steps))
    for k in range(1, steps):
        noise[:, k] = 0.8 * noise[:, k - 1] + 0.6 * noise[:, k]
    return noise


def normal(rng, seeds):
    return 0.3 * correlated(rng, seeds)


def lognormal(rng, seeds):
    """Kurtosis 40 and more, to the right."""
    return np.exp(0.9 * correlated(rng, seeds) - 0.9**2 / 2) - 1


# The statistic


def test_skewness_is_taken_out_to_the_next_order():
    """Exponential scatter, skewness 2: at n = 256 a tail of Student's t is twice too heavy.

    ``deviation`` must be within three standard errors of the nominal rate, and t far beyond.
    """
    rng, draws, level = np.random.default_rng(0), 20_000, 0.005
    x = rng.exponential(size=(256, draws)) - 1
    low = stats.t.ppf(level, 255)
    error = np.sqrt(level / draws)
    plain = np.mean(stats.ttest_1samp(x, 0).statistic < low)
    assert plain > level + 9 * error
    for side in (1, -1):
        assert abs(np.mean(deviation(side * x) < low) - level) < 3 * error


def test_it_is_the_formula_of_the_module():
    x = np.random.default_rng(3).exponential(size=(40, 3)) - 0.8
    t, c = stats.ttest_1samp(x, 0).statistic, stats.skew(x) / (3 * np.sqrt(40))
    np.testing.assert_allclose(deviation(x), t + c * t**2 + c**2 * t**3 / 3 + c / 2, rtol=1e-12)


def test_it_keeps_the_order_of_far_tails():
    """It is monotone in the deviation, at any skewness."""
    x = np.random.default_rng(1).lognormal(sigma=1.5, size=256)
    z = deviation(x[:, None] - np.linspace(0, 3 * x.mean(), 50))
    assert (np.diff(z) < 0).all()


@pytest.mark.parametrize("skewness", [-12.0, 0.0, 1e-9, 0.5, 40.0])
def test_the_inverse_of_the_cubic(skewness):
    """The cube root of a number near 0 loses digits: at c = 0.6, t = -1/c is the triple root."""
    t = np.linspace(-40, 40, 82)
    back = _with_skewness(_without_skewness(t, np.float64(skewness), 500), skewness, 500)
    np.testing.assert_allclose(back, t, rtol=1e-6)


# Level and power


@pytest.mark.parametrize("law", [normal, lognormal])
def test_the_false_alarm_rate_is_the_level(law):
    """At level 0.05, 200 verdicts reject 10 +- 3.1 times if the rate is true.

    More than 20 or less than 2 would have probability 10^-3 each. A heavy tail makes the mean
    of few runs skew, for which no test of its mean is exact; the bounds are the same. The limit
    for one step, 1.96, would reject too often.
    """
    rng = np.random.default_rng(1)
    verdicts = [judge(law(rng, 64), 0.05) for _ in range(REPLICATES)]
    assert 0.01 <= np.mean([verdict.p_value < 0.05 for verdict in verdicts]) <= 0.1
    assert np.mean([np.abs(verdict.z).max() > 1.96 for verdict in verdicts]) > 0.1


@pytest.mark.parametrize(("law", "least"), [(normal, 0.8), (lognormal, 0.65)])
def test_a_deviation_as_large_as_the_power_is_seen_on_either_side(law, least):
    """By its definition in nine cases of ten.

    The power is estimated from runs like those that are judged. Their scatter is uncertain by 9 per
    cent if normal, which takes 0.9 to 0.84 on the average; without the spikes of a heavy tail much
    more. Of 100 detections at the rate ``least`` + 0.1 three standard errors are 0.13 and 0.1 less.
    At half the power far fewer are seen.
    """
    rng = np.random.default_rng(2)
    seen, half = [], []
    for _ in range(50):
        power, x = judge(law(rng, 64), 0.05).power, law(rng, 64)
        shifts = -power.below, power.above
        seen.append([judge(x + shift, 0.05).p_value < 0.05 for shift in shifts])
        half.append([judge(x + shift / 2, 0.05).p_value < 0.05 for shift in shifts])
    assert (np.mean(seen, axis=0) > least).all()
    assert np.mean(half) < np.mean(seen) - 0.2


def test_the_power_at_a_step_is_that_of_the_step_alone():
    x = lognormal(np.random.default_rng(4), 64)
    alone, all_steps = judge(x[:, 2:3], 0.05), judge(x, 0.05)
    assert alone.detectable.above[0] == pytest.approx(alone.power.above, rel=1e-12)
    assert alone.detectable.above[0] < all_steps.detectable.above[2]  # one look needs less
    assert all_steps.power.above < all_steps.detectable.above.min()  # any of them is enough
    halved = judge(x, 0.05, unit=2.0)
    np.testing.assert_allclose(halved.detectable.below, all_steps.detectable.below / 2, rtol=1e-12)
    assert halved.power.below == pytest.approx(all_steps.power.below / 2, rel=1e-12)


def test_a_long_tail_takes_the_limits_apart():
    """Few runs hold its spikes: the mean of the others is low, and scatters less than it seems."""
    tail = judge(lognormal(np.random.default_rng(5), 64), 0.05)
    assert tail.power.below > 1.1 * tail.power.above
    mirrored = judge(-lognormal(np.random.default_rng(5), 64), 0.05)
    assert mirrored.power == pytest.approx(tail.power[::-1], rel=1e-9)
    assert mirrored.critical == pytest.approx(tail.critical[::-1], rel=1e-9)


# Edges


@pytest.mark.parametrize("level", [LEVEL / 21, 2e-4])
def test_a_small_level_can_be_missed(level):
    """The p-value of a bootstrap is at least about one over its resamples."""
    x = normal(np.random.default_rng(6), 64)
    assert judge(x + 1.0, level).p_value < level < judge(x, level).p_value


def test_a_verdict_is_the_same_each_time_and_on_every_scale():
    """... also where the cube of a deviation is no number any more."""
    x = lognormal(np.random.default_rng(7), 20)
    once = judge(x, 0.05)
    for scale in (1.0, 1e-200, 1e150):
        again = judge(scale * x, 0.05, unit=scale)
        assert again.p_value == once.p_value
        np.testing.assert_allclose(again.z, once.z, rtol=1e-9)
        assert again.power == pytest.approx(once.power, rel=1e-9)


def test_many_runs_are_judged_in_groups():
    """10 000 runs like 1024 means of ten: the z of the groups differs by 1/32 of its scatter."""
    x = lognormal(np.random.default_rng(8), 10_000)
    groups = _grouped(x)
    assert groups.shape == (GROUPS, 6) and _grouped(x[: 2 * GROUPS - 1]).shape[0] == 2 * GROUPS - 1
    np.testing.assert_allclose(
        groups[:3], [x[i : i + n].mean(0) for i, n in ((0, 9), (9, 10), (19, 10))]
    )
    np.testing.assert_allclose(groups.mean(axis=0), x.mean(axis=0), atol=0.002)
    assert judge(x, 0.05).p_value > 0.05 > judge(x + 0.1, 0.05).p_value


def test_one_run_that_deviates_is_no_evidence():
    """A third of the resamples do not hold it and do not scatter: no mean is too low for them."""
    x = np.zeros((8, 1))
    x[3] = 1.0
    verdict = judge(x, 0.05)
    assert verdict.p_value > 0.1 and np.isfinite(verdict.z).all()
    assert verdict.critical.below == verdict.power.below == np.inf > verdict.power.above > 0
