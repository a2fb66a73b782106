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

Source of the secular equation: Golub (1973), SIAM Review 15, 318. Derived in the documents:
theory/random_features.
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
"""Relative error of the risk, and again for every factor e by which it has fallen."""
_STILL = 1e-32
"""A mode that loses less than this in a step loses nothing: there are no more than 10^15 steps."""
_ROUNDED = 8
"""Units of the last digit by which a pole, or the sum of g, may be off."""
_LEAST_LOG = -1e4  # of a factor: to any power but zero it is zero


class Poles(NamedTuple):
    """Delta ascending, equal ones once; those without u^2 stand at the end, and are none."""

    at: Float[Array, " n"]
    u2: Float[Array, " n"]
    weight: Float[Array, " n"]
    split: Float[Array, " n"]
    """c of the module's docstring: zero, with the derivatives it has."""
    floor: Array
    alone: Float[Array, " n"]
    """The share of c over u^2 of its pole, for every mode in the order given."""
    parts: Float[Array, " n"]
    """2 gamma lam, from which Delta is a difference."""


def _poles(modes: Modes, gamma: Scalar, B: Scalar) -> Poles:
    """Nodes that feel no step (multiplicity zero, or an eigenvalue that is next to nothing) stay
    where they are for ever: their weight joins the floor."""
    loss = rate(modes.lam, gamma, B)
    u2 = (gamma * modes.lam) ** 2 * modes.multiplicity / B
    moves = (u2 > 0) & (loss > _STILL)
    floor = modes.floor + jnp.where(moves, 0.0, modes.weight).sum()
    n = loss.size
    order = jnp.argsort(jnp.where(moves, loss, jnp.inf))
    ordered, moving = loss[order], moves[order]
    group = jnp.cumsum((jnp.diff(ordered, prepend=-1.0) != 0) & moving) - 1
    group = jnp.zeros(n, int).at[order].set(group)  # of every mode, in the order given
    merge = lambda x: jnp.zeros(n).at[group].add(jnp.where(moves, x, 0.0))
    beyond = jnp.max(jnp.where(moves, loss, 0.0)) + jnp.arange(1.0, n + 1)
    place = lambda x, y: x.at[jnp.where(moves, group, n)].set(y, mode="drop")
    at = lax.stop_gradient(place(beyond, loss))
    total = merge(u2)
    share = jnp.where(moves, u2 / jnp.where(moves, total[group], 1.0), 0.0)
    at = at + merge(share * (loss - lax.stop_gradient(loss)))
    delta = jnp.where(moves, loss - at[group], 0.0)
    delta = delta - lax.stop_gradient(delta)
    alone = modes.weight * delta / jnp.where(moves, total[group], 1.0)
    parts = place(jnp.zeros(n), 2 * gamma * modes.lam)
    return Poles(at, total, merge(modes.weight), merge(modes.weight * delta), floor, alone, parts)


class Exponentials(NamedTuple):
    """excess(t) = floor + sum r (1 - mu)^t + (floor + noise) sum s (1 - (1 - mu)^t) / mu."""

    mu: Float[Array, " n"]
    r: Float[Array, " n"]
    s: Float[Array, " n"]
    floor: Array
    alone: Float[Array, " n"]
    """Amplitudes of the modes' own rates: zero, with the derivatives they have."""
    off: Float[Array, " n"]
    """Relative error that each mu may have, as the poles and the sum of g round."""
    amplitude_off: Float[Array, " n"]
    """Relative error of r and s, which see the distance from the nearest pole."""


def exponentials(modes: Modes, gamma: Scalar, B: Scalar) -> Exponentials:
    """Rates and amplitudes, which tell the risk at any step."""
    poles = _poles(modes, gamma, B)
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
            parts = u2 / distances(y)
            # A distance is at least this, times sigmoid(-y) or sigmoid(y).
            shares = gap * jax.nn.sigmoid(y) * jax.nn.sigmoid(-y) / distances(y)
            return 1 - jnp.sum(parts), -jnp.sum(parts * shares)

        def again(state: tuple) -> tuple:
            """g is the difference of two exponentials of y, far out, and asinh(g) is straight."""
            low, high, y, _, k = state
            value, slope = g(y)
            low, high = jnp.where(value > 0, y, low), jnp.where(value > 0, high, y)
            step = -jnp.arcsinh(value) * jnp.sqrt(1 + value * value) / slope
            off, new = jnp.abs(step), y + step
            inside = ((new > low) & (new < high)) | (off <= _CLOSE)
            circling = (k % 4 == 3) & (off > 1)
            new = jnp.where(inside & ~circling, new, (low + high) / 2)
            return low, high, new, off, k + 1

        unfinished = lambda state: moves & ~(state[3] <= _CLOSE) & (state[4] < _ITERATIONS)
        y = lax.while_loop(unfinished, again, (-_REACH, _REACH, 0.0, jnp.inf, 0))[2]
        y = lax.stop_gradient(jnp.where(moves, y, 0.0))
        value, slope = g(y)
        y = y - (value - lax.stop_gradient(value)) / lax.stop_gradient(jnp.where(moves, slope, 1.0))
        mu = left + gap * jax.nn.sigmoid(y)
        delta = distances(y)
        pull = u2 / delta**2
        s = 1 / jnp.sum(pull)
        r = s * (jnp.sum(poles.weight / delta) - jnp.sum(poles.split / delta**2))
        eps = _ROUNDED * jnp.finfo(mu.dtype).eps
        off = eps * s * (1 + jnp.sum(pull * poles.parts)) / mu
        off = off, 2 * eps * s / jnp.min(jnp.abs(delta))
        return mu, r, s, *lax.stop_gradient(off)

    moves = u2 > 0
    found = lax.map(lambda each: root(*each), (left, pole, index, moves), batch_size=_BATCH)
    mu, r, s, *off = (jnp.where(moves, x, 0.0) for x in found)
    return Exponentials(mu, r, s, poles.floor, poles.alone, *off)


def along(
    step: Float[Array, " k"], found: Exponentials, modes: Modes, gamma: Scalar, B: Scalar
) -> tuple[Float[Array, " k"], Float[Array, " k"], Array]:
    """Excess risk at any steps, its part without the feedback, and its relative error."""
    slowly = lambda x: step[:, None] * jnp.maximum(jnp.log1p(-x), _LEAST_LOG)
    own, mu, r = jnp.exp(slowly(rate(modes.lam, gamma, B))), found.mu, found.r
    kept, come_in = jnp.exp(slowly(mu)), -jnp.expm1(slowly(mu)) / jnp.where(mu > 0, mu, 1.0)
    incoming, lost = (found.floor + modes.noise) * found.s, come_in * mu
    # Next to the threshold amplitudes may be large, of opposite signs. They cancel at first, but
    # what is lost of them does not.
    off = jnp.abs(r) * found.amplitude_off
    early, late = lost @ off, kept @ off
    forgotten = jnp.where(early < late, modes.excess - found.floor - lost @ r, kept @ r)
    excess = found.floor + forgotten + come_in @ incoming + own @ found.alone
    forcing = modes.floor + own @ modes.weight
    # What wrong mu, r and s do to both sums; and rounding, of large exponents in proportion.
    times = step[:, None] * mu
    wrong = jnp.minimum(early, late) + (times * kept) @ (jnp.abs(r) * found.off)
    wrong += (jnp.minimum(times, 1.0) * come_in) @ (incoming * found.off)
    wrong += come_in @ (incoming * found.amplitude_off)
    some = jnp.where(excess > 0, excess, 1.0)
    error = _ROUNDING * (1 + jnp.log(jnp.maximum(modes.excess / some, 1.0))) + wrong / some
    error = jnp.where(excess > 0, error, _ROUNDING)
    return excess, forcing, lax.stop_gradient(jnp.max(error))


def evaluate(
    step: Float[Array, " k"], modes: Modes, gamma: Scalar, B: Scalar
) -> tuple[Float[Array, " k"], Float[Array, " k"], Array]:
    """Excess risk and forcing from the modes: see :func:`solvable.dynamics.inversion.evaluate`."""
    return along(step, exponentials(modes, gamma, B), modes, gamma, B)
