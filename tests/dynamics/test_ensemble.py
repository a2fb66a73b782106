"""Many draws of the features: each is what ``expect`` says, their mean what ``predict`` says."""

import jax
import numpy as np
import pytest

from solvable import SGD, PowerLaw, UnstableError, expect, predict
from solvable.dynamics import ensemble, expect_ensemble
from solvable.models.thresholds import max_learning_rate

PROBLEM = PowerLaw(alpha=0.7, beta=0.4, v=48, d=24, noise=0.1)
STEPS = [0, 1, 10, 1000]
RULE = SGD(0.1, B=2)


def drawn(problem, count, key=5):
    keys = jax.random.split(jax.random.key(key), count)
    return [problem.draw(one) for one in keys]


def test_each_row_is_the_expectation_of_its_draw(monkeypatch):
    """The same W for both, in more than one batch of 64."""
    draws = drawn(PROBLEM, 128)
    left = iter(draws)

    def modes(problem, W):
        batch = [next(left).modes for _ in W]
        return jax.tree.map(lambda *x: np.stack([np.asarray(y, float) for y in x]), *batch)

    monkeypatch.setattr(ensemble, "feature_modes", modes)
    risk = expect_ensemble(jax.random.key(0), PROBLEM, RULE, STEPS, draws=128)
    one_by_one = [expect(draw, RULE, STEPS).risk for draw in draws]
    np.testing.assert_allclose(risk, one_by_one, rtol=1e-10)  # of the secular equation, twice


def test_draws_have_the_law_of_draws():
    """The mean and the scatter of the two ways to sample W."""
    mine = expect_ensemble(jax.random.key(0), PROBLEM, RULE, STEPS, draws=1024)
    theirs = np.array([expect(draw, RULE, STEPS).risk for draw in drawn(PROBLEM, 200)])
    # Step 0 knows no W; it is the sum of the spectrum in either.
    np.testing.assert_allclose(mine[:, 0], theirs[0, 0], rtol=1e-12)
    x, y = mine[:, 1:], theirs[:, 1:]
    error = np.sqrt(x.var(0, ddof=1) / 1024 + y.var(0, ddof=1) / 200)
    assert np.abs((x.mean(0) - y.mean(0)) / error).max() < 4.5  # p < 3e-5 for three steps
    assert (error / y.mean(0)).max() < 0.03  # power
    # Of a logarithm of a variance, for tails of kurtosis 6 and less: (kurtosis - 1) / n.
    ratio = np.log(x.var(0) / y.var(0)) / np.sqrt(5 / 1024 + 5 / 200)
    assert np.abs(ratio).max() < 4.5
    assert len(np.unique(mine[:, 1])) == 1024  # no batch repeats another


def test_a_key_means_one_ensemble():
    one, again, other = (
        expect_ensemble(jax.random.key(n), PROBLEM, RULE, STEPS, draws=64) for n in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.isin(other[:, 1], one[:, 1]).any()


@pytest.mark.slow
def test_the_mean_approaches_the_equivalent_as_one_over_d():
    """d times the relative deviation is the same at d = 6 and at d = 24, and is not zero."""
    step, scaled, errors = [10, 100, 300, 1000], [], []
    for d in (6, 24):
        problem = PowerLaw(alpha=1.0, beta=0.7, v=4 * d, d=d)
        risk = expect_ensemble(jax.random.key(d), problem, SGD(0.1), step, draws=4096)[:, 1]
        relative = risk / predict(problem, SGD(0.1), step).risk[1] - 1
        scaled.append(d * relative.mean())
        errors.append(d * relative.std(ddof=1) / 64)
    relative_errors = np.array(errors) / np.abs(scaled)
    assert relative_errors.max() < 0.2  # power: there is a deviation, five errors from zero
    # At a rate of d^(-1/2) or d^(-3/2) this exponent would be 1/2 or -1/2.
    exponent = np.log(scaled[1] / scaled[0]) / np.log(4)
    assert abs(exponent) < 0.35
    assert np.hypot(*relative_errors) / np.log(4) < 0.15  # its standard error


def test_one_unstable_draw_is_enough():
    """Halfway between the thresholds of two draws, as the ensemble sees them."""
    thresholds = [max_learning_rate(draw, 2) for draw in drawn(PROBLEM, 64)]
    with pytest.raises(UnstableError, match=r"of every draw, .* for the worst so far, but is SGD"):
        expect_ensemble(jax.random.key(0), PROBLEM, SGD(max(thresholds), 2), STEPS, draws=64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draws": 0}, "`draws` must be at least 1, but is 0"),
        ({"draws": 2.5}, "`draws` must be a whole number, but is 2.5"),
        ({"steps": [1, 1]}, "`steps` must be strictly increasing"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"problem": PROBLEM, "rule": RULE, "steps": STEPS, "draws": 64}
    with pytest.raises(ValueError, match=message):
        expect_ensemble(jax.random.key(0), **arguments | change)


def test_a_whole_number_of_draws_may_be_a_float():
    """As v, d, B and seeds may."""
    assert expect_ensemble(jax.random.key(0), PROBLEM, RULE, STEPS, draws=64.0).shape == (64, 4)
