r"""The risk of training on one finite data set, for any number of features, samples, and time.

A rule is a sum of resolvents (:mod:`solvable.dynamics.residuals`), a model is the two-point function of
two of them (:mod:`solvable.spectra.two_point`), and the risk is the double sum over both. With infinitely
many features *and* samples there is nothing random, and the sum over the spectrum is exact.
"""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.dynamics.contour import Watched, around, padded
from solvable.dynamics.residuals import (
    EARLY,
    Points,
    contour_points,
    early_points,
    flow_points,
    late_points,
    polynomial,
)
from solvable.models.kernels import FiniteProblem, without_features
from solvable.models.modes import Modes
from solvable.models.thresholds import band_edge
from solvable.rules.full_batch import FullBatch, GradientFlow
from solvable.spectra.resolvent import ridge_off_axis
from solvable.spectra.two_point import TERMS, Parts, pair_sums
from solvable.util.checks import check_count
from solvable.util.errors import requirement, why
from solvable.util.precision import as_numpy, is_traced
from solvable.util.results import Result, array
from solvable.util.steps import check_steps, check_times
from solvable.util.types import Array, Scalar

CHECKED = 8
"""Times at which the error is measured, against a contour of 30 points instead of 24."""

TOLERANCE = 1e-9
"""Of the contours of rules that are neither flow nor descent."""


_PART = 256  # points of a contour whose effective ridges are found at a time


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, eq=False)
class FiniteCurve(Result):
    """Expected risk along training on n samples. Arrays are float64 NumPy, shape (k,)."""

    time: Float[Array, " k"] = array("time", units="steps, or time of gradient flow")
    """Time of gradient flow, or steps over the whole data set; 0 is theta = 0."""
    excess: Float[Array, " k"] = array("time")
    """Risk on fresh inputs, minus the label noise."""
    train: Float[Array, " k"] | None = array("time", default=None)
    """Mean squared residual on the training samples, label noise included; None for bags."""
    terms: dict[str, Float[Array, " k"]] = array("time")
    """The parts of the excess: bias, variance of the features, of the data, and label noise."""
    error: Scalar = 0.0
    """Relative numerical error of the excess (not the error of the theory; see ``rung``)."""
    rung: str = field(default="", metadata={"static": True})
    """What the numbers are: an exact expectation, or a deterministic equivalent."""
    problem: FiniteProblem
    """What is learned."""
    rule: FullBatch | GradientFlow
    """How."""
    n: Scalar | None = None
    """Samples; None for infinitely many."""
    ensemble: Scalar = 1
    """Draws of the features averaged over."""
    bags: Scalar = 1
    """Data sets averaged over."""

    @property
    def risk(self) -> Float[Array, " k"]:
        """Expected risk on fresh samples, label noise included."""
        return self.excess + self.problem.noise

    def __str__(self) -> str:
        samples = "infinitely many" if self.n is None else f"{self.n:g}"
        return (
            f"{self.rung} of {self.problem}\n"
            f"{self.rule} on {samples} samples, {self.time.size} times from {self.time[0]:.4g} to "
            f"{self.time[-1]:.4g}: risk {self.risk[0]:.6g} to {self.risk[-1]:.6g}, "
            f"numerical error {self.error:.0e}"
        )


def _relative(found: Array, checked: Array) -> Array:
    return jnp.max(jnp.abs(found / checked - 1))


def _together(points: list[Points], modes: Modes, inverse_d, inverse_n, *averages) -> list[Parts]:
    """Sums over pairs of each set of points. The effective ridges of all are found at once.

    Their loop is most of what there is to compile, and so it stands in a program once.
    """
    every = jnp.concatenate([z.ravel() for z, _ in points])
    kappa = ridge_off_axis(every, modes, inverse_d, inverse_n)
    parts = jnp.split(kappa, np.cumsum([z.size for z, _ in points])[:-1])
    return [
        pair_sums(part.reshape(z.shape), u, modes, inverse_d, inverse_n, *averages)
        for part, (z, u) in zip(parts, points, strict=True)
    ]


def _apart(points: Points) -> Points:
    """Of points that belong to one time each: as if several times shared them, but one does."""
    z, u = points
    return z, u[:, None]


def _joined(found: Parts) -> Parts:
    return jax.tree.map(lambda x: x[:, 0], found)


def flow_excess(t, modes: Modes, inverse_d, inverse_n) -> Array:
    """Excess risk of gradient flow at positive times, shape (k,), and nothing else."""
    [found] = _together([_apart(flow_points(t))], modes, inverse_d, inverse_n)
    return _joined(found).excess


@jax.jit
def _flow(t, modes: Modes, *sizes) -> tuple[Parts, Array]:
    """Parts at every time, and the relative error of the excess."""
    t = jnp.maximum(t, 1e-20 / modes.trace)  # by when nothing has moved
    pick = np.linspace(0, t.size - 1, CHECKED).astype(int)
    points = [_apart(flow_points(t)), _apart(flow_points(t[pick], 30))]
    found, check = map(_joined, _together(points, modes, *sizes))
    return found, _relative(found.excess[pick], check.excess)


@jax.jit
def _descent(step, modes: Modes, gamma, *sizes) -> tuple[Parts, Array]:
    """As for flow; the first steps from a circle."""
    late, whole = jnp.maximum(step, EARLY), jnp.minimum(step, EARLY).astype(int)
    pick = np.linspace(0, step.size - 1, CHECKED).astype(int)
    points = [_apart(late_points(late, gamma)), _apart(late_points(late[pick], gamma, 30))]
    *rest, table = _together([*points, early_points(gamma)], modes, *sizes)
    found, check = map(_joined, rest)
    error = _relative(found.excess[pick], check.excess)
    return jax.tree.map(lambda x, y: jnp.where(step < EARLY, x[whole], y), table, found), error


_ridges, _pairs = jax.jit(ridge_off_axis), jax.jit(pair_sums)


def contour_sums(points: Points, modes: Modes, inverse_d, inverse_n, *averages) -> Parts:
    """Sums over the pairs of a contour of any length: its ridges by one program, part by part."""
    z, u = points
    parts = np.pad(z, (0, -z.size % _PART), mode="edge").reshape(-1, _PART)
    kappa = [np.asarray(_ridges(part, modes, inverse_d, inverse_n)) for part in parts]
    return _pairs(np.concatenate(kappa)[: z.size], u, modes, inverse_d, inverse_n, *averages)


def _around(step, modes: Modes, rule: FullBatch, inverse_d, inverse_n, *averages):
    """Any rule, on a contour around the spectrum, refined until nothing changes."""
    band, watched = float(band_edge(modes, inverse_d, inverse_n)), Watched(rule, float(step[-1]))
    outline = around(band, watched, lower=0.7)
    before = None
    for refine, order in ((1, 6), (1, 8), (1, 12), (2, 12)):
        h, dh = padded(*outline(refine, order=order))
        points = contour_points((h, dh), polynomial(rule, step, h))
        found = contour_sums(points, modes, inverse_d, inverse_n, *averages)
        if before is not None and (error := _relative(before.excess, found.excess)) < TOLERANCE:
            break
        before = found
    return found, error


def _exact(remaining: Float[Array, "k m"], modes: Modes) -> Parts:
    """Nothing is random: every mode by itself."""
    bias = modes.floor + remaining**2 @ modes.weight
    zero = jnp.zeros_like(bias)
    return Parts(bias, zero, zero, zero, bias + modes.noise)


def _check_stable(rule: FullBatch, edge: float) -> None:
    """No part of the error grows for ever. (Of rules that change, it may for a while.)"""
    if rule.constant and Watched(rule, 1e15).growth(np.array([edge]))[0] > 1e-3:
        must = f"be stable up to the edge of the spectrum of the features on the data, {edge:.6g}"
        fix = "Take a smaller rate: below 2 / edge for descent. " + why("theory/finite_data")
        raise requirement("sgd", must, rule, fix)


def check_fresh(n, ensemble, bags) -> None:
    """One-pass rules have no data set."""
    for name, value, unset in (("n", n, None), ("ensemble", ensemble, 1), ("bags", bags, 1)):
        if value != unset:
            must = f"be {unset} for one-pass rules, which see fresh samples at every step"
            fix = "GradientFlow, GradientDescent and FullBatch train on n samples. "
            fix += why("theory/finite_data")
            raise requirement(name, must, value, fix)


def check_whole(terms: bool, allow_unstable: bool) -> None:
    """Full batches have their own terms, and no curve above the threshold."""
    if terms:
        raise requirement(
            "terms", "be left out for full batches, whose terms are always there", terms
        )
    if allow_unstable:
        must = "be left out for full batches, which have no curve above the threshold"
        raise requirement("allow_unstable", must, allow_unstable)


def full_batch_curve(
    problem: FiniteProblem,
    rule: FullBatch | GradientFlow,
    times,
    n: Scalar | None,
    ensemble: Scalar,
    bags: Scalar,
    rungs: tuple[str, str],
) -> FiniteCurve:
    """The curve of any full-batch rule. ``rungs`` name what is exact, and what is not."""
    for name, count in (("n", n), ("ensemble", ensemble), ("bags", bags)):
        if count is not None:
            check_count(name, count)
    flow = isinstance(rule, GradientFlow)
    t = check_times(times) if flow else check_steps(times)
    modes = problem.spectrum()
    inverse_d, inverse_n = 1.0 * problem.inverse_d, 0.0 if n is None else 1.0 / n
    sizes = (inverse_d, inverse_n, 1.0 * ensemble, 1.0 * bags)
    traced = is_traced((modes, sizes, rule))
    nothing_random = n is None and without_features(problem)
    if not flow and not traced:
        _check_stable(rule, float(band_edge(modes, inverse_d, inverse_n)))
    padding = (0, -t.size % 8)
    if nothing_random:
        lam = np.asarray(modes.lam)
        remaining = np.exp(-t[:, None] * lam) if flow else polynomial(rule, t, lam)
        parts, error = _exact(jnp.asarray(remaining), modes), 1e-12
    elif flow:
        parts, error = _flow(np.pad(t, padding, mode="edge"), modes, *sizes)
    elif rule.descent_rate is not None:
        step = np.pad(t.astype(float), padding, mode="edge")
        parts, error = _descent(step, modes, 1.0 * rule.descent_rate, *sizes)
    elif traced:
        raise TypeError(
            "Under jax.jit, jax.grad or jax.vmap only gradient flow and gradient descent of "
            "constant rate have a theory: other rules need a contour made for their numbers."
        )
    else:
        parts, error = _around(t, modes, rule, *sizes)
    parts = jax.tree.map(lambda x: as_numpy(x[: t.size]), parts)
    return FiniteCurve(
        time=t,
        excess=parts.excess,
        train=None if bags != 1 else parts.train,
        terms={name: getattr(parts, name) for name in TERMS},
        error=error if is_traced(error) else max(float(error), 1e-12),
        rung=rungs[0] if nothing_random else rungs[1],
        problem=problem,
        rule=rule,
        n=n,
        ensemble=ensemble,
        bags=bags,
    )
