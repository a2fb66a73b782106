r"""Batch size: how many steps and samples a target takes, and where they trade.

Source: McCandlish et al. (2018), arXiv 1812.06162 (the critical batch size); Granziol et al.
(2020), arXiv 2006.09092 (the rate of the Hessian of a batch). Derived in the documents:
theory/batch_size.
"""

import functools
import numbers

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize

from solvable.design.thresholds import learned_out
from solvable.dynamics import inversion, secular
from solvable.models.draw import Draw
from solvable.models.problem import Problem, check_problem
from solvable.models.thresholds import largest, spectrum_of
from solvable.numerics.sums import MAX_SIZE
from solvable.util.checks import check_count, check_key, check_number, is_usual
from solvable.util.errors import requirement, wrong_kind
from solvable.util.memory import check_memory
from solvable.util.precision import float64_on_cpu
from solvable.util.results import Result
from solvable.util.types import Array, Rung

_LARGE = 1e12  # a batch without noise
_LAST = 1e13  # steps to a target

MAX_DRAWS = 10**6
"""The largest number of batches whose Hessian is sampled."""

_FEW = 512  # modes, for which the secular equation is solved


@functools.partial(jax.jit, static_argnames="rows")
def _top_eigenvalues(keys: jax.Array, scale: Array, B: Array, rows: int) -> Array:
    """The largest eigenvalue of the Hessian of each of many batches, one batch at a time.

    A batch smaller than the number of inputs is sampled. Of a larger one only the Hessian is, by
    the decomposition of Bartlett (1933), whose cost does not grow with the batch.
    """

    def sampled(key: jax.Array) -> Array:
        x = jax.random.normal(key, (rows, scale.size), float) * scale
        return x @ x.T

    def decomposed(key: jax.Array) -> Array:
        below, diagonal = jax.random.split(key)
        factor = jnp.tril(jax.random.normal(below, (rows, rows), float), -1)
        length = jax.random.chisquare(diagonal, B - jnp.arange(rows), dtype=float)
        factor = scale[:, None] * (factor + jnp.diag(jnp.sqrt(length)))
        return factor @ factor.T

    gram = sampled if rows < scale.size else decomposed
    return jax.lax.map(lambda key: jnp.linalg.eigvalsh(gram(key))[-1] / B, keys)


@float64_on_cpu
def batch_hessian_rate(
    key: jax.Array, problem: Problem, B: int, draws: int = 200
) -> tuple[float, float]:
    r"""The rule :math:`\gamma = 2 / \mathbb E \lambda_{max}` of the Hessian of a batch.

    Proposed for SGD by Granziol et al. (2020), arXiv 2006.09092. It has the limits of the
    threshold, linear and flat in B, but is not the threshold: it may be several times too small,
    or unstable. The expectation is a mean over batches, whose relative standard error comes
    second.

    Args:
        key: A key of :func:`jax.random.key`.
        problem: A draw of the features, or a spectrum without features.
        B: Batch size.
        draws: Number of batches.

    Raises:
        ValueError: If there are more than 10^6 draws, or a batch (or its Hessian, if that is
            smaller) does not fit into memory.
        TypeError: If the features are not given.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.0, v=512)
        >>> rate, error = batch_hessian_rate(jax.random.key(0), problem, B=1)
        >>> rate > threshold(problem, SGD(0.1, B=1))
        True
    """
    key = check_key(key)
    if check_problem(problem).rung is not Rung.EXACT:
        must = "have given features, as problem.draw(key) has"
        raise wrong_kind("problem", must, problem)
    B = check_count("B", B, maximum=MAX_SIZE)
    draws = check_count("draws", draws, minimum=2, maximum=MAX_DRAWS)
    v = problem.modes.lam.size if isinstance(problem, Draw) else int(problem.v)
    # A batch or its Hessian, and what finding the largest eigenvalue takes of either.
    needed = lambda v, B: 8 * min(v, B) * (2 * v + 3 * min(v, B))
    check_memory(needed, {"v": v, "B": B}, "Take a smaller batch.")
    if isinstance(problem, Draw):
        scale = np.sqrt(problem.modes.lam)
    else:
        scale = problem.coordinates()[0]
    keys, rows = jax.random.split(key, draws), min(B, scale.size)
    found = np.asarray(_top_eigenvalues(keys, scale, 1.0 * B, rows=rows))
    return float(2 / found.mean()), float(found.std(ddof=1) / found.mean() / np.sqrt(draws))


class CriticalBatch(Result):
    """What it takes to reach a target: fewest steps, fewest samples, and where they trade."""

    B: float
    """``samples / steps``: below it samples are used well, above it steps are."""
    steps: int
    """Fewest steps, with infinite batches."""
    samples: int
    """Fewest samples, with batches of one."""
    gamma_steps: float
    """The learning rate of the first."""
    gamma_samples: float
    """The learning rate of the second."""


_exact = jax.jit(lambda step, modes, _, gamma, B: secular.evaluate(step[None], modes, gamma, B)[0])
_early = jax.jit(lambda step, *model: inversion.evaluate(step[None], *model)[0])
_late = jax.jit(lambda step, *model: inversion.late_excess(step[None], *model))


@float64_on_cpu
def steps_to_target(problem: Problem, target: float, B: float) -> tuple[int, float]:
    """Fewest steps of SGD until the expected excess risk is ``target``, and the rate that does it.

    The rate is constant, and tuned for every number of steps that is tried. What is reached in
    some steps is taken to be reached in more, so the number is found by halving.

    Args:
        problem: What is learned.
        target: Excess risk.
        B: Batch size; infinity for gradients without noise.

    Raises:
        ValueError: If the target is not above what the features can express, or takes more than
            10^13 steps.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.15, v=10**6, noise=1.0)
        >>> steps, gamma = steps_to_target(problem, 0.4, B=1)
        >>> 50 < steps < 200
        True
    """
    target = check_number("target", target, positive=True)
    infinite = is_usual(B, np.inf) and not isinstance(B, numbers.Rational)
    B = float(check_number("B", _LARGE if infinite else B, positive=True))
    modes, inverse_d = spectrum_of(problem)
    best = float(learned_out(modes, inverse_d))
    if target <= best:
        raise requirement("target", f"exceed {best:.4g}, the excess risk of the best theta", target)
    top = float(np.log(0.999 * largest(modes, inverse_d, B)))
    exactly = problem.rung is Rung.EXACT and modes.lam.size <= _FEW
    if modes.excess <= target:
        return 0, float(np.exp(top))

    def least(steps: float) -> tuple[float, float]:
        """The least excess risk after so many steps, and its rate."""
        solve = _exact if exactly else _late if steps >= inversion.EARLY else _early
        excess = lambda y: float(solve(1.0 * steps, modes, inverse_d, np.exp(y), B)[0])
        ends, options = (top - 30, top), {"xatol": 1e-9}
        found = optimize.minimize_scalar(excess, bounds=ends, method="bounded", options=options)
        return float(found.fun), float(np.exp(found.x))

    few, many = 0, 1
    while least(many)[0] > target:
        few, many = many, 8 * many
        if many > _LAST:
            raise requirement("target", f"be reached within {_LAST:.0e} steps by some rate", target)
    if few >= inversion.EARLY:  # between whole steps, to come near
        above = lambda log_t: np.log(max(least(np.exp(log_t))[0], 1e-300) / target)
        near = int(np.exp(optimize.brentq(above, np.log(few), np.log(many), xtol=1e-12)))
        few, many = max(few, near - 1), min(many, near + 2)
        while least(few)[0] <= target:
            few, many = few - 1, few
        while least(many)[0] > target:
            few, many = many, many + 1
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if least(middle)[0] <= target else (middle, many)
    return many, least(many)[1]


def critical_batch(problem: Problem, target: float) -> CriticalBatch:
    r"""The batch size at which more samples per step stop paying, for a target excess risk.

    :math:`B = N / S`, with S the fewest steps (infinite batches) and N the fewest samples
    (batches of one) that reach the target at the best constant learning rate. With label noise
    it grows like :math:`\sigma^2 / \text{target}`. Close to (S'/S - 1)(N'/N - 1) = 1 in between
    (McCandlish et al., 2018, arXiv 1812.06162).

    Args:
        problem: What is learned.
        target: The excess risk to be reached.

    Raises:
        ValueError: If the target is below what can be reached.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.15, v=10**6, noise=1.0)
        >>> 20 < critical_batch(problem, 0.4).B < 40
        True
    """
    samples, gamma_samples = steps_to_target(problem, target, 1)
    steps, gamma_steps = steps_to_target(problem, target, np.inf)
    if steps == 0:
        raise requirement("target", "be below the initial excess risk", target)
    return CriticalBatch(samples / steps, steps, samples, gamma_steps, gamma_samples)
