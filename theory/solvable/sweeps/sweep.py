"""Sweeps: many configurations, computed once each, whatever happens on the way.

A sweep is a small file (:mod:`solvable.sweeps.file`); its cells are kept one by one in a folder
(:mod:`solvable.sweeps.store`) and computed by whoever is there: this process, its devices, any
executor, or many machines with a shard each. A cell's numbers depend on none of this.

Example:
    >>> import tempfile
    >>> from solvable.sweeps import sweep
    >>> plane = sweep.read({
    ...     "compute": "predict",
    ...     "problem": {"alpha": [0.75, 1.0], "beta": [0.3, 0.7], "d": 100, "ratio": 4},
    ...     "run": {"steps": [0, 100, 10**6]},
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(sweep.run(plane, folder))
    ...     data = sweep.collect(folder)
    4 of 4 cells done
    >>> print([f"{risk:.4g}" for risk in data.excess.sel(alpha=1.0, beta=0.7).values])
    ['1.139', '0.009725', '0.0007366']
"""

import os
import queue
from collections.abc import Generator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from solvable.numerics.linalg import one_blas_thread
from solvable.sweeps import budget as sweep_budget
from solvable.sweeps import folder as sweep_folder
from solvable.sweeps.budget import SweepEstimate
from solvable.sweeps.cell_batches import batches, compute
from solvable.sweeps.cells import Cell, all_cells
from solvable.sweeps.file import File, read_file, read_toml
from solvable.sweeps.store import Store
from solvable.util.errors import requirement, why
from solvable.util.progress import progress_bar

if TYPE_CHECKING:
    import xarray

_WRITERS = 16  # waiting for the disk is most of writing

Failed = dict[str, str]


@dataclass(frozen=True)
class Sweep:
    """A checked file and its cells."""

    source: dict[str, Any]
    """The content of the file."""
    file: File
    cells: tuple[Cell, ...]

    def __str__(self) -> str:
        return f"sweep of {len(self.cells)} cells: {self.file.compute}"


@dataclass(frozen=True)
class Status:
    """How far a sweep is."""

    done: int
    cells: int
    failed: dict[str, str]
    """Cells that could not be computed, by the command that would, with the reason."""
    interrupted: bool = False
    damaged: int = 0
    """Cells whose file has changed; they are not done."""

    def __str__(self) -> str:
        damaged = f", {self.damaged} damaged, to be computed again" if self.damaged else ""
        lines = [f"{self.done} of {self.cells} cells done{damaged}"]
        lines += [f"failed: {command}: {why}" for command, why in self.failed.items()]
        return "\n".join(lines + ["interrupted"] * self.interrupted)


def read(source: str | os.PathLike | dict[str, Any]) -> Sweep:
    """A sweep from a TOML file, or from its content as a dictionary.

    Args:
        source: The path of a file, or its content.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a key is unknown, missing, or has a value of the wrong type or one that
            is no physics; with the path of the key.
    """
    words = source if isinstance(source, dict) else read_toml(source)
    name = "sweep" if isinstance(source, dict) else str(source)
    try:
        return _plan(words)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _plan(words: dict[str, Any], check: bool = True) -> Sweep:
    file = read_file(words)
    return Sweep(words, file, tuple(all_cells(file, check=check)))


def _in_folder(folder: str | os.PathLike) -> Sweep:
    """The sweep of a folder, whose file was checked as it was run: no class of it is imported."""
    return _plan(sweep_folder.source_of(folder), check=False)


def estimate(sweep: Sweep) -> SweepEstimate:
    """Cells, time, memory and disk of a sweep on one device, and what to cut; a few are timed.

    Args:
        sweep: From :func:`read`.
    """
    return sweep_budget.estimate(sweep.cells)


def run(
    sweep: Sweep,
    folder: str | os.PathLike,
    *,
    executor: Executor | None = None,
    shard: tuple[int, int] = (0, 1),
    extend: bool = False,
    progress: bool = False,
) -> Status:
    """Compute the cells that are missing. Interrupted or killed, go on by calling it again.

    Args:
        sweep: From :func:`read`.
        folder: Where the cells are kept; created if it is not there. Several calls, on any number
            of machines, may share it.
        executor: Where batches of cells are computed: anything with the interface of
            ``concurrent.futures``, such as ``client.get_executor()`` of Dask. By default here, on
            all local devices.
        shard: ``(i, n)``: only the i-th of n parts, i = 0, ..., n - 1, for array jobs.
        extend: Let the folder of another sweep become this one's; cells they share are kept.
        progress: Show a bar on stderr, with the time that is left.

    Returns:
        A :class:`Status`; cells that cannot be computed are listed in it, with the reason.

    Raises:
        ValueError: If the folder is of another sweep, or the shard or the executor is no good.
        OSError: If a file cannot be written. What is finished is kept.
        RuntimeError: If the workers of the executor died. What is finished is kept.
    """
    part, parts = _checked_shard(shard)
    _check_executor(executor)
    store = Store(sweep_folder.begin(sweep.source, folder, extend))
    store.sweep_up()
    mine = {cell.name: cell for cell in sweep.cells if int(cell.name, 16) % parts == part}
    absent = store.missing(mine)
    todo = batches([mine[name] for name in absent])
    done, failed, interrupted = len(mine) - sum(map(len, todo)), {}, False
    results = _here(todo, store) if executor is None else _sent(todo, store, executor)
    with progress_bar(progress, len(mine), "cells", "cells", done) as show:
        try:
            for cells, errors in results:
                failed |= errors
                done += len(cells)
                show(done)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            results.close()
    return Status(len(mine) - len(store.missing(absent)), len(mine), failed, interrupted)


def _checked_shard(shard: Any) -> tuple[int, int]:
    try:
        part, parts = map(int, shard)
        if 0 <= part < parts:
            return part, parts
    except (TypeError, ValueError):
        pass
    raise requirement("shard", "be (i, n) with 0 <= i < n", shard)


def _check_executor(executor: Executor | None) -> None:
    context = getattr(executor, "_mp_context", None)
    if isinstance(executor, ProcessPoolExecutor) and context.get_start_method() == "fork":  # ty: ignore
        fix = "Give ProcessPoolExecutor mp_context=multiprocessing.get_context('spawn'). "
        fix += why("how_to/cluster")
        raise requirement("executor", "not fork, after which JAX waits for ever", executor, fix)


def work(
    cells: Sequence[Cell], folder: str | os.PathLike, device: jax.Device | None = None
) -> Failed:
    """Compute the cells of a batch and keep them, but for those that have appeared meanwhile."""
    store = Store(folder)
    cells = [cell for cell in cells if store.read(cell.name) is None]
    if not cells:
        return {}
    try:
        with one_blas_thread:  # the order of sums is that of the threads
            found = list(zip(cells, compute(cells, device), strict=True))
    except Exception as error:  # of one cell: the others go on
        if len(cells) == 1:
            return {cells[0].command: f"{type(error).__name__}: {error}"}
        each = [work([cell], folder, device) for cell in cells]
        return {command: why for failures in each for command, why in failures.items()}
    here = np.asarray(sweep_folder.origin(device if cells[0].compute == "simulate" else None))
    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(lambda pair: store.write(pair[0].name, pair[1] | {"origin": here}), found))
    store.sync()
    return {}


Results = Generator[tuple[list[Cell], Failed]]


def _here(todo: list[list[Cell]], store: Store) -> Results:
    """Results of cells computed in this process, by a thread for each local device."""
    free: queue.SimpleQueue[jax.Device] = queue.SimpleQueue()
    devices = jax.local_devices()
    if len(devices) == 1:
        for cells in todo:
            yield cells, work(cells, store.folder)
        return
    for device in devices:
        free.put(device)

    def on_a_device(cells: list[Cell]) -> Failed:
        device = free.get()
        try:
            return work(cells, store.folder, device)
        finally:
            free.put(device)

    with one_blas_thread, ThreadPoolExecutor(len(devices)) as pool:
        yield from _finished({pool.submit(on_a_device, cells): cells for cells in todo})


def _sent(todo: list[list[Cell]], store: Store, executor: Executor) -> Results:
    """Results of an executor's workers, which write the cells themselves."""
    folder = str(store.folder.absolute())
    yield from _finished({executor.submit(work, cells, folder): cells for cells in todo})


def _finished(futures: dict[Future, list[Cell]]) -> Results:
    try:
        for future in as_completed(futures):
            cells = futures[future]
            try:
                yield cells, future.result()
            except BrokenExecutor as error:
                raise RuntimeError(
                    f"A worker died ({error}). Finished cells are kept: run again to go on."
                ) from error
            except OSError:
                raise
            except Exception as error:  # of a worker: its cells failed, the others go on
                yield cells, {cell.command: f"{type(error).__name__}: {error}" for cell in cells}
    finally:
        for future in futures:
            future.cancel()


def status(folder: str | os.PathLike) -> Status:
    """How far a sweep is; it may be running.

    Args:
        folder: Where it is kept, or a ``FileNotFoundError`` is raised.
    """
    cells = _in_folder(folder).cells
    store = Store(sweep_folder.cells_of(folder))
    absent = store.missing(cell.name for cell in cells)
    damaged = len(store.names().intersection(absent))
    return Status(len(cells) - len(absent), len(cells), {}, damaged=damaged)


def collect(folder: str | os.PathLike) -> "xarray.Dataset":
    """All cells as one dataset, also written to ``sweep.nc`` in the folder.

    A list or a grid of the file is a dimension. Cells that are missing are NaN, and so are those
    whose rate is above the stability threshold; both are counted in the attributes, which also hold
    the configuration, versions, devices, and the state of git.

    Args:
        folder: The folder of a sweep; it may be incomplete.

    Raises:
        FileNotFoundError: If there is no sweep in the folder.
        ValueError: If none of its cells is done.
    """
    sweep = _in_folder(folder)
    return sweep_folder.gathered(sweep.file, sweep.cells, folder)
