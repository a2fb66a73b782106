r"""Nonlinear random features, seen through the kernel that infinitely many of them make.

Features :math:`\phi_i(x) = \mathrm{act}(\langle u_i, x \rangle) / \sqrt d` of d random directions
:math:`u_i \sim \mathcal N(0, 1)` are d draws from the kernel :math:`k(x, x') = \mathbb E_u\,
\mathrm{act}(\langle u, x \rangle)\, \mathrm{act}(\langle u, x' \rangle)`. With its eigenvalues
:math:`\lambda_k` and the target :math:`y = \sum_k w_k \sqrt{\lambda_k}\, e_k(x)` in its
eigenfunctions, they learn as linear random features of that spectrum do: the nonlinearity enters
ridge regression and full-batch training through :math:`(\lambda, w)` alone.

A part of the trace that is spread over infinitely many vanishing eigenvalues, the *nugget* s,
acts as a ridge: it adds :math:`s / \kappa` to df1 and nothing to df2.

Sources: Maloney, Roberts, Sully (2022), arXiv 2210.16859, section 4 on nonlinear features; Simon,
Karkada, Ghosh, Belkin (2023), arXiv 2311.14646 (the eigenframework of random features). Derived in
the documents: theory/nonlinear_features.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from solvable.models.activations import check_input, coefficients, effective_dimension, named
from solvable.models.modes import Modes
from solvable.models.nystrom import MAX_POINTS, measure
from solvable.models.problem import Problem
from solvable.util.checks import check_count, check_key, check_number, check_vector
from solvable.util.errors import requirement, why
from solvable.util.fields import MaybeWhole, Number, Vector
from solvable.util.precision import float64_on_cpu, is_traced
from solvable.util.record import count, number, vector

EFFECTIVE_DIMENSION = 30.0
"""Least (Tr lam)^2 / Tr lam^2 of the input where the Hermite rule is used."""

_VANISHING = 1e-30  # of the top eigenvalue
_NO_SLOPE = 1e-9  # of E act^2


_ROUNDED = (
    "Leave out those that are zero up to rounding, together with their target, whose variance "
    "belongs to `floor`."
)


def _check_sizes(d: Any, noise: Any) -> None:
    """Before anything is measured."""
    if d is not None:
        check_count("d", d)
    check_number("noise", noise, minimum=0)


class KernelFeatures(Problem, kw_only=True):
    r"""Random features of a kernel of any spectrum; with ``d=None``, regression with the kernel.

    Make it from an activation by :meth:`measured` or :meth:`hermite`, or give the
    spectrum. ``dataclasses.replace(problem, d=...)`` has another number of features. The spectrum
    before the nonlinearity is ``lam_in``, that after it ``eigenvalues``.

    Args:
        eigenvalues: Of the kernel of infinitely many features, positive, shape (m,).
        target: Coefficients w of the target in the eigenbasis, shape (m,): the part of its variance
            on an eigenvalue is lam w^2.
        d: Number of features, any; None for infinitely many.
        nugget: Trace of the kernel on infinitely many vanishing eigenvalues.
        floor: Variance of the target outside all of these eigenfunctions, which is never learned.
        noise: Variance of the label noise. The risk includes it, the excess does not.

    Raises:
        ValueError: If an eigenvalue is not positive, the lengths differ, a number is negative, or
            ``d`` is not a positive whole number.

    Source: Simon et al. (2023), arXiv 2311.14646.

    Example:
        >>> kernel = KernelFeatures(eigenvalues=[1.0, 0.5], target=[1.0, 1.0], d=30, nugget=0.2)
        >>> kernel
        KernelFeatures(eigenvalues=[1.0, 0.5], target=[1.0, 1.0], d=30, nugget=0.2, floor=0.0,
        noise=0.0)
        >>> predict(kernel, Ridge(), [0.0], n=20).excess.round(4)
        array([0.044])
    """

    eigenvalues: Vector = vector(positive=True, fix=_ROUNDED)
    target: Vector = vector()
    d: MaybeWhole = count(default=None)
    nugget: Number = number(minimum=0, default=0.0)
    floor: Number = number(minimum=0, default=0.0)
    noise: Number = number(minimum=0, default=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        size = ("eigenvalues", np.shape(self.eigenvalues)[0])
        check_vector("target", self.target, size=size)

    @property
    def v(self) -> float:
        """The rank of the kernel: infinite with a nugget."""
        if is_traced(self.nugget) or self.nugget > 0:
            return math.inf
        return np.shape(self.eigenvalues)[-1]

    def spectrum(self, octaves: int | None = None) -> Modes:
        """The modes of the kernel; the nugget is one more node, of very many tiny eigenvalues.

        ``octaves`` has no meaning here.
        """
        xp = jax.numpy if is_traced(self) else np
        lam = xp.asarray(self.eigenvalues)
        tiny = _VANISHING * xp.max(lam)
        add = lambda x, y: xp.concatenate([x, xp.reshape(xp.asarray(y, lam.dtype), (1,))])
        return Modes(
            lam=add(lam, tiny),
            weight=add(lam * xp.asarray(self.target) ** 2, 0.0),
            multiplicity=add(xp.ones_like(lam), self.nugget / tiny),
            floor=self.floor,
            noise=self.noise,
        )

    @classmethod
    @float64_on_cpu
    def measured(
        cls,
        activation: str | Callable,
        lam_in: Float[np.ndarray, " p"],
        target: Float[np.ndarray, " p"],
        *,
        key: jax.Array,
        d: int | None = None,
        points: int = 4096,
        noise: float = 0.0,
    ) -> "KernelFeatures":
        r"""The kernel of an activation on :math:`x \sim \mathcal N(0, \mathrm{diag}\,
        \lambda_{\mathrm{in}})`, measured on samples of x, for a linear target :math:`y = \langle w,
        x \rangle`.

        The eigenvalues are those of the matrix :math:`k(x_i, x_j) / \text{points}`, and the target
        is projected on its eigenvectors (Nystrom). Points come in pairs x and -x, by which the
        kernel splits exactly into an even and an odd part, and only the odd one sees the target. A
        quarter of the eigenvalues is kept; the rest of the trace becomes the nugget, and the rest
        of the target the floor. Where the odd part of the activation is a straight line of slope
        c, as for ReLU (c = 1/2), its modes are not measured: they are :math:`c^2
        \lambda_{\mathrm{in}}` with coefficients :math:`w / c`.

        The statistical error is seen by taking another key: the slow tests hold two keys of 4096
        points to each other, within 1 % of the excess risk for ReLU and 3 % for erf.

        Args:
            activation: relu, erf, tanh, identity, or a function of jax.numpy arrays.
            lam_in: Variances of the coordinates of x, positive, shape (p,).
            target: Coefficients w of the target, shape (p,).
            key: A key of :func:`jax.random.key`, for the points.
            d: Number of features.
            points: Samples of x, rounded up to a power of two: at least 4 p, at most 2^14, and
                better 20 times the smaller of d and n. Time grows as their cube.
            noise: Variance of the label noise.

        Raises:
            ValueError: If the activation has no finite second moment, a variance is not positive,
                lengths differ, or ``points`` is out of range.
            TypeError: If ``activation`` is no function of arrays.

        Source: Maloney, Roberts, Sully (2022), arXiv 2210.16859.

        Example:
            >>> lam_in = np.arange(1.0, 9) ** -2
            >>> KernelFeatures.measured(
            ...     "relu", lam_in, np.ones(8), key=jax.random.key(0), d=50, points=256
            ... )  # doctest: +ELLIPSIS
            KernelFeatures(eigenvalues=<40 numbers>, target=<40 numbers>, d=50, nugget=0.0...,
            floor=0.0, noise=0.0)
        """
        key = check_key(key)
        act, (lam_in, target) = named(activation), check_input(lam_in, target)
        _check_sizes(d, noise)
        points = check_count("points", points, minimum=4 * lam_in.size, maximum=MAX_POINTS)
        lam, weight, nugget, floor = measure(act, lam_in, target, key, points)
        w = np.sqrt(weight / lam)
        return cls(eigenvalues=lam, target=w, d=d, nugget=nugget, floor=floor, noise=noise)

    @classmethod
    @float64_on_cpu
    def hermite(
        cls,
        activation: str | Callable,
        lam_in: Float[np.ndarray, " p"],
        target: Float[np.ndarray, " p"],
        *,
        d: int | None = None,
        noise: float = 0.0,
        least_dimension: float = EFFECTIVE_DIMENSION,
    ) -> "KernelFeatures":
        r"""The kernel in closed form, for inputs of many effective dimensions.

        There :math:`\langle u, x \rangle` has the same variance :math:`s^2 = \operatorname{Tr}
        \lambda_{\mathrm{in}}` for all x, and with :math:`\mu_0 = \mathbb E\, \mathrm{act}(s g)`
        and :math:`\mu_1 = \mathbb E\, \mathrm{act}'(s g)` the activation is a constant, a line,
        and a rest that resolves nothing at any number of samples of the order of the dimension:

        .. math::
            \lambda = \mu_1^2 \lambda_{\mathrm{in}}, \quad w = w_{\mathrm{in}} / \mu_1, \qquad
            \text{nugget} = \mathbb E\, \mathrm{act}^2 - \mu_0^2 - \mu_1^2 s^2,

        and one eigenvalue :math:`\mu_0^2` with no target. In ``experiments/nonlinear_features.py``
        (p = 100, d = 100, n = 150; standard error 1.5 to 1.9 %) the excess risk of ReLU, whose
        :math:`|x|` fluctuates with the features, is off by +44, +21, +9, +4.5, +2.5 and +1.3 % at
        effective dimensions 4, 7, 16, 41, 79 and 99, and that of tanh by less than 3 %: below 30
        the rule is refused.

        Args:
            activation: As in :meth:`measured`.
            lam_in: Variances of the coordinates of x, positive, shape (p,).
            target: Coefficients w of the target, shape (p,).
            d: Number of features.
            noise: Variance of the label noise.
            least_dimension: Inputs of a lower effective dimension are refused.

        Raises:
            ValueError: If the effective dimension is below ``least_dimension``, the activation has
                no finite second moment or no linear part, a variance is not positive, or lengths
                differ.
            TypeError: If ``activation`` is no function of arrays.

        Source: Maloney, Roberts, Sully (2022), arXiv 2210.16859; Atanasov, Zavatone-Veth, Pehlevan
        (2024), arXiv 2405.00592.

        Example:
            >>> lam_in = np.arange(1.0, 401) ** -0.4
            >>> KernelFeatures.hermite("tanh", lam_in, np.ones(400), d=300)  # doctest: +ELLIPSIS
            KernelFeatures(eigenvalues=<400 numbers>, target=<400 numbers>, d=300, nugget=0.2...,
            floor=0.0, noise=0.0)
        """
        act, (lam_in, target) = named(activation), check_input(lam_in, target)
        _check_sizes(d, noise)
        least_dimension = check_number("least_dimension", least_dimension, minimum=0)
        if (dimension := effective_dimension(lam_in)) < least_dimension:
            must = f"have an effective dimension of at least {least_dimension:g}"
            fix = "Take KernelFeatures.measured, which holds at any. "
            fix += why("theory/nonlinear_features")
            raise requirement("lam_in", must, round(dimension, 4), fix)
        s2 = lam_in.sum()
        a, power = coefficients(act, np.sqrt([s2]), 2)
        (constant, line), power = a[0] ** 2, power[0]
        if line <= _NO_SLOPE * power:
            fix = "An even activation sees nothing of a linear target."
            raise requirement("activation", "have a linear part", act.name, fix)
        mu1 = a[0, 1] / np.sqrt(s2)
        lam, w = mu1**2 * lam_in, target / mu1
        if constant > _NO_SLOPE * power:
            lam, w = np.append(constant, lam), np.append(0.0, w)
        rest = power - constant - line
        nugget = float(rest) if rest > _NO_SLOPE * power else 0.0
        return cls(eigenvalues=lam, target=w, d=d, nugget=nugget, noise=noise)
