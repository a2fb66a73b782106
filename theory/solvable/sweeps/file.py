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
import math
import os
import tomllib
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np

from solvable.sweeps.schema import COMMANDS, FRONTIER, TABLES, WORDS, Word, alias, meant
from solvable.sweeps.words import flat
from solvable.util.checks import check_count, check_number, check_vector
from solvable.util.errors import (
    ArgumentError,
    ArgumentTypeError,
    plain_fix,
    requirement,
    sentence,
    why,
)
from solvable.util.files import check_input

MAX_CELLS = 10**6
"""Largest number of cells of one sweep: each has a file."""

MAX_BYTES = 2**20
"""Largest size of a sweep file; a grid says in a line what a list of a megabyte would."""


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
            raise requirement("start", "be positive, as stop, for log spacing", self.start)
        space = np.geomspace if self.spacing == "log" else np.linspace
        found = space(self.start, self.stop, int(self.num)).tolist()
        return [float(round(x)) if whole else float(f"{x:.12g}") for x in found]


Number = int | float
Numbers = Number | list[Number] | Grid

_TYPES: dict[str, Any] = {
    "real": Numbers,
    "count": Numbers,
    "flops": Numbers,
    "flag": bool,
    "class": str,
    "fields": dict[str, bool | str | Numbers],
    "vector": list[Number],
    "steps": Number | list[Number],
    "reals": Number | list[Number],
    "seed": int,
}


def _type(table: str, word: Word) -> Any:
    """What a key of a table may hold; those of a run are no axes."""
    if word.kind == "choice":
        choices = Literal[*word.choices]  # ty: ignore[invalid-type-form]
        return choices if table == "run" else choices | list[choices]
    return Number if table == "run" and word.kind in ("real", "count") else _TYPES[word.kind]


def _table(name: str) -> Any:
    fields = [(word.name, _type(name, word) | msgspec.UnsetType, msgspec.UNSET)
              for word in TABLES[name]]  # fmt: skip
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True)


_FILE = msgspec.defstruct(
    "File",
    [
        ("compute", Literal[*COMMANDS]),  # ty: ignore[invalid-type-form]
        *((name, _table(name)) for name in ("problem", "run")),
        *((name, _table(name) | msgspec.UnsetType, msgspec.UNSET) for name in ("training", "data")),
        ("title", str, ""),
    ],
)


@dataclass(frozen=True)
class File:
    """A checked file."""

    compute: str
    title: str
    words: dict[str, Any]
    """What it says, flat: numbers, lists and grids."""


def read_toml(path: str | os.PathLike) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no TOML, or longer than a megabyte.
    """
    file = check_input(path)
    if (size := file.stat().st_size) > MAX_BYTES:
        raise ValueError(f"{path} is no sweep file: it has {size} bytes, more than {MAX_BYTES}.")
    try:
        return tomllib.loads(file.read_bytes().decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is no TOML: {error}.") from None


def read_file(source: dict[str, Any]) -> File:
    """A checked file, from its content.

    Raises:
        ValueError: If a key is unknown, missing, or has a wrong value, with its path.
    """
    _check_keys(source)
    try:
        file: Any = msgspec.convert(source, _FILE)
    except msgspec.ValidationError as error:
        raise ValueError(f"{error}. {why('how_to/sweeps')}") from None
    words: dict[str, Any] = {}
    for table, listed in TABLES.items():
        for word in listed:
            value = getattr(getattr(file, table), word.name, msgspec.UNSET)
            if value is msgspec.UNSET:
                continue
            if word not in meant(table, file.compute):
                message = f"Key has no meaning for compute = {file.compute!r}"
                raise ValueError(f"{message} - at `$.{table}.{word.name}`")
            words[word.name] = value
    _check_needed(file.compute, words)
    found = File(file.compute, file.title, flat(words))
    _check_count(found)
    axes(found)
    return found


def _check_count(file: File) -> None:
    lists = [given for key, given in file.words.items() if _is_axis(key, given)]
    count = math.prod(x.num if isinstance(x, Grid) else len(x) for x in lists)
    if count > MAX_CELLS:
        raise ValueError(f"The file has {count:.3g} cells; a sweep has {MAX_CELLS:.0e} at most.")


def _check_keys(source: dict[str, Any]) -> None:
    """Refuse keys that are no words, with the word that is meant."""
    tables: dict[str, tuple[str, ...]] = {"": ("compute", "title", *TABLES)}
    tables |= {name: tuple(word.name for word in table) for name, table in TABLES.items()}
    for table, keys in tables.items():
        said = source.get(table, {}) if table else source
        for key in said if isinstance(said, dict) else ():
            if key not in keys:
                like = alias(key) or next(iter(difflib.get_close_matches(key, [*WORDS], 1)), None)
                hint = f" Did you mean `{like}`?" if like else ""
                at = f"$.{table}" if table else "$"
                message = f"Object contains unknown field `{key}` - at `{at}`.{hint}"
                raise ValueError(f"{message} {why('how_to/sweeps')}")


def _check_needed(compute: str, words: dict[str, Any]) -> None:
    needed = ("flops", "ratio", "alpha", "beta") if compute == FRONTIER else ()
    for key in needed:
        if key not in words:
            raise ValueError(f"Key is needed for compute = {compute!r} - at `{path(key)}`")


def path(key: str, index: int | None = None) -> str:
    """The place of a word in a file; ``$`` if it is none of them."""
    word, _, field = key.partition(".")
    word = f"{word}_fields" if field else word
    table = next((name for name, listed in TABLES.items() if WORDS.get(word) in listed), None)
    if table is None:
        return "$"
    at = f"$.{table}.{word}" + (f".{field}" if field else "")
    return at if index is None else f"{at}[{index}]"


def in_file(error: Exception, at: str) -> ValueError:
    """An error of a key, in the words of the file."""
    if isinstance(error, (ArgumentError, ArgumentTypeError)):
        return ValueError(sentence(error, f"`{at}`", plain_fix(error), "`{}`".format))
    return ValueError(f"{str(error).removesuffix('.')} - at `{at}`")


def axes(file: File) -> dict[str, tuple[Any, ...]]:
    """The values of every word but those of the run, in the order of the schema."""
    run = {word.name for word in TABLES["run"]}
    return {key: _values(key, given) for key, given in file.words.items() if key not in run}


def dimensions(file: File) -> dict[str, tuple[Any, ...]]:
    """The axes given as a list or a grid: the dimensions of the result."""
    return {key: values for key, values in axes(file).items() if _is_axis(key, file.words[key])}


def _kind(key: str) -> str:
    return WORDS[key].kind if key in WORDS else "field"


def _is_axis(key: str, given: Any) -> bool:
    return isinstance(given, (list, Grid)) and _kind(key) != "vector"


def _values(key: str, given: Any) -> tuple[Any, ...]:
    """The values of one word, each checked by itself as far as its kind says."""
    counted, single = _kind(key) == "count", not _is_axis(key, given)
    try:
        values = given.values(counted) if isinstance(given, Grid) else [given] if single else given
        if not values:
            raise requirement(key, "hold at least one value", given)
        if len(set(map(repr, values))) < len(values):
            raise requirement(key, "hold values that differ", given)
    except (ArgumentError, ArgumentTypeError) as error:
        raise in_file(error, path(key)) from None
    return tuple(_checked(key, x, None if single else k) for k, x in enumerate(values))


def _checked(key: str, x: Any, index: int | None) -> Any:
    try:
        if _kind(key) == "count":
            return check_count(key, x, minimum=0 if key == "tail" else 1)
        if _kind(key) == "real":
            x = float(check_number(key, x))
        if key == "fraction":
            check_number(key, x, positive=True, below=1)
    except (ArgumentError, ArgumentTypeError) as error:
        raise in_file(error, path(key, index)) from None
    return x


def flops(file: File) -> np.ndarray:
    """The budgets of a frontier."""
    given = file.words["flops"]
    values = given.values() if isinstance(given, Grid) else np.atleast_1d(given)
    found = check_vector("flops", values, positive=True)
    if (np.diff(found) <= 0).any():
        raise requirement("flops", "be strictly increasing", found.tolist())
    return found
