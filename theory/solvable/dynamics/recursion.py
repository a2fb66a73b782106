r"""The expected risk step by step: the exact recursion of the modes, for every training rule.

For Gaussian inputs the second moments of a rule's memory (:mod:`solvable.rules.rule`) close on
themselves, mode by mode (Isserlis' theorem). With :math:`X_{ij} = n_k \lambda_k\, \mathbb E\,
x_i x_j` in units of the risk, of which :math:`X_{00} = m_k` is the mode's share,

.. math::
    X \leftarrow M X M^\top + \frac{\lambda_k^2}{B}
        \left[(2 \omega_2 - \omega_1^2)\, m_k + n_k (\omega_2 P + \nu)\right] b\, b^\top, \qquad
    M_{ij} = A_{ij} + \omega_1 \lambda_k\, b_i\, \delta_{j0}, \qquad
    P = \text{floor} + \operatorname{Re} \sum_k m_k.

All samples alike have :math:`\omega_1 = \omega_2 = 1` and :math:`\nu` the label noise; samples of
weight :math:`\omega` and noise :math:`\sigma^2` have the means of :math:`\omega`, :math:`\omega^2`
and :math:`\omega^2 \sigma^2` (:class:`solvable.LabelMixture`). No limit is taken. The right side
is a polynomial in the eigenvalue, so quadrature nodes obey it like eigenvalues do.

Source: Paquette et al. (2024), arXiv 2405.15074, section 2 (SGD with constant rate). Derived in the
documents: theory/momentum.
"""

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float, Inexact

from solvable.models.modes import Modes
from solvable.numerics.split import joined, real, split
from solvable.rules.rule import Rule, target_keeping
from solvable.util.types import Array, Scalar

CALL = 2**14
"""Steps taken in one call, at most: memory and coefficients are for so many at a time."""

Omega = tuple[Scalar, Scalar]
"""Means of the weights of the samples, and of their squares: see :class:`solvable.LabelMixture`."""
ALIKE: Omega = (1.0, 1.0)


def rate(lam: Array, gamma: Scalar, B: Scalar) -> Array:
    """What a mode loses to SGD, 1 - a(lam) = 2 gamma lam - gamma^2 (B + 1)/B lam^2."""
    return gamma * lam * (2 - gamma * (B + 1) / B * lam)


def pairs(size: int) -> list[tuple[int, int]]:
    """The entries kept of a symmetric matrix."""
    return [(i, j) for i in range(size) for j in range(i, size)]


def initial(start: tuple[float, ...], weight: Array) -> Inexact[Array, "pairs n"]:
    """The second moments at step 0."""
    return jnp.stack([start[i] * start[j] * weight for i, j in pairs(len(start))])


def change(X: list, A, b, lam: Any, B: Scalar, omega: Omega = ALIKE) -> list:
    """What a step adds to the second moments, apart from what the risk feeds back.

    With M = 1 + N it is N X + X N' + N X N' and the noise of the mode itself: small where the
    mode is slow, and then accurate.
    """
    every = range(b.shape[-1])
    entry = dict(zip(pairs(b.shape[-1]), X, strict=True))
    entry |= {(j, i): x for (i, j), x in entry.items()}
    mean, square = omega
    N = [[A[i, j] - (i == j) + (mean * lam * b[i] if j == 0 else 0) for j in every] for i in every]
    NX = {(i, j): sum(N[i][k] * entry[k, j] for k in every) for i in every for j in every}
    kick = lam * lam * X[0] * ((2 * square - mean**2) / B)
    return [
        NX[i, j] + NX[j, i] + sum(NX[i, k] * N[j][k] for k in every) + kick * (b[i] * b[j])
        for i, j in pairs(b.shape[-1])
    ]


def changes(A, b, lam, B: Scalar, omega: Omega = ALIKE) -> Inexact[np.ndarray, "n D D"]:
    """:func:`change` as a matrix, mode by mode."""
    unit = np.eye(len(pairs(b.shape[-1])))
    columns = [change([x + 0 * lam for x in e], A, b, lam, B, omega) for e in unit]
    return np.stack([np.stack(column, -1) for column in columns], -1)


def pull(b, lam: Any, multiplicity: Any, B: Scalar) -> list:
    """What a unit of (weighted) risk adds to the second moments."""
    each = lam * lam * multiplicity / B
    return [each * (b[i] * b[j]) for i, j in pairs(b.shape[-1])]


@functools.partial(jax.jit, static_argnames=("length", "output"))
def _march(X, coefficients, modes, B, omega, *, length, output):
    """The excess risk of vector ``output`` before each of ``length`` steps, and X after them."""
    at = pairs(coefficients.b.shape[-1]).index((output, output))
    equal = coefficients.b.shape[0] == 1
    if equal and len(X) == 1:
        return _repeat(X[0], coefficients, modes, B, omega, length)
    lam, n = split(modes.lam), split(jnp.asarray(modes.multiplicity))
    excess_of = lambda x: modes.floor + real(x).sum()

    def one(X, coefficient):
        A, b = coefficient
        excess = excess_of(X[0])
        risk = omega[1] * excess + modes.noise
        own, fed = change(X, A, b, lam, B, omega), pull(b, lam, n, B)
        new = [x + (dx + f * risk) for x, dx, f in zip(X, own, fed, strict=True)]
        return new, excess_of(X[at]) if output else excess

    X, first = [split(x) for x in X], jax.tree.map(lambda x: x[0], coefficients)
    if equal:
        X, excess = lax.scan(lambda X, _: one(X, first), X, None, length)
    else:
        X, excess = lax.scan(one, X, coefficients)
    return jnp.stack([joined(x) for x in X]), excess


def _repeat(m, coefficients, modes, B, omega, length):
    """Equal steps of a single vector, SGD: what they do to a mode is one number, made once.

    Real and imaginary parts lie side by side in a row, and a product is one with the row and one
    with the row turned by i: a loop over it is one kernel, and costs little more than a real one.
    """
    A, b = (x[0] for x in coefficients)
    one = jnp.ones_like(modes.lam)
    (loss,), (fed,) = (
        change([one], A, b, modes.lam, B, omega),
        pull(b, modes.lam, modes.multiplicity, B),
    )
    n, is_complex = one.size, jnp.iscomplexobj(m)
    row = lambda x, y: jnp.concatenate([x, y]) if is_complex else x
    straight, turned = row(loss.real, loss.real), row(-loss.imag, loss.imag)
    fed = row(fed.real, fed.imag)

    def step(m, _):
        excess = modes.floor + m[:n].sum()
        new = m + (straight * m + fed * (omega[1] * excess + modes.noise))
        return new + turned * jnp.concatenate([m[n:], m[:n]]) if is_complex else new, excess

    m, excess = lax.scan(step, row(m.real, m.imag), None, length)
    return (m[:n] + 1j * m[n:] if is_complex else m)[None], excess


def calls(last: int, most: int = CALL) -> Iterator[tuple[int, np.ndarray]]:
    """First step and all steps of each call, of few different lengths, until past ``last``.

    What is taken beyond the last step repeats it, as an array of rates may end there.
    """
    length = min(max(64, 1 << last.bit_length()), most)
    for t in range(0, last + 1, length):
        yield t, np.minimum(np.arange(t, t + length), max(last - 1, 0))


def trajectory(
    last: int, modes: Modes, rule: Rule
) -> Iterator[tuple[int, Float[Array, " length"], Array]]:
    """Take steps until past ``last``.

    Yields the first step of a call, the excess risk before each of its steps, and the second
    moments after them.
    """
    X, coefficients = initial(rule.start, modes.weight), None
    modes = replace(modes, noise=rule.seen_noise(modes.noise))
    for t, steps in calls(last):
        if coefficients is None or not rule.constant:
            coefficients = target_keeping(rule, steps[:1] if rule.constant else steps)
        static = dict(length=steps.size, output=rule.output)
        X, excess = _march(X, coefficients, modes, 1.0 * rule.B, rule.omega, **static)
        yield t, excess, X


def stepping(record: np.ndarray, modes: Modes, rule: Rule) -> Float[Array, " k"]:
    """Expected excess risk of a rule at the recorded steps; memory does not grow with them."""
    record, found = np.asarray(record, int), []
    for t, excess, _ in trajectory(int(record[-1]), modes, rule):
        first, end = np.searchsorted(record, (t, t + excess.size))
        found.append(excess[record[first:end] - t])
    return jnp.concatenate(found)
