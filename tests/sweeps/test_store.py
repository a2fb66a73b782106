"""A finished cell is on the disk, whole, whatever happens to whom."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from solvable.sweeps.store import Store, pack, unpack

ARRAYS = {
    "excess": np.array([[0.1, np.nan, np.inf], [1e-300, -0.0, 3.0]]),
    "step": np.array([0, 1, 10**15]),
    "at_edge": np.array([True, False]),
    "error": np.asarray(1e-12),
    "origin": np.asarray("cpu, jax"),
}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cells")


def test_every_bit_returns(store):
    store.write("a", ARRAYS)
    found = store.read("a")
    assert found.keys() == ARRAYS.keys()
    for name, x in ARRAYS.items():
        assert found[name].dtype == x.dtype
        np.testing.assert_array_equal(found[name], x)


def test_a_missing_folder_is_an_empty_store(store):
    assert store.names() == set()
    assert store.read("a") is None
    assert store.missing(["a", "b"]) == ["a", "b"]


def test_any_changed_byte_is_seen():
    content = pack("a", ARRAYS)
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1
        assert unpack("a", bytes(damaged)) is None


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 100, -1])
def test_a_cut_file_is_seen(size):
    assert unpack("a", pack("a", ARRAYS)[:size]) is None


def test_a_cell_under_another_name_is_none(store):
    """A copy is whole, but its numbers are another cell's."""
    store.write("a", ARRAYS)
    store.path("b").write_bytes(store.path("a").read_bytes())
    assert store.read("b") is None and store.missing("ab") == ["b"]


def test_damaged_cells_are_missing(store):
    for name in "abc":
        store.write(name, ARRAYS)
    store.path("b").write_bytes(store.path("b").read_bytes()[:-1])
    assert store.missing("abcd") == ["b", "d"]
    store.write("b", ARRAYS)
    assert store.missing("abc") == []


def test_files_of_writers_at_work_are_no_cells(store):
    store.write("a", ARRAYS)
    (store.folder / ".b.cell.0123.cell").write_bytes(b"half")
    (store.folder / "notes.txt").write_text("mine")
    assert store.names() == {"a"}


def test_what_killed_writers_left_is_swept_up_once_it_is_old(store):
    store.write("a", ARRAYS)
    hour = 3600
    for name, age in (("old", 2 * hour), ("new", hour / 2), ("future", -hour)):
        for path in (store.folder / f".{name}.cell.{'0123abcd' * 2}.cell",
                     store.folder.parent / f".{name}.json.{'0123abcd' * 2}.json"):  # fmt: skip
            path.write_bytes(b"half")
            when = time.time() - age
            os.utime(path, (when, when))
    (store.folder / ".mine.cell").write_text("no leftover")
    os.utime(store.folder / ".mine.cell", (0, 0))
    store.sweep_up()
    hidden = sorted(path.name.split(".")[1] for path in store.folder.iterdir())
    assert hidden == ["cell", "future", "mine", "new"]
    assert len(list(store.folder.parent.glob(".*.json"))) == 2


def test_a_full_disk_leaves_what_was_there(store, monkeypatch):
    store.write("a", ARRAYS)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for name in "ab":
        with pytest.raises(OSError, match="No space left"):
            store.write(name, {"excess": np.zeros(3)})
    assert [path.name for path in store.folder.iterdir()] == ["a.cell"]
    np.testing.assert_array_equal(store.read("a")["step"], ARRAYS["step"])


def test_the_clock_may_jump(store, monkeypatch):
    for now in (0.0, -1e9, 1e11):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        store.write(f"{now}", ARRAYS)
        assert store.missing([f"{now}"]) == []
    os.utime(store.path("0.0"), (0, 0))
    assert store.missing(["0.0"]) == []


WRITER = """
import itertools, sys
import numpy as np
from solvable.sweeps.store import Store
store = Store(sys.argv[1])
for k in itertools.count():
    store.write(f"{k:06d}", {"x": np.full(20_000, k)})
    print(k, flush=True)
"""


@pytest.mark.parametrize(
    "delay", [0.003, *(pytest.param(x, marks=pytest.mark.slow) for x in (0.0, 0.01))]
)
def test_a_killed_writer_leaves_whole_files_and_all_it_reported(store, delay):
    command = [sys.executable, "-c", WRITER, str(store.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        reported = [process.stdout.readline() for _ in range(20)]
        time.sleep(delay)
        process.kill()
        reported += process.stdout.read().splitlines()
    names = {f"{int(k):06d}" for k in reported}
    assert names <= store.names()
    assert store.missing(store.names()) == []
