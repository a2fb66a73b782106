"""What limits the risk: predicted exponents against slopes of the deterministic equivalent."""

from decimal import Decimal

import numpy as np
import pytest

from solvable import PowerLaw, Ridge, Spectrum, predict
from solvable.asymptotics import finite_exponents
from solvable.design import duality, regime
from solvable.design.regimes import time_limited
from solvable.verify import presets
from solvable.verify.finite_rungs import finite_exponent_rung

TASKS = pytest.mark.parametrize(("a", "b"), [(1.5, 1.5), (2, 1.5), (5, 1.5), (2.2, 2), (6, 2)])


def task(a, b, v=10**12, d=1000, noise=0.0):
    return presets.task(a, b, v, d, noise)


@TASKS
def test_the_width_limits(a, b):
    """With exponent min(a - 1, b), not min(a - 1, 2 b): they differ for (5, 1.5) and (6, 2)."""
    found = regime(task(a, b, d=10**4), None)
    assert found.limit == "width" and found.resolution_limited == ("width",)
    assert found.local["width"] == pytest.approx(min(a - 1, b), abs=0.02)
    assert found.local["data"] == found.local["time"] == 0


@TASKS
def test_the_data_limit(a, b):
    found = regime(task(a, b, d=None), 10**4)
    assert found.limit == "data" and found.variance_limited == ()
    assert found.local["data"] == pytest.approx(min(a - 1, 2 * b), abs=0.02)


@TASKS
def test_time_limits(a, b):
    found = regime(task(a, b, d=None), 10**13, time=1e4)
    assert found.limit == "time" and found.variance_limited == ("data",)
    assert found.local["time"] == pytest.approx((a - 1) / b, abs=0.02)
    assert found.excess == pytest.approx(time_limited(task(a, b), 1e4), rel=0.02)


@pytest.mark.parametrize(("a", "b"), [(5, 1.5), (6, 2)])
def test_distortion_limits_easy_tasks(a, b):
    found = regime(task(a, b, d=10**10), None, time=1e8)
    assert found.limit == "distortion" and found.resolution_limited == ("time", "width")
    assert found.local["time"] == pytest.approx(1 - 1 / b, abs=0.02)
    assert found.local["width"] == pytest.approx(1, abs=0.02)
    by_data = regime(task(a, b, d=10**7), 10**4)
    assert by_data.limit == "distortion" and by_data.predicted["data"] == b - 1
    assert by_data.local["data"] == pytest.approx(b - 1, abs=0.1)


@pytest.mark.parametrize(("d", "n"), [(100, None), (None, 100)])
def test_what_does_not_limit_is_approached_like_one_over_its_number(d, n):
    """In the other resource x, x (E(x) - E) settles: Bahri's variance-limited regimes."""
    at = lambda d, n: predict(task(2, 1.5, v=10**6, d=d), Ridge(), [0.0], n=n).excess[0]
    limit, other = at(d, n), lambda size: at(d or size, n or size)
    first, second = (size * (other(size) - limit) for size in (10**6, 10**8))
    assert first == pytest.approx(second, rel=1e-3) and first > 0


def test_too_much_of_a_resource_is_said():
    """Before the peak of double descent more features hurt; with noise, so does more time."""
    assert "width" in regime(task(1.5, 1.5, d=900), 1000).rises
    assert "time" in regime(task(1.5, 1.5, d=None, noise=1.0), 1000, time=1e4).rises
    assert "grows with width" in str(regime(task(1.5, 1.5, d=900), 1000))


def test_duality_is_exact_for_isotropic_targets_only():
    for size in (10, 1000):
        found = duality(task(1.5, 1.5, v=10**6), size)
        assert found.ratio == pytest.approx(1, rel=1e-11) and found.predicted == 1
    hard = duality(task(2, 1.5), 10**5)
    assert hard.predicted == 0.5 and hard.ratio == pytest.approx(0.5, abs=0.005)
    easy = duality(task(4, 1.5), 10**4)
    assert easy.predicted == 0 and easy.ratio < 1e-4


def test_the_rung_of_exponents():
    rung = finite_exponent_rung()
    assert rung.passed and len(rung.rows) == 18
    assert {row[3] for row in rung.rows} == {
        "width",
        "data",
        "time",
        "compute",
        "best width",
        "early stopping",
    }


class TestBadInput:
    def test_no_exponents(self):
        with pytest.raises(ValueError, match="2 alpha > 1"):
            regime(PowerLaw(alpha=0.4, beta=0.8, v=100, d=10), 5)
        problem = Spectrum([1.0, 0.5], [1.0, 1.0])
        with pytest.raises(ValueError, match="be a power law"):
            finite_exponents(problem)

    def test_sizes_and_times(self):
        with pytest.raises(ValueError, match="`n` must be at least 1"):
            regime(task(2, 1.5), 0)
        with pytest.raises(ValueError, match="`time` must be a positive"):
            regime(task(2, 1.5), 10, time=0.0)
        with pytest.raises(ValueError, match="`n` must differ from d at infinite time"):
            regime(task(2, 1.5, d=10), 10)
        with pytest.raises(ValueError, match="`size` must be"):
            duality(task(2, 1.5), 0.5)

    @pytest.mark.parametrize("time", [Decimal("NaN"), "soon", True, np.array([1.0, 2.0])])
    def test_times_that_are_no_numbers(self, time):
        with pytest.raises(TypeError, match="`time` must be a real number"):
            regime(task(2, 1.5), 10, time=time)

    def test_extreme_times_and_sizes(self):
        """They are answered, or refused in a sentence: no exponent is not a number."""
        problem = task(2, 1.5, v=1000, d=None)
        limit = regime(problem, 100).excess
        for time in (1e30, 1e290):
            assert regime(problem, 100, time=time).excess == pytest.approx(limit, rel=1e-9)
        for n, time in ((100, 1e-290), (1001, None), (1500, 1e9), (10**18, None)):
            with pytest.raises(ValueError, match="`time` must leave a positive and finite excess"):
                regime(problem, n, time=time)
        with pytest.raises(ValueError, match=r"`n` must be at most 1e\+18"):
            regime(problem, 10**19, time=1.0)
        with pytest.raises(ValueError, match="`size` must be below v = 1000"):
            duality(problem, 1000)
        with_noise = regime(task(2, 1.5, v=1000, d=None, noise=0.1), 1500)
        assert with_noise.excess == pytest.approx(0.1 * 1000 / (1500 - 1000), rel=1e-9)
