"""Exercises: right and wrong answers, slips, and what is said of them."""

import re

import numpy as np
import pytest

from solvable.exercises import Exercise

MISTAKES = {-1.6: "This is the exponent of the spectrum."}


@pytest.mark.parametrize(
    ("right", "answer", "message"),
    [
        (-0.6, -0.6, r"✓ Right: because\."),
        (-0.6, np.float32(-0.6), "✓"),
        (-0.6, -0.6 * 1.009, "✓"),
        (-0.6, -0.6 * 1.02, r"✗ Near, but 2\.0% off; 1\.0% is allowed"),
        (-0.6, -1.6, "✗ This is the exponent of the spectrum"),
        (-0.6, 0.6, "✗ The sign is wrong"),
        (-0.6, -1.2, "✗ This is twice the answer"),
        (-0.6, -0.3, "✗ This is half the answer"),
        (-0.6, -1 / 0.6, "✗ This is one over the answer"),
        (-0.6, 17, "✗ hint"),
        (-0.6, "II", "✗ A number or an array is expected, not 'II'"),
        (-0.6, [-0.6], r"✗ The shape is \(1,\), but \(\) is expected"),
        (-0.6, float("nan"), "✗ The answer is not finite"),
        (-0.6, object(), "✗ A number or an array is expected"),
        (-0.6, ..., "✗ Not answered yet"),
        (-0.6, None, "✗ Not answered yet"),
        (0, 0.009, "✓"),
        (0, 0.02, "✗ Near"),
        (np.array([1.0, 2.0]), [1, 2], "✓"),
        (np.array([1.0, 2.0]), [2, 4], "✗ This is twice the answer"),
        (np.array([1.0, 2.0]), 1.0, r"✗ The shape is \(\), but \(2,\)"),
        ("II", " ii ", "✓"),
        ("II", "III", "✗ hint"),
        ("II", 2, "✗ hint"),
        (True, True, "✓"),
        (True, np.True_, "✓"),
        (True, False, "✗ hint"),
        (True, 1, "✗ hint"),
        (1.0, True, "✗ A number or an array is expected, not True"),
    ],
)
def test_what_is_said(right, answer, message):
    mistakes = MISTAKES if isinstance(right, float) else None
    said = Exercise(right, because="because.", mistakes=mistakes, hint="hint")(answer)
    assert re.match(message, repr(said))
    assert said.right == repr(said).startswith("✓")


def test_a_solution_must_be_right():
    exercise = Exercise(-0.6, mistakes=MISTAKES)
    assert exercise.solution(-0.6) is None
    assert not exercise.answered
    with pytest.raises(ValueError, match=r"be -0\.6, but is -1\.6\. This is the exponent"):
        exercise.solution(-1.6)


def test_a_remark_waits_for_an_answer():
    """Those who run all cells do not read it; a wrong answer is one."""
    exercise = Exercise(-0.6, mistakes=MISTAKES)
    exercise(...)
    assert exercise.solution(-0.6, "a remark") is None
    exercise(-1.6)
    assert repr(exercise.solution(-0.6, "a remark")) == "✓ a remark"


def test_a_mistake_is_no_right_answer():
    with pytest.raises(ValueError, match=r"`mistakes` must differ from the answer.*-0\.601"):
        Exercise(-0.6, mistakes={-0.601: "no"})
    with pytest.raises(ValueError, match=r"`rtol` must be a positive finite number, but is 0"):
        Exercise(-0.6, rtol=0)
