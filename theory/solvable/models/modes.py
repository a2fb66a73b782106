r"""Modes: the narrow waist between every model and every training rule.

One-pass SGD sees a model only through its modes: eigenvalues :math:`\lambda_k` of the feature
covariance, the part :math:`m_k` of the initial risk that lives on each, and how many
eigenvalues each stands for. A model is a way to make them; a training rule is a recursion on
them; neither knows of the other.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Inexact

from solvable.util.types import Array, Scalar


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Modes:
    r"""Nodes with :math:`P = \text{noise} + \text{floor} + \operatorname{Re} \sum_k m_k`.

    The nodes are eigenvalues (of a draw of W, of a given spectrum) or quadrature nodes that
    stand for them: compressed sums over a power law, or points on a contour around the
    spectrum, which are complex. Whatever is a polynomial in the eigenvalues, such as any
    number of SGD steps, is carried by either.
    """

    lam: Inexact[Array, " n"]
    """Eigenvalues of the feature covariance."""
    weight: Inexact[Array, " n"]
    """Excess risk on each node at theta = 0."""
    multiplicity: Inexact[Array, " n"]
    """Number of eigenvalues each node stands for: 1 for a draw."""
    floor: Scalar
    """Excess risk that no theta removes: for a draw, the target outside its features."""
    noise: Scalar
    """Variance of the label noise."""

    @property
    def trace(self) -> Array:
        r"""Trace of the covariance, :math:`\sum_k n_k \lambda_k`."""
        return (self.multiplicity @ self.lam).real

    @property
    def top(self) -> Array:
        """Largest eigenvalue."""
        return jnp.max(jnp.where(self.multiplicity > 0, self.lam, 0))

    @property
    def excess(self) -> Array:
        """Excess risk at theta = 0."""
        return self.floor + jnp.real(self.weight.sum())
