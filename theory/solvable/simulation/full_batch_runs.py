"""Full-batch training and ridge regression as simulated: one row per seed."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from solvable.models.problem import LinearRegression, PowerLaw
from solvable.rules.full_batch import FullBatch, GradientFlow
from solvable.simulation.runs import EXPLODED, OverSeeds, standard_error
from solvable.util.results import array


@dataclass(frozen=True, kw_only=True, eq=False)
class _OnSamples(OverSeeds):
    """Seeds that have their own features and their own samples each."""

    excess: Float[np.ndarray, "seeds k"]
    train: Float[np.ndarray, "seeds k"] | None = None
    problem: PowerLaw | LinearRegression
    """What is learned."""
    n: int
    """Samples."""
    ensemble: int = 1
    """Draws of the features averaged over."""
    bags: int = 1
    """Data sets averaged over."""
    inputs: str = "gaussian"
    """Distribution of the coordinates of x."""
    dtype: str = "float64"
    """Precision of the simulation."""

    @property
    def risk(self) -> Float[np.ndarray, "seeds k"]:
        """Population risk, label noise included, shape (seeds, k)."""
        return self.excess + self.problem.noise

    @property
    def train_mean(self) -> Float[np.ndarray, " k"] | None:
        """Mean training error over the seeds; None if there is none."""
        return None if self.train is None else self.train.mean(axis=0)

    @property
    def train_standard_error(self) -> Float[np.ndarray, " k"] | None:
        """Standard error of the mean training error; None if there is none."""
        return None if self.train is None else standard_error(self.train)

    def _title(self, what: str) -> str:
        one = ((self.ensemble, "draws of the features"), (self.bags, "data sets"))
        parts = [f"{count} {name}" for count, name in one if count > 1]
        averaged = f"averaged over {' and '.join(parts)}, " if parts else ""
        return (
            f"{self.seeds} {'run' if self.seeds == 1 else 'runs'} of {self.problem}\n"
            f"{what} on {self.n} samples, {averaged}{self.inputs} inputs, {self.dtype}"
        )

    def _ends(self) -> str:
        """The risk, and the training error, from the first to the last column."""
        error = f" (standard error {self.standard_error[-1]:.1g})" if self.seeds > 1 else ""
        text = f"mean risk {self.mean[0]:.6g} to {self.mean[-1]:.6g}{error}"
        train = self.train_mean
        return text if train is None else f"{text}, in training {train[0]:.6g} to {train[-1]:.6g}"


@dataclass(frozen=True, kw_only=True, eq=False)
class FiniteRuns(_OnSamples):
    """Simulated risk of training on n samples, from several seeds. Arrays are float64 NumPy.

    Every seed has its own features and its own data set. See :func:`simulate_full_batch`.
    """

    time: Float[np.ndarray, " k"] = array("time", units="steps, or time of gradient flow")
    """Time of gradient flow, or steps over the whole data set; 0 is theta = 0."""
    excess: Float[np.ndarray, "seeds k"] = array("seed", "time")
    """Population risk minus the label noise: exact for the theta of the run, not sampled."""
    train: Float[np.ndarray, "seeds k"] | None = array("seed", "time", default=None)
    """Mean squared residual on the training samples, label noise included; None for bags."""
    rule: FullBatch | GradientFlow
    """How."""

    @property
    def diverged(self) -> list[int]:
        """Seeds whose risk is a million times the initial one at some time, or overflowed."""
        initial = float(self.problem.spectrum().excess) + self.problem.noise
        return np.flatnonzero(~(self.excess <= EXPLODED * initial).all(axis=1)).tolist()

    def __str__(self) -> str:
        text = (
            f"{self._title(str(self.rule))}, {self.time.size} times from {self.time[0]:.4g} to "
            f"{self.time[-1]:.4g}: {self._ends()}"
        )
        return f"{text}\n{len(self.diverged)} seeds diverged" if self.diverged else text


@dataclass(frozen=True, kw_only=True, eq=False)
class RidgeRuns(_OnSamples):
    """Simulated risk of ridge regression on n samples, from several seeds.

    All ridges see the same features and samples of a seed. See :func:`simulate_ridge`.
    """

    ridge: Float[np.ndarray, " k"] = array("ridge")
    """Coefficient of the squared norm of theta; the residual is a mean. 0 is the least norm."""
    excess: Float[np.ndarray, "seeds k"] = array("seed", "ridge")
    """Population risk minus the label noise: exact for the theta of the run, not sampled."""
    train: Float[np.ndarray, "seeds k"] | None = array("seed", "ridge", default=None)
    """Mean squared residual on the training samples, label noise included; None for bags."""

    def __str__(self) -> str:
        return (
            f"{self._title('ridge regression')}, ridge {self.ridge[0]:.4g} to "
            f"{self.ridge[-1]:.4g}: {self._ends()}"
        )
