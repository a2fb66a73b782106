r"""Stability and batch size: how large a rate, how large a batch, and what noise they leave.

With the kernel of the SGD noise summing to :math:`\kappa(\gamma, B)`, the expected risk stays
bounded iff :math:`\kappa < 1`, and tends to

.. math::
    P_\infty = \frac{F_0 + \sigma^2}{1 - \kappa}, \qquad
    \kappa = \sum_i \frac{\gamma \lambda_i}{2 B - (B + 1) \gamma \lambda_i}

for a given spectrum, with :math:`F_0` what the features cannot express. Heavy ball is SGD with
:math:`B (1 - \mu) / (1 + \mu)` for B and :math:`\gamma / (1 + \mu)` for :math:`\gamma`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.dynamics import inversion
from solvable.models.problem import Draw, LinearRegression, PowerLaw
from solvable.models.thresholds import band_edge, kernel_sum, largest, spectrum_of
from solvable.rules.rule import Rule
from solvable.spectra.resolvent import ridge_on_axis
from solvable.util.checks import check_count, check_key, check_number, check_type, check_vector
from solvable.util.errors import requirement
from solvable.util.precision import float64_on_cpu
from solvable.util.types import Array

_LARGE = 1e12  # a batch without noise


@dataclass(frozen=True)
class Stability:
    """How far a rule is from its threshold, and the risk it settles at."""

    kernel: float
    """Sum of the kernel of the SGD noise; below one, the expected risk is bounded."""
    max_learning_rate: float
    """The threshold, for the same batch size and momentum."""
    floor: float
    """Excess risk after infinitely many steps; infinite above the threshold."""

    @property
    def stable(self) -> bool:
        """Whether the expected risk is bounded."""
        return self.kernel < 1


@jax.jit
def _learned_out(modes, inverse_d) -> Array:
    """Excess risk of the best theta."""
    kappa = ridge_on_axis(jnp.zeros(()), modes, inverse_d)
    return modes.floor + modes.weight @ (kappa / (modes.lam + kappa))


@float64_on_cpu
def stability(problem: PowerLaw | LinearRegression | Draw, rule: Rule) -> Stability:
    r"""Kernel sum, threshold and floor of SGD or heavy ball with constant rate.

    Exact for a draw and for a linear regression; for a :class:`PowerLaw`, of the deterministic
    equivalent.

    Args:
        problem: A problem, or a draw of its features.
        rule: :class:`SGD` or :class:`Momentum`, of constant rate.

    Raises:
        ValueError: If the rule has no threshold in closed form.

    Example:
        >>> problem = LinearRegression(alpha=0.5, beta=0.0, v=64, noise=1.0)
        >>> round(stability(problem, SGD.stable(problem, 0.5)).floor, 5)
        0.84141
    """
    check_type("problem", problem, PowerLaw, LinearRegression, Draw)
    check_type("rule", rule, Rule)
    like = rule.equivalent
    if like is None or rule.base is not rule:
        must = "be SGD or Momentum of constant rate, whose threshold has a closed form"
        raise requirement("rule", must, rule)
    modes, inverse_d = spectrum_of(problem)
    threshold = float(largest(modes, inverse_d, 1.0 * like.B))
    kernel = float(kernel_sum(modes, inverse_d, 1.0 * like.gamma, 1.0 * like.B))
    if not like.gamma < threshold:
        kernel = max(kernel, 1.0) if np.isfinite(kernel) else np.inf
    best, noise = float(_learned_out(modes, inverse_d)), float(modes.noise)
    floor = (best + noise * kernel) / (1 - kernel) if kernel < 1 else np.inf
    return Stability(kernel, threshold * float(rule.base.gamma / like.gamma), floor)


@dataclass(frozen=True)
class RateMap:
    """The largest stable learning rate against the batch size, and rules of thumb beside it."""

    B: Float[np.ndarray, " n"]
    largest: Float[np.ndarray, " n"]
    """The threshold."""
    small_batch: Float[np.ndarray, " n"]
    """2 B / Tr: its limit for small batches."""
    large_batch: float
    """2 / (largest eigenvalue): its limit for large ones."""
    linear_scaling: Float[np.ndarray, " n"]
    """The threshold of B = 1, times B."""

    @property
    def turning_point(self) -> float:
        """The batch size at which the two limits meet, Tr / (largest eigenvalue)."""
        return float(self.large_batch * self.B[0] / self.small_batch[0])


@float64_on_cpu
def learning_rate_map(
    problem: PowerLaw | LinearRegression | Draw, B: Sequence[float] | np.ndarray
) -> RateMap:
    """The largest stable learning rate for many batch sizes, with both limits.

    Example:
        >>> problem = LinearRegression(alpha=0.75, beta=0.0, v=512)
        >>> learning_rate_map(problem, [1, 4, 32]).largest.round(5)
        array([0.52969, 1.25549, 1.87928])
    """
    check_type("problem", problem, PowerLaw, LinearRegression, Draw)
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


@float64_on_cpu
def batch_hessian_rate(
    key: jax.Array, problem: LinearRegression | Draw, B: int, draws: int = 200
) -> tuple[float, float]:
    r"""The rule :math:`\gamma = 2 / \mathbb E \lambda_{max}` of the Hessian of a batch.

    Proposed for SGD by Granziol et al. (2020), arXiv 2006.09092. It has the limits of the
    threshold, linear and flat in B, but is not the threshold: it may be several times too small,
    or unstable. The expectation is a mean over batches, whose relative standard error comes
    second.

    Example:
        >>> problem = LinearRegression(alpha=0.75, beta=0.0, v=512)
        >>> rate, error = batch_hessian_rate(jax.random.key(0), problem, B=1)
        >>> rate > max_learning_rate(problem, B=1)
        True
    """
    check_key(key)
    check_type("problem", problem, LinearRegression, Draw)
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
def steps_to_target(
    problem: PowerLaw | LinearRegression, target: float, B: float
) -> tuple[int, float]:
    """Fewest steps of SGD until the expected excess risk is ``target``, and the rate that does it.

    The constant learning rate is tuned, to about one per cent.

    Raises:
        ValueError: If the target is not above what the features can express.

    Example:
        >>> problem = LinearRegression(alpha=0.75, beta=0.15, v=10**6, noise=1.0)
        >>> steps, gamma = steps_to_target(problem, 0.4, B=1)
        >>> 50 < steps < 200
        True
    """
    check_type("problem", problem, PowerLaw, LinearRegression)
    check_number("target", target, positive=True)
    check_number("B", B, positive=True)
    modes, inverse_d = spectrum_of(problem)
    best = float(_learned_out(modes, inverse_d))
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


def critical_batch(problem: PowerLaw | LinearRegression, target: float) -> CriticalBatch:
    r"""The batch size at which more samples per step stop paying, for a target excess risk.

    :math:`B = N / S`, with S the fewest steps (infinite batches) and N the fewest samples
    (batches of one) that reach the target at the best constant learning rate. With label noise
    it grows like :math:`\sigma^2 / \text{target}`. Close to (S'/S - 1)(N'/N - 1) = 1 in between
    (McCandlish et al., 2018, arXiv 1812.06162).

    Raises:
        ValueError: If the target is below what can be reached.

    Example:
        >>> problem = LinearRegression(alpha=0.75, beta=0.15, v=10**6, noise=1.0)
        >>> 20 < critical_batch(problem, 0.4).B < 40
        True
    """
    samples, gamma_samples = steps_to_target(problem, target, 1)
    steps, gamma_steps = steps_to_target(problem, target, _LARGE)
    if steps == 0:
        raise requirement("target", "be below the initial excess risk", target)
    return CriticalBatch(samples / steps, steps, samples, gamma_steps, gamma_samples)
