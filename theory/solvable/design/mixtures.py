r"""The best weights of samples, and the best proportions of domains, for a given horizon.

Weights :math:`\omega_k` of kinds with probabilities :math:`p_k` enter the risk through three means
only. The mean of :math:`\omega` is a part of the learning rate. Those of :math:`\omega^2` and of
:math:`\omega^2 \sigma^2`, with :math:`\sigma_k^2` all of the label noise of a kind, feed the risk.
So the best weights make one of them least at its size of the other: for some :math:`\mu` they
minimise :math:`\sum_k p_k \omega_k^2 (\sigma_k^2 + \mu)` at a given mean, and

.. math::
    \omega_k \propto \frac{1}{\sigma_k^2 + \mu}.

However many kinds there are, a rate and :math:`\mu` are all that has to be found.

Derived in the documents: theory/mixtures.
"""

from dataclasses import replace

import numpy as np
from scipy import optimize

from solvable.design.thresholds import threshold
from solvable.dynamics.domain_theory import final_excess_by_proportion
from solvable.dynamics.one_pass import UnstableError
from solvable.dynamics.prediction import predict
from solvable.models.domains import Domains
from solvable.models.modes import check_modes
from solvable.models.problem import Problem, check_problem
from solvable.rules.labels import LabelMixture
from solvable.rules.momentum import Momentum
from solvable.rules.sgd import SGD
from solvable.util.checks import check_count, check_type
from solvable.util.errors import requirement
from solvable.util.steps import MAX_STEPPED

_WORST = 1e3  # in the place of the logarithm of a risk that overflows


def optimal_weights(
    problem: Problem, mixture: LabelMixture, steps: int
) -> tuple[LabelMixture, float]:
    r"""The weights, and the learning rate, with the least expected excess risk after ``steps``.

    The weight of the least noisy kind is one, and no other is larger. Where the noise decides they
    are :math:`\sigma_{clean}^2 / \sigma_{noisy}^2`; a larger weight pays where samples are few.
    Rates are sought below the stability threshold.

    Args:
        problem: What is learned.
        mixture: The kinds, and SGD or Momentum of constant rate. Its rate and its weights do not
            matter.
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
    steps = check_count("steps", steps)
    rule = mixture.rule
    if not (isinstance(rule, SGD | Momentum) and rule.constant):
        raise requirement("mixture", "be of SGD or Momentum with a constant rate", mixture)
    modes = check_modes(check_problem(problem).spectrum())
    noise, p = float(modes.noise) + mixture.noise, mixture.probability
    signal = max(float(modes.excess), 1e-100)
    # From where mu changes no weight by more than 1e-6 to where it makes them equal.
    ends = np.log([1e-6 * (noise.min() + 1e-6 * signal), 1e6 * (noise.max() + signal)])
    # The threshold is that of equal weights, the largest of all.
    bounds = np.log(threshold(problem, rule)) + np.array([-16.0, -1e-3]), ends

    def weighted(x: np.ndarray) -> LabelMixture:
        gamma, mu = np.exp([np.clip(y, *ends) for y, ends in zip(x, bounds, strict=True)])
        weight = (noise.min() + mu) / (noise + mu)
        return replace(mixture, rule=replace(rule, gamma=gamma / (p @ weight)), weight=weight)

    def loss(x: np.ndarray) -> float:
        outside = sum(abs(y - np.clip(y, *ends)) for y, ends in zip(x, bounds, strict=True))
        try:
            excess = float(predict(problem, weighted(x), [steps]).excess[0])
        except UnstableError:
            return _WORST
        return float(np.log(max(excess, 1e-300)) + outside)

    likely = np.log(np.clip(noise.min() + 1e-2 * np.append(noise, signal), *np.exp(ends)))
    grid = [(y, z) for y in np.linspace(*bounds[0], 9) for z in (likely.min(), likely.max())]
    start = np.array(min(grid, key=lambda x: loss(np.array(x))))
    simplex = start + np.array([(0.0, 0.0), (-0.5, 0.0), (0.0, 1.0)])
    options = {"xatol": 1e-4, "fatol": 1e-12, "maxiter": 400, "initial_simplex": simplex}
    best = optimize.minimize(loss, start, method="Nelder-Mead", options=options)
    return weighted(best.x), float(np.exp(best.fun))


def optimal_proportions(
    domains: Domains, rule: SGD, steps: int, *, domain: int = 0
) -> tuple[Domains, float]:
    """The proportions with the least expected excess risk in one domain after ``steps``.

    Other domains help early, by what they share with it, and mislead late. The search is local,
    with the exact derivatives, from the best two of the given proportions, equal ones, and those
    of mostly one domain each.

    Args:
        domains: The data; its proportions are one of the starts.
        rule: Learning rate, which may be a schedule, and batch size.
        steps: The horizon.
        domain: The domain whose risk counts.

    Returns:
        The domains in these proportions, and the excess risk.

    Raises:
        ValueError: If the expected risk overflows in all proportions that are tried.

    Example:
        >>> j = np.arange(1.0, 25.0)
        >>> domains = Domains(eigenvalues=[j**-1.5, 0.5 / j], target=[j**-0.15, 1.2 * j**-0.15],
        ...                   noise=[0.1, 0.3], proportion=[0.5, 0.5])
        >>> early, late = (optimal_proportions(domains, SGD(0.12), t)[0] for t in (100, 1000))
        >>> bool(early.proportion[0] < late.proportion[0])
        True
    """
    check_type("domains", domains, Domains)
    check_type("rule", rule, SGD)
    steps = check_count("steps", steps, maximum=MAX_STEPPED)
    K = len(domains.eigenvalues)
    domain = check_count("domain", domain, minimum=0, maximum=K - 1)

    def mixed(x: np.ndarray) -> Domains:
        share = np.where(x > 1e-12, x, 0.0)
        return replace(domains, proportion=share / share.sum())

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        excess, slopes = final_excess_by_proportion(mixed(x), rule, steps)
        value, slope = excess[domain], slopes[:, domain]
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return _WORST, np.zeros(K)
        value = max(value, 1e-300)
        return float(np.log(value)), slope / value

    mostly = 0.9 * np.eye(K) + 0.1 / K
    starts = [np.asarray(domains.proportion), np.full(K, 1 / K), *mostly]
    starts = sorted(starts, key=lambda x: loss(x)[0])[:2]
    if loss(starts[0])[0] == _WORST:
        raise requirement("rule", "keep the expected risk finite", rule, "Take a smaller gamma.")
    options = {"ftol": 1e-13, "maxiter": 300}
    whole = {"type": "eq", "fun": lambda x: x.sum() - 1, "jac": lambda x: np.ones(K)}
    search = lambda x: optimize.minimize(
        loss, x, jac=True, method="SLSQP", bounds=[(0, 1)] * K, constraints=whole, options=options
    )
    best = min((search(x) for x in starts), key=lambda found: found.fun)
    return mixed(best.x), float(np.exp(best.fun))
