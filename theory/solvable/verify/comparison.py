r"""Does the simulation agree with the theory? A verdict with its error rates.

At each step the deviation is measured in standard errors, :math:`z = (\bar P - P) / \text{se}`.
The verdict rests on the largest, with the skewness of the runs taken out, in either direction. Its
distribution under agreement is *not* taken from the normal law: the steps are correlated, and the
risk of SGD at small batch size is heavy-tailed, its mean carried by rare spikes. It is taken from
the bootstrap of whole runs (:mod:`solvable.verify.verdict`).
"""

import numpy as np
from jaxtyping import Float

from solvable.dynamics.curve import Curve
from solvable.models.draw import Draw
from solvable.models.nonlinear import NonlinearFeatures
from solvable.simulation.runs import Given, Runs
from solvable.util.checks import check_number
from solvable.util.errors import requirement, warn, why, wrong_kind
from solvable.util.record import static
from solvable.util.results import AXIS, Result, array
from solvable.util.types import Rung
from solvable.verify.verdict import RAREST, Sides, Verdict, judge

KURTOSIS = 30.0
"""Above this sample kurtosis, the mean is carried by a few runs."""
SHARE = 0.6
"""Few runs cannot have it: their number bounds it. Of them, above this share of their number."""


class HeavyTailWarning(UserWarning):
    """The mean risk is carried by rare runs: more seeds, larger B or smaller gamma would help."""


class Comparison(Result, kw_only=True):
    """Deviations of runs from a curve, step by step, and what they amount to."""

    x: Float[np.ndarray, " k"] = array(AXIS)
    """The steps, times or ridges of the runs."""
    predicted: Float[np.ndarray, " k"] = array(AXIS)
    """Risk of the curve."""
    measured: Float[np.ndarray, " k"] = array(AXIS)
    """Mean risk of the runs."""
    standard_error: Float[np.ndarray, " k"] = array(AXIS)
    """Standard error of the mean; zero where the runs do not scatter beyond rounding."""
    z: Float[np.ndarray, " k"] = array(AXIS)
    """Deviation in standard errors; zero where the runs do not scatter and agree."""
    score: Float[np.ndarray, " k"] = array(AXIS)
    """Deviation in standard errors, the skewness of the runs taken out: the verdict rests on it."""
    p_value: float
    """Probability of so large a maximum of the score, or of minus the score, if theory and
    simulation agree: twice that of the likelier side."""
    level: float
    """False-alarm rate of the verdict: agreement is rejected if ``p_value`` is below it."""
    critical: Sides[float]
    """How far the score must be below zero, or above, for the verdict to reject."""
    detectable: Sides[np.ndarray]
    """Power at each step: the relative deviation of the runs below the curve, or above it, that
    nine comparisons of ten would reject by this step alone."""
    sides: Sides[float]
    """Power: the same of a relative deviation that is one number at every step."""
    slope: Float[np.ndarray, " k"] = array(AXIS)
    """Local slope d log risk / d log x of the runs, to the x about twice as far."""
    slope_error: Float[np.ndarray, " k"] = array(AXIS)
    """Standard error of the local slope."""
    predicted_slope: Float[np.ndarray, " k"] = array(AXIS)
    """Local slope of the curve."""
    seeds: int
    """Number of runs."""
    axis: str = static()
    """What ``x`` is: ``step``, ``time`` or ``ridge``."""
    kurtosis: float
    """Largest kurtosis of the risk over the seeds; 3 for normal scatter."""
    notes: tuple[str, ...] = static(())

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("critical", "detectable", "sides"):  # as a file has them, plain pairs
            object.__setattr__(self, name, Sides(*getattr(self, name)))

    @property
    def agrees(self) -> bool:
        """The verdict."""
        return self.p_value >= self.level

    @property
    def power(self) -> float:
        """The uniform relative deviation that nine comparisons of ten would reject, of either sign.

        It is estimated from the scatter of the same runs, whose rare spikes may be missing. Of
        deviations as large as one of ``sides``, 75 to 90 of a hundred were seen by 50 runs and 85
        to 93 by 200; with heavy tails 62 to 75, and 81 to 85.
        """
        return float(max(self.sides))

    @property
    def worst(self) -> int:
        """The index of the step whose score is largest beside what is rejected on its side."""
        limit = np.where(self.score < 0, self.critical.below, self.critical.above)
        return int(np.argmax(np.abs(self.score) / np.maximum(limit, 1e-300)))

    def __str__(self) -> str:
        at, (below, above), (fewer, more) = self.worst, self.critical, self.sides
        lines = [
            f"{'agrees' if self.agrees else 'DISAGREES'}: p = {self.p_value:.3g}, largest score "
            f"{self.score[at]:.2f} at {self.axis} {self.x[at]:g} (rejected from {-below:.2f} down "
            f"and from {above:.2f} up; false-alarm rate {self.level:g})",
            f"runs {fewer:.2%} below the curve or {more:.2%} above it throughout would have been "
            "seen in nine cases of ten",
            *self.notes,
        ]
        return "\n".join(lines)


def _slopes(x: np.ndarray, risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of the log of the mean over rows to the x twice as far, and standard errors."""
    if (np.diff(x) < 0).any():
        order = np.argsort(x)
        slope, error = _slopes(x[order], risk[:, order])
        back = np.argsort(order)
        return slope[back], error[back]
    start = np.maximum(x, x[x > 0].min() if (x > 0).any() else 1)
    end = np.minimum(np.searchsorted(x, 2 * start), x.size - 1)
    mean = risk.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        run = np.log(x[end] / start)
        run = np.where((x > 0) & (run > 0), run, np.nan)
        relative = risk / mean
        influence = (relative[:, end] - relative) / run
        slope = np.log(mean[end] / mean) / run
    if len(risk) < 2:
        return slope, np.full_like(slope, np.nan)
    return slope, influence.std(axis=0, ddof=1) / np.sqrt(len(risk))


def compare(curve: Curve, runs: Runs, *, level: float = 0.01) -> Comparison:
    r"""Compare a predicted curve with simulated runs.

    The false-alarm rate was measured, at level 0.05 with 50 or 200 runs. It was 2 to 8 per cent for
    batch size 8 at a quarter of the stable rate, batch size 1 at a tenth to a half of it, and batch
    size 4 at a half with strong label noise. At batch size 1 and 0.8 of the stable rate it was 6 to
    9 per cent, nearly all of them runs below the curve, which had missed the rare spikes that carry
    the mean. Nine comparisons of ten warn there; of the few of 50 runs that did not, a fifth were
    false alarms.

    Args:
        curve: From :func:`predict` or :func:`expect`; its steps, times or ridges must include
            those of the runs.
        runs: From :func:`simulate`, of the same problem, rule and data set; at least 8 seeds. Runs
            of your own by :meth:`Runs.from_array`.
        level: False-alarm rate of the verdict, at least 1e-4.

    Returns:
        A :class:`Comparison`: z-scores, local slopes, verdict, power.

    Raises:
        ValueError: If the axis, the problem or the rule differ, or seeds are fewer than 8.
        TypeError: If it is no curve, or no runs.

    Warns:
        HeavyTailWarning: If the mean is carried by a few runs (small B, large gamma).

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=240, d=60)
        >>> draw = problem.draw(jax.random.key(0))
        >>> sgd = SGD.stable(draw, 0.2, B=8)
        >>> runs = simulate(jax.random.key(1), draw, sgd, steps=300, seeds=100)
        >>> compare(expect(draw, sgd, runs.step), runs).agrees
        True
    """
    level = check_number("level", level, minimum=RAREST, below=1)
    _check_kinds(curve, runs)
    _check_same(curve, runs)
    predicted, risk, x = _predicted(curve, runs), runs.risk, np.asarray(runs.x, float)
    # Nothing is known of the precision in which runs of the user's own were computed.
    single = runs.dtype == "float32" or runs.engine == "given"
    resolution, error = 1e-5 if single else 1e-12, runs.standard_error
    scatters = error > resolution * np.abs(predicted) / np.sqrt(runs.seeds)
    difference = runs.mean - predicted
    # Where runs do not scatter, as at step 0, the arithmetic must agree instead.
    off = ~scatters & (np.abs(difference) >= 10 * resolution * np.abs(predicted))
    certain = np.where(off, np.copysign(np.inf, difference), 0.0)

    def spread_out(values: np.ndarray, rest: np.ndarray | float = 0.0) -> np.ndarray:
        full = np.zeros_like(x) + rest
        full[scatters] = values
        return full

    found = _nothing_to_judge()
    if scatters.any():
        found = judge((risk - predicted)[:, scatters], level, predicted[scatters])
    spread = (risk - runs.mean)[:, scatters]
    kurtosis = float(((spread**4).mean(0) / (spread**2).mean(0) ** 2).max(initial=0.0))
    slope, slope_error = _slopes(x, risk)
    return Comparison(
        x=np.asarray(runs.x),
        axis=runs.axis,
        predicted=predicted,
        measured=runs.mean,
        standard_error=np.where(scatters, error, 0.0),
        z=spread_out(difference[scatters] / error[scatters], certain),
        score=spread_out(found.z, certain),
        p_value=0.0 if off.any() else found.p_value,
        level=level,
        critical=found.critical,
        detectable=Sides(*(spread_out(side) for side in found.detectable)),
        sides=found.power,
        slope=slope,
        slope_error=slope_error,
        predicted_slope=_slopes(x, predicted[None])[0],
        seeds=runs.seeds,
        kurtosis=kurtosis,
        notes=tuple(_notes(curve, runs, kurtosis)),
    )


def _nothing_to_judge() -> Verdict:
    """The comparison of runs that do not scatter at any step."""
    none = np.empty(0)
    return Verdict(none, 1.0, Sides(0.0, 0.0), Sides(none, none), Sides(0.0, 0.0))


def _notes(curve: Curve, runs: Runs, kurtosis: float) -> list[str]:
    """What a reader of the verdict must know beside it; of heavy tails there is a warning too."""
    notes = []
    if kurtosis > min(KURTOSIS, SHARE * runs.seeds):
        note = (
            f"the risk is heavy-tailed (kurtosis {kurtosis:.0f}): a few of {runs.seeds} runs carry "
            "the mean, and without their rare spikes runs lie below the curve up to twice as often "
            "as the level says; take more seeds, a larger B or a smaller gamma"
        )
        warn(f"{note}. {why('how_to/verdict')}", HeavyTailWarning)
        notes.append(note)
    if curve.rung is Rung.EQUIVALENT:
        sizes = "O(1/d)" if curve.n is None else "O(1/d) and O(1/n)"
        notes.append(
            f"the curve is the mean over features up to {sizes}"
            + ("; one draw scatters around it by per cents" if runs.features == "shared" else "")
        )
    return notes


def _check_kinds(curve: Curve, runs: Runs) -> None:
    """One curve, and enough runs, all of them finite."""
    if not isinstance(curve, Curve):
        fix = "It comes from predict(...) or expect(...)."
        raise wrong_kind("curve", "be a Curve", curve, fix)
    if not isinstance(runs, Runs):
        fix = "It comes from simulate(...); for runs of your own, Runs.from_array(step, risk)."
        raise wrong_kind("runs", "be Runs", runs, fix)
    for name, value, ndim in (("curve", curve, 1), ("runs", runs, 2)):
        if np.ndim(value.excess) != ndim:
            raise requirement(name, "be of one problem and rule", f"shape {value.excess.shape}")
    if runs.seeds < 8:
        fix = "Take simulate(..., seeds=100)."
        raise requirement("runs", "have at least 8 seeds", runs.seeds, fix)
    if not np.isfinite(runs.excess).all():
        raise requirement("runs", "be finite", f"diverged for {len(runs.diverged)} seeds")


def _predicted(curve: Curve, runs: Runs) -> np.ndarray:
    """The risk of the curve at the steps, times or ridges of the runs."""
    x, wanted = np.asarray(curve.x, float), np.asarray(runs.x, float)
    order = np.argsort(x)
    at = np.searchsorted(x, wanted - 1e-9 * np.abs(wanted), sorter=order)
    at = order[np.minimum(at, x.size - 1)]
    missing = np.abs(x[at] - wanted) > 2e-9 * np.abs(wanted)
    if missing.any():
        value = f"without {runs.axis} {wanted[int(np.argmax(missing))]:g}"
        fix = f"Compute it at runs.{runs.axis}."
        raise requirement("curve", f"hold every {runs.axis} of the runs", value, fix)
    predicted = np.asarray(curve.risk)[at]
    if not np.isfinite(predicted).all():
        raise requirement("curve", f"be finite at every {runs.axis} of the runs", predicted)
    return predicted


def _check_same(curve: Curve, runs: Runs) -> None:
    """A curve and runs of the same training; of runs of the user's own, what is known of it."""
    if curve.axis != runs.axis:
        raise requirement("runs", f"run along `{curve.axis}`, as the curve", runs.axis)
    names = ["problem", "rule", "n", "ensemble", "bags"]
    if runs.engine == "given":
        names = [x for x in names[:2] if not isinstance(getattr(runs, x), Given | None)]
    for name in names:
        mine, theirs = getattr(curve, name), getattr(runs, name)
        mine = mine.problem if isinstance(mine, Draw) else mine
        if isinstance(theirs, NonlinearFeatures):
            continue  # its theory is of the kernel
        if mine != theirs:
            raise requirement("runs", f"be of the {name} of the curve, {mine}", theirs)
