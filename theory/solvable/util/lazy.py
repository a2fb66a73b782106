"""Names of a package that are imported on first use, so that ``import solvable`` costs nothing."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def attach(
    package: str, homes: Mapping[str, Sequence[str]], modules: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Args:
        package: Its name.
        homes: The names of every module below ``solvable`` that are offered.
        modules: Modules that are offered themselves, by the name they have here.
    """
    home = {name: where for where, names in homes.items() for name in names}
    modules = dict(modules or {})
    every = sorted([*home, *modules])

    def __getattr__(name: str) -> Any:
        if name in modules:
            return importlib.import_module(f"solvable.{modules[name]}")
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"solvable.{home[name]}"), name)

    return __getattr__, lambda: every, every
