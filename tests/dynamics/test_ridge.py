"""Ridge regression on finite data: closed forms, reference values, and the best of it."""

import numpy as np
import pytest

from solvable import GradientFlow, KernelFeatures, PowerLaw, Ridge, Spectrum, load, predict
from solvable.design import equiparameterization, optimal_ridge
from solvable.dynamics import InfiniteRiskWarning
from solvable.verify import presets


def ridge_risk(problem, n, ridge, **averages):
    return predict(problem, Ridge(), np.atleast_1d(ridge), n=n, **averages)


def task(a, b, v=1000, d=200, noise=0.0):
    return presets.task(a, b, v, d, noise)


ROWS = [  # v, d, n, a, b, noise, ridge, which, value
    (1000, 100, 250, 1.5, 1.5, 0.0, 1e-3, "test", 3.690300597e-01),
    (1000, 100, 250, 1.5, 1.5, 0.0, 1e-3, "train", 1.890361070e-01),
    (1000, 100, 250, 1.5, 1.5, 0.0, 1e-2, "test", 4.260022398e-01),
    (1000, 250, 100, 1.5, 1.5, 0.0, 0.0, "test", 4.566465690e-01),
    (1000, 250, 100, 1.5, 1.5, 0.0, 1e-3, "test", 3.690300597e-01),
    (1000, 250, 100, 1.5, 1.5, 0.0, 1e-3, "train", 3.088433770e-02),
    (1000, 200, 200, 1.5, 1.5, 0.04, 1e-4, "train", 3.515965114e-02),
    (1000, 200, 200, 1.5, 1.5, 0.04, 1e-3, "test", 3.089099637e-01),
    (1000, 200, 200, 1.5, 1.5, 0.04, 1e-3, "train", 1.061309453e-01),
    (1000, 200, 200, 1.5, 1.5, 0.04, 1e-2, "train", 2.903600365e-01),
    (600, 300, 400, 2.2, 1.3, 0.25, 1e-3, "test", 9.245573827e-02),
    (600, 300, 400, 2.2, 1.3, 0.25, 1e-3, "train", 1.330482010e-01),
    (600, 300, 400, 2.2, 1.3, 0.25, 1e-1, "train", 3.318165057e-01),
    (10**6, 100, None, 1.5, 1.5, 0.0, 0.0, "test", 0.370298455590),
    (10**6, 1000, None, 1.5, 1.5, 0.0, 0.0, "test", 0.115829616730),
    (10**6, None, 1000, 4, 1.5, 0.0, 0.0, "test", 1.20782124060e-7),
    (10**6, 1000, 4000, 2, 1.5, 0.0, 0.0, "test", 7.43520792314e-3),
    (10**6, 4000, 1000, 2, 1.5, 0.0, 0.0, "test", 4.75412743051e-3),
    (3000, 100, None, 1.5, 1.5, 0.0, 0.0, "test", 0.317288),
    (3000, None, 100, 1.5, 1.5, 0.0, 0.0, "test", 0.317288),
    (3000, 50, 400, 1.5, 1.5, 0.0, 0.0, "test", 0.535711),
    (3000, 400, 50, 1.5, 1.5, 0.0, 0.0, "test", 0.535711),
    (3000, 100, None, 2, 1.5, 0.0, 0.0, "test", 4.72535e-2),
    (3000, None, 100, 2, 1.5, 0.0, 0.0, "test", 2.70262e-2),
    (3000, 400, 50, 2, 1.5, 0.0, 0.0, "test", 6.81964e-2),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_reference_values(row):
    """Of an independent code, to the digits given."""
    v, d, n, a, b, noise, ridge, which, value = row
    found = ridge_risk(task(a, b, v, d, noise), n, ridge)
    digits = 10 if len(f"{value:.12g}".lstrip("0.").replace(".", "")) > 7 else 6
    got = found.excess[0] if which == "test" else found.train[0]
    assert got == pytest.approx(value, rel=5 * 10.0**-digits)


def sums(problem, kappa):
    scale, target = problem.coordinates()
    lam = scale**2
    u = lam / (lam + kappa)
    return u.sum(), (u**2).sum(), (lam * target**2 / (lam + kappa) ** 2).sum() * kappa**2


@pytest.mark.parametrize(("d", "n"), [(100, 250), (250, 100), (150, 151)])
def test_isotropic_noiseless_targets_in_closed_form(d, n):
    """At any ridge, and symmetric in d and n."""
    problem = task(1.5, 1.5, d=d)
    for ridge in (0.0, 1e-4, 1e-2, 1.0):
        found = ridge_risk(problem, n, ridge)
        kappa, df1, df2 = found.kappa[0], *sums(problem, found.kappa[0])[:2]
        expected = kappa * (df1 - df2) * d * n / (d * n - (d + n) * df2 + 2 * df1 * df2 - df1**2)
        assert found.excess[0] == pytest.approx(expected, rel=1e-9)
        mirror = ridge_risk(task(1.5, 1.5, d=n), d, ridge)
        assert mirror.excess[0] == pytest.approx(found.excess[0], rel=1e-11)


@pytest.mark.parametrize(("d", "n"), [(100, 250), (250, 100)])
@pytest.mark.parametrize("a", [1.5, 2.2, 4.0])
def test_no_ridge_in_closed_form(a, d, n):
    """What one resource leaves, and the variance of the other, label noise included."""
    problem, noise, least = task(a, 1.5, d=d, noise=0.3), 0.3, min(d, n)
    found = ridge_risk(problem, n, 0.0)
    df1, df2, bias = sums(problem, found.kappa[0])
    assert df1 == pytest.approx(least, rel=1e-12)
    model = ridge_risk(task(a, 1.5, d=least), None, 0.0).excess[0]
    if d < n:
        expected = (model + noise * d / n) / (1 - d / n)
    else:
        expected = bias / (1 - df2 / n) + model * n / (d - n)
        expected += noise * (df2 / (n - df2) + n / (d - n))
    assert found.excess[0] == pytest.approx(expected, rel=1e-9)


def test_more_of_both_than_coordinates():
    """Linear features know everything: only the noise is left, whatever the number of features."""
    for d in (100, 101, 150, 400):
        found = ridge_risk(task(1.5, 1.5, v=100, d=d, noise=0.3), 300, 0.0)
        assert found.excess[0] == pytest.approx(0.3 * 100 / 200, rel=1e-7)
        assert found.train[0] == pytest.approx(0.3 * 200 / 300, rel=1e-7)
        silent = ridge_risk(task(1.5, 1.5, v=100, d=d), 300, 0.0).excess[0]
        assert abs(silent) < 1e-12


@pytest.mark.parametrize(("d", "n"), [(200, 300), (300, 200), (None, 200)])
def test_flow_ends_without_ridge(d, n):
    problem = task(1.5, 1.25, d=d, noise=0.1)
    flow = predict(problem, GradientFlow(), [1e13], n=n, ensemble=3)
    ridge = ridge_risk(problem, n, 0.0, ensemble=3)
    assert flow.excess[0] == pytest.approx(ridge.excess[0], rel=1e-8)
    for name, part in ridge.terms.items():
        assert flow.terms[name][0] == pytest.approx(part[0], rel=1e-7, abs=1e-12)


def test_cross_validation_tells_the_risk():
    found = ridge_risk(task(2.0, 1.5, noise=0.2), 300, [1e-5, 1e-3, 0.1])
    np.testing.assert_allclose(found.gcv, found.risk, rtol=1e-12)
    assert np.isnan(ridge_risk(task(2.0, 1.5, d=400), 300, 0.0).gcv).all()


def test_the_best_ridge_of_an_isotropic_target():
    """Against an independent code, ten digits."""
    best = optimal_ridge(task(1.5, 1.5, v=10**6, d=1000), 1000)
    assert best.method == "closed form"
    assert best.ridge == pytest.approx(1.8818798758e-4, rel=1e-9)
    assert best.excess == pytest.approx(0.18050042795, rel=1e-9)


@pytest.mark.parametrize(
    ("problem", "n", "options"),
    [
        (task(1.5, 1.5, d=150, noise=0.1), 200, {}),
        (task(2.0, 1.5, d=300), 200, {}),
        (task(1.5, 1.5, d=None, noise=1.0), 100, {}),
        (task(1.5, 1.5, d=100), 250, {}),
        (task(1.5, 1.5, d=100, noise=0.1), 250, {"ensemble": 4, "bags": 2}),
    ],
    ids=str,
)
def test_no_other_ridge_is_better(problem, n, options):
    best = optimal_ridge(problem, n, **options)
    assert 0 < best.ridge < np.inf
    there = ridge_risk(problem, n, best.ridge, **options).excess[0]
    assert there == pytest.approx(best.excess, rel=1e-9)
    around = best.ridge * np.array([1e-3, 0.1, 0.9, 0.99, 1.01, 1.1, 10, 1e3])
    assert (ridge_risk(problem, n, around, **options).excess > there).all()


def test_where_none_is_best():
    assert optimal_ridge(task(1.5, 1.5, d=50), None).ridge == 0
    assert optimal_ridge(task(4.0, 1.5, d=None), 1000).ridge == 0  # everything is learned


def test_less_than_none_is_best():
    """A spike: one eigenvalue 50 in 1000, n = 64, by the formulas and by 200 literal fits.

    The fits of a fixed key gave .518 +- .009, .291 +- .005 and .207 +- .003.
    """
    lam, target = np.ones(1000), np.zeros(1000)
    lam[0], target[0] = 50.0, 3 / np.sqrt(50)
    problem = Spectrum(lam, target, noise=0.1)
    found = ridge_risk(problem, 64, [0.0, -4.75, -7.586]).excess
    np.testing.assert_allclose(found, [0.5135, 0.2887, 0.2035], rtol=1e-3)  # the digits given
    best = optimal_ridge(problem, 64)
    assert best.ridge == pytest.approx(-7.586, abs=0.01) and best.excess <= found.min() * (1 + 1e-9)
    with pytest.raises(ValueError, match="above minus the lower edge of the Gram spectrum"):
        ridge_risk(problem, 64, -9.0)


@pytest.mark.parametrize(
    ("problem", "n", "ridge", "excess"),
    [
        (PowerLaw(alpha=0.5, beta=0.5, v=1000, noise=0.1), 2000, 0.005599, 0.0131249),
        (PowerLaw(alpha=1.5, beta=0.5, v=64, d=128, noise=0.1), 256, 0.002088, 0.0031830),
    ],
)
def test_the_best_ridge_where_everything_is_resolved(problem, n, ridge, excess):
    """To the digits given by an independent code; at ridge 0 it is noise v / (n - v)."""
    best = optimal_ridge(problem, n)
    assert best.ridge == pytest.approx(ridge, rel=1e-3)
    assert best.excess == pytest.approx(excess, rel=1e-4)
    none = ridge_risk(problem, n, 0.0).excess[0]
    assert none == pytest.approx(0.1 * problem.v / (n - problem.v), rel=1e-12)


def test_equal_numbers_are_best_at_the_best_ridge():
    problem = task(1.5, 1.5, v=10**6, d=1)
    best = equiparameterization(problem, 10**6)
    assert best.d == pytest.approx(1000, rel=1e-5) and best.n == pytest.approx(1000, rel=1e-5)
    at = lambda d, n: optimal_ridge(task(1.5, 1.5, v=10**6, d=d), n).excess / best.excess
    assert at(707, 1414) == pytest.approx(1.022, abs=1e-3)
    assert at(316, 3162) == pytest.approx(1.25, abs=5e-3)


def test_without_ridge_equal_numbers_are_worst():
    best = equiparameterization(task(1.5, 1.5, v=10**6, d=1), 10**6, ridge=0)
    ratio = min(best.d / best.n, best.n / best.d)
    assert ratio == pytest.approx(0.2, abs=0.005) and best.ridge == 0


def test_infinite_risk_is_said():
    with pytest.warns(InfiniteRiskWarning, match="infinite, since d = n = 200"):
        found = ridge_risk(task(1.5, 1.5, noise=0.1), 200, [0.0, 1e-3])
    assert np.isinf(found.risk[0]) and np.isfinite(found.risk[1])
    assert found.train[0] == 0 and not np.isnan(found.excess).any()


@pytest.mark.parametrize(
    ("problem", "n"),
    [
        (PowerLaw(alpha=1.0, beta=0.3, v=100, noise=1.0), 100),
        (PowerLaw(alpha=0.7, beta=0.5, v=1000, noise=0.1), 1000),
        (PowerLaw(alpha=1.0, beta=0.5, v=50, d=200, noise=0.1), 50),
        (PowerLaw(alpha=1.0, beta=0.5, v=200, d=200, noise=0.1), 200),
        (KernelFeatures(eigenvalues=np.arange(1.0, 62) ** -1.2, target=np.ones(61), floor=0.1), 61),
    ],
    ids=str,
)
@pytest.mark.parametrize("bags", [1, 3])
def test_just_as_many_samples_as_coordinates(problem, n, bags):
    with pytest.warns(InfiniteRiskWarning, match="infinite, since n = "):
        found = ridge_risk(problem, n, 0.0, bags=bags)
    assert found.excess[0] == np.inf and found.kappa[0] == 0
    assert bags > 1 or found.train[0] == 0


def test_what_is_never_learned_acts_as_noise():
    """floor + floor v / (n - v) of a kernel of 61 modes on 100 samples."""
    kernel = KernelFeatures(eigenvalues=np.arange(1.0, 62) ** -1.2, target=np.ones(61), floor=0.1)
    assert ridge_risk(kernel, 100, 0.0).excess[0] == pytest.approx(0.1 / 0.39, rel=1e-12)


def test_save_and_load(tmp_path):
    found = ridge_risk(task(1.5, 1.5), 300, [0.0, 0.1])
    found.save(tmp_path / "ridge.nc")
    back = load(tmp_path / "ridge.nc")
    np.testing.assert_array_equal(back.excess, found.excess)
    np.testing.assert_array_equal(back.gcv, found.gcv)
    assert "0.1" in str(back) and back.n == 300


class TestBadInput:
    @pytest.mark.parametrize("ridge", [-1e9, np.nan, np.inf, [0.1, -0.1], [[0.1]]])
    def test_ridge(self, ridge):
        with pytest.raises(ValueError, match=r"`steps.* must be"):
            ridge_risk(task(1.5, 1.5), 300, ridge)

    @pytest.mark.parametrize("n", [0, 1.5, -3])
    def test_samples(self, n):
        for call in (
            lambda: ridge_risk(task(1.5, 1.5), n, 0.1),
            lambda: optimal_ridge(task(1.5, 1.5), n),
        ):
            with pytest.raises(ValueError, match="`n` must be"):
                call()

    def test_averages(self):
        with pytest.raises(ValueError, match="`ensemble` must be at least 1"):
            ridge_risk(task(1.5, 1.5), 300, 0.1, ensemble=0)
        with pytest.raises(ValueError, match="`curve` must be of one data set"):
            _ = ridge_risk(task(1.5, 1.5), 300, 0.1, bags=2).gcv

    def test_problem(self):
        with pytest.raises(TypeError, match="`problem` must be a problem"):
            ridge_risk("problem", 300, 0.1)

    def test_product(self):
        with pytest.raises(ValueError, match="`product` must be at least 4"):
            equiparameterization(task(1.5, 1.5), 2)
        with pytest.raises(ValueError, match="`ridge` must be None"):
            equiparameterization(task(1.5, 1.5), 100, ridge=0.1)
