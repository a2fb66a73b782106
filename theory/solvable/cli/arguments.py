"""What the command line takes: numbers, and the groups of options that commands share."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

import solvable
from solvable.cli.output import check_file, plain, save, show, show_json, table, write_result

ROWS = 16
"""A table on the screen shows at most this many rows of a result."""

LEARNED = Group("What is learned", sort_key=1)
TRAINED = Group("How: one-pass SGD", sort_key=2)
PRINTED = Group("Output", sort_key=4)


def _exact(text: str) -> Fraction | float:
    try:
        x = float(text)
        return Fraction(text) if 1e-300 < abs(x) < math.inf else x
    except ValueError:
        pass
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is no number such as 0.7, 7/10 or 1e9.") from None


def _real(text: str) -> float:
    return float(_exact(text))


def count(text: str) -> int | float:
    x = _exact(text)  # 0.5, NaN and infinity are for the package to refuse
    return int(x) if math.isfinite(x) and x == int(x) else float(x)


def _seed(text: str) -> int:
    x = count(text)
    if not (isinstance(x, int) and 0 <= x < 2**63):
        raise ValueError(f"{text!r} is no whole number from 0 to 2^63 - 1.")
    return x


def _steps(text: str) -> int | float | list[int | float]:
    return [count(part) for part in text.split(",")] if "," in text else count(text)


def flops_range(text: str) -> list[float]:
    if ":" not in text:
        return [_real(part) for part in text.split(",")]
    low, high = (_real(part) for part in text.split(":", 1))
    if not 0 < low < high < math.inf:
        raise ValueError(f"{text!r} is no increasing pair such as 1e9:1e20.")
    decades = [low * 10.0**k for k in range(int(math.log10(high / low) + 1e-9) + 1)]
    return decades if math.isclose(decades[-1], high) else [*decades, high]


def typed(parse: Callable[[str], Any], metavar: str, name: str | None = None) -> Parameter:
    return Parameter(
        name=name,
        converter=lambda _, tokens: parse(tokens[0].value),
        metavar=metavar,
        negative="",
        n_tokens=1,
        allow_leading_hyphen=True,
    )


Exact = Annotated[Fraction, typed(_exact, "X")]
Real = Annotated[float, typed(_real, "X")]
Count = Annotated[int, typed(count, "N")]
Seed = Annotated[int, typed(_seed, "N")]
Steps = Annotated[Any, typed(_steps, "N[,N...]")]
Flops = Annotated[list[float], typed(flops_range, "LOW:HIGH|F[,F...]")]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@dataclass(frozen=True, kw_only=True)
class Data:
    """What the problems of all sizes have in common."""

    alpha: Real
    """Capacity exponent: the covariance of x has eigenvalues j^(-2 alpha)."""
    beta: Real
    """Source exponent: the target coefficients are j^(-beta)."""
    noise: Real = 0.0
    """Variance of the label noise."""


@Parameter(name="*", group=LEARNED)
@dataclass(frozen=True, kw_only=True)
class Model(Data):
    """A problem of one size."""

    v: Count
    """Number of coordinates of x."""
    d: Count | None = None
    """Number of random features, at most v."""
    linear_regression: Flag = False
    """Learn from x itself: no random features, no --d."""

    def problem(self) -> Any:
        """The problem, as the Python API has it."""
        if self.linear_regression == (self.d is not None):
            raise ValueError(
                "Give --d, the number of features, or --linear-regression: one of them."
            )
        data = dict(alpha=self.alpha, beta=self.beta, v=self.v, noise=self.noise)
        if self.linear_regression:
            return solvable.PowerLaw(**data)
        return solvable.PowerLaw(**data, d=self.d)


@Parameter(name="*", group=LEARNED)
@dataclass(frozen=True, kw_only=True)
class Family(Data):
    """A problem of every size."""

    ratio: Real | None = None
    """v / d, by default 4 if alpha < 1/2, else 100."""

    @property
    def given(self) -> dict[str, float]:
        """The data and the ratio."""
        ratio = (4 if self.alpha < 0.5 else 100) if self.ratio is None else self.ratio
        if not 1 <= ratio < math.inf:
            raise ValueError(f"--ratio must be v / d, at least 1, but is {ratio:g}.")
        return dict(alpha=self.alpha, beta=self.beta, noise=self.noise, ratio=ratio)

    def problem(self, d: int) -> Any:
        """The problem with d features."""
        data = self.given
        return solvable.PowerLaw(v=round(data.pop("ratio") * d), d=d, **data)


@Parameter(name="*", group=TRAINED)
@dataclass(frozen=True, kw_only=True)
class Training:
    """The learning rate, given or relative to the largest stable one, and the batch size."""

    gamma: Real | None = None
    """Learning rate, on the batch mean."""
    fraction: Real | None = None
    """Or: fraction of the largest stable learning rate, by default 0.5."""
    B: Annotated[int, typed(count, "N", name="--B")] = 1
    """Batch size."""

    @property
    def given(self) -> dict[str, float]:
        """The arguments of SGD, or of SGD.stable."""
        if self.gamma is None:
            return dict(fraction=0.5 if self.fraction is None else self.fraction, B=self.B)
        if self.fraction is not None:
            raise ValueError("Give --gamma or --fraction: one of them.")
        return dict(gamma=self.gamma, B=self.B)

    def rule(self, problem: Any) -> Any:
        """The training rule of a problem."""
        rule = solvable.SGD if self.gamma is not None else partial(solvable.SGD.stable, problem)
        return rule(**self.given)


@Parameter(name="*", group=TRAINED)
@dataclass(frozen=True, kw_only=True)
class Rule(Training):
    """SGD or momentum, with a schedule to the last step, and an average of the iterates."""

    schedule: Literal["constant", "linear", "cosine", "stable-decay", "halving"] = "constant"
    """How the learning rate falls from its peak to the last step."""
    mu: Real | None = None
    """Momentum in [0, 1): heavy ball instead of SGD."""
    ema: Real | None = None
    """Risk of the exponential moving average of the iterates, with this rho in [0, 1)."""
    tail: Count | None = None
    """Or: risk of the mean of the iterates from this step on; 0 for all."""

    def rule(self, problem: Any, steps: Any = 1) -> Any:
        """The training rule of a problem, up to the last of ``steps``."""
        rule = super().rule(problem)
        if self.mu is not None:
            rule = solvable.Momentum(rule.gamma, self.mu, self.B)
            if self.gamma is None:  # a fraction of momentum's own threshold
                room = solvable.stability(problem, rule).max_learning_rate
                fraction = 0.5 if self.fraction is None else self.fraction
                rule = solvable.Momentum(fraction * room, self.mu, self.B)
        if self.schedule != "constant":
            shapes = {"linear": "Linear", "cosine": "Cosine", "halving": "Geometric"}
            shape = getattr(solvable, (shapes | {"stable-decay": "StableDecay"})[self.schedule])
            last = steps if isinstance(steps, int) else steps[-1]
            rule = replace(rule, gamma=shape(rule.gamma, max(int(last), 1)))
        if self.ema is None and self.tail is None:
            return rule
        return solvable.Averaged(rule, ema=self.ema, tail=self.tail)


@Parameter(name="*", group=PRINTED)
@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a result goes."""

    json: Flag = False
    """Print JSON, alone, on stdout."""
    out: Path | None = None
    """Save all numbers to FILE.nc (for solvable.load) or FILE.csv."""
    force: Flag = False
    """Replace the file if it exists."""

    def check(self) -> None:
        """Refuse a bad file, before the computation."""
        if self.out is not None:
            check_file("--out", self.out, (".nc", ".csv"), self.force)

    def deliver(self, result: Any, heading: str, columns: dict, note: str = "", **also) -> int:
        """Save the result and print it, with what ``also`` belongs to it; the exit code."""
        try:
            write = lambda path: write_result(result, path, self.force, also)
            return save(self.out, write) if self.out else 0
        finally:  # whatever became of the file, the numbers are shown
            if self.json:
                show_json(plain(result) | also)
            else:
                rows = list(zip(*columns.values(), strict=True))
                last, n = len(rows) - 1, min(len(rows), ROWS)
                shown = [rows[round(k * last / max(n - 1, 1))] for k in range(n)]
                show(heading, table(columns, shown), note)


DEFAULT_TRAINING, DEFAULT_RULE, DEFAULT_OUTPUT = Training(), Rule(), Output()
