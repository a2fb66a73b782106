r"""Ridge regression with nonlinear random features itself, many seeds at once.

A seed draws d directions and n samples, and solves the least-squares problem on

.. math::
    \Phi_{ai} = \mathrm{act}(\langle u_i, x_a \rangle) / \sqrt d, \qquad
    y_a = \langle w, x_a \rangle + \sigma \varepsilon_a.

Nothing here knows the theory.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvable.inputs import Gaussian, Inputs
from solvable.models.activations import Activation
from solvable.models.nonlinear import NonlinearFeatures
from solvable.models.problem import MAX_ENTRIES
from solvable.rules.filters import Ridge
from solvable.rules.rule import Rule
from solvable.simulation.full_batch import Sizes, check_axis
from solvable.simulation.runs import Runs, described_key, finished
from solvable.util.errors import requirement
from solvable.util.types import Array

_BATCH = 2**28  # bytes of the seeds that run together


def _exact(act: Activation, directions, theta, target) -> Array:
    r"""E (f(x) - y)^2 from the kernel between directions, to which the inputs are the weights.

    ``directions`` and ``target`` are in units of the deviations of x. By Stein's lemma
    E act(<u, x>) y = <u, target> E act'(<u, x>).
    """
    assert act.kernel is not None and act.slope is not None
    dot, square = directions.T @ directions, jnp.sum(directions**2, axis=0)
    gram = act.kernel(dot, square[:, None], square)
    both = (target @ directions) * act.slope(square)
    return theta @ gram @ theta - 2 * both @ theta + target @ target


@functools.partial(jax.jit, static_argnames=("of", "act", "d", "n", "points", "batch"))
def _run(keys, scale, target, noise, ridge, *, of, act, d, n, points, batch):
    """Excess and training error, shape (seeds, k, 2)."""
    target = scale * target

    def one(key):
        key_u, key_x, key_y, key_test = jax.random.split(key, 4)
        directions = scale[:, None] * jax.random.normal(key_u, (scale.size, d))
        z = jax.random.normal(key_x, (n, scale.size))
        y = z @ target + jnp.sqrt(noise) * jax.random.normal(key_y, (n,))
        Phi = of(z @ directions) / np.sqrt(d)
        U, s, Vt = jnp.linalg.svd(Phi / np.sqrt(n), full_matrices=False)
        s = jnp.where(s > max(n, d) * jnp.finfo(s.dtype).eps * s[0], s, 0)
        part = U.T @ y / np.sqrt(n)
        if points is not None:
            fresh = jax.random.normal(key_test, (points, scale.size))
            seen, wanted = of(fresh @ directions) / np.sqrt(d), fresh @ target

        def at(ridge):
            whole = s**2 + ridge
            theta = Vt.T @ (jnp.where(whole > 0, s / jnp.where(whole > 0, whole, 1), 0) * part)
            if points is None:
                excess = _exact(act, directions, theta / np.sqrt(d), target)
            else:
                excess = jnp.mean((seen @ theta - wanted) ** 2)
            return jnp.stack([excess, jnp.mean((Phi @ theta - y) ** 2)])

        return jax.vmap(at)(ridge)

    return jax.lax.map(one, keys, batch_size=batch)


def run(
    key: jax.Array,
    problem: NonlinearFeatures,
    rule: Rule,
    ridges: Any,
    sizes: Sizes,
    inputs: Inputs,
) -> Runs:
    r"""Fits of n samples of a linear target by ridge regression on nonlinear random features.

    At ridge 0 it is the solution of least norm. The excess of a seed is the exact population risk
    of its fit for relu, erf and identity, and otherwise the mean over fresh inputs, whose error is
    part of the scatter between seeds.

    Source: Maloney, Roberts, Sully (2022), arXiv 2210.16859.
    """
    if not isinstance(rule, Ridge):
        must = "be Ridge() for nonlinear features"
        raise requirement("rule", must, rule, "For other rules take problem.kernel(key).")
    if sizes.ensemble != 1 or sizes.bags != 1:
        raise requirement("ensemble", "be 1 for nonlinear features, as `bags`", sizes.ensemble)
    if not isinstance(inputs, Gaussian):
        raise requirement("inputs", "be Gaussian for nonlinear features", inputs)
    if problem.d is None:
        raise requirement("d", "be a number of features", problem.d)
    ridges = check_axis(rule, ridges)
    act, tested = problem.act, None if problem.act.kernel is not None else int(problem.points)
    d, n, seeds, p = int(problem.d), sizes.n, sizes.seeds, problem.lam_in.size
    entries = p * d + (n + (tested or d)) * (p + d)
    if entries > MAX_ENTRIES:
        fix = "Take less of d, n or points."
        raise requirement("d", f"leave a seed at most {MAX_ENTRIES:.1e} entries", entries, fix)
    batch = int(max(1, min(seeds, _BATCH // (4 * 8 * entries))))
    with jax.enable_x64(True):
        keys = jax.random.split(key, seeds)
        keys = jnp.concatenate([keys, keys[: -seeds % batch]])  # whole batches: one program
        arrays = (np.sqrt(problem.lam_in), problem.target, np.asarray(problem.noise, float), ridges)
        shapes = dict(of=act.of, act=act, d=d, n=n, points=tested, batch=batch)
        found = np.asarray(_run(keys, *arrays, **shapes))[:seeds]
    return finished(
        x=ridges,
        excess=found[..., 0],
        train=found[..., 1],
        axis="ridge",
        engine="samples",
        dtype="float64",
        features="own",
        problem=problem,
        rule=rule,
        n=n,
        points=tested,
        key=described_key(key),
        device=jax.devices()[0].device_kind,
    )
