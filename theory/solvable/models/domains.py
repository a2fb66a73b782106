"""Data of several domains that share an eigenbasis, in proportions."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from solvable.util.checks import check_vector
from solvable.util.errors import requirement


def _table(name: str, value: object, positive: bool = False) -> np.ndarray:
    try:
        rows = [check_vector(f"{name}[{k}]", row, positive=positive) for k, row in enumerate(value)]  # ty: ignore[invalid-argument-type]
    except TypeError:
        raise requirement(name, "have one row of numbers for each domain", value) from None
    if len({row.size for row in rows}) != 1:
        raise requirement(name, "have as many modes in every domain", [row.size for row in rows])
    return np.array(rows)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, eq=False)
class Domains:
    """K domains of data with one eigenbasis, and the proportions they are sampled in.

    Args:
        eigenvalues: Of the covariance of each domain, positive, shape (K, v).
        target: Coefficients of the target of each domain, shape (K, v).
        noise: Variance of the label noise of each domain, shape (K,).
        proportion: Of each domain among the samples, shape (K,).

    Raises:
        ValueError: If numbers of modes differ, or the proportions are negative or do not sum to
            one.

    Example:
        >>> j = np.arange(1.0, 25.0)
        >>> Domains(eigenvalues=[j**-1.5, 0.5 / j], target=[j**-0.2, j**-0.1],
        ...         noise=[0.1, 0.3], proportion=[0.5, 0.5])
        Domains(2 domains of 24 modes, proportion=[0.5, 0.5])
    """

    eigenvalues: Any
    target: Any
    noise: Any
    proportion: Any

    def __post_init__(self) -> None:
        if type(self.eigenvalues) is object or isinstance(self.eigenvalues, jax.Array):
            return  # JAX puts together again what has been checked
        lam, w = _table("eigenvalues", self.eigenvalues, True), _table("target", self.target)
        if w.shape != lam.shape:
            raise requirement("target", f"have the shape of `eigenvalues`, {lam.shape}", w.shape)
        vectors = {
            name: check_vector(name, getattr(self, name)) for name in ("noise", "proportion")
        }
        for name, vector in vectors.items():
            if vector.size != len(lam):
                must = f"have one entry for each of the {len(lam)} domains"
                raise requirement(name, must, f"{vector.size} long")
            if (vector < 0).any():
                at = int(np.argmax(vector < 0))
                raise requirement(f"{name}[{at}]", "not be negative", float(vector[at]))
        if abs(vectors["proportion"].sum() - 1) > 1e-9:
            raise requirement("proportion", "sum to one", vectors["proportion"].tolist())
        for name, value in {"eigenvalues": lam, "target": w, **vectors}.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        K, v = np.shape(self.eigenvalues)
        proportion = np.asarray(self.proportion).tolist()
        return f"Domains({K} domains of {v} modes, proportion={proportion})"
