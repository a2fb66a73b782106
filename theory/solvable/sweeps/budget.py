"""What a sweep will take, before it is run, from a short calibration; and what to cut."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from solvable.dynamics.inversion import TALBOT
from solvable.simulation import budget
from solvable.simulation.full_batch import check_axis
from solvable.sweeps.cell_batches import Group, batches, compute, group, together
from solvable.sweeps.cells import Cell
from solvable.sweeps.store import pack
from solvable.sweeps.words import inputs_of

CALIBRATED = 4
"""Groups of cells that are timed; the time of the others is interpolated in their work."""

_SHORT = 20_000  # steps of a calibration, of rules that must be stepped
_LONG = 120.0  # seconds of a first call, after which there is no second one
_REPEATED = 0.5  # seconds of calls of which the fastest counts, as others may use the machine
_HEAVY = 0.4


@dataclass(frozen=True)
class SweepEstimate:
    """What a sweep will take."""

    cells: int
    seconds: float
    """Time on this machine, without compilation."""
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


def _axis(cell: Cell) -> np.ndarray:
    """What is recorded: steps, times, ridges or budgets."""
    if cell.compute == "frontier":
        return np.asarray(cell.run["flops"])
    found = cell.setup(gamma=1.0)
    return check_axis(found.rule, found.x)


def _work(cell: Cell) -> float:
    """What the time of a cell grows with, roughly."""
    size, last = cell.size, float(_axis(cell)[-1])
    d, v = size.get("d") or size.get("v") or 1, size.get("v") or 1
    draw = v * d**2 if size.get("d") else 0.0
    if cell.compute == "expect":
        return cell.seeds * (draw + d**2)
    if cell.compute == "simulate":
        n, steps = cell.values.get("n"), max(last, 1) if "steps" in cell.run else 1
        samples = n or cell.values.get("B", 1) * (v if cell.run.get("engine") == "features" else 1)
        each = n * d**2 if n and "steps" not in cell.run else samples * d * steps
        return cell.seeds * (draw + each + (n or 0) * d * v)
    return 1.0


def _shorter(cell: Cell) -> tuple[Cell, float]:
    """A cell of the same program that takes less time, and by what factor."""
    short, factor = replace(cell, run=cell.run | {"seeds": 1}), float(cell.seeds)
    steps = cell.compute == "simulate" or not cell.setup(gamma=1.0).rule.constant
    if "steps" in cell.run and steps and (last := int(_axis(cell)[-1])) > _SHORT:
        return replace(short, run=short.run | {"steps": _SHORT}), factor * last / _SHORT
    return short, factor


def _fastest(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call that compiles nothing, and what it gave."""
    found, elapsed, total = None, np.inf, 0.0
    for k in range(9):
        began = time.perf_counter()
        found = call()
        spent = time.perf_counter() - began
        if k == 0 and spent < _LONG:
            continue  # it has compiled
        elapsed, total = min(elapsed, spent), total + spent
        if total > _REPEATED:
            break
    return elapsed, found


def _timed(cells: Sequence[Cell]) -> tuple[float, int, int]:
    """Seconds and bytes of a batch, filled up as it will be, and bytes of a file."""
    cell, recorded = cells[0], _axis(cells[0]).size
    if _is_fresh(cell):
        problem, rule, x, _ = cell.setup()
        words = {key: cell.run[key] for key in ("engine", "dtype") if key in cell.run}
        words |= {"seeds": cell.seeds, "inputs": inputs_of(cell.words)}
        each = [budget.estimate(problem, rule, x, **words) for _ in range(3)]
        lanes, file = together(cell), 8 * recorded * cell.seeds + 200
        return lanes * min(one.seconds for one in each), lanes * each[0].memory, file
    short, factor = (cell, 1.0) if cell.compute == "frontier" else _shorter(cell)
    seconds, [arrays, *_] = _fastest(lambda: compute([short, *cells[1:]]))
    file = len(pack(cell.name, arrays)) * cell.seeds
    v, d = cell.size.get("v", 512), cell.size.get("d") or 0
    if cell.compute == "predict":
        nodes = cell.problem().spectrum().lam.size
        return factor * seconds, 16 * TALBOT * recorded * nodes, file
    samples = cell.values.get("n", 0) * (v + d)
    return factor * seconds, 32 * (v * d + samples) + file, file


def _is_fresh(cell: Cell) -> bool:
    return cell.compute == "simulate" and cell.setup(gamma=1.0).rule.data == "fresh"


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
    for axis in (key for key, x in cells[0].values.items() if not isinstance(x, list)):
        spent: dict[Any, float] = defaultdict(float)
        for cell in cells:
            spent[cell.values[axis]] += each[cell.name]
        value = max(spent, key=lambda x: spent[x])
        share = spent[value] / total
        if len(spent) > 1 and share > max(_HEAVY, 1.5 / len(spent)):
            yield axis, value, share
