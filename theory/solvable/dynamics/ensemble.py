"""Many draws of the features at once, each with its exact expectation."""

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float

from solvable.dynamics import secular
from solvable.dynamics.one_pass import UnstableError, is_plain, plain_rate
from solvable.models.draw import feature_modes
from solvable.models.problem import Problem, check_problem
from solvable.models.thresholds import largest
from solvable.rules.rule import Rule, check_rule
from solvable.util.checks import check_count, check_key
from solvable.util.errors import requirement
from solvable.util.precision import float64_on_cpu
from solvable.util.steps import check_steps

_BATCH = 64

_curves = jax.jit(jax.vmap(secular.evaluate, in_axes=(None, 0, None, None)))
_thresholds = jax.jit(jax.vmap(largest, in_axes=(0, None, None)))


@float64_on_cpu
def expect_ensemble(
    key: jax.Array,
    problem: Problem,
    rule: Rule,
    steps: int | Sequence[int] | np.ndarray,
    draws: int,
) -> Float[np.ndarray, "draws k"]:
    """The exact expected risk, as of :func:`expect`, for each of many draws of the features.

    Their mean is what the deterministic equivalent approximates, up to a relative error O(1/d).

    Args:
        key: A key of :func:`jax.random.key`.
        problem: Small enough for the singular values of many v x d matrices.
        rule: SGD of constant rate and batch size, stable for every draw.
        steps: As in :func:`predict`.
        draws: Number of draws.

    Raises:
        UnstableError: If its rate is not below the threshold of every draw.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=64, d=16)
        >>> risks = expect_ensemble(jax.random.key(0), problem, SGD(0.1), [0, 100], draws=50)
        >>> risks.shape
        (50, 2)
    """
    key = check_key(key)
    draws = check_count("draws", draws)
    step = check_steps(steps).astype(float)
    check_problem(problem)
    if not is_plain(check_rule(rule)):
        must = "be SGD of constant rate here; for other rules, average expect over draws"
        raise requirement("rule", must, rule)
    gamma, B = 1.0 * plain_rate(rule), 1.0 * rule.B
    parts = []
    for n in range(0, draws, _BATCH):
        shape = (min(_BATCH, draws - n), int(problem.v), int(problem.d))
        W = jax.random.normal(jax.random.fold_in(key, n), shape, float) / np.sqrt(problem.d)
        modes = feature_modes(problem, np.asarray(W))
        threshold = float(np.min(_thresholds(modes, 0.0, B)))
        if not gamma < threshold:
            must = (
                f"have gamma below the largest stable learning rate of every draw, "
                f"{threshold:.6g} for the worst so far"
            )
            raise UnstableError("rule", must, rule, page="theory/batch_size")
        parts.append(np.asarray(_curves(step, modes, gamma, B)[0]))
    return np.concatenate(parts) + problem.noise
