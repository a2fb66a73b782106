r"""The best ridge, and the best split of a product of features and samples.

The risk is explicit in the effective ridge :math:`\kappa`, and so is the ridge, :math:`\kappa
(1 - \mathrm{df}_1/d)(1 - \mathrm{df}_1/n)`: the best is sought over :math:`\kappa`. With no noise
and all target coefficients equal (``beta = 0``) it is the root of

.. math::
    (d - \mathrm{df}_1)(n - \mathrm{df}_1)(\mathrm{df}_2 - \mathrm{df}_3)
        = (\mathrm{df}_1 - \mathrm{df}_2)^3 .

Source: Maloney, Roberts, Sully (2022), arXiv 2210.16859, where the best ridge makes equal numbers
of features and samples the best (equiparameterization). Derived in the documents: theory/ridge.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize

from solvable.dynamics.ridge import at_kappa, at_ridge, sizes_of
from solvable.models.modes import Modes, seen_modes
from solvable.models.power_law import PowerLaw
from solvable.models.problem import Problem, check_problem
from solvable.numerics.search import minimum
from solvable.spectra.lower_edge import negative_branch
from solvable.spectra.resolvent import EQUAL, freedom
from solvable.spectra.two_point import Sizes
from solvable.util.checks import check_number, is_usual
from solvable.util.errors import requirement
from solvable.util.precision import float64_on_cpu
from solvable.util.record import static
from solvable.util.results import Result
from solvable.util.types import Array

_NEAR = 1e-9
"""How near the ends of all effective ridges the search begins, in units of their distance."""


class OptimalRidge(Result):
    """The ridge of least expected risk."""

    ridge: float
    """Zero if none is best; negative if even less than none is, above minus the lower edge of the
    Gram spectrum; infinite if predicting zero is best."""
    excess: float
    """Expected risk there, minus the label noise."""
    kappa: float
    """Effective ridge."""
    method: str = static()
    """``closed form`` or ``search``."""


class Allocation(Result):
    """How to split a fixed product of features and samples."""

    d: float
    n: float
    excess: float
    """Expected risk there, minus the label noise."""
    ridge: float
    """The ridge used there."""


def _explicit_ridge(kappa, modes: Modes, sizes: Sizes) -> Array:
    df1 = freedom(kappa, modes, 1)
    return kappa * (1 - sizes.inverse_d * df1) * (1 - sizes.inverse_n * df1)


def _search(modes: Modes, sizes: Sizes) -> tuple[Array, Array, Array]:
    """The ridge of least excess risk that is not negative, the effective ridge and the excess."""
    zero, at_zero = _ridgeless(modes, sizes)[1:]
    smallest = jnp.min(jnp.where(modes.multiplicity * modes.lam > 0, modes.lam, jnp.inf))
    scale = jnp.where(zero > 0, zero, smallest)
    low = jnp.minimum(scale, smallest * jnp.maximum(*sizes[:2])) * _NEAR
    beyond = jnp.log(low), jnp.log(1e6 * modes.trace)
    above = _least(lambda y: zero + jnp.exp(y), beyond, modes, sizes)
    ridge, kappa, excess = above
    ridge = jnp.where(kappa >= zero + (1 - _NEAR) * 1e6 * modes.trace, jnp.inf, ridge)
    return _better((ridge, kappa, excess), (jnp.zeros(()), zero, at_zero))


def _search_below(modes: Modes, sizes: Sizes) -> tuple[Array, Array, Array]:
    """The best ridge among negative ones."""
    branch = negative_branch(modes, *sizes[:2])
    width = branch.kappa_zero - branch.kappa_least
    there = width > EQUAL * modes.trace * jnp.maximum(*sizes[:2])
    width = jnp.where(there, width, 1.0)
    ends = jnp.log(_NEAR * width), jnp.log((1 - _NEAR) * width)
    kappa = lambda y: branch.kappa_zero - jnp.exp(y)
    ridge, kappa, excess = _least(kappa, ends, modes, sizes)
    return ridge, kappa, jnp.where(there, excess, jnp.inf)


def _least(kappa, ends, modes: Modes, sizes: Sizes) -> tuple[Array, Array, Array]:
    def excess(y):
        found = at_kappa(kappa(y), modes, sizes).excess
        return jnp.where(found > 0, found, jnp.inf)  # at the pole of d = n

    least = minimum(excess, *ends)
    found = kappa(least.x)
    return _explicit_ridge(found[None], modes, sizes)[0], found, least.value


def _better(found: tuple, simple: tuple) -> tuple[Array, Array, Array]:
    """What is found, unless the simpler one is as good to the digits of the risk."""
    simpler = simple[2] <= found[2] * (1 + EQUAL)
    ridge, kappa, excess = (jnp.where(simpler, y, x) for x, y in zip(found, simple, strict=True))
    return ridge, kappa, excess


@jax.jit
def _search_all(modes: Modes, sizes: Sizes) -> tuple[Array, Array, Array]:
    return _better(_search_below(modes, sizes), _search(modes, sizes))


def _ridgeless(modes: Modes, sizes: Sizes) -> tuple[Array, Array, Array]:
    parts, kappa = at_ridge(jnp.zeros(1), modes, sizes)
    return jnp.zeros(()), kappa[0], parts.excess[0]


@functools.partial(jax.jit, static_argnames="best")
def _split(product, modes: Modes, best: bool) -> tuple[Array, Array, Array]:
    """log d, the ridge there and the excess there."""
    at = _search if best else _ridgeless
    sizes = lambda y: Sizes(jnp.exp(-y), jnp.exp(y) / product)
    each = jax.vmap(lambda y: at(modes, sizes(y)))
    log_d = minimum(lambda y: each(y)[2], 0.0, jnp.log(product)).x
    ridge, _, excess = at(modes, sizes(log_d))
    return log_d, ridge, excess


@float64_on_cpu
def optimal_ridge(
    problem: Problem, n: int | None, *, ensemble: int = 1, bags: int = 1
) -> OptimalRidge:
    """The ridge of least expected risk.

    Args:
        problem: What is learned.
        n: Samples; None for infinitely many.
        ensemble: As in :func:`~solvable.predict`.
        bags: As in :func:`~solvable.predict`.

    Returns:
        The ridge, and the excess risk there. Without noise and with ``beta = 0`` it is the root of
        the equation above; otherwise a search, to nine digits of the risk.

    Raises:
        ValueError: If a count is not a positive whole number.

    Example:
        >>> best = optimal_ridge(PowerLaw(alpha=0.75, beta=0.0, v=10**6, d=1000), n=1000)
        >>> print(f"{best.ridge:.6e} {best.excess:.6f} {best.method}")
        1.881880e-04 0.180500 closed form
    """
    modes, sizes = seen_modes(check_problem(problem)), sizes_of(problem, n, ensemble, bags)
    ridge, kappa, excess = map(float, _search_all(modes, sizes))
    beta = getattr(problem, "beta", None)
    isotropic = beta is not None and float(beta) == 0 and modes.noise == 0
    plain = isotropic and min(sizes[:2]) > 0 and ensemble == bags == 1
    if not plain or ridge in (0.0, np.inf):
        return OptimalRidge(ridge, excess, kappa, "search")

    def condition(y: float) -> float:
        df1, df2, df3 = (float(freedom(jnp.exp(y), modes, order)) for order in (1, 2, 3))
        left = (1 / sizes.inverse_d - df1) * (1 / sizes.inverse_n - df1) * (df2 - df3)
        return float(left / (df1 - df2) ** 3 - 1)

    y = np.log(kappa)
    root = float(np.exp(optimize.brentq(condition, y - 0.1, y + 0.1, xtol=1e-15)))
    at = jnp.asarray([root])
    ridge = float(_explicit_ridge(at, modes, sizes)[0])
    excess = float(at_kappa(at, modes, sizes).excess[0])
    return OptimalRidge(ridge, excess, root, "closed form")


@float64_on_cpu
def equiparameterization(
    problem: PowerLaw, product: float, *, ridge: float | None = None
) -> Allocation:
    r"""The best numbers of features and samples of a given product d n.

    At the best ridge they are equal when the target is isotropic (``beta = 0``). Without ridge
    d = n is the worst, and then the best ratios are :math:`(2 \alpha - 1)/(2 \alpha + 1)` and its
    inverse, which are equally good.

    Args:
        problem: What is learned; its own ``d`` is not used.
        product: d n, at least 4.
        ridge: None for the best ridge at every split, or 0.

    Returns:
        The better split, as real numbers; of two equally good ones, one.

    Raises:
        ValueError: If ``product`` is below 4 or ``ridge`` neither None nor 0.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.0, v=10**6, d=1)
        >>> best = equiparameterization(problem, product=10**6)
        >>> round(best.d), round(best.n)
        (1000, 1000)
    """
    check_problem(problem)
    product = check_number("product", product, minimum=4)
    if not (is_usual(ridge, None) or is_usual(ridge, 0)):
        raise requirement("ridge", "be None, for the best, or 0", ridge)
    log_d, found, excess = map(float, _split(float(product), problem.spectrum(), ridge is None))
    d = float(np.exp(log_d))
    return Allocation(d, product / d, excess, found)
