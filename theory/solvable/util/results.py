"""Results that print, convert to xarray, and are saved and loaded without loss.

A result is a record. Arrays declare their dimensions in the metadata of their field; everything
else becomes an attribute. Files are netCDF-4, written beside their place and moved into it, so a
file is whole or absent; and they have a checksum, so that what is loaded is what was saved.
"""

import dataclasses
import importlib
import json
import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from solvable.util.errors import requirement, wrong_kind
from solvable.util.files import check_input, check_output, write_whole
from solvable.util.netcdf import check_layout, checksum
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
    if "value" in plain:
        return plain["value"]
    fields = {name: rebuilt(x) for name, x in plain.items() if name != "type"}
    return record_class(plain["type"])(**fields)


_WINGS = {
    *("models", "rules", "schedules", "inputs", "dynamics", "asymptotics", "design"),
    *("simulation", "verify"),
}
"""Where this package has classes of records; importing their modules does nothing else."""


def record_class(kind: str) -> type[Record]:
    """The class of a name in a file.

    Raises:
        ValueError: If no such class is defined; the message says what to import.
    """
    module = str(kind).partition(":")[0]
    package, *inside = module.split(".")
    if kind not in Record.kinds and package == "solvable" and inside[:1] and inside[0] in _WINGS:
        importlib.import_module(module)
    if kind not in Record.kinds:
        raise ValueError(f"it holds a {kind}, which is not defined here: import {module} first")
    return Record.kinds[kind]


def _check_shape(
    name: str, shape: tuple[int, ...], dims: tuple[str, ...], sizes: dict[str, tuple[str, int]]
) -> None:
    """Arrays along the same dimension are equally long."""
    if len(shape) != len(dims):
        raise requirement(name, f"have the dimensions {', '.join(dims)}", f"shape {shape}")
    for dim, size in zip(dims, shape, strict=True):
        other, known = sizes.setdefault(dim, (name, size))
        if size != known:
            must = f"have {known} entries along {dim}, as `{other}`"
            raise requirement(name, must, f"shape {shape}")


class Result(Record):
    """What curves, runs and frontiers share."""

    axis = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes: dict[str, tuple[str, int]] = {}
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.generic):
                object.__setattr__(self, f.name, value.item())
            if value is None or "dims" not in f.metadata:
                continue
            for x in value.values() if isinstance(value, dict) else [value]:
                _check_shape(self._name(f), np.shape(x), self._dims(f), sizes)

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
            if value is None and f.default is None:
                continue
            if value is None or "dims" not in f.metadata:
                is_plain = isinstance(value, (str, int, float, np.generic))
                raw = is_plain and not isinstance(value, (bool, np.bool_))
                attributes[f.name] = value if raw else json.dumps(_json(value))
                continue
            units = {"units": f.metadata["units"]} if f.metadata["units"] else {}
            parts = value.items() if isinstance(value, dict) else [("", value)]
            for key, part in parts:
                name = f"{f.name}.{key}" if key else self._name(f)
                variables[name] = (self._dims(f), np.asarray(part), units)
        data = xarray.Dataset(variables, attrs=attributes)
        return data.assign_attrs(checksum=checksum(data))

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


def _json(value: Any) -> dict[str, Any]:
    """An object of JSON for anything that is no word and no number."""
    if isinstance(value, dict):
        return {"dict": {key: plain(x) for key, x in value.items()}}
    if isinstance(value, (list, tuple)):
        return {"list": list(map(plain, value))}
    if isinstance(value, (Record, Rung)):
        return plain(value)
    return {"value": plain(value)}


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

    path = check_input(path)
    try:
        check_layout(path)
        with xarray.open_dataset(path, engine="h5netcdf", decode_times=False) as opened:
            dataset = opened.load()
        if dataset.attrs.get("checksum") != checksum(dataset):
            raise ValueError("its content is not what was saved")
        cls = record_class(dataset.attrs["kind"])
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
            value = value.item() if isinstance(value, np.generic) else value
            is_json = isinstance(value, str) and value.startswith("{")
            values[f.name] = _from_json(value) if is_json else value
        elif name in dataset:
            values[f.name] = dataset[name].to_numpy()
        else:
            parts = [n for n in dataset.data_vars if str(n).startswith(f"{f.name}.")]
            if parts:
                values[f.name] = {
                    str(n).removeprefix(f"{f.name}."): dataset[n].to_numpy() for n in parts
                }
    return values
