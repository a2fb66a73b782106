"""The plane of the two exponents: its phases, their boundaries and names, and your points."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.colors
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from scipy.ndimage import distance_transform_edt

from solvable.asymptotics.phases import BOUNDARIES, NO_POWER_LAW, phase
from solvable.util.checks import check_array
from solvable.util.errors import requirement

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


def boundaries(ax: Axes, **line: Any) -> list[Line2D]:
    """The boundaries between phases, within the present limits of the axes.

    Args:
        ax: Where to draw.
        line: Properties of the lines.
    """
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
    """Name of the phase at each point of a grid, shape (alpha, beta).

    Args:
        alpha: Values of the first axis.
        beta: Values of the second.
    """

    def name(a: float, b: float) -> str:
        return phase(a, b).name if 2 * (a + b) > 1 else NO_POWER_LAW

    return np.array([[name(a, b) for b in beta] for a in alpha])


def phase_plane(
    ax: Axes,
    alpha: tuple[float, float] | None = None,
    beta: tuple[float, float] | None = None,
    cells: int = 120,
    points: Sequence[tuple[float, float]] | Mapping[str, tuple[float, float]] = (),
) -> list[Text]:
    """The (alpha, beta) plane coloured by phase, with its boundaries and names, and your points.

    Every cell asks :func:`solvable.phase` at its centre; a name stands where its region is
    widest, and out of the way of the points.

    Args:
        ax: Where to draw.
        alpha: From where to where; by default from 0 to 1.2, or as far as the points go.
        beta: The same of the other axis.
        cells: Along each axis.
        points: Points (alpha, beta) to be marked, or a mapping from their labels to them.

    Returns:
        The names.

    Raises:
        ValueError: If a point lies outside the limits that are given.
    """
    marked = _points(points)
    sides = [
        _side(*side) for side in (("alpha", alpha, marked[:, 0]), ("beta", beta, marked[:, 1]))
    ]
    edges = [np.linspace(*side, cells + 1) for side in sides]
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
        if (np.hypot(*(marked - (x, y)).T) < 0.12).any():  # out of the way of a point
            y += 0.14 * (1 if y > 0.5 else -1)
        upright = depth.max() > 0.04 * cells
        placed.append(
            ax.text(x, y, name.replace(" law", "\nlaw"),
                    rotation=-45 if name == NO_POWER_LAW else 0 if upright else 90,
                    fontsize=7 + upright, ha="center", va="center_baseline", rotation_mode="anchor")
        )  # fmt: skip
    ax.plot(*marked.T, "o", color="black", ms=3)
    labels = map(str, points) if isinstance(points, Mapping) else ()
    for label, at in zip(labels, marked, strict=False):
        ax.annotate(label, at, (4, 3), textcoords="offset points", fontsize=7)
    return placed


def _points(
    points: Sequence[tuple[float, float]] | Mapping[str, tuple[float, float]],
) -> np.ndarray:
    """Points (alpha, beta), shape (k, 2)."""
    given = list(points.values()) if isinstance(points, Mapping) else list(points)
    found = check_array("points", given or np.empty((0, 2)))
    if found.ndim != 2 or found.shape[1] != 2:
        fix = "Such as points=[(1.0, 0.7)] or points={'mine': (1.0, 0.7)}."
        raise requirement("points", "hold pairs (alpha, beta)", given, fix)
    return found


def _side(name: str, side: tuple[float, float] | None, at: np.ndarray) -> tuple[float, float]:
    """The limits of an axis: those given, or those that show every point."""
    if side is None:
        return float(min([0.0, *(at - 0.1)])), float(max([1.2, *(at + 0.1)]))
    outside = (at < side[0]) | (at > side[1])
    if outside.any():
        value = float(at[int(np.argmax(outside))])
        fix = f"Leave out {name}, and the plane reaches all points."
        raise requirement("points", f"lie between the limits {side} of {name}", value, fix)
    return side
