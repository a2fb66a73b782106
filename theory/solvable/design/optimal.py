r"""The best schedule for a horizon, and the best peak of any other.

For long horizons the risk at the end is that of the signal at :math:`\tau = \sum_t \eta_t` plus
:math:`\frac1B \sum_t \eta_t^2 K(\tau_T - \tau_t)` times the noise, with the kernel
:math:`K(u) = \sum_j n_j \lambda_j^2 e^{-2 \lambda_j u}`. At the optimum the rate is

.. math::
    \eta = c\, K(u)^{-1/2}, \text{ at most } \hat\eta, \qquad
    \text{remaining steps} = \int_0^u \frac{du'}{\eta(u')},

as a function of the intrinsic time u still to come. The two scalars c and :math:`\hat\eta` are
tuned with the exact recursion. The check is a search over all rates, by gradients through the
recursion. With label noise and small batches, where the formula was derived, the rule ends within
0.2 per cent of what the search finds for easy targets, and within 4 for hard ones (2 from 512 steps
on). Without label noise, where the noise is that of SGD and fades, it ends 5 to 13 per cent above
(alpha = 0.75, beta = 0.5, B = 1, 64 to 2048 steps). With large batches it misses what single steps
of many thresholds gain, as in Chebyshev's iteration, and its risk may be several times too large.

Sources: arXiv 2509.19189 (the functional scaling law behind the first formula) and 2602.06797
(optimal schedules). Derived in the documents: theory/schedules.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import optimize

from solvable.dynamics.adjoint import final_excess, final_excess_and_gradient
from solvable.dynamics.contour import contour_modes
from solvable.dynamics.one_pass import UnstableError
from solvable.dynamics.prediction import predict
from solvable.models.modes import Modes
from solvable.models.problem import Problem
from solvable.models.thresholds import largest, spectrum_of
from solvable.rules.rule import Rule
from solvable.rules.sgd import SGD
from solvable.schedules import Constant
from solvable.util.checks import check_choice, check_count, check_number
from solvable.util.errors import requirement, warn, why, wrong_kind
from solvable.util.precision import float64_on_cpu
from solvable.util.record import static
from solvable.util.results import Result, array
from solvable.util.steps import MAX_STEPPED
from solvable.util.types import Rung

MAX_DIRECT = 2**17
"""Steps up to which all rates can be optimised one by one."""

MAX_STARTS = 4096
"""Steps up to which that search starts at several places, if there may be several minima."""

_WORST = 1e3  # in the place of the logarithm of a risk that overflows


class EdgeWarning(UserWarning):
    """The best value found lies at the end of the range searched: it may not be the best."""


class OptimalSchedule(Result, kw_only=True):
    """Learning rates, one per step, and the excess risk they end at."""

    rates: Float[np.ndarray, " T"] = array("step")
    B: int
    excess: float
    method: str = static()
    """``rule``, with two scalars tuned; or ``direct``, every rate optimised."""

    @property
    def sgd(self) -> SGD:
        """The schedule as a training rule, for the batch size it is the best of."""
        return SGD(self.rates, self.B)


class Tuned(Result):
    """The best peak of a schedule."""

    peak: float
    excess: float
    """Excess risk at the horizon."""
    at_edge: bool
    """Whether the peak is at the end of the range searched."""


def kernel_rates(modes: Modes, steps: int, scale: float, cap: float) -> Float[np.ndarray, " T"]:
    """Rates of the rule: ``scale`` K^(-1/2), at most ``cap``; see the module."""
    lam, n = np.asarray(modes.lam), np.asarray(modes.multiplicity)
    u = np.append(0, np.geomspace(1e-4, cap * steps * 2, 2000))
    kernel = np.exp(-2 * u[:, None] * lam) @ (n * lam**2)
    gamma = np.minimum(scale / np.sqrt(np.maximum(kernel, 1e-300)), cap)
    slowness = 1 / gamma
    remaining = np.append(0, np.cumsum(np.diff(u) * (slowness[1:] + slowness[:-1]) / 2))
    return np.interp(steps - np.arange(steps) - 0.5, remaining, gamma)


def _starts(rates: Float[np.ndarray, " T"]) -> Iterator[Float[np.ndarray, " T"]]:
    """Rates out of order, about given ones.

    Where single steps beyond the threshold pay, a smooth schedule is a saddle: what counts is which
    steps are long. The first are those of the silver schedule (Altschuler and Parrilo, 2023, arXiv
    2309.07879) and of one long step in three, the others random.
    """
    t = np.arange(1, rates.size + 1)
    twos = np.log2(t & -t)  # how often t is divisible by two
    yield rates * np.minimum((1 + (1 + np.sqrt(2)) ** (twos - 1)) / 2, 64)
    yield rates * np.resize([1.0, 1.0, 5.0], rates.size)
    random = np.random.default_rng(0)
    for _ in range(4):
        yield rates * np.exp(random.normal(size=rates.size) / 2)


def _descended(
    rates: Float[np.ndarray, " T"], nodes: Modes, B: int, cap: float
) -> tuple[float, Float[np.ndarray, " T"]]:
    """The nearest local minimum of the excess risk over the logarithms of all rates."""

    def value(y: np.ndarray) -> tuple[float, np.ndarray]:
        gamma = np.exp(np.minimum(y, 300))
        excess, gradient = map(np.asarray, final_excess_and_gradient(gamma, nodes, 1.0 * B))
        with np.errstate(all="ignore"):
            slope = gamma * gradient / excess
        if not (0 < excess < np.inf and np.isfinite(slope).all()):
            return _WORST, np.zeros_like(y)
        return float(np.log(excess)), slope

    options = {"maxiter": 2000, "maxfun": 3000, "maxcor": 30, "ftol": 1e-12, "gtol": 1e-9}
    bounds = [(None, np.log(cap))] * rates.size
    start = np.log(np.minimum(rates, cap))
    found: Any = optimize.minimize(
        value, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    return float(found.fun), np.exp(found.x)


@float64_on_cpu
def optimal_schedule(
    problem: Problem, steps: int, B: int = 1, *, method: str = "rule"
) -> OptimalSchedule:
    """The learning rates that minimise the expected excess risk after so many steps of SGD.

    Args:
        problem: What is learned.
        steps: The horizon.
        B: Batch size.
        method: ``rule``: the rate proportional to the inverse root of the kernel, capped, with
            both scalars tuned; or ``direct``: every rate optimised, from there, by gradients
            through the exact recursion (L-BFGS), for up to 131 072 steps. Where single steps beyond
            the stability threshold pay, as with large batches, there are many local minima. Up to
            4096 steps the best of seven searches is then returned; others have found minima lower
            by a few per cent. Where they do not pay, all searches have found the same.

    Raises:
        ValueError: If an argument is out of range.

    Warns:
        EdgeWarning: If a scalar of the rule ends at the edge of the range searched; or if, with
            random features, a rate ends at twice the threshold, beyond which they have no
            accurate nodes.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.5, v=10**6, noise=1.0)
        >>> best = optimal_schedule(problem, steps=256)
        >>> best.rates.shape, bool(best.rates[0] > best.rates[-1])
        ((256,), True)
    """
    steps, B = check_count("steps", steps, maximum=MAX_STEPPED), check_count("B", B)
    method = check_choice("method", method, "rule", "direct")
    if method == "direct" and steps > MAX_DIRECT:
        raise requirement("steps", f"be at most {MAX_DIRECT} for method='direct'", steps)
    spectrum, inverse_d = spectrum_of(problem)
    threshold = float(largest(spectrum, inverse_d, 1.0 * B))
    features = problem.rung is not Rung.EXACT  # random ones, seen on a contour
    peak = SGD(Constant(2 * threshold, steps), B)
    nodes = contour_modes(problem, peak, steps) if features else spectrum
    width = 1 / np.sqrt(float(spectrum.multiplicity @ spectrum.lam**2))  # K(0)^(-1/2)
    final = lambda rates: float(final_excess(jnp.asarray(rates), nodes, 1.0 * B))
    bounds = np.log([(1e-7, 1e3), (1e-4, 2.0)]) + np.log([[threshold / width], [threshold]])

    def loss(x: np.ndarray) -> float:
        inside = np.clip(x, *bounds.T)
        excess = final(kernel_rates(spectrum, steps, *np.exp(inside)))
        return np.log(excess) + np.abs(x - inside).sum() if 0 < excess < np.inf else _WORST

    grid = [(y, z) for y in np.linspace(*bounds[0], 24) for z in np.linspace(*bounds[1], 6)]
    start = min(grid, key=lambda x: loss(np.array(x)))
    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-3})
    x = np.clip(found.x, *bounds.T)
    rates = kernel_rates(spectrum, steps, *np.exp(x))
    if method == "rule":
        if (np.abs(x[0] - bounds[0]) < 1e-2).any():
            warn_edge("scale of the rule", float(np.exp(x[0])))
        if rates.max() > 0.99 * 2 * threshold:
            warn_edge("cap of the rule", float(rates.max()))
        return OptimalSchedule(rates=rates, B=B, excess=final(rates), method=method)

    cap = 2 * threshold if features else np.inf
    best = _descended(rates, nodes, B, cap)
    if best[1].max() > threshold and steps <= MAX_STARTS:
        others = (_descended(start, nodes, B, cap) for start in _starts(rates))
        best = min(best, *others, key=lambda found: found[0])
    if best[1].max() > 0.99 * cap:
        warn_edge("largest rate", float(best[1].max()))
    excess = float(np.exp(best[0]))
    return OptimalSchedule(rates=best[1], B=B, excess=excess, method=method)


def warn_edge(what: str, value: float, page: str = "theory/schedules") -> None:
    """Warn that a search has ended where it must."""
    message = f"The best {what}, {value:.4g}, is at the edge of the range searched. {why(page)}"
    warn(message, EdgeWarning)


def tune(
    problem: Problem,
    rule: Callable[[float], Rule],
    steps: int,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Tuned:
    """The peak at which a family of rules has the least expected excess risk after ``steps``.

    Args:
        problem: What is learned.
        rule: From a peak to a :class:`Rule` of any kind, your own too, such as
            ``lambda peak: SGD(Cosine(peak, steps))``.
        steps: The horizon.
        low: Smallest peak; by default 10^-4 of the stable rate of SGD.
        high: Largest peak; by default the stable rate.

    Raises:
        ValueError: If the range is empty, or no rule in it has a finite risk.
        TypeError: If ``rule`` returns what is no rule.

    Warns:
        EdgeWarning: If the best peak is the smallest or the largest.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.5, v=10**6, noise=1.0)
        >>> best = tune(problem, lambda peak: SGD(schedules.Cosine(peak, 256)), steps=256)
        >>> best.at_edge
        False
    """
    steps = check_count("steps", steps)
    if not callable(rule):
        raise wrong_kind("rule", "be a function from a peak to a rule", rule)

    def made(peak: float) -> Rule:
        found = rule(peak)
        if not isinstance(found, Rule):
            raise wrong_kind("rule", "return a Rule for a peak", found)
        return found

    low = None if low is None else check_number("low", low, positive=True)
    high = None if high is None else check_number("high", high, positive=True)
    if low is None or high is None:
        B = made(next((x for x in (low, high) if x is not None), 1e-6)).B
        stable = float(SGD.stable(problem, 0.999, B).gamma)
        low, high = 1e-4 * stable if low is None else low, stable if high is None else high
    if not low < high:
        raise requirement("high", f"exceed low = {low:.4g}", high)

    def loss(log_peak: float) -> float:
        try:
            excess = float(predict(problem, made(float(np.exp(log_peak))), [steps]).excess[0])
        except UnstableError:
            return _WORST
        return float(np.log(max(excess, 1e-300))) if excess < np.inf else _WORST

    grid = np.linspace(np.log(low), np.log(high), 13)
    values = np.array([loss(x) for x in grid])
    at = int(np.argmin(values))
    if values[at] == _WORST:
        raise requirement("high", "allow a rule with a finite risk, but all are unstable", high)
    ends = grid[max(at - 1, 0)], grid[min(at + 1, 12)]
    found: Any = optimize.minimize_scalar(
        loss, bounds=ends, method="bounded", options={"xatol": 1e-3}
    )
    best = min((values[at], grid[at]), (float(found.fun), float(found.x)))
    edge = min(best[1] - grid[0], grid[-1] - best[1]) < 2e-3
    if edge:
        warn_edge("peak", float(np.exp(best[1])))
    return Tuned(float(np.exp(best[1])), float(np.exp(best[0])), bool(edge))
