r"""Compute-optimal training: how to split a budget between features and samples.

One unit of compute is one feature of one sample: :math:`f = d\, B\, t`. For each budget the
frontier is :math:`P^\star(f) = \min_d P(t = f / (d B); d)`, found on the deterministic
equivalent itself, with no asymptotics: its slopes are what the phases predict in the limit.
"""

from collections.abc import Callable, Sequence

import jax
import numpy as np
from jaxtyping import Bool, Float

from solvable.dynamics.inversion import EARLY, late_excess
from solvable.dynamics.one_pass import UnstableError, is_plain, plain_rate
from solvable.models.problem import Problem, check_one_pass
from solvable.models.thresholds import largest
from solvable.numerics.sums import MAX_SIZE, count_octaves
from solvable.rules.rule import Rule, check_rule
from solvable.util.checks import check_count, check_vector
from solvable.util.errors import requirement, wrong_kind
from solvable.util.precision import float64_on_cpu
from solvable.util.results import Result, array

PER_DECADE = 4
"""Sizes d per decade in the search of the neighbourhood of the optimum."""

_NODES = 9
_DELTA = 0.2  # half the step in log f of the local slopes
SIZES = (8, 10**16)


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


def _log_excess(
    d: np.ndarray, flops: np.ndarray, family: Callable, rule: Callable
) -> tuple[np.ndarray, float]:
    """log excess risk of each size (n,) at its budgets (n, m), infinite where t < EARLY."""
    problems = [family(int(size)) for size in d]
    for size, problem in zip(d, problems, strict=True):
        if not isinstance(problem, Problem) or problem.d != int(size):
            must = f"return a problem with d = {int(size)} when called with {int(size)}"
            raise requirement("family", must, problem)
        check_one_pass(problem)
    rules = [rule(problem) for problem in problems]
    for found in rules:
        if not is_plain(check_rule(found)):
            must = "give SGD of constant rate, for which the phases are"
            raise requirement("rule", must, found)
    octaves = max(count_octaves(float(problem.v)) for problem in problems)
    spectra = [problem.spectrum(octaves) for problem in problems]
    modes = jax.tree.map(lambda *x: np.stack([np.asarray(y, float) for y in x]), *spectra)
    gamma = np.array([float(plain_rate(found)) for found in rules])
    B = np.array([float(found.B) for found in rules])
    inverse_d = 1.0 / d
    threshold = np.asarray(_largest(modes, inverse_d, B))
    if (gamma >= threshold).any():
        at = int(np.argmax(gamma >= threshold))
        must = (
            f"give gamma below the largest stable learning rate, {threshold[at]:.6g} at "
            f"d = {d[at]:g}"
        )
        shell = "Take a smaller --gamma, or --fraction 0.5."
        page = "theory/batch_size"
        raise UnstableError("rule", must, float(gamma[at]), page=page, shell=shell)
    step = flops / (d * B)[:, None]
    excess = np.asarray(_late(np.maximum(step, EARLY), modes, inverse_d, gamma, B))
    return np.where(step >= EARLY, np.log(excess), np.inf), float(problems[0].noise)


_largest = jax.jit(jax.vmap(largest))


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
    low, high = sizes or SIZES
    for size in (low, high):
        check_count("sizes", size, maximum=MAX_SIZE)
    if low >= high:
        raise requirement("sizes", "be an increasing pair, from 1 on", sizes)
    high = min(high, np.exp(_DELTA) * flops[-1] / EARLY)
    if low >= high:
        must = f"leave at least {EARLY} steps to the smallest size, {low}"
        raise requirement("flops", must, float(flops[-1]))
    coarse = _sizes(low, high, int(PER_DECADE * np.log10(high / low)) + 2)
    table, noise = _log_excess(coarse, np.tile(flops, (coarse.size, 1)), family, rule)
    best = np.argmin(table, axis=0)
    if not np.isfinite(table[best, np.arange(flops.size)]).all():
        must = f"leave at least {EARLY} steps to the smallest size, {low}"
        raise requirement("flops", must, float(flops[0]))
    last = np.isfinite(table).sum(axis=0) - 1
    at_edge = (best == 0) | (best == last)
    # Chebyshev points of each neighbourhood, all neighbourhoods in one compiled call.
    half = (1 - np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))) / 2
    neighbours = np.clip([best - 1, best + 1], 0, coarse.size - 1)
    bounds = np.log(coarse[neighbours])
    d = np.rint(np.exp(bounds[0][:, None] + half * (bounds[1] - bounds[0])[:, None]))
    shifted = flops[:, None, None] * np.exp([-_DELTA, 0.0, _DELTA])
    fine, _ = _log_excess(
        d.ravel(), np.broadcast_to(shifted, (*d.shape, 3)).reshape(-1, 3), family, rule
    )
    optimum = np.empty((flops.size, 3, 2))
    for k, (x, y) in enumerate(zip(np.log(d), fine.reshape(*d.shape, 3), strict=True)):
        x, first = np.unique(x, return_index=True)
        optimum[k] = [_minimum(x, column) for column in y[first].T]
    log_d, log_P = optimum[..., 0], optimum[..., 1]
    difference = lambda y: (y[:, 2] - y[:, 0]) / (2 * _DELTA)
    return Frontier(
        flops=flops,
        d=np.exp(log_d[:, 1]),
        excess=np.exp(log_P[:, 1]),
        slope=difference(log_P),
        size_slope=difference(log_d),
        at_edge=at_edge,
        noise=noise,
    )
