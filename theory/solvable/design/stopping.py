r"""When to stop gradient flow on finite data, and how wide a model to train for how long.

Both are the least risk over one number, found on the deterministic equivalent itself: over the
time at given data, and over the width at given compute :math:`C = d\, t`. Their exponents are in
:func:`solvable.finite_exponents`.

Source: Bordelon, Atanasov, Pehlevan (2024), arXiv 2402.01092; the exponents for easy tasks are
derived here (:mod:`solvable.design.regimes`). Derived in the documents: theory/finite_data,
theory/four_regimes.
"""

import warnings
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from solvable.design.frontiers import Frontier
from solvable.design.optimal import warn_edge
from solvable.dynamics.finite import flow_excess
from solvable.dynamics.prediction import predict
from solvable.dynamics.ridge import InfiniteRiskWarning
from solvable.models.modes import Modes, check_modes
from solvable.models.problem import Problem, check_problem
from solvable.numerics.search import Minimum, minimum
from solvable.numerics.sums import MAX_SIZE
from solvable.rules.filters import Ridge
from solvable.spectra.resolvent import ridge_on_axis
from solvable.spectra.two_point import Sizes
from solvable.util.checks import check_count, check_vector
from solvable.util.errors import requirement
from solvable.util.precision import float64_on_cpu
from solvable.util.results import Result
from solvable.util.types import Array

_DELTA = 0.2  # half the step in log compute of the local slopes
_NEVER = 1e-9  # relative rise of the risk that is none
_ROUNDING = 1e-13  # of the contour of gradient flow, relative to the risk at first
_WIDTHS = (2.0, 1e12)
_BUDGETS = 64  # at a time


class EarlyStopping(Result):
    """The time of least risk."""

    time: float
    """Infinite if the risk never rises again."""
    excess: float
    """Excess risk there."""


@jax.jit
def _times(modes: Modes, inverse_d, inverse_n) -> tuple[Array, Array]:
    """Logarithms of times between which the risk has its minimum.

    From long before a mode is learned, and before the noise of the samples is: the risk changes
    like -2 t sum m lam + t^2 (noise + sum m) sum lam^2 / n at first. To long after all that the
    features and the samples resolve is.
    """
    n, lam, m = modes.multiplicity, modes.lam, modes.weight
    rise = inverse_n * (modes.noise + m.sum()) * (n @ lam**2)
    balance = jnp.maximum((m @ lam) / (rise + 1e-300), 1e-30 / modes.top)
    resolved = jnp.maximum(jnp.maximum(inverse_d, inverse_n), 1.1 / n.sum())
    scale = ridge_on_axis(jnp.zeros(()), modes, resolved)
    slowest = jnp.min(jnp.where(n * lam > 0, lam, jnp.inf))
    last = 1e6 / jnp.maximum(scale, slowest)
    return jnp.log(1e-3 * jnp.minimum(1 / modes.top, balance)), jnp.log(last)


@jax.jit
def _best_time(modes: Modes, inverse_d, inverse_n) -> Minimum:
    """The minimum over the logarithm of time."""
    excess = lambda y: flow_excess(jnp.exp(y), modes, Sizes(inverse_d, inverse_n))
    return minimum(excess, *_times(modes, inverse_d, inverse_n))


@float64_on_cpu
def early_stopping(problem: Problem, n: int) -> EarlyStopping:
    r"""The time at which gradient flow on n samples has the least expected risk.

    With label noise and infinite width the time grows like :math:`n^{b/a}` and the risk there
    falls like :math:`n^{-(a - 1)/a}`. There is no reason to stop where the risk is never below its
    limit at infinite time, by more than 10^-13 of the risk at first, which is rounding.

    Args:
        problem: What is learned.
        n: Samples, up to 10^18.

    Raises:
        ValueError: If ``n`` is not a positive whole number.

    Warns:
        EdgeWarning: If the risk is least at an end of the times that are searched.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.25, v=10**8, noise=0.25)
        >>> one, two = early_stopping(problem, 10**5), early_stopping(problem, 2 * 10**5)
        >>> round(float(np.log2(one.excess / two.excess)), 2)  # (a - 1) / a = 1/2
        0.5
    """
    modes = check_modes(check_problem(problem).spectrum())
    n = check_count("n", n, maximum=MAX_SIZE)
    least = _best_time(modes, 1.0 * problem.inverse_d, 1.0 / n)
    time, excess = float(jnp.exp(least.x)), float(least.value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfiniteRiskWarning)
        limit = float(predict(problem, Ridge(), [0.0], n=n).excess[0])
    if limit <= excess * (1 + _NEVER) + _ROUNDING * float(modes.excess):
        return EarlyStopping(np.inf, limit)
    if least.at_low or least.at_high:
        warn_edge("time", time, "theory/finite_data")
    return EarlyStopping(time, excess)


@jax.jit
def _best_width(log_compute, modes: Modes) -> tuple[Array, Array, Array]:
    """log d*, log excess there, and whether d* is at an end of the widths."""

    def one(log_compute):
        def excess(y):
            one = lambda t, inverse_d: flow_excess(t[None], modes, Sizes(inverse_d))[0]
            each = lambda y: one(jnp.exp(log_compute - y), jnp.exp(-y))
            found = jax.vmap(each)(y)
            return jnp.where(found > 0, jnp.log(found), jnp.inf)

        least = minimum(excess, *np.log(_WIDTHS))
        return least.x, least.value, least.at_low | least.at_high

    return jax.lax.map(one, log_compute, batch_size=_BUDGETS)


@float64_on_cpu
def flow_frontier(problem: Problem, flops: Sequence[float] | np.ndarray) -> Frontier:
    r"""The best width of gradient flow on fresh data at each compute :math:`C = d\, t`.

    Args:
        problem: What is learned; its own ``d`` is not used.
        flops: Compute, features times time, positive.

    Returns:
        A :class:`Frontier`, with the local slopes of the risk and of the width.

    Raises:
        ValueError: If ``flops`` is not positive, or leaves no risk that can be computed.

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
    if not np.isfinite(log_excess).all():
        at = int(np.argmin(np.isfinite(log_excess).all(axis=1)))
        raise requirement(f"flops[{at}]", "leave an excess risk above rounding", float(flops[at]))
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
