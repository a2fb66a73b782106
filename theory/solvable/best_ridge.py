r"""The best ridge, and the best split of a product of features and samples.

The risk is explicit in the effective ridge :math:`\kappa`, and so is the ridge, :math:`\kappa
(1 - \mathrm{df}_1/d)(1 - \mathrm{df}_1/n)`: the best is sought over :math:`\kappa`. With no noise
and all target coefficients equal (``beta = 0``) it is the root of

.. math::
    (d - \mathrm{df}_1)(n - \mathrm{df}_1)(\mathrm{df}_2 - \mathrm{df}_3)
        = (\mathrm{df}_1 - \mathrm{df}_2)^3 .

Source: Maloney, Roberts, Sully (2022), arXiv 2210.16859, where the best ridge makes equal numbers
of features and samples the best (equiparameterization).
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import optimize

from solvable._checks import check_number, requirement
from solvable._precision import float64_on_cpu
from solvable._types import Array
from solvable.modes import Modes
from solvable.problem import LinearRegression, PowerLaw
from solvable.resolvent import ridge_on_axis
from solvable.ridge import at_kappa, freedom, sizes

_GRID = 64
_ZOOMS = 6
_RATIOS = 129
_EDGE = 1e-6  # in log kappa, to which a flat minimum is known


@dataclass(frozen=True)
class OptimalRidge:
    """The ridge of least expected risk."""

    ridge: float
    """Zero if none is best; infinite if predicting zero is."""
    excess: float
    """Expected risk there, minus the label noise."""
    kappa: float
    """Effective ridge."""
    method: str
    """``closed form`` or ``search``."""


@dataclass(frozen=True)
class Allocation:
    """How to split a fixed product of features and samples."""

    d: float
    n: float
    excess: float
    """Expected risk there, minus the label noise."""
    ridge: float
    """The ridge used there."""


def _explicit_ridge(kappa, modes: Modes, inverse_d, inverse_n) -> Array:
    df1 = freedom(kappa, modes, 1)
    return kappa * (1 - inverse_d * df1) * (1 - inverse_n * df1)


@jax.jit
def _search(modes: Modes, inverse_d, inverse_n, *averages):
    """Least excess risk over the effective ridge: a grid of its logarithm, zoomed into."""
    lowest = ridge_on_axis(jnp.zeros(()), modes, inverse_d, inverse_n)
    smallest = jnp.min(jnp.where(modes.multiplicity > 0, modes.lam, jnp.inf))
    lowest = jnp.maximum(lowest, 1e-6 * smallest)
    bounds = jnp.log(lowest), jnp.log(1e6 * modes.trace)

    def excess(y):
        found = at_kappa(jnp.exp(y), modes, inverse_d, inverse_n, *averages).excess
        return jnp.where(found > 0, found, jnp.inf)  # at the pole of d = n

    def zoom(_, bounds):
        y = jnp.linspace(*bounds, _GRID)
        at = jnp.argmin(excess(y))
        return y[jnp.maximum(at - 1, 0)], y[jnp.minimum(at + 1, _GRID - 1)]

    low, high = jax.lax.fori_loop(0, _ZOOMS, zoom, bounds)
    ends = jnp.stack([low, (low + high) / 2, high])
    y = ends[jnp.argmin(excess(ends))]
    ridge = _explicit_ridge(jnp.exp(y)[None], modes, inverse_d, inverse_n)[0]
    ridge = jnp.where(
        y <= bounds[0] + _EDGE, 0.0, jnp.where(y >= bounds[1] - _EDGE, jnp.inf, ridge)
    )
    return jnp.maximum(ridge, 0.0), jnp.exp(y), excess(y[None])[0]


_split = jax.jit(jax.vmap(_search, in_axes=(None, 0, 0)))


@jax.jit
def _ridgeless(modes: Modes, inverse_d, inverse_n) -> Array:
    zero = jnp.zeros(())
    kappa = jax.vmap(ridge_on_axis, (None, None, 0, 0))(zero, modes, inverse_d, inverse_n)
    each = jax.vmap(at_kappa, (0, None, 0, 0))
    return each(kappa[:, None], modes, inverse_d, inverse_n).excess[:, 0]


@float64_on_cpu
def optimal_ridge(
    problem: PowerLaw | LinearRegression, n: int | None, *, ensemble: int = 1, bags: int = 1
) -> OptimalRidge:
    """The ridge of least expected risk.

    Args:
        problem: What is learned.
        n: Samples; None for infinitely many.
        ensemble: As in :func:`ridge_risk`.
        bags: As in :func:`ridge_risk`.

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
    modes, inverse_d, inverse_n, *averages = sizes(problem, n, ensemble, bags)
    ridge, kappa, excess = map(float, _search(modes, inverse_d, inverse_n, *averages))
    isotropic = problem.beta is not None and float(problem.beta) == 0 and modes.noise == 0
    plain = isotropic and inverse_d > 0 and inverse_n > 0 and ensemble == bags == 1
    if not plain or ridge in (0.0, np.inf):
        return OptimalRidge(ridge, excess, kappa, "search")

    def condition(y: float) -> float:
        df1, df2, df3 = (float(freedom(jnp.exp(y), modes, order)) for order in (1, 2, 3))
        left = (1 / inverse_d - df1) * (1 / inverse_n - df1) * (df2 - df3)
        return np.log(left) - 3 * np.log(df1 - df2)

    y = np.log(kappa)
    root = float(np.exp(optimize.brentq(condition, y - 0.1, y + 0.1, xtol=1e-15)))
    at = jnp.asarray([root])
    ridge = float(_explicit_ridge(at, modes, inverse_d, inverse_n)[0])
    excess = float(at_kappa(at, modes, inverse_d, inverse_n).excess[0])
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
        The better split; of two equally good ones that with fewer features.

    Raises:
        ValueError: If ``product`` is below 4 or ``ridge`` neither None nor 0.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.0, v=10**6, d=1)
        >>> best = equiparameterization(problem, product=10**6)
        >>> round(best.d), round(best.n)
        (1000, 1000)
    """
    check_number("product", product, minimum=4)
    if ridge not in (None, 0):
        raise requirement("ridge", "be None, for the best, or 0", ridge)
    modes = problem.spectrum()

    def table(log_d: Float[np.ndarray, " k"]) -> tuple[np.ndarray, np.ndarray]:
        inverse_d = jnp.exp(-jnp.asarray(log_d))
        inverse_n = 1 / (product * inverse_d)
        if ridge is None:
            found, _, excess = _split(modes, inverse_d, inverse_n)
            return np.asarray(excess), np.asarray(found)
        excess = np.array(_ridgeless(modes, inverse_d, inverse_n))
        return np.where(excess > 0, excess, np.inf), np.zeros(len(log_d))

    low, high = 0.0, float(np.log(product))
    for _ in range(_ZOOMS):
        log_d = np.linspace(low, high, _RATIOS)
        excess, ridges = table(log_d)
        best = int(np.argmin(excess * (1 + 1e-12 * np.arange(_RATIOS))))
        low, high = log_d[max(best - 1, 0)], log_d[min(best + 1, _RATIOS - 1)]
    d = float(np.exp(log_d[best]))
    return Allocation(d, product / d, float(excess[best]), float(ridges[best]))
