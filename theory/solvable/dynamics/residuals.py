r"""What a full-batch rule leaves of the error, as a sum of resolvents.

A rule that leaves :math:`p_t(K) w` of the target w is written

.. math::
    p_t(K) = 2 \operatorname{Re} \sum_j u_j\, z_j\, (z_j + K)^{-1}

with points z on the upper half of a contour. For gradient flow and gradient descent the contour is
Talbot's, scaled by 1/t: a dozen points, and any t costs the same (the first steps of gradient
descent share a circle). Any other rule has a contour around the spectrum, chosen so that no point
of it grows, and :math:`p_t` there is the rule itself, taken step by step or by squaring.

Source of the contour: Weideman (2006), SIAM J. Numer. Anal. 44, 2342. Derived in the documents:
theory/finite_data.
"""

import itertools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Complex, Float, Inexact

from solvable.dynamics.contour import Path
from solvable.dynamics.recursion import calls
from solvable.numerics.contours import TALBOT, circle, talbot
from solvable.rules.filters import Points
from solvable.rules.full_batch import FullBatch
from solvable.rules.rule import target_keeping
from solvable.util.types import Array, Scalar

EARLY = 12
"""Steps before this one are taken from the circle, where the sums of pairs lose t / 4 digits."""

_CALL = 1024  # steps whose residuals are held at a time


def late_points(t: Float[Array, " k"], gamma: Scalar, n: int = TALBOT) -> Points:
    r"""Points of gradient descent at steps from ``EARLY`` on: :math:`p_t(h) = (1 - \gamma h)^t`."""
    w, c = talbot(n)
    s_minus_1 = jnp.expm1(w / (t[:, None] + 1))
    return s_minus_1 / gamma, -0.5j * c / (t[:, None] + 1) / s_minus_1


def early_points(gamma: Scalar) -> tuple[Complex[Array, " n"], Complex[np.ndarray, "k n"]]:
    """Points of gradient descent at steps 0, ..., ``EARLY``, the same for all."""
    s, c = circle(EARLY)
    return (s - 1) / gamma, c / 2 / (s - 1)


def contour_points(points: Path, p: Complex[np.ndarray, "k n"]) -> Points:
    r"""Points of :math:`\frac{1}{2 \pi i} \oint p(h) (h - K)^{-1} dh` around the spectrum."""
    h, dh = points
    return -h, p * dh / (2j * np.pi * h)


def polynomials(
    rule: FullBatch, step: np.ndarray, h: Inexact[np.ndarray, " n"]
) -> Callable[[int], Inexact[np.ndarray, "k n"]]:
    """:math:`p_t(h)` of any rule at increasing steps: a function that gives those of so many more
    steps. Beyond the last they repeat."""
    rows = _jumping(rule, step, h) if rule.constant else _stepping(rule, step, h)

    def more(count: int) -> Inexact[np.ndarray, "k n"]:
        found = list(itertools.islice(rows, count))
        return np.stack(found + found[-1:] * (count - len(found)))

    return more


def _jumping(rule: FullBatch, step: np.ndarray, h: np.ndarray) -> Iterator[np.ndarray]:
    """Powers by squaring. They are kept as M - 1, so that slow modes keep their digits."""
    A, b = (np.asarray(x)[0] for x in target_keeping(rule, np.zeros(1, int)))
    one = A - np.eye(b.size) + h[:, None, None] * np.outer(b, np.eye(b.size)[0])
    x = np.broadcast_to(np.array(rule.start, one.dtype)[:, None], (h.size, b.size, 1))
    at = 0
    for t in step:
        power, gap, at = one, int(t) - at, int(t)
        while gap:
            if gap & 1:
                x = x + power @ x
            power, gap = 2 * power + power @ power, gap >> 1
        yield x[:, rule.output, 0]


@jax.jit
def _march(x, coefficients, h):
    def one(x, coefficient):
        A, b = coefficient
        return A @ x + b[:, None] * h * x[0], x

    return lax.scan(one, x, coefficients)


def _stepping(rule: FullBatch, step: np.ndarray, h: np.ndarray) -> Iterator[np.ndarray]:
    x = jnp.asarray(rule.start)[:, None] * jnp.ones_like(h)
    for t, steps in calls(int(step[-1]), _CALL):
        x, before = _march(x, target_keeping(rule, steps), h)
        first, end = np.searchsorted(step, (t, t + steps.size))
        for recorded in step[first:end]:
            yield np.asarray(before[recorded - t, rule.output])
