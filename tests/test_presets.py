"""The points that stand for the phases are in them, and their rule is stable."""

import pytest

from solvable import POINTS, PUBLISHED, frontier, max_learning_rate, phase
from solvable.verify.presets import family, half_trace

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


def test_published_rough_targets_begin_where_the_phases_do():
    first, *others = PUBLISHED["negative beta"]
    with pytest.raises(ValueError, match="alpha"):
        phase(*first)
    assert {phase(*point).name for point in others} == {"Ia"}


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
            assert sgd.gamma < 0.9 * max_learning_rate(problem, B)
    trace = sum(j ** (-2 * alpha) for j in range(1, family(alpha, beta, 8).v + 1))
    assert half_trace(family(alpha, beta, 8)).gamma == pytest.approx(0.5 / trace, rel=1e-9)
