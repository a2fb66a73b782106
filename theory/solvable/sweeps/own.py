"""Problems and rules of one's own, by the import path of their class."""

import dataclasses
import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

from solvable.sweeps.schema import DEFAULTS
from solvable.util.errors import requirement, wrong_kind
from solvable.util.record import Record


def class_of(word: str, path: str, base: type[Record]) -> type[Record]:
    """The class of an import path ``module:Class``; modules of the working folder are found too.

    Raises:
        ValueError: If there is no such class.
        TypeError: If it is none that derives from ``base``.
    """
    module, _, name = str(path).partition(":")
    if not (module and name):
        raise requirement(word, "name a class as module:Class", path)
    before, sys.path = sys.path, [*sys.path, os.getcwd()]
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise requirement(word, "name a class that can be imported", path, f"{error}.") from error
    finally:
        sys.path = before
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise wrong_kind(word, f"name a class that derives from {base.__name__}", path)
    return cls


def fields_of(cls: type[Record]) -> dict[str, bool]:
    """The fields of a record class, and whether each must be given."""
    return {f.name: f.default is dataclasses.MISSING for f in dataclasses.fields(cls)}


def made(word: str, base: type[Record], words: Mapping[str, Any], shared: Mapping[str, Any]) -> Any:
    """A record of the class that ``word`` names.

    Args:
        word: ``model`` or ``rule``.
        base: What the class must derive from.
        words: Flat words: ``rule.nu`` is its field ``nu``.
        shared: Words that go to fields of the same name; at their default, only if there is one.

    Raises:
        ValueError: If a field is missing, or is none of the class.
    """
    cls = class_of(word, words[word], base)
    fields = fields_of(cls)
    given = {k: x for k, x in shared.items() if k in fields or x != DEFAULTS[k]}
    given |= {k.partition(".")[2]: x for k, x in words.items() if k.startswith(f"{word}.")}
    missing = {name for name, needed in fields.items() if needed} - given.keys()
    if missing or given.keys() - fields.keys():
        must = f"be the fields of {cls.__name__}: {', '.join(fields) or 'none'}"
        raise requirement(f"{word}_fields", must, ", ".join(given) or "none")
    return cls(**given)
