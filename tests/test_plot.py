"""Pictures say what the results say; the look comes from one file."""

from collections.abc import Iterator

import jax
import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from solvable import SGD, GradientFlow, PowerLaw, phase, plot, predict, simulate
from solvable.asymptotics.phases import NO_POWER_LAW
from solvable.design import frontier

PROBLEM = PowerLaw(alpha=1.0, beta=0.7, v=64, d=16)
RATE = SGD(0.2, B=8)


@pytest.fixture
def ax() -> Iterator:
    with plot.style():
        _, axes = plot.panels()
        yield axes[0, 0]


def test_style_is_applied_and_undone() -> None:
    before = matplotlib.rcParams["font.size"], matplotlib.rcParams["savefig.dpi"]
    with plot.style():
        assert matplotlib.rcParams["savefig.dpi"] == 200
        assert matplotlib.rcParams["axes.prop_cycle"].by_key()["color"][0] == "#0072B2"
        sizes = ("font.size", "xtick.labelsize", "legend.fontsize", "axes.labelsize")
        assert min(matplotlib.rcParams[name] for name in sizes) >= 7
    assert before == (matplotlib.rcParams["font.size"], matplotlib.rcParams["savefig.dpi"])


def test_plane_has_the_colour_of_the_phase_everywhere(ax) -> None:
    names = plot.phase_plane(ax, alpha=(0.0, 1.2), beta=(0.0, 1.0), cells=60)
    colours = ax.collections[0].get_array()  # rows are beta
    for a, b in [
        (1.0, 0.3),
        (0.4, 0.4),
        (0.2, 0.7),
        (1.0, 0.7),
        (0.7, 0.9),
        (0.4, 0.8),
        (0.27, 0.7),
    ]:
        found = colours[int(b / 1.0 * 60), int(a / 1.2 * 60)]
        assert tuple(found) == to_rgb(plot.PHASES[phase(a, b).name]), (a, b)
    assert tuple(colours[0, 0]) == to_rgb(plot.PHASES[NO_POWER_LAW])
    shown = [text.get_text().replace("\n", " ") for text in names]
    assert sorted(shown) == sorted(plot.PHASES)
    for text, name in zip(names, shown, strict=True):
        a, b = text.get_position()
        here = phase(a, b).name if a + b > 0.5 else NO_POWER_LAW
        assert name == here, "a name stands outside its region"


def test_colours_of_phases_and_terms_differ() -> None:
    """Those of the terms on fresh samples, and those on a data set."""
    terms = list(plot.TERMS.values())
    for colours in (list(plot.PHASES.values()), terms[:4], terms[4:]):
        assert len(set(colours)) == len(colours)


def test_curve_draws_the_risk_and_its_terms(ax) -> None:
    curve = predict(PROBLEM, RATE, [0, 1, 10, 100], terms=True)
    [line] = plot.curve(ax, curve)
    np.testing.assert_array_equal(line.get_xydata(), np.c_[curve.step, curve.risk][1:])
    assert line.get_label() == "deterministic equivalent"
    assert ax.get_xscale() == ax.get_yscale() == "log"
    lines = plot.terms(ax, curve)
    assert [x.get_label() for x in lines] == ["capacity", "population", "distortion", "SGD noise"]
    assert all((x.get_ydata() > 0).all() for x in lines)


def test_terms_are_asked_for(ax) -> None:
    with pytest.raises(ValueError, match="`curve` must have terms, but is None"):
        plot.terms(ax, predict(PROBLEM, RATE, 10))


def test_curve_over_compute(ax) -> None:
    curve = predict(PROBLEM, RATE, [1, 10])
    np.testing.assert_array_equal(plot.curve(ax, curve, x="flops")[0].get_xdata(), curve.flops)


def test_runs_are_a_mean_within_a_band(ax) -> None:
    runs = simulate(jax.random.key(0), PROBLEM, RATE, [0, 1, 5, 20], seeds=6)
    line, shade = plot.runs(ax, runs, quantiles=(0.0, 1.0))
    np.testing.assert_array_equal(line.get_ydata(), runs.mean[1:])
    corners = shade.get_paths()[0].vertices[:, 1]
    assert corners.min() == runs.risk[:, 1:].min()
    assert corners.max() == runs.risk[:, 1:].max()
    assert line.get_label() == "mean of 6 runs"


def test_frontier_leaves_out_the_edge(ax) -> None:
    family = lambda d: PowerLaw(alpha=1.0, beta=0.7, v=100 * d, d=d)
    best = frontier(family, lambda _: SGD(0.3), [1e6, 1e9, 1e15], sizes=(8, 10**5))
    assert best.at_edge.tolist() == [False, False, True]
    for name in ("excess", "d"):
        line = plot.frontier(ax, best, y=name)
        np.testing.assert_array_equal(line.get_ydata(), getattr(best, name)[:2])


def test_guide_has_its_exponent(ax) -> None:
    x, y = plot.guide(ax, [10.0, 1000.0], y=2.0, exponent=-0.5).get_data()
    assert y[0] == 2.0
    assert np.diff(np.log(y)) / np.diff(np.log(x)) == pytest.approx(-0.5)


def test_boundaries_keep_the_limits(ax) -> None:
    ax.axis((0.0, 1.0, 0.2, 0.9))
    plot.boundaries(ax)
    assert ax.axis() == (0.0, 1.0, 0.2, 0.9)


def test_full_batches_are_two_lines(ax) -> None:
    problem = PowerLaw(alpha=0.75, beta=0.25, v=64, d=20, noise=0.1)
    curve = predict(problem, GradientFlow(), [0.0, 1.0, 10.0, 1e6], n=10)
    test, training = plot.curve(ax, curve)
    np.testing.assert_array_equal(test.get_xdata(), [1.0, 10.0, 1e6])
    np.testing.assert_allclose(test.get_ydata(), curve.risk[1:])
    np.testing.assert_array_equal(training.get_xdata(), [1.0, 10.0])  # then all is fitted
    assert len(plot.curve(ax, predict(problem, GradientFlow(), [1.0], n=10, bags=2))) == 1


def test_uniform_p_values_are_on_the_diagonal_within_their_band(ax) -> None:
    p = np.arange(1, 100) / 100
    line = plot.uniformity(ax, p[::-1])
    np.testing.assert_allclose(line.get_ydata(), line.get_xdata())
    [band] = ax.collections
    outline = band.get_paths()[0]
    assert outline.contains_points(np.c_[p, p])[1:-1].all()
    assert not outline.contains_points(np.c_[p, p**2])[20:80].any()


class TestPointsOfThePlane:
    def test_the_plane_reaches_points_beyond_its_limits(self, ax) -> None:
        names = plot.phase_plane(ax, cells=24, points={"far": (1.6, -0.3), "near": (1.0, 0.7)})
        assert ax.get_xlim() == pytest.approx((0, 1.7))
        assert ax.get_ylim() == pytest.approx((-0.4, 1.2))
        assert ax.lines[-1].get_xydata().tolist() == [[1.6, -0.3], [1.0, 0.7]]
        assert [text.get_text() for text in ax.texts[-2:]] == ["far", "near"]
        assert len(names) == len(ax.texts) - 2

    def test_limits_that_are_given_stand(self, ax) -> None:
        with pytest.raises(ValueError, match=r"`points` must lie .* \(0, 1\) of alpha.*is 1\.5"):
            plot.phase_plane(ax, alpha=(0, 1), points=[(1.5, 0.3)])

    @pytest.mark.parametrize("points", [[(1.0, 0.2, 0.3)], [1.0], {"a": (1.0,)}])
    def test_points_are_pairs(self, ax, points) -> None:
        with pytest.raises(ValueError, match=r"`points` must hold pairs \(alpha, beta\)"):
            plot.phase_plane(ax, points=points)
