"""The best weights of samples, and the best proportions of domains, for a given horizon."""

from dataclasses import replace

import numpy as np
from scipy import optimize

from solvable.dynamics.domain_theory import expect_domains
from solvable.dynamics.one_pass import UnstableError
from solvable.dynamics.prediction import predict
from solvable.models.domains import Domains
from solvable.models.problem import Problem
from solvable.rules.labels import LabelMixture
from solvable.rules.momentum import Momentum
from solvable.rules.sgd import SGD
from solvable.util.checks import check_count, check_type
from solvable.util.errors import requirement


def optimal_weights(
    problem: Problem, mixture: LabelMixture, steps: int
) -> tuple[LabelMixture, float]:
    r"""The weights, and the learning rate, with the least expected excess risk after ``steps``.

    The weight of the least noisy kind is one, and the others are sought in [0, 1]. Where the
    noise decides they are :math:`\sigma_{clean}^2 / \sigma_{noisy}^2`; a larger weight pays where
    samples are few.

    Args:
        problem: What is learned.
        mixture: The kinds, and SGD or Momentum of constant rate; its rate and its weights are
            where the search starts.
        steps: The horizon.

    Returns:
        The mixture with the best rate and weights, and its excess risk.

    Raises:
        ValueError: If the rule has no constant rate to tune.

    Example:
        >>> problem = PowerLaw(alpha=0.75, beta=0.15, v=32)
        >>> mixture = LabelMixture(SGD(0.1), noise=[0.5, 2.0], probability=[0.2, 0.8])
        >>> best, excess = optimal_weights(problem, mixture, steps=2000)
        >>> round(excess, 4)
        0.0685
    """
    check_type("mixture", mixture, LabelMixture)
    check_count("steps", steps)
    rule = mixture.rule
    if not (isinstance(rule, SGD | Momentum) and rule.constant):
        raise requirement("mixture", "be of SGD or Momentum with a constant rate", mixture)
    clean = int(np.argmin(mixture.noise))
    others = np.arange(mixture.noise.size) != clean

    def weighted(x: np.ndarray) -> LabelMixture:
        weight = np.ones(mixture.noise.size)
        weight[others] = np.clip(x[1:], 0, 1) ** 2  # finer near zero
        scaled = replace(rule, gamma=rule.gamma * np.exp(x[0]))
        return replace(mixture, rule=scaled, weight=weight)

    def loss(x: np.ndarray) -> float:
        try:
            excess = predict(problem, weighted(x), [steps]).excess[0]
        except UnstableError:
            return 1e3
        return float(np.log(excess)) + float(np.abs(x[1:] - np.clip(x[1:], 0, 1)).sum())

    noise = mixture.noise[others]
    ratio = np.sqrt(mixture.noise[clean] / np.maximum(noise, 1e-30)).clip(0.1, 0.9)
    options = {"xatol": 1e-3, "fatol": 1e-8, "maxiter": 400}
    start = np.append(0.0, ratio)
    while loss(start) >= 1e3 and start[0] > -30:  # down to a stable rate
        start[0] -= 1
    best = optimize.minimize(loss, start, method="Nelder-Mead", options=options)
    return weighted(best.x), float(np.exp(best.fun))


def optimal_proportions(
    domains: Domains, sgd: SGD, steps: int, *, domain: int = 0
) -> tuple[Domains, float]:
    """The proportions with the least expected excess risk in one domain after ``steps``.

    Other domains help early, by what they share with it, and mislead late.

    Returns:
        The domains in these proportions, and the excess risk.

    Example:
        >>> j = np.arange(1.0, 25.0)
        >>> domains = Domains(eigenvalues=[j**-1.5, 0.5 / j], target=[j**-0.15, 1.2 * j**-0.15],
        ...                   noise=[0.1, 0.3], proportion=[0.5, 0.5])
        >>> early, late = (optimal_proportions(domains, SGD(0.12), t)[0] for t in (100, 1000))
        >>> bool(early.proportion[0] < late.proportion[0])
        True
    """
    check_type("domains", domains, Domains)
    K = len(domains.eigenvalues)
    check_count("domain", domain, minimum=0, maximum=K - 1)

    def mixed(x: np.ndarray) -> Domains:
        share = np.append(x, 0.0) - np.max(np.append(x, 0.0))
        return replace(domains, proportion=np.exp(share) / np.exp(share).sum())

    def loss(x: np.ndarray) -> float:
        try:
            return float(np.log(expect_domains(mixed(x), sgd, [steps]).excess[domain, 0]))
        except ValueError:
            return 1e3

    x = np.zeros(K - 1)
    if K == 2:
        grid = np.linspace(-8, 8, 17)
        at = min(grid, key=lambda y: loss(np.array([y])))
        found = optimize.minimize_scalar(
            lambda y: loss(np.array([y])), bounds=(at - 1, at + 1), method="bounded"
        )
        x = np.array([found.x])
    elif K > 2:
        x = optimize.minimize(loss, x, method="Nelder-Mead").x
    best = mixed(x)
    return best, float(np.exp(loss(x)))
