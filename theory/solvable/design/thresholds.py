r"""Stability: how large a rate may be, and what noise it leaves.

With the kernel of the SGD noise summing to :math:`\kappa(\gamma, B)`, the expected risk stays
bounded iff :math:`\kappa < 1`, and tends to

.. math::
    P_\infty = \frac{F_0 + \sigma^2}{1 - \kappa}, \qquad
    \kappa = \sum_i \frac{\gamma \lambda_i}{2 B - (B + 1) \gamma \lambda_i}

for a given spectrum, with :math:`F_0` what the features cannot express. Heavy ball is SGD with
:math:`B (1 - \mu) / (1 + \mu)` for B and :math:`\gamma / (1 + \mu)` for :math:`\gamma`; for any
other constant rule the kernel is summed over the modes.

Source: Paquette et al. (2024), arXiv 2405.15074, section 2. Derived in the documents:
theory/batch_size, theory/momentum.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import optimize

from solvable.dynamics import octaves
from solvable.dynamics.contour import Watched
from solvable.dynamics.finite import check_fresh
from solvable.dynamics.prediction import seen_of
from solvable.models.problem import Problem, check_one_pass, check_problem
from solvable.models.thresholds import band_edge, kernel_sum, largest, spectrum_of
from solvable.rules.filters import Filter
from solvable.rules.rule import Rule, check_rule, target_keeping
from solvable.spectra.resolvent import left_over, ridge_on_axis
from solvable.util.checks import check_count, check_vector
from solvable.util.errors import requirement
from solvable.util.precision import float64_on_cpu, is_traced
from solvable.util.results import Result, array
from solvable.util.types import Array

_FOREVER = 1e15  # steps over which no mode may grow


class Stability(Result):
    """How far a rule is from its threshold, and the risk it settles at."""

    kernel: float
    """Sum of the kernel of the SGD noise; below one, the expected risk is bounded."""
    threshold: float
    """The largest stable learning rate, for the same batch size and momentum."""
    floor: float
    """Excess risk after infinitely many steps; infinite above the threshold."""

    @property
    def stable(self) -> bool:
        """Whether the expected risk is bounded."""
        return self.kernel < 1


@jax.jit
def learned_out(modes, inverse_d) -> Array:
    """Excess risk of the best theta."""
    kappa = ridge_on_axis(jnp.zeros(()), modes, inverse_d)
    return modes.floor + modes.weight @ left_over(kappa, modes)


def _constant(rule: Rule) -> Rule:
    check_rule(rule)
    if not rule.constant or isinstance(rule, Filter):
        must = "take steps with the same coefficients each, to have a threshold"
        raise requirement("rule", must, rule, page="theory/batch_size")
    target_keeping(rule, np.zeros(1, int))
    return rule


def _is_bounded(rule: Rule, edge: float) -> bool:
    """Whether no mode up to the edge of the spectrum grows for ever."""
    grid = np.linspace(0, edge, 33)[1:]
    return bool(Watched(rule, _FOREVER).growth(grid).max() <= 1e-3)


def _kernel(problem: Problem, rule: Rule) -> float:
    """The sum of the kernel of any constant rule; infinite past the edge of stability."""
    if not _is_bounded(rule, float(band_edge(*spectrum_of(problem)))):
        return np.inf
    found = octaves.kernel(seen_of(problem, rule).nodes(_FOREVER), rule)
    return found if found >= 0 else np.inf


def _at_rate(rule: Rule, gamma: float) -> Rule:
    """The rule with another learning rate, below its wrappers."""
    if "gamma" in dict(rule.items()):
        return dataclasses.replace(rule, gamma=gamma)
    if "rule" in dict(rule.items()):
        inner: Any = rule
        return dataclasses.replace(inner, rule=_at_rate(inner.rule, gamma))
    must = "have a learning rate `gamma`, of which the threshold is found"
    raise requirement("rule", must, rule, "Its stability has no such need: stability.")


@float64_on_cpu
def threshold(problem: Problem, rule: Rule, *, n: int | None = None) -> float:
    r"""The largest stable learning rate of a rule: the expected risk is bounded iff ``gamma`` is
    below it.

    Exact for a draw of W and for linear regression. For random features it is the threshold of the
    deterministic equivalent, around which single draws scatter: at alpha = 1, beta = 0.3, d = 400,
    B = 1 it is 0.608 for SGD, and six draws gave 0.576 to 0.671. For SGD it is linear in ``B``
    while ``B`` is small, and constant beyond the critical batch size.

    Args:
        problem: What is learned, or a draw of its features.
        rule: A rule of constant coefficients; its own ``gamma`` does not matter.
        n: Samples of the data set, for full batches; None for infinitely many, or fresh ones. There
            the threshold is where the edge of the spectrum begins to grow: 2 / edge for descent.

    Raises:
        ValueError: If the rule changes from step to step, or has no learning rate ``gamma``, or
            ``n`` is given for fresh samples.

    Source: Paquette et al. (2024), arXiv 2405.15074, section 2.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
        >>> round(threshold(problem, SGD(0.1)), 3), round(threshold(problem, SGD(0.1, B=32)), 2)
        (0.608, 1.76)
        >>> round(threshold(problem, Momentum(0.1, mu=0.9)), 4)
        0.0817
    """
    _constant(rule)
    if rule.data == "whole":
        return _whole_threshold(problem, rule, n)
    check_fresh(n, 1, 1)
    like = rule.equivalent
    if like is not None:
        modes, inverse_d = spectrum_of(problem)
        found = largest(modes, inverse_d, 1.0 * like.B) * rule.base.gamma / like.gamma
        return found if is_traced(found) else float(found)
    check_one_pass(problem)
    top = float(band_edge(*spectrum_of(problem)))

    def excess(log_gamma: float) -> float:
        kernel = _kernel(problem, _at_rate(rule, float(np.exp(log_gamma)) / top))
        return min(kernel, 2.0) - 1

    return float(np.exp(optimize.brentq(excess, np.log(1e-9), np.log(1e3), xtol=1e-7))) / top


def _whole_threshold(problem: Problem, rule: Rule, n: int | None) -> float:
    """The rate of full batches at which the edge of the spectrum begins to grow."""
    inverse_n = 0.0 if n is None else 1.0 / check_count("n", n)
    edge = float(band_edge(check_problem(problem).spectrum(), problem.inverse_d, inverse_n))
    grows = lambda y: 0.5 - _is_bounded(_at_rate(rule, float(np.exp(y)) / edge), edge)
    bounds = np.log(1e-9), np.log(1e6)
    return float(np.exp(optimize.bisect(grows, *bounds, xtol=1e-12, rtol=1e-12))) / edge


@float64_on_cpu
def stability(problem: Problem, rule: Rule, *, n: int | None = None) -> Stability:
    r"""Kernel sum, threshold and floor of a rule with constant coefficients.

    Exact for a draw and for linear regression; for random features, of the deterministic
    equivalent.

    Args:
        problem: A problem, or a draw of its features.
        rule: A rule on fresh samples that is no average, of constant coefficients.
        n: None: on a data set there is no noise of batches to be stable against; see
            :func:`threshold`.

    Raises:
        ValueError: If the rule changes from step to step, is an average, or ``n`` is given.

    Example:
        >>> problem = PowerLaw(alpha=0.5, beta=0.0, v=64, noise=1.0)
        >>> round(stability(problem, SGD.stable(problem, 0.5)).floor, 5)
        0.84141
    """
    check_fresh(n, 1, 1)
    if _constant(rule).data == "whole":
        fix = "Its threshold has an n: threshold(problem, rule, n=n)."
        raise requirement("rule", "see fresh samples, whose noise has a kernel", rule, fix)
    if rule.output != 0:
        raise requirement("rule", "be no average, whose floor is another", rule, "Take its rule.")
    like = rule.equivalent
    modes, inverse_d = spectrum_of(problem)
    most = threshold(problem, rule)
    if like is None:
        kernel = _kernel(problem, rule)
    else:
        kernel = float(kernel_sum(modes, inverse_d, 1.0 * like.gamma, 1.0 * like.B))
        if not like.gamma < largest(modes, inverse_d, 1.0 * like.B):
            kernel = max(kernel, 1.0) if np.isfinite(kernel) else np.inf
    best, noise = float(learned_out(modes, inverse_d)), float(rule.seen_noise(modes.noise))
    square = float(rule.omega[1])
    # What the weights let in of the noise comes back as risk, square times as much.
    floor = (best + noise * kernel / square) / (1 - kernel) if kernel < 1 else np.inf
    return Stability(kernel, most, floor)


class RateMap(Result, kw_only=True):
    """The largest stable learning rate against the batch size, and rules of thumb beside it."""

    B: Float[np.ndarray, " n"] = array("B")
    largest: Float[np.ndarray, " n"] = array("B")
    """The threshold."""
    small_batch: Float[np.ndarray, " n"] = array("B")
    """2 B / Tr: its limit for small batches."""
    large_batch: float
    """2 / (largest eigenvalue): its limit for large ones."""
    linear_scaling: Float[np.ndarray, " n"] = array("B")
    """The threshold of B = 1, times B."""

    @property
    def turning_point(self) -> float:
        """The batch size at which the two limits meet, Tr / (largest eigenvalue)."""
        return float(self.large_batch * self.B[0] / self.small_batch[0])


@float64_on_cpu
def learning_rate_map(problem: Problem, B: Sequence[float] | np.ndarray) -> RateMap:
    """The largest stable learning rate for many batch sizes, with both limits.

    Args:
        problem: What is learned, or a draw of its features.
        B: Batch sizes.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.0, v=512)
        >>> learning_rate_map(problem, [1, 4, 32]).largest.round(5)
        array([0.52969, 1.25549, 1.87928])
    """
    B = check_vector("B", B, positive=True)
    modes, inverse_d = spectrum_of(problem)
    each = jax.vmap(largest, (None, None, 0))(modes, inverse_d, jnp.append(1.0, B))
    trace = float(modes.trace)
    return RateMap(
        B=B,
        largest=np.asarray(each[1:]),
        small_batch=2 * B / trace,
        large_batch=float(2 / band_edge(modes, inverse_d)),
        linear_scaling=float(each[0]) * B,
    )
