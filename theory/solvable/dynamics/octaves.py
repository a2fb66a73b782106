r"""The expected risk of a rule with constant coefficients, after any number of steps.

Training has no scale of its own: late risk changes from octave to octave, not from step to step.
So after the first steps, taken one by one, time is cut into panels of q blocks of m steps, m
doubling from panel to panel. Over a panel the risk is a polynomial of degree q through its values
at the ends of the blocks, and under a polynomial drive each mode is advanced over a block
*exactly*, however long:

.. math::
    X(t + m) = T^m X(t) + \sum_{u < m} T^{m - 1 - u} f\, P(t + u),

with T the step of the second moments of :mod:`solvable.dynamics.recursion` and f what a unit of
risk feeds into them. Both factors double with m: with :math:`R^{(m)}_i = \sum_{u<m} T^{m-1-u} f
(u/m)^i`,

.. math::
    T^{2m} = (T^m)^2, \qquad
    R^{(2m)}_i = 2^{-i} \Bigl(T^m R^{(m)}_i + \sum_{l \le i} \tbinom il R^{(m)}_l\Bigr).

The values of the risk at the ends of the blocks follow from a linear system of q equations. The
cost is that of a few hundred steps, whatever the horizon. T is kept as T - 1, so slow modes lose
no digits.

Source of the Volterra equation: Paquette et al. (2024), arXiv 2405.15074, section 2. Derived in the
documents: theory/averaging.
"""

from math import comb

import numpy as np
from jaxtyping import Float

from solvable.dynamics.recursion import changes, pairs, pull, trajectory
from solvable.models.modes import Modes
from solvable.rules.rule import Rule, target_keeping
from solvable.util.errors import requirement
from solvable.util.steps import MAX_STEPPED

DEGREE = 12
"""Blocks of a panel, and degree of the polynomial."""

CHECK = 10
"""The degree of the second run, from which the error is measured."""

TOLERANCE = 1e-8
"""The relative error for which panels are shortened."""

FIRST = 64
"""Steps taken one by one, at least."""


def settled(modes: Modes, rule: Rule) -> int:
    """A power of two of steps, after which nothing rings.

    Over real eigenvalues the second moments of a rule decay like powers of a few numbers. Where
    one of them turns (a velocity, or an alternating sign) faster than it decays, blocks of
    steps would alias it: they begin when it has gone.
    """
    A, b = (np.asarray(x[0]) for x in target_keeping(rule, np.zeros(1, int)))
    lam = np.unique(np.real(modes.lam).clip(0))
    Q = changes(A, b, lam[:: 1 + lam.size // 1000], float(rule.B), rule.omega)
    q = np.linalg.eigvals(Q).ravel()
    decay = -np.log(np.maximum(np.abs(1 + q), 1e-300))
    rings = (np.abs(np.angle(1 + q)) > decay / 3) & (decay > 0)
    steps = max(37 / np.min(decay[rings], initial=1.0), FIRST)
    return 1 << int(np.ceil(np.log2(min(steps, 2.0**40))))


def _lagrange(q: int) -> Float[np.ndarray, "q i l"]:
    """Over block b of q, the polynomial that is 1 at end i and 0 at the others, in (t - b) / m."""
    ends = np.arange(q + 1.0)
    found = np.zeros((q, q + 1, q + 1))
    for i in range(q + 1):
        others = np.delete(ends, i)
        for b in range(q):
            roots = np.polynomial.polynomial.polyfromroots(others - b)
            found[b, i] = roots / np.prod(i - others)
    return found


def _interpolate(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The polynomial through ``values`` at 0, ..., q, at x (barycentric)."""
    ends = np.arange(values.size)
    weights = np.array([(-1.0) ** i * comb(values.size - 1, i) for i in ends])
    gap = x[:, None] - ends
    hit = np.abs(gap) < 1e-14
    terms = weights / np.where(hit, 1.0, gap)
    smooth = terms @ values / terms.sum(axis=1)
    return np.where(hit.any(axis=1), values[np.argmax(hit, axis=1)], smooth)


def kernel(modes: Modes, rule: Rule) -> float:
    """The sum of the kernel: the risk that comes back, in all, of a unit of it."""
    A, b = (np.asarray(x[0]) for x in target_keeping(rule.base, np.zeros(1, int)))
    lam, B = np.asarray(modes.lam), float(rule.B)
    used = lam != 0
    Q = changes(A, b, lam[used], B, rule.omega)
    f = np.stack(pull(b, lam, np.asarray(modes.multiplicity), B), -1)[used]
    return float(-rule.omega[1] * np.linalg.solve(Q, f[..., None])[:, 0, 0].sum().real)


class _Block:
    """What m steps do: T^m - 1 and R, both of which double with m."""

    def __init__(self, modes: Modes, rule: Rule, q: int) -> None:
        A, b = (np.asarray(x[0]) for x in target_keeping(rule, np.zeros(1, int)))
        B, size = float(rule.B), q + 1
        self.m = 1
        lam = np.asarray(modes.lam)
        self.Q = changes(A, b, lam, B, rule.omega)  # shape (n, D, D)
        self.R = np.zeros((*self.Q.shape[:2], size), self.Q.dtype)
        self.R[..., 0] = np.stack(pull(b, lam, np.asarray(modes.multiplicity), B), -1)
        self.binomial = np.array([[comb(i, l) for l in range(size)] for i in range(size)], float)

    def double(self) -> None:
        """The map of 2 m steps, from that of m."""
        self.R = self.R + self.Q @ self.R + self.R @ self.binomial.T
        self.R *= 2.0 ** -np.arange(self.R.shape[-1])
        self.Q = 2 * self.Q + self.Q @ self.Q
        self.m *= 2


def _panels(record, X, t, modes: Modes, rule: Rule, q: int, parts: int):
    """Excess risk at the recorded steps, all from t on, from the second moments X at t.

    A panel is at most t / ``parts`` long.
    """
    block, lagrange, floor = _Block(modes, rule, q), _lagrange(q), float(modes.floor)
    noise, square = float(rule.seen_noise(modes.noise)), float(rule.omega[1])
    at = pairs(len(rule.start)).index((rule.output, rule.output))
    found = np.full(record.size, floor + X[:, at].sum().real)
    while t < record[-1]:
        while 2 * q * block.m * parts <= t:
            block.double()
        # X after each block, as a constant plus a linear function of the risk at the q + 1 ends.
        constant, linear = [X], [np.zeros((*X.shape, q + 1), X.dtype)]
        fed = block.R[..., 0] * noise
        for polynomial in lagrange:
            x, y = constant[-1], linear[-1]
            constant.append(x + (block.Q @ x[..., None])[..., 0] + fed)
            linear.append(y + block.Q @ y + square * (block.R @ polynomial.T))
        excess = np.array([floor + x[:, 0].sum().real for x in constant])
        response = np.array([y[:, 0].sum(axis=0).real for y in linear])
        risk = np.linalg.solve(np.eye(q + 1) - response, excess)
        ends = zip(constant, linear, strict=True)
        output = [floor + (x[:, at].sum() + y[:, at].sum(axis=0) @ risk).real for x, y in ends]
        here = (record >= t) & (record <= t + q * block.m)
        found[here] = _interpolate((record[here] - t) / block.m, np.array(output))
        X, t = constant[-1] + linear[-1] @ risk, t + q * block.m
    return found


def evaluate(record: np.ndarray, modes: Modes, rule: Rule) -> tuple[Float[np.ndarray, " k"], float]:
    """Expected excess risk at any steps, and its relative error: what a lower degree changes."""
    last, found, X = int(record[-1]), [], np.empty(0)
    first = min(settled(modes, rule), max(FIRST, 1 << last.bit_length()))
    if first > MAX_STEPPED:
        must = f"end by {MAX_STEPPED:.0e}, as {rule} rings for longer than that"
        raise requirement("steps", must, last)
    for t, excess, moments in trajectory(first - 1, modes, rule):
        inside = record[(record >= t) & (record < t + excess.size)]
        found.append(np.asarray(excess)[inside - t])
        X = np.asarray(moments).T
    late = record[record >= first]
    if late.size == 0:
        return np.concatenate(found), 1e-12
    for parts in (1, 4, 16):  # of an octave: more where the risk falls exponentially
        runs = [_panels(late, X, first, modes, rule, q, parts) for q in (DEGREE, CHECK)]
        error = float(np.max(np.abs(runs[1] / runs[0] - 1), initial=1e-12))
        if error < TOLERANCE:
            break
    return np.concatenate([*found, runs[0]]), error
