r"""The terms of the phases with their true sums: what the exponents become at finite size.

The phases rest on the approximation :math:`P \approx F_0 + F_{pp} + F_{ac} + K_{pp} / \gamma`
with monomials for the terms. Where a monomial is reached slowly, as :math:`K_{pp}` is for
alpha near 1/4, the sums it stands for predict the slopes at finite size: with
:math:`\lambda_j = j^{-2 \alpha}`, :math:`q_j = \lambda_j / (\lambda_j + \kappa_0)` and j up to v,

.. math::
    F_0 = \sum_j j^{-2\alpha - 2\beta} (1 - q_j), \quad
    F_{pp} = \sum_j j^{-2\alpha - 2\beta} q_j\, a(\lambda_j)^t, \quad
    K_{pp} = \frac{\gamma^2}{B} \sum_j \lambda_j^2 q_j\, a(\lambda_j)^t .

No resolvent, no contour: an independent and cruder route, for comparison only.

Source: Paquette et al. (2024), arXiv 2405.15074, sections 3 and 4. Derived in the documents:
theory/random_features.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar

from solvable.models.power_law import PowerLaw
from solvable.rules.sgd import SGD
from solvable.spectra.degrees import effective_ridge


def leading_terms(problem: PowerLaw, sgd: SGD, step: float) -> float:
    """F_0 + F_pp + K_pp / gamma with their sums over j <= v, at one step."""
    modes, gamma, B = problem.spectrum(), float(sgd.gamma), float(sgd.B)
    q = modes.lam / (modes.lam + float(effective_ridge(problem)))
    loss = gamma * modes.lam * (2 - gamma * (B + 1) / B * modes.lam)
    remaining = q * np.exp(step * np.log1p(-loss))
    F = modes.weight @ (1 - q) + modes.weight @ remaining
    return F + gamma / B * (modes.multiplicity * modes.lam**2) @ remaining


def finite_slopes(
    family: Callable[[int], PowerLaw],
    rule: Callable[[PowerLaw], SGD],
    flops: float,
    near: float,
    delta: float = 0.2,
) -> tuple[float, float]:
    """Local slopes of risk and d* along the frontier of :func:`leading_terms`, around ``near``."""

    def optimum(f: float) -> tuple[float, float]:
        def log_risk(log_d: float) -> float:
            problem = family(round(np.exp(log_d)))
            sgd = rule(problem)
            return float(np.log(leading_terms(problem, sgd, f / float(problem.size * sgd.B))))

        bounds = np.log(near) - 3, np.log(near) + 3
        found = minimize_scalar(log_risk, bounds=bounds, method="bounded", options={"xatol": 1e-5})
        return found.fun, found.x

    low, high = optimum(flops * np.exp(-delta)), optimum(flops * np.exp(delta))
    slopes = [float((b - a) / (2 * delta)) for a, b in zip(low, high, strict=True)]
    return slopes[0], slopes[1]
