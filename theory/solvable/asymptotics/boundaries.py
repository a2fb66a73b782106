"""The boundaries of the phases in the (alpha, beta) plane: straight pieces, and how far they are.

Source: arXiv 2405.15074, section 3; which phases they separate is tested against :func:`phase`.
"""

import math
from dataclasses import dataclass

NO_POWER_LAW = "no power law"
"""The far side of alpha + beta = 1/2, where the risk does not fall with size."""

ON_BOUNDARY = 1e-9
"""Nearer than this, a point is on a boundary."""

NEAR_BOUNDARY = 0.05
"""Nearer than this, it is worth a word: across a boundary two powers trade places, and one that is
larger by f^distance outgrows the other only once log f is far above one over the distance."""


@dataclass(frozen=True)
class Boundary:
    """The boundary nearest to a point. On it, logarithms may multiply the power law."""

    between: tuple[str, str]
    """The phases on its two sides; the second may be ``NO_POWER_LAW``."""
    where: str
    """Its equation, such as "beta = alpha"."""
    distance: float
    """Euclidean distance in the (alpha, beta) plane."""


@dataclass(frozen=True)
class Segment:
    """A straight piece of a boundary: start + u direction for 0 <= u <= length."""

    between: tuple[str, str]
    """The phases on its two sides."""
    where: str
    """The equation of its line."""
    start: tuple[float, float]
    """The end (alpha, beta) that is always finite."""
    direction: tuple[int, int]
    length: float = math.inf
    """The largest u, in multiples of ``direction``: infinite for a ray."""

    def point(self, u: float) -> tuple[float, float]:
        """The point (alpha, beta) at u."""
        (alpha, beta), (x, y) = self.start, self.direction
        return alpha + u * x, beta + u * y

    def seen_from(self, alpha: float, beta: float) -> Boundary:
        """The segment as a boundary, at the distance of its point nearest to (alpha, beta)."""
        (alpha_0, beta_0), (x, y) = self.start, self.direction
        u = ((alpha - alpha_0) * x + (beta - beta_0) * y) / (x * x + y * y)
        nearest = self.point(min(max(u, 0.0), self.length))
        return Boundary(self.between, self.where, math.dist((alpha, beta), nearest))


_IV = 1 - math.sqrt(0.5)  # left of it K_pp/gamma falls with s, right of it K_pp/gamma rises
_RIGHT, _UP, _DOWN = (1, 0), (0, 1), (0, -1)

BOUNDARIES = (
    Segment(("Ia", "Ib"), "alpha = 1/2", (0.5, 0.5), _DOWN, 0.5),
    Segment(("Ia", "II"), "beta = 1/2", (0.5, 0.5), _RIGHT),
    Segment(("Ib", "Ic"), "beta = 1/2", (0.0, 0.5), _RIGHT, 0.25),
    Segment(("Ib", "IVb"), "beta = 1/2", (0.25, 0.5), _RIGHT, _IV - 0.25),
    Segment(("Ib", "IVa"), "beta = 1/2", (_IV, 0.5), _RIGHT, 0.5 - _IV),
    Segment(("Ic", "IVb"), "alpha = 1/4", (0.25, 0.5), _UP),
    Segment(("II", "III"), "beta = alpha", (0.5, 0.5), (1, 1)),
    Segment(("III", "IVa"), "alpha = 1/2", (0.5, 0.5), _UP),
    Segment(("IVa", "IVb"), "alpha = 1 - 1/sqrt(2)", (_IV, 0.5), _UP),
    Segment(("Ia", NO_POWER_LAW), "alpha + beta = 1/2", (0.5, 0.0), (1, -1)),
    Segment(("Ib", NO_POWER_LAW), "alpha + beta = 1/2", (0.0, 0.5), (1, -1), 0.5),
)
"""All boundaries in the half-plane alpha > 0."""
