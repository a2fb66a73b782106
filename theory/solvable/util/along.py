"""What curves and runs share: one axis, by its name."""

from typing import TYPE_CHECKING, Any

from solvable.util.results import Result


class Along(Result):
    """Values along an axis: steps, times of gradient flow, or ridges."""

    if TYPE_CHECKING:
        x: Any
        axis: Any
        excess: Any
        problem: Any
        rule: Any
        n: Any

    def _along(self, name: str) -> Any:
        if self.axis != name:
            message = f"This {type(self).__name__} runs along `{self.axis}`, not along `{name}`."
            raise AttributeError(message)
        return self.x

    @property
    def step(self) -> Any:
        """Steps taken, if the rule takes steps; step 0 is theta = 0."""
        return self._along("step")

    @property
    def time(self) -> Any:
        """Times, if it is gradient flow; time 0 is theta = 0."""
        return self._along("time")

    @property
    def ridge(self) -> Any:
        """Ridges, if it is ridge regression: beside the mean squared residual."""
        return self._along("ridge")

    @property
    def risk(self) -> Any:
        """Risk on fresh samples, label noise included."""
        return self.excess + self.problem.noise

    @property
    def flops(self) -> Any:
        """Compute: parameters times samples, d B steps for fresh samples and d n steps for n."""
        samples = self.rule.B if self.rule.data == "fresh" else self.n
        if samples is None or self.axis != "step":
            raise AttributeError(f"{self.rule} has no count of flops.")
        return 1.0 * self.problem.size * samples * self.x

    def _span(self) -> str:
        """The axis from its first to its last value."""
        return f"{self.x.size} {self.axis}s from {self.x[0]:.4g} to {self.x[-1]:.4g}"

    def _samples(self) -> str:
        if self.rule.data == "fresh":
            return ""
        return " on infinitely many samples" if self.n is None else f" on {self.n:g} samples"
