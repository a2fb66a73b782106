"""The folder of a sweep: which one it is, its cells, and all of them as one dataset."""

import json
import os
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from solvable.sweeps.cells import Cell, release
from solvable.sweeps.file import File, dimensions, flops, read_file
from solvable.sweeps.store import Store
from solvable.util.files import write_whole
from solvable.util.steps import check_steps

if TYPE_CHECKING:
    import jax
    import xarray

MANIFEST, CELLS, RESULT = "sweep.json", "cells", "sweep.nc"

_UNITS = {"excess": {"units": "variance of the target"}}
_MEANING = {
    "excess": "population risk minus the label noise",
    "error": "relative numerical error",
    "learning_rate": "of a schedule the first",
    "d": "best number of features",
    "slope": "local exponent of the excess risk in flops",
    "size_slope": "local exponent of the best number of features in flops",
    "at_edge": "whether the best size is at the edge of those searched",
}


def cells_of(folder: str | os.PathLike) -> Path:
    """Where the cells are."""
    return Path(folder) / CELLS


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((folder / MANIFEST).read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{folder / MANIFEST} is damaged: {error}. Remove it and run the sweep again; "
            "finished cells are kept."
        ) from None


def _is_foreign(path: Path) -> bool:
    """Whether it is not ours, nor hidden, as of another runner that begins just now."""
    return path.name not in (MANIFEST, CELLS, RESULT) and path.name[0] != "."


def begin(source: dict[str, Any], folder: str | os.PathLike, extend: bool) -> Path:
    """Make the folder that of the sweep in ``source``, and return where its cells are.

    Raises:
        ValueError: If it is another's.
        OSError: If it cannot be written to.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{str(folder)!r} must be a folder for the sweep, but is a file.")
    before = _manifest(folder)
    now = {"sweep": source, "solvable": release(), "git": _git_state()}
    if before is None and folder.is_dir() and any(map(_is_foreign, folder.iterdir())):
        raise ValueError(f"Folder {str(folder)!r} holds other files, and no sweep. Take another.")
    if before is not None and not extend:
        _check_same(before, now, folder)
    if before is None or extend:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(now, indent=2) + "\n"
        write_whole(folder / MANIFEST, lambda path: Path(path).write_text(text))
    return cells_of(folder)


def _check_same(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    plain = (msgspec.to_builtins(read_file(x["sweep"])) | {"title": ""} for x in (before, now))
    differ = _difference("$", *plain)
    if before.get("solvable") != now["solvable"]:
        differ = f"solvable was {before.get('solvable')}, and is {now['solvable']}"
    if differ:
        raise ValueError(
            f"Folder {str(folder)!r} is of another sweep: {differ}. Take another folder, or "
            "set `extend` to keep the cells they share and compute the others."
        )


def _difference(path: str, before: Any, now: Any) -> str:
    """The first key whose values differ, in words."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        each = (_difference(f"{path}.{key}", before.get(key), now.get(key)) for key in keys)
        return next(filter(None, each), "")
    return "" if before == now else f"`{path}` was {before!r}, and is {now!r}"


def _git_state() -> str:
    """Of the folder one works in: the commit, and whether it has been changed."""
    words = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def source_of(folder: str | os.PathLike) -> dict[str, Any]:
    """The sweep of a folder, as a dictionary.

    Raises:
        FileNotFoundError: If there is none.
    """
    manifest = _manifest(Path(folder))
    if manifest is None:
        raise FileNotFoundError(f"Folder {str(folder)!r} holds no sweep: {MANIFEST} is missing.")
    if manifest.get("solvable") != release():
        raise ValueError(
            f"Folder {str(folder)!r} was computed by solvable {manifest.get('solvable')}, and this "
            f"is {release()}, for which its cells are others. Install that version, or run the "
            "sweep again with `extend`."
        )
    return manifest["sweep"]


def origin(device: "jax.Device | None" = None) -> str:
    """What numbers may depend on: the device, by default the CPU of the theory, and versions."""
    import jax

    versions = (f"{name} {version(name)}" for name in ("solvable", "jax", "jaxlib", "numpy"))
    return ", ".join([(device or jax.devices("cpu")[0]).device_kind, *versions])


def gathered(file: File, cells: Sequence[Cell], folder: str | os.PathLike) -> "xarray.Dataset":
    """The cells as one dataset, also written to the folder."""
    import xarray

    store, dims, folder = Store(cells_of(folder)), dimensions(file), Path(folder)
    found = [store.read(cell.name) for cell in cells]
    done = [arrays for arrays in found if arrays is not None]
    if not done:
        raise ValueError(f"Folder {str(folder)!r} holds no finished cell yet.")
    origins = sorted({str(arrays.pop("origin")) for arrays in done})
    outer = tuple(len(values) for values in dims.values())
    inner = ("flops",) if file.compute == "frontier" else ("step",)
    variables = {}
    for name, like in done[0].items():
        table = np.full((len(found), like.size), np.nan)
        for row, arrays in zip(table, found, strict=True):
            if arrays is not None:
                row[:] = arrays[name].ravel()
        own = ("seed", *inner)[-like.ndim :] if like.ndim else ()
        attributes = {"long_name": _MEANING[name], **_UNITS.get(name, {})}
        variables[name] = ((*dims, *own), table.reshape((*outer, *like.shape)), attributes)
    points = {"flops": lambda: flops(file), "step": lambda: check_steps(cells[0].steps)}
    units = {"units": "features times samples" if inner == ("flops",) else "steps of SGD"}
    axes = {key: list(values) for key, values in dims.items()}
    single = {key: x for key, x in cells[0].values.items() if key not in dims}
    missing = len(found) - len(done)
    unstable = sum(any(np.isnan(x).any() for x in arrays.values()) for arrays in done)
    manifest = _manifest(folder) or {}
    data = xarray.Dataset(
        variables,
        coords={**axes, **single, inner[0]: (inner, points[inner[0]](), units)},
        attrs={
            "title": file.title or f"{file.compute}, swept",
            "compute": file.compute,
            "configuration": json.dumps(source_of(folder)),
            **{key: x for key, x in cells[0].run.items() if key in ("seeds", "seed")},
            "dtype": cells[0].run.get("dtype", "float64"),
            "cells": len(found),
            "missing": missing,
            "unstable": unstable,
            "computed_by": "; ".join(origins),
            "git": manifest.get("git", ""),
        },
    )
    write_whole(folder / RESULT, lambda path: data.to_netcdf(path, engine="h5netcdf"))
    return data
