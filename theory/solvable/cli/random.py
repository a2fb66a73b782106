"""``solvable verify --random N``: random configurations, from computation to exit code."""

import sys
from pathlib import Path

from solvable.cli.output import FAILED, save, show, show_json, table


def check_random(count: int, seed: int, path: Path, json: bool) -> int:
    """Check ``count`` random configurations, print by phase, and draw their p-values."""
    from solvable import plot
    from solvable.util.checks import check_count
    from solvable.util.files import write_whole
    from solvable.verify.random_check import check_random

    check_count("random", count)
    found = check_random(count, seed, progress=sys.stderr.isatty())
    if json:
        show_json(found.to_dict())
    else:
        rows = [(name, *row) for name, row in (found.phases | {"all": found.overall}).items()]
        columns = ("phase", "configurations", "KS p", "smallest p", "failures")
        show("Simulation against exact expectation", table(columns, rows))
        again = [(t.z, t.p_value, t.again, t.failed, t.command) for t in found.suspects]
        if again:
            columns = ("z", "p", "fresh p", "failed", "command")
            show("Made again, with fresh samples", table(columns, again))
        show(found.verdict)
    with plot.style():
        picture, axes = plot.panels()
        plot.uniformity(axes[0, 0], found.p_values)
        status = save(path, lambda path: write_whole(path, picture.savefig))
    return status if found.passed else FAILED
