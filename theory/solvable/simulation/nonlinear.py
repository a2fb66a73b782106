r"""Ridge regression with nonlinear random features itself, many seeds at once.

A seed draws d directions and n samples, and solves the least-squares problem on

.. math::
    \Phi_{ai} = \mathrm{act}(\langle u_i, x_a \rangle) / \sqrt d, \qquad
    y_a = \langle w, x_a \rangle + \sigma \varepsilon_a.

Nothing here knows the theory.

Source: Maloney, Roberts, Sully (2022), arXiv 2210.16859 (the model). Derived in the documents:
theory/nonlinear_features.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvable.inputs import Gaussian, Inputs
from solvable.models.activations import Activation
from solvable.models.nonlinear import NonlinearFeatures
from solvable.numerics.linalg import blas_threads
from solvable.rules.filters import Ridge
from solvable.rules.rule import Rule
from solvable.simulation.full_batch import Sizes, check_axis, default_device, in_batches
from solvable.simulation.loop import title
from solvable.simulation.runs import Runs, described_key, finished
from solvable.util.errors import requirement
from solvable.util.memory import check_memory
from solvable.util.progress import progress_bar
from solvable.util.types import Array


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


@functools.partial(jax.jit, static_argnames=("of", "act", "d", "n", "points"))
def _run(key, seeds, scale, target, noise, ridge, *, of, act, d, n, points):
    """Excess and training error of some seeds, shape (seeds, k, 2)."""
    target = scale * target

    def one(seed):
        key_u, key_x, key_y, key_test = jax.random.split(jax.random.fold_in(key, seed), 4)
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

    return jax.vmap(one)(seeds)


def run(
    key: jax.Array,
    problem: NonlinearFeatures,
    rule: Rule,
    ridges: Any,
    sizes: Sizes,
    *,
    inputs: Inputs,
    dtype: str,
    progress: bool,
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
    if dtype != "float64":
        raise requirement("dtype", "be 'float64' for nonlinear features", dtype)
    if problem.d is None:
        raise requirement("d", "be a number of features", problem.d)
    ridges = check_axis(rule, ridges)
    if ridges.min() < 0:
        raise requirement("steps", "not be negative, for nonlinear features", float(ridges.min()))
    act, tested = problem.act, None if problem.act.kernel is not None else int(problem.points)
    names = {"seeds": sizes.seeds, "n": sizes.n, "d": int(problem.d), "p": problem.lam_in.size}
    names |= {"recorded steps": ridges.size} | ({} if tested is None else {"points": tested})

    def needed(seeds: int, n: int, d: int, p: int, recorded: int, tested: int | None = None) -> int:
        entries = 4 * (p * d + (n + (tested or d)) * (p + d)) + recorded * (n + d + (tested or 0))
        return 8 * entries + 48 * seeds * recorded

    check_memory(needed, names, "Its theory is that of problem.kernel(key).")
    shapes = dict(of=act.of, act=act, d=int(problem.d), n=sizes.n, points=tested)
    arrays = (np.sqrt(problem.lam_in), problem.target, np.asarray(problem.noise, float), ridges)
    work = lambda seeds: _run(key, seeds, *arrays, **shapes)
    bar = progress_bar(progress, sizes.seeds, "seeds", title(rule))
    with jax.enable_x64(True), bar as show, blas_threads(sizes.n * int(problem.d)):
        each = needed(*(names | {"seeds": 0}).values())
        found = in_batches(sizes.seeds, each, work, show)
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
        n=sizes.n,
        points=tested,
        key=described_key(key),
        device=default_device(),
    )
