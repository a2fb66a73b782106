r"""The exact expected risk of SGD on several domains.

A sample comes from domain k with probability :math:`h_k`. In the common eigenbasis domain k has
eigenvalues :math:`\lambda_k` and target coefficients :math:`w_k`, and label noise
:math:`\sigma_k^2`. One model is trained on all. Coordinate by coordinate its mean and its variance
close on themselves. With :math:`\bar\lambda = \sum_k h_k \lambda_k`, let :math:`m` be the distance
of the mean from the optimum of the mixture, :math:`\delta_k` the distance of that optimum from
:math:`w_k`, and C the variance. Domain k has the excess risk :math:`P_k = \sum \lambda_k e_k`, with
:math:`e_k = C + (m + \delta_k)^2`, and a step is

.. math::
    m &\leftarrow (1 - \gamma \bar\lambda)\, m, \\
    C &\leftarrow (1 - \gamma \bar\lambda)^2\, C + \frac{\gamma^2}{B} \sum_k h_k \Bigl[
        \lambda_k \bigl(\lambda_k e_k + P_k + \sigma_k^2\bigr) + (\lambda_k - \bar\lambda)^2\, C
        + \bigl(\lambda_k (m + \delta_k) - \bar\lambda m\bigr)^2 \Bigr].

No term is negative, so no digits are lost when the risk becomes small.

Source: the recursion of Paquette et al. (2024), arXiv 2405.15074, section 2, for several
covariances. Derived in the documents: theory/mixtures.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float, Int

from solvable.dynamics.recursion import calls
from solvable.models.domains import Domains
from solvable.rules.sgd import SGD
from solvable.schedules import rates
from solvable.util.checks import check_type
from solvable.util.errors import requirement
from solvable.util.precision import float64_on_cpu
from solvable.util.results import Result, array
from solvable.util.steps import MAX_STEPPED, check_steps
from solvable.util.types import Array

_ROUNDING = 8 * np.finfo(float).eps  # of one step, relative: it multiplies a dozen numbers


class DomainCurve(Result, kw_only=True):
    """Expected excess risk in each domain."""

    step: Int[np.ndarray, " k"] = array("step")
    excess: Float[np.ndarray, "K k"] = array("domain", "step")
    error: float
    """Estimate of the largest relative error of rounding, which grows with the number of steps."""
    domains: Domains
    rule: SGD

    @property
    def risk(self) -> Float[np.ndarray, "K k"]:
        """Risk in each domain, with its label noise."""
        return self.excess + np.asarray(self.domains.noise)[:, None]


def _mixture(domains: Domains, h: Array) -> tuple[Array, Array, Array, Array]:
    """Proportions that sum to one, the mean spectrum, the optimum, and its distance from each."""
    h = h / jnp.sum(h)
    mean = h @ domains.eigenvalues
    share = h[:, None] * domains.eigenvalues / mean
    apart = domains.target - domains.target[:, None]  # [k, j]: w_j - w_k, zero where they agree
    return h, mean, jnp.sum(share * domains.target, axis=0), jnp.einsum("jv,kjv->kv", share, apart)


def _start(domains: Domains, h: Array) -> tuple[Array, Array]:
    """The mean's distance from the optimum of the mixture, and the variance, of theta = 0."""
    optimum = _mixture(domains, h)[2]
    return -optimum, jnp.zeros_like(optimum)


def _excess(m, C, delta, lam) -> tuple[Array, Array]:
    """Coordinate by coordinate in every domain, and summed up."""
    e = C + (m + delta) ** 2
    return e, jnp.sum(lam * e, axis=1)


def _march(state, gamma, domains: Domains, h, B):
    """The state after all rates, and before each the excess risks and how far they cancel."""
    lam, noise = domains.eigenvalues, domains.noise
    h, mean, _, delta = _mixture(domains, h)

    def step(state, gamma):
        m, C = state
        e, P = _excess(m, C, delta, lam)
        size = jnp.sum(lam * (C + (jnp.abs(m) + jnp.abs(delta)) ** 2), axis=1)
        spread = lam * (lam * e + (P + noise)[:, None])
        spread += (lam - mean) ** 2 * C + (lam * (m + delta) - mean * m) ** 2
        kept = 1 - gamma * mean
        return (kept * m, kept**2 * C + gamma**2 / B * (h @ spread)), (P, size)

    return lax.scan(step, state, gamma)


_marched = jax.jit(_march)


def _by_proportion(f, domains: Domains, state, slopes):
    """The value of f(state, proportions), and its derivatives by each, along a new axis."""
    push = lambda slope, unit: jax.jvp(f, (state, domains.proportion), (slope, unit))
    units = jnp.eye(domains.proportion.size)
    return jax.vmap(push, out_axes=(None, 0))(slopes, units)


@jax.jit
def _begun(domains: Domains):
    nothing = jnp.zeros((domains.proportion.size, 0))
    return _by_proportion(lambda _, h: _start(domains, h), domains, nothing[0], nothing)


@jax.jit
def _pushed(state, slopes, gamma, domains: Domains, B):
    march = lambda state, h: _march(state, gamma, domains, h, B)[0]
    return _by_proportion(march, domains, state, slopes)


@jax.jit
def _ended(state, slopes, domains: Domains):
    excess = lambda state, h: _excess(*state, _mixture(domains, h)[3], domains.eigenvalues)[1]
    return _by_proportion(excess, domains, state, slopes)


@float64_on_cpu
def final_excess_by_proportion(
    domains: Domains, rule: SGD, last: int
) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, "K K"]]:
    """Excess risk of every domain after the last step, and its derivatives by the proportions.

    The proportions are taken relative to their sum. Row j holds the derivatives by proportion j.
    They are carried forwards, so memory does not grow with the number of steps.
    """
    state, slopes = _begun(domains)
    for t, taken in calls(last):
        gamma = rates("gamma", rule.gamma, taken) * (np.arange(t, t + taken.size) < last)
        state, slopes = _pushed(state, slopes, gamma, domains, 1.0 * rule.B)
    excess, by_proportion = _ended(state, slopes, domains)
    return np.asarray(excess), np.asarray(by_proportion)


@float64_on_cpu
def expect_domains(
    domains: Domains, rule: SGD, steps: int | Sequence[int] | np.ndarray
) -> DomainCurve:
    """Exact expected excess risk of SGD in every domain, for Gaussian inputs.

    Args:
        domains: The data.
        rule: Learning rate, which may be a schedule, and batch size.
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
    check_type("rule", rule, SGD)
    step = check_steps(steps, maximum=MAX_STEPPED)
    h = jnp.asarray(domains.proportion)
    found, state = [], _start(domains, h)
    for t, taken in calls(int(step[-1])):
        state, seen = _marched(state, rates("gamma", rule.gamma, taken), domains, h, 1.0 * rule.B)
        inside = step[(step >= t) & (step < t + taken.size)] - t
        found.append(np.array(seen)[:, inside])
    excess, size = np.concatenate(found, axis=1).transpose(0, 2, 1)
    if not np.isfinite(size).all():
        raise requirement("rule", "keep the expected risk finite", rule, "Take a smaller gamma.")
    cancels = np.max(size / np.maximum(excess, 1e-300) * (step + 1))
    error = max(1e-12, float(_ROUNDING * cancels))
    return DomainCurve(step=step, excess=excess, error=error, domains=domains, rule=rule)
