r"""One finite data set, and training on it: all of its samples at every step.

A seed draws features W and n samples, and takes the steps of its rule on

.. math::
    \Phi = X W, \quad y = X b + \sigma \varepsilon, \qquad
    g = \tfrac 1 n \Phi^\top (\Phi \theta - y).

Gradient flow and ridge regression, which have no steps, are exact functions of the singular
values of this :math:`\Phi`. Nothing here knows the theory.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float

from solvable.rules.full_batch import FullBatch
from solvable.simulation.engines import gaussian, rademacher
from solvable.util.types import Array

SAMPLERS = {"gaussian": gaussian, "rademacher": rademacher}

SIZES = ("n", "d", "ensemble", "bags", "sample")
"""What sets the shapes of a draw: samples, features, the numbers of both, and their law."""

_BUFFER = 4096  # steps whose coefficients are held at a time


class Data(NamedTuple):
    """What one seed draws: E features and M data sets."""

    features: Float[Array, "E v d"]
    """D^(1/2) W, or only the diagonal of D^(1/2) if the inputs are the features."""
    target: Float[Array, " v"]
    """D^(1/2) b."""
    Phi: Float[Array, "E M n d"]
    y: Float[Array, "M n"]


def sampled(key, scale, target, noise, *, n, d, ensemble, bags, sample) -> Data:
    """The draw of one seed. Without d the inputs are the features."""
    key_W, key_x, key_y = jax.random.split(key, 3)

    def each(key, count, shape, sample=gaussian):
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(count))
        return jax.vmap(lambda key: sample(key, shape, scale.dtype))(keys)

    target = scale * target
    z = each(key_x, bags, (n, scale.size), sample)
    y = z @ target + jnp.sqrt(noise) * each(key_y, bags, (n,))
    if d is None:
        return Data(scale, target, (z * scale)[None], y)
    features = scale[:, None] * each(key_W, ensemble, (scale.size, d)) / np.sqrt(d).astype(z.dtype)
    return Data(features, target, jnp.einsum("mnv,evd->emnd", z, features), y)


def gradient(theta: Float[Array, "E M d"], data: Data) -> Float[Array, "E M d"]:
    """Of half the mean squared residual, every pair of features and data set for itself."""
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


def flow(s, t):
    """What gradient flow makes of a singular value by time t."""
    return -jnp.expm1(-(s**2) * t) / jnp.where(s > 0, s, 1)


def ridged(s, ridge):
    """What ridge regression makes of a singular value."""
    return jnp.where(s > 0, s, 0) / jnp.where(s > 0, s**2 + ridge, 1)


def filtered(data: Data, points: Float[Array, " k"], curve: Callable) -> Float[Array, "k 2"]:
    """Excess and training error of V curve(s) U'y / sqrt(n), with Phi / sqrt(n) = U s V'."""
    root = np.sqrt(data.y.shape[-1]).astype(data.y.dtype)
    U, s, Vt = jnp.linalg.svd(data.Phi / root, full_matrices=False)
    cutoff = max(data.Phi.shape[-2:]) * jnp.finfo(s.dtype).eps * s.max(axis=-1, keepdims=True)
    s = jnp.where(s > cutoff, s, 0)  # what is below is rounding, of a singular value that is 0
    part = jnp.einsum("emnr,mn->emr", U, data.y) / root
    at = lambda point: measured(jnp.einsum("emrd,emr->emd", Vt, curve(s, point) * part), data)
    return jax.vmap(at)(points)


def _samples(key, seed, scale, target, noise, sizes) -> Data:
    one = lambda seed: sampled(jax.random.fold_in(key, seed), scale, target, noise, **sizes)
    return jax.vmap(one)(seed)


@functools.partial(jax.jit, static_argnames=SIZES)
def _draw(key, seed, scale, target, noise, **sizes):
    return _samples(key, seed, scale, target, noise, sizes)


@functools.partial(jax.jit, static_argnames=(*SIZES, "curve"))
def spectral(key, seed, scale, target, noise, points, *, curve, **sizes):
    data = _samples(key, seed, scale, target, noise, sizes)
    return jax.vmap(lambda data: filtered(data, points, curve))(data)


@functools.partial(jax.jit, static_argnames="update")
def _advance(data, memory, found, i, t, stop, steps, first, coefficients, *, update):
    """Go from step t to ``stop``, noting what is measured at every one of ``steps`` reached.

    The coefficients are those of the steps from ``first`` on, or one for all of them.
    """

    def step(t, memory):
        at = lambda x: x[jnp.minimum(t - first, x.shape[0] - 1)]
        slope = jax.vmap(gradient)(update.iterate(memory), data)
        return update.move(memory, slope, jax.tree.map(at, coefficients))

    def interval(carry):
        memory, found, i, t = carry
        end = jnp.minimum(steps[i], stop)
        memory = lax.fori_loop(t, end, step, memory)
        # Written even if the buffer ends before steps[i]: then it is written again.
        now = jax.vmap(measured)(update.output(memory), data)
        found = lax.dynamic_update_slice(found, now[:, None], (jnp.int32(0), i, jnp.int32(0)))
        return memory, found, i + (end == steps[i]).astype(jnp.int32), end

    def unfinished(carry):
        _, _, i, t = carry
        return (i < steps.size) & ((t < stop) | (steps[jnp.minimum(i, steps.size - 1)] == t))

    return lax.while_loop(unfinished, interval, (memory, found, i, t))


def coefficients_from(rule: FullBatch, first: int, last: int, dtype: np.dtype) -> Any:
    """Those of the next steps, in arrays of one length; of every step, if they are equal."""
    t = np.zeros(1, int) if rule.constant else np.arange(first, first + _BUFFER)
    with jax.enable_x64(True):
        found = rule.coefficients(np.minimum(t, max(last - 1, 0)))
        return jax.tree.map(lambda x: np.asarray(x, dtype), found)


def stepped(arguments, sizes, rule: FullBatch, step: np.ndarray, show: Callable) -> Array:
    """Excess and training error at every recorded step, by taking all of them."""
    data, last, length = (
        _draw(*arguments, **sizes),
        int(step[-1]),
        2**31 if rule.constant else _BUFFER,
    )
    theta = np.zeros((*data.Phi.shape[:3], data.Phi.shape[-1]), data.y.dtype)
    memory = np.stack([x * theta for x in rule.start])
    found = np.zeros((len(theta), step.size, 2), data.y.dtype)
    memory, found = jax.device_put((memory, found))
    i, t, steps = np.int32(0), np.int32(0), step.astype(np.int32)
    while True:
        first, stop = t, np.int32(min(int(t) + length, last))
        coefficients = coefficients_from(rule, int(t), last, data.y.dtype)
        memory, found, i, t = _advance(
            data, memory, found, i, t, stop, steps, first, coefficients, update=rule.update
        )
        i, t = np.int32(i), np.int32(t)
        show(int(t))
        if t >= last:
            return found
