r"""Ridge regression on finite data: its risk and its training error.

The predictor minimises

.. math::
    \frac1n \sum_{i \le n} (\langle \phi_i, \theta \rangle - y_i)^2 + \text{ridge}\, |\theta|^2,

the *mean* squared residual. It is the two-point function at a single point, z = z' = ridge
(:mod:`solvable.spectra.two_point`), so everything is explicit in the effective ridge
:math:`\kappa`.

Sources: Defilippis, Loureiro, Misiakiewicz (2024), arXiv 2405.15699, and Simon et al. (2023), arXiv
2311.14646 (the risk of random-feature ridge regression). Derived in the documents: theory/ridge.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvable.dynamics.chunks import in_chunks
from solvable.dynamics.curve import Curve
from solvable.models.modes import Modes, seen_modes
from solvable.models.problem import Problem, check_problem
from solvable.rules.rule import Rule
from solvable.spectra.lower_edge import negative_branch, ridge_below
from solvable.spectra.resolvent import EQUAL, freedom, rank, resolves, ridge_on_axis
from solvable.spectra.two_point import TERMS, Parts, Sizes, pair_sums
from solvable.util.checks import check_array, check_count, check_vector
from solvable.util.errors import requirement, warn, why
from solvable.util.precision import as_numpy, is_traced
from solvable.util.types import Array, Rung, Scalar


class InfiniteRiskWarning(UserWarning):
    """The expected risk is infinite: no ridge, and just as many samples as can be fitted."""


def at_kappa(kappa, modes: Modes, sizes: Sizes) -> Parts:
    """Everything at given effective ridges, shape (k,)."""
    half = jnp.full((*kappa.shape, 1, 1), 0.5)
    parts = pair_sums(kappa[..., None], half, modes, sizes)
    return jax.tree.map(lambda x: x[..., 0], parts)


def infinite(modes: Modes, sizes: Sizes) -> tuple[Array, Array]:
    """Whether the expected risk at ridge 0 is infinite because all coordinates are resolved by just
    as many samples, or because not all are, by as many features as samples."""
    inverse_d, inverse_n, *_ = sizes
    something = modes.excess + modes.noise > 0
    all_resolved = resolves(modes, inverse_d, inverse_n)
    unlearned = modes.noise + modes.floor + jnp.where(modes.lam > 0, 0.0, modes.weight).sum() > 0
    exactly = rank(modes) * inverse_n >= 1 - EQUAL
    equal = (inverse_n > 0) & (inverse_d == inverse_n)
    return all_resolved & exactly & unlearned, ~all_resolved & equal & something


def at_ridge(ridge, modes: Modes, sizes: Sizes) -> tuple[Parts, Array]:
    """Everything at ridges that are not negative, shape (k,), and the effective ridges."""
    inverse_d, inverse_n, *_ = sizes
    kappa = ridge_on_axis(ridge, modes, inverse_d, inverse_n)
    parts = at_kappa(kappa, modes, sizes)
    # What is resolved exactly is learned, or fits the noise: the formulas would divide by zero.
    by_noise, by_features = infinite(modes, sizes)
    filled = rank(modes) * inverse_n >= 1 - EQUAL
    exactly = filled & resolves(modes, inverse_d, inverse_n)
    none = ridge == 0
    mend = lambda x, where, value: jnp.where(none & where, value, x)
    noise = jnp.where(modes.noise > 0, jnp.inf, 0.0)
    data = jnp.where(by_noise & (noise == 0), jnp.inf, 0.0)
    return Parts(
        bias=mend(parts.bias, exactly, modes.floor),
        features=mend(mend(parts.features, exactly, 0.0), by_features, jnp.inf),
        data=mend(parts.data, exactly, data),
        noise=mend(parts.noise, exactly | by_features, noise),
        train=mend(parts.train, filled & (inverse_n >= inverse_d), 0.0),
    ), kappa


_at_ridge = jax.jit(at_ridge)
_infinite, _freedom, _branch = map(jax.jit, (infinite, freedom, negative_branch))


@jax.jit
def _below_zero(ridge, modes: Modes, sizes: Sizes) -> tuple[Parts, Array]:
    kappa = ridge_below(ridge, modes, *sizes[:2])
    return at_kappa(kappa, modes, sizes), kappa


def _check_ridges(ridge: Any, modes: Modes, sizes: Sizes) -> np.ndarray:
    """Ridges at which the problem is proper."""
    ridge = check_vector("steps", np.atleast_1d(check_array("steps", ridge)))
    if ridge.min() < 0:
        least = float(_branch(modes, *sizes[:2]).ridge_least)
        if ridge.min() <= least:
            must = f"be ridges above minus the lower edge of the Gram spectrum, {least:.6g}"
            raise requirement("steps", must, float(ridge.min()), page="theory/ridge")
    return ridge


def _warn_infinite(modes: Modes, sizes: Sizes) -> None:
    by_noise, by_features = _infinite(modes, sizes)
    n = 1 / sizes.inverse_n if sizes.inverse_n else 0
    cause = f"d = n = {n:g}" if by_features else f"n = {n:g} samples fit that many coordinates"
    if by_noise or by_features:
        message = f"The expected risk at ridge 0 is infinite, since {cause}. "
        warn(message + why("theory/ridge"), InfiniteRiskWarning)


def sizes_of(problem: Problem, n: Any, ensemble: Any, bags: Any) -> Sizes:
    """The sizes of training on a data set.

    Raises:
        ValueError: If a count is not a positive whole number.
    """
    check_problem(problem)
    ensemble, bags = check_count("ensemble", ensemble), check_count("bags", bags)
    inverse_n = 0.0 if n is None else 1.0 / check_count("n", n)
    return Sizes(1.0 * problem.inverse_d, inverse_n, 1.0 * ensemble, 1.0 * bags)


def ridge_curve(
    problem: Problem, rule: Rule, ridge: Any, n: Scalar | None, ensemble: Scalar, bags: Scalar
) -> Curve:
    r"""Expected risk of ridge regression on n samples.

    .. math::
        E = \frac{\kappa^2 \sum \frac{\lambda w^2}{(\lambda + \kappa)^2} + \kappa
            \frac{\mathrm{df}_1 - \mathrm{df}_2}{d - \mathrm{df}_2} \sum \frac{\lambda^2 w^2}{
            (\lambda + \kappa)^2} + \sigma^2 g}{1 - g}, \qquad
        g = \frac1n \left[\mathrm{df}_2 + \frac{(\mathrm{df}_1 - \mathrm{df}_2)^2}{
            d - \mathrm{df}_2} \right],

    and the training error is :math:`(1 - \mathrm{df}_1/n)^2 (E + \sigma^2)`.

    At ridge 0 with fewer coordinates than features and samples everything is learned, and only the
    label noise is left. A ridge may be negative, above minus the lower edge of the Gram spectrum:
    there the problem of a typical data set is still proper.

    Raises:
        ValueError: If a ridge is below that edge, or a count not a positive whole number.

    Warns:
        InfiniteRiskWarning: At ridge 0 with as many samples as features, or as coordinates.
    """
    sizes = sizes_of(problem, n, ensemble, bags)
    modes = seen_modes(problem)
    traced = is_traced((ridge, modes, sizes))
    if not traced:
        ridge = _check_ridges(ridge, modes, sizes)

    def values(at: Array) -> tuple[tuple[Any, ...], float]:
        found = _at_ridge(jnp.maximum(at, 0.0), modes, sizes)
        if traced or (at < 0).any():
            # No message can be raised under a transformation: a negative ridge has no number there.
            below = jnp.nan if traced else _below_zero(jnp.minimum(at, -0.0), modes, sizes)
            below = jax.tree.map(lambda x: below, found) if traced else below
            found = jax.tree.map(lambda x, y: jnp.where(at < 0, x, y), below, found)
        parts, kappa = found
        return (parts, kappa, *(_freedom(kappa, modes, order) for order in (1, 2))), 0.0

    at = jnp.atleast_1d(ridge) if traced else ridge
    (parts, kappa, df1, df2), _ = in_chunks(values, at, whole=traced)
    if not traced and (ridge == 0).any():
        _warn_infinite(modes, sizes)
    is_exact = n is None and problem.rung is Rung.EXACT
    return Curve(
        x=at,
        excess=as_numpy(parts.excess),
        train=as_numpy(parts.train) if bags == 1 else None,
        terms={name: as_numpy(getattr(parts, name)) for name in TERMS},
        kappa=as_numpy(kappa),
        df1=as_numpy(df1),
        df2=as_numpy(df2),
        error=1e-12,
        axis="ridge",
        rung=Rung.EXACT if is_exact else Rung.EQUIVALENT,
        problem=problem,
        rule=rule,
        n=n,
        ensemble=ensemble,
        bags=bags,
    )
