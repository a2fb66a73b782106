"""What the command line shows and saves: tables, JSON, files, messages of one line."""

import dataclasses
import enum
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from solvable.sweeps.schema import WORDS
from solvable.util.errors import ArgumentError, ArgumentTypeError, plain_fix, sentence

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
    except FileNotFoundError:
        must = f"be in an existing folder, but {str(path.parent)!r} is none. Create it first."
        raise ValueError(f"{option} must {must}") from None
    except IsADirectoryError:
        raise ValueError(f"{option} must name a file, but {str(path)!r} is a folder.") from None
    except FileExistsError:
        message = f"File {str(path)!r} exists. Choose another, or set --force."
        raise ValueError(message) from None
    except OSError as error:
        raise ValueError(in_shell(error)) from None


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
            data[name] = dims[-1:] if name == "flops" else dims, getattr(result, name)
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
        named = {
            x.axis if name == "x" else name: value
            for name, value in named.items()
            if value is not None
        }
        return {"type": type(x).__name__} | plain(named)
    if isinstance(x, enum.Enum):
        return str(x)
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


def curve_columns(curve: Any, terms: bool) -> dict[str, Any]:
    """The columns of a curve: its axis, its risks, and its terms or its compute."""
    columns = {curve.axis: curve.x, "risk": curve.risk}
    columns |= {"excess": curve.excess} if curve.problem.noise else {}
    columns |= {} if curve.train is None else {"training error": _cleared(curve.train, curve)}
    if terms:
        parts = (curve.terms or {}).items()
        return columns | {name.replace("_", " "): _cleared(x, curve) for name, x in parts}
    return columns | ({"flops": curve.flops} if hasattr(curve, "flops") else {})


def _cleared(x: Any, curve: Any) -> Any:
    """A part of the risk, zero where it is a rounding error of the whole."""
    return [0.0 if abs(one) <= curve.error * risk else one
            for one, risk in zip(x, curve.risk, strict=True)]  # fmt: skip


def runs_columns(runs: Any) -> dict[str, Any]:
    """The columns of runs: their mean, and how they scatter."""
    columns = {runs.axis: runs.x, "mean risk": runs.mean}
    if runs.seeds > 1:
        columns |= {"std. error": runs.standard_error, "median": runs.median}
        columns |= {f"{q:.0%} quantile": runs.quantile(q) for q in (0.1, 0.9)}
    return columns | ({} if runs.train is None else {"mean in training": runs.train_mean})


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


OWN = (
    *(
        "terms",
        "allow_unstable",
        "json",
        "out",
        "force",
        "quick",
        "all",
        "random",
        "seed",
        "figure",
    ),
    *("shard", "engine", "workers", "extend"),
)
"""Options of the command line that are no words of a configuration."""


def option(name: str) -> str:
    """What the command line calls an argument: ``--full-batch``, or ``the curve``."""
    word, bracket, index = name.partition("[")
    if word in WORDS or word in OWN:
        return f"--{word.replace('_', '-')}{bracket}{index}"
    return f"the {name}"


def in_shell(error: BaseException) -> str:
    """An error in the words of the command line."""
    if isinstance(error, (ArgumentError, ArgumentTypeError)):
        name = option(error.argument)
        if error.argument == "rule" and not isinstance(error.value, str):
            name = "the rule"
        return sentence(error, name[0].upper() + name[1:], error.shell or plain_fix(error), option)
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}."
    return str(error)


def warn(message: Any, *_: Any) -> None:
    """A warning of the package on one line."""
    say(f"Warning: {message}")
