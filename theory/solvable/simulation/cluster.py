"""How one simulation is spread over the devices of many processes."""

import os
from typing import Any

from solvable.util.checks import check_number
from solvable.util.errors import wrong_kind
from solvable.util.record import Record, choice, field


def _check_folder(name: str, value: Any) -> str:
    try:
        return os.fsdecode(value)
    except TypeError:
        raise wrong_kind(name, "be the path of a folder", value) from None


class Cluster(Record):
    """One simulation over all devices of all processes, with checkpoints.

    In one process there is nothing to set up. In several, each calls
    ``jax.distributed.initialize()`` first and then :func:`~solvable.simulate`, with the same
    arguments; each gets the same result, and one of them should save it.

    Args:
        along: What the devices share out: ``modes``, where every vector is cut, or ``seeds``.
        checkpoint: A folder that all processes see, made if there is none; or None. A run with one
            goes on where the last one ended, and then equals the run that was never stopped, bit
            for bit.
        every: Minutes between checkpoints. The last two are kept.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=1000)
        >>> runs = simulate(jax.random.key(0), problem, SGD(0.1, B=2), [0, 10], cluster=Cluster())
        >>> runs.risk.shape
        (1, 2)
    """

    along: str = choice("modes", "seeds", default="modes")
    checkpoint: Any = field(_check_folder, default=None, static=True, kind="path")
    every: float = field(
        lambda name, x: check_number(name, x, positive=True),
        default=10.0,
        static=True,
        kind="number",
    )
