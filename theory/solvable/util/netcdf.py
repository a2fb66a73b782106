"""What a netCDF file may hold before any of it is read, and a checksum of what it holds.

HDF5 files can name other files, whose bytes would be read as if they were theirs, and can ask for
more memory than there is. Files of results do neither.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solvable.util.memory import in_words, machine_memory

if TYPE_CHECKING:
    import xarray

_ROOM = 2**26  # bytes that any file may ask for
_FACTOR = 8  # and beyond them, so many times its own length: files of other writers are compressed


def check_layout(path: Path) -> None:
    """Refuse a file that is more than plain arrays, or asks for too much memory.

    Raises:
        ValueError: If it is.
        OSError: If it is no file of HDF5.
    """
    import h5py

    room = min(_ROOM + _FACTOR * path.stat().st_size, machine_memory() / 2)
    with h5py.File(path, "r") as file:
        asked = _attributes(file)
        for name in file:
            item = file[name] if type(file.get(name, getlink=True)) is h5py.HardLink else None
            if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
                raise ValueError(f"{name!r} is no array of its own")
            if item.dtype.kind not in "biuf":
                raise ValueError(f"{name!r} holds no numbers")
            asked += item.size * item.dtype.itemsize + _attributes(item)
        if asked > room:
            raise ValueError(
                f"it asks for {in_words(asked)}, more than the {in_words(room)} allowed"
            )


def _attributes(item: Any) -> int:
    """Bytes of the attributes."""
    each = map(item.attrs.get_id, item.attrs)
    return sum(int(np.prod(one.shape, dtype=float)) * one.dtype.itemsize for one in each)


def checksum(data: "xarray.Dataset") -> str:
    """Over names, dimensions, types, values and attributes, whatever their order."""
    digest = hashlib.blake2b(digest_size=16)

    def take(*words: object) -> None:
        for word in words:
            part = word if isinstance(word, bytes) else str(word).encode()
            digest.update(len(part).to_bytes(8, "little") + part)

    for name, variable in sorted(data.variables.items(), key=lambda item: str(item[0])):
        x = np.ascontiguousarray(variable.to_numpy())
        x = x.astype(x.dtype.newbyteorder("<"))
        take(name, variable.dims, x.dtype.str, x.shape, x.tobytes(), _sorted(variable.attrs))
    take(_sorted(data.attrs))
    return digest.hexdigest()


def _sorted(attributes: Any) -> str:
    plain = {str(k): np.asarray(x).tolist() for k, x in attributes.items() if k != "checksum"}
    return json.dumps(plain, sort_keys=True)
