"""What the command line takes: numbers, and the options made from the words of a command."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from solvable.cli.output import check_file, plain, save, show, show_json, table, write_result
from solvable.sweeps.schema import MAX_SEED, TABLES, Word, meant

ROWS = 16
"""A table on the screen shows at most this many rows of a result."""

GROUPS = {
    "problem": Group("What is learned", sort_key=1),
    "training": Group("How", sort_key=2),
    "data": Group("On which data set; without, fresh samples at every step", sort_key=3),
    "run": Group("Run", sort_key=4),
}
PRINTED = Group("Output", sort_key=5)


def _exact(text: str) -> Fraction | float:
    try:
        x = float(text)
        return Fraction(text) if 1e-300 < abs(x) < math.inf else x
    except ValueError:
        pass
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is no number such as 0.7, 7/10 or 1e9.") from None


def _real(text: str) -> float:
    return float(_exact(text))


def count(text: str) -> int | float:
    x = _exact(text)  # 0.5, NaN and infinity are for the package to refuse
    return int(x) if math.isfinite(x) and x == int(x) else float(x)


def _seed(text: str) -> int:
    x = count(text)
    if not (isinstance(x, int) and 0 <= x <= MAX_SEED):
        raise ValueError(f"{text!r} is no whole number from 0 to {MAX_SEED}.")
    return x


def _list(parse: Callable[[str], Any]) -> Callable[[str], list]:
    return lambda text: [parse(part) for part in text.split(",")]


def _one_or_list(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: _list(parse)(text) if "," in text else parse(text)


def flops_range(text: str) -> list[float]:
    if ":" not in text:
        return [_real(part) for part in text.split(",")]
    low, high = (_real(part) for part in text.split(":", 1))
    if not 0 < low < high < math.inf:
        raise ValueError(f"{text!r} is no increasing pair such as 1e9:1e20.")
    decades = [low * 10.0**k for k in range(int(math.log10(high / low) + 1e-9) + 1)]
    return decades if math.isclose(decades[-1], high) else [*decades, high]


def _fields(text: str) -> dict[str, Any]:
    """Fields of a class, such as nu=0.9,kind=fast: numbers, or words."""

    def value(part: str) -> Any:
        try:
            return count(part)
        except ValueError:
            return part

    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and sign for name, sign, _ in pairs):
        raise ValueError(f"{text!r} is no list of fields such as nu=0.9,order=2.")
    return {name.strip(): value(part.strip()) for name, _, part in pairs}


def typed(parse: Callable[[str], Any], metavar: str, **options: Any) -> Parameter:
    return Parameter(
        converter=lambda _, tokens: parse(tokens[0].value),
        metavar=metavar,
        negative="",
        n_tokens=1,
        allow_leading_hyphen=True,
        **options,
    )


Exact = Annotated[Fraction, typed(_exact, "X")]
Count = Annotated[int, typed(count, "N")]
Seed = Annotated[int, typed(_seed, "N")]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]

_KINDS: dict[str, tuple[Callable[[str], Any], str]] = {
    "real": (_real, "X"),
    "count": (count, "N"),
    "seed": (_seed, "N"),
    "steps": (_one_or_list(count), "N[,N...]"),
    "reals": (_one_or_list(_real), "X[,X...]"),
    "vector": (_list(_real), "X,X[,X...]"),
    "flops": (flops_range, "LOW:HIGH|F[,F...]"),
    "class": (str, "MODULE:CLASS"),
    "fields": (_fields, "NAME=X[,NAME=X...]"),
}


def _option(word: Word, group: Group) -> tuple[str, Any, Any]:
    """A word as a field of a class of options."""
    name = f"--{word.name.replace('_', '-')}"
    known: dict[str, Any] = dict(name=name, help=word.help, group=group)
    if word.kind == "flag":
        hint = Annotated[bool, Parameter(negative="", show_default=False, **known)]
    elif word.kind == "choice":
        choices = Literal[*word.choices]  # ty: ignore[invalid-type-form]
        hint = Annotated[choices, Parameter(**known)]
    else:
        hint = Annotated[Any, typed(*_KINDS[word.kind], **known)]
    return word.name, hint, field(default=word.default)


def options(command: str) -> Any:
    """The options of a command: a class with a field for every word that it knows."""
    fields = [_option(word, GROUPS[name]) for name in TABLES for word in meant(name, command)]
    made = make_dataclass(command.title(), fields, frozen=True, kw_only=True)
    made.__module__ = __name__
    return Parameter(name="*")(made)


def given(options: Any) -> dict[str, Any]:
    """The words of options, but for those that are not said."""
    return {name: x for name, x in vars(options).items() if x is not None}


@Parameter(name="*", group=PRINTED)
@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a result goes."""

    json: Flag = False
    """Print JSON, alone, on stdout."""
    out: Path | None = None
    """Save all numbers to FILE.nc (for solvable.load) or FILE.csv."""
    force: Flag = False
    """Replace the file if it exists."""

    def check(self) -> None:
        """Refuse a bad file, before the computation."""
        if self.out is not None:
            check_file("--out", self.out, (".nc", ".csv"), self.force)

    def deliver(self, result: Any, heading: str, columns: dict, note: str = "", **also) -> int:
        """Save the result and print it, with what ``also`` belongs to it; the exit code."""
        try:
            write = lambda path: write_result(result, path, self.force, also)
            return save(self.out, write) if self.out else 0
        finally:  # whatever became of the file, the numbers are shown
            if self.json:
                show_json(plain(result) | also)
            else:
                rows = list(zip(*columns.values(), strict=True))
                last, n = len(rows) - 1, min(len(rows), ROWS)
                shown = [rows[round(k * last / max(n - 1, 1))] for k in range(n)]
                show(heading, table(columns, shown), note)


DEFAULT_OUTPUT = Output()
