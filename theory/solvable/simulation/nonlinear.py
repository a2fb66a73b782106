r"""Ridge regression with nonlinear random features itself, many seeds at once.

A seed draws d directions and n samples, and solves the least-squares problem on

.. math::
    \Phi_{ai} = \mathrm{act}(\langle u_i, x_a \rangle) / \sqrt d, \qquad
    y_a = \langle w, x_a \rangle + \sigma \varepsilon_a.

Nothing here knows the theory.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.models.activations import Activation, check_input, named
from solvable.models.problem import MAX_ENTRIES
from solvable.simulation.runs import OverSeeds, standard_error
from solvable.util.checks import check_count, check_key, check_number, check_vector
from solvable.util.errors import requirement
from solvable.util.results import array
from solvable.util.types import Array

_BATCH = 2**28  # bytes of the seeds that run together


@dataclass(frozen=True, kw_only=True, eq=False)
class NonlinearRuns(OverSeeds):
    """Simulated risk of ridge regression with nonlinear features. Arrays are float64 NumPy."""

    ridge: Float[np.ndarray, " k"] = array("ridge")
    """Beside the mean squared residual."""
    excess: Float[np.ndarray, "seeds k"] = array("seed", "ridge")
    """Population risk minus the label noise."""
    train: Float[np.ndarray, "seeds k"] = array("seed", "ridge")
    """Mean squared residual on the training samples, label noise included."""
    activation: str
    """Its name."""
    d: int
    """Features."""
    n: int
    """Samples."""
    noise: float = 0.0
    """Variance of the label noise."""
    points: int | None = None
    """Fresh inputs on which a seed's excess is the mean square; None if it is exact."""

    @property
    def risk(self) -> Float[np.ndarray, "seeds k"]:
        """Population risk, label noise included, shape (seeds, k)."""
        return self.excess + self.noise

    @property
    def train_mean(self) -> Float[np.ndarray, " k"]:
        """Mean training error over the seeds."""
        return self.train.mean(axis=0)

    @property
    def train_standard_error(self) -> Float[np.ndarray, " k"]:
        """Standard error of the mean training error; needs two seeds."""
        return standard_error(self.train)

    def __str__(self) -> str:
        measured = "exact" if self.points is None else f"on {self.points} fresh inputs"
        error = f" (standard error {self.standard_error[-1]:.1g})" if len(self.excess) > 1 else ""
        return (
            f"{len(self.excess)} seeds of {self.d} {self.activation} features on {self.n} samples, "
            f"ridge {self.ridge[0]:.4g} to {self.ridge[-1]:.4g}: mean risk {self.mean[0]:.6g} to "
            f"{self.mean[-1]:.6g}{error}, {measured}"
        )


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


def simulate_nonlinear(
    key: jax.Array,
    activation: str | Callable,
    lam_in: Float[np.ndarray, " p"],
    target: Float[np.ndarray, " p"],
    *,
    d: int,
    n: int,
    ridge: float | Sequence[float] | np.ndarray = 0.0,
    seeds: int = 1,
    noise: float = 0.0,
    points: int = 4000,
) -> NonlinearRuns:
    r"""Fit n samples of a linear target by ridge regression on d nonlinear random features.

    .. math::
        \min_\theta \tfrac 1 n |\Phi \theta - y|^2 + \text{ridge}\, |\theta|^2, \qquad
        \theta = V\, \frac{s}{s^2 + \text{ridge}}\, U^\top y / \sqrt n, \qquad
        \Phi / \sqrt n = U s V^\top.

    Inputs are :math:`x \sim \mathcal N(0, \mathrm{diag}\, \lambda_{\mathrm{in}})` and directions
    :math:`u \sim \mathcal N(0, 1)`. At ridge 0 it is the solution of least norm. The excess of a
    seed is the exact population risk of its fit for relu, erf and identity, and otherwise the mean
    over ``points`` fresh inputs, whose error is part of the scatter between seeds.

    Args:
        key: A key of :func:`jax.random.key`.
        activation: As in :meth:`KernelFeatures.measured`.
        lam_in: Variances of the coordinates of x, positive, shape (p,).
        target: Coefficients w of the target, shape (p,).
        d: Features.
        n: Samples.
        ridge: One or several, none negative, all on the same features and samples.
        seeds: Number of independent runs.
        noise: Variance of the label noise.
        points: Fresh inputs, where the population risk is not elementary.

    Returns:
        :class:`NonlinearRuns`, with excess and training error of shape (seeds, ridges).

    Raises:
        ValueError: If a number is out of range, lengths differ, or one seed does not fit.
        TypeError: If ``activation`` is no function of arrays.

    Source: Maloney, Roberts, Sully (2022), arXiv 2210.16859.

    Example:
        >>> lam_in = np.arange(1.0, 41) ** -2
        >>> runs = simulate_nonlinear(
        ...     jax.random.key(0), "relu", lam_in, np.ones(40), d=30, n=60, ridge=1e-3, seeds=5
        ... )
        >>> runs.excess.shape
        (5, 1)
    """
    check_key(key)
    act, (lam_in, target) = named(activation), check_input(lam_in, target)
    ridges = check_vector("ridge", np.atleast_1d(ridge))
    if ridges.min() < 0:
        raise requirement("ridge", "not be negative", float(ridges.min()))
    for name, count in (("d", d), ("n", n), ("seeds", seeds), ("points", points)):
        check_count(name, count)
    check_number("noise", noise, minimum=0)
    tested = None if act.kernel is not None else int(points)
    d, n, p, rows = int(d), int(n), lam_in.size, int(n) + (tested or int(d))
    if (entries := p * d + rows * (p + d)) > MAX_ENTRIES:
        fix = "Take less of d, n or points."
        raise requirement("d", f"leave a seed at most {MAX_ENTRIES:.1e} entries", entries, fix)
    batch = int(max(1, min(seeds, _BATCH // (4 * 8 * entries))))
    with jax.enable_x64(True):
        keys = jax.random.split(key, int(seeds))
        keys = jnp.concatenate([keys, keys[: -int(seeds) % batch]])  # whole batches: one program
        arrays = (np.sqrt(lam_in), target, np.asarray(noise, float), ridges)
        sizes = dict(of=act.of, act=act, d=d, n=n, points=tested, batch=batch)
        found = np.asarray(_run(keys, *arrays, **sizes))[: int(seeds)]
    return NonlinearRuns(
        ridge=ridges,
        excess=found[..., 0],
        train=found[..., 1],
        activation=act.name,
        d=d,
        n=n,
        noise=float(noise),
        points=tested,
    )
