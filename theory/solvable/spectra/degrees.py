r"""The spectrum of random features: effective ridge, degrees of freedom, eigenvalue density.

Source: Paquette et al. (2024), arXiv 2405.15074, section 3. Derived in the documents:
theory/random_features.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.models.modes import Modes
from solvable.models.power_law import PowerLaw
from solvable.models.problem import Problem, check_problem
from solvable.models.spectrum import Spectrum
from solvable.spectra.resolvent import freedom, ridge_on_axis, transforms
from solvable.util.checks import check_array, check_count, check_type, check_vector
from solvable.util.errors import requirement
from solvable.util.precision import as_numpy, float64_on_cpu, is_traced
from solvable.util.types import Array

MAX_DENSITY = 10**6
"""The largest ``v`` of :func:`eigenvalue_density`, which needs every coordinate."""

_OFF_AXIS = 1e-9

_ridge = jax.jit(ridge_on_axis)


def _checked_ridge(ridge) -> Array:
    if not is_traced(ridge):
        ridge = check_array("ridge", ridge)
        if ridge.size == 0:
            raise requirement("ridge", "be a number, or several", ridge)
        if not (np.isfinite(ridge) & (ridge >= 0)).all():
            raise requirement("ridge", "be finite and not negative", ridge.tolist())
    return jnp.asarray(ridge)


def _inverse(n: int | None) -> float:
    if n is None:
        return 0.0
    check_count("n", n)
    return 1.0 / n


@float64_on_cpu
def effective_ridge(
    problem: Problem,
    ridge: float | Float[Array, "..."] = 0.0,
    n: int | None = None,
) -> Float[Array, "..."]:
    r"""The effective ridge :math:`\kappa` that d features and n samples make of a ridge.

    It solves :math:`\kappa\,(1 - \mathrm{df}_1(\kappa) / d)(1 - \mathrm{df}_1(\kappa) / n) =
    \text{ridge}`. At ridge 0 it is the eigenvalue scale below which nothing is resolved (zero if
    both d and n are v or more).

    Args:
        problem: What is learned.
        ridge: Not negative; any shape.
        n: Samples; None for infinitely many, or fresh ones.

    Raises:
        ValueError: If ``ridge`` is negative or not finite, or ``n`` not a positive whole number.

    Source: Paquette et al. (2024), arXiv 2405.15074, section 3 (m = ridge / kappa); with samples,
    Defilippis et al. (2024), arXiv 2405.15699.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=10**8, d=10**4)
        >>> kappa = effective_ridge(problem)
        >>> float(kappa / (np.pi / 2 / 10**4) ** 2)  # ((pi / 2 alpha) / sin(pi / 2 alpha) / d)^2
        0.9998...
    """
    inverse_d, inverse_n = 1.0 * check_problem(problem).inverse_d, _inverse(n)
    return as_numpy(_ridge(_checked_ridge(ridge), problem.spectrum(), inverse_d, inverse_n))


@float64_on_cpu
def degrees_of_freedom(
    problem: Problem,
    ridge: float | Float[Array, "..."] = 0.0,
    order: int = 1,
    n: int | None = None,
) -> Float[Array, "..."]:
    r"""The number of directions learned at a ridge, :math:`\mathrm{df}_k(\kappa) = \sum_j
    (\lambda_j / (\lambda_j + \kappa))^k` at the effective ridge :math:`\kappa`.

    Args:
        problem: What is learned.
        ridge: Not negative; any shape. At 0 the first order is the smaller of d and n.
        order: k, 1 or 2.
        n: Samples; None for infinitely many, or fresh ones.

    Raises:
        ValueError: If ``ridge`` is negative or ``order`` not 1 or 2.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
        >>> float(degrees_of_freedom(problem).round(9))
        400.0
    """
    check_problem(problem)
    if check_count("order", order) > 2:
        raise requirement("order", "be 1 or 2", order)
    spectrum = problem.spectrum()
    inverse_d, inverse_n = 1.0 * problem.inverse_d, _inverse(n)
    kappa = _ridge(_checked_ridge(ridge), spectrum, inverse_d, inverse_n)
    return as_numpy(freedom(kappa, spectrum, order))


@jax.jit
def _density(lam: Array, modes: Modes, inverse_d: Array) -> Array:
    _, df1 = transforms(lam * (1 + 1j * _OFF_AXIS), modes, inverse_d)
    return jnp.imag(df1) / (jnp.pi * lam)


@float64_on_cpu
def eigenvalue_density(problem: PowerLaw, lam: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    r"""Density of the non-zero eigenvalues of the feature covariance :math:`W^\top D W`.

    .. math::
        \rho(\lambda) = \frac{1}{\pi \lambda}\, \operatorname{Im} \mathrm{df}_1(\kappa(\lambda +
        i 0)), \qquad \int \rho\, d\lambda = d.

    The large eigenvalues stand apart and fill narrow bands, each of mass one.

    Args:
        problem: With ``v`` up to 10^6, as every coordinate counts here.
        lam: Eigenvalues, positive and increasing.

    Raises:
        ValueError: If ``v`` is larger, or ``lam`` is not positive.

    Example:
        >>> problem = PowerLaw(alpha=0.4, beta=0.3, v=1600, d=400)
        >>> lam = np.geomspace(1e-3, 2, 4001)
        >>> mass = np.trapezoid(eigenvalue_density(problem, lam), lam)
        >>> float(round(mass, 1))
        400.0
    """
    check_type("problem", problem, PowerLaw)
    lam = check_vector("lam", lam, positive=True)
    if problem.v > MAX_DENSITY:
        raise requirement("v", f"be at most {MAX_DENSITY} for the eigenvalue density", problem.v)
    scale, target = problem.coordinates()
    every = Spectrum(scale**2, target).spectrum()
    return np.asarray(_density(lam, every, problem.inverse_d))
