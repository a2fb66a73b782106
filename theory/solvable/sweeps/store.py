"""A folder of finished cells: one file each, whole or absent, with a checksum.

A file is moved into place after it has reached the disk, so any number of writers can share a
folder, and whoever is killed leaves only whole files and hidden ones. The name of a file is the
name of its cell, which determines its numbers: writing a cell twice changes nothing. The checksum
is over the name too, so that a file under another's name is no cell.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from solvable.util.files import remove_leftovers, write_whole

SUFFIX = ".cell"
_DIGEST = 16
OLD = 3600.0
"""Seconds after which a hidden file has no living writer."""

Arrays = dict[str, np.ndarray]


class Packed(msgspec.Struct, array_like=True):
    """An array as bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


def pack(name: str, arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays of a cell as bytes that begin with their checksum."""
    packed = {
        key: Packed(x.dtype.str, x.shape, x.tobytes())
        for key, x in ((key, np.asarray(x)) for key, x in arrays.items())
    }
    body = msgspec.msgpack.encode(packed)
    return _digest(name, body) + body


def unpack(name: str, content: bytes) -> Arrays | None:
    """What was packed under this name; None if any bit of it has changed."""
    body = content[_DIGEST:]
    if _digest(name, body) != content[:_DIGEST]:
        return None
    packed = msgspec.msgpack.decode(body, type=dict[str, Packed])
    return {
        key: np.frombuffer(x.data, np.dtype(x.dtype)).reshape(x.shape) for key, x in packed.items()
    }


def _digest(name: str, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST, key=name.encode()).digest()


class Store:
    """The cells in a folder.

    Args:
        folder: Where they are; created on the first write.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)

    def path(self, name: str) -> Path:
        """The file of a cell."""
        return self.folder / f"{name}{SUFFIX}"

    def write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a finished cell. Its content is on the disk when this returns.

        Raises:
            OSError: If it could not be written; what was there before is still there.
        """
        content = pack(name, arrays)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.path(name), lambda path: Path(path).write_bytes(content))

    def sweep_up(self) -> None:
        """Remove what killed writers have left hidden; those at work take seconds, not an hour."""
        for folder in (self.folder.parent, self.folder):
            remove_leftovers(folder, OLD)

    def sync(self) -> None:
        """Wait until the names of all files are on the disk too."""
        if os.name == "posix":
            handle = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def read(self, name: str) -> Arrays | None:
        """The arrays of a cell; None if it is missing or damaged."""
        try:
            return unpack(name, self.path(name).read_bytes())
        except FileNotFoundError:
            return None

    def names(self) -> set[str]:
        """The cells that have a file. Hidden files are of writers at work, or killed."""
        try:
            with os.scandir(self.folder) as entries:
                found = {entry.name for entry in entries}
        except FileNotFoundError:
            return set()
        return {x.removesuffix(SUFFIX) for x in found if x.endswith(SUFFIX) and x[0] != "."}

    def missing(self, names: Iterable[str]) -> list[str]:
        """The cells among ``names`` that must be computed: they have no file, or a damaged one."""
        there = self.names()
        return [name for name in names if name not in there or self.read(name) is None]
