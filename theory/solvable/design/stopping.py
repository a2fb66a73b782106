r"""When to stop gradient flow on finite data, and how wide a model to train for how long.

Both are the least risk over one number, found on the deterministic equivalent itself: over the
time at given data, and over the width at given compute :math:`C = d\, t`. Their exponents are in
:func:`solvable.finite_exponents`.

Source: Bordelon, Atanasov, Pehlevan (2024), arXiv 2402.01092; the exponents for easy tasks are
derived here (:mod:`solvable.design.regimes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from solvable.design.frontiers import Frontier
from solvable.dynamics.finite import flow_excess
from solvable.models.modes import Modes
from solvable.models.problem import Problem, check_problem
from solvable.numerics.search import minimum
from solvable.util.checks import check_count, check_vector
from solvable.util.precision import float64_on_cpu
from solvable.util.types import Array

_DELTA = 0.2  # half the step in log compute of the local slopes
_TIMES = (1e-3, 1e15)
_NEVER = 1e-9  # relative rise of the risk that is none
_WIDTHS = (2.0, 1e12)


@dataclass(frozen=True)
class EarlyStopping:
    """The time of least risk."""

    time: float
    """Infinite if the risk never rises again."""
    excess: float
    """Excess risk there."""


@jax.jit
def _best_time(modes: Modes, inverse_d, inverse_n) -> tuple[Array, Array, Array]:
    excess = lambda y: flow_excess(jnp.exp(y), modes, inverse_d, inverse_n)
    least = minimum(excess, *np.log(_TIMES))
    return jnp.exp(least.x), least.value, least.value_high <= least.value * (1 + _NEVER)


@float64_on_cpu
def early_stopping(problem: Problem, n: int) -> EarlyStopping:
    r"""The time at which gradient flow on n samples has the least expected risk.

    With label noise and infinite width the time grows like :math:`n^{b/a}` and the risk there
    falls like :math:`n^{-(a - 1)/a}`.

    Raises:
        ValueError: If ``n`` is not a positive whole number.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.25, v=10**8, noise=0.25)
        >>> one, two = early_stopping(problem, 10**5), early_stopping(problem, 2 * 10**5)
        >>> round(float(np.log2(one.excess / two.excess)), 2)  # (a - 1) / a = 1/2
        0.5
    """
    check_problem(problem)
    check_count("n", n)
    time, excess, at_end = _best_time(problem.spectrum(), 1.0 * problem.inverse_d, 1.0 / n)
    return EarlyStopping(np.inf if at_end else float(time), float(excess))


@jax.jit
def _best_width(log_compute, modes: Modes) -> tuple[Array, Array, Array]:
    """log d*, log excess there, and whether d* is at an end of the widths."""

    def one(log_compute):
        def excess(y):
            each = lambda y: flow_excess(jnp.exp(log_compute - y)[None], modes, jnp.exp(-y), 0.0)[0]
            found = jax.vmap(each)(y)
            return jnp.where(found > 0, jnp.log(found), jnp.inf)

        least = minimum(excess, *np.log(_WIDTHS))
        return least.x, least.value, least.at_low | least.at_high

    return jax.vmap(one)(log_compute)


@float64_on_cpu
def flow_frontier(problem: Problem, flops: Sequence[float] | np.ndarray) -> Frontier:
    r"""The best width of gradient flow on fresh data at each compute :math:`C = d\, t`.

    Args:
        problem: What is learned; its own ``d`` is not used.
        flops: Compute, features times time, positive.

    Returns:
        A :class:`Frontier`, with the local slopes of the risk and of the width.

    Raises:
        ValueError: If ``flops`` is not positive.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.25, v=10**9, d=1)
        >>> best = flow_frontier(problem, [1e10])
        >>> best.slope.round(2), best.size_slope.round(2)  # -2/5 and 2/5 in the limit
        (array([-0.4]), array([0.4]))
    """
    check_problem(problem)
    flops = check_vector("flops", flops, positive=True)
    shifted = np.log(flops)[:, None] + _DELTA * np.array([-1, 0, 1])
    found = _best_width(shifted.ravel(), problem.spectrum())
    y, log_excess, at_edge = (np.asarray(x).reshape(shifted.shape) for x in found)
    difference = lambda x: (x[:, 2] - x[:, 0]) / (2 * _DELTA)
    return Frontier(
        flops=flops,
        d=np.exp(y[:, 1]),
        excess=np.exp(log_excess[:, 1]),
        slope=difference(log_excess),
        size_slope=difference(y),
        at_edge=np.asarray(at_edge.any(axis=1)),
        noise=float(problem.noise),
    )
