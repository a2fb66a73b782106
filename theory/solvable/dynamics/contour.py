r"""Modes of the deterministic equivalent: nodes on a contour around the spectrum.

For any polynomial h, :math:`\mathbb E \langle D^{1/2} b, h(K) D^{1/2} b \rangle = -\frac{1}{2 \pi
i} \oint S(z) h(z)\, dz`, with S the resolvent transform of :mod:`solvable.spectra.resolvent`. The
nodes of a quadrature of this integral are used as if they were modes: a few hundred of them,
for any number of features, obey the recursion of the exact modes.

The contour is mirrored in the real axis, so its upper half and a real part are enough. From the
right it is

- a segment from the real axis, just beyond the band, to half its height at 45 degrees;
- a ray at 45 degrees towards the origin;
- a small arc around the origin, where the steps to come change nothing yet.

For SGD below its threshold no node on the first two grows, whatever the batch size. Rules with
memory ring at complex eigenvalues: for them the contour is lowered to where the second moments
of a node stay bounded over the steps to come (for heavy ball that is a height of about
:math:`(1 - \mu) / \gamma`). Panels are as long as their distance from the spectrum.

Source of the resolvent: Paquette et al. (2024), arXiv 2405.15074, section 3. Derived in the
documents: theory/random_features, theory/momentum.
"""

from collections.abc import Callable, Iterator

import jax
import numpy as np
from jaxtyping import Complex, Float

from solvable.dynamics.recursion import changes, pairs
from solvable.models.modes import Modes, seen_modes
from solvable.models.problem import Problem, check_one_pass
from solvable.models.thresholds import band_edge
from solvable.rules.rule import Rule, check_rule, target_keeping
from solvable.spectra.resolvent import transforms
from solvable.util.checks import check_number
from solvable.util.precision import as_numpy, float64_on_cpu
from solvable.util.types import Array

TOLERANCE = 1e-9
"""Largest relative error of the sum rules, and of what a refinement may still change."""

GROWTH = 1.0
"""How much a node may grow by the horizon, in the exponent."""

_CORNER = np.sqrt(1 / 8)  # of the segment and the ray, in units of where the contour begins
_MOMENTS = 24  # at which a rule that changes is looked at

Path = tuple[Complex[np.ndarray, " n"], Complex[np.ndarray, " n"]]
"""Nodes z and weights dz on the upper half of a contour."""

Height = Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]]


class Watched:
    """What a rule does to any node up to a horizon, frozen at a few of its steps."""

    def __init__(self, rule: Rule, horizon: float) -> None:
        self.omega = rule.omega
        rule = rule.base  # an average does not act on the iterate
        horizon = max(int(horizon), 1)
        moments = 1 if rule.constant else _MOMENTS
        self.step = np.unique(np.rint(np.geomspace(1, horizon, moments)).astype(np.int64)) - 1
        if rule.constant:
            self.step = np.zeros(1, np.int64)
        self.lengths = np.diff(self.step, append=horizon)
        self.lasting = np.array([horizon]) if rule.constant else self.step + 1
        self.A, self.b = map(np.asarray, target_keeping(rule, self.step))
        self.start = np.array([rule.start[i] * rule.start[j] for i, j in pairs(len(rule.start))])
        self.B = float(rule.B)

    @property
    def has_memory(self) -> bool:
        """Whether more than the iterate is kept."""
        return self.start.size > 1

    def changes(self, z: Complex[np.ndarray, " n"]) -> Iterator[Complex[np.ndarray, "n D D"]]:
        """The matrix of a step minus one, at every moment."""
        return (changes(A, b, z, self.B, self.omega) for A, b in zip(self.A, self.b, strict=True))

    def growth(self, z: Complex[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The largest exponent by which a node has grown, at any step up to the horizon."""
        q = np.array([np.linalg.eigvals(change) for change in self.changes(z)])
        with np.errstate(divide="ignore"):  # a mode that one step removes
            exponent = np.log1p(2 * q.real + np.abs(q) ** 2).max(axis=-1) / 2
        exponent = np.maximum(exponent, -700)
        return np.cumsum(self.lengths[:, None] * exponent, axis=0).max(axis=0)

    def seen(self, nodes: Modes) -> Float[np.ndarray, "n 2"]:
        """Sums over the nodes that a run depends on: they must not depend on the contour.

        The forcing and the kernel of the SGD noise after 1, 2, 4, ... steps of each frozen rule,
        and beside each its first value.
        """
        sums = []
        for Q, b, lasting in zip(
            self.changes(np.asarray(nodes.lam)), self.b, self.lasting, strict=True
        ):
            noise = [b[i] * b[j] for i, j in pairs(b.size)]
            kernel, n = nodes.multiplicity * nodes.lam**2, 1
            # Below 1e-14 of the first value is rounding: a kernel that has decayed exponentially.
            while n < lasting and np.abs(Q).max() < 1e250:  # above the threshold nodes grow
                forcing = nodes.weight @ (self.start[0] + Q[:, 0] @ self.start)
                feedback = kernel @ (noise[0] + Q[:, 0] @ noise)
                first = (nodes.weight.sum() * self.start[0], kernel.sum() * noise[0])
                sums += [(forcing.real, abs(first[0])), (feedback.real, abs(first[1]))]
                Q, n = 2 * Q + Q @ Q, 2 * n
        return np.array(sums).reshape(-1, 2)


def allowed_height(watched: Watched, eps: float, top: float) -> Height:
    """The largest height over x up to which no node grows, as a function of x."""
    if not watched.has_memory:
        return lambda x: x
    grid = np.geomspace(eps / 2, top, 4 * int(np.ceil(np.log2(2 * top / eps))))
    fractions = 2.0 ** -np.arange(0, 24, 0.5)
    z = grid[:, None] * (1 + 1j * fractions)
    fine = watched.growth(z.ravel()).reshape(z.shape) <= GROWTH
    height = np.log(grid * fractions[np.argmax(fine, axis=1)])
    after, before = np.append(height[1:], np.inf), np.append(np.inf, height[:-1])
    height = np.minimum(height, np.minimum(before, after))
    return lambda x: np.exp(np.interp(np.log(x), np.log(grid), height))


def path(
    top: float,
    band: float,
    eps: float,
    refine: int,
    height: Height = lambda x: x,
    order: int = 12,
) -> Path:
    """Nodes z and weights dz on the upper half, from the positive real axis to the negative.

    Args:
        top: Where the contour leaves the positive real axis.
        band: Where the spectrum ends.
        eps: Radius of the small arc.
        refine: Divides the length of the panels.
        height: Largest height over x; at most x.
        order: Points of each panel.
    """
    slope = _CORNER / (1 - _CORNER)
    x, breaks = top, [complex(top)]
    while x > eps * np.sqrt(1 / 2):
        distance = abs(breaks[-1] - min(x, band))
        x -= 0.62 / refine * distance
        breaks.append(complex(x, min(float(height(np.array(x))), slope * (top - x))))
    end = breaks[-1]
    arc = abs(end) * np.exp(1j * np.linspace(np.angle(end), np.pi, 3 * refine + 1))
    z = np.concatenate([breaks, arc[1:]])
    middle, half = (z[1:] + z[:-1]) / 2, np.diff(z) / 2
    # Straight panels: only the ends of a path of analytic integrand matter.
    x, w = np.polynomial.legendre.leggauss(order)
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


def around(band: float, watched: Watched, lower: float = 1.0) -> Callable[..., Path]:
    """The path around a spectrum that ends at ``band``, on which a rule makes no node grow.

    For a rule with memory it is ``lower`` times as high as it may be: on the highest a ringing
    node lasts as long as the run. It then begins as near the band as it is high, since the
    rings are denser the farther out.
    """
    tops = band * (1 + 2.0 ** -np.arange(1, 11))
    top = float(tops[np.argmax(np.append(watched.growth(tops)[:-1] <= GROWTH, True))])
    radii = top / 4 * 2.0 ** -np.arange(0, 100)
    eps = float(radii[np.argmax(np.append(watched.growth(-radii)[:-1] <= GROWTH, True))])
    allowed = allowed_height(watched, eps, top)
    if not watched.has_memory:
        return lambda refine, **options: path(top, band, eps, refine, allowed, **options)
    height = lambda x: lower * allowed(x)
    top = min(top, band + float(allowed(np.array(band))))
    return lambda refine, **options: path(top, band, eps, refine, height, **options)


@jax.jit
def _nodes(z: Array, dz: Array, spectrum: Modes, inverse_d: Array) -> Modes:
    target, trace = transforms(z, spectrum, inverse_d)
    measure = 1j / np.pi * dz  # -1/(2 pi i), twice for the lower half
    return Modes(
        lam=z,
        weight=target * measure,
        multiplicity=trace * measure / z,
        floor=0.0,
        noise=spectrum.noise,
    )


def sum_rules(nodes: Modes, spectrum: Modes, inverse_d: float) -> Float[np.ndarray, " 4"]:
    """Relative errors of mass and first moment, of the target and of the trace of K."""
    n, lam, w = spectrum.multiplicity, spectrum.lam, spectrum.weight
    trace = n @ lam
    exact = [w.sum(), w @ lam, trace, n @ lam**2 + inverse_d * trace**2]
    z, target, kernel = nodes.lam, nodes.weight, nodes.multiplicity * nodes.lam
    found = [target.sum(), target @ z, kernel.sum(), kernel @ z]
    return np.abs(np.real(found) / np.array(exact) - 1)


def padded(z: np.ndarray, dz: np.ndarray) -> Path:
    """Filled up with nodes of weight zero to one of few sizes, so that contours share programs."""
    size = 1 << (z.size - 1).bit_length()
    more = (size if z.size > 3 * size // 4 else 3 * size // 4) - z.size
    return np.append(z, np.full(more, z[-1])), np.append(dz, np.zeros(more))


@float64_on_cpu
def contour_modes(problem: Problem, rule: Rule, horizon: float) -> Modes:
    """Modes of the deterministic equivalent, for up to ``horizon`` steps of a training rule.

    Panels are refined until the sum rules hold and one more refinement would change neither the
    forcing nor the kernel of the SGD noise, up to the horizon, by more than ``TOLERANCE``.

    Args:
        problem: What is learned, through random features.
        rule: How; it says on which nodes nothing may grow.
        horizon: Number of steps up to which the modes are good.

    Raises:
        ArithmeticError: If no refinement is enough.
    """
    check_one_pass(problem)
    check_rule(rule)
    horizon = check_number("horizon", horizon, minimum=0)
    spectrum, inverse_d = seen_modes(problem), problem.inverse_d
    watched = Watched(rule, horizon)
    outline = around(float(band_edge(spectrum, inverse_d)), watched)
    before = None
    for refine in (1, 2, 4, 8):
        points = padded(*outline(refine))
        nodes = as_numpy(_nodes(*points, spectrum, inverse_d))
        seen, rules = watched.seen(nodes), sum_rules(nodes, spectrum, float(inverse_d)).max()
        if before is not None and len(before[1]) == len(seen):
            # Below 1e-14 of the first value is rounding: a kernel that has decayed exponentially.
            scale = np.abs(seen[:, 0]) + 1e-14 / TOLERANCE * seen[:, 1]
            change = np.abs(seen - before[1])[:, 0] / np.maximum(scale, 1e-300)
            error = max(np.max(change, initial=0), before[2])
            if error < TOLERANCE:
                return before[0]
        before = nodes, seen, rules
    raise ArithmeticError(
        f"The contour of {problem} with {rule} is accurate to {error:.1e} only "
        f"(required: {TOLERANCE:.0e}) over {horizon:g} steps."
    )
