"""Data of several domains that share an eigenbasis, in proportions."""

from typing import Any

import numpy as np

from solvable.util.checks import check_vector
from solvable.util.errors import requirement
from solvable.util.fields import Table, Vector
from solvable.util.precision import is_traced
from solvable.util.record import Record, field, vector


def _table(name: str, value: Any, positive: bool = False) -> np.ndarray:
    if is_traced(value):
        return value
    try:
        rows = [check_vector(f"{name}[{k}]", row, positive=positive) for k, row in enumerate(value)]
    except TypeError:
        raise requirement(name, "have one row of numbers for each domain", value) from None
    if len({row.size for row in rows}) != 1:
        raise requirement(name, "have as many modes in every domain", [row.size for row in rows])
    return np.array(rows)


def _positive_table(name: str, value: Any) -> np.ndarray:
    return _table(name, value, positive=True)


class Domains(Record, kw_only=True):
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

    eigenvalues: Table = field(_positive_table, kind="table")
    target: Table = field(_table, kind="table")
    noise: Vector = vector(minimum=0)
    proportion: Vector = vector(minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = np.shape(self.eigenvalues)
        if np.shape(self.target) != shape:
            must = f"have the shape of `eigenvalues`, {shape}"
            raise requirement("target", must, np.shape(self.target))
        for name in ("noise", "proportion"):
            if np.shape(getattr(self, name)) != shape[:1]:
                must = f"have one entry for each of the {shape[0]} domains"
                raise requirement(name, must, f"{np.size(getattr(self, name))} long")
        if is_traced(self.proportion):
            return
        if abs(self.proportion.sum() - 1) > 1e-9:
            raise requirement("proportion", "sum to one", self.proportion.tolist())

    def __repr__(self) -> str:
        K, v = np.shape(self.eigenvalues)
        proportion = np.asarray(self.proportion).tolist()
        return f"Domains({K} domains of {v} modes, proportion={proportion})"
