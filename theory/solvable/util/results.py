"""Results that print, convert to xarray, and are saved and loaded without loss.

A result is a record. Arrays declare their dimensions in the metadata of their field; everything
else becomes an attribute. Files are netCDF-4, written beside their place and moved into it, so a
file is whole or absent.
"""

import dataclasses
import importlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solvable.util.errors import requirement, wrong_kind
from solvable.util.files import check_output, write_whole
from solvable.util.record import Record, kind_of
from solvable.util.types import Rung

if TYPE_CHECKING:
    import xarray

AXIS = "axis"
"""The dimension of what runs along the axis of a result, whatever that is called."""


def array(*dims: str, units: str = "", default: Any = dataclasses.MISSING) -> Any:
    """A field that holds an array with named dimensions."""
    return dataclasses.field(default=default, metadata={"dims": dims, "units": units})


def plain(value: Any) -> Any:
    """A problem, a rule or a schedule as what JSON holds: floats keep all their digits.

    Raises:
        TypeError: If a part of it, such as a function, has no name in a file.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Rung):
        return {"rung": value.name}
    if isinstance(value, Record):
        return {"type": kind_of(type(value))} | {
            name: plain(x) for name, x in value.items() if x is not None
        }
    if callable(value) or not (np.isscalar(value) or hasattr(value, "dtype")):
        fix = "Give the rates as an array, one per step."
        must = "hold numbers, and records of solvable or of your own, to be saved"
        raise wrong_kind("result", must, value, fix)
    return np.asarray(value).tolist()


def rebuilt(plain: Any) -> Any:
    """What :func:`plain` was made from.

    Only classes that are defined in this process, or that are part of this package, are made: a
    file cannot name code to be run.
    """
    if isinstance(plain, list):
        return np.array(plain)
    if not isinstance(plain, dict):
        return plain
    if "rung" in plain:
        return Rung[plain["rung"]]
    fields = {name: rebuilt(x) for name, x in plain.items() if name != "type"}
    return record_class(plain["type"])(**fields)


def record_class(kind: str) -> type[Record]:
    """The class of a name in a file.

    Raises:
        ValueError: If no such class is defined; the message says what to import.
    """
    module = str(kind).partition(":")[0]
    if kind not in Record.kinds and module.startswith("solvable."):
        importlib.import_module(module)
    if kind not in Record.kinds:
        raise ValueError(f"it holds a {kind}, which is not defined here: import {module} first")
    return Record.kinds[kind]


class Result(Record):
    """What curves, runs and frontiers share."""

    axis = ""

    def _dims(self, field: dataclasses.Field) -> tuple[str, ...]:
        return tuple(self.axis if name == AXIS else name for name in field.metadata["dims"])

    def _name(self, field: dataclasses.Field) -> str:
        return self.axis if field.name == "x" else field.name

    def to_xarray(self) -> "xarray.Dataset":
        """An :class:`xarray.Dataset` with named dimensions; the rest is in its attributes."""
        import xarray

        variables: dict[str, Any] = {}
        attributes: dict[str, Any] = {
            "kind": kind_of(type(self)),
            "solvable": version("solvable"),
            "jax": version("jax"),
        }
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if value is None:
                continue
            if "dims" not in f.metadata:
                is_object = isinstance(value, (Record, Rung, dict, bool, list, tuple))
                attributes[f.name] = json.dumps(_json(value)) if is_object else value
                continue
            units = {"units": f.metadata["units"]} if f.metadata["units"] else {}
            parts = value.items() if isinstance(value, dict) else [("", value)]
            for key, part in parts:
                name = f"{f.name}.{key}" if key else self._name(f)
                variables[name] = (self._dims(f), np.asarray(part), units)
        return xarray.Dataset(variables, attrs=attributes)

    def save(self, path: str | os.PathLike, force: bool = False) -> None:
        """Write to a netCDF-4 file, to be read by :func:`load` or any netCDF reader.

        Args:
            path: The file; its folder must exist.
            force: Replace the file if it exists.

        Raises:
            FileNotFoundError: If the folder does not exist.
            FileExistsError: If the file does, and ``force`` is not set.
        """
        path = check_output(path, force)
        dataset = self.to_xarray()
        write_whole(path, lambda name: dataset.to_netcdf(name, engine="h5netcdf"))


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {"dict": {key: plain(x) for key, x in value.items()}}
    return {"list": list(map(plain, value))} if isinstance(value, (list, tuple)) else plain(value)


def _from_json(text: str) -> Any:
    value = json.loads(text)
    if isinstance(value, dict) and "dict" in value:
        return {key: rebuilt(x) for key, x in value["dict"].items()}
    if isinstance(value, dict) and "list" in value:
        return tuple(map(rebuilt, value["list"]))
    return rebuilt(value)


def load(path: str | os.PathLike) -> Any:
    """Read what ``save`` wrote: a curve, runs or a frontier, every digit.

    Args:
        path: The file. If it holds a rule or a problem of your own, import its class first.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, or not one of ours.
    """
    import xarray

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Argument `path` must name a file, but {str(path)!r} is none.")
    try:
        with xarray.open_dataset(path, engine="h5netcdf", decode_times=False) as opened:
            dataset = opened.load()
        cls = record_class(dataset.attrs.pop("kind"))
        if not issubclass(cls, Result):
            raise TypeError(f"{cls.__name__} is no kind of result")
        return cls(**_values(cls, dataset))
    except Exception as error:
        must = "name a result saved by solvable"
        raise requirement("path", must, str(path), f"It could not be read: {error}.") from error


def _values(cls: type[Result], dataset: "xarray.Dataset") -> dict[str, Any]:
    values: dict[str, Any] = {}
    axis = dataset.attrs.get("axis", cls.axis)
    for f in dataclasses.fields(cls):
        name = axis if f.name == "x" else f.name
        if f.name in dataset.attrs:
            value = dataset.attrs[f.name]
            is_json = isinstance(value, str) and value[:1] in '{"[tfn' and f.name != "axis"
            value = value.item() if isinstance(value, np.generic) else value
            values[f.name] = _parsed(value) if is_json else value
        elif name in dataset:
            values[f.name] = dataset[name].to_numpy()
        else:
            parts = [n for n in dataset.data_vars if str(n).startswith(f"{f.name}.")]
            if parts:
                values[f.name] = {
                    str(n).removeprefix(f"{f.name}."): dataset[n].to_numpy() for n in parts
                }
    return values


def _parsed(value: str) -> Any:
    try:
        return _from_json(value)
    except json.JSONDecodeError:  # a word
        return value
