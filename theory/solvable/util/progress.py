"""How far a simulation or a sweep is, on stderr."""

import contextlib
import time
from collections.abc import Callable, Generator


@contextlib.contextmanager
def progress_bar(
    show: bool, last: int, unit: str = "steps", what: str = "SGD", done: int = 0
) -> Generator[Callable[[int], None]]:
    """A function of what is done, out of ``last``, which draws it if ``show`` is set.

    What was ``done`` before counts, but not for the rate.
    """
    if not show:
        yield lambda t: None
        return
    from rich.console import Console
    from rich.progress import Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    speed = TextColumn(f"{{task.fields[rate]}} {unit}/s")
    columns = (*Progress.get_default_columns()[:2], TaskProgressColumn(), speed)
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task, began = bar.add_task(what, total=last, completed=done, rate="0"), time.perf_counter()

        def update(t: int) -> None:
            rate = (t - done) / (time.perf_counter() - began)
            bar.update(task, completed=t, rate=f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}")

        yield update
