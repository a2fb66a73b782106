r"""Compute-optimal training: how to split a budget between features and samples.

One unit of compute is one feature of one sample: :math:`f = d\, B\, t`. For each budget the
frontier is :math:`P^\star(f) = \min_d P(t = f / (d B); d)`, found on the deterministic
equivalent itself, with no asymptotics: its slopes are what the phases predict in the limit.

Source: Paquette et al. (2024), arXiv 2405.15074, section 4. Derived in the documents:
theory/random_features.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from solvable.dynamics.chunks import CHUNK, in_chunks
from solvable.dynamics.inversion import EARLY, late_excess
from solvable.dynamics.one_pass import UnstableError, is_plain, plain_rate
from solvable.models.modes import Modes
from solvable.models.problem import Problem, check_one_pass
from solvable.models.thresholds import largest
from solvable.numerics.sums import MAX_SIZE, count_octaves
from solvable.rules.rule import Rule, check_rule
from solvable.util.checks import check_count, check_vector
from solvable.util.errors import requirement, wrong_kind
from solvable.util.precision import float64_on_cpu
from solvable.util.results import Result, array
from solvable.util.types import Array

PER_DECADE = 4
"""Sizes d per decade in the search of the neighbourhood of the optimum."""

_NODES = 9
_DELTA = 0.2  # half the step in log f of the local slopes
_BUDGETS = 256  # searched at a time, so that memory does not grow with them
SIZES = (8, 10**16)
"""Smallest and largest d searched by default."""


class Frontier(Result, kw_only=True):
    """The best risk at each compute budget. Arrays are float64 NumPy, shape (k,)."""

    flops: Float[np.ndarray, " k"] = array("flops", units="features times samples")
    """Compute f = d B t."""
    d: Float[np.ndarray, " k"] = array("flops", units="features")
    """The optimal number of features d*, a real number: the minimum between whole ones."""
    excess: Float[np.ndarray, " k"] = array("flops")
    """Excess risk there."""
    slope: Float[np.ndarray, " k"] = array("flops")
    """Local exponent of the excess risk, d log P* / d log f."""
    size_slope: Float[np.ndarray, " k"] = array("flops")
    """Local exponent of the optimal size, d log d* / d log f."""
    at_edge: Bool[np.ndarray, " k"] = array("flops")
    """Whether the best size is the first or last one searched: then it is no optimum."""
    noise: float = 0.0
    """Variance of the label noise; the phases assume there is none."""

    def __str__(self) -> str:
        lines = [f"{'flops':>8} {'d*':>10} {'excess risk':>12} {'slope':>9} {'slope of d*':>12}"]
        for f, d, P, s, n, edge in zip(
            self.flops,
            self.d,
            self.excess,
            self.slope,
            self.size_slope,
            self.at_edge,
            strict=True,
        ):
            mark = "  at the edge of the sizes searched: no optimum" if edge else ""
            lines.append(f"{f:8.1e} {d:10.4g} {P:12.5g} {s:9.4f} {n:12.4f}{mark}")
        if self.noise:
            lines.append(f"Label noise {self.noise:g}: the phases and their exponents assume none.")
        return "\n".join(lines)


_late = jax.jit(jax.vmap(late_excess))
_largest = jax.jit(jax.vmap(largest))


class _Family(NamedTuple):
    """A family of problems: a map from a size to its problem and rule."""

    problem: Callable[[int], Problem]
    rule: Callable[[Problem], Rule]
    octaves: int
    """Octaves of the compressed sums, the same for all sizes."""

    def at(self, d: float) -> tuple[Problem, Rule]:
        """The problem of a size and its rule, checked."""
        problem = self.problem(int(d))
        if not isinstance(problem, Problem) or problem.d != int(d):
            must = f"return a problem with d = {int(d)} when called with {int(d)}"
            raise requirement("family", must, problem)
        rule = self.rule(check_one_pass(problem))
        if not is_plain(check_rule(rule)):
            must = "give SGD of constant rate, for which the phases are"
            raise requirement("rule", must, rule)
        return problem, rule

    def log_excess(self, d: np.ndarray, flops: np.ndarray) -> np.ndarray:
        """log excess risk of each size (n,) at its budgets (n, m), infinite where t < EARLY."""
        problems, rules = zip(*map(self.at, d), strict=True)
        spectra = [problem.spectrum(self.octaves) for problem in problems]
        modes = jax.tree.map(lambda *x: np.stack([np.asarray(y, float) for y in x]), *spectra)
        gamma = np.array([float(plain_rate(rule)) for rule in rules])
        B = np.array([float(rule.B) for rule in rules])
        _check_stable(d, modes, gamma, B)
        step = flops / (d * B)[:, None]
        row, t = np.indices(step.shape)[0].ravel(), np.maximum(step, EARLY).ravel()[:, None]

        def values(cell: np.ndarray) -> tuple[Array, float]:
            cell = cell.astype(int)
            at = row[cell]
            law = jax.tree.map(lambda x: x[at], modes), 1.0 / d[at], gamma[at], B[at]
            return _late(t[cell], *law)[:, 0], 0.0

        found, _ = in_chunks(values, np.arange(float(step.size)), least=CHUNK, large=CHUNK)
        return np.where(step >= EARLY, np.log(np.reshape(found, step.shape)), np.inf)


def _check_stable(d: np.ndarray, modes: Modes, gamma: np.ndarray, B: np.ndarray) -> None:
    def values(row: np.ndarray) -> tuple[Array, float]:
        at = row.astype(int)
        return _largest(jax.tree.map(lambda x: x[at], modes), 1.0 / d[at], B[at]), 0.0

    threshold = np.asarray(in_chunks(values, np.arange(float(d.size)), least=CHUNK, large=CHUNK)[0])
    if (gamma >= threshold).any():
        at = int(np.argmax(gamma >= threshold))
        must = (
            f"give gamma below the largest stable learning rate, {threshold[at]:.6g} at "
            f"d = {d[at]:g}"
        )
        shell, page = "Take a smaller --gamma, or --fraction 0.5.", "theory/batch_size"
        raise UnstableError("rule", must, float(gamma[at]), page=page, shell=shell)


def _sizes(low: float, high: float, count: int) -> np.ndarray:
    """Whole sizes, evenly spaced in the logarithm, not repeated."""
    return np.unique(np.rint(np.geomspace(low, high, count)))


def _minimum(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Where the polynomial through (x, y) is least, and its value there."""
    keep = np.isfinite(y)
    fit = np.polynomial.Polynomial.fit(x[keep], y[keep], keep.sum() - 1)
    roots = fit.deriv().roots()
    inside = roots[np.abs(roots.imag) < 1e-9].real
    low, high = fit.domain
    candidates = np.array([low, *inside[(inside > low) & (inside < high)], high])
    best = candidates[np.argmin(fit(candidates))]
    return best, fit(best)


@float64_on_cpu
def frontier(
    family: Callable[[int], Problem],
    rule: Callable[[Problem], Rule],
    flops: Sequence[float] | np.ndarray,
    sizes: tuple[int, int] | None = None,
) -> Frontier:
    r"""The compute-optimal frontier of a family of problems.

    Each budget is spent on every size searched; the neighbourhood of the best is searched
    again, finely, and the minimum of the polynomial through it taken. The local slopes come
    from the same at budgets a little above and below.

    Args:
        family: Makes the problem of a given size, for instance
            ``lambda d: PowerLaw(alpha=1.0, beta=0.7, v=100 * d, d=d)``.
        rule: Makes the training rule of a problem, for instance ``SGD.stable`` or
            ``lambda problem: SGD(0.5 / trace)``.
        flops: Budgets f = d B t, positive and increasing.
        sizes: Smallest and largest d searched, by default 8 and 10^16; never so large that
            fewer than 32 steps are left.

    Returns:
        A :class:`Frontier`; budgets whose optimum is at the edge of the sizes are flagged.

    Raises:
        TypeError: If ``family`` or ``rule`` is no function.
        ValueError: If ``flops`` is not increasing and positive, too small for any size, or
            ``family`` returns something else than asked.
        UnstableError: If ``rule`` gives an unstable learning rate.

    Source: Paquette et al. (2024), arXiv 2405.15074, section 4.

    Example:
        >>> best = frontier(
        ...     lambda d: PowerLaw(alpha=1.0, beta=0.3, v=100 * d, d=d),
        ...     lambda problem: SGD(0.3),
        ...     flops=[1e17],
        ... )
        >>> best.slope.round(3), best.size_slope.round(3)  # -8/15 and 1/3 in the limit
        (array([-0.533]), array([0.334]))
    """
    for name, function in (("family", family), ("rule", rule)):
        if not callable(function):
            raise wrong_kind(name, "be a function", function)
    flops = check_vector("flops", flops, positive=True)
    if (np.diff(flops) <= 0).any():
        raise requirement("flops", "be strictly increasing", flops.tolist())
    low, high = SIZES if sizes is None else _check_sizes(sizes)
    high = min(high, np.exp(_DELTA) * flops[-1] / EARLY)
    if low >= high:
        must = f"leave at least {EARLY} steps to the smallest size, {low}"
        raise requirement("flops", must, float(flops[-1]))
    coarse = _sizes(low, high, int(PER_DECADE * np.log10(high / low)) + 2)
    plain = _Family(family, rule, 0)
    problems = [plain.at(d)[0] for d in coarse]
    searched = plain._replace(octaves=max(count_octaves(float(x.v)) for x in problems))
    parts = np.split(flops, np.arange(_BUDGETS, flops.size, _BUDGETS))
    optimum, at_edge = map(
        np.concatenate, zip(*(_search(part, coarse, searched) for part in parts), strict=True)
    )
    log_d, log_P = optimum[..., 0], optimum[..., 1]
    difference = lambda y: (y[:, 2] - y[:, 0]) / (2 * _DELTA)
    return Frontier(
        flops=flops,
        d=np.exp(log_d[:, 1]),
        excess=np.exp(log_P[:, 1]),
        slope=difference(log_P),
        size_slope=difference(log_d),
        at_edge=at_edge,
        noise=float(problems[0].noise),
    )


def _check_sizes(sizes: Any) -> tuple[int, int]:
    pair = check_vector("sizes", sizes)
    if pair.size != 2 or pair[0] >= pair[1]:
        raise requirement("sizes", "be an increasing pair, from 1 on", sizes)
    low, high = (check_count("sizes", size, maximum=MAX_SIZE) for size in pair)
    return low, high


def _search(
    flops: np.ndarray, coarse: np.ndarray, family: _Family
) -> tuple[Float[np.ndarray, "k 3 2"], Bool[np.ndarray, " k"]]:
    """log d* and log P* at and around each budget, and whether d* is at an edge of the sizes."""
    table = family.log_excess(coarse, np.tile(flops, (coarse.size, 1)))
    best = np.argmin(table, axis=0)
    if not np.isfinite(table[best, np.arange(flops.size)]).all():
        must = f"leave at least {EARLY} steps to the smallest size, {coarse[0]:g}"
        raise requirement("flops", must, float(flops[0]))
    last = np.isfinite(table).sum(axis=0) - 1
    # Chebyshev points of each neighbourhood.
    half = (1 - np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))) / 2
    neighbours = np.clip([best - 1, best + 1], 0, coarse.size - 1)
    bounds = np.log(coarse[neighbours])
    d = np.rint(np.exp(bounds[0][:, None] + half * (bounds[1] - bounds[0])[:, None]))
    shifted = flops[:, None, None] * np.exp([-_DELTA, 0.0, _DELTA])
    shifted = np.broadcast_to(shifted, (*d.shape, 3)).reshape(-1, 3)
    fine = family.log_excess(d.ravel(), shifted).reshape(*d.shape, 3)
    optimum = np.empty((flops.size, 3, 2))
    for k, (x, y) in enumerate(zip(np.log(d), fine, strict=True)):
        x, first = np.unique(x, return_index=True)
        optimum[k] = [_minimum(x, column) for column in y[first].T]
    return optimum, (best == 0) | (best == last)
