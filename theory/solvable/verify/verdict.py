r"""Is the mean of runs zero at every step? A test that knows of skewness, and its power.

Of n runs with mean m, standard deviation s and skewness g at a step, :math:`t = \sqrt n\, m / s`
becomes

.. math:: z = t + c\, t^2 + \frac{c^2}{3} t^3 + \frac{c}{2}, \qquad c = \frac{g}{3 \sqrt n}.

The cubic takes the skewness out of t up to O(1/n), and is monotone, so that far tails keep their
order. Steps are correlated, so the largest z over steps is held against its bootstrap, which
resamples whole runs; and so is the largest -z, apart from it: the risk of SGD has a long tail to
the right, and a limit for both signs at once would give nearly all false alarms to the one, and
nearly all power to the other.

Source of the cubic: Hall (1992), *On the removal of skewness by transformation*, Journal of the
Royal Statistical Society B 54, 221.
"""

import math
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float

RESAMPLES = 2000
"""Number of resamples at least; at small levels there are more, so that ten are beyond the two
limits together."""
RAREST = 2e-4
"""The smallest level: a bootstrap of runs knows little of rarer things."""
GROUPS = 1024
"""Twice as many runs, and more, are averaged in so many groups, to save memory and time."""
DETECTION = 0.9
"""Probability of detection for which the power is stated."""
_FAR = 1e50  # t of a resample that does not scatter: beyond any limit, and its cube is finite


def _without_skewness(t: np.ndarray, skewness: np.ndarray, n: int) -> np.ndarray:
    """The z of this module's docstring."""
    c = skewness / (3 * np.sqrt(n))
    return t + c * t**2 + c**2 * t**3 / 3 + c / 2


def _with_skewness(z: float | np.ndarray, skewness: np.ndarray, n: int) -> np.ndarray:
    """The t of which :func:`_without_skewness` makes z: 1 + 3 c (z - c/2) is (1 + c t)^3."""
    c = skewness / (3 * np.sqrt(n))
    tiny = np.abs(c) < 1e-9
    return np.where(tiny, z, (np.cbrt(1 + 3 * c * (z - c / 2)) - 1) / np.where(tiny, 1, c))


T = TypeVar("T")


class Sides(NamedTuple, Generic[T]):
    """Something of deviations to either side."""

    below: T
    """The value for means below zero."""
    above: T
    """The value for means above zero."""


class Verdict(NamedTuple):
    """What the test says."""

    z: Float[np.ndarray, " k"]
    """Deviations of the mean in standard errors, with the skewness taken out."""
    p_value: float
    """Probability of so large a z or -z, if all means are zero: twice that of its own side."""
    critical: Sides[float]
    """The -z, and the z, from which on the test rejects."""
    detectable: Sides[np.ndarray]
    """Power at each step: the means that nine tests of ten would reject there, on either side."""
    power: Sides[float]
    """The power for means that are one multiple of ``unit`` at every step, as that multiple."""


def deviation(x: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " k"]:
    """The z of n numbers in each column, for mean zero.

    Example:
        >>> deviation(np.array([[-1.0], [-0.5], [0.0], [3.0]])).round(4)
        array([0.5281])
    """
    n, scale = len(x), _scale(x)
    centred = (x - x.mean(axis=0)) / scale
    _, error, skewness = _moments(centred, np.full((1, n), 1 / n))
    return _without_skewness(x.mean(axis=0) / scale / error[0], skewness[0], n)


def _scale(x: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " k"]:
    """The largest deviation in each column, by which it is divided: cubes must not underflow."""
    return np.maximum(np.abs(x - x.mean(axis=0)).max(axis=0), 1e-300)


def _moments(x: Float[np.ndarray, "n k"], weights: Float[np.ndarray, "r n"]) -> tuple:
    """Mean, its standard error and the skewness of x under each set of weights."""
    mean, square, cube = (weights @ x**p for p in (1, 2, 3))
    variance = square - mean**2
    still = variance <= 1e-12 * square  # one run alone, up to rounding
    safe = np.where(still, 1.0, variance)
    skewness = np.where(still, 0.0, (cube - 3 * mean * square + 2 * mean**3) / safe**1.5)
    error = np.where(still, np.abs(mean) / _FAR, np.sqrt(safe / (len(x) - 1)))
    return mean, np.maximum(error, 1e-300), skewness


def _resampled(x: Float[np.ndarray, "n k"], least: float) -> list[np.ndarray]:
    """The moments of resamples of the rows, at least so many, in chunks that fit into memory."""
    rng, n = np.random.default_rng(0), len(x)  # the same runs always get the same verdict

    def weights() -> Float[np.ndarray, "r n"]:
        """How often each row is in each resample, over n."""
        drawn = rng.integers(n, size=(RESAMPLES, n)) + n * np.arange(RESAMPLES)[:, None]
        return np.bincount(drawn.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n) / n

    chunks = [_moments(x, weights()) for _ in range(math.ceil(least / RESAMPLES))]
    return [np.concatenate(parts) for parts in zip(*chunks, strict=True)]


def _grouped(x: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "m k"]:
    """Means over groups of runs, of equal size or one more, if there are many runs."""
    if len(x) < 2 * GROUPS:
        return x
    start = np.arange(GROUPS) * len(x) // GROUPS
    return np.add.reduceat(x, start) / np.diff(start, append=len(x))[:, None]


def judge(
    x: Float[np.ndarray, "n k"], level: float, unit: Float[np.ndarray, " k"] | float = 1.0
) -> Verdict:
    """Test that the means over runs are zero at every step.

    Args:
        x: Deviations, one row per run; they scatter at every step.
        level: Probability of a rejection if the means are zero, half of it on either side.
        unit: What a deviation is measured in, for the power.
    """
    x = _grouped(x)
    n, z, scale = len(x), deviation(x), _scale(x)
    mean, error, skewness = _resampled((x - x.mean(axis=0)) / scale, max(RESAMPLES, 10 / level))
    null = _without_skewness(mean / error, skewness, n)
    p_value, critical, detectable, power = 1.0, [], [], []
    for sign in (-1, 1):
        largest = (sign * null).max(axis=1)
        beyond = int(np.count_nonzero(largest >= (sign * z).max()))
        p_value = min(p_value, 2 * (1 + beyond) / (1 + len(null)))
        limit = float(np.quantile(largest, 1 - level / 2))
        # The mean that takes a resample to the limit.
        needed = error * _with_skewness(limit, sign * skewness, n) - sign * mean
        with np.errstate(divide="ignore"):
            needed = needed * (scale / unit)
        infinite = limit >= _FAR  # so few runs that no mean is rejected
        critical.append(math.inf if infinite else limit)
        detectable.append(np.where(infinite, math.inf, np.quantile(needed, DETECTION, axis=0)))
        all_steps = float(np.quantile(needed.min(axis=1), DETECTION))
        power.append(math.inf if infinite else all_steps)
    return Verdict(z, p_value, Sides(*critical), Sides(*detectable), Sides(*power))
