r"""One finite data set, and training on it: all of its samples at every step.

A seed draws features W and n samples, and takes the steps of its rule on

.. math::
    \Phi = X W, \quad y = X b + \sigma \varepsilon, \qquad
    g = \tfrac 1 n \Phi^\top (\Phi \theta - y).

Gradient flow and ridge regression, which have no steps, are exact functions of the singular
values of this :math:`\Phi`. Nothing here knows the theory.

Source: Bordelon, Atanasov, Pehlevan (2024), arXiv 2402.01092 (the model). Derived in the documents:
theory/finite_data.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.inputs import Gaussian
from solvable.rules.filters import Filter
from solvable.rules.rule import Rule
from solvable.simulation.loop import Piece, State, advance, chunks, piece_from
from solvable.util.types import Array

SIZES = ("n", "d", "ensemble", "bags", "sample")
"""What sets the shapes of a draw: samples, features, the numbers of both, and their law."""

_NORMAL = Gaussian()


class Data(NamedTuple):
    """What one seed draws: E features and M data sets."""

    features: Float[Array, "E v d"]
    """D^(1/2) W, or only the diagonal of D^(1/2) if the inputs are the features."""
    target: Float[Array, " v"]
    """D^(1/2) b."""
    Phi: Float[Array, "E M n d"]
    y: Float[Array, "M n"]


def sampled(key, scale, target, noise, W=None, *, n, d, ensemble, bags, sample) -> Data:
    """The draw of one seed, of the features W too unless they are given.

    Without d the inputs are the features.
    """
    key_W, key_x, key_y = jax.random.split(key, 3)

    def each(key, count, shape, sample=_NORMAL):
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(count))
        return jax.vmap(lambda key: sample(key, shape, scale.dtype))(keys)

    target = scale * target
    z = each(key_x, bags, (n, scale.size), sample)
    y = z @ target + jnp.sqrt(noise) * each(key_y, bags, (n,))
    if d is None:
        return Data(scale, target, (z * scale)[None], y)
    if W is None:
        W = each(key_W, ensemble, (scale.size, d)) / np.sqrt(d).astype(z.dtype)
    features = scale[:, None] * jnp.broadcast_to(W, (ensemble, scale.size, d))
    return Data(features, target, jnp.einsum("mnv,evd->emnd", z, features), y)


def gradient(theta: Float[Array, "E M d"], data: Data) -> Float[Array, "E M d"]:
    """Gradient of half the mean squared residual, for every pair of features and data set."""
    residual = jnp.einsum("emnd,emd->emn", data.Phi, theta) - data.y
    return jnp.einsum("emnd,emn->emd", data.Phi, residual) / data.y.shape[-1]


def measured(theta: Float[Array, "E M d"], data: Data) -> Float[Array, " 2"]:
    """Excess risk and training error of the mean of the predictors; for bags, zero."""
    E, M, _ = theta.shape
    whole = data.features.ndim == 3
    mean = theta.mean(axis=1) / E
    predicted = jnp.einsum("evd,ed->v", data.features, mean) if whole else data.features * mean[0]
    excess = jnp.sum((predicted - data.target) ** 2)
    if M > 1:
        return jnp.stack([excess, jnp.zeros_like(excess)])
    fitted = jnp.einsum("end,ed->n", data.Phi[:, 0], mean)
    return jnp.stack([excess, jnp.mean((fitted - data.y[0]) ** 2)])


def filtered(data: Data, points: Float[Array, " k"], rule: Filter) -> Float[Array, "k 2"]:
    """Excess and training error of V (1 - p(s^2)) / s U'y / sqrt(n), Phi / sqrt(n) = U s V'."""
    root = np.sqrt(data.y.shape[-1]).astype(data.y.dtype)
    U, s, Vt = jnp.linalg.svd(data.Phi / root, full_matrices=False)
    cutoff = max(data.Phi.shape[-2:]) * jnp.finfo(s.dtype).eps * s.max(axis=-1, keepdims=True)
    s = jnp.where(s > cutoff, s, 0)  # what is below is rounding, of a singular value that is 0
    part = jnp.einsum("emnr,mn->emr", U, data.y) / root

    def at(point):
        curve = jnp.where(s > 0, rule.learned(s**2, point) / jnp.where(s > 0, s, 1), 0)
        return measured(jnp.einsum("emrd,emr->emd", Vt, curve * part), data)

    return jax.vmap(at)(points)


def _samples(key, seed, model, sizes) -> Data:
    one = lambda seed: sampled(jax.random.fold_in(key, seed), *model, **sizes)
    return jax.vmap(one)(seed)


@functools.partial(jax.jit, static_argnames=SIZES)
def draw(key, seed, model, **sizes):
    """What the seeds of one batch draw."""
    return _samples(key, seed, model, sizes)


@functools.partial(jax.jit, static_argnames=SIZES)
def spectral(key, seed, model, points, rule: Filter, **sizes):
    """Excess and training error of a filter at every point, for each seed, shape (seeds, k, 2)."""
    data = _samples(key, seed, model, sizes)
    return jax.vmap(lambda data: filtered(data, points, rule))(data)


@functools.partial(jax.jit, static_argnames="update")
def take(data, state: State, stop, steps, piece: Piece, *, update) -> State:
    """Go from a state to step ``stop``, noting what is measured at the recorded steps."""

    def move(t, coefficient, memory):
        return update.move(memory, jax.vmap(gradient)(update.iterate(memory), data), coefficient)

    record = lambda memory: jax.vmap(measured)(update.output(memory), data)
    return advance(state, stop, steps, piece, move, record)


def stepped(key, seed, model, step: np.ndarray, rule: Rule, show: Callable, **sizes) -> Array:
    """Excess and training error at every recorded step, by taking all of them."""
    data, last = draw(key, seed, model, **sizes), int(step[-1])
    theta = np.zeros((*data.Phi.shape[:3], data.Phi.shape[-1]), data.y.dtype)
    memory = np.stack([x * theta for x in rule.start])
    found = np.zeros((len(theta), step.size, 2), data.y.dtype)
    placed = jax.device_put((memory, found), data.y.sharding)  # as they come from every chunk
    start = State(*placed, np.int32(0), np.int32(0))
    steps = step.astype(np.int32)
    pieces = lambda first: piece_from(rule, first, last, data.y.dtype, keeps_target=False)
    on = lambda state, stop, piece: take(data, state, stop, steps, piece, update=rule.update)
    for state in chunks(start, last, pieces, on):
        show(state.t)
    return state.found
