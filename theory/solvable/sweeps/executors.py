"""Where the cells of a sweep are computed: this process, its cores, Dask, SLURM through Dask."""

import contextlib
import multiprocessing
import os
from collections.abc import Generator
from concurrent.futures import Executor, ProcessPoolExecutor

from solvable.util.checks import check_count
from solvable.util.errors import requirement

ENGINES = ("here", "processes", "dask", "slurm")


@contextlib.contextmanager
def executor(engine: str, workers: int | None = None) -> Generator[Executor | None]:
    """The executor of an engine, shut down at the end.

    Args:
        engine: ``here``, this process, which is None; ``processes``, several of this machine;
            ``dask``, the same but replaced when they die; or ``slurm``, jobs that Dask submits
            as the ``jobqueue`` part of its own configuration says.
        workers: Processes or jobs, by default one per core.

    Raises:
        ValueError: If the engine is unknown, or ``workers`` no positive whole number.
        ImportError: If Dask is not installed.
    """
    if engine not in ENGINES:
        raise requirement("engine", f"be one of {', '.join(ENGINES)}", engine)
    if workers is not None:
        check_count("workers", workers)
        if engine == "here":
            raise requirement("workers", "be given with another engine than 'here'", workers)
    count = int(workers or _cores())
    if engine == "here":
        yield None
    elif engine == "processes":
        # A forked process hangs at its first call of JAX.
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
            yield pool
    else:
        with _cluster(engine, count) as cluster, _distributed().Client(cluster) as client:
            yield client.get_executor(pure=False, retries=3)


def _cores() -> int:
    """The cores this process may use, which in a job are fewer than those of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _distributed():
    try:
        import distributed
    except ImportError as error:
        raise ImportError(
            "Dask is not installed: pip install 'solvable[cluster]'.", name="distributed"
        ) from error
    return distributed


def _cluster(engine: str, count: int):
    """One thread per worker: the precision of JAX is set for a thread."""
    distributed = _distributed()
    if engine == "dask":
        return distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, dashboard_address=None
        )
    from dask_jobqueue.slurm import SLURMCluster

    cluster = SLURMCluster(cores=1, processes=1)
    cluster.scale(jobs=count)
    return cluster
