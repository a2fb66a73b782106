"""``solvable verify``: the ladder, or random configurations, from computation to exit code."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from solvable.cli.arguments import Count, Flag, Seed
from solvable.cli.output import FAILED, check_file, save, show, show_json, table


def verify(
    *,
    quick: Flag = False,
    everything: Annotated[Flag, Parameter(name="--all")] = False,
    random: Count | None = None,
    seed: Seed = 0,
    figure: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> int:
    """Climb from simulation to exponents, one table per rung; exit code 1 if one fails.

    Args:
        quick: Under 30 seconds, and less sharp.
        everything: Also the other training rules: schedules, momentum, averages, mixtures.
        random: Instead, simulate as many random configurations, and test their p-values.
        seed: Seed of the random key.
        figure: By default solvable_verify.png, which is replaced.
        force: Replace the figure if it exists.
        json: Print JSON, alone, on stdout.
    """
    path = figure or Path("solvable_verify.png")
    check_file("--figure", path, (".png", ".pdf", ".svg"), force or figure is None)
    if random is not None:
        if quick or everything:
            raise ValueError("Give --random N without --quick and --all.")
        return _check_random(random, seed, path, json)
    from solvable import plot
    from solvable.util.files import write_whole
    from solvable.verify import climb

    def report(check: Any) -> None:
        title = f"{check.name}  {check.title}: {'passed' if check.passed else 'FAILED'}"
        rows = [(*row, holds) for row, holds in zip(check.rows, check.holds, strict=True)]
        show(title, table((*check.columns, "holds"), rows), check.note)
        if check.slow:
            slow = {name: check.series[name] for name in ("flops", *check.slow)}
            by_budget = table(slow, [*zip(*slow.values(), strict=True)])
            show("Slow convergence: slopes by budget", by_budget)

    found = climb(quick=quick, everything=everything, seed=seed, report=None if json else report)
    if json:
        show_json(found.to_dict())
    else:
        failed = ", ".join(rung.name for rung in found.rungs if not rung.passed)
        show(f"FAILED: {failed}." if failed else "All rungs passed.")
    with plot.style():
        picture = plot.verification(found)
        status = save(path, lambda path: write_whole(path, picture.savefig))
    return status if found.passed else FAILED


def _check_random(count: int, seed: int, path: Path, json: bool) -> int:
    """Check ``count`` random configurations, print by phase, and draw their p-values."""
    from solvable import plot
    from solvable.util.checks import check_count
    from solvable.util.files import write_whole
    from solvable.verify import check_random

    check_count("random", count)
    found = check_random(count, seed, progress=sys.stderr.isatty())
    if json:
        show_json(found.to_dict())
    else:
        columns = ("configurations", "KS p", "smallest p", "failures")
        for part, parts in (
            ("phase", found.phases | {"all": found.overall}),
            ("kind", found.kinds),
        ):
            rows = [(name, *row) for name, row in parts.items()]
            show(f"Simulation against exact expectation, by {part}", table((part, *columns), rows))
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
