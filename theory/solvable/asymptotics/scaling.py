r"""How the risk falls with the horizon, for every rule that has a known exponent.

In terms of b = 2 alpha, of the spectrum :math:`j^{-b}`, a = 2 alpha + 2 beta, of the signal on it
:math:`j^{-a}`, and :math:`s = (a - 1) / b`: gradient flow learns the signal like :math:`\tau^{-s}`.

**With label noise**, the peak is tuned to each horizon T. A schedule that ends like :math:`(1 -
z)^p` feels a capacity :math:`A = \min(b, p + 1)`, and

.. math::
    P \sim T^{-s A / (1 + s A)}, \quad \text{peak} \sim T^{-(1 + s A - A) / (1 + s A)}
    \quad\text{if } s \ge 1 - 1/A;
    \qquad P \sim T^{-s}, \quad \text{peak} \sim 1 \quad \text{otherwise}.

Averages of a constant rate do as well as the best schedule, A = b, but the full average forgets
its start no faster than :math:`\tau^{-2}`.

**Without noise** and at a constant rate, SGD and heavy ball fall like :math:`t^{-q}` with :math:`q
= \min(s, 2 - 1/b)`, where the second is noise made early, which outlives an easy target. DANA
falls like :math:`t^{-(2 - 1/b) q}`, or late like :math:`t^{-2 q}` if its rates are constant.

Sources: arXiv 2509.19189 and 2602.06797 (schedules), 2502.14123 (averages), 2505.16098 (DANA),
2405.15074 (SGD without noise). Derived in the documents: theory/schedules, theory/averaging,
theory/momentum.
"""

from solvable.asymptotics.finite import two_exponents
from solvable.models.problem import Problem
from solvable.rules.averaging import Averaged
from solvable.rules.momentum import DANA, Momentum
from solvable.rules.rule import Rule
from solvable.rules.sgd import SGD
from solvable.schedules import Constant, Cosine, Geometric, PowerDecay, StableDecay, Warmup
from solvable.util.checks import check_type
from solvable.util.errors import requirement
from solvable.util.record import static
from solvable.util.results import Result


class Exponents(Result):
    """Exponents of the excess risk in the horizon, while the features do not limit it."""

    risk: float
    """Signed: excess ~ T^risk."""
    peak: float | None
    """Exponent of the tuned peak of the learning rate; None if the rate is not tuned."""
    status: str = static()
    """``proven``, ``derived`` (by scaling, and seen in numbers) or ``numerical``."""
    conditions: tuple[str, ...] = static()

    def __str__(self) -> str:
        peak = f", peak ~ T^{self.peak:.4g}" if self.peak is not None else ""
        return f"excess ~ T^{self.risk:.4g}{peak} ({self.status}): " + "; ".join(self.conditions)


def _end(schedule: object) -> float | None:
    """The power p with which a schedule ends, infinite for geometric decay."""
    if isinstance(schedule, Warmup):
        return _end(schedule.schedule)
    if isinstance(schedule, PowerDecay):
        return float(schedule.p)
    powers = {Constant: 0.0, Cosine: 2.0, StableDecay: 1.0, Geometric: float("inf")}
    return powers.get(type(schedule))


def _tuned(s: float, A: float) -> tuple[float, float]:
    """Exponents of the risk and of the peak."""
    if s < 1 - 1 / A:
        return -s, 0.0
    return -s * A / (1 + s * A), -(1 + s * A - A) / (1 + s * A)


def _noisy(b: float, s: float, rule: Rule) -> Exponents:
    tuned = "the peak is tuned to each horizon"
    if isinstance(rule, Averaged) and isinstance(rule.rule, SGD) and rule.rule.constant:
        risk, peak = _tuned(s, b)
        forgets = "1 - rho falls like c / T, with a c that leaves nothing of the start, e^(-2 c)"
        window = forgets if rule.tail is None else "the tail grows like T"
        if rule.tail == 0 and s > 2:
            risk, peak = -2 * b / (2 * b + 1), -(b + 1) / (2 * b + 1)
            window = "the mean of all iterates forgets its start like 1 / tau^2"
        return Exponents(risk, peak, "derived", (tuned, window))
    if isinstance(rule, SGD):
        p = 0.0 if rule.constant else _end(rule.gamma)
        if p is not None:
            A = min(b, p + 1)
            conditions = [tuned]
            if p + 1 == b:
                conditions.append("up to a logarithm, as p + 1 = 2 alpha")
            if isinstance(rule.gamma, Geometric):
                conditions.append("T counts steps of a stage, T / log2 T")
            return Exponents(*_tuned(s, A), "derived", tuple(conditions))
    must = "be SGD with a named schedule, or an average of SGD of constant rate, with label noise"
    raise requirement("rule", must, rule)


def _noiseless(b: float, s: float, rule: Rule) -> Exponents:
    rate, q = "the rate is constant and stable", min(s, 2 - 1 / b)
    if isinstance(rule, SGD | Momentum) and rule.constant:
        status = "proven" if isinstance(rule, SGD) else "derived"
        return Exponents(-q, None, status, (rate,))
    if isinstance(rule, DANA):
        if rule.decay:
            condition = f"decay = 1 / (2 alpha) = {1 / b:.4g}; slopes rise towards it slowly"
            return Exponents(-(2 - 1 / b) * q, None, "numerical", (condition,))
        late = f"late, once gamma3 t^2 >> gamma2 t; T^{-q:.4g} before"
        return Exponents(-2 * q, None, "numerical", (late,))
    must = "be SGD or Momentum of constant rate, or DANA, without label noise"
    raise requirement("rule", must, rule)


def exponents(problem: Problem, rule: Rule) -> Exponents:
    """The predicted exponents of the excess risk in the number of steps, with their conditions.

    Args:
        problem: A power law with 2 alpha > 1 and 2 (alpha + beta) > 1. Whether it has label noise
            decides which apply.
        rule: Its numbers do not matter, but for the shape of its schedule.

    Raises:
        ValueError: If the problem or the rule has no known exponent; the message says which have.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.5, v=10**7, noise=1.0)
        >>> print(exponents(problem, SGD(schedules.Linear(0.1, T=1000))))
        excess ~ T^-0.6667, peak ~ T^-0.3333 (derived): the peak is tuned to each horizon; up to a
        logarithm, as p + 1 = 2 alpha
    """
    a, b = two_exponents(problem)
    check_type("rule", rule, Rule)
    s = (a - 1) / b
    return _noisy(b, s, rule) if float(problem.noise) > 0 else _noiseless(b, s, rule)
