r"""Modes of the deterministic equivalent: nodes on a contour around the spectrum.

For any polynomial h, :math:`\mathbb E \langle D^{1/2} b, h(K) D^{1/2} b \rangle = -\frac{1}{2 \pi
i} \oint S(z) h(z)\, dz`, with S the resolvent transform of :mod:`solvable.resolvent`. The
nodes of a quadrature of this integral are used as if they were modes: a few hundred of them,
for any number of features, obey the recursion of the exact modes.

The contour is mirrored in the real axis, so its upper half and a real part are enough:

- a segment from the real axis, just beyond the band, to half its height at 45 degrees, with
  panels that shrink towards the band's edge;
- a ray at 45 degrees towards the origin, in panels of equal length in log abs(z);
- a small arc around the origin, where the steps to come change nothing yet.

Below the stability threshold no node grows: the factor a(z) stays in the unit disk on all
three, for every batch size.
"""

import jax
import numpy as np
from jaxtyping import Complex, Float

from solvable._precision import as_numpy, float64_on_cpu
from solvable._types import Array
from solvable.modes import Modes
from solvable.problem import PowerLaw
from solvable.recursion import rate
from solvable.resolvent import transforms
from solvable.sgd import SGD
from solvable.stability import band_edge

TOLERANCE = 1e-9
"""Largest relative error of the sum rules, and of what a refinement may still change."""

_ANGLE = np.pi / 4
_GAUSS = np.polynomial.legendre.leggauss(12)


def path(
    top: float, gap: float, eps: float, refine: int
) -> tuple[Complex[np.ndarray, " n"], Complex[np.ndarray, " n"]]:
    """Nodes z and weights dz on the upper half, from the positive real axis to the negative.

    Args:
        top: Where the contour leaves the positive real axis.
        gap: Distance of ``top`` from the band.
        eps: Radius of the small arc.
        refine: Multiplies the number of panels.
    """
    corner = top / 2 * np.exp(1j * _ANGLE)
    halvings = int(np.ceil(np.log2(top / gap)))
    segment = top + (corner - top) * 2.0 ** -(np.arange(refine * halvings, 0, -1) / refine)
    panels = refine * int(np.ceil(np.log(top / 2 / eps)))
    ray = eps * (top / 2 / eps) ** np.linspace(1, 0, panels + 1) * np.exp(1j * _ANGLE)
    arc = eps * np.exp(1j * np.linspace(_ANGLE, np.pi, 3 * refine + 1))
    breaks = np.concatenate([[top], segment, ray, arc[1:]])
    middle, half = (breaks[1:] + breaks[:-1]) / 2, np.diff(breaks) / 2
    x, w = _GAUSS  # straight panels: only the ends of a path of analytic integrand matter
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


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


def _forcing_and_kernel(nodes: Modes, gamma: float, B: float, horizon: float) -> np.ndarray:
    """What a step sees of the modes, at log-spaced steps: it must not depend on the rule."""
    step = np.rint(np.geomspace(1, max(horizon, 2), 24))[:, None]
    exponent = step * np.log1p(-rate(nodes.lam, gamma, B))
    powers = np.exp(exponent[exponent.real.max(axis=1) < 600])  # above the threshold they grow
    return np.real([powers @ nodes.weight, powers @ (nodes.multiplicity * nodes.lam**2)])


@float64_on_cpu
def contour_modes(problem: PowerLaw, sgd: SGD, horizon: float) -> Modes:
    """Modes of the deterministic equivalent, for up to ``horizon`` steps of SGD.

    The rule is refined until the sum rules hold and a refinement changes neither the forcing
    nor the kernel of the SGD noise, up to the horizon, by more than ``TOLERANCE``.

    Raises:
        ArithmeticError: If no refinement is enough.
    """
    spectrum, inverse_d = problem.spectrum(), problem.inverse_d
    gamma, B = float(sgd.gamma), float(sgd.B)
    band, stable = float(band_edge(spectrum, inverse_d)), 2 * B / (gamma * (B + 1))
    top = min(np.sqrt(band * stable), 1.5 * band) if stable > band else 1.001 * band
    eps = min(1 / (2 * gamma * max(horizon, 1)), top / 4)
    before = np.inf
    for refine in (1, 2, 4, 8):
        nodes = _nodes(*path(top, top - band, eps, refine), spectrum, inverse_d)
        nodes = as_numpy(nodes)
        seen = _forcing_and_kernel(nodes, gamma, B, horizon)
        # Below 1e-14 of the first value is rounding: a kernel that has decayed exponentially.
        scale = np.abs(seen) + 1e-14 / TOLERANCE * np.abs(seen[:, :1])
        change = np.max(np.abs(seen - before) / scale)
        error = max(change, sum_rules(nodes, spectrum, float(inverse_d)).max())
        if error < TOLERANCE:
            return nodes
        before = seen
    raise ArithmeticError(
        f"The contour of {problem} with {sgd} is accurate to {error:.1e} only "
        f"(required: {TOLERANCE:.0e}) over {horizon:g} steps."
    )
