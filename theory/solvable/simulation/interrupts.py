"""Ctrl-C: the first returns what is done, a second one soon after it ends the program."""

import time

SOON = 5.0
"""Seconds."""

_presses: list[float] = []


def is_second() -> bool:
    """Note an interrupt; whether there was another one within the last seconds.

    In a loop of simulations each of them would otherwise end early, and the loop never.
    """
    now = time.monotonic()
    second = bool(_presses) and now - _presses[-1] < SOON
    _presses[:] = [now]
    return second
