r"""Nonlinear random features themselves, of which the kernel is what the theory knows.

A sample has features :math:`\phi_i(x) = \mathrm{act}(\langle u_i, x \rangle) / \sqrt d` of d random
directions :math:`u_i \sim \mathcal N(0, 1)`, for inputs :math:`x \sim \mathcal N(0, \mathrm{diag}\,
\lambda_{\mathrm{in}})` and a linear target.

Source: Maloney, Roberts, Sully (2022), arXiv 2210.16859. Derived in the documents:
theory/nonlinear_features.
"""

from typing import Any

import jax
import numpy as np

from solvable.models.activations import Activation, check_input, named
from solvable.models.kernels import KernelFeatures
from solvable.models.modes import Modes
from solvable.models.problem import Problem
from solvable.util.errors import requirement
from solvable.util.fields import MaybeWhole, Number, Vector, Whole
from solvable.util.record import count, field, number, vector


def _check_activation(name: str, value: Any) -> Any:
    named(value)
    return value


class NonlinearFeatures(Problem, kw_only=True):
    r"""Ridge regression on d nonlinear random features, to be simulated.

    Its theory goes through the kernel of infinitely many features, :meth:`kernel`.

    Args:
        activation: relu, erf, tanh, identity, or a function of jax.numpy arrays.
        lam_in: Variances of the coordinates of x, positive, shape (p,).
        target: Coefficients w of the target :math:`y = \langle w, x \rangle`, shape (p,).
        d: Number of features.
        noise: Variance of the label noise.
        points: Fresh inputs on which the risk of a fit is measured, for activations whose
            population risk is not elementary.

    Raises:
        ValueError: If a variance is not positive, lengths differ, or a number is out of range.
        TypeError: If ``activation`` is no function of arrays.

    Source: Maloney, Roberts, Sully (2022), arXiv 2210.16859.

    Example:
        >>> problem = NonlinearFeatures(
        ...     activation="relu", lam_in=np.arange(1.0, 41) ** -2, target=np.ones(40), d=30
        ... )
        >>> simulate(jax.random.key(0), problem, Ridge(), [1e-3], seeds=5, n=60).excess.shape
        (5, 1)
    """

    activation: Any = field(_check_activation, static=True, kind="activation")
    lam_in: Vector = vector(positive=True)
    target: Vector = vector()
    d: MaybeWhole = count(default=None)
    noise: Number = number(minimum=0, default=0.0)
    points: Whole = count(default=4000)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_input(self.lam_in, self.target)

    @property
    def act(self) -> Activation:
        """The activation, and what is elementary about it."""
        return named(self.activation)

    @property
    def v(self) -> int:
        """Number of coordinates of x."""
        return np.shape(self.lam_in)[-1]

    def spectrum(self, octaves: int | None = None) -> Modes:
        """Refused: it has to be measured."""
        must = "have a known spectrum, and that of nonlinear features must be measured"
        raise requirement("problem", must, self, "Take problem.kernel(key).")

    def kernel(self, key: jax.Array, points: int = 4096) -> KernelFeatures:
        """The kernel of these features: see :meth:`KernelFeatures.measured`."""
        return KernelFeatures.measured(
            self.activation,
            self.lam_in,
            self.target,
            key=key,
            d=self.d,
            points=points,
            noise=self.noise,
        )
