r"""Batch size: how many steps and samples a target takes, and where they trade.

Source: McCandlish et al. (2018), arXiv 1812.06162 (the critical batch size); Granziol et al. (2020),
arXiv 2006.09092 (the rate of a batch's Hessian). Derived in the documents: theory/batch_size.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from solvable.design.stability import learned_out
from solvable.dynamics import inversion
from solvable.models.draw import Draw
from solvable.models.problem import Problem, check_problem
from solvable.models.thresholds import largest, spectrum_of
from solvable.util.checks import check_count, check_key, check_number
from solvable.util.errors import requirement
from solvable.util.precision import float64_on_cpu

_LARGE = 1e12  # a batch without noise


@float64_on_cpu
def batch_hessian_rate(
    key: jax.Array, problem: Problem, B: int, draws: int = 200
) -> tuple[float, float]:
    r"""The rule :math:`\gamma = 2 / \mathbb E \lambda_{max}` of the Hessian of a batch.

    Proposed for SGD by Granziol et al. (2020), arXiv 2006.09092. It has the limits of the
    threshold, linear and flat in B, but is not the threshold: it may be several times too small,
    or unstable. The expectation is a mean over batches, whose relative standard error comes
    second.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.0, v=512)
        >>> rate, error = batch_hessian_rate(jax.random.key(0), problem, B=1)
        >>> rate > max_learning_rate(problem, B=1)
        True
    """
    check_key(key)
    check_problem(problem)
    check_count("B", B)
    check_count("draws", draws, minimum=2)
    if isinstance(problem, Draw):
        scale = np.sqrt(problem.modes.lam)
    else:
        scale = problem.coordinates()[0]

    def top(key: jax.Array) -> jax.Array:
        x = jax.random.normal(key, (int(B), scale.size), float) * scale
        gram = x @ x.T if B < scale.size else x.T @ x
        return jnp.linalg.eigvalsh(gram)[-1] / B

    found = np.asarray(jax.lax.map(top, jax.random.split(key, int(draws))))
    return float(2 / found.mean()), float(found.std(ddof=1) / found.mean() / np.sqrt(draws))


@dataclass(frozen=True)
class CriticalBatch:
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


_curves = jax.jit(jax.vmap(lambda *args: inversion.evaluate(*args)[0], (None, None, None, 0, None)))

_EARLY = np.arange(float(inversion.EARLY))
_LAST = 1e13


def _reached(times: np.ndarray, excess: np.ndarray, target: float) -> float:
    """The time, between steps, at which a falling risk reaches the target."""
    below = excess <= target
    if not below.any():
        return np.inf
    at = int(np.argmax(below))
    if at == 0:
        return 0.0
    t, y = times[at - 1 : at + 1], np.log(excess[at - 1 : at + 1] / target)
    t = np.log(t) if at > 1 else t
    time = t[0] + (t[1] - t[0]) * y[0] / (y[0] - y[1])
    return float(np.exp(time) if at > 1 else time)


@float64_on_cpu
def steps_to_target(problem: Problem, target: float, B: float) -> tuple[int, float]:
    """Fewest steps of SGD until the expected excess risk is ``target``, and the rate that does it.

    The constant learning rate is tuned, to about one per cent.

    Raises:
        ValueError: If the target is not above what the features can express.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.15, v=10**6, noise=1.0)
        >>> steps, gamma = steps_to_target(problem, 0.4, B=1)
        >>> 50 < steps < 200
        True
    """
    check_problem(problem)
    check_number("target", target, positive=True)
    check_number("B", B, positive=True)
    modes, inverse_d = spectrum_of(problem)
    best = float(learned_out(modes, inverse_d))
    if target <= best:
        raise requirement("target", f"exceed {best:.4g}, the excess risk of the best theta", target)
    threshold = float(largest(modes, inverse_d, float(B)))
    low, high = np.log(1e-6 * threshold), np.log(0.999 * threshold)
    start, end = inversion.EARLY, _LAST
    for _ in range(4):
        gammas = np.exp(np.linspace(low, high, 12))
        times = np.append(_EARLY, np.geomspace(start, end, 64))
        curves = np.asarray(_curves(times, modes, inverse_d, gammas, float(B)))
        reached = np.array([_reached(times, curve, target) for curve in curves])
        at = int(np.argmin(reached))
        low, high = np.log(gammas[[max(at - 1, 0), min(at + 1, 11)]])
        start = max(inversion.EARLY, reached[at] / 2)
        end = max(2 * start, 2 * reached[at])
    if not np.isfinite(reached[at]):
        raise requirement("target", f"be reached within {_LAST:.0e} steps by some rate", target)
    return int(np.ceil(reached[at])), float(gammas[at])


def critical_batch(problem: Problem, target: float) -> CriticalBatch:
    r"""The batch size at which more samples per step stop paying, for a target excess risk.

    :math:`B = N / S`, with S the fewest steps (infinite batches) and N the fewest samples
    (batches of one) that reach the target at the best constant learning rate. With label noise
    it grows like :math:`\sigma^2 / \text{target}`. Close to (S'/S - 1)(N'/N - 1) = 1 in between
    (McCandlish et al., 2018, arXiv 1812.06162).

    Raises:
        ValueError: If the target is below what can be reached.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.15, v=10**6, noise=1.0)
        >>> 20 < critical_batch(problem, 0.4).B < 40
        True
    """
    samples, gamma_samples = steps_to_target(problem, target, 1)
    steps, gamma_steps = steps_to_target(problem, target, _LARGE)
    if steps == 0:
        raise requirement("target", "be below the initial excess risk", target)
    return CriticalBatch(samples / steps, steps, samples, gamma_steps, gamma_samples)
