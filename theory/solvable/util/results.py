"""Results that print, convert to xarray, and are saved and loaded without loss.

A result is a frozen dataclass. Arrays declare their dimensions in the metadata of their field;
everything else becomes an attribute. Files are netCDF-4, written beside their place and moved
into it, so a file is whole or absent.
"""

import dataclasses
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import solvable
from solvable.models.kernels import KernelFeatures
from solvable.models.problem import LinearRegression, PowerLaw
from solvable.rules.averaging import Averaged
from solvable.rules.full_batch import FullBatch, GradientFlow
from solvable.rules.labels import LabelMixture
from solvable.rules.momentum import DANA, Momentum, ThreeRates
from solvable.rules.schedules import Constant, Cosine, Geometric, PowerDecay, StableDecay, Warmup
from solvable.rules.sgd import SGD
from solvable.util.errors import requirement
from solvable.util.files import check_output, write_whole

if TYPE_CHECKING:
    import xarray

_PROBLEMS = (PowerLaw, LinearRegression, KernelFeatures)
_RULES = (SGD, Momentum, ThreeRates, DANA, Averaged, LabelMixture, FullBatch, GradientFlow)
_SCHEDULES = (Constant, PowerDecay, Cosine, StableDecay, Geometric, Warmup)
_OBJECTS = {cls.__name__: cls for cls in (*_PROBLEMS, *_RULES, *_SCHEDULES)}


def array(*dims: str, units: str = "", **options: Any) -> Any:
    """A field that holds an array with named dimensions."""
    return dataclasses.field(metadata={"dims": dims, "units": units}, **options)


def _plain(value: Any) -> Any:
    """A problem, a rule or a schedule as what JSON holds: floats keep all their digits."""
    if value is None or isinstance(value, str):
        return value
    if type(value).__name__ in _OBJECTS:
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__} | {
            name: _plain(x) for name, x in fields.items() if x is not None
        }
    if callable(value) or dataclasses.is_dataclass(value):
        raise TypeError(
            f"A result with {value!r} cannot be saved: it is no schedule or rule of solvable. "
            "Give the rates as an array, one per step."
        )
    return np.asarray(value).tolist()


def _object(plain: Any) -> Any:
    """What :func:`_plain` was made from."""
    if isinstance(plain, list):
        return np.array(plain)
    if not isinstance(plain, dict):
        return plain
    return _OBJECTS[plain.pop("type")](**{k: _object(v) for k, v in plain.items()})


class Result:
    """What :class:`Curve`, :class:`Runs` and :class:`Frontier` share."""

    def to_xarray(self) -> "xarray.Dataset":
        """An :class:`xarray.Dataset` with named dimensions; the rest is in its attributes."""
        import xarray

        variables: dict[str, Any] = {}
        attributes: dict[str, Any] = {"kind": type(self).__name__, "solvable": version("solvable")}
        for f in dataclasses.fields(self):  # ty: ignore[invalid-argument-type]
            value = getattr(self, f.name)
            if value is None:
                continue
            if "dims" not in f.metadata:
                is_object = dataclasses.is_dataclass(value)
                attributes[f.name] = json.dumps(_plain(value)) if is_object else value
                continue
            units = {"units": f.metadata["units"]} if f.metadata["units"] else {}
            parts = value.items() if isinstance(value, dict) else [("", value)]
            for key, part in parts:
                name = f"{f.name}.{key}" if key else f.name
                variables[name] = (f.metadata["dims"], np.asarray(part), units)
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


def load(path: str | os.PathLike) -> Any:
    """Read what :meth:`Result.save` wrote: a curve, runs or a frontier, every digit.

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
        cls = getattr(solvable, dataset.attrs.pop("kind"))  # imports its home
        if not issubclass(cls, Result):
            raise TypeError(f"{cls.__name__} is no kind of result")
        values: dict[str, Any] = {}
        for f in dataclasses.fields(cls):
            if f.name in dataset.attrs:
                value = dataset.attrs[f.name]
                is_object = isinstance(value, str) and value.startswith('{"type"')
                value = value.item() if isinstance(value, np.generic) else value
                values[f.name] = _object(json.loads(value)) if is_object else value
            elif f.name in dataset:
                values[f.name] = dataset[f.name].to_numpy()
            else:
                parts = [n for n in dataset.data_vars if str(n).startswith(f"{f.name}.")]
                if parts:
                    values[f.name] = {
                        str(n).removeprefix(f"{f.name}."): dataset[n].to_numpy() for n in parts
                    }
        return cls(**values)
    except Exception as error:
        raise requirement(
            "path",
            "name a result saved by solvable",
            str(path),
            f"It could not be read: {error}",
        ) from error
