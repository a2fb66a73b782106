r"""The largest stable learning rate.

The expected risk stays bounded iff the kernel of the SGD noise sums below one and no mode is
pushed past the edge of stability. Both conditions are explicit in the variable :math:`x =
-\kappa` beyond the largest eigenvalue, where :math:`h(x) = x\,(1 + \frac1d \sum_j
\frac{\lambda_j}{x - \lambda_j})` is the point :math:`2B / (\gamma (B + 1))` of the spectrum's
axis:

.. math::
    \text{kernel sum:}\quad \sum_j \frac{\lambda_j}{x - \lambda_j} < B + 1, \qquad
    \text{band edge:}\quad \frac1d \sum_j \frac{\lambda_j^2}{(x - \lambda_j)^2} < 1.

For :math:`d = \infty` (a draw, a linear regression) h(x) = x and the first is the exact
condition :math:`\sum_i \gamma \lambda_i / (2B - \gamma (B + 1) \lambda_i) < 1`. On n samples
h has one more factor like its second, and the band ends where it is least.

Source: Paquette et al. (2024), arXiv 2405.15074, section 2. Derived in the documents:
theory/batch_size.
"""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
from jax import lax

from solvable.models.modes import Modes, seen_modes
from solvable.models.problem import Problem, check_one_pass
from solvable.util.checks import check_count
from solvable.util.precision import float64_on_cpu, is_traced
from solvable.util.types import Array, Scalar


def _units(modes: Modes) -> tuple[Modes, Array]:
    """Modes in units of the largest eigenvalue, whose squares are numbers, and that eigenvalue."""
    unit = lax.stop_gradient(modes.top)
    return replace(modes, lam=modes.lam / unit), unit


def _root(f: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Root of a decreasing function of log gap, differentiable by one Newton step."""

    def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = (bracket[0] + bracket[1]) / 2
        above = f(middle) > 0
        return jnp.where(above, middle, bracket[0]), jnp.where(above, bracket[1], middle)

    low, high = lax.fori_loop(0, 56, halve, lax.stop_gradient((low, high)))
    y = lax.stop_gradient((low + high) / 2)
    return y - f(y) / lax.stop_gradient(jax.grad(f)(y))


def _axis(gap: Array, modes: Modes, inverse_d: Scalar, inverse_n: Scalar = 0.0) -> Array:
    """h(x) at x = lam_1 + gap: where the effective ridge is -x on the spectrum's axis."""
    sum_ = modes.multiplicity @ _ratio(gap, modes)
    return (modes.top + gap) * (1 + inverse_d * sum_) * (1 + inverse_n * sum_)


def _ratio(gap: Array, modes: Modes) -> Array:
    """lam / (x - lam), without the cancellation in x - lam."""
    return modes.lam / (modes.top - modes.lam + gap)


def _band_gap(modes: Modes, inverse_d: Scalar, inverse_n: Scalar = 0.0) -> Array:
    n, either, both = modes.multiplicity, inverse_d + inverse_n, inverse_d * inverse_n
    random = either > 0  # without features and samples the band ends at the top eigenvalue
    either = jnp.where(random, either, 1.0)

    def log_slope(y):
        ratio = _ratio(jnp.exp(y), modes)
        first, second = n @ ratio, n @ ratio**2
        return jnp.log(either * second + both * first * (first + 2 * second))

    trace, square = n @ modes.lam, n @ modes.lam**2
    parts = [either * square, both * trace**2]  # each at most a third of one at the upper end
    high = jnp.maximum(jnp.sqrt(3 * jnp.maximum(*parts)), jnp.cbrt(6 * both * trace * square))
    gap = jnp.exp(_root(log_slope, jnp.log(modes.top**2 * either) / 2, jnp.log(high)))
    return jnp.where(random, gap, 0.0)


@jax.jit
def band_edge(modes: Modes, inverse_d: Scalar, inverse_n: Scalar = 0.0) -> Array:
    """The upper end of the spectrum of K, of d features seen on n samples."""
    modes, unit = _units(modes)
    edge = _axis(_band_gap(modes, inverse_d, inverse_n), modes, inverse_d, inverse_n)
    return unit * jnp.where(inverse_d + inverse_n > 0, edge, modes.top)


@jax.jit
def largest(modes: Modes, inverse_d: Array, B: Array) -> Array:
    """The stability threshold for any modes."""
    modes, unit = _units(modes)
    f = lambda y: jnp.log(modes.multiplicity @ _ratio(jnp.exp(y), modes)) - jnp.log(B + 1)
    bounds = modes.top / (B + 1), modes.trace / (B + 1)
    kernel_gap = jnp.exp(_root(f, *map(jnp.log, bounds)))
    gap = jnp.maximum(kernel_gap, _band_gap(modes, inverse_d))
    return 2 * B / ((B + 1) * _axis(gap, modes, inverse_d)) / unit


@jax.jit
def kernel_sum(modes: Modes, inverse_d: Array, gamma: Array, B: Array) -> Array:
    """The sum of the kernel of the SGD noise; not a number past the band's edge of stability."""
    modes, unit = _units(modes)
    axis = 2 * B / (gamma * unit * (B + 1))
    start = jnp.maximum(_band_gap(modes, inverse_d), 1e-14 * axis)
    f = lambda y: jnp.log(axis) - jnp.log(_axis(jnp.exp(y), modes, inverse_d))
    gap = jnp.exp(_root(f, jnp.log(start), jnp.log(axis)))
    inside = axis > _axis(start, modes, inverse_d)
    return jnp.where(inside, modes.multiplicity @ _ratio(gap, modes) / (B + 1), jnp.nan)


def spectrum_of(problem: Problem) -> tuple[Modes, Scalar]:
    """The modes a threshold is read from, and one over the number of features they are seen by."""
    check_one_pass(problem)
    return seen_modes(problem), problem.inverse_d


@float64_on_cpu
def max_learning_rate(problem: Problem, B: int = 1) -> float:
    r"""The stability threshold: the expected risk is bounded iff ``gamma`` is below it.

    Exact for a draw of W and for a linear regression. For a :class:`PowerLaw` it is the
    threshold of the deterministic equivalent, around which single draws scatter: at
    alpha = 1, beta = 0.3, d = 400, B = 1 it is 0.608, and six draws gave 0.576 to 0.671.
    Linear in ``B`` while ``B`` is small, constant beyond the critical batch size.

    Raises:
        ValueError: If ``B`` is not a positive whole number.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
        >>> round(max_learning_rate(problem), 3), round(max_learning_rate(problem, B=32), 2)
        (0.608, 1.76)
    """
    B = check_count("B", B)
    gamma = largest(*spectrum_of(problem), 1.0 * B)
    return gamma if is_traced(gamma) else float(gamma)
