"""What the memory of this machine holds, asked before any of it is taken.

Sizes whose arrays would not fit are refused in a sentence. Without that the operating system ends
the process, and says nothing.
"""

import contextlib
import functools
import math
import os
from collections.abc import Callable
from pathlib import Path

from solvable.util.errors import requirement


@functools.cache
def machine_memory() -> float:
    """Bytes of memory of this machine, or of the job or container that it is, if that has less.

    Infinite where the system does not say it.
    """
    found = [math.inf]
    with contextlib.suppress(AttributeError, ValueError, OSError):
        found.append(float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES"))
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        found.append(math.inf if soft == resource.RLIM_INFINITY else float(soft))
    for limit in _group_limits():
        with contextlib.suppress(ValueError, OSError):  # "max", or no such file
            found.append(float(int(limit.read_text())))
    return min(size for size in found if size > 0)


def _group_limits() -> list[Path]:
    """Where Linux keeps the limits of the groups that this process is in, the outer ones too."""
    root = Path("/sys/fs/cgroup")
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for _, kinds, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        name = "memory.max" if not kinds else "memory.limit_in_bytes"
        if not kinds or "memory" in kinds.split(","):
            inner = Path(path.lstrip("/"))
            found += [
                root / ("memory" if kinds else "") / x / name for x in (inner, *inner.parents)
            ]
    return found


def in_words(size: float) -> str:
    """Bytes, in a unit of which there are some."""
    units = {"TiB": 40, "GiB": 30, "MiB": 20}
    unit = next((unit for unit, power in units.items() if size >= 2**power), "KiB")
    return f"{size / 2 ** units.get(unit, 10):,.3g} {unit}"


def check_memory(
    needed: Callable[..., float],
    sizes: dict[str, int],
    fix: str = "",
    memory: float | None = None,
) -> None:
    """Refuse sizes whose arrays would not fit, before any of them is made.

    The message names the size that, were it 1, would leave least.

    Args:
        needed: The bytes they take, a formula of the sizes in their order.
        sizes: By what they are called, of which the last word is the name of the argument.
        fix: How to need less.
        memory: The bytes there are; by default those of this machine.

    Raises:
        ValueError: If they take more than there is.

    Example:
        >>> check_memory(lambda v, d: 8 * v * d, {"v": 10, "d": 10})
        >>> try:
        ...     check_memory(lambda v, d: 8 * v * d, {"v": 10**8, "d": 20}, memory=2**30)
        ... except ValueError as error:
        ...     print(error)
        Argument `v` must leave arrays whose entries fit into 1 GiB of memory, but is 100000000.
        At v = 100000000, d = 20 they take 14.9 GiB.
    """
    memory = machine_memory() if memory is None else memory
    if (total := needed(*sizes.values())) <= memory:
        return
    name = min(sizes, key=lambda one: needed(*(sizes | {one: 1}).values()))
    at = ", ".join(f"{one} = {size}" for one, size in sizes.items())
    must = f"leave arrays whose entries fit into {in_words(memory)} of memory"
    fix = f"At {at} they take {in_words(total)}. {fix}".strip()
    raise requirement(name.split()[-1], must, sizes[name], fix)
