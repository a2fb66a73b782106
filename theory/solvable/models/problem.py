r"""What every problem is: a spectrum with a target on it, seen directly or through features.

A problem is a linear target :math:`y = \langle b, x \rangle` plus label noise, on inputs x whose
covariance has eigenvalues :math:`\lambda_j`. It is learned from x itself, or from d random features
:math:`\phi = W^\top x` with independent entries of variance 1/d. Risk is :math:`P(\theta) =
\mathbb E (\langle \phi, \theta \rangle - y)^2`, with no factor 1/2, and training starts at
:math:`\theta = 0`.

Whatever gives its :class:`~solvable.Modes` is a problem: see the page "Extending" of the documents.

Source: Paquette, Paquette, Xiao, Pennington, *4+3 Phases of Compute-Optimal Neural Scaling Laws*
(2024), arXiv 2405.15074, section 1. Derived in the documents: theory/random_features.
"""

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from solvable.util.checks import check_key, is_number, plain_number
from solvable.util.errors import requirement, wrong_kind
from solvable.util.memory import check_memory
from solvable.util.precision import is_traced
from solvable.util.record import Record, derived, usual
from solvable.util.types import Rung

if TYPE_CHECKING:
    from solvable.models.draw import Draw
    from solvable.models.modes import Modes

MAX_COORDINATES = 10**8
"""The largest ``v`` where coordinates are held one by one, as in a draw or a simulation."""

MAX_ENTRIES = 2**31
"""The largest number of entries held at once in a plan for another machine: 16 GiB."""

DRAWN = 24
"""Bytes of an entry of W while it is drawn: three copies, as measured."""


class Problem(Record):
    """The base of all problems.

    A problem of your own has :meth:`spectrum`, and if it has random features a field ``d``. With
    every eigenvalue listed by itself it can be drawn and simulated too.

    Example:
        >>> class Halving(Problem, kw_only=True):
        ...     v: float
        ...     noise: float = 0.0
        ...
        ...     def spectrum(self, octaves=None):
        ...         lam = 0.5 ** np.arange(self.v)
        ...         return Modes(lam=lam, weight=lam, noise=self.noise)
        >>> predict(Halving(v=100), SGD(0.1), 1000).risk[[0, -1]].round(4)
        array([2.    , 0.0081])
    """

    d = usual(None)
    """Number of random features; None if the inputs themselves are the features."""

    noise = usual(0.0)
    """Variance of the label noise."""

    def spectrum(self, octaves: int | None = None) -> "Modes":
        """The modes of x, before the features.

        Args:
            octaves: Fixes the number of nodes of compressed sums; most problems ignore it.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method `spectrum`.")

    @derived
    def v(self) -> Any:
        """Number of coordinates of x."""
        return self.spectrum().multiplicity.sum()

    @derived
    def inverse_d(self) -> Any:
        """One over the number of random features; zero without."""
        return 0.0 if self.d is None else 1.0 / self.d

    @derived
    def size(self) -> Any:
        """The number of parameters: features, or coordinates."""
        return self.v if self.d is None else self.d

    @derived
    def rung(self) -> Rung:
        """What a prediction for fresh samples is: exact, unless it is a mean over features."""
        return Rung.EXACT if self.d is None else Rung.EQUIVALENT

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations of x and target coefficients, one by one, shape (v,) each.

        Raises:
            ValueError: If they cannot be told one by one, or are too many.
        """
        modes = self.spectrum()
        lam, multiplicity = np.asarray(modes.lam, float), np.asarray(modes.multiplicity, float)
        if (multiplicity != np.rint(multiplicity)).any() or float(modes.floor) > 0:
            must = "list every eigenvalue, with no part of the target outside them"
            raise requirement("problem", must, self, "The theory needs no list: predict.")
        if multiplicity.sum() > MAX_COORDINATES:
            must = f"have at most {MAX_COORDINATES:g} coordinates"
            raise requirement("problem", must, self, "The theory has no such limit: predict.")
        if (np.asarray(modes.weight)[(lam == 0) | (multiplicity == 0)] > 0).any():
            must = "have no part of the target where there is no eigenvalue"
            raise requirement("problem", must, self, "It is a part of the floor.")
        times = multiplicity.astype(int)
        power = np.asarray(modes.weight, float) / np.maximum(multiplicity, 1)
        target = np.sqrt(power / np.where(lam > 0, lam, 1.0))
        return np.repeat(np.sqrt(lam), times), np.repeat(target, times)

    def draw(self, key: jax.Array) -> "Draw":
        """Sample the features W.

        The sample is float64 whatever the precision in force, so that one key means one W.

        Raises:
            TypeError: If ``key`` is no random key.
            ValueError: If there are no random features, or W would not fit into memory.

        Example:
            >>> PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400).draw(jax.random.key(0)).W.shape
            (1600, 400)
        """
        from solvable.models.draw import Draw, sample_features

        key = check_key(key)
        if self.d is None:
            raise requirement("d", "be a number of features for a draw of them", self.d)
        if not np.isfinite(float(self.v)):
            must = "list every eigenvalue to be drawn, and have none that vanish"
            raise requirement("problem", must, self, "The theory needs no draw: predict.")
        v, d = int(self.v), int(self.d)
        fix = "The theory needs no draw: predict."
        check_memory(lambda v, d: DRAWN * v * d, {"v": v, "d": d}, fix)
        return Draw(problem=self, W=sample_features(key, v, d))


def check_problem(problem: object) -> Problem:
    """A problem, whose spectrum is one.

    Raises:
        TypeError: If it is none.
        ValueError: If an eigenvalue is negative, or lengths differ.
    """
    if not isinstance(problem, Problem):
        fix = "Such as PowerLaw(...), Spectrum(...), a draw of features, or Modes(...)."
        raise wrong_kind("problem", "be a problem", problem, fix)
    return problem


def check_one_pass(problem: Any) -> Problem:
    """Fresh samples at every step see at most v features apart; full-batch training may take more.

    Raises:
        ValueError: If there are more features than coordinates.
        TypeError: If it is no problem.
    """
    check_problem(problem)
    if problem.d is None or is_traced((problem.d, problem.v)):
        return problem
    d, v = plain_number(problem.d), plain_number(problem.v)
    if is_number(d) and is_number(v) and d > v:
        raise requirement("d", f"not exceed v = {v:g}", d, "Take v >= d.")
    return problem
