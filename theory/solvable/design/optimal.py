r"""The best schedule for a horizon, and the best peak of any other.

For long horizons the risk at the end is that of the signal at :math:`\tau = \sum_t \eta_t` plus
:math:`\frac1B \sum_t \eta_t^2 K(\tau_T - \tau_t)` times the noise, with the kernel
:math:`K(u) = \sum_j n_j \lambda_j^2 e^{-2 \lambda_j u}`. At the optimum the rate is

.. math::
    \eta = c\, K(u)^{-1/2}, \text{ at most } \hat\eta, \qquad
    \text{remaining steps} = \int_0^u \frac{du'}{\eta(u')},

as a function of the intrinsic time u still to come. The two scalars c and :math:`\hat\eta` are
tuned with the exact recursion, and the exact optimum over all rates, by gradients through the
recursion, is the check: the rule was within 0.4 per cent of it for easy targets, and 2 for hard.

Sources: arXiv 2509.19189 (the functional scaling law behind the first formula) and 2602.06797
(optimal schedules).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
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
from solvable.models.power_law import PowerLaw
from solvable.models.problem import Problem, check_problem
from solvable.models.thresholds import largest, spectrum_of
from solvable.rules.rule import Rule
from solvable.rules.schedules import Constant
from solvable.rules.sgd import SGD
from solvable.util.checks import check_count, check_number
from solvable.util.errors import requirement, why
from solvable.util.precision import float64_on_cpu

MAX_DIRECT = 2**17
"""Steps up to which all rates can be optimised one by one."""


class EdgeWarning(UserWarning):
    """The best value found lies at the end of the range searched: it may not be the best."""


@dataclass(frozen=True, eq=False)
class OptimalSchedule:
    """Learning rates, one per step, and the excess risk they end at."""

    rates: Float[np.ndarray, " T"]
    B: int
    excess: float
    method: str
    """``rule``, with two scalars tuned; or ``direct``, every rate optimised."""

    @property
    def sgd(self) -> SGD:
        """The schedule as a training rule, for the batch size it is the best of."""
        return SGD(self.rates, self.B)


@dataclass(frozen=True)
class Tuned:
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


def _nodes(problem: Problem, peak: float, steps: int, B: int) -> Modes:
    if isinstance(problem, PowerLaw):
        return contour_modes(problem, SGD(Constant(peak, steps), B), steps)
    return problem.spectrum()


@float64_on_cpu
def optimal_schedule(
    problem: Problem, steps: int, B: int = 1, *, method: str = "rule"
) -> OptimalSchedule:
    """The learning rates that minimise the expected excess risk after so many steps of SGD.

    Args:
        problem: What is learned. Without label noise the best rates are constant but for the end.
        steps: The horizon.
        B: Batch size.
        method: ``rule``: the rate proportional to the inverse root of the kernel, capped, with
            both scalars tuned; or ``direct``: every rate optimised, from there, by gradients
            through the exact recursion (L-BFGS), for up to 131 072 steps.

    Raises:
        ValueError: If an argument is out of range.

    Warns:
        EdgeWarning: If a scalar of the rule ends at the edge of the range searched.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.5, v=10**6, noise=1.0)
        >>> best = optimal_schedule(problem, steps=256)
        >>> best.rates.shape, bool(best.rates[0] > best.rates[-1])
        ((256,), True)
    """
    check_problem(problem)
    check_count("steps", steps)
    check_count("B", B)
    if method not in ("rule", "direct"):
        raise requirement("method", "be rule or direct", method)
    steps = int(steps)
    if method == "direct" and steps > MAX_DIRECT:
        raise requirement("steps", f"be at most {MAX_DIRECT} for method='direct'", steps)
    spectrum, inverse_d = spectrum_of(problem)
    threshold = float(largest(spectrum, inverse_d, 1.0 * B))
    nodes = _nodes(problem, 2 * threshold, steps, B)
    width = 1 / np.sqrt(float(spectrum.multiplicity @ spectrum.lam**2))  # K(0)^(-1/2)
    final = lambda rates: float(final_excess(jnp.asarray(rates), nodes, 1.0 * B))
    bounds = np.log([(1e-7, 1e3), (1e-4, 2.0)]) + np.log([[threshold / width], [threshold]])

    def loss(x: np.ndarray) -> float:
        inside = np.clip(x, *bounds.T)
        excess = final(kernel_rates(spectrum, steps, *np.exp(inside)))
        return np.log(excess) + np.abs(x - inside).sum() if excess > 0 else 1e3

    grid = [(y, z) for y in np.linspace(*bounds[0], 24) for z in np.linspace(*bounds[1], 6)]
    start = min(grid, key=lambda x: loss(np.array(x)))
    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-3})
    x = np.clip(found.x, *bounds.T)
    if (np.abs(x[0] - bounds[0]) < 1e-2).any():
        _warn("scale of the rule", float(np.exp(x[0])))
    rates = kernel_rates(spectrum, steps, *np.exp(x))
    if rates.max() > 0.99 * np.exp(bounds[1, 1]):
        _warn("cap of the rule", float(rates.max()))
    if method == "rule":
        return OptimalSchedule(rates, int(B), final(rates), method)

    def value(y: np.ndarray) -> tuple[float, np.ndarray]:
        excess, gradient = final_excess_and_gradient(jnp.exp(y), nodes, 1.0 * B)
        return float(np.log(excess)), np.exp(y) * np.asarray(gradient / excess)

    options = {"maxiter": 2000, "maxfun": 3000, "maxcor": 30, "ftol": 1e-12, "gtol": 1e-9}
    limits = [(None, np.log(2 * threshold))] * steps
    found = optimize.minimize(
        value, np.log(rates), jac=True, method="L-BFGS-B", bounds=limits, options=options
    )
    return OptimalSchedule(np.exp(found.x), int(B), float(np.exp(found.fun)), method)


def _warn(what: str, value: float) -> None:
    message = f"The best {what}, {value:.4g}, is at the edge of the range searched. "
    message += why("theory/schedules")
    warnings.warn(message, EdgeWarning, stacklevel=3)


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
        rule: From a peak to a rule, such as ``lambda peak: SGD(Cosine(peak, steps))``.
        steps: The horizon.
        low: Smallest peak; by default 10^-4 of the stable rate of SGD.
        high: Largest peak; by default the stable rate.

    Warns:
        EdgeWarning: If the best peak is the smallest or the largest.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.5, v=10**6, noise=1.0)
        >>> best = tune(problem, lambda peak: SGD(Cosine(peak, 256)), steps=256)
        >>> best.at_edge
        False
    """
    check_count("steps", steps)
    stable = float(SGD.stable(problem, 0.999, rule(1e-6).B).gamma)
    low, high = low or 1e-4 * stable, high or stable
    check_number("low", low, positive=True)
    if not low < high:
        raise requirement("high", f"exceed low = {low:.4g}", high)

    def loss(log_peak: float) -> float:
        try:
            return float(np.log(predict(problem, rule(float(np.exp(log_peak))), [steps]).excess[0]))
        except UnstableError:
            return 1e3

    grid = np.linspace(np.log(low), np.log(high), 13)
    values = np.array([loss(x) for x in grid])
    at = int(np.argmin(values))
    ends = grid[max(at - 1, 0)], grid[min(at + 1, 12)]
    found: Any = optimize.minimize_scalar(
        loss, bounds=ends, method="bounded", options={"xatol": 1e-3}
    )
    best = min((values[at], grid[at]), (float(found.fun), float(found.x)))
    edge = min(best[1] - grid[0], grid[-1] - best[1]) < 2e-3
    if edge:
        _warn("peak", float(np.exp(best[1])))
    return Tuned(float(np.exp(best[1])), float(np.exp(best[0])), bool(edge))
