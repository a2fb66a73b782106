"""Files that are whole or absent."""

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any


def check_output(path: str | os.PathLike, force: bool = False) -> Path:
    """A path that can be written to. Call it before the computation, not after.

    Raises:
        FileNotFoundError: If the folder does not exist.
        FileExistsError: If the file does, and ``force`` is not set.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"Argument `path` must be in an existing folder, but {str(path.parent)!r} is none. "
            "Create it first."
        )
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"Folder {str(path.parent)!r} cannot be written to. Choose another.")
    if path.is_dir():
        raise IsADirectoryError(f"Argument `path` must name a file, but {str(path)!r} is a folder.")
    if path.exists() and not force:
        raise FileExistsError(f"File {str(path)!r} exists. Choose another, or set `force`.")
    return path


def check_input(path: str | os.PathLike) -> Path:
    """A path to a file that can be read, and that ends.

    Raises:
        FileNotFoundError: If there is none, or it is a folder, a device or a pipe.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if not path.is_file():
        raise FileNotFoundError(f"{str(path)!r} is no file: a folder, a device or a pipe.")
    return path


def write_whole(path: Path, write: Callable[[str], Any]) -> None:
    """Let ``write`` fill a file beside ``path``, then move it into place.

    Killed at any moment, it leaves the old file or the new one, whole, and perhaps a hidden one.
    """
    name = path.with_name(f".{path.name}.{secrets.token_hex(8)}{path.suffix}")
    try:
        write(str(name))
        with open(name, "rb") as file:
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        name.unlink(missing_ok=True)
        raise


_LEFT = re.compile(r"\..+\.[0-9a-f]{16}(\.[^.]*)?")  # as write_whole names them


def remove_leftovers(folder: Path, age: float) -> None:
    """Remove the hidden files of killed writers that are older than ``age`` seconds.

    Ages are told by the clock of the file system, from a file that is made for it.
    """
    if not folder.is_dir():
        return
    left = [path for path in folder.iterdir() if _LEFT.fullmatch(path.name)]
    if not left:
        return
    clock = folder / f".clock.{secrets.token_hex(8)}"
    clock.touch()
    now = clock.stat().st_mtime
    clock.unlink()
    for path in left:
        try:
            if now - path.stat().st_mtime > age:
                path.unlink()
        except FileNotFoundError:  # another has removed or renamed it
            continue
