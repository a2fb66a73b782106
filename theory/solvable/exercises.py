"""Exercises that answer: what a student found is compared, and a wrong answer is explained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from solvable.util.checks import check_number
from solvable.util.errors import requirement

__all__ = ["Exercise", "Feedback"]

GENERAL = {
    "The sign is wrong; the size is right.": lambda right: -right,
    "This is twice the answer. Is there a factor 1/2 in your definition?": lambda right: 2 * right,
    "This is half the answer. Is there a factor 1/2 in your definition?": lambda right: right / 2,
    "This is one over the answer.": lambda right: 1 / right if np.all(right != 0) else np.nan,
}
"""Slips that can be seen in any answer that is a number."""


@dataclass(frozen=True)
class Feedback:
    """Whether an answer is right, and what there is to say about it."""

    right: bool
    message: str

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.message}"


@dataclass(eq=False)
class Exercise:
    """A question with its answer, and what the known mistakes give.

    Called with an answer, it says whether it is right, and of a wrong one why: from the mistakes it
    was told, then from slips that any number may show (a sign, a factor of two, one over it).

    Args:
        answer: A number, an array, a word, or True or False.
        because: Said of a right answer.
        mistakes: What is said of the wrong answers that are expected, by answer.
        rtol: Numbers are right within this relative difference; zero, within this absolute one.
        hint: Said when nothing better is known.

    Raises:
        ValueError: If ``rtol`` is not positive, or a mistake is a right answer.

    Example:
        >>> from solvable.exercises import Exercise
        >>> slope = Exercise(-0.6, because="s = (2 alpha + 2 beta - 1) / (2 alpha)",
        ...                  mistakes={-1.6: "This is the exponent of the spectrum."})
        >>> slope(-0.6)
        ✓ Right: s = (2 alpha + 2 beta - 1) / (2 alpha)
        >>> slope(-1.6)
        ✗ This is the exponent of the spectrum.
        >>> slope(0.6)
        ✗ The sign is wrong; the size is right.
        >>> slope(...)
        ✗ Not answered yet: put your answer in place of the dots, and run both cells.
    """

    answer: Any
    because: str = ""
    mistakes: Mapping[Any, str] | None = None
    rtol: float = 0.01
    hint: str = ""
    answered: bool = field(default=False, init=False)
    """Whether it was called with an answer, right or wrong."""

    def __post_init__(self) -> None:
        check_number("rtol", self.rtol, positive=True)
        for wrong in self.mistakes or {}:
            if self._same(wrong, self.answer):
                raise requirement("mistakes", "differ from the answer by more than rtol", wrong)

    def __call__(self, answer: Any) -> Feedback:
        if answer is ... or answer is None:
            ask = "Not answered yet: put your answer in place of the dots, and run both cells."
            return Feedback(False, ask)
        self.answered = True
        if self._same(answer, self.answer):
            return Feedback(True, f"Right: {self.because}" if self.because else "Right.")
        return Feedback(False, self._explanation(answer))

    def solution(self, answer: Any, remark: str = "") -> Feedback | None:
        """The solution of the author, with a remark for those who have answered.

        Before that it says nothing, as those who run all cells would read it.

        Args:
            answer: What the author found.
            remark: What else there is to say of it.

        Raises:
            ValueError: If it is not right.
        """
        if not self._same(answer, self.answer):
            message = self._explanation(answer)
            raise requirement("answer", f"be {self.answer!r}", answer, message)
        return Feedback(True, remark) if remark and self.answered else None

    def _explanation(self, answer: Any) -> str:
        for wrong, why in (self.mistakes or {}).items():
            if self._same(answer, wrong):
                return why
        right = self.answer
        if isinstance(right, (bool, str)):
            return self.hint or f"{answer!r} is not the answer."
        if isinstance(answer, (bool, str)):
            return f"A number or an array is expected, not {answer!r}."
        try:
            got = np.asarray(answer, dtype=float)
        except (TypeError, ValueError):
            return f"A number or an array is expected, not {answer!r}."
        if got.shape != np.shape(right):
            return f"The shape is {got.shape}, but {np.shape(right)} is expected."
        if not np.isfinite(got).all():
            return "The answer is not finite."
        for why, slip in GENERAL.items():
            if self._same(got, slip(np.asarray(right, dtype=float))):
                return why
        off = np.max(_deviation(got, right))
        if off < 10 * self.rtol:
            return f"Near, but {off:.1%} off; {self.rtol:.1%} is allowed. {self.hint}".rstrip()
        return self.hint or "This is not the answer."

    def _same(self, answer: Any, right: Any) -> bool:
        """Equal as words and truth values are, or near as numbers are, of one shape."""
        words = (bool, np.bool_, str)
        if isinstance(right, words) or isinstance(answer, words):
            kinds = isinstance(right, str) == isinstance(answer, str)
            return kinds and str(answer).strip().lower() == str(right).strip().lower()
        try:
            got, want = np.asarray(answer, dtype=float), np.asarray(right, dtype=float)
        except (TypeError, ValueError):
            return False
        return got.shape == want.shape and bool(np.all(_deviation(got, want) <= self.rtol))


def _deviation(got: np.ndarray, right: Any) -> np.ndarray:
    """Relative; absolute where the answer is zero."""
    return np.abs(got - right) / np.where(np.equal(right, 0), 1, np.abs(right))
