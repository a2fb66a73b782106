"""Runners, workers and drivers are killed at random moments; a sweep survives them all.

No finished cell is lost or computed again, no file is half-written, and the numbers are, bit for
bit, those of a run that was left alone.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from solvable.sweeps import sweep
from solvable.sweeps.store import Store
from tests.sweeps.small import TINY, changed

PLAN = changed(changed(TINY, "problem.noise", [0.0, 0.1, 0.2]), "run.seeds", 64)
"""42 cells, one in a call; here a call is delayed, so that there is a middle to be killed in."""

FEATURES = changed(PLAN, "problem.d", 4)
"""The same with features, of which every seed draws its own: that takes workers a while."""

RUN = """
import json, sys, time
from solvable.sweeps import sweep
from solvable.sweeps.executors import executor
compute = sweep.compute
sweep.compute = lambda *cells: time.sleep(0.02) or compute(*cells)
if __name__ == "__main__":
    plan = sweep.read(json.loads(sys.argv[1]))
    with executor(sys.argv[3], None if sys.argv[3] == "here" else 2) as pool:
        print(sweep.run(plan, sys.argv[2], executor=pool))
"""


def whole(plan: dict, folder: Path) -> dict[str, bytes]:
    """The cells of a run that was left alone."""
    cells = sweep.read(plan)
    assert sweep.run(cells, folder).done == len(cells.cells)
    return contents(folder)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return whole(PLAN, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def expected_features(tmp_path_factory):
    return whole(FEATURES, tmp_path_factory.mktemp("features"))


def contents(folder: Path) -> dict[str, bytes]:
    """The finished cells, to the last byte."""
    store = Store(folder / "cells")
    return {name: store.path(name).read_bytes() for name in store.names()}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Which file a cell is, and when it was written."""
    store = Store(folder / "cells")
    found = {name: store.path(name).stat() for name in store.names()}
    return {name: (x.st_ino, x.st_mtime_ns) for name, x in found.items()}


def start(folder: Path, engine: str) -> subprocess.Popen:
    plan = PLAN if engine == "here" else FEATURES
    script = folder.parent / f"{folder.name}.py"
    script.write_text(RUN)
    command = [sys.executable, str(script), json.dumps(plan), str(folder), engine]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def wait_for_cells(folder: Path, more_than: int, process: subprocess.Popen) -> None:
    store = Store(folder / "cells")
    while len(store.names()) <= more_than and process.poll() is None:
        time.sleep(0.002)


def kill_while_it_writes(folder: Path, engine: str, rng: np.random.Generator) -> None:
    """SIGKILL of the process and its children, some moment after a new cell has appeared."""
    before = stamps(folder)
    process = start(folder, engine)
    wait_for_cells(folder, len(before), process)
    time.sleep(rng.uniform(0, 0.05))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    after = stamps(folder)
    assert {name: after[name] for name in before} == before  # none lost, none computed again
    store = Store(folder / "cells")
    assert all(store.read(name) is not None for name in after)  # all whole


@pytest.mark.parametrize("kills", [1, pytest.param(36, marks=pytest.mark.slow)])
def test_the_runner_is_killed(tmp_path, expected, kills):
    rng, folder, killed = np.random.default_rng(kills), tmp_path / "sweep", 0
    while killed < kills:
        kill_while_it_writes(folder, "here", rng)
        killed += 1
        if len(stamps(folder)) == len(expected):  # on to another folder
            assert contents(folder) == expected
            folder = tmp_path / f"sweep{killed}"
    assert sweep.run(sweep.read(PLAN), folder).done == len(expected)
    assert contents(folder) == expected


def test_an_interrupt_ends_it_in_order(tmp_path, expected):
    folder = tmp_path / "sweep"
    process = start(folder, "here")
    wait_for_cells(folder, 2, process)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=100)
    done = len(stamps(folder))
    assert out == f"{done} of {len(expected)} cells done\ninterrupted\n"
    assert 2 < done < len(expected) and process.returncode == 0


def children(pid: int) -> list[int]:
    """Of a process, and theirs."""
    found = []
    for path in Path("/proc").glob(f"{pid}/task/*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *children(child)]
    return found


def workers(pid: int) -> list[int]:
    """The children that have loaded JAX."""
    loaded = lambda child: "xla" in Path(f"/proc/{child}/maps").read_text()
    return [child for child in children(pid) if loaded(child)]


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 8])
def test_a_worker_of_dask_is_killed_and_replaced(tmp_path, expected_features, kills):
    rng, folder = np.random.default_rng(kills), tmp_path / "sweep"
    for _ in range(kills):
        before = stamps(folder)
        process = start(folder, "dask")
        wait_for_cells(folder, len(before), process)
        time.sleep(rng.uniform(0, 0.05))
        os.kill(rng.choice(workers(process.pid)), signal.SIGKILL)
        out, _ = process.communicate(timeout=200)
        assert out == f"{len(expected_features)} of {len(expected_features)} cells done\n"
        assert contents(folder) == expected_features
        assert {name: stamps(folder)[name] for name in before} == before
        for name in rng.permutation(sorted(expected_features))[:30]:  # to do again
            (folder / "cells" / f"{name}.cell").unlink()


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 8])
def test_the_driver_of_dask_is_killed(tmp_path, expected_features, kills):
    rng, folder = np.random.default_rng(kills), tmp_path / "sweep"
    for k in range(kills):
        kill_while_it_writes(folder, "dask", rng)
        if len(stamps(folder)) == len(expected_features):
            folder = tmp_path / f"sweep{k}"
    assert sweep.run(sweep.read(FEATURES), folder).done == len(expected_features)
    assert contents(folder) == expected_features


@pytest.mark.slow
def test_a_process_of_a_pool_is_killed(tmp_path, expected_features):
    """Python's own pool does not survive it: said, and nothing is lost."""
    folder = tmp_path / "sweep"
    process = start(folder, "processes")
    wait_for_cells(folder, 0, process)
    os.kill(workers(process.pid)[-1], signal.SIGKILL)
    process.communicate(timeout=200)
    assert process.returncode == 1
    before = stamps(folder)
    assert sweep.run(sweep.read(FEATURES), folder).done == len(expected_features)
    assert contents(folder) == expected_features
    assert {name: stamps(folder)[name] for name in before} == before
