r"""Training on one finite data set itself, many seeds at once: the judge of its theory.

Source: Bordelon, Atanasov, Pehlevan (2024), *A Dynamical Model of Neural Scaling Laws*,
arXiv 2402.01092, whose model this is.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from threadpoolctl import threadpool_limits

from solvable.models.problem import MAX_COORDINATES, MAX_ENTRIES, LinearRegression, PowerLaw
from solvable.rules.full_batch import FullBatch, GradientFlow
from solvable.simulation.full_batch_engine import (
    SAMPLERS,
    SIZES,
    coefficients_from,
    flow,
    ridged,
    spectral,
    stepped,
)
from solvable.simulation.full_batch_runs import FiniteRuns, RidgeRuns
from solvable.simulation.runs import DivergenceWarning
from solvable.util.checks import check_count, check_key, check_type, check_vector
from solvable.util.errors import requirement, why
from solvable.util.progress import progress_bar
from solvable.util.steps import check_steps, check_times
from solvable.util.types import Array

MAX_STEP = 2**31 - 2
"""The largest step of a simulation: the counter is a 32-bit integer."""

_BATCH = 2**28  # bytes of the seeds that run together; steps are fastest from the caches
_SMALL = 2**18  # entries of the features of one seed


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


def _checked(problem, n, seeds, ensemble, bags, inputs: str, dtype: str) -> _Set:
    check_type("problem", problem, PowerLaw, LinearRegression)
    if n is None:
        must = "be a number of samples: infinitely many cannot be simulated"
        raise requirement("n", must, n, "Take a whole number; predict has the limit.")
    for name, count in (("n", n), ("seeds", seeds), ("ensemble", ensemble), ("bags", bags)):
        check_count(name, count)
    if inputs not in SAMPLERS:
        raise requirement("inputs", f"be one of {', '.join(SAMPLERS)}", inputs)
    if dtype not in ("float32", "float64"):
        raise requirement("dtype", "be 'float32' or 'float64'", dtype)
    check_count("v", problem.v, maximum=MAX_COORDINATES)
    n, E, M, v = int(n), int(ensemble), int(bags), int(problem.v)
    d = int(problem.d) if isinstance(problem, PowerLaw) else None
    E = 1 if d is None else E  # there are no features to differ
    if (entries := M * n * v + E * (d or 0) * v + E * M * n * (d or v)) > MAX_ENTRIES:
        what = f"the {entries:.1e} entries of one seed at v = {v}" + (f", d = {d}" if d else "")
        fix = "Take less of v, d or n; the theory has no such limit: predict."
        raise requirement("n", f"leave at most {MAX_ENTRIES:.1e} of {what}", n, fix)
    scale, target = problem.coordinates()
    arrays = tuple(np.asarray(x, dtype) for x in (scale, target, problem.noise))
    sizes = dict(n=n, d=d, ensemble=E, bags=M, sample=SAMPLERS[inputs])
    return _Set(arrays, sizes, int(seeds), np.dtype(dtype))


def _columns(found: list[Array], given: _Set) -> tuple[np.ndarray, np.ndarray | None]:
    """Excess and training error of all seeds, shape (seeds, k) each; no training for bags."""
    both = np.concatenate([np.asarray(x, float) for x in found])[: given.seeds]
    both = np.where(np.isnan(both), np.inf, both)
    return both[..., 0], both[..., 1] if given.sizes["bags"] == 1 else None


def simulate_full_batch(
    key: jax.Array,
    problem: PowerLaw | LinearRegression,
    rule: FullBatch | GradientFlow,
    times: Any,
    seeds: int = 1,
    *,
    n: int | None,
    ensemble: int = 1,
    bags: int = 1,
    inputs: str = "gaussian",
    dtype: str = "float64",
    progress: bool = False,
) -> FiniteRuns:
    r"""Train on n samples, all of them at every step, and record the population risk.

    .. math::
        \theta_{t + 1} = \theta_t - \frac{\gamma}{n} \Phi^\top (\Phi \theta_t - y), \qquad
        \text{excess} = |D^{1/2} (W \theta_t - b)|^2, \qquad
        \text{train} = \tfrac 1 n |\Phi \theta_t - y|^2,

    for gradient descent; any other rule takes the same gradient as its own coefficients say. No
    step is skipped: this is the witness of :func:`predict`, and knows no eigenvalues. Gradient
    flow is exact at any time, with :math:`\Phi / \sqrt n = U s V^\top` and
    :math:`\theta(t) = V\, \frac{1 - e^{-s^2 t}}{s}\, U^\top y / \sqrt n`.

    Every seed draws its own features and samples, and its numbers do not depend on how many
    others run. A second call with the same shapes compiles nothing. Memory is bounded, and does
    not grow with the number of steps.

    Args:
        key: A key of :func:`jax.random.key`.
        problem: What is learned, with up to 10^8 coordinates, if they fit.
        rule: :class:`GradientFlow`, or :class:`FullBatch` of any rule with coefficients.
        times: Steps, or times of gradient flow: the last, for about 200 log-spaced ones; or an
            increasing array.
        seeds: Number of independent runs.
        n: Samples.
        ensemble: The predictor is the mean over so many draws of the features on the same data,
            and so is the one whose training error is recorded.
        bags: The predictor is the mean over so many data sets, each with all the features.
        inputs: Coordinates of x in units of their deviations, ``gaussian`` or ``rademacher``.
        dtype: ``float64`` or ``float32``.
        progress: Show a progress bar on stderr, in steps over all batches of seeds.

    Returns:
        :class:`FiniteRuns`, with excess and training error of shape (seeds, times). What
        overflows is infinite.

    Raises:
        ValueError: If a number is out of range, or one seed does not fit into memory.
        TypeError: If ``problem`` or ``rule`` is of another kind.

    Warns:
        DivergenceWarning: If the risk of a seed explodes.

    Source: Bordelon, Atanasov, Pehlevan (2024), arXiv 2402.01092, whose model this is.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=60, d=20, noise=0.1)
        >>> runs = simulate_full_batch(
        ...     jax.random.key(0), problem, GradientFlow(), [0, 1, 100], seeds=50, n=40
        ... )
        >>> theory = predict(problem, GradientFlow(), [0, 1, 100], n=40)
        >>> bool((abs(runs.mean - theory.risk) <= 4 * runs.standard_error + 1e-12).all())
        True
    """
    check_key(key)
    check_type("rule", rule, FullBatch, GradientFlow)
    given = _checked(problem, n, seeds, ensemble, bags, inputs, dtype)
    is_flow = isinstance(rule, GradientFlow)
    time = check_times(times) if is_flow else check_steps(times, maximum=MAX_STEP)
    batches, found = list(given.batches(time.size)), []
    length = time.size if is_flow else int(time[-1])
    if not is_flow:
        coefficients_from(rule, length, length, given.dtype)  # of the last step: are there any?
    with (
        given.threads,
        jax.enable_x64(dtype == "float64"),
        progress_bar(progress, length * len(batches)) as show,
    ):
        for k, seed in enumerate(batches):
            arguments, so_far = (key, seed, *given.arrays), k * length
            if is_flow:
                points = time.astype(given.dtype)
                found.append(spectral(*arguments, points, curve=flow, **given.sizes))
                show(so_far + length)
            else:
                report = lambda t, so_far=so_far: show(so_far + t)
                found.append(stepped(arguments, given.sizes, rule, time, report))
        excess, train = _columns(found, given)
    runs = FiniteRuns(
        time=time,
        excess=excess,
        train=train,
        problem=problem,
        rule=rule,
        n=given.sizes["n"],
        ensemble=int(ensemble),
        bags=int(bags),
        inputs=inputs,
        dtype=dtype,
    )
    if runs.diverged:
        message = f"{len(runs.diverged)} of {seeds} seeds diverged: {rule} is too fast. "
        message += why("theory/finite_data")
        warnings.warn(message, DivergenceWarning, stacklevel=2)
    return runs


def simulate_ridge(
    key: jax.Array,
    problem: PowerLaw | LinearRegression,
    n: int | None,
    ridge: float | Sequence[float] | np.ndarray,
    seeds: int = 1,
    *,
    ensemble: int = 1,
    bags: int = 1,
    inputs: str = "gaussian",
    dtype: str = "float64",
) -> RidgeRuns:
    r"""Fit n samples by ridge regression, and record the population risk.

    .. math::
        \min_\theta \tfrac 1 n |\Phi \theta - y|^2 + \text{ridge}\, |\theta|^2, \qquad
        \theta = V\, \frac{s}{s^2 + \text{ridge}}\, U^\top y / \sqrt n, \qquad
        \Phi / \sqrt n = U s V^\top.

    At ridge 0 it is the solution of least norm, the limit of gradient flow; singular values
    below :math:`\max(n, d)\, \epsilon\, s_1` count as zero, as everywhere in linear algebra.
    Features and samples of a seed are those of :func:`simulate_full_batch` with the same key.

    Args:
        key: A key of :func:`jax.random.key`.
        problem: As in :func:`simulate_full_batch`.
        n: Samples.
        ridge: One or several, none negative, all on the same features and samples.
        seeds: Number of independent runs.
        ensemble: The predictor is the mean over so many draws of the features.
        bags: The predictor is the mean over so many data sets.
        inputs: As in :func:`simulate_full_batch`.
        dtype: ``float64`` or ``float32``.

    Returns:
        :class:`RidgeRuns`, with excess and training error of shape (seeds, ridges).

    Raises:
        ValueError: If a number is out of range, or one seed does not fit into memory.
        TypeError: If ``problem`` is of another kind.

    Source: Bordelon, Atanasov, Pehlevan (2024), arXiv 2402.01092, whose limit of infinite time
    is ridge 0.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=60, d=20, noise=0.1)
        >>> simulate_ridge(jax.random.key(0), problem, 40, [0.0, 0.01, 1.0], seeds=5).risk.shape
        (5, 3)
    """
    check_key(key)
    ridges = check_vector("ridge", np.atleast_1d(ridge))
    if ridges.min() < 0:
        raise requirement("ridge", "not be negative", float(ridges.min()))
    given = _checked(problem, n, seeds, ensemble, bags, inputs, dtype)
    points = ridges.astype(given.dtype)
    with given.threads, jax.enable_x64(dtype == "float64"):
        found = [
            spectral(key, seed, *given.arrays, points, curve=ridged, **given.sizes)
            for seed in given.batches(ridges.size)
        ]
        excess, train = _columns(found, given)
    return RidgeRuns(
        ridge=ridges,
        excess=excess,
        train=train,
        problem=problem,
        n=given.sizes["n"],
        ensemble=int(ensemble),
        bags=int(bags),
        inputs=inputs,
        dtype=dtype,
    )
