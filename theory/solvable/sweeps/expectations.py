"""Exact expectations for several draws of the features, one row each."""

from typing import Any

import jax
import numpy as np

from solvable.dynamics.one_pass import UnstableError
from solvable.dynamics.prediction import expect
from solvable.models.problem import Problem
from solvable.rules.rule import Rule
from solvable.simulation.runs import Runs, described_key
from solvable.sweeps.words import setup
from solvable.util.checks import check_count
from solvable.util.errors import requirement
from solvable.util.steps import check_steps


def expectations(
    problem: Problem, rule: Rule, steps: Any, seeds: int, seed: int, unstable: str = "raise"
) -> np.ndarray:
    """Excess risk of shape (seeds, steps).

    Args:
        problem: With features, every row has its own draw; without, there is one row.
        rule: Any rule on fresh samples.
        steps: The last step, or the recorded ones.
        seeds: Number of rows.
        seed: Of the random key.
        unstable: ``raise`` where the rule is not stable for a draw, make the row ``nan``, or
            ``follow`` the growing curve.

    Raises:
        UnstableError: If the rule is not stable for a draw.
        ValueError: If there are no features to draw, and several rows.
    """
    if problem.d is None and seeds > 1:
        raise requirement("seeds", "be 1 without random features to draw", seeds)
    rows = []
    for row in range(seeds):
        model = problem
        if problem.d is not None:
            model = problem.draw(jax.random.fold_in(jax.random.key(seed), row))
        try:
            curve = expect(model, rule, steps, allow_unstable=unstable == "follow")
            rows.append(curve.excess)
        except UnstableError:
            if unstable != "nan":
                raise
            rows.append(np.full(check_steps(steps).size, np.nan))
    return np.stack(rows)


def expected(words: dict[str, Any], unstable: str = "raise") -> Runs:
    """The expectations that words ask for, as runs without any noise of the data."""
    problem, rule, x, _ = setup(words)
    seeds, seed = words.get("seeds", 1), words.get("seed", 0)
    return Runs(
        x=check_steps(x),
        excess=expectations(problem, rule, x, check_count("seeds", seeds), seed, unstable),
        engine="expectation",
        dtype="float64",
        features="shared" if problem.d is None else "own",
        problem=problem,
        rule=rule,
        key=described_key(jax.random.key(seed)),
    )
