"""The commands ``solvable sweep``: estimate, run, status, collect."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App

from solvable.cli.arguments import Count, Flag, typed
from solvable.cli.output import FAILED, INTERRUPTED, say, show, show_json

app = App(name="sweep", help="Many configurations, from a file; resumed by running it again.")


def _shard(text: str) -> tuple[int, int]:
    try:
        part, parts = map(int, text.split("/"))
    except ValueError:
        raise ValueError(f"{text!r} is no shard such as 3/16, the first being 0/16.") from None
    return part, parts


Shard = Annotated[Any, typed(_shard, "I/N")]


@app.command
def estimate(file: Path) -> None:
    """Cells, time, memory and disk, from a short calibration; and what to cut.

    Args:
        file: The sweep, a TOML file.
    """
    from solvable.sweeps import sweep

    show(str(sweep.estimate(sweep.read(file))))


@app.command
def run(
    file: Path,
    *,
    out: Path,
    shard: Shard = (0, 1),
    engine: Literal["here", "processes", "dask", "slurm"] = "here",
    workers: Count | None = None,
    extend: Flag = False,
    json: Flag = False,
) -> int:
    """Compute what is missing. Stopped in any way, it goes on when run again.

    Args:
        file: The sweep, a TOML file.
        out: Folder of its cells, made if it is not there. Several runners may share it.
        shard: The i-th of n parts, from 0: for array jobs.
        engine: This process and its devices; processes of this machine; Dask; SLURM by Dask.
        workers: Processes or jobs, by default one per core.
        extend: Let the folder of another sweep become this one's, and keep what they share.
        json: Print JSON, alone, on stdout.
    """
    from solvable.sweeps import sweep
    from solvable.sweeps.executors import executor

    plan = sweep.read(file)
    options: dict[str, Any] = dict(shard=shard, extend=extend, progress=sys.stderr.isatty())
    with executor(engine, workers) as pool:
        status = sweep.run(plan, out, executor=pool, **options)
    return _report(status, out, json, whole=shard == (0, 1))


@app.command
def status(folder: Path, *, json: Flag = False) -> int:
    """How far a sweep is; it may be running.

    Args:
        folder: Where its cells are.
        json: Print JSON, alone, on stdout.
    """
    from solvable.sweeps import sweep

    return _report(sweep.status(folder), folder, json)


def _report(status: Any, folder: Path, json: bool, whole: bool = True) -> int:
    if json:
        show_json(vars(status))
    else:
        show(str(status))
        if whole and status.done == status.cells:
            show(f"All of them as one dataset: solvable sweep collect {folder}")
    if status.interrupted:
        return say("Interrupted: run it again to go on.", INTERRUPTED)
    return FAILED if status.failed else 0


@app.command
def collect(folder: Path) -> int:
    """All cells as one dataset, sweep.nc in the folder, which any reader of netCDF opens.

    Args:
        folder: Where the cells are.
    """
    from solvable.sweeps import sweep

    data = sweep.collect(folder)
    show(str(data))
    missing, cells = data.attrs["missing"], data.attrs["cells"]
    counts = f"; {missing} of {cells} cells are missing: run the sweep again" if missing else ""
    if unstable := data.attrs["unstable"]:
        counts += f"; {unstable} cells are NaN: their learning rates are above the threshold"
    say(f"Saved {folder / 'sweep.nc'}{counts}.")
    return FAILED if missing else 0
