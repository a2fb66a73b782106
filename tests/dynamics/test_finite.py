"""Full batches on finite data: an independent algorithm, reference values, and limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import convolve2d

from solvable import (
    DANA,
    SGD,
    Averaged,
    FullBatch,
    GradientDescent,
    GradientFlow,
    Momentum,
    PowerLaw,
    load,
    predict,
)
from solvable.dynamics.contour import Watched, around, padded
from solvable.dynamics.finite import _filtered, contour_sums
from solvable.dynamics.residuals import contour_points
from solvable.models.thresholds import band_edge
from solvable.schedules import Cosine
from solvable.spectra.two_point import Sizes
from solvable.util.types import Rung
from solvable.verify import presets


def task(a, b, v=1000, d=200, noise=0.0):
    return presets.task(a, b, v, d, noise)


class Series:
    """The risk of gradient descent by formal power series in 1/x, where x^-t belongs to step t.

    The effective ridge starts as x / gamma, so y = 1/kappa is a series, found by iterating its
    equation: every turn makes one more coefficient exact. Two resolvents are a series in two
    variables. No contour, no root, no complex number.
    """

    def __init__(self, problem, gamma, n, steps):
        self.length = steps + 1
        scale, target = problem.coordinates()
        self.lam, self.noise = scale**2, problem.noise
        self.weight = self.lam * target**2
        iN, iP = problem.inverse_d, 1 / n
        inverse_z = gamma * np.append(0.0, np.ones(steps))
        y = inverse_z
        for _ in range(steps):
            df1 = self.lam @ self.times(self.over(y), y)
            y = self.times(self.times(self.one(-df1 * iN), self.one(-df1 * iP)), inverse_z)
        f = self.over(y)
        self.R = self.one(-(self.lam @ self.times(f, y)) * iP)
        pair = lambda weight: (f * weight[:, None]).T @ f
        yy, S1 = np.outer(y, y), pair(self.lam)
        S2 = self.times2(self.times2(pair(self.lam**2), np.outer(y, self.unit)), self.column(y))
        feature = iN * self.times2(self.times2(S1, yy), self.inverse(self.one2(-iN * S2)))
        bias = pair(self.weight)
        Q = bias + self.times2(feature, pair(self.lam * self.weight))
        g = iP * (S2 + self.times2(feature, S1))
        self.Q = self.times2(Q + self.noise * g, self.inverse(self.one2(-g)))

    @property
    def unit(self):
        return np.eye(self.length)[0]

    def column(self, y):
        return np.outer(self.unit, y)

    def one(self, y):
        return self.unit + y

    def one2(self, y):
        return np.outer(self.unit, self.unit) + y

    def times(self, x, y):
        x = np.atleast_2d(x)
        z = np.stack([np.convolve(row, y)[: self.length] for row in x])
        return z[0] if len(z) == 1 else z

    def times2(self, x, y):
        return convolve2d(x, y)[: self.length, : self.length]

    def over(self, y):
        """1 / (1 + lam y) for every lam; y has no constant term."""
        f = np.zeros((self.lam.size, self.length))
        f[:, 0] = 1
        for t in range(1, self.length):
            f[:, t] = -self.lam * (f[:, :t] @ y[t:0:-1])
        return f

    def inverse(self, x):
        """1/x in two variables, for a constant term of one."""
        rest, found = self.one2(0) - x, self.one2(0)
        for _ in range(2 * self.length):
            found = self.one2(0) + self.times2(rest, found)
        return found

    @property
    def excess(self):
        return np.diag(self.Q.cumsum(0).cumsum(1))

    @property
    def train(self):
        both = self.times2(
            self.times2(self.Q + self.noise * self.one2(0), np.outer(self.R, self.unit)),
            self.column(self.R),
        )
        return np.diag(both.cumsum(0).cumsum(1))


@pytest.mark.parametrize(("d", "n"), [(20, 30), (30, 20), (25, 25), (None, 30), (90, 25)])
def test_formal_power_series(d, n):
    """Steps 0 ... 23: the first twelve come from a circle, the others from Talbot's contour.

    Eight at a time and v = 1000, as below: one program for all.
    """
    problem = task(1.5, 1.25, d=d, noise=0.3)
    series = Series(problem, 0.3, n, 23)
    for steps in np.arange(24).reshape(3, 8):
        found = predict(problem, GradientDescent(0.3), steps, n=n)
        np.testing.assert_allclose(found.excess, series.excess[steps], rtol=1e-10)
        np.testing.assert_allclose(found.train, series.train[steps], rtol=1e-10)
        assert found.error < 1e-10


ROWS = [  # v, d, n, a, b, noise, gamma (None for flow), t, which, value
    (1000, 200, 300, 1.5, 1.25, 0.0, None, 10, "test", 5.509539455e-01),
    (1000, 200, 300, 1.5, 1.25, 0.0, None, 100, "train", 1.779026339e-01),
    (1000, 200, 300, 1.5, 1.25, 0.0, None, 1000, "test", 3.633323916e-01),
    (1000, 200, 300, 1.5, 1.25, 0.0, None, 1000, "train", 8.578302029e-02),
    (1000, 300, 150, 1.5, 1.25, 0.0, None, 10, "test", 5.586283830e-01),
    (1000, 300, 150, 1.5, 1.25, 0.0, None, 100, "test", 3.440410914e-01),
    (1000, 300, 150, 1.5, 1.25, 0.0, None, 100, "train", 9.290421005e-02),
    (1000, 300, 150, 1.5, 1.25, 0.0, None, 1000, "train", 6.591949602e-03),
    (1000, 300, 150, 1.5, 1.25, 0.0, None, 1e5, "test", 4.668449651e-01),
    (1000, 200, 300, 2.0, 1.5, 0.25, None, 10, "test", 1.442139503e-01),
    (1000, 200, 300, 2.0, 1.5, 0.25, None, 100, "train", 2.334827534e-01),
    (1000, 200, 300, 2.0, 1.5, 0.25, None, 1000, "test", 1.176127139e-01),
    (1000, 200, 300, 2.0, 1.5, 0.25, None, 1000, "train", 1.466745009e-01),
    (1000, 200, 300, 1.5, 1.25, 0.09, 0.5, 30, "test", 4.854277244e-01),
    (1000, 200, 300, 1.5, 1.25, 0.09, 0.5, 30, "train", 4.737140370e-01),
    (1000, 200, 300, 1.5, 1.25, 0.09, 0.5, 300, "test", 3.354637157e-01),
    (1000, 200, 300, 1.5, 1.25, 0.09, 0.5, 3000, "test", 4.706816857e-01),
    (1000, 200, 300, 1.5, 1.25, 0.09, 0.5, 3000, "train", 1.138872709e-01),
    (10**6, 2000, 3000, 1.5, 1.25, 0.01, None, 1e2, "test", 0.237996237613),
    (10**6, 2000, 3000, 1.5, 1.25, 0.01, None, 1e4, "test", 0.199697763791),
    (10**6, 10**4, 10**4, 1.5, 1.25, 0.01, None, 1e8, "test", 2.52683883208),
    (10**6, 10**5, 10**5, 1.5, 1.25, 0.01, None, 1e10, "test", 1.864588153044),
    (10**6, 10**4, 10**4, 1.5, 1.25, 0.01, None, 1e12, "test", 249.91576240),
    (10**6, 10**4, 10**4, 2, 1.5, 0.0, None, 1e6, "test", 1.18308895289e-3),
    (10**6, 10**4, None, 2, 1.5, 0.0, None, 1e6, "test", 5.47995244013e-4),
    (10**6, None, 10**4, 2, 1.5, 0.0, None, 1e6, "test", 2.88479296155e-4),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_reference_values(row):
    """Of an independent code, to the digits it was given: ten or more."""
    v, d, n, a, b, noise, gamma, t, which, value = row
    rule = GradientFlow() if gamma is None else GradientDescent(gamma)
    curve = predict(task(a, b, v, d, noise), rule, [t], n=n)
    found = curve.excess[0] if which == "test" else curve.train[0]
    assert found == pytest.approx(value, rel=3e-10)


ONE_PASS = [  # v, d, B, a, b, noise, gamma, t, value
    (800, 200, 10, 1.5, 1.25, 0.0, 0.2, 30, 6.460208020e-01),
    (800, 200, 10, 1.5, 1.25, 0.0, 0.2, 10**6, 1.930911176e-01),
    (800, 200, 1, 1.5, 1.25, 0.0, 0.1, 30, 9.591033263e-01),
    (800, 200, 1, 1.5, 1.25, 0.0, 0.1, 1000, 3.084621387e-01),
    (800, 200, 5, 2.0, 1.5, 0.09, 0.2, 30, 1.963083275e-01),
    (800, 200, 5, 2.0, 1.5, 0.09, 0.2, 1000, 3.723473641e-02),
    (800, 200, 5, 2.0, 1.5, 0.09, 0.2, 10**6, 2.375627714e-02),
    (10**8, 10**4, 1, 2.0, 1.5, 0.0, 0.05, 10**8, 6.17560419268e-4),
    (10**8, 10**6, 1, 2.0, 1.5, 0.0, 0.05, 10**12, 5.90889799968e-6),
]


@pytest.mark.parametrize("row", ONE_PASS, ids=str)
def test_fresh_samples_of_the_same_code(row):
    """One-pass SGD, by the same independent code in the same units."""
    v, d, B, a, b, noise, gamma, t, value = row
    found = predict(task(a, b, v, d, noise), SGD(gamma, B), [t])
    assert found.excess[0] == pytest.approx(value, rel=5e-10)


@pytest.fixture
def small():
    return task(1.5, 1.25, noise=0.09)


def test_flow_on_a_contour_around_the_spectrum(small, x64):
    """A third contour, of other points at other times."""
    t, sizes = np.array([0.0, 1.0, 30.0, 1e3, 1e5]), (1 / 200, 1 / 300)
    modes = small.spectrum()
    watched = Watched(GradientDescent(1e-2), 1e7)
    h, dh = padded(*around(float(band_edge(modes, *sizes)), watched)(2))
    z, u = contour_points((h, dh), np.exp(-t[:, None] * h))
    found = contour_sums(z, modes, Sizes(*sizes))(u)
    flow = predict(small, GradientFlow(), t, n=300)
    np.testing.assert_allclose(found.excess, flow.excess, rtol=1e-10)
    np.testing.assert_allclose(found.train, flow.train, rtol=1e-9)


@pytest.mark.parametrize(
    "rule",
    [
        FullBatch(Momentum(0.5, 0.0)),
        GradientDescent(np.full(1000, 0.5)),
        FullBatch(Averaged(SGD(0.5), ema=0.0)),
    ],
    ids=["no momentum", "schedule", "average of the last"],
)
def test_rules_that_are_gradient_descent(rule, small):
    steps = np.array([0, 1, 2, 5, 10, 11, 12, 31, 100, 999])
    plain = predict(small, GradientDescent(0.5), steps, n=300)
    late = 1 if isinstance(rule.rule, Averaged) else 0  # the average takes in the iterate before
    found = predict(small, rule, steps + late, n=300)
    np.testing.assert_allclose(found.excess, plain.excess, rtol=1e-9)
    np.testing.assert_allclose(found.train, plain.train, rtol=1e-9)
    assert found.error < 1e-9


def test_heavy_ball_in_the_limit_of_small_steps(small):
    """Of gradient flow slowed down by 1 - mu; and at infinity it is where flow ends."""
    found = predict(small, FullBatch(Momentum(1e-4, 0.9)), [10**5, 10**12], n=300)
    flow = predict(small, GradientFlow(), [1e2, 1e8], n=300)
    np.testing.assert_allclose(found.excess, flow.excess, rtol=1e-3)
    assert found.excess[1] == pytest.approx(flow.excess[1], rel=1e-8)


def test_schedules_are_flow_in_their_own_time(small):
    found = predict(small, GradientDescent(Cosine(1e-2, 10**4)), [10**4], n=300)
    assert found.excess[0] == pytest.approx(
        predict(small, GradientFlow(), [50.0], n=300).excess[0], rel=3e-3
    )


@pytest.mark.parametrize(
    "rule",
    [
        DANA.for_problem(task(1.5, 1.25)),
        pytest.param(SGD(Cosine(0.5, 200)), marks=pytest.mark.slow),
    ],
)
def test_infinite_data_and_width_are_a_sum_over_modes(rule):
    """The contour of a very large d and n against the exact sum, for any rule."""
    exact = predict(task(2, 1.5, d=None, noise=0.1), FullBatch(rule), [0, 10, 200])
    assert exact.rung is Rung.EXACT
    problem = task(2, 1.5, d=10**14, noise=0.1)
    found = predict(problem, FullBatch(rule), [0, 10, 200], n=10**14)
    np.testing.assert_allclose(found.excess, exact.excess, rtol=1e-9)
    np.testing.assert_allclose(found.train, exact.train, rtol=1e-9)


def test_corrections_are_one_over_the_size():
    """d (L(d) - L) and n (L(n) - L) settle: relative to the largest, between 10^5 and 10^6."""
    t, limit = [30.0], predict(task(1.5, 1.25, d=None), GradientFlow(), [30.0]).excess[0]
    wide = lambda size: predict(task(1.5, 1.25, d=size), GradientFlow(), t).excess[0]
    long = lambda size: predict(task(1.5, 1.25, d=None), GradientFlow(), t, n=size).excess[0]
    for excess in (wide, long):
        first, second = (size * (excess(size) - limit) for size in (10**5, 10**6))
        assert first == pytest.approx(second, rel=1e-3) and abs(first) > 0.1


def test_first_correction_of_the_width():
    """d (L(d) - L) at large d, from its own single-contour formula: 2.91229, 10.37635, 20.5776."""
    problem = lambda d: task(1.5, 1.25, v=1000, d=d)
    t = [1.0, 10.0, 30.0]
    limit = predict(problem(None), GradientFlow(), t).excess
    found = 1e7 * (predict(problem(10**7), GradientFlow(), t).excess - limit)
    lam = np.arange(1.0, 1001) ** -1.25
    weight = np.arange(1.0, 1001) ** -1.5
    from solvable.numerics.contours import talbot

    w, c = talbot(32)
    expected = []
    for s in 2 * np.array(t):
        z = w / s
        first = (lam * weight / (lam + z[:, None]) ** 2).sum(1)
        second = (lam / (lam + z[:, None])).sum(1)
        expected.append(float((c @ (first * second)).imag / s))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_terms_add_up_and_averages_remove_them(small):
    one = predict(small, GradientFlow(), [1.0, 1e3, 1e6], n=300)
    assert all((part > 0).all() for part in one.terms.values())
    np.testing.assert_allclose(sum(one.terms.values()), one.excess, rtol=1e-12)
    many = predict(small, GradientFlow(), one.time, n=300, ensemble=10**9)
    np.testing.assert_allclose(many.terms["features"], 0, atol=1e-8)
    np.testing.assert_allclose(many.terms["bias"], one.terms["bias"], rtol=1e-10)
    np.testing.assert_allclose(many.terms["data"], one.terms["data"], rtol=1e-9)
    both = predict(small, GradientFlow(), one.time, n=300, ensemble=10**9, bags=10**9)
    np.testing.assert_allclose(both.excess, one.terms["bias"], rtol=1e-7)
    assert both.train is None


def test_mean_over_few_is_between(small):
    """Of E predictors the variance of the features is one in E."""
    one, four = (predict(small, GradientFlow(), [1e3], n=300, ensemble=E) for E in (1, 4))
    assert four.terms["features"] == pytest.approx(one.terms["features"] / 4, rel=1e-10)
    assert four.excess < one.excess


def test_times_come_back_and_zero_is_the_start(small):
    curve = predict(small, GradientFlow(), [0.0, 1e-30, 1e-3, 1e12], n=300)
    assert curve.time.tolist() == [0.0, 1e-30, 1e-3, 1e12]
    start = float(small.spectrum().weight.sum())
    assert curve.excess[:2] == pytest.approx(start, rel=1e-12)
    assert curve.train[:2] == pytest.approx(start + 0.09, rel=1e-12)
    assert predict(small, GradientFlow(), 1e4, n=300).time[[0, -1]].tolist() == [0.0, 1e4]


def test_easy_tasks_state_their_error():
    """Double precision runs out where the risk has fallen by many orders: that is said."""
    t = np.array([1e2, 1e4])
    exact = predict(task(5, 1.2, v=10**7, d=None), GradientFlow(), t).excess
    found = predict(task(5, 1.2, v=10**7, d=10**18), GradientFlow(), t)
    true = np.abs(found.excess / exact - 1).max()
    assert true > 1e-6 and found.error > 0.1 * true


def test_derivatives(x64):
    """By automatic differentiation through the fixed point, against differences."""
    problem = lambda noise, alpha: PowerLaw(alpha=alpha, beta=0.125, v=1000, d=200, noise=noise)
    excess = lambda *args: predict(problem(*args), GradientFlow(), [100.0], n=300).excess[0]
    slopes = jax.grad(excess, argnums=(0, 1))(0.3, 0.625)
    differences = (
        (excess(0.301, 0.625) - excess(0.299, 0.625)) / 2e-3,
        (excess(0.3, 0.625 + 1e-5) - excess(0.3, 0.625 - 1e-5)) / 2e-5,
    )
    assert np.array(slopes) == pytest.approx(np.array(differences), rel=1e-6)


def test_many_problems_in_one_call(x64):
    sizes = jnp.array([50.0, 100.0, 200.0])
    many = jax.vmap(
        lambda d: (
            predict(
                PowerLaw(alpha=0.625, beta=0.125, v=1000, d=d), GradientFlow(), [10.0, 1e3], n=300
            ).excess
        )
    )(sizes)
    for d, row in zip((50, 100, 200), many, strict=True):
        single = predict(task(1.5, 1.25, d=d), GradientFlow(), [10.0, 1e3], n=300).excess
        np.testing.assert_allclose(row, single, rtol=1e-11)


def test_other_numbers_compile_nothing(small):
    predict(small, GradientFlow(), [10.0, 1e3], n=300)
    before = _filtered._cache_size()
    predict(task(2.0, 1.5, noise=0.3, d=100), GradientFlow(), [11.0, 1e7], n=50)
    assert _filtered._cache_size() == before


def test_save_and_load(small, tmp_path):
    for rule in (GradientFlow(), FullBatch(Momentum(0.1, 0.9))):
        curve = predict(small, rule, [1, 10], n=300)
        curve.save(tmp_path / f"{type(rule).__name__}.nc")
        back = load(tmp_path / f"{type(rule).__name__}.nc")
        assert back.rule == rule and back.n == 300 and back.problem == small
        np.testing.assert_array_equal(back.excess, curve.excess)
        np.testing.assert_array_equal(back.terms["data"], curve.terms["data"])


class TestBadInput:
    @pytest.mark.parametrize("n", [0, -1, 2.5, np.nan])
    def test_samples(self, n, small):
        with pytest.raises(ValueError, match="`n` must be"):
            predict(small, GradientFlow(), [1.0], n=n)

    @pytest.mark.parametrize("name", ["ensemble", "bags"])
    def test_averages(self, name, small):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1, but is 0"):
            predict(small, GradientFlow(), [1.0], n=300, **{name: 0})

    @pytest.mark.parametrize("times", [[-1.0], [2.0, 1.0], [1.0, np.inf], [], -3.0])
    def test_times(self, times, small):
        with pytest.raises(ValueError, match="`steps"):
            predict(small, GradientFlow(), times, n=300)

    def test_descent_counts_steps(self, small):
        with pytest.raises(ValueError, match="`steps` must hold whole numbers"):
            predict(small, GradientDescent(0.1), [1.5], n=300)

    @pytest.mark.parametrize("rule", [GradientDescent(1.7), FullBatch(Momentum(3.2, 0.9))])
    def test_unstable(self, rule, small):
        with pytest.raises(ValueError, match="stable up to the edge"):
            predict(small, rule, [100], n=300)

    def test_one_pass_has_no_data_set(self, small):
        for name, value in (("n", 300), ("ensemble", 2), ("bags", 2)):
            with pytest.raises(ValueError, match=f"`{name}` must be .* see fresh samples"):
                predict(small, SGD(0.1), [10], **{name: value})

    def test_terms_are_always_there(self, small):
        with pytest.raises(ValueError, match="`terms` must be left out"):
            predict(small, GradientFlow(), [1.0], n=300, terms=True)

    @pytest.mark.parametrize("rule", [GradientFlow(), 0.1, None])
    def test_rules_that_have_no_full_batch_form(self, rule):
        with pytest.raises(TypeError, match="`rule` must be a"):
            FullBatch(rule)

    def test_rules_with_memory_are_not_traced(self, x64):
        risk = lambda d: predict(
            PowerLaw(alpha=0.625, beta=0.125, v=1000, d=d), FullBatch(Momentum(0.1)), [10], n=9
        ).excess[0]
        with pytest.raises(TypeError, match="gradient flow and gradient descent"):
            jax.grad(risk)(200.0)
