"""A sweep as a file: the words of the command line, each a number, a list or a grid.

.. code-block:: toml

    compute = "predict"

    [problem]
    alpha = [0.5, 1.0]
    beta = { start = 0.1, stop = 1.0, num = 10 }
    d = 400
    ratio = 4

    [training]
    fraction = 0.5

    [run]
    steps = 1e6

Every list or grid is a dimension of the result. What is wrong in a file is refused before
anything runs, with the path of its key.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from solvable.util.checks import check_count, check_number, check_vector
from solvable.util.errors import requirement, why

Kind = Literal["predict", "expect", "simulate", "frontier"]
Shape = Literal["constant", "linear", "cosine", "stable-decay", "halving"]


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``num`` numbers from ``start`` to ``stop``; rounded, for what is counted."""

    start: float
    stop: float
    num: float
    spacing: Literal["linear", "log"] = "linear"

    def values(self, whole: bool = False) -> list[float]:
        """The numbers: whole ones, or to 12 digits, so that 0.3 is 0.3."""
        check_count("num", self.num, maximum=10**6)
        if self.spacing == "log" and not (self.start > 0 and self.stop > 0):
            raise requirement("start", "be positive, as `stop`, for log spacing", self.start)
        space = np.geomspace if self.spacing == "log" else np.linspace
        found = space(self.start, self.stop, int(self.num)).tolist()
        return [float(round(x)) if whole else float(f"{x:.12g}") for x in found]


Numbers = float | list[float] | Grid


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is learned."""

    alpha: Numbers
    beta: Numbers
    noise: Numbers = 0.0
    v: Numbers | None = None
    ratio: Numbers | None = None
    d: Numbers | None = None
    linear_regression: bool = False


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How."""

    gamma: Numbers | None = None
    fraction: Numbers | None = None
    B: Numbers = 1.0
    mu: Numbers | None = None
    schedule: Shape | list[Shape] = "constant"
    ema: Numbers | None = None
    tail: Numbers | None = None


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long, how often, and which random numbers."""

    steps: float | list[float] | None = None
    flops: Numbers | None = None
    seeds: float = 1.0
    seed: int = 0
    engine: Literal["modes", "features"] = "modes"
    inputs: Literal["gaussian", "rademacher", "student-t"] = "gaussian"
    dof: float | None = None
    dtype: Literal["float32", "float64"] = "float32"


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    compute: Kind
    problem: Problem
    run: Run
    training: Training = Training()
    title: str = ""


COUNTS = ("v", "d", "B", "tail")
"""Axes that are counted."""

_POSITIVE = ("alpha", "gamma", "fraction", "ratio")
MEANT = {
    "predict": ("steps",),
    "expect": ("steps", "seeds", "seed"),
    "simulate": ("steps", "seeds", "seed", "engine", "inputs", "dof", "dtype"),
    "frontier": ("flops",),
}
"""The keys of ``run`` that mean something."""


def read_toml(path: str | os.PathLike) -> dict[str, Any]:
    """The content of a TOML file."""
    try:
        return tomllib.loads(Path(path).read_bytes().decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {error}.") from None


def read_file(source: dict[str, Any]) -> File:
    """A checked file, from its content.

    Raises:
        ValueError: If a key is unknown, missing, or has a wrong value, with its path.
    """
    try:
        file = msgspec.convert(source, File)
    except msgspec.ValidationError as error:
        raise ValueError(f"{error}{_meant(str(error))} {why('how_to/sweeps')}") from None
    _check_meaning(file, source)
    axes(file)
    return file


def _meant(message: str) -> str:
    """The key that is like an unknown one."""
    unknown = re.search(r"unknown field `(.+?)`", message)
    keys = [key for part in (File, Problem, Training, Run) for key in part.__struct_fields__]
    like = difflib.get_close_matches(unknown[1], keys, 1) if unknown else []
    return f". Did you mean `{like[0]}`?" if like else "."


def _refuse(path: str, message: object) -> ValueError:
    return ValueError(f"{str(message).removesuffix('.')} - at `$.{path}`")


def _check_meaning(file: File, source: dict[str, Any]) -> None:
    """What no type can say: keys that exclude, or need, each other."""
    compute, problem, training, run = file.compute, file.problem, file.training, file.run
    meant = MEANT[compute]
    for key in source["run"]:
        if key not in meant:
            raise _refuse(f"run.{key}", f"Key has no meaning for compute = {compute!r}")
    if getattr(run, meant[0]) is None:
        raise _refuse(f"run.{meant[0]}", f"Key is needed for compute = {compute!r}")
    if training.gamma is not None and training.fraction is not None:
        raise _refuse("training.gamma", "Give `gamma` or `fraction`: one of them")
    if training.ema is not None and training.tail is not None:
        raise _refuse("training.ema", "Give `ema` or `tail`: one of them")
    if problem.linear_regression:
        for key in ("d", "ratio"):
            if getattr(problem, key) is not None:
                raise _refuse(f"problem.{key}", "Key has no meaning for linear regression")
    elif compute != "frontier" and problem.d is None:
        raise _refuse("problem.d", "Key is needed, or `linear_regression = true`")
    if compute == "frontier":
        if problem.linear_regression:
            raise _refuse("problem.linear_regression", "A frontier needs features")
        for key in ("d", "v"):
            if getattr(problem, key) is not None:
                raise _refuse(f"problem.{key}", "A frontier has all sizes: give `ratio`, v / d")
        for key in ("mu", "schedule", "ema", "tail"):
            if key in source.get("training", {}):
                raise _refuse(f"training.{key}", "A frontier is of SGD with constant rate")
        if problem.ratio is None:
            raise _refuse("problem.ratio", "Key is needed for compute = 'frontier'")
    elif (problem.v is None) == (problem.ratio is None):
        raise _refuse("problem.v", "Give `v` or `ratio`, v / d: one of them")


def _values(path: str, key: str, given: Any) -> tuple[Any, ...]:
    """The values of one key, each checked by itself."""
    single = not isinstance(given, (list, Grid))
    try:
        grid = isinstance(given, Grid)
        values = given.values(key in COUNTS) if grid else [given] if single else given
    except ValueError as error:
        raise _refuse(path, error) from None
    if not values:
        raise _refuse(path, "Expected at least one value")
    for k, x in enumerate(values):
        at = path if single else f"{path}[{k}]"
        try:
            if key in COUNTS:
                check_count(key, x, minimum=0 if key == "tail" else 1)
            elif not isinstance(x, str):
                check_number(key, x, positive=key in _POSITIVE)
            if key in ("noise", "mu", "ema"):
                check_number(key, x, minimum=0)
            if key in ("fraction", "mu", "ema") and not x < 1:
                raise requirement(key, "be below 1", x)
            if key == "ratio" and not x >= 1:
                raise requirement(key, "be at least 1", x)
        except ValueError as error:
            raise _refuse(at, error) from None
    if len(set(values)) < len(values):
        raise _refuse(path, f"Expected values that differ, but they are {values}")
    return tuple(int(x) if key in COUNTS else x for x in values)


def _given(file: File) -> Iterator[tuple[str, str, Any]]:
    """Table, key and value of what the file says of the problem and its training, in order."""
    for table in ("problem", "training"):
        for key in getattr(file, table).__struct_fields__:
            value = getattr(getattr(file, table), key)
            if value is not None and key != "linear_regression":
                yield table, key, value


def axes(file: File) -> dict[str, tuple[Any, ...]]:
    """The values of every key of the problem and its training, in the order of the schema."""
    found = {key: _values(f"{table}.{key}", key, given) for table, key, given in _given(file)}
    return found | ({"linear_regression": (True,)} if file.problem.linear_regression else {})


def dimensions(file: File) -> dict[str, tuple[Any, ...]]:
    """The axes given as a list or a grid: the dimensions of the result."""
    lists = {key for _, key, given in _given(file) if isinstance(given, (list, Grid))}
    return {key: values for key, values in axes(file).items() if key in lists}


def path_of(key: str, values: dict[str, Any], file: File) -> str:
    """Where in the file the value of a key came from."""
    key = "ratio" if key == "v" and file.problem.ratio is not None else key
    tables = {"problem": Problem, "training": Training, "run": Run}
    table = next((name for name, x in tables.items() if key in x.__struct_fields__), None)
    if table is None:
        return "$"
    dims = dimensions(file)
    at = f"[{dims[key].index(values[key])}]" if key in dims else ""
    return f"$.{table}.{key}{at}"


def flops(file: File) -> np.ndarray:
    """The budgets of a frontier."""
    given = file.run.flops
    values = given.values() if isinstance(given, Grid) else np.atleast_1d(given)  # ty: ignore
    found = check_vector("flops", values, positive=True)
    if (np.diff(found) <= 0).any():
        raise requirement("flops", "be strictly increasing", found.tolist())
    return found
