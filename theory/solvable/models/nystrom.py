r"""Eigenvalues of the kernel of an activation, measured on samples of the inputs (Nystrom)."""

import jax
import numpy as np
from jaxtyping import Float

from solvable.models.activations import Activation, coefficients, odd_slope, parities

MAX_POINTS = 2**14
"""The largest number of points of a measured kernel."""

_ROUNDING = 1e-14  # of the trace


def _sampled(
    sample: np.ndarray, y: np.ndarray, rounding: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues of a kernel, the power of the target on them, and the trace of all others.

    Eigenvectors of small eigenvalues are those of the sample rather than of the kernel: only the
    larger quarter is kept. The others act as the diagonal that they are, which is their mean, and
    which is in the eigenvalues kept as well.
    """
    if np.trace(sample) <= rounding:
        return np.empty(0), np.empty(0), 0.0
    lam, V = np.linalg.eigh(sample)
    kept = min(-(-lam.size // 4), int(np.sum(lam > rounding)))
    rest = float(np.mean(lam[: lam.size - kept]))
    rest = rest if rest > rounding else 0.0
    return lam[::-1][:kept] - rest, (y @ V[:, ::-1][:, :kept]) ** 2, lam.size * rest


def _points(key: jax.Array, half: int, p: int) -> np.ndarray:
    """Gaussian points, evenly spread (scrambled Sobol), whose covariance is exactly one."""
    from scipy import special
    from scipy.stats import qmc  # most of a second to import, and needed here alone

    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())
    z = special.ndtri(qmc.Sobol(p, scramble=True, rng=rng).random(half))
    lam, V = np.linalg.eigh(z.T @ z / half)
    return z @ (V / np.sqrt(lam)) @ V.T


def measure(
    act: Activation,
    lam_in: Float[np.ndarray, " p"],
    target: Float[np.ndarray, " p"],
    key: jax.Array,
    points: int,
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Eigenvalues and the power of the target on them, decreasing; the nugget; the floor."""
    coefficients(act, np.sqrt([lam_in.sum()]), 2)  # are the moments finite?
    half = 2 ** max(int(np.ceil(np.log2(points))) - 1, 0)
    x = _points(key, half, lam_in.size) * np.sqrt(lam_in)
    even, odd, nugget = parities(act, x)
    power, floor = float(lam_in @ target**2), 0.0
    rounding = _ROUNDING * float(np.trace(even) + np.trace(odd)) / half
    lam, weight, rest = _sampled(even / half, np.zeros(half), rounding)
    parts, nugget = [(lam, weight)], nugget + rest
    slope = odd_slope(act, float(np.sqrt(lam_in.sum())))
    if slope is None:
        lam, weight, rest = _sampled(odd / half, x @ target / np.sqrt(half), rounding)
        floor = max(power - float(weight.sum()), 0.0)
        parts.append((lam, weight))
        nugget += rest
    elif slope != 0:
        parts.append((slope**2 * lam_in, lam_in * target**2))
    else:
        floor = power
    lam, weight = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(lam)[::-1]
    lam, weight = lam[order], weight[order]
    return lam, weight, nugget, floor
