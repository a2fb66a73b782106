"""The picture of a verification."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from solvable.plot.look import PAGE, Picture
from solvable.plot.plane import phase_plane
from solvable.verify.ladder import Verification

NOTES = {"direct": "", "extrapolated": "†", "finite sums": "‡"}
"""Marks of how a slope was compared with its exponent."""


def verification(verification: Verification) -> Figure:
    """The phase plane, and beside it the exponents: predicted, and measured on the frontier.

    Args:
        verification: From ``verify.climb``.
    """
    (exponents,) = (rung for rung in verification.rungs if rung.name == "exponents")
    rows = [dict(zip(exponents.columns, row, strict=True)) for row in exponents.rows]
    fig = Picture(figsize=(PAGE, 3.5), layout=ConstrainedLayoutEngine(rect=(0, 0.06, 1, 0.94)))
    plane, side = fig.subplots(1, 2, width_ratios=[1, 1.3])
    points = [(row["alpha"], row["beta"]) for row in rows]
    phase_plane(plane, alpha=(0, 1.5), beta=(0, 1.6), points=points)
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
