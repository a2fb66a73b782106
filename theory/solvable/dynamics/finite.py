r"""The risk of training on one finite data set, for any number of features, samples, and time.

A rule is a sum of resolvents (:mod:`solvable.dynamics.residuals`), a model is the two-point
function of two of them (:mod:`solvable.spectra.two_point`), and the risk is the double sum over
both. With infinitely many features *and* samples there is nothing random, and the sum over the
spectrum is exact.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvable.dynamics.chunks import in_chunks
from solvable.dynamics.contour import Watched, around, padded
from solvable.dynamics.curve import Curve
from solvable.dynamics.one_pass import UnstableError
from solvable.dynamics.residuals import (
    EARLY,
    contour_points,
    early_points,
    late_points,
    polynomials,
)
from solvable.dynamics.ridge import ridge_curve, sizes_of
from solvable.models.modes import Modes, seen_modes
from solvable.models.problem import Problem
from solvable.models.thresholds import band_edge
from solvable.rules.filters import Filter, GradientFlow, Points, Ridge
from solvable.rules.full_batch import FullBatch
from solvable.rules.rule import Rule, target_keeping
from solvable.spectra.resolvent import ridge_off_axis
from solvable.spectra.two_point import TERMS, Parts, Sizes, pair_sums
from solvable.util.checks import check_count, is_usual
from solvable.util.errors import requirement
from solvable.util.precision import as_numpy, is_traced
from solvable.util.steps import check_steps, check_times
from solvable.util.types import Array, Rung, Scalar

CHECKED = 8
"""Times at which the error is measured, against a contour of 30 points instead of 24."""

TOLERANCE = 1e-9
"""Relative error of the contours of rules that are neither flow nor descent."""


_ROUNDING = 1e-12
_MANY = 256  # times at once, where there are very many: each has hundreds of pairs of points
_UNTRACED = (
    "Under jax.jit, jax.grad or jax.vmap only gradient flow and gradient descent of constant rate "
    "have a theory: other rules need a contour made for their numbers."
)
_PART = 256  # points of a contour whose effective ridges are found at a time


def _relative(found: Array, checked: Array) -> Array:
    return jnp.max(jnp.abs(found / checked - 1))


def _together(points: list[Points], modes: Modes, sizes: Sizes) -> list[Parts]:
    """Sums over pairs of each set of points. The effective ridges of all are found at once.

    Their loop is most of what there is to compile, and so it stands in a program once.
    """
    every = jnp.concatenate([z.ravel() for z, _ in points])
    kappa = ridge_off_axis(every, modes, *sizes[:2])
    parts = jnp.split(kappa, np.cumsum([z.size for z, _ in points])[:-1])
    return [
        pair_sums(part.reshape(z.shape), u, modes, sizes)
        for part, (z, u) in zip(parts, points, strict=True)
    ]


def _apart(points: Points) -> Points:
    """Points that belong to one time each, in the shape of points that several times share."""
    z, u = points
    return z, u[:, None]


def _joined(found: Parts) -> Parts:
    return jax.tree.map(lambda x: x[:, 0], found)


def flow_excess(t, modes: Modes, sizes: Sizes) -> Array:
    """Excess risk of gradient flow at positive times, shape (k,), and nothing else."""
    points = _apart(GradientFlow().resolvents(t))
    [found] = _together([points], modes, sizes)
    return _joined(found).excess


@jax.jit
def _filtered(t, rule: Filter, modes: Modes, sizes: Sizes) -> tuple[Parts, Array]:
    """Parts at every place on the axis, and the relative error of the excess."""
    t = jnp.maximum(t, 1e-20 / modes.trace)  # by when nothing has moved
    pick = np.linspace(0, t.size - 1, CHECKED).astype(int)
    points = [_apart(rule.resolvents(t)), _apart(rule.resolvents(t[pick], 30))]
    found, check = map(_joined, _together(points, modes, sizes))
    return found, _relative(found.excess[pick], check.excess)


@jax.jit
def _descent(step, modes: Modes, gamma, sizes: Sizes) -> tuple[Parts, Array]:
    """The risk of descent, as of flow, with the first steps from a circle."""
    late, whole = jnp.maximum(step, EARLY), jnp.minimum(step, EARLY).astype(int)
    pick = np.linspace(0, step.size - 1, CHECKED).astype(int)
    points = [_apart(late_points(late, gamma)), _apart(late_points(late[pick], gamma, 30))]
    *rest, table = _together([*points, early_points(gamma)], modes, sizes)
    found, check = map(_joined, rest)
    error = _relative(found.excess[pick], check.excess)
    return jax.tree.map(lambda x, y: jnp.where(step < EARLY, x[whole], y), table, found), error


_ridges, _pairs = jax.jit(ridge_off_axis), jax.jit(pair_sums)


def contour_sums(z: np.ndarray, modes: Modes, sizes: Sizes) -> Callable[[Array], Parts]:
    """A map from weights u, shape (k, n), to the sums over the pairs of a contour of any length,
    whose ridges are found by one program, part by part."""
    parts = np.pad(z, (0, -z.size % _PART), mode="edge").reshape(-1, _PART)
    kappa = [np.asarray(_ridges(part, modes, *sizes[:2])) for part in parts]
    fixed = np.concatenate(kappa)[: z.size]
    return lambda u: _pairs(fixed, u, modes, sizes)


def _around(step, modes: Modes, rule: FullBatch, sizes: Sizes):
    """Any rule, on a contour around the spectrum, refined until nothing changes."""
    band, watched = float(band_edge(modes, *sizes[:2])), Watched(rule, float(step[-1]))
    outline = around(band, watched, lower=0.7)
    before = None
    for refine, order in ((1, 6), (1, 8), (1, 12), (2, 12)):
        h, dh = padded(*outline(refine, order=order))
        sums, more = contour_sums(-h, modes, sizes), polynomials(rule, step, h)
        values = lambda at, h=h, dh=dh, sums=sums, more=more: (
            sums(contour_points((h, dh), more(at.size))[1]),
            0.0,
        )
        found, _ = in_chunks(values, step.astype(float), least=8, large=_MANY)
        if before is not None and (error := _relative(before.excess, found.excess)) < TOLERANCE:
            break
        before = found
    return found, error


def _check_stable(rule: FullBatch, edge: float) -> None:
    """No part of the error grows for ever. (Of rules that change, it may for a while.)"""
    if rule.constant and Watched(rule, 1e15).growth(np.array([edge]))[0] > 1e-3:
        must = f"be stable up to the edge of the spectrum of the features on the data, {edge:.6g}"
        fix = "Take a smaller rate: below 2 / edge for descent."
        shell = "Take a smaller --gamma, or --fraction 0.5."
        raise UnstableError("rule", must, rule, fix, "theory/finite_data", shell)


def check_fresh(n: Any, ensemble: Any, bags: Any) -> None:
    """Rules on fresh samples have no data set.

    Raises:
        ValueError: If one is given.
    """
    for name, value, unset in (("n", n, None), ("ensemble", ensemble, 1), ("bags", bags, 1)):
        if not is_usual(value, unset):
            must = f"be {unset} for rules that see fresh samples at every step"
            fix = "FullBatch, GradientDescent, GradientFlow and Ridge train on n samples."
            raise requirement(name, must, value, fix, page="theory/finite_data")


def check_whole(terms: bool, allow_unstable: bool) -> None:
    """Full batches have their own terms, and no curve above the threshold.

    Raises:
        ValueError: If they are asked for.
    """
    if terms:
        must = "be left out for full batches, whose terms are always there"
        raise requirement("terms", must, terms)
    if allow_unstable:
        must = "be left out for full batches, which have no curve above the threshold"
        raise requirement("allow_unstable", must, allow_unstable)


def full_batch_curve(
    problem: Problem, rule: Rule, x: Any, n: Scalar | None, ensemble: Scalar, bags: Scalar
) -> Curve:
    """The curve of any rule on the whole of n samples."""
    n = None if n is None else check_count("n", n)
    ensemble, bags = check_count("ensemble", ensemble), check_count("bags", bags)
    if isinstance(rule, Ridge):
        return ridge_curve(problem, rule, x, n, ensemble, bags)
    times = np.atleast_1d(x) if rule.axis == "ridge" else x
    at = check_steps(x) if rule.axis == "step" else check_times(times)
    modes = seen_modes(problem)
    is_exact = n is None and problem.rung is Rung.EXACT
    if is_exact:
        parts, error = _without_chance(at, modes, rule)
    else:
        parts, error = _equivalent(at, modes, rule, sizes_of(problem, n, ensemble, bags))
    parts = as_numpy(parts)
    return Curve(
        x=at,
        excess=parts.excess,
        train=None if bags != 1 else parts.train,
        terms={name: getattr(parts, name) for name in TERMS},
        error=error if is_traced(error) else max(float(error), 1e-12),
        axis=rule.axis,
        rung=Rung.EXACT if is_exact else Rung.EQUIVALENT,
        problem=problem,
        rule=rule,
        n=n,
        ensemble=ensemble,
        bags=bags,
    )


def _without_chance(at: np.ndarray, modes: Modes, rule: Any) -> tuple[Parts, float]:
    """The risk on infinitely many samples of given features, where nothing is random: every mode by
    itself."""
    traced = is_traced((modes, rule))
    if isinstance(rule, Filter):
        left = lambda at: rule.remaining(modes.lam, at[:, None])
    elif traced:
        raise TypeError(_UNTRACED)
    else:
        lam = np.asarray(modes.lam)
        _check_stable(rule, float(np.max(lam)))
        more = polynomials(rule, at, lam)
        left = lambda at: jnp.asarray(more(at.size))

    def values(at: np.ndarray) -> tuple[Parts, float]:
        bias = jnp.asarray(modes.floor + left(at) ** 2 @ modes.weight)
        zero = jnp.zeros_like(bias)
        return Parts(bias, zero, zero, zero, bias + modes.noise), _ROUNDING

    return in_chunks(values, at.astype(float), whole=traced)


def _equivalent(at: np.ndarray, modes: Modes, rule: Any, sizes: Sizes) -> tuple[Parts, Any]:
    """The deterministic equivalent, and its numerical error."""
    traced = is_traced((modes, sizes, rule))
    along: dict[str, Any] = dict(least=CHECKED, large=_MANY, whole=traced)
    if isinstance(rule, Filter):
        return in_chunks(lambda at: _filtered(at, rule, modes, sizes), at.astype(float), **along)
    if not traced:
        target_keeping(rule, np.zeros(1, int))
        _check_stable(rule, float(band_edge(modes, *sizes[:2])))
    if rule.descent_rate is not None:
        gamma = 1.0 * rule.descent_rate
        return in_chunks(lambda at: _descent(at, modes, gamma, sizes), at.astype(float), **along)
    if traced:
        raise TypeError(_UNTRACED)
    return _around(at, modes, rule, sizes)
