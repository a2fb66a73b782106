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
from solvable.rules.sgd import SGD
from solvable.schedules import Linear
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
    """What the compiler sees of a configuration, and the ranges of the other numbers."""

    v: int
    d: int
    B: int
    rule: str = "SGD"
    engine: str = "modes"
    runs: int = 256
    fractions: tuple[float, float] = (0.05, 0.3)
    """The smallest and the largest learning rate of SGD, in units of the largest stable one."""
    doublings: int = 4
    """The last step is 16, or up to so many times twice that."""

    def __str__(self) -> str:
        return f"{self.rule}, B = {self.B}, v = {self.v}, {self.engine}"


def _fast(engine: str) -> Kind:
    """Batch size 1 at high rates, where the noise of SGD feeds on itself and its coefficients show.

    The tail of the risk is long there and grows along training, so there are many runs, and few
    steps.
    """
    kind = Kind(v=64, d=16, B=1, engine=engine)
    return kind._replace(runs=16_384, fractions=(0.3, 0.6), doublings=0)


KINDS = (
    Kind(v=64, d=16, B=2),
    Kind(v=96, d=32, B=4),
    Kind(v=64, d=16, B=4, engine="features"),
    _fast("modes"),
    Kind(v=96, d=32, B=8),
    Kind(v=64, d=16, B=8, rule="momentum 0.5"),
    Kind(v=64, d=16, B=4, rule="linear decay"),
    _fast("features"),
)
"""Taken in turn. Eight, against seven phases: 56 configurations have every pair."""

LARGEST = 2**32 - 1
"""Largest seed and index: random keys are made of 32 bits."""


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
        """Key of its random numbers."""
        return jax.random.fold_in(jax.random.key(self.seed), self.index)

    def draw(self) -> Draw:
        """Draw of its features."""
        return self.problem.draw(jax.random.fold_in(self.key, 0))

    def rule(self, draw: Draw) -> Rule:
        """Training rule, for its features."""
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
    rate is uniform from 0.05 to 0.3, and the last step log-uniform over 16, 32, ..., 256. At batch
    size 1 the fraction is uniform from 0.3 to 0.6, and the last step 16.

    Args:
        index: From 0.
        seed: Of all configurations, below 2^32.

    Raises:
        TypeError: If an argument is no number.
        ValueError: If an argument is not a whole number from 0.

    Example:
        >>> print(random_configuration(0))
        0: phase Ia, PowerLaw(alpha=0.9736, beta=0.0396, v=64, d=16, noise=0.0), SGD at 0.253 of
        the stable rate, B = 2, engine modes, 16 steps
    """
    index = check_count("index", index, minimum=0, maximum=LARGEST)
    seed = check_count("seed", seed, minimum=0, maximum=LARGEST)
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
        fraction=round(rng.uniform(*kind.fractions), 3),
        last=int(RECORDED[-1] * 2 ** rng.integers(kind.doublings + 1)),
    )
