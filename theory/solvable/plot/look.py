"""The look of figures: the style sheet, sizes, and figures that notebooks show."""

import io
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("solvable.mplstyle")
"""The style sheet, for ``matplotlib.style.use``."""

COLUMN = 3.4
"""Width in inches of one column of a paper."""
PAGE = 7.0
"""Width in inches of two columns."""


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
    """A figure, in inches, and its axes, shape (rows, columns); ``options`` are of ``subplots``.

    Args:
        rows: Number of rows.
        columns: Number of columns.
        width: Of the figure, in inches.
        height: Of the figure, in inches.
        options: Of ``matplotlib``'s ``subplots``.
    """
    fig = Picture(figsize=(width, height))
    return fig, fig.subplots(rows, columns, squeeze=False, **options)


def sequence(count: int) -> np.ndarray:
    """Colours of an ordered family, dark to light, shape (count, 4): readable in grey too.

    Args:
        count: Number of colours.
    """
    return matplotlib.colormaps["viridis"](np.linspace(0, 0.9, count))
