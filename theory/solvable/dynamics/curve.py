"""The risk along training, as the theory gives it."""

from dataclasses import dataclass, field

import jax
from jaxtyping import Float, Int

from solvable.models.problem import LinearRegression, PowerLaw
from solvable.rules.rule import Rule
from solvable.util.results import Result, array
from solvable.util.types import Array, Scalar


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, eq=False)
class Curve(Result):
    """Expected risk at a number of steps. Arrays are float64 NumPy, shape (k,)."""

    step: Int[Array, " k"] = array("step", units="steps of SGD")
    """Steps taken, each on B fresh samples. Step 0 is theta = 0."""
    excess: Float[Array, " k"] = array("step")
    """Risk minus the label noise. What the features cannot express stays in."""
    terms: dict[str, Float[Array, " k"]] | None = array("step", default=None)
    """The parts of the excess: capacity, population, distortion and SGD noise."""
    error: Scalar = 0.0
    """Relative numerical error of the risk (not the error of the theory; see ``rung``)."""
    rung: str = field(default="", metadata={"static": True})
    """What the numbers are: an exact expectation, or a deterministic equivalent."""
    problem: PowerLaw | LinearRegression
    """What is learned."""
    sgd: Rule
    """How."""

    @property
    def risk(self) -> Float[Array, " k"]:
        """Expected risk, label noise included."""
        return self.excess + self.problem.noise

    @property
    def flops(self) -> Float[Array, " k"]:
        """Compute: features times samples, d B steps (v B steps for linear regression)."""
        size = getattr(self.problem, "d", self.problem.v)
        return 1.0 * size * self.sgd.B * self.step

    def __str__(self) -> str:
        return (
            f"{self.rung} of {self.problem}\n"
            f"{self.sgd}, {self.step.size} steps from {self.step[0]} to {self.step[-1]:.4g}: "
            f"risk {self.risk[0]:.6g} to {self.risk[-1]:.6g}, "
            f"numerical error {self.error:.0e}"
        )
