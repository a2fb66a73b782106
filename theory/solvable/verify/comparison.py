r"""Does the simulation agree with the theory? A verdict with its error rates.

At each step the deviation is measured in standard errors, :math:`z = (\bar P - P) / \text{se}`.
The verdict rests on the largest :math:`|z|`, whose distribution under agreement is *not* taken
from the normal law: the steps are correlated, and the risk of SGD at small batch size is
heavy-tailed, its mean carried by rare spikes. It is taken from the bootstrap of the studentised
maximum, which resamples whole runs.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from solvable.dynamics.curve import Curve
from solvable.models.draw import Draw
from solvable.models.nonlinear import NonlinearFeatures
from solvable.simulation.runs import Given, Runs
from solvable.util.checks import check_number, check_type
from solvable.util.errors import requirement, warn, why
from solvable.util.types import Rung

RESAMPLES = 2000
DETECTION = 0.9
"""Probability of detection for which the power is stated."""
KURTOSIS = 30.0
"""Above this sample kurtosis, the mean is carried by a few runs."""
SHARE = 0.6
"""Few runs cannot have it: their number bounds it. Of them, above this share of their number."""


class HeavyTailWarning(UserWarning):
    """The mean risk is carried by rare runs: more seeds, larger B or smaller gamma would help."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Deviations of runs from a curve, step by step, and what they amount to."""

    x: Float[np.ndarray, " k"]
    """The steps, times or ridges of the runs."""
    predicted: Float[np.ndarray, " k"]
    """Risk of the curve."""
    measured: Float[np.ndarray, " k"]
    """Mean risk of the runs."""
    standard_error: Float[np.ndarray, " k"]
    """Of the mean; zero where the runs do not scatter beyond rounding."""
    z: Float[np.ndarray, " k"]
    """Deviation in standard errors; zero where the runs do not scatter and agree."""
    p_value: float
    """Probability of so large a maximum of abs(z), if theory and simulation agree."""
    level: float
    """False-alarm rate of the verdict: agreement is rejected if ``p_value`` is below it."""
    critical: float
    """The abs(z) that the verdict rejects from on."""
    slope: Float[np.ndarray, " k"]
    """Local slope d log risk / d log x of the runs, to the x about twice as far."""
    slope_error: Float[np.ndarray, " k"]
    """Its standard error."""
    predicted_slope: Float[np.ndarray, " k"]
    """The same of the curve."""
    seeds: int
    """Number of runs."""
    axis: str
    """What ``x`` is: ``step``, ``time`` or ``ridge``."""
    kurtosis: float
    """Largest kurtosis of the risk over the seeds; 3 for normal scatter."""
    notes: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """The verdict."""
        return self.p_value >= self.level

    @property
    def detectable(self) -> Float[np.ndarray, " k"]:
        """Power: the relative deviation at each step that nine comparisons of ten would reject."""
        reach = self.critical + stats.t.ppf(DETECTION, self.seeds - 1)
        return reach * self.standard_error / self.predicted

    @property
    def power(self) -> float:
        """The smallest uniform relative deviation that nine comparisons of ten would reject.

        Standard errors are themselves estimates: with fewer than 64 seeds it is optimistic,
        and at 16 six or eight of ten are seen.
        """
        seen = self.detectable[self.standard_error > 0]
        return float(seen.min()) if seen.size else 0.0

    def __str__(self) -> str:
        worst = int(np.argmax(np.abs(self.z)))
        lines = [
            f"{'agrees' if self.agrees else 'DISAGREES'}: p = {self.p_value:.3g}, largest |z| = "
            f"{abs(self.z[worst]):.2f} at {self.axis} {self.x[worst]:g} (rejected from "
            f"{self.critical:.2f} on; false-alarm rate {self.level:g})",
            f"a uniform deviation of {self.power:.2%} would have been seen in nine cases of ten",
            *self.notes,
        ]
        return "\n".join(lines)


def bootstrap(deviation: Float[np.ndarray, "seeds k"]) -> Float[np.ndarray, " resamples"]:
    """Largest abs(t) of resampled runs, all of whose true means are zero."""
    n = len(deviation)
    rng = np.random.default_rng(0)  # the same runs always get the same verdict
    weights = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n
    mean = weights @ deviation
    variance = np.maximum(weights @ deviation**2 - mean**2, 1e-300) / (n - 1)
    return np.abs(mean / np.sqrt(variance)).max(axis=1)


def _slopes(x: np.ndarray, risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of the log of the mean over rows to the x twice as far, and standard errors."""
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

    The false-alarm rate is that of the bootstrap, and was measured: for 50 to 200 runs at batch
    size 1 and a tenth or a quarter of the stable rate, a verdict at level 0.05 rejected 2 to 8
    per cent of agreeing comparisons, where the normal law with a union bound rejected up to 26.

    Args:
        curve: From :func:`predict` or :func:`expect`; its steps, times or ridges must include
            those of the runs.
        runs: From :func:`simulate`, of the same problem, rule and data set; at least 8 seeds. Runs
            of your own by :meth:`Runs.from_array`.
        level: False-alarm rate of the verdict.

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
    check_type("curve", curve, Curve)
    check_type("runs", runs, Runs)
    level = check_number("level", level, positive=True, below=1)
    if runs.seeds < 8:
        raise requirement(
            "runs", "have at least 8 seeds", runs.seeds, "Take simulate(..., seeds=100)."
        )
    _check_same(curve, runs)
    at = np.searchsorted(curve.x, runs.x)
    found = np.asarray(curve.x)[np.minimum(at, curve.x.size - 1)]
    missing = ~np.isclose(found, runs.x, rtol=1e-9, atol=0)
    if missing.any():
        value = f"without {runs.axis} {runs.x[int(np.argmax(missing))]:g}"
        fix = f"Compute it at runs.{runs.axis}."
        raise requirement("curve", f"hold every {runs.axis} of the runs", value, fix)
    if not np.isfinite(runs.risk).all():
        raise requirement("runs", "be finite", f"diverged for {len(runs.diverged)} seeds")
    predicted = np.asarray(curve.risk)[at]
    risk, error = runs.risk, runs.standard_error
    resolution = 1e-5 if runs.dtype == "float32" else 1e-12
    scatters = error > resolution * predicted / np.sqrt(runs.seeds)
    difference = runs.mean - predicted
    # Where runs do not scatter, as at step 0, the arithmetic must agree instead.
    z = np.where(
        scatters,
        difference / np.where(scatters, error, 1),
        np.where(np.abs(difference) < 10 * resolution * predicted, 0, np.inf),
    )
    null = bootstrap((risk - runs.mean)[:, scatters]) if scatters.any() else np.zeros(RESAMPLES)
    largest = np.abs(z).max()
    p_value = float((1 + np.count_nonzero(null >= largest)) / (1 + RESAMPLES))
    spread = (risk - runs.mean)[:, scatters]
    kurtosis = float(((spread**4).mean(0) / (spread**2).mean(0) ** 2).max(initial=0.0))
    slope, slope_error = _slopes(np.asarray(runs.x, float), risk)
    notes = []
    if kurtosis > min(KURTOSIS, SHARE * runs.seeds):
        note = (
            f"the risk is heavy-tailed (kurtosis {kurtosis:.0f}): a few of {runs.seeds} runs carry "
            "the mean; take more seeds, a larger B or a smaller gamma"
        )
        warn(f"{note}. {why('how_to/verdict')}", HeavyTailWarning)
        notes.append(note)
    if curve.rung is Rung.EQUIVALENT:
        sizes = "O(1/d)" if curve.n is None else "O(1/d) and O(1/n)"
        notes.append(
            f"the curve is the mean over features up to {sizes}"
            + ("; one draw scatters around it by per cents" if runs.features == "shared" else "")
        )
    return Comparison(
        x=np.asarray(runs.x),
        axis=runs.axis,
        predicted=predicted,
        measured=runs.mean,
        standard_error=np.where(scatters, error, 0.0),
        z=z,
        p_value=p_value if np.isfinite(largest) else 0.0,
        level=level,
        critical=float(np.quantile(null, 1 - level)),
        slope=slope,
        slope_error=slope_error,
        predicted_slope=_slopes(np.asarray(runs.x, float), predicted[None])[0],
        seeds=runs.seeds,
        kurtosis=kurtosis,
        notes=tuple(notes),
    )


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
