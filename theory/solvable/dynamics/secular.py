r"""The expected risk at any step, exactly: eigenvalues of a diagonal plus a rank-one matrix.

On real modes one step of SGD multiplies by :math:`1 - \Delta + u u^\top` (up to a similarity),
with :math:`\Delta_k = 2 \gamma \lambda_k - \gamma^2 \frac{B+1}{B} \lambda_k^2` and
:math:`u_k^2 = \frac{\gamma^2}{B} n_k \lambda_k^2`. Its eigenvalues :math:`1 - \mu_i` are the roots
of the secular equation, one between every two neighbours of :math:`0, \Delta_1, \Delta_2, \dots`,

.. math::
    g(\mu) = 1 - \sum_k \frac{u_k^2}{\Delta_k - \mu} = 0,

and the residues of the generating function there give the risk as a sum of exponentials,

.. math::
    P(t) = \frac{P_\infty}{g(0)} + \sum_i r_i (1 - \mu_i)^t, \qquad
    r_i = \frac{\sum_k m_k / (\Delta_k - \mu_i) - P_\infty / \mu_i}
               {\sum_k u_k^2 / (\Delta_k - \mu_i)^2},

with :math:`P_\infty` the noise plus the floor.

Each root is found as its distance from both neighbours, to full relative precision: rates of
1e-24 come out as accurately as rates of one, which no dense eigensolver offers.

Source of the secular equation: Golub (1973), SIAM Review 15, 318.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from solvable.dynamics.recursion import rate
from solvable.models.modes import Modes
from solvable.util.types import Array, Scalar

_HALVINGS = 72
_REACH = 700.0
_BATCH = 128


def _poles(modes: Modes, gamma: Scalar, B: Scalar) -> tuple[Array, Array, Array, Array]:
    """Delta ascending, u^2, m and the floor; equal Delta merged, as no root separates them.

    Nodes that feel no step (multiplicity zero, or an eigenvalue that underflows) stay where
    they are for ever: their weight joins the floor, and they go to the end with u^2 = 0.
    """
    loss = rate(modes.lam, gamma, B)
    u2 = gamma**2 / B * modes.multiplicity * modes.lam**2
    moves = (u2 > 0) & (loss > 0)
    floor = modes.floor + jnp.where(moves, 0.0, modes.weight).sum()
    n = loss.size
    order = jnp.argsort(jnp.where(moves, loss, jnp.inf))
    loss, moves = loss[order], moves[order]
    group = jnp.cumsum((jnp.diff(loss, prepend=-1.0) != 0) & moves) - 1
    merge = lambda x: jnp.zeros(n).at[group].add(jnp.where(moves, x[order], 0.0))
    beyond = jnp.max(jnp.where(moves, loss, 0.0)) + jnp.arange(1.0, n + 1)
    pole = beyond.at[jnp.where(moves, group, n)].set(loss, mode="drop")
    return pole, merge(u2), merge(modes.weight), floor


def exponentials(
    modes: Modes, gamma: Scalar, B: Scalar
) -> tuple[Float[Array, " n"], Float[Array, " n"], Scalar]:
    """Rates mu, amplitudes r and the limit, with excess(t) = limit + sum r (1 - mu)^t."""
    pole, u2, weight, floor = _poles(modes, gamma, B)
    left = jnp.concatenate([jnp.zeros(1), pole[:-1]])
    index = jnp.arange(pole.size)

    def root(left: Array, right: Array, i: Array, moves: Array) -> tuple[Array, Array]:
        gap = right - left

        def distances(y: Array) -> Array:
            """Delta_k - mu, from the nearer neighbour, for mu = left + gap * sigmoid(y)."""
            from_left = (pole - left) - gap * jax.nn.sigmoid(y)
            from_right = (pole - right) + gap * jax.nn.sigmoid(-y)
            return jnp.where(index < i, from_left, from_right)

        g = lambda y: 1 - jnp.sum(u2 / distances(y))

        def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
            middle = (bracket[0] + bracket[1]) / 2
            above = g(middle) > 0
            return jnp.where(above, middle, bracket[0]), jnp.where(above, bracket[1], middle)

        low, high = lax.stop_gradient(lax.fori_loop(0, _HALVINGS, halve, (-_REACH, _REACH)))
        y = jnp.where(moves, (low + high) / 2, 0.0)
        slope = jnp.where(moves, lax.stop_gradient(jax.grad(g)(y)), 1.0)
        y = y - g(y) / slope  # the step that carries the derivatives
        mu = left + gap * jax.nn.sigmoid(y)
        delta = distances(y)
        return mu, (jnp.sum(weight / delta) - (floor + modes.noise) / mu) / jnp.sum(u2 / delta**2)

    moves = u2 > 0
    roots = (left, pole, index, moves)
    mu, r = lax.map(lambda root_of: root(*root_of), roots, batch_size=_BATCH)
    kernel = jnp.sum(u2 / pole)
    limit = (floor + modes.noise * kernel) / (1 - kernel)
    return jnp.where(moves, mu, 0.0), jnp.where(moves, r, 0.0), limit


def evaluate(
    step: Float[Array, " k"], modes: Modes, gamma: Scalar, B: Scalar
) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """Excess risk, and its part without the feedback, at any steps; see
    :func:`solvable.dynamics.inversion.evaluate`."""
    mu, r, limit = exponentials(modes, gamma, B)
    powers = lambda loss: jnp.exp(step[:, None] * jnp.log1p(-loss))
    forcing = modes.floor + powers(rate(modes.lam, gamma, B)) @ modes.weight
    return limit + powers(mu) @ r, forcing
