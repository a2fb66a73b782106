"""Points of the phase plane, for each phase and of published figures; the usual problems there.

Source of the published ones: arXiv 2405.15074, figures 3 and 4 and the appendix.
"""

from solvable.models.power_law import PowerLaw
from solvable.models.problem import Problem, check_problem
from solvable.rules.sgd import SGD
from solvable.util.checks import check_count, check_number

POINTS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "Ia": ((1.0, 0.3), (1.3, 0.2)),
    "Ib": ((0.4, 0.4), (0.35, 0.4)),
    "Ic": ((0.2, 0.7), (0.15, 0.7)),
    "II": ((1.0, 0.7), (1.2, 0.8)),
    "III": ((0.7, 1.2), (0.9, 1.5)),
    "IVa": ((0.4, 0.8), (0.42, 1.0)),
    "IVb": ((0.27, 0.7), (0.28, 0.7)),
}
"""Two points (alpha, beta) in each of the seven phases, away from the boundaries."""


PUBLISHED: dict[str, tuple[tuple[float, float], ...]] = {
    "compute-optimal front": ((0.7, 0.7),),
    "exponents along a line": tuple((0.7, beta / 10) for beta in range(1, 14, 2)),
    "negative beta": tuple((0.7, beta / 10) for beta in (-1, 0, 1, 2)),
}
"""Where the paper looks: the boundary between II and III, where its simulations measured the
exponent 0.648 and 0.643 is predicted; the line alpha = 0.7 through Ia, II and III (the steps along
it are ours); and beta to 0.2 on either side of zero, where the theory holds though the target is
rough. At -0.2 itself, 2 (alpha + beta) = 1, there is no power law any more: the risk of d features
is a sum of 1/j from about d to v, which does not fall with d if v is in proportion to it."""


def task(a: float, b: float, v: int, d: int | None = None, noise: float = 0.0) -> PowerLaw:
    """The problem with eigenvalues j^-b and a signal j^-a on them: 2 alpha = b, 2 beta = a - b.

    The letters of the papers on finite data (arXiv 2402.01092). ``d=None`` has no features.

    Args:
        a: Exponent of the signal.
        b: Exponent of the spectrum.
        v: Number of coordinates.
        d: Number of features.
        noise: Variance of the label noise.

    Example:
        >>> task(2.0, 1.5, v=1000, d=100)
        PowerLaw(alpha=0.75, beta=0.25, v=1000, d=100, noise=0.0)
    """
    a, b = check_number("a", a), check_number("b", b, positive=True)
    return PowerLaw(alpha=b / 2, beta=(a - b) / 2, v=v, d=d, noise=noise)


def family(alpha: float, beta: float, d: int, noise: float = 0.0) -> PowerLaw:
    """The problem of size d: v = 4 d below alpha = 1/2, where v counts, and 100 d above.

    Args:
        alpha: Capacity exponent.
        beta: Source exponent.
        d: Number of features.
        noise: Variance of the label noise.

    Example:
        >>> family(1.0, 0.3, d=400)
        PowerLaw(alpha=1.0, beta=0.3, v=40000, d=400, noise=0.0)
    """
    ratio, d = 4 if check_number("alpha", alpha) < 0.5 else 100, check_count("d", d)
    return PowerLaw(alpha=alpha, beta=beta, v=ratio * d, d=d, noise=noise)


def half_trace(problem: Problem, B: int = 1) -> SGD:
    """SGD at gamma = 1 / (2 Tr D), a stable rate at every size and batch size.

    Args:
        problem: What is learned.
        B: Batch size.

    Example:
        >>> round(float(half_trace(family(1.0, 0.3, d=400)).gamma), 6)
        0.303968
    """
    return SGD(0.5 / check_problem(problem).spectrum().trace, B)
