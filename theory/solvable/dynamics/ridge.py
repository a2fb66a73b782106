r"""Ridge regression on finite data: its risk and its training error.

The predictor minimises

.. math::
    \frac1n \sum_{i \le n} (\langle \phi_i, \theta \rangle - y_i)^2 + \text{ridge}\, |\theta|^2,

the *mean* squared residual. It is the two-point function at a single point, z = z' = ridge
(:mod:`solvable.spectra.two_point`), so everything is explicit in the effective ridge :math:`\kappa`.

Sources: Defilippis, Loureiro, Misiakiewicz (2024), arXiv 2405.15699, and Simon et al. (2023),
arXiv 2311.14646 (the risk of random-feature ridge regression).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvable.dynamics.curve import Curve
from solvable.models.modes import Modes, check_modes
from solvable.models.problem import Problem, check_problem
from solvable.rules.rule import Rule
from solvable.spectra.resolvent import ridge_on_axis
from solvable.spectra.two_point import TERMS, Parts, pair_sums
from solvable.util.checks import check_array, check_count, check_vector
from solvable.util.errors import warn, why
from solvable.util.precision import as_numpy, is_traced
from solvable.util.types import Array, Rung, Scalar


class InfiniteRiskWarning(UserWarning):
    """The expected risk is infinite: as many samples as features, and no ridge."""


def at_kappa(kappa, modes: Modes, inverse_d, inverse_n, *averages) -> Parts:
    """Everything at given effective ridges, shape (k,)."""
    half = jnp.full((*kappa.shape, 1, 1), 0.5)
    parts = pair_sums(kappa[..., None], half, modes, inverse_d, inverse_n, *averages)
    return jax.tree.map(lambda x: x[..., 0], parts)


def freedom(kappa, modes: Modes, order: int) -> Array:
    return (modes.lam / (modes.lam + kappa[..., None])) ** order @ modes.multiplicity


@jax.jit
def _ridge(ridge, modes: Modes, inverse_d, inverse_n, *averages):
    kappa = ridge_on_axis(ridge, modes, inverse_d, inverse_n)
    parts = at_kappa(kappa, modes, inverse_d, inverse_n, *averages)
    return parts, kappa, freedom(kappa, modes, 1), freedom(kappa, modes, 2)


def sizes(problem, n, ensemble, bags) -> tuple[Any, ...]:
    check_problem(problem)
    for name, count in (("n", n), ("ensemble", ensemble), ("bags", bags)):
        if count is not None:
            check_count(name, count)
    inverse_n = 0.0 if n is None else 1.0 / n
    return (
        check_modes(problem.spectrum()),
        1.0 * problem.inverse_d,
        inverse_n,
        1.0 * ensemble,
        1.0 * bags,
    )


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

    Raises:
        ValueError: If ``ridge`` is negative, or a count not a positive whole number.

    Warns:
        InfiniteRiskWarning: At ridge 0 with as many samples as features.
    """
    arguments = sizes(problem, n, ensemble, bags)
    if not is_traced(ridge):
        ridge = check_vector("steps", np.atleast_1d(check_array("steps", ridge)), minimum=0)
    parts, kappa, df1, df2 = _ridge(jnp.atleast_1d(ridge), *arguments)
    if not is_traced((parts, n)):
        d = problem.d if problem.inverse_d else None
        at = np.asarray(ridge) == 0
        if n is not None and d == n and n <= problem.v and at.any() and bags == 1:
            message = f"The expected risk at ridge 0 is infinite, since d = n = {n:g}. "
            warn(message + why("theory/ridge"), InfiniteRiskWarning)
            where = jnp.asarray(at)
            features = jnp.where(where, jnp.inf, parts.features)
            parts = parts._replace(features=features, train=jnp.where(where, 0.0, parts.train))
    is_exact = n is None and problem.rung is Rung.EXACT
    return Curve(
        x=ridge,
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
