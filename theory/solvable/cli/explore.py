"""``solvable explore``: the phases and curves as one page, which needs no network."""

import webbrowser
from pathlib import Path

from solvable.cli.arguments import Flag

PAGE = Path(__file__).with_name("explorer.html")
"""Built from docs/explorer."""


def explore(*, no_open: Flag = False) -> None:
    """Open the page of the phases, with the curves behind them, in the browser; print its path.

    Args:
        no_open: Only print the path.
    """
    print(PAGE)  # noqa: T201 - whole, on one line, for other commands to read
    if not no_open:
        webbrowser.open(PAGE.as_uri())
