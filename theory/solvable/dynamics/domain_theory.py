r"""The exact expected risk of SGD on several domains.

A sample comes from domain k with probability :math:`h_k`. In the common eigenbasis domain k has
eigenvalues :math:`\lambda_k` and target coefficients :math:`w_k`, and label noise
:math:`\sigma_k^2`. One model w is trained on all. Coordinate by coordinate its mean u and second
moment S close on themselves: with :math:`\bar\lambda = \sum_k h_k \lambda_k`, :math:`r = \sum_k
h_k \lambda_k w_k`, :math:`e_k = S - 2 w_k u + w_k^2` and the excess risks :math:`P_k = \sum
\lambda_k e_k`,

.. math::
    u &\leftarrow u - \gamma (\bar\lambda u - r), \\
    S &\leftarrow S - 2 \gamma (\bar\lambda S - r u) + \gamma^2 \Bigl[\tfrac1B \sum_k h_k \lambda_k
        \bigl(2 \lambda_k e_k + P_k + \sigma_k^2\bigr) + \bigl(1 - \tfrac1B\bigr)
        (\bar\lambda^2 S - 2 \bar\lambda r u + r^2)\Bigr].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float, Int

from solvable.dynamics.recursion import calls
from solvable.models.domains import Domains
from solvable.rules.schedules import rates
from solvable.rules.sgd import SGD
from solvable.util.checks import check_type
from solvable.util.errors import requirement
from solvable.util.precision import float64_on_cpu
from solvable.util.steps import MAX_STEPPED, check_steps
from solvable.util.types import Array


@dataclass(frozen=True, kw_only=True, eq=False)
class DomainCurve:
    """Expected excess risk in each domain."""

    step: Int[np.ndarray, " k"]
    excess: Float[np.ndarray, "K k"]
    domains: Domains
    sgd: SGD

    @property
    def risk(self) -> Float[np.ndarray, "K k"]:
        """With the label noise of each domain."""
        return self.excess + np.asarray(self.domains.noise)[:, None]


def _excess(u: Array, S: Array, domains: Domains) -> tuple[Array, Array]:
    e = S - 2 * domains.target * u + domains.target**2
    return (domains.eigenvalues * e).sum(axis=1), e


@jax.jit
def _march(state, gamma, domains: Domains, B):
    lam, h = domains.eigenvalues, domains.proportion
    mean, r = h @ lam, h @ (lam * domains.target)

    def step(state, gamma):
        u, S = state
        P, e = _excess(u, S, domains)
        square = mean**2 * S - 2 * mean * r * u + r**2
        spread = h @ (lam * (2 * lam * e + (P + domains.noise)[:, None]))
        new = S - 2 * gamma * (mean * S - r * u) + gamma**2 * (spread / B + (1 - 1 / B) * square)
        return (u - gamma * (mean * u - r), new), P

    return lax.scan(step, state, gamma)


@float64_on_cpu
def expect_domains(
    domains: Domains, sgd: SGD, steps: int | Sequence[int] | np.ndarray
) -> DomainCurve:
    """Exact expected excess risk of SGD in every domain, for Gaussian inputs.

    Args:
        domains: The data.
        sgd: Learning rate, which may be a schedule, and batch size.
        steps: The last step, or an increasing array of steps.

    Raises:
        ValueError: If the expected risk overflows: the rate is too large.

    Example:
        >>> j = np.arange(1.0, 25.0)
        >>> domains = Domains(eigenvalues=[j**-1.5, 0.5 / j], target=[j**-0.2, j**-0.1],
        ...                   noise=[0.1, 0.3], proportion=[0.5, 0.5])
        >>> expect_domains(domains, SGD(0.1), [0, 100]).excess.shape
        (2, 2)
    """
    check_type("domains", domains, Domains)
    check_type("sgd", sgd, SGD)
    step = check_steps(steps, maximum=MAX_STEPPED)
    found, v = [], domains.eigenvalues.shape[1]
    state = jnp.zeros(v), jnp.zeros(v)
    for t, taken in calls(int(step[-1])):
        state, excess = _march(state, rates("gamma", sgd.gamma, taken), domains, 1.0 * sgd.B)
        found.append(np.asarray(excess)[step[(step >= t) & (step < t + taken.size)] - t])
    excess = np.concatenate(found).T
    if not np.isfinite(excess).all():
        raise requirement("sgd", "keep the expected risk finite", sgd, "Take a smaller gamma.")
    return DomainCurve(step=step, excess=excess, domains=domains, sgd=sgd)
