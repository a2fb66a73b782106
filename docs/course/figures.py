"""The figures of the lessons for slides: ``python docs/course/figures.py 04_phases --out slides``.

Runs the lessons, all of them by default, and writes each figure as SVG and as PNG for a projector.
"""

import argparse
import runpy
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

HERE = Path(__file__).parent


def write(lesson: Path, out: Path) -> list[Path]:
    """Run a lesson, and write its figures in the order in which they were made."""
    plt.close("all")
    names = runpy.run_path(str(lesson))
    figures = [plt.figure(number) for number in plt.get_fignums()]
    figures += [x for x in names.values() if isinstance(x, Figure) and x not in figures]
    written = []
    for k, figure in enumerate(figures, 1):
        for end, options in (("svg", {}), ("png", {"dpi": 400})):
            written.append(out / f"{lesson.stem}_{k}.{end}")
            figure.savefig(written[-1], **options)
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = sorted(path.stem for path in HERE.glob("[0-9]*.py"))
    parser.add_argument("lessons", nargs="*", help=f"by default all: {', '.join(every)}")
    parser.add_argument("--out", type=Path, default=Path("slides"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.lessons or every:
        print(*write(HERE / f"{name}.py", arguments.out), sep="\n")
