r"""Activations of random features, and the kernels that infinitely many of them make.

With :math:`u \sim \mathcal N(0, 1)` and :math:`h = \langle u, x \rangle`, a feature is act(h) and
the kernel :math:`k(x, x') = \mathbb E_u\, \mathrm{act}(\langle u, x \rangle)\, \mathrm{act}(\langle
u, x' \rangle)`. For ReLU and erf it is elementary,

.. math::
    k = \frac{|x| |x'|}{2 \pi} \left( \sin \vartheta + (\pi - \vartheta) \cos \vartheta \right),
    \qquad
    k = \frac2\pi \arcsin \frac{2 \langle x, x' \rangle}{\sqrt{(1 + 2 |x|^2)(1 + 2 |x'|^2)}},

and for any other activation a series in the correlation :math:`\rho` of the two Gaussians, whose
coefficients are one-dimensional integrals with the normalised Hermite polynomials,

.. math::
    k = \sum_n a_n(|x|)\, a_n(|x'|)\, \rho^n, \qquad
    a_n(s) = \mathbb E\, \mathrm{act}(s g)\, \mathrm{he}_n(g), \quad g \sim \mathcal N(0, 1).

Sources: Cho and Saul (2009), *Kernel Methods for Deep Learning* (ReLU); Williams (1996), *Computing
with Infinite Networks* (erf); Mehler's formula. Derived in the documents:
theory/nonlinear_features.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.util.checks import check_vector
from solvable.util.errors import requirement, shortened, wrong_kind
from solvable.util.types import Array

DEGREES = 128
"""Terms of the series; what is left of E act^2 is reported."""

_EDGE = 38.0  # where the Gaussian density underflows
_PANELS, _ORDER = 304, 16
_NEGLIGIBLE = 1e-12  # of E act^2, beyond 30 standard deviations
_LINEAR = 1e-12


class Activation(NamedTuple):
    """An activation, and what is elementary about it."""

    name: str
    of: Callable[[Array], Array]
    """The function, of jax.numpy arrays, entry by entry."""
    kernel: Callable[[Array, Array, Array], Array] | None = None
    """E act(u.x) act(u.x') from x.x', |x|^2 and |x'|^2."""
    slope: Callable[[Array], Array] | None = None
    """E act'(s g), from s^2."""

    def __call__(self, h: np.ndarray) -> np.ndarray:
        """Values in float64 NumPy."""
        return np.asarray(self.of(jnp.asarray(h)), float)


def _relu_kernel(dot, square, other):
    product = jnp.sqrt(square * other)
    sine = jnp.sqrt(jnp.maximum((product - dot) * (product + dot), 0.0))
    return (sine + (jnp.pi - jnp.arctan2(sine, dot)) * dot) / (2 * jnp.pi)


def _erf_kernel(dot, square, other):
    return 2 / jnp.pi * jnp.arcsin(2 * dot / jnp.sqrt((1 + 2 * square) * (1 + 2 * other)))


_NAMED = {
    "relu": Activation("relu", jax.nn.relu, _relu_kernel, lambda s2: 0.5 * jnp.ones_like(s2)),
    "erf": Activation(
        "erf",
        jax.scipy.special.erf,
        _erf_kernel,
        lambda s2: 2 / jnp.sqrt(jnp.pi * (1 + 2 * s2)),
    ),
    "identity": Activation("identity", lambda h: h, lambda dot, *_: 1.0 * dot, jnp.ones_like),
    "tanh": Activation("tanh", jnp.tanh),
}


def named(activation: str | Callable[[Array], Array]) -> Activation:
    """The activation of a name, or of a function.

    Raises:
        ValueError: If the name is none of relu, erf, identity, tanh.
        TypeError: If it is no function, or does not give one number for every one it is given.
    """
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, str):
        if activation not in _NAMED:
            must = f"be a function, or one of {', '.join(_NAMED)}"
            raise requirement("activation", must, activation)
        return _NAMED[activation]
    if not callable(activation):
        raise wrong_kind("activation", "be a function or a name", activation)
    for known in _NAMED.values():
        if activation is known.of:
            return known
    found = Activation(getattr(activation, "__name__", "activation"), activation)
    try:
        shape = jax.eval_shape(activation, jax.ShapeDtypeStruct((2, 3), float)).shape
    except Exception as error:
        must = f"be a function of jax.numpy arrays, which fails on one ({shortened(error)})"
        raise wrong_kind("activation", must, activation) from error
    if shape != (2, 3):
        must = f"act entry by entry (this one makes an array of shape {shape} of one of (2, 3))"
        raise wrong_kind("activation", must, activation)
    return found


@functools.cache
def gauss() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of E f(g): Gauss-Legendre panels, one of whose edges is the kink at 0."""
    x, w = np.polynomial.legendre.leggauss(_ORDER)
    edges = np.linspace(-_EDGE, _EDGE, _PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    g = (edges[:-1, None] + half + half * x).ravel()
    return g, (half * w).ravel() * np.exp(-(g**2) / 2) / np.sqrt(2 * np.pi)


def values(act: Activation, s: Float[np.ndarray, " k"]) -> Float[np.ndarray, "k q"]:
    """act(s g) at the nodes.

    Raises:
        ValueError: If E act(s g)^2 is not finite.
    """
    g, w = gauss()
    found = act(s[:, None] * g)
    with np.errstate(over="ignore", invalid="ignore"):
        power = found**2 * w
        total = power.sum(axis=-1)
        far = power[:, np.abs(g) > 30].sum(axis=-1)
    bad = ~(np.isfinite(total) & (far <= _NEGLIGIBLE * total))
    if bad.any():
        at = float(s[int(np.argmax(bad))])
        must = f"have a finite second moment under a Gaussian of standard deviation {at:.4g}"
        raise requirement("activation", must, act.name)
    return found


@functools.cache
def _hermite(count: int) -> np.ndarray:
    """Normalised Hermite polynomials at the nodes, times the weights, shape (count, q)."""
    g, w = gauss()
    root = np.sqrt(w)
    table = [root, g * root]  # bounded: no polynomial of degree 128 is ever formed
    for n in range(1, count - 1):
        table.append((g * table[n] - np.sqrt(n) * table[n - 1]) / np.sqrt(n + 1))
    return np.array(table[:count]) * root


def coefficients(
    act: Activation, s: Float[np.ndarray, " k"], count: int = DEGREES
) -> tuple[Float[np.ndarray, "k count"], Float[np.ndarray, " k"]]:
    """Hermite coefficients a_n(s), and E act(s g)^2, of which they may leave some out."""
    found = values(act, s)
    return found @ _hermite(count).T, found**2 @ gauss()[1]


def odd_slope(act: Activation, scale: float) -> float | None:
    """The slope of the odd part of the activation if it is a straight line, otherwise None."""
    h = scale * np.linspace(0.01, 12, 1200)
    odd = (act(h) - act(-h)) / 2
    slope = odd @ h / (h @ h)
    line = np.abs(odd - slope * h).max() <= _LINEAR * max(np.abs(act(h)).max(), 1e-300)
    return float(slope) if line else None


def parities(
    act: Activation, x: Float[np.ndarray, "k p"]
) -> tuple[Float[np.ndarray, "k k"], Float[np.ndarray, "k k"], float]:
    """The even and odd parts of the kernel, and the part of its trace that is in neither."""
    dot, square = x @ x.T, np.sum(x**2, axis=-1)
    if act.kernel is not None:
        both = [np.asarray(act.kernel(y, square[:, None], square)) for y in (dot, -dot)]
        return (both[0] + both[1]) / 2, (both[0] - both[1]) / 2, 0.0
    s = np.sqrt(square)
    a, power = coefficients(act, s)
    rho = dot / np.outer(s, s)
    np.fill_diagonal(rho, 1.0)
    parts = [np.zeros_like(rho), np.zeros_like(rho)]
    for n in range(DEGREES - 1, -1, -1):  # Horner, in rho^2 for either part
        part = parts[n % 2]
        part *= rho**2 if n < DEGREES - 2 else 1.0
        part += np.outer(a[:, n], a[:, n])
    parts[1] *= rho
    return parts[0], parts[1], float(np.maximum(power - np.sum(a**2, axis=-1), 0).mean())


def check_input(lam_in: object, target: object) -> tuple[np.ndarray, np.ndarray]:
    """The law of the inputs and the target on them, shape (p,) each."""
    lam_in = check_vector("lam_in", lam_in, positive=True)
    target = check_vector("target", target)
    if target.shape != lam_in.shape:
        must = f"have as many entries as `lam_in` ({lam_in.size})"
        raise requirement("target", must, f"{target.size} long")
    return lam_in, target


def effective_dimension(lam_in: Float[np.ndarray, " p"]) -> float:
    r"""Effective dimension of the inputs, :math:`(\operatorname{Tr} \lambda)^2 /
    \operatorname{Tr} \lambda^2`: :math:`|x|^2` fluctuates by the root of two over it.

    Args:
        lam_in: Variances of the coordinates of x, positive, shape (p,).

    Example:
        >>> round(effective_dimension(np.ones(7)), 12)
        7.0
    """
    lam_in = check_vector("lam_in", lam_in, positive=True)
    return float(lam_in.sum() ** 2 / (lam_in @ lam_in))
