"""Random configurations to check: all phases, small sizes, few programs to compile."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np

from solvable.asymptotics.phases import phase
from solvable.models.draw import Draw
from solvable.models.power_law import PowerLaw
from solvable.rules.momentum import Momentum
from solvable.rules.rule import Rule
from solvable.rules.schedules import Linear
from solvable.rules.sgd import SGD
from solvable.util.checks import check_count
from solvable.verify.presets import POINTS

RECORDED = np.array([1, 2, 4, 8, 16])
"""The recorded steps, in sixteenths of the last."""
PLANE = (0.05, -0.5), (1.5, 1.5)
"""The corners of the rectangle of points (alpha, beta)."""

RULES = {
    "SGD": lambda sgd, last: sgd,
    "momentum 0.5": lambda sgd, last: Momentum(0.5 * sgd.gamma, 0.5, sgd.B),
    "linear decay": lambda sgd, last: SGD(Linear(sgd.gamma, last), sgd.B),
}
"""Training rules, from SGD of constant rate and the last step. Momentum 0.5 doubles the length of
a step, so its rate is half."""


class Kind(NamedTuple):
    """What the compiler sees of a configuration; the other numbers are traced."""

    v: int
    d: int
    B: int
    rule: str = "SGD"
    engine: str = "modes"


KINDS = (
    Kind(v=64, d=16, B=2),
    Kind(v=96, d=32, B=4),
    Kind(v=64, d=16, B=4, engine="features"),
    Kind(v=96, d=32, B=8),
    Kind(v=64, d=16, B=8, rule="momentum 0.5"),
    Kind(v=64, d=16, B=4, rule="linear decay"),
)
"""Taken in turn. Six, against seven phases: 42 configurations have every pair."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One case, given by its index and the seed alone: see :func:`random_configuration`."""

    index: int
    seed: int
    phase: str
    """One of the seven."""
    problem: PowerLaw
    kind: Kind
    fraction: float
    """Learning rate of SGD in units of the largest stable one of the draw."""
    last: int
    """The last step."""

    @property
    def step(self) -> np.ndarray:
        """The recorded steps."""
        return self.last * RECORDED // RECORDED[-1]

    @property
    def key(self) -> jax.Array:
        """Of its random numbers."""
        return jax.random.fold_in(jax.random.key(self.seed), self.index)

    def draw(self) -> Draw:
        """Its features."""
        return self.problem.draw(jax.random.fold_in(self.key, 0))

    def rule(self, draw: Draw) -> Rule:
        """Its training rule, for its features."""
        return RULES[self.kind.rule](SGD.stable(draw, self.fraction, self.kind.B), self.last)

    def __str__(self) -> str:
        return (
            f"{self.index}: phase {self.phase}, {self.problem}, {self.kind.rule} at "
            f"{self.fraction} of the stable rate, B = {self.kind.B}, engine {self.kind.engine}, "
            f"{self.last} steps"
        )


def random_configuration(index: int, seed: int = 0) -> Configuration:
    """The configuration of that index, without those before it.

    Alpha and beta are uniform in the part of the plane that belongs to the phase; half of the
    problems have label noise, log-uniform from 0.001 to 1; the fraction of the stable learning
    rate is uniform from 0.05 to 0.3, and the last step log-uniform over 16, 32, ..., 256.

    Args:
        index: From 0.
        seed: Of all configurations.

    Raises:
        ValueError: If an argument is not a whole number from 0.

    Example:
        >>> print(random_configuration(0))
        0: phase Ia, PowerLaw(alpha=0.9736, beta=0.0396, v=64, d=16, noise=0.0), SGD at 0.253 of
        the stable rate, B = 2, engine modes, 16 steps
    """
    check_count("index", index, minimum=0)
    check_count("seed", seed, minimum=0)
    rng = np.random.default_rng([seed, index])
    name, kind = list(POINTS)[index % len(POINTS)], KINDS[index % len(KINDS)]
    while True:
        alpha, beta = rng.uniform(*PLANE).round(4).tolist()
        if 2 * (alpha + beta) > 1 and phase(alpha, beta).name == name:
            break
    noise = float(rng.integers(2) * 10 ** rng.uniform(-3, 0))
    return Configuration(
        index=index,
        seed=seed,
        phase=name,
        problem=PowerLaw(alpha=alpha, beta=beta, v=kind.v, d=kind.d, noise=round(noise, 4)),
        kind=kind,
        fraction=round(rng.uniform(0.05, 0.3), 3),
        last=int(RECORDED[-1] * 2 ** rng.integers(5)),
    )
