"""The cells of a sweep: one configuration each, with a name that determines its numbers."""

import functools
import hashlib
import itertools
import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from solvable.models.problem import MAX_COORDINATES, Problem, check_one_pass
from solvable.simulation.full_batch import check_axis, check_sizes
from solvable.simulation.loop import MAX_STEP as LONGEST
from solvable.simulation.one_pass import check_setting
from solvable.sweeps.file import File, axes, dimensions, flops, in_file, path
from solvable.sweeps.schema import DEFAULTS, FRONTIER, MAX_SEED, TABLES, WORDS
from solvable.sweeps.words import Setup, check_words, inputs_of, problem_of, setup, size_of
from solvable.util.checks import check_count, check_number
from solvable.util.errors import ArgumentError, ArgumentTypeError, requirement
from solvable.util.steps import MAX_STEP, MAX_STEPPED, check_steps

MAX_ENTRIES = 2**33
"""Largest number of entries of the arrays of a cell, 64 GiB: a smaller machine refuses them when it
comes to them."""

_RUN = tuple(word.name for word in TABLES["run"])


@functools.cache
def release() -> str:
    """The version of this package."""
    return version("solvable")


@dataclass(frozen=True)
class Cell:
    """One configuration: what ``solvable <compute>`` would be given."""

    compute: str
    values: dict[str, Any]
    """The words of the problem, its training and its data set, each with one value."""
    run: dict[str, Any]
    """Words of the run."""

    @functools.cached_property
    def name(self) -> str:
        """A hash of all that determines the numbers, the version of this package included.

        What is said and is the default counts as not said.
        """
        said = sorted(item for item in self.words.items() if item[1] != DEFAULTS.get(item[0]))
        text = json.dumps([release(), self.compute, *said])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def words(self) -> dict[str, Any]:
        """All of them, flat."""
        return self.values | self.run

    @property
    def seed(self) -> int:
        """Seed of its random numbers, below 2^31: its own, whatever other cells there are."""
        return int(self.name[:8], 16) >> 1

    @property
    def seeds(self) -> int:
        """How many runs, or draws of the features."""
        return self.run.get("seeds", 1)

    @property
    def size(self) -> dict[str, Any]:
        """Numbers of coordinates and features; a frontier has all."""
        if self.compute == FRONTIER:
            return {}
        if "model" in self.values:
            problem = self.problem()
            return {"v": int(problem.v), "d": problem.d}
        return {"d": None} | size_of(self.words)

    def problem(self) -> Problem:
        """What is learned, as the other commands make it."""
        return problem_of(self.words)

    def setup(self, **options: Any) -> Setup:
        """What it trains, as the other commands make it."""
        return setup(self.words, **options)

    @property
    def command(self) -> str:
        """The shell command with the same numbers."""
        return command(self.compute, self.words | ({"seed": self.seed} if self.is_random else {}))

    @property
    def is_random(self) -> bool:
        """Whether its numbers depend on its seed."""
        return "seeds" in self.run


def command(compute: str, words: dict[str, Any]) -> str:
    """A command line that says these words."""
    parts, fields = ["solvable", compute], {"model": [], "rule": []}
    for key, x in words.items():
        word, _, field = key.partition(".")
        text = ",".join(map(str, x)) if isinstance(x, list) else str(x)
        if field:
            fields[word].append(f"{field}={text}")
        elif WORDS[key].kind == "flag":
            parts += [f"--{key.replace('_', '-')}"] if x else []
        else:
            parts += [f"--{key.replace('_', '-')}", text]
    for word, given in fields.items():
        parts += [f"--{word}-fields", ",".join(given)] if given else []
    return " ".join(parts)


def run_words(file: File) -> dict[str, Any]:
    """What the file says of the run, plain, with the number of seeds and the seed.

    Raises:
        ValueError: If a value is bad.
    """
    words = {key: file.words[key] for key in _RUN if key in file.words}
    if file.compute == FRONTIER:
        return {"flops": flops(file).tolist()}
    if "steps" in words:
        check_steps(words["steps"], maximum=LONGEST if file.compute == "simulate" else MAX_STEP)
        whole = lambda x: [int(y) for y in x] if isinstance(x, list) else int(x)
        words["steps"] = whole(words["steps"])
    if file.compute in WORDS["seeds"].commands:
        words["seeds"] = check_count("seeds", words.get("seeds", 1), maximum=10**6)
        words["seed"] = check_count("seed", words.get("seed", 0), minimum=0, maximum=MAX_SEED)
    return words


def all_cells(file: File, *, check: bool = True) -> list[Cell]:
    """Every cell, the last key changing fastest; each a problem and a rule that can be.

    Args:
        file: A checked file.
        check: Whether they can be is checked; this imports the classes that the file names.

    Raises:
        ValueError: If a problem or a rule cannot be, with the path of its key.
    """
    found, values = axes(file), {}
    try:
        run = run_words(file)
        each = itertools.product(*found.values())
        cells = [Cell(file.compute, dict(zip(found, x, strict=True)), run) for x in each]
        checked: set = set()
        for cell in cells if check else ():
            values = cell.values
            _check(cell, checked)
    except (ArgumentError, ArgumentTypeError) as error:
        word = next((x for x in values if x.endswith(f".{error.argument}")), error.argument)
        word = "ratio" if word == "v" and "ratio" in values else word.partition("[")[0]
        dims = dimensions(file)
        index = dims[word].index(values[word]) if word in dims and values else None
        where = ", ".join(f"{key} = {values[key]}" for key in dims if values)
        text = str(in_file(error, path(word, index)))
        raise ValueError(f"{text} (At {where}.)" if where else text) from None
    return cells


def _check(cell: Cell, checked: set) -> None:
    """All of a cell but what depends on thresholds, which take a moment each.

    The parts of cells that differ in the problem alone, or in the rule alone, are checked once.
    """
    names = {word.name for word in TABLES["problem"]}
    is_problem = lambda key: key.partition(".")[0] in names
    parts = (
        tuple((k, str(x)) for k, x in cell.values.items() if is_problem(k) == one)
        for one in (True, False)
    )
    new = {part for part in parts if part not in checked}
    if not new:
        return
    checked |= new
    if cell.compute == FRONTIER:
        family(cell.values, 8)
        check_number("gamma", cell.values.get("gamma", 1.0), positive=True)
        check_words(cell.values)
        return
    found = cell.setup(gamma=1.0)
    problem, rule, x, data = found
    if rule.data == "whole":
        axis = check_axis(rule, x)
    else:
        check_one_pass(problem)
        axis = check_steps(x)
        if cell.values.get("tail", 0) >= max(int(axis[-1]), 1):
            raise requirement("tail", f"be below the last step, {axis[-1]}", cell.values["tail"])
    if cell.compute != "simulate":
        if rule.axis == "step" and not rule.constant and axis[-1] > MAX_STEPPED:
            must = f"end by {MAX_STEPPED:.0e} for a rule that changes from step to step"
            raise requirement("steps", must, int(axis[-1]))
    elif rule.data == "whole":
        check_sizes(data.get("n"), cell.seeds, data.get("ensemble", 1), data.get("bags", 1))
    else:
        check_setting(rule, cell.run.get("engine", "modes"), inputs_of(cell.words), "float32")
    if cell.compute != "predict":
        _check_entries(cell, axis.size)


def _check_entries(cell: Cell, recorded: int) -> None:
    """What is held in memory at once: the features and samples of a seed, the memory of all."""
    v, d = (cell.size[name] for name in ("v", "d"))
    n, ensemble, bags = (cell.values.get(name, 1) for name in ("n", "ensemble", "bags"))
    check_count("v", v, maximum=MAX_COORDINATES)
    words = {
        "d": ensemble * (d or 0) * v,
        "n": bags * n * (v + ensemble * (d or v)),
        "seeds": cell.seeds * max((d or 1) * v if "engine" in cell.run else d or v, recorded),
    }
    for word, entries in words.items():
        if entries > MAX_ENTRIES:
            must = f"leave at most {MAX_ENTRIES:.1e} entries to hold, not {entries:.1e}"
            raise requirement(word, must, cell.words.get(word))


def family(words: dict[str, Any], d: int) -> Problem:
    """The problem of size d of a frontier."""
    return problem_of({name: words[name] for name in ("alpha", "beta", "noise", "ratio")
                       if name in words} | {"d": d})  # fmt: skip
