"""What the command line shows and saves: tables, JSON, files, messages of one line."""

import dataclasses
import json
import math
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

FAILED, BAD_USE, INTERRUPTED = 1, 2, 130
DERIVED = ("flops", "risk", "mean", "standard_error", "diverged")
"""What JSON has of a result beside its fields."""


def check_file(option: str, path: Path, kinds: Sequence[str], force: bool) -> None:
    """Refuse a file that cannot be written, before the computation."""
    from solvable.util.files import check_output

    if path.suffix not in kinds:
        raise ValueError(f"{option} must end in {' or '.join(kinds)}, but is {str(path)!r}.")
    try:
        check_output(path, force)
    except OSError as error:
        raise ValueError(str(error).replace("Argument `path`", option)) from None


def save(path: Path, write: Callable[[Path], None]) -> int:
    """Let ``write`` fill the file, or a copy elsewhere if it cannot; the exit code."""
    try:
        write(path)
    except Exception as error:
        copy = Path(tempfile.mkdtemp(prefix="solvable-")) / path.name
        write(copy)
        return say(f"Could not write {path}: {error}. Saved {copy} instead.", FAILED)
    return say(f"Saved {path}.")


def write_result(result: Any, path: Path, force: bool, also: dict[str, Any]) -> None:
    """Write netCDF, or CSV: a long table below comments with everything that is no column."""
    from solvable.util.files import check_output, write_whole

    if path.suffix == ".nc":
        return result.save(path, force)
    data = result.to_xarray()
    dims = data.excess.dims
    for name in ("flops", "risk"):
        if name not in data and hasattr(result, name):
            data[name] = dims, getattr(result, name)
    comments = data.attrs | {name: json.dumps(plain(x)) for name, x in also.items()}

    def write(name: str) -> None:
        with open(name, "w", newline="") as file:
            file.writelines(f"# {key}: {value}\n" for key, value in comments.items())
            data.to_dataframe(dim_order=dims).to_csv(file)

    write_whole(check_output(path, force), write)


def plain(x: Any) -> Any:
    """Anything as what JSON holds: numbers with all digits, NaN as null, infinity as "inf"."""
    if dataclasses.is_dataclass(x):
        fields = (f.name for f in dataclasses.fields(x))
        named = {name: getattr(x, name) for name in (*fields, *DERIVED) if hasattr(x, name)}
        named = {name: value for name, value in named.items() if value is not None}
        return {"type": type(x).__name__} | plain(named)
    if isinstance(x, dict):
        return {str(key): plain(value) for key, value in x.items()}
    if hasattr(x, "_asdict"):
        return plain(x._asdict())
    if hasattr(x, "tolist"):
        return plain(x.tolist())
    if isinstance(x, (list, tuple)):
        return [plain(value) for value in x]
    if isinstance(x, (Fraction, float)):
        return float(x) if math.isfinite(x) else None if math.isnan(x) else str(x)
    return x


def _cell(x: Any) -> str:
    x = x.item() if hasattr(x, "item") else x
    if isinstance(x, bool):
        return "yes" if x else "no"
    exact = isinstance(x, str) or (isinstance(x, int) and abs(x) < 10**7)
    return "" if x is None else str(x) if exact else f"{x:.4g}"


def table(columns: Iterable[str], rows: Sequence[Sequence[Any]]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.show_header = any(columns)
    table.padding = (0, 1 if len(rows[0]) < 10 else 0)
    for name, x in zip(columns, rows[0], strict=True):
        justify = "left" if isinstance(x, str) else "right"
        table.add_column("\n".join(name.rsplit(" ", 1)), justify=justify)
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def show(*parts: Any) -> None:
    """Texts wrap at the width of the terminal; tables are as wide as they are."""
    from rich.console import Console

    for part in filter(None, parts):
        wide = None if isinstance(part, str) else 200
        Console(markup=False, emoji=False, highlight=False, width=wide).print(part)


def show_json(x: Any) -> None:
    """One line per field."""
    from rich.console import Console

    lines = (f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in plain(x).items())
    Console().out("{" + ",\n ".join(lines) + "}", highlight=False)


def say(message: object, status: int = 0) -> int:
    """One line on stderr; the exit code."""
    prefix = "Error: " if status in (FAILED, BAD_USE) else ""
    sys.stderr.write(f"{prefix}{' '.join(str(message).split())}\n")
    return status


SHELL_WORDS = (
    (r"Argument `(sgd|rule)` must (have|give) gamma", "--gamma must be"),
    (r"but (gamma is|gives)", "but is"),
    (r"SGD\.stable\(problem, fraction, B\)", "--fraction 0.5"),
    (r"Pass np\.unique\(steps\)", "Sort them"),
    (r"See Runs\.diverged", "--json lists them"),
    (r"Fraction\((-?\d+), 1\)", r"\1"),
    (r"Fraction\((-?\d+), (\d+)\)", r"\1/\2"),
    (r"(\w+)=True", r"--\1"),
    (r"(\w+)='([\w-]+)'", r"--\1 \2"),
    (r"(Arguments? )?`(\w+)`", r"--\2"),
    (r"--allow_unstable", "--allow-unstable"),
)


class OfAFile(ValueError):
    """A message in the words of a file, which are not those of the command line."""


def in_shell_words(message: object) -> str:
    """A message of the package, in the words of the command line."""
    text = str(message)
    if isinstance(message, OfAFile):
        return text
    for pattern, words in SHELL_WORDS:
        text = re.sub(pattern, words, text)
    return text


def warn(message: object, *_: Any) -> None:
    say(f"Warning: {in_shell_words(message)}")
