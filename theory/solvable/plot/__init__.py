"""Pictures of results: small functions, each of which adds one thing to the axes it is given.

Wrap them in :func:`style` for the look of the project's figures::

    with plot.style():
        fig, axes = plot.panels()
        plot.curve(axes[0, 0], predict(problem, rule, 10**6))
        fig.savefig("curve.png")

The end of the name is the kind of the file: ``curve.pdf`` and ``curve.svg`` are vector graphics.
This is the only wing of the package that imports matplotlib.
"""

from typing import TYPE_CHECKING

from solvable.util.lazy import attach

_HOMES = {
    "plot.look": ["COLUMN", "PAGE", "Picture", "STYLE", "panels", "sequence", "style"],
    "plot.lines": [
        "AXES",
        "TERMS",
        "band",
        "curve",
        "frontier",
        "guide",
        "parts",
        "runs",
        "terms",
        "uniformity",
    ],
    "plot.plane": ["PHASES", "boundaries", "phase_names", "phase_plane"],
    "plot.report": ["verification"],
}

if TYPE_CHECKING:
    from solvable.plot.lines import AXES as AXES
    from solvable.plot.lines import TERMS as TERMS
    from solvable.plot.lines import band as band
    from solvable.plot.lines import curve as curve
    from solvable.plot.lines import frontier as frontier
    from solvable.plot.lines import guide as guide
    from solvable.plot.lines import parts as parts
    from solvable.plot.lines import runs as runs
    from solvable.plot.lines import terms as terms
    from solvable.plot.lines import uniformity as uniformity
    from solvable.plot.look import COLUMN as COLUMN
    from solvable.plot.look import PAGE as PAGE
    from solvable.plot.look import STYLE as STYLE
    from solvable.plot.look import Picture as Picture
    from solvable.plot.look import panels as panels
    from solvable.plot.look import sequence as sequence
    from solvable.plot.look import style as style
    from solvable.plot.plane import PHASES as PHASES
    from solvable.plot.plane import boundaries as boundaries
    from solvable.plot.plane import phase_names as phase_names
    from solvable.plot.plane import phase_plane as phase_plane
    from solvable.plot.report import verification as verification
else:
    __getattr__, __dir__, __all__ = attach(__name__, _HOMES)
