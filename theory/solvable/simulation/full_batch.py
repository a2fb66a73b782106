r"""Training on one finite data set itself, many seeds at once: the judge of its theory.

Source: Bordelon, Atanasov, Pehlevan (2024), *A Dynamical Model of Neural Scaling Laws*,
arXiv 2402.01092, whose model this is.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from solvable.inputs import Inputs
from solvable.models.draw import Draw
from solvable.models.problem import Problem
from solvable.numerics.linalg import blas_threads
from solvable.rules.filters import Filter
from solvable.rules.rule import Rule
from solvable.simulation.full_batch_engine import spectral, stepped
from solvable.simulation.interrupts import is_second
from solvable.simulation.loop import check_recorded, piece_from, title
from solvable.simulation.needs import listed
from solvable.simulation.runs import Runs, described_key, finished, without_draw
from solvable.util.checks import check_array, check_count, check_vector
from solvable.util.errors import requirement
from solvable.util.memory import check_memory
from solvable.util.progress import progress_bar
from solvable.util.steps import check_times
from solvable.util.types import Array

_BATCH = 2**28  # bytes of the seeds that run together; steps are fastest from the caches


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


def in_batches(
    seeds: int, each: float, work: Callable[[np.ndarray], Array], show: Callable[[int], None]
) -> np.ndarray:
    """What ``work`` finds for all seeds, so many at a time that their arrays fit.

    The last batch is filled up with seeds that are run and dropped: no number depends on them.
    Interrupted (Ctrl-C), it gives the rows of the seeds that are done.

    Args:
        seeds: Their number.
        each: Bytes of one of them.
        work: From the numbers of some seeds to an array with a row for each.
        show: Is told how many are done.
    """
    many = -(-seeds // max(1, int(_BATCH // each)))
    size, found = -(-seeds // many), []
    try:
        for first in range(0, seeds, size):
            rows = np.arange(first, first + size, dtype=np.int32) % seeds
            found.append(np.asarray(work(rows), float)[: seeds - first])
            show(min(first + size, seeds))
    except KeyboardInterrupt:
        if is_second() or not found:
            raise
    both = np.concatenate(found)
    return np.where(np.isnan(both), np.inf, both)


def _checked(problem: Problem, sizes: Sizes, recorded: int, item: int) -> tuple[Sizes, float]:
    """The sizes as they matter, and the bytes that one seed takes."""
    n, seeds, E, M = sizes
    if isinstance(problem, Draw) and E > 1:
        must = "be 1 for a draw of the features: there are no others to average over"
        raise requirement("ensemble", must, E, "Give the problem, not a draw of it.")
    E = 1 if problem.d is None else E  # there are no features to differ
    names = {"seeds": seeds, "n": n, "ensemble": E, "bags": M, "recorded steps": recorded}
    names |= {"v": listed(problem)} | ({} if problem.d is None else {"d": int(problem.d)})

    def needed(seeds: int, n: int, E: int, M: int, recorded: int, v: int, d: int | None = None):
        features, width = (v, v) if d is None else (E * v * d, d)
        # Sampling and the singular values take about four copies.
        entries = 4 * (features + M * n * v + E * M * n * width) + recorded * (v + E * M * width)
        return item * entries + 48 * seeds * recorded

    check_memory(needed, names, "The theory has no such limit: predict.")
    return sizes._replace(ensemble=E), needed(*(names | {"seeds": 0}).values())


def run(
    key: jax.Array,
    problem: Problem,
    rule: Rule,
    x: Any,
    sizes: Sizes,
    *,
    inputs: Inputs,
    dtype: str,
    progress: bool,
) -> Runs:
    """Runs on the whole of n samples: see :func:`solvable.simulate`.

    No step is skipped: this is the witness of the theory, and knows no eigenvalues. Gradient flow
    and ridge regression, which have no steps, are exact functions of the singular values. Every
    seed draws its own samples, and its own features unless they are given; all points of a filter
    see the same ones.
    """
    axis, kind = check_axis(rule, x), np.dtype(dtype)
    actual, each = _checked(problem, sizes, axis.size, kind.itemsize)
    d, given = None if problem.d is None else int(problem.d), isinstance(problem, Draw)
    shapes = dict(n=sizes.n, d=d, ensemble=actual.ensemble, bags=sizes.bags, sample=inputs)
    features = [problem.W] if isinstance(problem, Draw) else []
    arrays = (*problem.coordinates(), problem.noise, *features)
    model = [np.asarray(x, kind) for x in arrays]
    filters = isinstance(rule, Filter)
    length = 1 if filters else int(axis[-1])
    if not filters:  # of the last step: are there coefficients?
        piece_from(rule, length, length, kind, keeps_target=False)

    def work(rows: np.ndarray) -> Array:
        if filters:
            return spectral(key, rows, model, axis.astype(kind), rule, **shapes)
        so_far = int(rows[0]) * length
        report = lambda t: show(so_far + t * min(rows.size, sizes.seeds))
        return stepped(key, rows, model, axis, rule, report, **shapes)

    unit = "seeds" if filters else "steps"
    bar = progress_bar(progress, length * sizes.seeds, unit, title(rule))
    with jax.enable_x64(dtype == "float64"), bar as show:
        with blas_threads(sizes.n * (d or model[0].size)):
            both = in_batches(sizes.seeds, each, work, lambda done: show(done * length))
    return finished(
        x=axis,
        excess=both[..., 0],
        train=both[..., 1] if sizes.bags == 1 else None,
        axis=rule.axis,
        engine="samples",
        inputs=str(inputs),
        dtype=dtype,
        features="shared" if given else "own",
        problem=without_draw(problem),
        rule=rule,
        n=sizes.n,
        ensemble=sizes.ensemble,
        bags=sizes.bags,
        key=described_key(key),
        device=default_device(),
    )


def default_device() -> str:
    """The kind of device on which JAX puts what is not told where to be."""
    return next(iter(jnp.zeros(()).devices())).device_kind


def check_axis(rule: Rule, x: Any) -> np.ndarray:
    """The recorded steps, times or ridges, which may be negative."""
    if rule.axis == "step":
        return check_recorded(x)
    if rule.axis == "time":
        return check_times(x)
    return check_vector("steps", np.atleast_1d(check_array("steps", x)))
