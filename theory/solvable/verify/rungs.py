"""Comparisons of two neighbours on the way from simulation to exponent, point by point.

1. The mean of SGD runs against the exact expectation for the same features;
2. the mean of exact expectations over features against the deterministic equivalent;
3. the local slopes of the equivalent's compute-optimal frontier against the exponents of the
   phases, which a linear program derives.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy import stats

from solvable.asymptotics.phases import phase
from solvable.design.frontiers import frontier
from solvable.dynamics.ensemble import expect_ensemble
from solvable.dynamics.prediction import expect, predict
from solvable.models.power_law import PowerLaw
from solvable.rules.sgd import SGD
from solvable.simulation.training import simulate
from solvable.verify.comparison import Comparison, HeavyTailWarning, compare
from solvable.verify.finite_sums import finite_slopes
from solvable.verify.presets import POINTS, family, half_trace

LEVEL = 0.01
"""False-alarm rate of a whole rung; what fails is run again with fresh seeds before it counts."""
CLOSE = 0.005
"""How near a slope must be to its exponent."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One comparison, point by point."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    """One per point."""
    holds: tuple[bool, ...]
    """Whether each point passed."""
    note: str
    series: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Numbers behind the rows, by name; for the slopes, one per budget in ``flops``."""
    slow: tuple[str, ...] = ()
    """The series that approach what is expected of them slowly, and are worth a look."""

    @property
    def passed(self) -> bool:
        """Whether every point passed."""
        return all(self.holds)


def _points(per_phase: int) -> Iterator[tuple[str, float, float]]:
    for name, points in POINTS.items():
        for alpha, beta in points[:per_phase]:
            yield name, alpha, beta


def judged(keys, model, rule, steps, seeds: int, engine: str, level: float) -> Comparison:
    """Runs against the exact expectation; what fails is run again, with four times the seeds."""
    for key, more in ((keys[0], 1), (keys[1], 4)):
        runs = simulate(key, model, rule, steps, seeds=more * seeds, engine=engine)
        with warnings.catch_warnings():  # the bootstrap is made for such tails
            warnings.simplefilter("ignore", HeavyTailWarning)
            verdict = compare(expect(model, rule, runs.step), runs, level=level)
        if verdict.agrees:
            break
    return verdict


OUTCOME = ("runs", "score", "limit", "p", "power")
"""The columns of a verdict."""


def outcome(verdict: Comparison) -> tuple[int, float, float, float, float]:
    """A verdict in the columns of ``OUTCOME``: its worst score, and the limit on that side."""
    score = float(verdict.score[verdict.worst])
    limit = -verdict.critical.below if score < 0 else verdict.critical.above
    return verdict.seeds, score, limit, verdict.p_value, verdict.power


class Training(NamedTuple):
    """What is run at a point of the plane."""

    engine: str
    B: int
    fraction: float
    """The learning rate, in units of the largest stable one."""
    steps: Sequence[int]
    seeds: int


BOLD = Training("modes", 1, 0.8, (1, 4, 16, 64), 2**16)
"""At batch size 1 and a rate near the threshold the coefficients of the noise show, which small
rates and large batches hide: one hundredth more at 64 steps, if (B + 1.1) / B stands in the square
of a step. The tails of the risk are long: so there are many runs, of few steps, and of a problem
whose many modes share the noise."""
BOLD_POINT = "Ib"


class Effort(NamedTuple):
    """How much the rungs compute."""

    d: int
    """Features of the simulations."""
    doublings: int
    """They are recorded at step 1 and so many times twice that."""
    seeds: int
    small: int
    """Features of the smaller problems whose draws are averaged."""
    draws: int
    per_phase: int
    """Points in each phase, for the equivalents and the exponents."""


QUICK = Effort(d=50, doublings=8, seeds=64, small=24, draws=512, per_phase=1)
FULL = Effort(d=100, doublings=10, seeds=128, small=32, draws=1024, per_phase=2)


def simulation_rung(key: jax.Array, *, quick: bool) -> Check:
    """The mean of SGD runs against the exact expectation of the same features.

    Batch size 8 and a quarter of the stable rate keep the tails light. The modes engine runs
    everywhere; the literal engine, its witness, at one point of each phase, if not ``quick``.
    """
    effort = QUICK if quick else FULL
    d, powers = effort.d, [2**k for k in range(effort.doublings + 1)]
    cases = [(point, Training("modes", 8, 0.25, powers, effort.seeds)) for point in _points(2)]
    if not quick:
        cases += [(point, Training("features", 8, 0.25, powers[:7], 64)) for point in _points(1)]
    cases += [(point, BOLD) for point in _points(1) if point[0] == BOLD_POINT]
    level, rows, holds = LEVEL / len(cases), [], []
    for n, ((name, alpha, beta), training) in enumerate(cases):
        engine, B, fraction, steps, seeds = training
        problem = PowerLaw(alpha=alpha, beta=beta, v=4 * d, d=d)
        keys = jax.random.split(jax.random.fold_in(key, n), 3)
        draw = problem.draw(keys[0])
        sgd = SGD.stable(draw, fraction, B=B)
        verdict = judged(keys[1:], draw, sgd, steps, seeds, engine, level)
        rows.append((name, alpha, beta, engine, B, fraction, *outcome(verdict)))
        holds.append(verdict.agrees)
    return Check(
        name="simulation",
        title="SGD runs against the exact expectation for the same features",
        columns=("phase", "alpha", "beta", "engine", "B", "rate", *OUTCOME),
        rows=tuple(rows),
        holds=tuple(holds),
        note=f"d = {d}, v = {4 * d}, to step {powers[-1]}; rates in units of the largest stable "
        "one. Score: the largest deviation in standard errors, the skewness taken out; limit: "
        "where its side is rejected, "
        f"at a false-alarm rate of {LEVEL:g} for the whole table, by bootstrap. Power: the uniform "
        "relative deviation that would have been seen in nine cases of ten.",
    )


def _deviations(
    key: jax.Array, problem: PowerLaw, sgd: SGD, step: np.ndarray, draws: int
) -> tuple[np.ndarray, np.ndarray]:
    """Relative deviation of the mean over draws from the equivalent, and its standard error."""
    exact = expect_ensemble(key, problem, sgd, step, draws)
    relative = exact / predict(problem, sgd, step).risk - 1
    return relative.mean(axis=0), relative.std(axis=0, ddof=1) / np.sqrt(draws)


def equivalent_rung(key: jax.Array, *, quick: bool) -> Check:
    """The mean over features against the deterministic equivalent: a correction of order 1/d.

    If the deviation is c/d, twice that at 2d equals that at d.
    """
    effort = QUICK if quick else FULL
    d, draws = effort.small, effort.draws
    step = np.array([10, 100, 1000, 10_000])
    points, rows, holds = list(_points(effort.per_phase)), [], []
    limit = float(stats.norm.isf(LEVEL / (2 * len(points) * step.size)))
    for n, (name, alpha, beta) in enumerate(points):
        small = PowerLaw(alpha=alpha, beta=beta, v=4 * d, d=d)
        large = PowerLaw(alpha=alpha, beta=beta, v=8 * d, d=2 * d)
        sgd = SGD.stable(large, 0.25)  # far below the threshold of any draw
        keys = jax.random.split(jax.random.fold_in(key, n), 4)
        for first, second, more in ((*keys[:2], 1), (*keys[2:], 3)):
            one, one_error = _deviations(first, small, sgd, step, more * draws)
            two, two_error = _deviations(second, large, sgd, step, more * draws // 2)
            error = np.hypot(one_error, 2 * two_error)
            z = float(np.abs((2 * two - one) / error).max())
            if z < limit:
                break
        at, power = int(np.argmax(np.abs(one))), float((limit + 1.28) * error.min())
        row = (name, alpha, beta, float(one[at]), float(two[at]), float(two_error[at]))
        rows.append((*row, z, limit, power))
        holds.append(z < limit)
    sizes = (f"d = {d}", f"d = {2 * d}", "+-")
    return Check(
        name="equivalent",
        title="The mean over features against the deterministic equivalent",
        columns=("phase", "alpha", "beta", *sizes, "max |z|", "limit", "power"),
        rows=tuple(rows),
        holds=tuple(holds),
        note="Relative deviation at the step where it is largest. z: twice the deviation at 2d "
        f"minus that at d, in standard errors, over steps {step.tolist()}; zero if the deviation "
        "is c/d. Power: the part beyond c/d that would have been seen in nine cases of ten.",
    )


def _extrapolated(slopes: np.ndarray) -> tuple[float, float]:
    """Limit of slopes whose differences shrink geometrically, and how far it has moved.

    Aitken's formula on the last three, and its change from the three before.
    """
    limit = lambda a, b, c: c - (c - b) ** 2 / (c - 2 * b + a)
    last, before = limit(*slopes[-3:]), limit(*slopes[-4:-1])
    return float(last), float(abs(last - before))


def exponent_rung(*, quick: bool) -> Check:
    """Local slopes of the numerical frontier against the exponents of the phases.

    In Ic the slope converges slowly but geometrically, and is extrapolated. In IVb it does
    not come close at any size, for a known reason: the sum behind K_pp ends at v. There it is
    held against the slope that the terms with their true sums predict at the same budget.
    """
    flops = np.geomspace(1e9, 1e23, 8)
    rows, holds, slow, series = [], [], [], {"flops": tuple(flops.tolist())}
    for name, alpha, beta in _points((QUICK if quick else FULL).per_phase):
        predicted = phase(alpha, beta)
        of_size = lambda d, alpha=alpha, beta=beta: family(alpha, beta, d)
        best = frontier(of_size, half_trace, flops)
        point = f"{name} ({alpha}, {beta})"
        series[point] = tuple(best.slope.tolist())
        slope, size_slope = float(best.slope[-1]), float(best.size_slope[-1])
        method, error = "direct", 0.0
        expected, size_expected = predicted.loss_exponent, predicted.size_exponent
        if name == "Ic":
            method = "extrapolated"
            slope, error = _extrapolated(best.slope)
        elif name == "IVb":
            method = "finite sums"
            expected, _ = finite_slopes(of_size, half_trace, flops[-1], best.d[-1])
        near = abs(slope - expected) < CLOSE + error and not best.at_edge.any()
        if method == "direct":
            near &= abs(size_slope - size_expected) < CLOSE
        else:
            slow.append(point)
        row = (name, alpha, beta, predicted.loss_exponent, method, slope, error, expected)
        rows.append((*row, size_expected, size_slope))
        holds.append(bool(near))
    columns = ("phase", "alpha", "beta", "exponent", "method", "slope", "+-", "expected")
    return Check(
        name="exponents",
        title="Slopes of the compute-optimal frontier against the exponents of the phases",
        columns=(*columns, "d* exponent", "d* slope"),
        rows=tuple(rows),
        holds=tuple(holds),
        note=f"Local slopes at f = {flops[-1]:.0e}, gamma = 1 / (2 Tr D), B = 1. Within {CLOSE} of "
        "the exponent directly; in Ic extrapolated (Aitken, from four budgets 100 apart); in IVb "
        "of the slope that the terms with their finite sums predict. Points with alpha <= 1/4 are "
        "conjecture in the paper. The phases assume no label noise.",
        series=series,
        slow=tuple(slow),
    )
