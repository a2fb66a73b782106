"""Lines on logarithmic axes: curves, their terms, runs in their band, frontiers, guides."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from scipy.stats import beta as beta_law

from solvable.design.frontiers import Frontier
from solvable.dynamics.curve import Curve
from solvable.simulation.runs import Runs
from solvable.util.errors import requirement
from solvable.util.types import Array

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

    Args:
        ax: Where to draw.
        curve: From ``predict(..., terms=True)``, or on a data set.
        x: As in :func:`curve`.

    Raises:
        ValueError: If the curve has no terms.
    """
    if curve.terms is None:
        raise requirement("curve", "have terms", None, "Take predict(..., terms=True).")
    name, at = _shown(curve, x)
    _logarithmic(ax, name, "risk $P$")
    return parts(ax, at, curve.terms)


def parts(ax: Axes, x: Array, terms: Mapping[str, Array]) -> list[Line2D]:
    """The parts of the risk against x, dashed, where they are positive.

    Args:
        ax: Where to draw.
        x: Horizontal values, shape (k,).
        terms: Values of each part by its name, shape (k,).
    """
    lines = []
    for name in filter(terms.__contains__, TERMS):
        values = terms[name]
        seen = (x > 0) & (values > 0)
        label = name.replace("sgd_noise", "SGD noise")
        lines += ax.plot(x[seen], values[seen], "--", lw=0.9, color=TERMS[name], label=label)
    return lines


def runs(
    ax: Axes, runs: Runs, quantiles: tuple[float, float] = (0.05, 0.95), **line: Any
) -> tuple[Line2D, PolyCollection]:
    """Mean risk of simulated runs along their axis, in a band between two quantiles.

    Args:
        ax: Where to draw.
        runs: From ``simulate``.
        quantiles: The edges of the band.
        line: Properties of the line.
    """
    name, at = _shown(runs, None)
    _logarithmic(ax, name, "risk $P$")
    low, high = (runs.quantile(q) for q in quantiles)
    later = at > 0
    columns = (y[later] for y in (at, runs.mean, low, high))
    return band(ax, *columns, **({"label": f"mean of {runs.seeds} runs"} | line))


def band(
    ax: Axes, x: np.ndarray, middle: np.ndarray, low: np.ndarray, high: np.ndarray, **line: Any
) -> tuple[Line2D, PolyCollection]:
    """A line and the band around it.

    Args:
        ax: Where to draw.
        x: Horizontal values, shape (k,).
        middle: The line.
        low: The lower edge of the band.
        high: The upper edge.
        line: Properties of the line.
    """
    [drawn] = ax.plot(x, middle, **line)
    shade = ax.fill_between(x, low, high, color=drawn.get_color(), alpha=0.25, lw=0)
    return drawn, shade


def frontier(ax: Axes, frontier: Frontier, y: str = "excess", **line: Any) -> Line2D:
    """The compute-optimal frontier: the best excess risk, or with ``y="d"`` the best size.

    Budgets whose optimum is at the edge of the sizes searched are left out.

    Args:
        ax: Where to draw.
        frontier: From ``design.frontier`` or ``design.flow_frontier``.
        y: ``excess`` or ``d``.
        line: Properties of the line.
    """
    inside = ~frontier.at_edge
    _logarithmic(ax, "flops", {"excess": "excess risk", "d": "optimal size $d^*$"}[y])
    return ax.plot(frontier.flops[inside], getattr(frontier, y)[inside], **line)[0]


def guide(ax: Axes, x: np.ndarray, y: float, exponent: float, **line: Any) -> Line2D:
    """A power law that has the value ``y`` at the first ``x``.

    Args:
        ax: Where to draw.
        x: Horizontal values, shape (k,).
        y: The value at the first of them.
        exponent: Of the power law.
        line: Properties of the line.
    """
    x = np.asarray(x, float)
    line = {"color": "0.35", "ls": ":", "lw": 1.0} | line
    return ax.plot(x, y * (x / x[0]) ** exponent, **line)[0]


def uniformity(ax: Axes, p_values: np.ndarray, **line: Any) -> Line2D:
    """Sorted p-values against uniform ones, over the band that holds each in 99 cases of 100.

    Args:
        ax: Where to draw.
        p_values: Of many comparisons, shape (N,).
        line: Properties of the points.
    """
    rank = np.arange(1, p_values.size + 1)
    expected, sides = rank / (rank.size + 1), (rank, rank[::-1])
    ax.fill_between(expected, *beta_law.interval(0.99, *sides), color="0.85", lw=0)
    ax.set(xscale="log", yscale="log", xlabel="uniform quantile", ylabel="sorted $p$-values")
    return ax.plot(expected, np.sort(p_values), ".", **line)[0]
