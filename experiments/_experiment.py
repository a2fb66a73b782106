"""What every experiment shares: presets in; a picture, its numbers and its configuration out.

python -m experiments.ridge paper                  computes, and writes .npz, .json and .png
python -m experiments.ridge paper --again          draws the numbers that are there once more
python -m experiments.ridge paper --again --kind pdf    the same as vector graphics
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from solvable import plot

FIGURES = Path(__file__).parents[1] / "figures"
"""Written by experiments, read by nobody."""

Data = dict[str, np.ndarray]


def experiment(
    file: str,
    presets: Mapping[str, Any],
    compute: Callable[[Any], Data],
    draw: Callable[[Data], Figure],
) -> Callable[..., None]:
    """The ``main`` of an experiment: it writes ``<name>_<preset>`` as .npz, .json and a picture.

    Args:
        file: ``__file__`` of the experiment, which names it.
        presets: Configurations by name.
        compute: From a configuration to arrays; it plots nothing.
        draw: From these arrays to a figure; it computes nothing.
    """

    def main(
        preset: str, figures: Path = FIGURES, *, again: bool = False, kind: str = "png"
    ) -> None:
        if preset not in presets:
            names = ", ".join(presets)
            raise ValueError(f"Argument `preset` must be one of {names}, but is {preset!r}.")
        config, stem = presets[preset], figures / f"{Path(file).stem}_{preset}"
        if again:
            with np.load(stem.with_suffix(".npz"), allow_pickle=False) as saved:
                data = dict(saved)
        else:
            data = compute(config)
            np.savez_compressed(stem.with_suffix(".npz"), allow_pickle=False, **data)
            stem.with_suffix(".json").write_text(json.dumps(asdict(config), indent=2) + "\n")
        with plot.style():
            draw(data).savefig(stem.with_suffix(f".{kind}"))

    return main


def command(main: Callable[..., None]) -> None:
    """``main`` from the command line: a preset, and where to write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("preset", help="smoke (seconds) or paper (minutes)")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="folder to write to")
    parser.add_argument("--again", action="store_true", help="draw the saved numbers once more")
    parser.add_argument("--kind", default="png", help="png, or pdf and svg for vector graphics")
    arguments = parser.parse_args()
    main(arguments.preset, arguments.figures, again=arguments.again, kind=arguments.kind)
