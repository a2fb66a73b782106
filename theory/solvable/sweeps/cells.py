"""The cells of a sweep: one configuration each, with a name that determines its numbers."""

import functools
import hashlib
import itertools
import json
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from solvable.cli.arguments import Family, Model, Rule, Training
from solvable.models.problem import check_one_pass
from solvable.simulation.loop import MAX_STEP as LONGEST
from solvable.simulation.one_pass import check_setting
from solvable.sweeps.file import MEANT, File, axes, flops, path_of
from solvable.sweeps.words import law_of
from solvable.util.checks import check_count
from solvable.util.errors import requirement
from solvable.util.steps import MAX_STEP, MAX_STEPPED, check_steps

_DATA = ("alpha", "beta", "noise")
_TRAINING = ("gamma", "fraction", "B", "schedule", "mu", "ema", "tail")


@functools.cache
def release() -> str:
    """The version of this package."""
    return version("solvable")


@dataclass(frozen=True)
class Cell:
    """One configuration: what ``solvable <compute>`` would be given."""

    compute: str
    values: dict[str, Any]
    """Of the problem and its training, by key."""
    run: dict[str, Any]
    """The keys of ``run`` that mean something for what is computed."""

    @functools.cached_property
    def name(self) -> str:
        """A hash of all that determines the numbers, the version of this package included.

        Theory is float64; the precision of a simulation is one of its words.
        """
        words = [self.compute, sorted(self.values.items()), sorted(self.run.items())]
        text = json.dumps([release(), *words])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def seed(self) -> int:
        """Of its random numbers, below 2^31: its own, whatever other cells there are."""
        return int(self.name[:8], 16) >> 1

    @property
    def size(self) -> dict[str, Any]:
        """Numbers of coordinates and features; a frontier has all."""
        if self.compute == "frontier":
            return {}
        given, d = self.values, self.values.get("d")
        return dict(v=round(given["ratio"] * d) if "ratio" in given else given["v"], d=d)

    def problem(self) -> Any:
        """What is learned, as the other commands make it."""
        model = {key: self.values[key] for key in _DATA} | self.size
        linear = self.values.get("linear_regression", False)
        return Model(**model, linear_regression=linear).problem()

    def rule(self, problem: Any) -> Any:
        """How, as the other commands make it."""
        given = {key: self.values[key] for key in _TRAINING if key in self.values}
        return Rule(**given).rule(problem, self.steps)

    def family(self) -> Family:
        """The problems of a frontier."""
        return Family(**{key: self.values[key] for key in (*_DATA, "ratio")})

    def training(self) -> Training:
        """The rate and the batch size of a frontier."""
        return Training(**{key: x for key, x in self.values.items() if key in _TRAINING[:3]})

    @property
    def steps(self) -> Any:
        """The last step or the recorded ones, whole."""
        return self.run.get("steps", 1)

    @property
    def command(self) -> str:
        """The shell command with the same numbers; ``expect`` has none, but the same words."""
        values = {key: x for key, x in self.values.items() if key not in ("v", "ratio", "d")}
        values |= {k: x for k, x in self.size.items() if x is not None}
        if self.compute == "frontier":
            values["ratio"] = self.values["ratio"]
            values.pop("schedule")
        run = {key: x for key, x in self.run.items() if key != "seed" and x is not None}
        run |= {"seed": self.seed} if "seed" in self.run else {}
        words = [self.compute] if self.compute == "expect" else ["solvable", self.compute]
        for key, x in (values | run).items():
            text = ",".join(map(str, x)) if isinstance(x, list) else str(x)
            option = f"--{key.replace('_', '-')}"
            words += [option] if x is True else [option, text]
        return " ".join(words)


def run_words(file: File) -> dict[str, Any]:
    """What ``run`` says that means something for what is computed, plain."""
    words = {key: getattr(file.run, key) for key in MEANT[file.compute]}
    if file.compute == "frontier":
        words["flops"] = flops(file).tolist()
    else:
        given = words["steps"]
        check_steps(given, maximum=LONGEST if file.compute == "simulate" else MAX_STEP)
        words["steps"] = [int(x) for x in given] if isinstance(given, list) else int(given)
    if "seeds" in words:
        check_count("seeds", words["seeds"])
        check_count("seed", words["seed"], minimum=0, maximum=2**63 - 1)
        words["seeds"] = int(words["seeds"])
    return words


def all_cells(file: File) -> list[Cell]:
    """Every cell, the last key changing fastest; each a problem and a rule that can be.

    Raises:
        ValueError: If a problem or a rule cannot be, with the path of its key.
    """
    found, values = axes(file), {}
    try:
        run = run_words(file)
        cells = [
            Cell(file.compute, dict(zip(found, each, strict=True)), run)
            for each in itertools.product(*found.values())
        ]
        checked = set()
        for cell in cells:
            values = cell.values
            for check in (_check_problem, _check_training):
                check(cell, checked)
    except ValueError as error:
        named = re.search(r"Argument `(\w+)", str(error))
        at = path_of(named[1], values, file) if named else "$"
        where = ", ".join(f"{key} = {x}" for key, x in values.items() if len(found[key]) > 1)
        text = str(error).removesuffix(".")
        raise ValueError(f"{text} - at `{at}`{where and f', for {where}'}") from None
    return cells


def _check_problem(cell: Cell, checked: set) -> None:
    size = cell.size
    words = (*(cell.values[key] for key in _DATA), cell.values.get("ratio"), *size.values())
    if words in checked:
        return
    if cell.compute == "frontier":
        cell.family().problem(8)
    else:
        check_one_pass(cell.problem())
    checked.add(words)


def _check_training(cell: Cell, checked: set) -> None:
    """All of it but thresholds, which take a moment each."""
    words = tuple(cell.values.get(key) for key in _TRAINING)
    if words in checked:
        return
    given = {key: cell.values[key] for key in _TRAINING if key in cell.values}
    given.setdefault("gamma", 1.0)
    given.pop("fraction", None)
    rule = Rule(**given).rule(None, cell.steps)
    last = int(check_steps(cell.steps)[-1])
    if given.get("tail", 0) >= max(last, 1):
        raise requirement("tail", f"be below the last step, {last}", given["tail"])
    if cell.compute != "simulate" and not rule.constant and last > MAX_STEPPED:
        must = f"end by {MAX_STEPPED:.0e} for a rule that changes from step to step"
        raise requirement("steps", must, last)
    if cell.compute == "simulate":
        run = cell.run
        check_setting(rule, run["engine"], law_of(run), run["dtype"])
    checked.add(words)
