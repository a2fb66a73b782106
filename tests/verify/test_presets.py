"""The points that stand for the phases are in them, and their rule is stable."""

import numpy as np
import pytest

from solvable import phase, threshold
from solvable.design import frontier
from solvable.verify import POINTS, PUBLISHED, family, half_trace, task

EVERY = [(name, *point) for name, points in POINTS.items() for point in points]


def test_two_points_for_each_of_the_seven_phases():
    assert sorted(POINTS) == ["II", "III", "IVa", "IVb", "Ia", "Ib", "Ic"]
    assert len(set(EVERY)) == 14


@pytest.mark.parametrize(("name", "alpha", "beta"), EVERY)
def test_every_point_is_in_its_phase(name, alpha, beta):
    """IVb is a strip 0.043 wide: no point of it is farther than 0.021 from a boundary."""
    at = phase(alpha, beta)
    assert at.name == name
    assert at.boundary.distance > (0.01 if name == "IVb" else 0.04)


def test_published_exponent_at_the_boundary_of_two_phases():
    """0.643 is the published prediction; the numerical frontier comes within 0.005, as ever."""
    ((alpha, beta),) = PUBLISHED["compute-optimal front"]
    found = phase(alpha, beta)
    assert found.boundary.distance == 0 and set(found.boundary.between) == {"II", "III"}
    assert -float(found.loss_exponent) == pytest.approx(0.643, abs=5e-4)
    slope = frontier(lambda d: family(alpha, beta, d), half_trace, [1e20]).slope[0]
    assert -slope == pytest.approx(0.643, abs=0.005)


def test_published_line_crosses_three_phases():
    names = [phase(*point).name for point in PUBLISHED["exponents along a line"]]
    assert list(dict.fromkeys(names)) == ["Ia", "II", "III"]


def test_published_rough_targets_end_where_the_phases_do():
    """The next step of a tenth, at beta = -0.2, is on the edge: there is no power law there."""
    points = PUBLISHED["negative beta"]
    assert {phase(*point).name for point in points} == {"Ia"} and min(points) == (0.7, -0.1)
    with pytest.raises(ValueError, match="`beta` must satisfy 2"):
        phase(0.7, -0.2)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_point_has_a_phase(name):
    assert all(phase(*point).loss_exponent < 0 for point in PUBLISHED[name])


def test_a_task_is_named_by_the_exponents_of_the_papers_on_finite_data():
    """Eigenvalues j^-b, and a signal j^-a on them: the product of eigenvalue and coefficient^2."""
    problem = task(2.0, 1.5, v=50, d=10, noise=0.2)
    scale, target = problem.coordinates()
    j = np.arange(1.0, 51)
    np.testing.assert_allclose(scale**2, j**-1.5, rtol=1e-13)
    np.testing.assert_allclose(scale**2 * target**2, j**-2.0, rtol=1e-13)
    assert (problem.d, problem.noise, task(2.0, 1.5, v=50).d) == (10, 0.2, None)


def test_the_family_keeps_v_in_proportion_to_d():
    assert family(0.4, 0.8, d=50).v == 200
    assert family(0.5, 0.8, d=50.0).v == 5000
    problem = family(1.0, 0.3, d=50, noise=0.2)
    assert (problem.alpha, problem.beta, problem.d, problem.noise) == (1.0, 0.3, 50, 0.2)


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.3), (0.4, 0.8), (0.15, 0.7)])
def test_half_the_trace_is_stable_at_every_size_and_batch_size(alpha, beta):
    """gamma = 1 / (2 Tr D), far below 2 B / Tr D; at the sharpest spectrum the top rules."""
    for d in (8, 1000, 10**9):
        problem = family(alpha, beta, d)
        for B in (1, 1000):
            sgd = half_trace(problem, B)
            assert sgd.B == B
            assert sgd.gamma < 0.9 * threshold(problem, sgd)
    trace = sum(j ** (-2 * alpha) for j in range(1, family(alpha, beta, 8).v + 1))
    assert half_trace(family(alpha, beta, 8)).gamma == pytest.approx(0.5 / trace, rel=1e-9)
