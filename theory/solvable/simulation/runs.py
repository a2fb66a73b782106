"""The risk along training, as simulated: one row per seed."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from solvable.models.draw import Draw
from solvable.models.problem import Problem, check_problem
from solvable.rules.rule import Rule, check_rule
from solvable.util.along import Along
from solvable.util.checks import check_array, check_number, check_vector
from solvable.util.errors import requirement, warn, why
from solvable.util.fields import Number
from solvable.util.record import number, static
from solvable.util.results import AXIS, array
from solvable.util.steps import check_steps
from solvable.util.types import Scalar

EXPLODED = 1e6
"""A run has diverged once its risk is this many times the initial one, or not a number."""


class DivergenceWarning(UserWarning):
    """Some seeds have diverged; the ``diverged`` of the runs says which."""


def standard_error(x: Float[np.ndarray, "seeds k"]) -> Float[np.ndarray, " k"]:
    """Standard error of the mean over seeds, from their scatter; it needs two."""
    if len(x) < 2:
        return np.full(x.shape[1], np.nan)
    with np.errstate(invalid="ignore"):  # of runs that overflowed
        return x.std(axis=0, ddof=1) / np.sqrt(len(x))


class Divergence(NamedTuple):
    """Where a seed left the rails."""

    seed: int
    at: float
    """The first recorded step, or time, at which the risk had exploded."""
    risk: float
    """The risk there; infinite if it had overflowed."""


class Runs(Along, kw_only=True):
    """Simulated risk of several seeds along steps, times or ridges. Arrays are float64 NumPy."""

    x: Any = array(AXIS)
    """The axis: also ``step``, ``time`` or ``ridge``, whichever it is."""
    excess: Float[np.ndarray, "seeds k"] = array("seed", AXIS)
    """Population risk minus the label noise: exact for the theta of the run, not sampled."""
    train: Float[np.ndarray, "seeds k"] | None = array("seed", AXIS, default=None)
    """Mean squared residual on the samples of a finite data set, label noise included."""
    axis: str = static("step")
    """``step``, ``time`` or ``ridge``."""
    engine: str = static("modes")
    """``modes`` or ``features`` on fresh samples; ``samples`` on a finite data set; ``given``."""
    inputs: str = static("Gaussian()")
    """Distribution of the coordinates of x."""
    dtype: str = static("float32")
    """Precision of the simulation."""
    features: str = static("shared")
    """``shared`` by all seeds, or ``own``: each seed has its own draw."""
    problem: Problem
    """What is learned."""
    rule: Rule | None
    """How."""
    n: Scalar | None = None
    """Samples of the data set; None for fresh samples."""
    ensemble: Scalar = 1
    """Draws of the features averaged over."""
    bags: Scalar = 1
    """Data sets averaged over."""
    points: Scalar | None = None
    """Fresh inputs on which the excess of a seed is a mean square; None if it is exact."""
    stopped: int = static(-1)
    """The step at which the runs were interrupted, or -1."""
    key: str = static("")
    """The random key, with which the runs can be made again."""
    device: str = static("")
    """The device on which they were made."""

    @classmethod
    def from_array(
        cls,
        step: Any,
        risk: Any,
        problem: Problem | None = None,
        rule: Rule | None = None,
        *,
        noise: float = 0.0,
    ) -> "Runs":
        """Runs of your own, to be compared with a curve.

        Args:
            step: The recorded steps, increasing, shape (k,).
            risk: Population risk, label noise included, one row per run, shape (seeds, k).
            problem: What was learned, if it is one of ours: a comparison then checks it.
            rule: How, likewise.
            noise: Variance of the label noise, if no problem is given.

        Raises:
            ValueError: If shapes do not fit, or steps do not increase.

        Example:
            >>> Runs.from_array([0, 10], [[1.0, 0.5], [1.0, 0.4]]).mean
            array([1.  , 0.45])
        """
        risk, steps = check_array("risk", risk), check_steps(check_vector("step", step))
        if risk.ndim != 2 or risk.shape[1] != steps.size:
            must = f"have one row per run and one column per step, of which there are {steps.size}"
            raise requirement("risk", must, f"shape {risk.shape}")
        if problem is not None:
            check_problem(problem)
        if rule is not None:
            check_rule(rule)
        noise = check_number("noise", noise, minimum=0)
        below = float(problem.noise) if problem is not None else noise
        given = Given(noise=noise) if problem is None else problem
        return cls(x=steps, excess=risk - below, problem=given, rule=rule, engine="given",
                   dtype="float64")  # fmt: skip

    @property
    def seeds(self) -> int:
        """Number of runs."""
        return len(self.excess)

    @property
    def mean(self) -> Float[np.ndarray, " k"]:
        """Mean risk over the seeds."""
        return self.risk.mean(axis=0)

    @property
    def standard_error(self) -> Float[np.ndarray, " k"]:
        """Standard error of the mean, from the scatter of the seeds; needs two."""
        return standard_error(self.risk)

    @property
    def median(self) -> Float[np.ndarray, " k"]:
        """Median risk over the seeds."""
        return np.median(self.risk, axis=0)

    def quantile(self, q: float) -> Float[np.ndarray, " k"]:
        """Quantile of the risk over the seeds, q in [0, 1]."""
        with np.errstate(invalid="ignore"):  # between runs that overflowed
            return np.quantile(self.risk, q, axis=0)

    @property
    def train_mean(self) -> Float[np.ndarray, " k"] | None:
        """Mean training error over the seeds; None if there is none."""
        return None if self.train is None else self.train.mean(axis=0)

    @property
    def train_standard_error(self) -> Float[np.ndarray, " k"] | None:
        """Standard error of the mean training error; None if there is none."""
        return None if self.train is None else standard_error(self.train)

    @property
    def diverged(self) -> list[Divergence]:
        """The seeds that diverged, with the step and the risk at which it was seen."""
        if self.axis == "ridge" or self.engine == "given":
            bad = ~np.isfinite(self.excess)
        else:
            initial = float(self.problem.spectrum().excess) + float(self.problem.noise)
            bad = ~(self.excess <= EXPLODED * initial)
        at = [(seed, int(np.argmax(row))) for seed, row in enumerate(bad) if row.any()]
        return [Divergence(m, float(self.x[k]), float(self.risk[m, k])) for m, k in at]

    def __str__(self) -> str:
        scatter = self.standard_error[-1]
        error = f" (standard error {scatter:.1g})" if self.seeds > 1 else ""
        many = ((self.ensemble, "draws of the features"), (self.bags, "data sets"))
        parts = [f"{count} {name}" for count, name in many if count > 1]
        averaged = f"averaged over {' and '.join(parts)}, " if parts else ""
        rule = "" if self.rule is None else f"{self.rule}{self._samples()}, "
        text = (
            f"{self.seeds} {'run' if self.seeds == 1 else 'runs'} of {self.problem}\n"
            f"{rule}{averaged}engine {self.engine}, inputs {self.inputs}, {self.dtype}, "
            f"{self._span()}: mean risk {self.mean[0]:.6g} to {self.mean[-1]:.6g}{error}"
        )
        if (train := self.train_mean) is not None:
            text += f", in training {train[0]:.6g} to {train[-1]:.6g}"
        if self.diverged:
            first = min(self.diverged, key=lambda seed: seed.at)
            text += f"\n{len(self.diverged)} seeds diverged, the first at {self.axis} {first.at:g}"
        return text + (f"\ninterrupted at step {self.stopped}" if self.stopped >= 0 else "")


class Given(Problem, kw_only=True):
    """A problem of which nothing is known but its label noise."""

    noise: Number = number(minimum=0, default=0.0)


def without_draw(problem: Problem) -> Problem:
    """The problem that a draw is of."""
    return problem.problem if isinstance(problem, Draw) else problem


def described_key(key: jax.Array) -> str:
    """A random key in words: its kind and its bits."""
    words = np.asarray(jax.random.key_data(key)).tolist()
    return f"{jax.random.key_impl(key)}:{','.join(map(str, words))}"


def finished(*, excess: Float[np.ndarray, "seeds k"], **fields: Any) -> Runs:
    """Runs as they came out of a simulation: what overflowed is infinite, and warned of."""
    runs = Runs(excess=np.where(np.isnan(excess), np.inf, excess), **fields)
    if runs.diverged:
        first = min(runs.diverged, key=lambda x: x.at)
        many = f"{len(runs.diverged)} of {runs.seeds} seeds"
        if runs.axis == "ridge":
            at = f"{many} have no minimum at some ridge: {first.at:g} is not above minus the least "
            message = at + "eigenvalue of their samples. " + why("theory/ridge")
        else:
            message = (
                f"{many} diverged, the first at {runs.axis} {first.at:g} with risk "
                f"{first.risk:.3g}: {runs.rule} is too fast, or close to it. See Runs.diverged. "
            ) + why("theory/batch_size")
        warn(message, DivergenceWarning)
    return runs
