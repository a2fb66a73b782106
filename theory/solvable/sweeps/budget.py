"""What a sweep will take, before it is run, from a short calibration; and what to cut."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from solvable.dynamics.inversion import TALBOT
from solvable.simulation import budget
from solvable.sweeps.cell_batches import Group, batches, compute, group, together
from solvable.sweeps.cells import Cell
from solvable.sweeps.store import pack
from solvable.sweeps.words import law_of
from solvable.util.steps import check_steps

CALIBRATED = 4
"""Groups of cells that are timed; the time of the others is interpolated in their work."""

_SHORT = 20_000  # steps of a calibration, of rules that must be stepped
_LONG = 20.0  # seconds, of which compiling is no large part
_HEAVY = 0.4


@dataclass(frozen=True)
class SweepEstimate:
    """What a sweep will take."""

    cells: int
    seconds: float
    """On this machine, without compilation."""
    programs: int
    """Groups of cells that compile a program each, a few seconds."""
    memory: int
    """Bytes of the largest batch."""
    disk: int
    """Bytes of all cells and their dataset."""
    heaviest: tuple[tuple[str, Any, float], ...]
    """Axis, value and share of the time: the most expensive value of each axis."""

    def __str__(self) -> str:
        programs = f"{self.programs} program{'s' * (self.programs != 1)}"
        lines = [
            f"{self.cells} cells in {programs}: about {_duration(self.seconds)} and "
            f"a few seconds a program to compile, {_bytes(self.memory)} of memory, "
            f"{_bytes(self.disk)} of disk."
        ]
        heavy = [f"{axis} = {x} takes {share:.0%}" for axis, x, share in self.heaviest]
        if heavy:
            lines.append(f"To cut: {', '.join(heavy)} of the time.")
        else:
            lines.append("To cut: all cells cost about as much; fewer cells, seeds or steps.")
        return "\n".join(lines)


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} s"


def _bytes(size: float) -> str:
    for unit, power in (("GiB", 30), ("MiB", 20)):
        if size >= 2**power:
            return f"{size / 2**power:.1f} {unit}"
    return f"{size / 2**10:.0f} KiB"


def _work(cell: Cell) -> float:
    """What the time of a cell grows with, roughly."""
    size, steps = cell.size, check_steps(cell.steps)[-1]
    d = size.get("d") or size.get("v") or 1
    draw = size["v"] * d**2 if size.get("d") else 0.0
    if cell.compute == "expect":
        return cell.run["seeds"] * (draw + d**2)
    if cell.compute == "simulate":
        sample = d * (size["v"] if cell.run["engine"] == "features" else 1)
        return cell.run["seeds"] * (draw + cell.values["B"] * sample * max(steps, 1))
    return 1.0


def _timed(cells: Sequence[Cell]) -> tuple[float, int, int]:
    """Seconds and bytes of a batch, filled up as it will be, and bytes of a file."""
    cell = cells[0]
    recorded = check_steps(cell.steps).size
    if cell.compute == "simulate":
        words = {key: cell.run[key] for key in ("seeds", "engine", "dtype")}
        words["inputs"] = law_of(cell.run)
        problem = cell.problem()
        found = budget.estimate(problem, cell.rule(problem), cell.steps, **words)
        lanes = together(cell)
        return lanes * found.seconds, lanes * found.memory, 8 * recorded * cell.run["seeds"] + 200
    short, factor = cell, 1.0
    if cell.compute == "expect":
        short, factor = replace(cell, run=cell.run | {"seeds": 1}), float(cell.run["seeds"])
    elif "steps" in cell.run and cell.values["schedule"] != "constant":
        last = int(check_steps(cell.steps)[-1])
        short = replace(cell, run=cell.run | {"steps": min(last, _SHORT)})
        factor = max(last / _SHORT, 1.0)
    batch = [short, *cells[1:]] if len(cells) > 1 else [short]
    for _ in range(2):  # the first call also compiles
        began = time.perf_counter()
        [arrays, *_] = compute(batch)
        elapsed = time.perf_counter() - began
        if elapsed > _LONG:
            break
    seconds = factor * elapsed
    file = int(len(pack(arrays)) * (factor if cell.compute == "expect" else 1))
    if cell.compute == "expect":
        draw = (cell.size["d"] or 0) * cell.size["v"]
        return seconds, 32 * draw + file, file
    nodes = 512 if cell.compute == "frontier" else cell.problem().spectrum().lam.size
    return seconds, 16 * TALBOT * recorded * nodes, file


def estimate(cells: Sequence[Cell]) -> SweepEstimate:
    """Time, memory and disk of computing these cells here, one device, one after the other."""
    groups: dict[Group, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[group(cell)].append(cell)
    ordered = sorted(groups.values(), key=lambda members: _work(members[0]))
    chosen = np.unique(np.linspace(0, len(ordered) - 1, CALIBRATED).round().astype(int))
    timed = [_timed(batches(ordered[k])[0]) for k in chosen]
    works = np.log([_work(ordered[k][0]) for k in chosen])
    seconds = np.log([max(one, 1e-6) for one, *_ in timed])
    each = {}
    for members in ordered:
        batch = float(np.exp(np.interp(np.log(_work(members[0])), works, seconds)))
        spent = batch * len(batches(members)) / len(members)
        each |= {cell.name: spent for cell in members}
    total = sum(each.values())
    return SweepEstimate(
        cells=len(cells),
        seconds=total,
        programs=len(ordered),
        memory=max(memory for _, memory, _ in timed),
        disk=2 * int(np.mean([file for *_, file in timed]) * len(cells)),
        heaviest=tuple(_heaviest(cells, each, total)),
    )


def _heaviest(cells: Sequence[Cell], each: dict[str, float], total: float):
    """The values that take far more than their share of the time, one for an axis at most."""
    for axis in cells[0].values:
        spent: dict[Any, float] = defaultdict(float)
        for cell in cells:
            spent[cell.values[axis]] += each[cell.name]
        value = max(spent, key=lambda x: spent[x])
        share = spent[value] / total
        if len(spent) > 1 and share > max(_HEAVY, 1.5 / len(spent)):
            yield axis, value, share
