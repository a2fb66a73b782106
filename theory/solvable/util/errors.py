"""Errors of user input, with fields, and their one sentence for Python.

A message names the argument, what it must be, what it is, and often how to mend it. The fields are
kept apart, so that the command line and the sweep files say the same in their own words.
"""

import numbers
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

DOCUMENTS = "https://github.com/solvable-models/solvable/blob/main/docs"
"""The address of the documents; of this version they are in a clone, in the folder ``docs``."""

_LONGEST = 200  # characters of a value in a message
_PACKAGE = str(Path(__file__).parents[1]) + os.sep


def why(page: str) -> str:
    """The end of a message that a page of the documents explains."""
    return f"Why: {DOCUMENTS}/{page}.md"


def shown(value: object) -> str:
    """A value as it stands in a message: its repr, shortened in the middle if it is long."""
    if isinstance(value, int) and abs(value) > 10**30:
        return f"an integer of {value.bit_length()} bits"
    try:
        return shortened(repr(value))
    except Exception:  # a value whose repr fails, or has more digits than Python prints
        return f"a {type(value).__name__}"


def shortened(text: object) -> str:
    """A text on one line, shortened in the middle if it is long."""
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 60]} ... {line[-50:]}"


class _Argument(Exception):
    """What both kinds of errors share: see :class:`ArgumentError`."""

    def __init__(
        self,
        argument: str,
        must: str,
        value: object,
        fix: str = "",
        page: str = "",
        shell: str = "",
    ) -> None:
        self.argument, self.must, self.value = argument, must, value
        self.fix, self.page, self.shell = fix, page, shell
        super().__init__(argument, must, value, fix, page, shell)

    def __str__(self) -> str:
        ends = [self.fix, why(self.page) if self.page else ""]
        sentence = f"Argument `{self.argument}` must {self.must}, but is {shown(self.value)}."
        return " ".join([sentence, *filter(None, ends)])


class ArgumentError(_Argument, ValueError):
    """An argument that does not meet its requirement.

    Its fields are ``argument``, the name; ``must``, the requirement; ``value``, what was received;
    ``fix``, how to mend it in Python; ``shell``, the same on the command line, if it differs; and
    ``page``, the page of the documents that explains it.

    Example:
        >>> try:
        ...     PowerLaw(alpha=-1.0, beta=0.3, v=100)
        ... except ArgumentError as error:
        ...     print(error.argument, "|", error.must, "|", error.value)
        alpha | be a positive finite number | -1.0
    """


class ArgumentTypeError(_Argument, TypeError):
    """An argument of a kind that is not accepted; it has the fields of :class:`ArgumentError`."""


def plain_fix(error: _Argument) -> str:
    """How to mend it where Python is not spoken: nothing, if the fix is a piece of Python."""
    python = set(error.fix.replace(">=", "").replace("<=", "")) & set("`=(_[")
    return "" if python else error.fix


def sentence(error: _Argument, name: str, fix: str, word: Callable[[str], str] = str) -> str:
    """An error in the words of another surface.

    Args:
        error: The error.
        name: What the argument is called there.
        fix: How to mend it there.
        word: What another argument, in backticks in the requirement, is called there.
    """
    parts = error.must.split("`")
    must = "".join(word(part) if k % 2 else part for k, part in enumerate(parts))
    value = error.value
    text = str(value) if isinstance(value, numbers.Rational) else shown(value)
    but = "" if value is None else f", but is {text}"
    page = why(error.page) if error.page else ""
    return " ".join([f"{name} must {must}{but}.", *filter(None, [fix, page])])


def requirement(name: str, must: str, value: object, fix: str = "", **more: str) -> ArgumentError:
    """The error of a value out of range; ``more`` may be ``page`` and ``shell``."""
    return ArgumentError(name, must, value, fix, **more)


def wrong_kind(name: str, must: str, value: object, fix: str = "", **more: str):
    """The error of a value of the wrong kind."""
    return ArgumentTypeError(name, must, value, fix, **more)


def warn(message: str, category: type[Warning]) -> None:
    """A warning that points at the line of the caller outside this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
