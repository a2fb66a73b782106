"""Compiled programs of earlier commands, kept for the user: half of a short command is compiling.

Only the process of the command line has it. ``SOLVABLE_CACHE=off`` switches it off, and
``SOLVABLE_CACHE=folder`` puts it elsewhere.
"""

import contextlib
import hashlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

MAX_BYTES = 2**28
"""Beyond this the programs that were used least recently are removed."""

_SHORTEST = "0.1"  # seconds of a compilation that is worth a file


def begin() -> None:
    """Let JAX keep its programs, unless the user has said where, or not to."""
    said = os.environ.get("SOLVABLE_CACHE", "")
    if said.lower() in ("off", "0", "no") or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    with contextlib.suppress(OSError):  # of a folder that cannot be had: then there is no cache
        folder = (Path(said) if said else _users() / "solvable") / _machine()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(folder):
            prune(folder, MAX_BYTES)
            os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
            os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = _SHORTEST


def _users() -> Path:
    """Where this system keeps the caches of a user."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home()))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _machine() -> str:
    """Programs are for one kind of processor and one JAX; a home may be on many machines."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        kind = sorted(
            {line for line in lines if line.startswith(("flags", "Features", "model name"))}
        )
        return _short(*kind)
    return _short(platform.machine(), platform.processor())


def _short(*words: str) -> str:
    text = "\n".join([version("jaxlib"), *words])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _is_private(folder: Path) -> bool:
    """Whether nobody else can put programs there, which would be run."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def prune(folder: Path, size: int) -> None:
    """Remove the files that were read least recently, until the others are no larger."""
    files = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # of one that another process removes
            found = path.stat()
            files.append((max(found.st_atime, found.st_mtime), found.st_size, path))
    total = sum(each for _, each, _ in files)
    for _, each, path in sorted(files):
        if total <= size:
            return
        with contextlib.suppress(OSError):
            path.unlink()
            total -= each
