r"""Exponents of training on finite data: in time, width and samples.

With :math:`a = 2 \alpha + 2 \beta` and :math:`b = 2 \alpha`, and no label noise, the risk of
gradient flow falls like :math:`t^{-(a - 1)/b}` while time limits it, like :math:`d^{-\min(a - 1,\,
b)}` with too few features and like :math:`n^{-\min(a - 1,\, 2b)}` with too few samples
(:mod:`solvable.design.regimes` measures them).

Sources: Bahri et al. (2021), arXiv 2102.06701; Bordelon, Atanasov, Pehlevan (2024), arXiv
2402.01092; the exponents for easy tasks are derived in the documents: theory/four_regimes. Derived
in the documents: theory/four_regimes, theory/finite_data.
"""

from solvable.models.problem import Problem, check_problem
from solvable.util.checks import check_number
from solvable.util.errors import requirement
from solvable.util.record import static
from solvable.util.results import Result


class FiniteExponents(Result):
    """Exponents of the risk of gradient flow without label noise, as the limits are taken."""

    time: float
    """Exponent of t, while time limits."""
    width: float
    """Exponent of d, at infinite time and data."""
    data: float
    """Exponent of n, at infinite time and width."""
    task: str = static()
    """``hard`` (a - 1 < b), ``easy``, or ``very easy`` (a > 2 b, where SGD noise would matter)."""
    compute: float
    """Exponent of the best risk against the compute d t."""
    best_width: float
    """Exponent of the best d against the compute."""
    stopped: float
    """Exponent of the best risk along training against n, with label noise, at infinite width."""
    stopping_time: float
    """Exponent of the time of that best risk against n."""
    status: str = static("numerical")
    """Derived from the two-point function and seen in it; not proven."""


def two_exponents(problem: Problem) -> tuple[float, float]:
    """a = 2 alpha + 2 beta, of the signal, and b = 2 alpha, of the spectrum.

    The letters of the papers on finite data, and of this package wherever it has an a and a b.

    Raises:
        TypeError: If it is no problem.
        ValueError: If it is no power law, or one of the two is not above 1.
    """
    check_problem(problem)
    alpha, beta = getattr(problem, "alpha", None), getattr(problem, "beta", None)
    if alpha is None or beta is None:
        raise requirement("problem", "be a power law, which has exponents", problem)
    alpha = float(check_number("alpha", alpha))
    beta = float(check_number("beta", beta))
    a, b = 2 * alpha + 2 * beta, 2 * alpha
    if b <= 1:
        must = "satisfy 2 alpha > 1, for the spectrum to have a trace"
        raise requirement("alpha", must, alpha)
    if a <= 1:
        must = "satisfy 2 (alpha + beta) > 1, for the risk to be a power law"
        raise requirement("beta", must, beta)
    return a, b


def finite_exponents(problem: Problem) -> FiniteExponents:
    r"""The exponents of this module's docstring, and those of compute and early stopping.

    Compute d t at its best split: :math:`d \sim C^{1/(1 + b)}`, risk
    :math:`C^{-(a - 1)/(1 + b)}` for hard tasks; :math:`C^{(a - b)/a}` and
    :math:`C^{-(a - 1)/a}` for easy ones. With label noise and infinite width the best risk along
    training is :math:`n^{-(a - 1)/a}`, at :math:`t \sim n^{b/a}`.

    Args:
        problem: A power law; its sizes do not matter.

    Raises:
        ValueError: If the spectrum or the target is too rough: 2 alpha or 2 (alpha + beta) not
            above one.

    Example:
        >>> found = finite_exponents(PowerLaw(alpha=0.75, beta=1.25, v=10**6, d=100))
        >>> found.task, found.width, found.data
        ('very easy', 1.5, 3.0)
    """
    a, b = two_exponents(problem)
    hard = a - 1 < b
    return FiniteExponents(
        time=(a - 1) / b,
        width=min(a - 1, b),
        data=min(a - 1, 2 * b),
        task="hard" if hard else "very easy" if a > 2 * b else "easy",
        compute=(a - 1) / (1 + b) if hard else (a - 1) / a,
        best_width=1 / (1 + b) if hard else (a - b) / a,
        stopped=(a - 1) / a,
        stopping_time=b / a,
    )
