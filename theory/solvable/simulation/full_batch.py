r"""Training on one finite data set itself, many seeds at once: the judge of its theory.

Source: Bordelon, Atanasov, Pehlevan (2024), *A Dynamical Model of Neural Scaling Laws*,
arXiv 2402.01092, whose model this is.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from threadpoolctl import threadpool_limits

from solvable.inputs import Inputs
from solvable.models.draw import Draw
from solvable.models.problem import MAX_COORDINATES, MAX_ENTRIES, Problem
from solvable.rules.filters import Filter
from solvable.rules.rule import Rule
from solvable.simulation.full_batch_engine import SIZES, spectral, stepped
from solvable.simulation.loop import MAX_STEP, piece_from
from solvable.simulation.runs import Runs, described_key, finished
from solvable.util.checks import check_array, check_count, check_vector
from solvable.util.errors import requirement
from solvable.util.progress import progress_bar
from solvable.util.steps import check_steps, check_times
from solvable.util.types import Array

_BATCH = 2**28  # bytes of the seeds that run together; steps are fastest from the caches
_SMALL = 2**18  # entries of the features of one seed


class Sizes(NamedTuple):
    """How many of everything: samples, seeds, features and data sets averaged over."""

    n: int
    seeds: int
    ensemble: int
    bags: int


def check_sizes(n: Any, seeds: int, ensemble: Any, bags: Any) -> Sizes:
    """Whole numbers of everything.

    Raises:
        ValueError: If one is none, or there is no number of samples.
    """
    if n is None:
        must = "be a number of samples: infinitely many cannot be simulated"
        raise requirement("n", must, n, "Take a whole number; predict has the limit.")
    n, ensemble = check_count("n", n), check_count("ensemble", ensemble)
    return Sizes(n, seeds, ensemble, check_count("bags", bags))


class _Set(NamedTuple):
    """Arguments of a simulation that have been checked, and what its batches need."""

    arrays: tuple[np.ndarray, ...]
    sizes: dict[str, Any]
    seeds: int
    dtype: np.dtype

    @property
    def threads(self) -> threadpool_limits:
        """One for small singular value decompositions, which several only slow down."""
        small = self.sizes["n"] * (self.sizes["d"] or self.arrays[0].size) <= _SMALL
        return threadpool_limits(1 if small else None, user_api="blas")

    def batches(self, columns: int) -> Iterator[np.ndarray]:
        """The seeds, so many at a time that their arrays fit; the last batch is filled up.

        Seeds that only fill up are run and dropped: no number depends on them.
        """
        v = self.arrays[0].size
        n, d, E, M = (self.sizes[name] for name in SIZES[:4])
        features = v if d is None else E * v * d
        d = v if d is None else d
        # Sampling and the singular values take about four copies.
        entries = 4 * (features + M * n * v + E * M * n * d) + columns * (v + E * M * d)
        many = -(-self.seeds // max(1, _BATCH // (entries * self.dtype.itemsize)))
        size = -(-self.seeds // many)
        for first in range(0, self.seeds, size):
            yield np.arange(first, first + size, dtype=np.int32) % self.seeds


def _checked(problem: Problem, sizes: Sizes, inputs: Inputs, dtype: str) -> _Set:
    if isinstance(problem, Draw):
        must = "draw its own features for every seed, on a data set"
        raise requirement("problem", must, problem, "Give the problem, not a draw of it.")
    check_count("v", problem.v, maximum=MAX_COORDINATES)
    n, seeds, E, M = sizes
    v, d = int(problem.v), None if problem.d is None else int(problem.d)
    E = 1 if d is None else E  # there are no features to differ
    if (entries := M * n * v + E * (d or 0) * v + E * M * n * (d or v)) > MAX_ENTRIES:
        what = f"the {entries:.1e} entries of one seed at v = {v}" + (f", d = {d}" if d else "")
        fix = "Take less of v, d or n; the theory has no such limit: predict."
        raise requirement("n", f"leave at most {MAX_ENTRIES:.1e} of {what}", n, fix)
    scale, target = problem.coordinates()
    arrays = tuple(np.asarray(x, dtype) for x in (scale, target, problem.noise))
    return _Set(arrays, dict(n=n, d=d, ensemble=E, bags=M, sample=inputs), seeds, np.dtype(dtype))


def _columns(found: list[Array], given: _Set) -> tuple[np.ndarray, np.ndarray | None]:
    """Excess and training error of all seeds, shape (seeds, k) each; no training for bags."""
    both = np.concatenate([np.asarray(x, float) for x in found])[: given.seeds]
    both = np.where(np.isnan(both), np.inf, both)
    return both[..., 0], both[..., 1] if given.sizes["bags"] == 1 else None


def run(
    key: jax.Array,
    problem: Problem,
    rule: Rule,
    x: Any,
    sizes: Sizes,
    *,
    inputs: Inputs,
    dtype: str,
    devices: Any,
    progress: bool,
) -> Runs:
    """Runs on the whole of n samples: see :func:`solvable.simulate`.

    No step is skipped: this is the witness of the theory, and knows no eigenvalues. Gradient flow
    and ridge regression, which have no steps, are exact functions of the singular values. Every
    seed draws its own features and samples; all points of a filter see the same ones.
    """
    if devices is not None:
        raise requirement("devices", "be None for training on a data set", devices)
    given = _checked(problem, sizes, inputs, dtype)
    axis = check_axis(rule, x)
    batches, found = list(given.batches(axis.size)), []
    length = axis.size if isinstance(rule, Filter) else int(axis[-1])
    if not isinstance(rule, Filter):  # of the last step: are there coefficients?
        piece_from(rule, length, length, given.dtype, keeps_target=False)
    with (
        given.threads,
        jax.enable_x64(dtype == "float64"),
        progress_bar(progress, length * len(batches), what=type(rule).__name__) as show,
    ):
        for k, seed in enumerate(batches):
            arguments, so_far = (key, seed, *given.arrays), k * length
            if isinstance(rule, Filter):
                points = axis.astype(given.dtype)
                found.append(spectral(*arguments, points, rule, **given.sizes))
                show(so_far + length)
            else:
                report = lambda t, so_far=so_far: show(so_far + t)
                found.append(stepped(arguments, given.sizes, rule, axis, report))
        excess, train = _columns(found, given)
    return finished(
        x=axis,
        excess=excess,
        train=train,
        axis=rule.axis,
        engine="samples",
        inputs=str(inputs),
        dtype=dtype,
        features="own",
        problem=problem,
        rule=rule,
        n=sizes.n,
        ensemble=sizes.ensemble,
        bags=sizes.bags,
        key=described_key(key),
        device=jax.devices()[0].device_kind,
    )


def check_axis(rule: Rule, x: Any) -> np.ndarray:
    """The recorded steps, times or ridges."""
    if rule.axis == "ridge":
        return check_vector("steps", np.atleast_1d(check_array("steps", x)), minimum=0)
    return check_times(x) if rule.axis == "time" else check_steps(x, maximum=MAX_STEP)
