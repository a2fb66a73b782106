"""Pictures of results: small functions, each of which adds one thing to the axes it is given.

Wrap them in :func:`style` for the look of the project's figures::

    with plot.style():
        fig, axes = plot.panels()
        plot.curve(axes[0, 0], predict(problem, sgd, 10**6))
        fig.savefig("curve.png")

This is the only module of the package that imports matplotlib.
"""

import io
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.colors
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text
from scipy.ndimage import distance_transform_edt
from scipy.stats import beta as beta_law

from solvable.asymptotics.phases import BOUNDARIES, NO_POWER_LAW, phase
from solvable.design.frontiers import Frontier
from solvable.dynamics.curve import Curve
from solvable.simulation.runs import Runs
from solvable.util.errors import requirement
from solvable.util.types import Array
from solvable.verify.ladder import Verification

STYLE = Path(__file__).with_name("solvable.mplstyle")
"""The style sheet, for ``matplotlib.style.use``."""

COLUMN, PAGE = 3.4, 7.0
"""Width in inches of one column of a paper, and of two."""

PHASES = {
    "Ia": "#77AADD",
    "Ib": "#99DDFF",
    "Ic": "#44BB99",
    "II": "#BBCC33",
    "III": "#EEDD88",
    "IVa": "#EE8866",
    "IVb": "#FFAABB",
    NO_POWER_LAW: "#FFFFFF",
}
"""Colours of the phases: Paul Tol's light scheme, made for black text on it."""

TERMS = {
    "capacity": "#009E73",
    "population": "#CC79A7",
    "distortion": "#E69F00",
    "sgd_noise": "#56B4E9",
    "bias": "#009E73",
    "features": "#E69F00",
    "data": "#CC79A7",
    "noise": "#56B4E9",
}
"""Colours of the terms of the risk, on fresh samples and on a data set."""

AXES = {
    "step": "step $t$",
    "time": "time $t$",
    "ridge": "ridge",
    "flops": "compute $f = d\\,B\\,t$ (features × samples)",
}
"""Labels of the horizontal axes, with units."""

NOTES = {"direct": "", "extrapolated": "†", "finite sums": "‡"}
"""Marks of how a slope was compared with its exponent."""


@contextmanager
def style() -> Generator[None]:
    """The look of the project's figures, for drawing *and* saving within the context."""
    with matplotlib.style.context(STYLE):
        yield


class Picture(Figure):
    """A figure that needs no display, and that notebooks show where it is the last line."""

    def _repr_png_(self) -> bytes:
        with style():
            self.savefig(buffer := io.BytesIO(), format="png")
        return buffer.getvalue()


def panels(
    rows: int = 1, columns: int = 1, width: float = COLUMN, height: float = 2.6, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A figure, in inches, and its axes, shape (rows, columns); ``options`` are of ``subplots``."""
    fig = Picture(figsize=(width, height))
    return fig, fig.subplots(rows, columns, squeeze=False, **options)


def _logarithmic(ax: Axes, x: str, y: str) -> None:
    ax.set(xscale="log", yscale="log", xlabel=AXES[x], ylabel=y)


def _shown(curve: Curve | Runs, x: str | None) -> tuple[str, np.ndarray]:
    """What the horizontal axis is, and the values on it; those that are zero have no place."""
    name = x or curve.axis
    return name, np.asarray(getattr(curve, name), float)


def curve(ax: Axes, curve: Curve, x: str | None = None, **line: Any) -> list[Line2D]:
    """Risk, label noise included, on logarithmic axes, and dashed the training error if there is
    one. What is at zero on the axis has no place; training errors below 10^-14 of the first risk
    are rounding, and are left out.

    Args:
        ax: Where to draw.
        curve: From ``predict`` or ``expect``; its rung is the label.
        x: ``flops``, or the axis of the curve itself, which is the default.
        line: Properties of the line.

    Returns:
        The line, and that of the training error.
    """
    name, at = _shown(curve, x)
    later = at > 0
    _logarithmic(ax, name, "risk $P$")
    line = {"label": str(curve.rung) if curve.train is None else "test"} | line
    lines = ax.plot(at[later], curve.risk[later], **line)
    if curve.train is not None:
        seen = later & (curve.train > 1e-14 * curve.risk[0])
        dashed: Any = {"ls": "--", "color": lines[0].get_color(), "label": "training"}
        lines += ax.plot(at[seen], curve.train[seen], **dashed)
    return lines


def terms(ax: Axes, curve: Curve, x: str | None = None) -> list[Line2D]:
    """The parts of the excess risk of a curve that has them, dashed.

    Raises:
        ValueError: If the curve has no terms.
    """
    if curve.terms is None:
        raise requirement("curve", "have terms", None, "Take predict(..., terms=True).")
    name, at = _shown(curve, x)
    _logarithmic(ax, name, "risk $P$")
    return parts(ax, at, curve.terms)


def parts(ax: Axes, x: Array, terms: Mapping[str, Array]) -> list[Line2D]:
    """The parts of the risk against x, dashed, where they are positive."""
    lines = []
    for name, values in terms.items():
        seen = (x > 0) & (values > 0)
        label = name.replace("sgd_noise", "SGD noise")
        lines += ax.plot(x[seen], values[seen], "--", lw=0.9, color=TERMS[name], label=label)
    return lines


def runs(
    ax: Axes, runs: Runs, quantiles: tuple[float, float] = (0.05, 0.95), **line: Any
) -> tuple[Line2D, PolyCollection]:
    """Mean risk of simulated runs along their axis, in a band between two quantiles."""
    name, at = _shown(runs, None)
    _logarithmic(ax, name, "risk $P$")
    low, high = (runs.quantile(q) for q in quantiles)
    later = at > 0
    columns = (y[later] for y in (at, runs.mean, low, high))
    return band(ax, *columns, **({"label": f"mean of {runs.seeds} runs"} | line))


def band(
    ax: Axes, x: np.ndarray, middle: np.ndarray, low: np.ndarray, high: np.ndarray, **line: Any
) -> tuple[Line2D, PolyCollection]:
    """A line and the band around it."""
    [drawn] = ax.plot(x, middle, **line)
    shade = ax.fill_between(x, low, high, color=drawn.get_color(), alpha=0.25, lw=0)
    return drawn, shade


def frontier(ax: Axes, frontier: Frontier, y: str = "excess", **line: Any) -> Line2D:
    """The compute-optimal frontier: the best excess risk, or with ``y="d"`` the best size.

    Budgets whose optimum is at the edge of the sizes searched are left out.
    """
    inside = ~frontier.at_edge
    _logarithmic(ax, "flops", {"excess": "excess risk", "d": "optimal size $d^*$"}[y])
    return ax.plot(frontier.flops[inside], getattr(frontier, y)[inside], **line)[0]


def guide(ax: Axes, x: np.ndarray, y: float, exponent: float, **line: Any) -> Line2D:
    """A power law that has the value ``y`` at the first ``x``."""
    x = np.asarray(x, float)
    line = {"color": "0.35", "ls": ":", "lw": 1.0} | line
    return ax.plot(x, y * (x / x[0]) ** exponent, **line)[0]


def boundaries(ax: Axes, **line: Any) -> list[Line2D]:
    """The boundaries between phases, within the present limits of the axes."""
    line = {"color": "black", "lw": 0.7, "solid_capstyle": "round"} | line
    limits = ax.axis()
    far = 2 * max(map(abs, limits))
    lines = []
    for segment in BOUNDARIES:
        ends = segment.start, segment.point(min(segment.length, far))
        lines += ax.plot(*zip(*ends, strict=True), **line)
    ax.axis(limits)
    return lines


def phase_names(alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Name of the phase at each point of a grid, shape (alpha, beta)."""

    def name(a: float, b: float) -> str:
        return phase(a, b).name if 2 * (a + b) > 1 else NO_POWER_LAW

    return np.array([[name(a, b) for b in beta] for a in alpha])


def phase_plane(
    ax: Axes,
    alpha: tuple[float, float] = (0.0, 1.2),
    beta: tuple[float, float] = (0.0, 1.2),
    cells: int = 120,
) -> list[Text]:
    """The (alpha, beta) plane coloured by phase, with its boundaries and names.

    Every cell asks :func:`solvable.phase` at its centre; a name stands where its region is
    widest.

    Returns:
        The names.
    """
    edges = [np.linspace(*side, cells + 1) for side in (alpha, beta)]
    middle = [np.round((side[1:] + side[:-1]) / 2, 6) for side in edges]
    names = phase_names(*middle)
    rgb = np.array([[matplotlib.colors.to_rgb(PHASES[name]) for name in row] for row in names])
    ax.pcolormesh(*edges, rgb.transpose(1, 0, 2), rasterized=True)
    ax.set(xlabel=r"capacity exponent $\alpha$", ylabel=r"source exponent $\beta$")
    boundaries(ax)
    placed = []
    for name in np.unique(names):
        depth = distance_transform_edt(np.pad(names == name, 1))[1:-1, 1:-1]
        at = np.argwhere(depth > 0.95 * depth.max())
        x, y = (side[k].mean() for side, k in zip(middle, at.T, strict=True))
        upright = depth.max() > 0.04 * cells
        placed.append(
            ax.text(x, y, name.replace(" law", "\nlaw"),
                    rotation=-45 if name == NO_POWER_LAW else 0 if upright else 90,
                    fontsize=7 + upright, ha="center", va="center_baseline", rotation_mode="anchor")
        )  # fmt: skip
    return placed


def sequence(count: int) -> np.ndarray:
    """Colours of an ordered family, dark to light, shape (count, 4): readable in grey too."""
    return matplotlib.colormaps["viridis"](np.linspace(0, 0.9, count))


def uniformity(ax: Axes, p_values: np.ndarray, **line: Any) -> Line2D:
    """Sorted p-values against uniform ones, over the band that holds each in 99 cases of 100."""
    rank = np.arange(1, p_values.size + 1)
    expected, sides = rank / (rank.size + 1), (rank, rank[::-1])
    ax.fill_between(expected, *beta_law.interval(0.99, *sides), color="0.85", lw=0)
    ax.set(xscale="log", yscale="log", xlabel="uniform quantile", ylabel="sorted $p$-values")
    return ax.plot(expected, np.sort(p_values), ".", **line)[0]


def verification(verification: Verification) -> Figure:
    """The phase plane, and beside it the exponents: predicted, and measured on the frontier."""
    (exponents,) = (rung for rung in verification.rungs if rung.name == "exponents")
    rows = [dict(zip(exponents.columns, row, strict=True)) for row in exponents.rows]
    fig = Picture(figsize=(PAGE, 3.5), layout=ConstrainedLayoutEngine(rect=(0, 0.06, 1, 0.94)))
    plane, side = fig.subplots(1, 2, width_ratios=[1, 1.3])
    points = np.array([(row["alpha"], row["beta"]) for row in rows])
    for name in phase_plane(plane, alpha=(0, 1.5), beta=(0, 1.6)):
        x, y = name.get_position()
        if (np.hypot(*(points - (x, y)).T) < 0.12).any():  # out of the way of a point
            name.set_position((x, y + 0.14 * (1 if y > 0.5 else -1)))
    plane.plot(*points.T, "o", color="black", ms=3)
    place = -np.arange(len(rows))
    side.plot([row["exponent"] for row in rows], place, "o", mfc="none", ms=7, label="predicted")
    side.plot([row["slope"] for row in rows], place, "x", ms=4, label="measured")
    side.set(
        xlabel=r"exponent of the best risk, $d \log P^*\!/\, d \log f$",
        yticks=place,
        yticklabels=[f"{row['phase']}  ({row['alpha']:g}, {row['beta']:g})" for row in rows],
        xlim=(-0.8, 0.5),
        xticks=[-0.8, -0.6, -0.4, -0.2, 0],
    )
    across = side.get_yaxis_transform()
    for x, title, column in [(0.74, "predicted", "exponent"), (0.95, "measured", "slope")]:
        side.text(x, 0.9, title, transform=across, ha="right", va="bottom")
        for row, y in zip(rows, place, strict=True):
            side.text(x, y, f"{row[column]:.4f}", transform=across, ha="right", va="center")
    for row, y in zip(rows, place, strict=True):
        side.text(0.96, y, NOTES[row["method"]], transform=across, va="center")
    side.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0, frameon=False)
    note = "† extrapolated   ‡ held against the slope of the terms with their finite sums"
    fig.text(0.99, 0.02, note, ha="right")
    return fig
