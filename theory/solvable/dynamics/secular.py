r"""The expected risk at any step, exactly: eigenvalues of a diagonal plus a rank-one matrix.

On real modes one step of SGD multiplies by :math:`1 - \Delta + u u^\top` (up to a similarity),
with :math:`\Delta_k = 2 \gamma \lambda_k - \gamma^2 \frac{B+1}{B} \lambda_k^2` and
:math:`u_k^2 = \frac{\gamma^2}{B} n_k \lambda_k^2`. Its eigenvalues :math:`1 - \mu_i` are the roots
of the secular equation, one between every two neighbours of :math:`0, \Delta_1, \Delta_2, \dots`,

.. math::
    g(\mu) = 1 - \sum_k \frac{u_k^2}{\Delta_k - \mu} = 0,

and the residues of the generating function there give the risk as a sum of exponentials, of what
is forgotten and of what comes in: with :math:`P_\infty` the noise plus the floor,

.. math::
    P(t) = \text{floor} + \sum_i \Bigl[ r_i (1 - \mu_i)^t
        + P_\infty s_i \frac{1 - (1 - \mu_i)^t}{\mu_i} \Bigr], \qquad
    s_i = \Bigl(\sum_k \frac{u_k^2}{(\Delta_k - \mu_i)^2}\Bigr)^{-1}, \quad
    r_i = s_i \sum_k \frac{m_k}{\Delta_k - \mu_i}.

Nothing cancels: of much noise, and just below the threshold, where :math:`\mu_1` goes to zero.

Each root is found as its distance from both neighbours, to full relative precision: rates of
1e-24 come out as accurately as rates of one, which no dense eigensolver offers.

Equal :math:`\Delta` are one pole, which no root separates. To the first order in their differences
:math:`\delta_k`, counted from the mean with weights :math:`u_k^2`, the pole stays one of the
kernel, and of what is forgotten it has a second-order part :math:`c = \sum m_k \delta_k`. That is
zero, but its derivative is not: it takes :math:`s_i c / (\Delta - \mu_i)^2` from every
:math:`r_i`, and gives :math:`(1 - \Delta)^t` the amplitude :math:`c / \sum u_k^2`.

Source of the secular equation: Golub (1973), SIAM Review 15, 318.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from solvable.dynamics.recursion import rate
from solvable.models.modes import Modes
from solvable.util.types import Array, Scalar

_REACH = 700.0
_BATCH = 128
_ITERATIONS = 100
_CLOSE = 1e-8
"""The last Newton step but one: it squares the distance."""
_ROUNDING = 1e-12
"""Relative error of the risk, for every factor e by which it has fallen."""


class Poles(NamedTuple):
    """Delta ascending, equal ones once; those without u^2 stand at the end, and are none."""

    at: Float[Array, " n"]
    u2: Float[Array, " n"]
    weight: Float[Array, " n"]
    split: Float[Array, " n"]
    """c of the module's docstring: zero, with the derivatives it has."""
    floor: Array
    alone: Float[Array, " n"]
    """Of every mode, in the order given, the share of c over u^2 of its pole."""


def _poles(modes: Modes, gamma: Scalar, B: Scalar) -> Poles:
    """Nodes that feel no step (multiplicity zero, or an eigenvalue that underflows) stay where they
    are for ever: their weight joins the floor."""
    loss = rate(modes.lam, gamma, B)
    u2 = (gamma * modes.lam) ** 2 * modes.multiplicity / B
    moves = (u2 > 0) & (loss > 0)
    floor = modes.floor + jnp.where(moves, 0.0, modes.weight).sum()
    n = loss.size
    order = jnp.argsort(jnp.where(moves, loss, jnp.inf))
    ordered, moving = loss[order], moves[order]
    group = jnp.cumsum((jnp.diff(ordered, prepend=-1.0) != 0) & moving) - 1
    group = jnp.zeros(n, int).at[order].set(group)  # of every mode, in the order given
    merge = lambda x: jnp.zeros(n).at[group].add(jnp.where(moves, x, 0.0))
    beyond = jnp.max(jnp.where(moves, loss, 0.0)) + jnp.arange(1.0, n + 1)
    at = lax.stop_gradient(beyond.at[jnp.where(moves, group, n)].set(loss, mode="drop"))
    total = merge(u2)
    share = jnp.where(moves, u2 / jnp.where(moves, total[group], 1.0), 0.0)
    at = at + merge(share * (loss - lax.stop_gradient(loss)))
    delta = jnp.where(moves, loss - at[group], 0.0)
    delta = delta - lax.stop_gradient(delta)
    alone = modes.weight * delta / jnp.where(moves, total[group], 1.0)
    return Poles(at, total, merge(modes.weight), merge(modes.weight * delta), floor, alone)


class Exponentials(NamedTuple):
    """excess(t) = floor + sum r (1 - mu)^t + (floor + noise) sum s (1 - (1 - mu)^t) / mu."""

    mu: Float[Array, " n"]
    r: Float[Array, " n"]
    s: Float[Array, " n"]
    floor: Array
    off: Array
    """By how much of itself the smallest mu may be wrong."""


def _solve(poles: Poles) -> Exponentials:
    pole, u2 = poles.at, poles.u2
    left = jnp.concatenate([jnp.zeros(1), pole[:-1]])
    index = jnp.arange(pole.size)

    def root(left: Array, right: Array, i: Array, moves: Array) -> tuple[Array, ...]:
        gap = right - left

        def distances(y: Array) -> Array:
            """Delta_k - mu, from the nearer neighbour, for mu = left + gap * sigmoid(y)."""
            from_left = (pole - left) - gap * jax.nn.sigmoid(y)
            from_right = (pole - right) + gap * jax.nn.sigmoid(-y)
            return jnp.where(index < i, from_left, from_right)

        def g(y: Array) -> tuple[Array, Array]:
            """The secular function, and its slope in y."""
            inverse = 1 / distances(y)
            slope = jnp.sum(u2 * inverse * inverse) * gap * jax.nn.sigmoid(y) * jax.nn.sigmoid(-y)
            return 1 - jnp.sum(u2 * inverse), -slope

        def again(state: tuple) -> tuple:
            """g is the difference of two exponentials of y, far out, and asinh(g) is straight."""
            low, high, y, _, k = state
            value, slope = g(y)
            low, high = jnp.where(value > 0, y, low), jnp.where(value > 0, high, y)
            new = y - jnp.arcsinh(value) * jnp.sqrt(1 + value * value) / slope
            new = jnp.where((new > low) & (new < high), new, (low + high) / 2)
            return low, high, new, jnp.abs(new - y), k + 1

        unfinished = lambda state: moves & (state[3] > _CLOSE) & (state[4] < _ITERATIONS)
        y = lax.while_loop(unfinished, again, (-_REACH, _REACH, 0.0, jnp.inf, 0))[2]
        y = lax.stop_gradient(jnp.where(moves, y, 0.0))
        value, slope = g(y)
        y = y - (value - lax.stop_gradient(value)) / lax.stop_gradient(jnp.where(moves, slope, 1.0))
        mu = left + gap * jax.nn.sigmoid(y)
        delta = distances(y)
        s = 1 / jnp.sum(u2 / delta**2)
        return mu, s * (jnp.sum(poles.weight / delta) - jnp.sum(poles.split / delta**2)), s

    moves = u2 > 0
    mu, r, s = lax.map(lambda each: root(*each), (left, pole, index, moves), batch_size=_BATCH)
    # The sum of g rounds, and where mu is small next to its pole, all of mu is in that.
    off = 4 * jnp.finfo(mu.dtype).eps * s[0] / mu[0]
    mu, r, s = (jnp.where(moves, x, 0.0) for x in (mu, r, s))
    return Exponentials(mu, r, s, poles.floor, jnp.where(moves[0], off, 0.0))
