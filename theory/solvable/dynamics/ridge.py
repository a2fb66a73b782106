r"""Ridge regression on finite data: its risk and its training error.

The predictor minimises

.. math::
    \frac1n \sum_{i \le n} (\langle \phi_i, \theta \rangle - y_i)^2 + \text{ridge}\, |\theta|^2,

the *mean* squared residual. It is the two-point function at a single point, z = z' = ridge
(:mod:`solvable.spectra.two_point`), so everything is explicit in the effective ridge :math:`\kappa`.

Sources: Defilippis, Loureiro, Misiakiewicz (2024), arXiv 2405.15699, and Simon et al. (2023),
arXiv 2311.14646 (the risk of random-feature ridge regression).
"""

import warnings
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.models.kernels import FINITE, FiniteProblem, without_features
from solvable.models.modes import Modes
from solvable.spectra.resolvent import ridge_on_axis
from solvable.spectra.two_point import TERMS, Parts, pair_sums
from solvable.util.checks import check_count, check_type
from solvable.util.errors import requirement, why
from solvable.util.precision import as_numpy, float64_on_cpu, is_traced
from solvable.util.results import Result, array
from solvable.util.types import Array, Scalar


class InfiniteRiskWarning(UserWarning):
    """The expected risk is infinite: as many samples as features, and no ridge."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RidgeRisk(Result):
    """Ridge regression at one or many ridges. Arrays are float64 NumPy, shape (k,)."""

    ridge: Float[np.ndarray, " k"] = array("ridge")
    """Beside the mean squared residual."""
    excess: Float[np.ndarray, " k"] = array("ridge")
    """Expected risk on fresh inputs, minus the label noise."""
    train: Float[np.ndarray, " k"] | None = array("ridge", default=None)
    """Mean squared residual on the training samples, label noise included; None for bags."""
    terms: dict[str, Float[np.ndarray, " k"]] = array("ridge")
    """The parts of the excess: bias, variance of the features, of the data, and label noise."""
    kappa: Float[np.ndarray, " k"] = array("ridge")
    """Effective ridge."""
    df1: Float[np.ndarray, " k"] = array("ridge")
    """Degrees of freedom: the expected trace of the smoother that takes labels to predictions."""
    df2: Float[np.ndarray, " k"] = array("ridge")
    """Those of second order, sum of (lam / (lam + kappa))^2."""
    rung: str = field(default="deterministic equivalent")
    """What the numbers are."""
    problem: FiniteProblem
    """What is learned."""
    n: Scalar | None = None
    """Samples; None for infinitely many."""
    ensemble: Scalar = 1
    """Draws of the features averaged over."""
    bags: Scalar = 1
    """Data sets averaged over."""

    @property
    def risk(self) -> Float[np.ndarray, " k"]:
        """Expected risk on fresh samples, label noise included."""
        return self.excess + self.problem.noise

    @property
    def gcv(self) -> Float[np.ndarray, " k"]:
        """Generalised cross validation, train / (1 - df1 / n)^2: what the training data tell.

        Of a single predictor it is the risk itself, to the order of the equivalent. Where the
        training error is zero it is not a number.
        """
        if self.train is None:
            raise requirement("bags", "be 1 for cross validation on one data set", self.bags)
        left = 1 - self.df1 * (0.0 if self.n is None else 1 / self.n)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(left < 1e-9, np.nan, self.train / left**2)

    def __str__(self) -> str:
        samples = "infinitely many" if self.n is None else f"{self.n:g}"
        lines = [f"{self.rung} of {self.problem}, ridge regression on {samples} samples"]
        lines += [f"{'ridge':>10} {'risk':>12} {'train':>12} {'df1':>10}"]
        train = np.full_like(self.excess, np.nan) if self.train is None else self.train
        for row in zip(self.ridge, self.risk, train, self.df1, strict=True):
            lines.append("{:10.4g} {:12.6g} {:12.6g} {:10.5g}".format(*row))
        return "\n".join(lines)


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
    check_type("problem", problem, *FINITE)
    for name, count in (("n", n), ("ensemble", ensemble), ("bags", bags)):
        if count is not None:
            check_count(name, count)
    inverse_n = 0.0 if n is None else 1.0 / n
    return problem.spectrum(), 1.0 * problem.inverse_d, inverse_n, 1.0 * ensemble, 1.0 * bags


@float64_on_cpu
def ridge_risk(
    problem: FiniteProblem,
    n: int | None,
    ridge: float | Float[np.ndarray, " k"],
    *,
    ensemble: int = 1,
    bags: int = 1,
) -> RidgeRisk:
    r"""Expected risk of ridge regression on n samples.

    .. math::
        E = \frac{\kappa^2 \sum \frac{\lambda w^2}{(\lambda + \kappa)^2} + \kappa
            \frac{\mathrm{df}_1 - \mathrm{df}_2}{d - \mathrm{df}_2} \sum \frac{\lambda^2 w^2}{
            (\lambda + \kappa)^2} + \sigma^2 g}{1 - g}, \qquad
        g = \frac1n \left[\mathrm{df}_2 + \frac{(\mathrm{df}_1 - \mathrm{df}_2)^2}{
            d - \mathrm{df}_2} \right],

    and the training error is :math:`(1 - \mathrm{df}_1/n)^2 (E + \sigma^2)`.

    Args:
        problem: What is learned: random features, or (infinitely many) a linear regression.
        n: Samples; None for infinitely many.
        ridge: Not negative, beside the mean squared residual; 0 is the solution of least norm.
        ensemble: Average the predictors of so many draws of the features, on the same data.
        bags: Average over so many data sets.

    Raises:
        ValueError: If ``ridge`` is negative, or a count not a positive whole number.

    Warns:
        InfiniteRiskWarning: At ridge 0 with as many samples as features.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.0, v=1000, d=100)
        >>> found = ridge_risk(problem, n=250, ridge=[1e-3, 1e-2])
        >>> found.risk.round(4), found.train.round(4)
        (array([0.369, 0.426]), array([0.189 , 0.3228]))
    """
    arguments = sizes(problem, n, ensemble, bags)
    if not is_traced(ridge):
        ridge = np.atleast_1d(np.asarray(ridge, float))
        if ridge.ndim != 1 or not (np.isfinite(ridge) & (ridge >= 0)).all():
            raise requirement("ridge", "be finite and not negative", ridge.tolist())
    parts, kappa, df1, df2 = _ridge(jnp.atleast_1d(ridge), *arguments)
    if not is_traced((parts, n)):
        d = getattr(problem, "d", None)
        at = np.asarray(ridge) == 0
        if n is not None and d == n and n <= problem.v and at.any() and bags == 1:
            message = f"The expected risk at ridge 0 is infinite, since d = n = {n:g}. "
            warnings.warn(message + why("theory/ridge"), InfiniteRiskWarning, stacklevel=3)
            where = jnp.asarray(at)
            features = jnp.where(where, jnp.inf, parts.features)
            parts = parts._replace(features=features, train=jnp.where(where, 0.0, parts.train))
    exact = n is None and without_features(problem)
    columns: Any = ridge
    return RidgeRisk(
        ridge=columns,
        excess=as_numpy(parts.excess),
        train=as_numpy(parts.train) if bags == 1 else None,
        terms={name: as_numpy(getattr(parts, name)) for name in TERMS},
        kappa=as_numpy(kappa),
        df1=as_numpy(df1),
        df2=as_numpy(df2),
        rung="exact expectation" if exact else "deterministic equivalent",
        problem=problem,
        n=n,
        ensemble=ensemble,
        bags=bags,
    )
