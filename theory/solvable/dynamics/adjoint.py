r"""The risk at the end of a schedule, and what every rate does to it, at the cost of two more runs.

Of constant or changing rates, SGD takes the second moments m of the modes by

.. math::
    m_{t+1} = a_t m_t + \gamma_t^2 R_t f, \qquad R = R_\infty + \sum m, \quad
    a = 1 - 2 \gamma \lambda + \tfrac{B + 1}{B} \gamma^2 \lambda^2, \quad f = n \lambda^2 / B,

with the floor and the label noise in :math:`R_\infty`. It is linear in m, so how the final risk
depends on m is carried backwards by its transpose, and each rate then has its share:

.. math::
    p_t = a_t p_{t+1} + \gamma_t^2\, (f \cdot p_{t+1}), \quad p_T = 1, \qquad
    \frac{\partial R_T}{\partial \gamma_t}
    = p_{t+1} \cdot (a_t' m_t) + 2 \gamma_t R_t\, (f \cdot p_{t+1}).

The moments are kept once in 256 steps and recomputed between, so memory is for their number over
256. On complex nodes the real parts are meant.

Source of the recursion: Paquette et al. (2024), arXiv 2405.15074, section 2. Derived in the
documents: theory/schedules.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from solvable.dynamics.recursion import rate
from solvable.models.modes import Modes

_CHUNK = 256


def _chunks(rates: jax.Array) -> jax.Array:
    """Rows of rates; one of zero changes nothing, and fills the last."""
    return jnp.pad(rates, (0, -rates.size % _CHUNK)).reshape(-1, _CHUNK)


def _risk(m: jax.Array, modes: Modes) -> jax.Array:
    return jnp.asarray(modes.floor + jnp.real(m.sum()))


def _step(m: jax.Array, gamma, modes: Modes, B) -> jax.Array:
    fed = modes.lam**2 * modes.multiplicity / B
    return m - rate(modes.lam, gamma, B) * m + gamma**2 * (_risk(m, modes) + modes.noise) * fed


def _forward(rates: jax.Array, modes: Modes, B) -> tuple[jax.Array, jax.Array]:
    """The moments at the end, and at the head of every row of rates."""

    def row(m, gammas):
        return lax.scan(lambda m, gamma: (_step(m, gamma, modes, B), None), m, gammas)[0], m

    return lax.scan(row, jnp.asarray(modes.weight), _chunks(rates))


@jax.jit
def final_excess(rates: Float[jax.Array, " T"], modes: Modes, B) -> Float[jax.Array, ""]:
    """Excess risk of SGD after all rates."""
    return _risk(_forward(rates, modes, B)[0], modes)


@jax.jit
def final_excess_and_gradient(
    rates: Float[jax.Array, " T"], modes: Modes, B
) -> tuple[Float[jax.Array, ""], Float[jax.Array, " T"]]:
    """Excess risk of SGD after all rates, and its derivative by every one of them."""
    lam, fed = modes.lam, modes.lam**2 * modes.multiplicity / B
    end, heads = _forward(rates, modes, B)

    def back(p, now):
        gamma, m = now
        felt = jnp.real(fed @ p)
        share = jnp.real((p * lam) @ ((gamma * lam * (B + 1) / B - 1) * m))
        share = 2 * (share + gamma * (_risk(m, modes) + modes.noise) * felt)
        return p - rate(lam, gamma, B) * p + gamma**2 * felt, share

    def row(p, now):
        gammas, head = now
        m = lax.scan(lambda m, gamma: (_step(m, gamma, modes, B), m), head, gammas)[1]
        return lax.scan(back, p, (gammas, m), reverse=True)

    shares = lax.scan(row, jnp.ones_like(end), (_chunks(rates), heads), reverse=True)[1]
    return _risk(end, modes), jnp.asarray(shares).reshape(-1)[: rates.size]
