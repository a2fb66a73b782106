r"""The expected risk step by step: the exact recursion of the modes.

For Gaussian inputs the mean squared error of every mode closes on itself (Isserlis' theorem):

.. math::
    m_k \leftarrow \Bigl(1 - 2 \gamma \lambda_k + \gamma^2 \tfrac{B + 1}{B} \lambda_k^2\Bigr) m_k
        + \tfrac{\gamma^2}{B} n_k \lambda_k^2 P, \qquad
    P = \text{noise} + \text{floor} + \operatorname{Re} \sum_k m_k.

No limit is taken. The right side is a polynomial in the eigenvalue, so quadrature nodes obey it
like eigenvalues do.

Source: Paquette et al. (2024), arXiv 2405.15074, section 2.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from solvable._types import Array, Scalar
from solvable.modes import Modes


def rate(lam: Array, gamma: Scalar, B: Scalar) -> Array:
    """What a mode loses in one step, 1 - a(lam) = 2 gamma lam - gamma^2 (B + 1)/B lam^2."""
    return gamma * lam * (2 - gamma * (B + 1) / B * lam)


def stepping(
    record: Float[Array, " k"], modes: Modes, gamma: Scalar, B: Scalar
) -> Float[Array, " k"]:
    """Expected excess risk at the recorded steps; memory does not grow with the steps."""
    a = 1 - rate(modes.lam, gamma, B)
    feedback = gamma**2 / B * modes.multiplicity * modes.lam**2

    def excess(m: Array) -> Array:
        return modes.floor + jnp.real(m.sum())

    def advance(state: tuple[Array, Array], stop: Array) -> tuple[tuple[Array, Array], Array]:
        t, m = state
        step = lambda _, m: a * m + feedback * (excess(m) + modes.noise)
        m = lax.fori_loop(0, stop - t, step, m)
        return (stop, m), excess(m)

    record = record.astype(int)
    return lax.scan(advance, (jnp.zeros_like(record[0]), modes.weight), record)[1]
