"""When a curve is recorded: step 0 and logarithmically spaced steps, or the user's own."""

import numpy as np

from solvable.util.checks import check_count, check_number, check_vector, is_tracer
from solvable.util.errors import requirement, wrong_kind
from solvable.util.fields import Steps

MAX_STEP = 10**15
"""The largest step index the theory accepts: beyond it float64 no longer counts."""


MAX_STEPPED = 10**8
"""Where only single steps lead, the theory takes so many."""


def log_steps(last: int, count: int = 200) -> np.ndarray:
    """About ``count`` whole steps from 0 to ``last``, both included, even in the logarithm.

    Args:
        last: The last step, up to 10^15.
        count: How many, from 2 to 10^6.

    Raises:
        ValueError: If one is out of range.

    >>> log_steps(10, count=5)
    array([ 0,  1,  2,  5, 10])
    """
    last = check_count("last", last, minimum=0, maximum=MAX_STEP)
    count = check_count("count", count, minimum=2, maximum=10**6)
    if last < count:
        return np.unique(np.append(0, np.round(np.geomspace(1, max(last, 1), count)))).astype(int)[
            : last + 1
        ]
    return np.unique(np.append(0, np.round(np.geomspace(1, last, count - 1)))).astype(np.int64)


def check_times(times: Steps, name: str = "steps") -> np.ndarray:
    """The recorded times of gradient flow: 0 and log-spaced ones up to a number, or the array.

    They are the argument ``name``.

    Raises:
        ValueError: If a time is negative or not finite, or the array empty or not strictly
            increasing.
    """
    if is_tracer(times):
        must, fix = "be known numbers, which shapes depend on", "Do not trace them."
        raise wrong_kind(name, must, times, fix)
    if not isinstance(times, (list, tuple)) and np.ndim(times) == 0:
        last = float(check_number(name, times, minimum=0))
        return np.unique(
            np.append(0.0, last * np.geomspace(min(1e-2 / max(last, 1e-2), 1e-2), 1, 199))
        )
    array = check_vector(name, times)
    if array.min() < 0:
        raise requirement(name, "not be negative", float(array.min()))
    if (np.diff(array) <= 0).any():
        at = int(np.argmax(np.diff(array) <= 0))
        raise requirement(name, "be strictly increasing", array[at : at + 2].tolist())
    return array


def check_steps(steps: Steps, maximum: float = MAX_STEP) -> np.ndarray:
    """The recorded steps as int64: log-spaced up to an int, or the given array itself.

    Raises:
        ValueError: If a step is negative, fractional or above ``maximum``, or if the array is
            empty or not strictly increasing.
        TypeError: If ``steps`` is not numeric.
    """
    if is_tracer(steps):
        must, fix = "be known numbers, which shapes depend on", "Do not trace them."
        raise wrong_kind("steps", must, steps, fix)
    if not isinstance(steps, (list, tuple)) and np.ndim(steps) == 0:
        return log_steps(check_count("steps", steps, minimum=0, maximum=maximum))
    array = check_vector("steps", steps)
    if (array != np.floor(array)).any():
        raise requirement("steps", "hold whole numbers", float(array[array != np.floor(array)][0]))
    if array.min() < 0 or array.max() > maximum:
        worst = array.min() if array.min() < 0 else array.max()
        raise requirement("steps", f"lie between 0 and {maximum:g}", float(worst))
    if (np.diff(array) <= 0).any():
        at = int(np.argmax(np.diff(array) <= 0))
        raise requirement(
            "steps",
            "be strictly increasing",
            [int(array[at]), int(array[at + 1])],
            "Pass np.unique(steps).",
        )
    return array.astype(np.int64)
