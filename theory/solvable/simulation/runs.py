"""The risk along training, as simulated: one row per seed."""

import warnings
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from solvable.models.problem import LinearRegression, PowerLaw
from solvable.rules.rule import Rule
from solvable.util.errors import why
from solvable.util.results import Result, array

EXPLODED = 1e6
"""A run has diverged once its risk is this many times the initial one, or not a number."""


class DivergenceWarning(UserWarning):
    """Some seeds have diverged; the ``diverged`` of the runs says which."""


def standard_error(x: Float[np.ndarray, "seeds k"]) -> Float[np.ndarray, " k"]:
    """Of the mean over seeds, from their scatter; needs two."""
    if len(x) < 2:
        return np.full(x.shape[1], np.nan)
    with np.errstate(invalid="ignore"):  # of runs that overflowed
        return x.std(axis=0, ddof=1) / np.sqrt(len(x))


class OverSeeds(Result):
    """Statistics over the seeds of whatever has a risk, one row per seed."""

    @property
    def risk(self) -> Any:
        """Population risk, label noise included, shape (seeds, k)."""
        raise NotImplementedError

    @property
    def seeds(self) -> int:
        """Number of runs."""
        return len(self.risk)

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


class Divergence(NamedTuple):
    """Where a seed left the rails."""

    seed: int
    step: int
    """The first recorded step at which the risk had exploded."""
    risk: float
    """The risk there; infinite if it had overflowed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs(OverSeeds):
    """Simulated risk of several seeds. Arrays are float64 NumPy."""

    step: Int[np.ndarray, " k"] = array("step", units="steps of SGD")
    """Steps taken, each on B fresh samples."""
    excess: Float[np.ndarray, "seeds k"] = array("seed", "step")
    """Population risk minus the label noise: exact for the theta of the run, not sampled."""
    engine: str
    """``modes`` or ``features``."""
    inputs: str
    """Distribution of the coordinates of x."""
    dtype: str
    """Precision of the simulation."""
    features: str
    """``shared`` by all seeds, or ``own``: each seed has its own draw."""
    problem: PowerLaw | LinearRegression
    sgd: Rule
    stopped: int = field(default=-1)
    """The step at which the runs were interrupted, or -1."""

    @property
    def risk(self) -> Float[np.ndarray, "seeds k"]:
        """Population risk, label noise included, shape (seeds, k)."""
        return self.excess + self.problem.noise

    @property
    def diverged(self) -> list[Divergence]:
        """The seeds that diverged, with the step and the risk at which it was seen."""
        initial = float(self.problem.spectrum().excess) + self.problem.noise
        bad = ~(self.excess <= EXPLODED * initial)
        at = [(seed, int(np.argmax(row))) for seed, row in enumerate(bad) if row.any()]
        return [Divergence(n, int(self.step[k]), float(self.risk[n, k])) for n, k in at]

    def __str__(self) -> str:
        scatter = self.standard_error[-1]
        error = f" (standard error {scatter:.1g})" if self.seeds > 1 else ""
        lines = [
            f"{self.seeds} {'run' if self.seeds == 1 else 'runs'} of {self.problem}",
            f"{self.sgd}, engine {self.engine}, {self.inputs} inputs, {self.dtype}: "
            f"mean risk {self.mean[0]:.6g} to {self.mean[-1]:.6g}{error} at step {self.step[-1]}",
        ]
        if self.diverged:
            first = min(self.diverged, key=lambda seed: seed.step)
            lines.append(f"{len(self.diverged)} seeds diverged, the first at step {first.step}")
        if self.stopped >= 0:
            lines.append(f"interrupted at step {self.stopped}")
        return "\n".join(lines)


def finished(*, excess: Float[np.ndarray, "seeds k"], **fields: Any) -> Runs:
    """Runs as they came out of a simulation: what overflowed is infinite, and warned of."""
    runs = Runs(excess=np.where(np.isnan(excess), np.inf, excess), **fields)
    if runs.diverged:
        first = min(runs.diverged, key=lambda x: x.step)
        message = (
            f"{len(runs.diverged)} of {runs.seeds} seeds diverged, the first at step {first.step} "
            f"with risk {first.risk:.3g}: {runs.sgd} is too fast, or close to it. "
            "See Runs.diverged. " + why("theory/batch_size")
        )
        warnings.warn(message, DivergenceWarning, stacklevel=3)
    return runs
