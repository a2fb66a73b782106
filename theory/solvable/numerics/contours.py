r"""Contours for inverse Laplace and generating transforms: Talbot's, and a circle.

Source: Weideman (2006), SIAM J. Numer. Anal. 44, 2342 (the optimal parameters of Talbot's contour).
Explained in the documents: theory/random_features.
"""

import numpy as np
from jaxtyping import Complex

TALBOT = 24
"""Points on Talbot's contour; the lower half are conjugates of the upper."""
CIRCLE = 128
"""Points on the circle. Step t + 128 is aliased onto step t, reduced by ``RADIUS**-128``."""
RADIUS = np.exp(0.25)


def circle(last: int) -> tuple[Complex[np.ndarray, " n"], Complex[np.ndarray, "t n"]]:
    """Upper half of the points s, and weights of Re sum c P(s) for every step up to ``last``."""
    s = RADIUS * np.exp(2j * np.pi * (np.arange(CIRCLE // 2) + 0.5) / CIRCLE)
    return s, 2 / CIRCLE * s ** (np.arange(last + 1)[:, None] + 1)


def talbot(n: int = TALBOT) -> tuple[Complex[np.ndarray, " n"], Complex[np.ndarray, " n"]]:
    """Weideman's optimal contour: upper half of the points w, and the weights of Im sum c f(w)."""
    theta = (np.arange(n // 2) + 0.5) * 2 * np.pi / n
    cotangent = 1 / np.tan(0.6407 * theta)
    w = n * (-0.6122 + 0.5017 * theta * cotangent + 0.2645j * theta)
    dw = n * (0.5017 * (cotangent - 0.6407 * theta * (1 + cotangent**2)) + 0.2645j)
    return w, np.exp(w) * dw * 2 / n
