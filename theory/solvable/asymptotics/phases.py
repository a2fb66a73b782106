r"""The phase diagram of compute-optimal training, derived rather than tabulated.

The risk of power-law random features under one-pass SGD is, up to constants, a sum of at
most four monomials in the size d and the number of steps t (:func:`monomials`). Spend the
compute f = d t as d = f^s, t = f^(1-s): on the scale log_f, each monomial is a line in s,
and the best risk at compute f is

.. math:: f^{\ell}, \qquad \ell = \min_{0 \le s \le 1} \max_i \; (y_i + (x_i - y_i) s),

for the exponents x_i of d and y_i of t. This linear program in two variables is solved
here in exact rational arithmetic (:func:`phase`); its optimum is where two terms balance,
and which two they are names the phase.

Source: Paquette, Paquette, Xiao, Pennington, "4+3 Phases of Compute-Optimal Neural Scaling Laws"
(2024), arXiv 2405.15074: the four terms and their phases in Section 3, the optimal exponents in
Section 4. The data have covariance eigenvalues j^(-2 alpha) and the target has coefficients
j^(-beta). Derived in the documents: theory/random_features.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np

from solvable.asymptotics.boundaries import (
    BOUNDARIES,
    NEAR_BOUNDARY,
    NO_POWER_LAW,
    ON_BOUNDARY,
    Boundary,
)
from solvable.util.checks import check_number, is_number
from solvable.util.errors import requirement, wrong_kind

Number = float | Fraction
Scalar = Number | np.integer | np.floating

LARGEST = 1e100
"""Arguments are at most so large, and alpha at least one over it, so that no exponent overflows."""

NAMES = ("Ia", "Ib", "Ic", "II", "III", "IVa", "IVb", NO_POWER_LAW)
"""The phases, and what lies beyond them."""

TERMS = {
    "F_0": "capacity: the part of the target outside the span of the features",
    "F_pp": "population modes that are not yet learned",
    "F_ac": "distortion of the modes by the features",
    "K_pp": "SGD noise",
}
"""The terms of the risk and their meaning. On a tie the earlier one is named."""

WORDS = {"F_0": "capacity", "F_pp": "population", "F_ac": "distortion", "K_pp": "SGD noise"}
"""The terms in a word."""


@dataclass(frozen=True)
class Phase:
    """What theory says of compute-optimal training at one (alpha, beta): see :func:`phase`."""

    name: str
    """One of Ia, Ib, Ic, II, III, IVa, IVb."""
    alpha: Number
    beta: Number
    loss_exponent: Number
    """The best risk at compute f falls as f^loss_exponent (negative)."""
    size_exponent: Number
    """The best size at compute f grows as f^size_exponent (positive)."""
    terms: tuple[str, str]
    """The two that balance: one that a larger d lowers at fixed f, then one that it raises."""
    proven: bool
    """Proven in the paper, inside the phases: alpha > 1/4. Otherwise its conjecture."""
    boundary: Boundary
    """The nearest boundary."""
    meets: tuple[str, ...]
    """The phases that meet here, if the point is on a boundary; otherwise empty."""

    @property
    def caution(self) -> str:
        """What a point on a boundary, or near one, should be told; otherwise empty.

        Example:
            >>> phase(0.5, 0.5).caution
            'Ia, Ib, II, III and IVa meet here: logarithms may multiply the power law'
        """
        if self.meets:
            *others, last = self.meets
            meeting = f"{', '.join(others)} and {last} meet here"
            return f"{meeting}: logarithms may multiply the power law"
        distance = self.boundary.distance
        if distance < NEAR_BOUNDARY:
            slowly = "so near a boundary, local slopes reach the exponents only"
            return f"{slowly} once log f is far above {1 / distance:.2g}"
        return ""

    def __str__(self) -> str:
        near, (falling, rising) = self.boundary, self.terms
        place = f"{near.distance:.4g} from {near.where}, between {' and '.join(near.between)}"
        lines = [
            f"Phase {self.name} at alpha = {_show(self.alpha)}, beta = {_show(self.beta)}"
            f" ({'proven' if self.proven else 'conjecture'})",
            f"risk ~ f^({_show(self.loss_exponent)}) at d ~ f^({_show(self.size_exponent)}),"
            f" where {WORDS[falling]} ({falling}) balances {WORDS[rising]} ({rising})",
            *([] if self.meets else [place]),
            *([self.caution] if self.caution else []),
        ]
        return "\n  ".join(lines)


def monomials(alpha: Scalar, beta: Scalar) -> dict[str, tuple[Number, Number]]:
    r"""The terms of the risk as monomials: name -> (exponent of d, exponent of t).

    With the largest stable learning rate :math:`\gamma \sim d^{\min(0, 2\alpha - 1)}` and
    :math:`\tau = \gamma t`, up to constants,

    .. math::
        F_0 &= d^{-2\alpha + \max(0, 1 - 2\beta)} \\
        F_{pp} &= \tau^{-(2\alpha + 2\beta - 1) / (2\alpha)} \\
        F_{ac} &= d^{-1} \tau^{-(1 - 1/(2\alpha))}
            && \text{if } 2\alpha > 1 \text{ and } 2\beta > 1 \\
        K_{pp} / \gamma &= \gamma \tau^{-(2 - 1/(2\alpha))} && \text{if } 4\alpha > 1

    (paper, Section 3; the noise enters the risk as K_pp/gamma, listed under "K_pp").
    Arguments, number types and errors are those of :func:`phase`.

    >>> monomials(1.0, 0.7)
    {'F_0': (-2.0, 0.0), 'F_pp': (0.0, -1.2), 'F_ac': (-1.0, -0.5), 'K_pp': (0.0, -1.5)}
    """
    a, b, number = _read(alpha, beta)
    return {term: (number(x), number(y)) for term, (x, y) in _monomials(a, b).items()}


def phase(alpha: Scalar, beta: Scalar) -> Phase:
    r"""The phase of (alpha, beta), its optimal exponents and the boundary nearest to it.

    Every term is present on an open region and every tie goes to the earlier of ``TERMS``,
    so a boundary belongs to one of its sides: to Ib if it bounds Ib, else to Ia (beta =
    1/2), II (beta = alpha), Ic (alpha = 1/4) or IVa (alpha = 1/2); no rational alpha is
    1 - 1/sqrt(2). Both exponents are continuous, except that the size exponent jumps at
    alpha = 1 - 1/sqrt(2), where K_pp/gamma at fixed f does not depend on d. On a boundary
    logarithms may multiply the power law, and ``meets`` names the phases.

    Args:
        alpha: Capacity exponent, positive. A float means the shortest decimal that denotes
            it: 0.7 is 7/10. NumPy scalars are welcome.
        beta: Source exponent, of either sign, such that 2 (alpha + beta) > 1.

    Returns:
        A :class:`Phase`. Its numbers are Fractions if an argument is one, floats otherwise.

    Raises:
        TypeError: If an argument is not a real number.
        ValueError: If an argument is not finite, alpha is not positive (or below 1e-100), one
            is beyond 1e100, or 2 (alpha + beta) <= 1: the risk then follows no power law.

    Source: paper, Section 4.

    >>> print(phase(1.0, 0.7))
    Phase II at alpha = 1, beta = 0.7 (proven)
      risk ~ f^(-0.7059) at d ~ f^(0.4118), where distortion (F_ac) balances population (F_pp)
      0.2 from beta = 1/2, between Ia and II
    >>> phase(Fraction(1), Fraction(7, 10)).loss_exponent
    Fraction(-12, 17)
    """
    a, b, number = _read(alpha, beta)
    loss, size, terms = max(_crossings(a, b), key=lambda crossing: crossing[0])
    boundaries = [segment.seen_from(float(a), float(b)) for segment in BOUNDARIES]
    touched = [name for x in boundaries if x.distance < ON_BOUNDARY for name in x.between]
    return Phase(
        name=_name(a, b, terms),
        alpha=number(a),
        beta=number(b),
        loss_exponent=number(loss),
        size_exponent=number(size),
        terms=terms,
        proven=4 * a > 1,
        boundary=min(boundaries, key=lambda boundary: boundary.distance),
        meets=tuple(name for name in NAMES if name in touched),
    )


def _monomials(a: Fraction, b: Fraction) -> dict[str, tuple[Fraction, Fraction]]:
    zero, gamma = Fraction(0), min(Fraction(0), 2 * a - 1)
    in_d_and_tau = {
        "F_0": (-2 * a + max(zero, 1 - 2 * b), zero),
        "F_pp": (zero, -(2 * a + 2 * b - 1) / (2 * a)),
    }
    if 2 * a > 1 and 2 * b > 1:
        in_d_and_tau["F_ac"] = (Fraction(-1), -(1 - 1 / (2 * a)))
    if 4 * a > 1:
        in_d_and_tau["K_pp"] = (gamma, -(2 - 1 / (2 * a)))
    return {term: (x + gamma * y, y) for term, (x, y) in in_d_and_tau.items()}


def _crossings(a: Fraction, b: Fraction) -> Iterator[tuple[Fraction, Fraction, tuple[str, str]]]:
    """Every (height, s, terms) where a falling line meets a rising one, in the order of TERMS.

    The highest crossing solves the linear program. A line above it would cross the falling
    or the rising one of its pair higher still, so it lies on the maximum of all lines, which
    grows to either side. It has 0 < s < 1, because there the risk falls with f, while at
    either end it does not (F_0 at s = 0, F_pp at s = 1).
    """
    lines = {term: (y, x - y) for term, (x, y) in _monomials(a, b).items()}
    for falling, rising in permutations(lines, 2):
        (y, slope), (y_rising, slope_rising) = lines[falling], lines[rising]
        if slope < 0 < slope_rising:
            s = (y - y_rising) / (slope_rising - slope)
            yield y + slope * s, s, (falling, rising)


def _name(a: Fraction, b: Fraction, terms: tuple[str, str]) -> str:
    if terms == ("F_0", "F_pp"):
        return "Ia" if 2 * a > 1 else "Ib" if 2 * b <= 1 else "Ic"
    return {
        ("F_ac", "F_pp"): "II",
        ("F_ac", "K_pp"): "III",
        ("F_0", "K_pp"): "IVa",
        ("K_pp", "F_pp"): "IVb",
    }[terms]


def _read(alpha: Scalar, beta: Scalar) -> tuple[Fraction, Fraction, type[float] | type[Fraction]]:
    """Both arguments as rationals, and the type in which to answer."""
    a, b = (
        _rational("alpha", alpha, positive=True, minimum=1 / LARGEST),
        _rational("beta", beta, minimum=-LARGEST),
    )
    if 2 * (a + b) <= 1:
        must = "satisfy 2 (alpha + beta) > 1, or the risk does not fall with size"
        fix = f"So beta must exceed {float(Fraction(1, 2) - a):g} at this alpha."
        raise requirement("beta", must, beta, fix, page="theory/random_features")
    exact = isinstance(alpha, Fraction) or isinstance(beta, Fraction)
    return a, b, Fraction if exact else float


def _rational(name: str, value: Scalar, **bounds: Any) -> Fraction:
    """The value as a rational; a float as its shortest decimal, in its own precision."""
    if not is_number(check_number(name, value, maximum=LARGEST, **bounds)):
        raise wrong_kind(name, "be a number that JAX does not trace", value)
    return Fraction(str(value))


def _show(x: Number) -> str:
    return str(x) if isinstance(x, Fraction) else f"{x:.4g}"
