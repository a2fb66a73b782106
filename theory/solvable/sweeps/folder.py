"""The folder of a sweep: which one it is, its cells, and all of them as one dataset."""

import json
import os
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solvable.sweeps.cells import Cell, release
from solvable.sweeps.file import File, dimensions, path, read_file
from solvable.sweeps.schema import DEFAULTS
from solvable.sweeps.store import Store
from solvable.util.files import write_whole
from solvable.util.steps import check_steps, check_times

if TYPE_CHECKING:
    import jax
    import xarray

MANIFEST, CELLS, RESULT = "sweep.json", "cells", "sweep.nc"

_UNITS = {
    "excess": "variance of the target",
    "train": "variance of the target",
    "flops": "features times samples",
    "step": "steps",
    "time": "steps at learning rate 1",
    "ridge": "variance of a feature",
}
_MEANING = {
    "excess": "population risk minus the label noise",
    "train": "mean squared residual on the samples",
    "error": "relative numerical error",
    "learning_rate": "of a schedule the first",
    "d": "best number of features",
    "slope": "local exponent of the excess risk in flops",
    "size_slope": "local exponent of the best number of features in flops",
    "at_edge": "whether the best size is at the edge of those searched",
}


def cells_of(folder: str | os.PathLike) -> Path:
    """The folder of the cells."""
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
    now = {"sweep": source, "solvable": release(), "git": _git_commit()}
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
    old, new = (
        {"compute": file.compute} | DEFAULTS | file.words
        for file in (read_file(before["sweep"]), read_file(now["sweep"]))
    )
    what = ""
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            at = "$.compute" if key == "compute" else path(key)
            what = f"`{at}` was {old.get(key)!r}, and is {new.get(key)!r}"
            break
    if before.get("solvable") != now["solvable"]:
        what = f"solvable was {before.get('solvable')}, and is {now['solvable']}"
    if what:
        raise ValueError(
            f"Folder {str(folder)!r} is of another sweep: {what}. Take another folder, or "
            "set `extend` to keep the cells they share and compute the others."
        )


def _git_commit() -> str:
    """The commit of the folder one works in, read without running what a repository may name.

    Whether files have changed is not asked: git would run the filters of the repository.
    """
    safe = ["-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    words = ["git", *safe, "rev-parse", "--verify", "--quiet", "HEAD"]
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
    inner, points = _axis(cells[0])
    variables = {}
    for name, like in done[0].items():
        table = np.full((len(found), like.size), np.nan)
        for row, arrays in zip(table, found, strict=True):
            if arrays is not None:
                row[:] = arrays[name].ravel()
        own = ("seed", inner)[-like.ndim :] if like.ndim else ()
        units = {"units": _UNITS[name]} if name in _UNITS else {}
        attributes = {"long_name": _MEANING[name], **units}
        variables[name] = ((*dims, *own), table.reshape((*outer, *like.shape)), attributes)
    axes = {key: list(values) for key, values in dims.items()}
    single = {key: x for key, x in cells[0].values.items() if key not in dims}
    single = {key: x for key, x in single.items() if not isinstance(x, list)}
    missing = len(found) - len(done)
    unstable = sum(any(np.isnan(x).any() for x in arrays.values()) for arrays in done)
    manifest = _manifest(folder) or {}
    data = xarray.Dataset(
        variables,
        coords={**axes, **single, inner: (inner, points, {"units": _UNITS[inner]})},
        attrs={
            "title": file.title or f"{file.compute}, swept",
            "compute": file.compute,
            "configuration": json.dumps(source_of(folder)),
            **{key: x for key, x in cells[0].run.items() if key in ("seeds", "seed")},
            "dtype": _precision(cells[0]),
            "cells": len(found),
            "missing": missing,
            "unstable": unstable,
            "computed_by": "; ".join(origins),
            "git": manifest.get("git", ""),
        },
    )
    write_whole(folder / RESULT, lambda path: data.to_netcdf(path, engine="h5netcdf"))
    return data


def _axis(cell: Cell) -> tuple[str, np.ndarray]:
    """The dimension along which every cell has its numbers, and its points."""
    run = cell.run
    if "steps" in run:
        return "step", check_steps(run["steps"])
    if "times" in run:
        return "time", check_times(run["times"])
    name = "ridge" if "ridge" in run else "flops"
    return name, np.atleast_1d(np.asarray(run[name], float))


def _precision(cell: Cell) -> str:
    """Theory is float64; a simulation says its own, or has the default of its kind."""
    fresh = cell.compute == "simulate" and "steps" in cell.run
    own = "float32" if fresh and "full_batch" not in cell.values else "float64"
    return cell.run.get("dtype", own)
