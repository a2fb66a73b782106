"""Checkpoints of one long run: a folder that belongs to it and to no other.

Orbax writes the arrays, every process its own part, and moves a checkpoint into place once it is
complete. Beside them lies ``run.json``, which says what determines the numbers of the run; other
arguments are refused. So is a folder of anything else, and one in which a run is going on, which
holds the file ``lock``.
"""

import hashlib
import json
import os
import re
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import jax
import numpy as np
from jax.experimental import multihost_utils

from solvable.rules.rule import Rule, coefficients_of
from solvable.util.errors import requirement
from solvable.util.files import write_whole
from solvable.util.steps import log_steps

_LOCK = "lock"


def digest(tree: Any) -> str:
    """A digest of all numbers in a tree, bit by bit.

    Example:
        >>> digest((1.0, np.arange(3))) == digest((1.0, np.arange(3)))
        True
    """
    found = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        if not callable(leaf):
            array = np.ascontiguousarray(leaf)
            found.update(f"{array.dtype}{array.shape}".encode())
            found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()[:16]


def described(value: Any, *more: Any) -> str:
    """How something prints, and the numbers in it."""
    # Where a function lies in memory is no part of a run.
    return f"{re.sub(' at 0x[0-9a-f]+', '', repr(value))} {digest((value, more))}"


def describe(key, problem, rule: Rule, step: np.ndarray, devices, **plain: Any) -> dict[str, str]:
    """All that determines the numbers of a run, by name, in words."""
    # A callable is known by the rates that it gives.
    seen = np.union1d(log_steps(int(step[-1])), step)
    coefficients = coefficients_of(rule, np.maximum(seen, 1) - 1)
    kind = f"{len(devices)} {devices[0].device_kind} in {jax.process_count()} processes"
    return {
        "key": f"{jax.random.key_impl(key)} {np.asarray(jax.random.key_data(key)).tolist()}",
        "problem": described(problem),
        "rule": described(rule, coefficients),
        "steps": f"{step.size} up to {step[-1]} {digest(step)}",
        "devices": kind,
        "versions": f"solvable {version('solvable')}, jax {jax.__version__}",
    } | {name: str(value) for name, value in plain.items()}


def claimed(folder: Path, description: dict[str, str]) -> TextIO:
    """Make the folder that of this run, and hold it until what is returned is closed.

    Raises:
        ValueError: If it belongs to another run, is in use, or holds anything else; the message
            says which. Nothing in it is changed then.
        OSError: If it cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise requirement("checkpoint", "name a folder", str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "run.json"
    others = [x.name for x in folder.iterdir() if not x.name.startswith((_LOCK, ".run.json."))]
    if others and not file.is_file():
        fix = f"It holds {sorted(others)[0]!r}, and no run. Take a new or an empty one."
        raise requirement("checkpoint", "be a folder for this run alone", str(folder), fix)
    lock = locked(folder / _LOCK)
    try:
        if not file.is_file():
            text = json.dumps(description, indent=2)
            write_whole(file, lambda name: Path(name).write_text(text))
        elif (differs := _difference(file, description)) is not None:
            fix = f"Here {differs}. Resume with the arguments of that run, or take another folder."
            raise requirement("checkpoint", "be the folder of this very run", str(folder), fix)
    except BaseException:
        lock.close()
        raise
    return lock


def _difference(file: Path, description: dict[str, str]) -> str | None:
    try:
        stored = dict(json.loads(file.read_text()))
    except (ValueError, TypeError):
        stored = {}
    if stored == description:
        return None
    return "; ".join(
        f"`{name}` is {description.get(name)}, there it is {stored.get(name)}"
        for name in sorted(stored.keys() | description.keys())
        if stored.get(name) != description.get(name)
    )


def locked(path: Path) -> TextIO:
    """An open file that no other process can hold; it is let go of when this one ends, however.

    Where the file system or the operating system has no locks, nothing is held.

    Raises:
        ValueError: If another holds it; the message says who.
    """
    file = path.open("a+")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read() or "another process"
        file.close()
        fix = f"{holder} runs in it. Wait for its end, or take another folder."
        must = "be a folder in which no other run is going on"
        raise requirement("checkpoint", must, str(path.parent), fix) from None
    except (ImportError, OSError):
        pass
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}")
    file.flush()
    return file


class Checkpoints:
    """The last two checkpoints of a run.

    Args:
        folder: Where; made if it does not exist. Every process must see it.
        description: Of the run, as :func:`describe` gives it.

    Raises:
        ImportError: If orbax is not installed.
        ValueError: If the folder is not that of this run alone; the message says why.
    """

    def __init__(self, folder: str | os.PathLike, description: dict[str, str]) -> None:
        try:
            import orbax.checkpoint as orbax
        except ImportError as error:
            message = (
                'Checkpoints are written by orbax. Install it: pip install "solvable[cluster]"'
            )
            raise ImportError(message) from error
        self.folder, self.arguments = Path(folder).absolute(), orbax.args
        self._lock, refused = None, None
        if jax.process_index() == 0:
            try:
                self._lock = claimed(self.folder, description)
            except (OSError, ValueError) as error:
                refused = error
        # The others wait here, and nothing is touched before it is known to be ours.
        failed = multihost_utils.process_allgather(np.array(refused is not None))
        if refused is not None:
            raise refused
        if np.any(failed):
            raise requirement("checkpoint", "be accepted by process 0, which says why", str(folder))
        options = orbax.CheckpointManagerOptions(
            max_to_keep=2, enable_async_checkpointing=False, cleanup_tmp_directories=True
        )
        self._manager = orbax.CheckpointManager(self.folder, options=options)

    def last(self, like: Any) -> tuple[int, Any]:
        """Step and arrays of the last checkpoint; step 0 and ``like`` itself, if there is none.

        Args:
            like: Arrays of the shapes, precision and shardings in which they are wanted.

        Raises:
            ValueError: If the checkpoint is damaged.
        """
        t = self._manager.latest_step()
        if t is None:
            return 0, like
        wanted = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), like
        )
        try:
            return t, self._manager.restore(t, args=self.arguments.StandardRestore(wanted))
        except (ValueError, KeyError, OSError) as error:
            others = [step for step in self._manager.all_steps() if step != t]
            then = f"resume from step {max(others)}" if others else "start again"
            fix = f"It cannot be read: {error}. Delete it to {then}."
            name = str(self.folder / str(t))
            raise requirement("checkpoint", "hold a whole checkpoint", name, fix) from error

    def save(self, t: int, arrays: Any) -> None:
        """Write the arrays of step t, unless they have been; return when they are on disk."""
        if t not in self._manager.all_steps():
            self._manager.save(t, args=self.arguments.StandardSave(arrays), force=True)

    def close(self) -> None:
        """Let go of the folder."""
        self._manager.close()
        if self._lock is not None:
            self._lock.close()
