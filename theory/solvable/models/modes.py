r"""Modes: the narrow waist between every model and every training rule.

One-pass SGD sees a model only through its modes: eigenvalues :math:`\lambda_k` of the feature
covariance, the part :math:`m_k` of the initial risk that lives on each, and how many
eigenvalues each stands for. A model is a way to make them; a training rule is a recursion on
them; neither knows of the other.

Source: Paquette et al. (2024), arXiv 2405.15074, section 2. Derived in the documents:
theory/random_features.
"""

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from solvable.models.problem import Problem
from solvable.util.checks import check_number, check_vector
from solvable.util.errors import requirement
from solvable.util.fields import MaybeVector, Number, Vector
from solvable.util.precision import is_traced
from solvable.util.record import field, number

LISTED = 512
"""Up to this many modes, listed one by one, are filled up."""


def _check_nodes(name: str, value: Any) -> Any:
    """Numbers along the nodes; those of a contour are complex."""
    complex_ = getattr(getattr(value, "dtype", None), "kind", "") == "c"
    if not complex_ or is_traced(value) or np.ndim(value) != 1 or np.size(value) == 0:
        return check_vector(name, value)
    return np.asarray(value)


class Modes(Problem, kw_only=True):
    r"""Nodes with :math:`P = \text{noise} + \text{floor} + \operatorname{Re} \sum_k m_k`.

    The nodes are eigenvalues (of a draw of W, of a given spectrum) or quadrature nodes that
    stand for them: compressed sums over a power law, or points on a contour around the
    spectrum, which are complex. Whatever is a polynomial in the eigenvalues, such as any
    number of SGD steps, is carried by either. Modes are a problem themselves, without features.

    Example:
        >>> modes = Modes(lam=[1.0, 0.5], weight=[1.0, 2.0], floor=0.1)
        >>> predict(modes, SGD(0.1), [0, 100]).risk.round(4)
        array([3.1   , 0.1091])
    """

    lam: Vector = field(_check_nodes, kind="nodes")
    """Eigenvalues of the feature covariance."""
    weight: Vector = field(_check_nodes, kind="nodes")
    """Excess risk on each node at theta = 0."""
    multiplicity: MaybeVector = field(_check_nodes, default=None, kind="nodes")
    """Number of eigenvalues each node stands for: 1, the default, for a draw."""
    floor: Number = number(minimum=0, default=0.0)
    """Excess risk that no theta removes: for a draw, the target outside its features."""
    noise: Number = number(minimum=0, default=0.0)
    """Variance of the label noise."""

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = np.shape(self.lam)
        if self.multiplicity is None:
            object.__setattr__(self, "multiplicity", np.ones(shape))
        for name in ("weight", "multiplicity"):
            if np.shape(getattr(self, name)) != shape:
                must = f"have as many entries as `lam` ({shape[-1]})"
                raise requirement(name, must, f"{np.shape(getattr(self, name))[-1]} long")

    def spectrum(self, octaves: int | None = None) -> "Modes":
        """The modes themselves."""
        return self

    @property
    def trace(self) -> Any:
        r"""Trace of the covariance, :math:`\sum_k n_k \lambda_k`."""
        return (self.multiplicity @ self.lam).real

    @property
    def top(self) -> Any:
        """Largest eigenvalue."""
        return jnp.max(jnp.where(self.multiplicity > 0, self.lam, 0))

    @property
    def excess(self) -> Any:
        """Excess risk at theta = 0."""
        return self.floor + jnp.real(self.weight.sum())


def seen_modes(problem: Problem) -> Modes:
    """The modes of a problem, checked. Those that are listed one by one are filled up to one of few
    sizes, with nodes that stand for no eigenvalue, so that problems share programs."""
    modes = check_modes(problem.spectrum())
    size = np.shape(modes.lam)[-1]
    if is_traced(modes) or size > LISTED or not (np.asarray(modes.multiplicity) == 1).all():
        return modes
    more = max(16, 1 << (size - 1).bit_length()) - size
    zeros = np.zeros(more)
    return replace(
        modes,
        lam=np.append(modes.lam, np.full(more, modes.lam[-1])),
        weight=np.append(modes.weight, zeros),
        multiplicity=np.append(modes.multiplicity, zeros),
    )


def check_modes(modes: Modes) -> Modes:
    """Modes of real eigenvalues, as they come from a user's own model or hand.

    Raises:
        ValueError: If an eigenvalue or a weight is negative, lengths differ, or nodes are complex.
    """
    if is_traced(modes):
        return modes
    lam = check_vector("lam", modes.lam, minimum=0)
    for name in ("weight", "multiplicity"):
        check_vector(name, getattr(modes, name), minimum=0, size=("lam", lam.size))
    if not np.any(lam * np.asarray(modes.multiplicity) > 0):
        raise requirement("lam", "have a positive entry", lam.tolist())
    for name in ("floor", "noise"):
        check_number(name, getattr(modes, name), minimum=0)
    return modes
