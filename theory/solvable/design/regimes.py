r"""What limits the risk on finite data: time, width, samples; and how it falls with each.

With :math:`a = 2 \alpha + 2 \beta` and :math:`b = 2 \alpha`, and no label noise, the risk of
gradient flow is that of its worst bottleneck:

- *time*: the modes not learned yet, :math:`t^{-(a - 1)/b}`;
- *width*: what d features cannot express, :math:`d^{-\min(a - 1,\, b)}`;
- *data*: what n samples do not show, :math:`n^{-\min(a - 1,\, 2b)}`;
- *distortion*, for easy targets, a - 1 > b: the variance of the features, :math:`d^{-1}
  t^{-(1 - 1/b)}` while time limits which modes are learned, :math:`d^{-1} n^{-(b - 1)}` while the
  samples do.

A resource that does not limit approaches its limit like 1/d or 1/n: it is *variance-limited*,
where the bottleneck is *resolution-limited*. The exponent of the width is often quoted as
:math:`\min(a - 1, 2 b)`, like that of the data. That is the exponent of the bias alone; the
variance of the features, :math:`\kappa \sum \lambda^2 w^2 / (\lambda + \kappa)^2 \sim d^{-b}`,
is larger as soon as a - 1 > b, and the simulation in ``experiments/four_regimes.py`` decides it.

Sources: Bahri et al. (2021), arXiv 2102.06701 (four regimes); Bordelon, Atanasov, Pehlevan (2024),
arXiv 2402.01092 (time); the width's exponent and the distortion are derived here. Derived in the
documents: theory/four_regimes.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import gamma as gamma_function

from solvable.asymptotics.finite import finite_exponents, two_exponents
from solvable.dynamics.finite import flow_excess
from solvable.dynamics.ridge import at_kappa
from solvable.models.modes import Modes
from solvable.models.problem import Problem
from solvable.numerics.sums import MAX_SIZE
from solvable.spectra.resolvent import ridge_on_axis
from solvable.spectra.two_point import Sizes
from solvable.util.checks import check_count, check_number
from solvable.util.errors import requirement
from solvable.util.precision import float64_on_cpu
from solvable.util.record import static
from solvable.util.results import Result
from solvable.util.types import Array

_DELTA = 0.05  # half the step in the logarithm of a resource


class Regime(Result):
    """What limits the risk at one (d, n, t), and the local exponents there."""

    limit: str = static()
    """``time``, ``width``, ``data`` or ``distortion``."""
    local: dict[str, float]
    """Minus the local exponents, d log excess / d log x, of ``time``, ``width`` and ``data``."""
    predicted: dict[str, float]
    """What they tend to, far inside this regime."""
    resolution_limited: tuple[str, ...] = static()
    """Resources whose growth the risk follows."""
    variance_limited: tuple[str, ...] = static()
    """Resources that approach their limit like one over their number."""
    excess: float
    """The excess risk."""
    rises: tuple[str, ...] = static()
    """Resources more of which makes the risk grow: double descent, or fitted noise."""

    def __str__(self) -> str:
        names = {"width": "d", "data": "n", "time": "t"}
        local = ", ".join(
            f"{names[x]}^-{value:.3f} (predicted {self.predicted[x]:.3f})"
            for x, value in self.local.items()
        )
        text = f"limited by {self.limit}: excess risk {self.excess:.6g}, locally {local}"
        return text + (f"; grows with {', '.join(self.rises)}" if self.rises else "")


class Duality(Result):
    """The risk of so many features without end of samples, and of so many samples."""

    width: float
    """Excess risk of d = size features, at infinite data and time."""
    data: float
    """Excess risk of n = size samples, at infinite width and time."""
    predicted: float
    """The limit of data / width: 1 + b - a for hard tasks, one exactly for isotropic targets."""

    @property
    def ratio(self) -> float:
        """data / width."""
        return self.data / self.width


@jax.jit
def _ridgeless(inverse_d, inverse_n, modes: Modes) -> Array:
    """Excess risk at infinite time."""
    kappa = ridge_on_axis(jnp.zeros(()), modes, inverse_d, inverse_n)
    return at_kappa(kappa[None], modes, Sizes(inverse_d, inverse_n)).excess[0]


@jax.jit
def _excess(log_t, inverse_d, inverse_n, modes: Modes) -> Array:
    one = lambda log_t, d, n: flow_excess(jnp.exp(log_t)[None], modes, Sizes(d, n))[0]
    return jax.vmap(one)(log_t, inverse_d, inverse_n)


def _neighbours(t: float, inverse_d: float, inverse_n: float, modes: Modes) -> np.ndarray:
    """log excess risk here, and a little to both sides of time, width and data."""
    shift = _DELTA * np.array([[0, 0, 0], *np.eye(3), *-np.eye(3)])
    d, n = inverse_d * np.exp(-shift[:, 1]), inverse_n * np.exp(-shift[:, 2])
    if np.isinf(t):
        return np.log(np.array(jax.vmap(_ridgeless, (0, 0, None))(d, n, modes)))
    return np.log(np.asarray(_excess(np.log(t) + shift[:, 0], d, n, modes)))


@float64_on_cpu
def regime(problem: Problem, n: int | None, time: float | None = None) -> Regime:
    """What limits the risk of gradient flow, from the deterministic equivalent itself.

    Args:
        problem: A power law, with or without features. Label noise counts: it makes risks rise.
        n: Samples, up to 10^18; None for infinitely many.
        time: Time of gradient flow; None for infinitely long.

    Returns:
        The regime whose exponents are nearest to the local ones.

    Raises:
        ValueError: If ``n`` is not a positive whole number, ``time`` not positive, nothing limits
            (the excess risk is zero, to rounding), d = n without a limit of time, or the problem
            has no exponents.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.0, v=10**9, d=10**6)
        >>> found = regime(problem, n=1000)
        >>> found.limit, found.variance_limited, found.predicted["data"]
        ('data', ('width',), 0.5)
    """
    exponents, (a, b) = finite_exponents(problem), two_exponents(problem)
    d = getattr(problem, "d", None)
    n = None if n is None else check_count("n", n, maximum=MAX_SIZE)
    t = np.inf if time is None else float(check_number("time", time, positive=True))
    if time is None and d == n:
        must = "differ from d at infinite time, where the risk is infinite or nothing is limited"
        raise requirement("n", must, n, "Give a time.")
    inverse_n = 0.0 if n is None else 1.0 / n
    with np.errstate(all="ignore"):
        y = _neighbours(t, float(problem.inverse_d), inverse_n, problem.spectrum())
    if not np.isfinite(y).all():
        must = "leave a positive and finite excess risk, which something limits"
        raise requirement("time", must, time, "Give an earlier time, or fewer samples.")
    slopes = -(y[1:4] - y[4:]) / (2 * _DELTA)
    names = ("time", "width", "data")
    local = dict(zip(names, map(float, slopes), strict=True))
    guesses = [(x, {x: getattr(exponents, x)}) for x in names]
    if a - 1 > b:
        guesses += [("distortion", {"time": 1 - 1 / b, "width": 1.0})]
        guesses += [("distortion", {"data": b - 1, "width": 1.0})]
    away = lambda guess: sum(abs(local[x] - guess[1].get(x, 0.0)) for x in names)
    limit, nearest = min(guesses, key=away)
    predicted = {x: nearest.get(x, 0.0) for x in names}
    finite = tuple(x for x, there in (("width", d), ("data", n)) if there is not None)
    followed = tuple(x for x in names if predicted[x] > 0)
    return Regime(
        limit=limit,
        local=local,
        predicted=predicted,
        resolution_limited=followed,
        variance_limited=tuple(x for x in finite if x not in followed),
        excess=float(np.exp(y[0])),
        rises=tuple(x for x in names if local[x] < -0.01),
    )


@float64_on_cpu
def duality(problem: Problem, size: int) -> Duality:
    r"""Features against samples: the risk of d = size at infinite n, and of n = size at infinite d.

    For an isotropic target (beta = 0) both are :math:`n \kappa w^2`, the same number. Otherwise
    they have the same exponent only for hard tasks, and then their ratio tends to 1 + b - a.

    Args:
        problem: A power law; its d does not matter.
        size: The number of features, and of samples.

    Example:
        >>> found = duality(PowerLaw(alpha=0.75, beta=0.0, v=10**6), 100)
        >>> round(found.ratio, 12), found.predicted
        (1.0, 1.0)
    """
    a, b = two_exponents(problem)
    size = check_count("size", size, maximum=MAX_SIZE)
    modes, zero = problem.spectrum(), 0.0
    width, data = (float(_ridgeless(*x, modes)) for x in ((1 / size, zero), (zero, 1 / size)))
    if not (0 < width < np.inf and 0 < data < np.inf):
        must = f"be below v = {problem.v:g}: from there on nothing is limited"
        raise requirement("size", must, size)
    predicted = 1 + b - a if a - 1 < b else 0.0
    return Duality(width, data, predicted)


def time_limited(problem: Problem, t: Any) -> Any:
    r"""The risk while only time limits, :math:`\Gamma(s) / (b (2 t)^s)` with s = (a - 1)/b."""
    a, b = two_exponents(problem)
    s = (a - 1) / b
    return gamma_function(s) / (b * (2 * np.asarray(t, float)) ** s)
