"""The risk of training: averaged over the features, or exact for one draw of them."""

import functools

from solvable.dynamics import one_pass
from solvable.dynamics.contour import contour_modes
from solvable.dynamics.curve import Curve
from solvable.dynamics.finite import check_fresh, check_whole, full_batch_curve
from solvable.dynamics.solution import Seen
from solvable.models.modes import Modes, seen_modes
from solvable.models.problem import Problem, check_one_pass, check_problem
from solvable.rules.rule import Rule, check_rule
from solvable.util.checks import check_flag
from solvable.util.errors import wrong_kind
from solvable.util.fields import Steps
from solvable.util.precision import as_numpy, float64_on_cpu, is_traced
from solvable.util.steps import check_steps
from solvable.util.types import Rung


def _nodes(problem: Problem, rule: Rule, horizon: float) -> Modes:
    if is_traced((problem, rule)):
        raise TypeError(
            "Under jax.jit, jax.grad or jax.vmap, random features can be trained with SGD of "
            "constant rate only: other rules need a contour made for their numbers. "
            "Linear regression and draws have no such limit."
        )
    return contour_modes(problem, rule, horizon)


def seen_of(problem: Problem, rule: Rule) -> Seen:
    """What training on fresh samples sees of a problem."""
    modes = seen_modes(problem)
    if problem.rung is Rung.EXACT:
        return Seen(modes, 0.0, lambda horizon: modes)
    return Seen(modes, problem.inverse_d, functools.partial(_nodes, problem, rule))


@float64_on_cpu
def predict(
    problem: Problem,
    rule: Rule,
    steps: Steps,
    *,
    n: int | None = None,
    ensemble: int = 1,
    bags: int = 1,
    terms: bool = False,
    allow_unstable: bool = False,
) -> Curve:
    r"""Expected risk of training at any step, without simulating a single one.

    For random features it is the deterministic equivalent: the mean over the features W and
    the data, up to a relative error O(1/d). One draw of W scatters around it, by 15 to 25 per
    cent at d = 100, 7 to 15 at 400. For a draw ``problem.draw(key)``, for linear regression and for
    given modes it is the exact expectation. Neither the cost nor the accuracy depends on the number
    of features, nor, for rules with constant coefficients, on the number of steps. Others are
    stepped, for up to 10^8 steps, on a few hundred nodes.

    Args:
        problem: What is learned: :class:`PowerLaw`, :class:`Spectrum`, :class:`KernelFeatures`, a
            draw of features, :class:`Modes`, or a problem of your own.
        rule: How: :class:`SGD` with any schedule, :class:`Momentum`, :class:`DANA`,
            :class:`ThreeRates`, or a rule of your own, each also :class:`Averaged`, as
            :class:`LabelMixture` or as :class:`FullBatch`; :class:`GradientFlow`, or
            :class:`Ridge`.
        steps: The last step, for about 200 log-spaced steps with 0 and the last included; or
            an increasing array of steps, returned as it is. Up to 10^15. For gradient flow,
            times, which need not be whole; for ridge regression, ridges.
        n: Samples of a finite data set, used again at every step by full batches; None for
            infinitely many. Rules on fresh samples have no n.
        ensemble: On a finite data set: average the predictors of so many draws of the features.
        bags: On a finite data set: average over so many data sets.
        terms: Also return the four parts of the excess risk of SGD, with
            :math:`\kappa_0` the effective ridge at zero and :math:`\lambda_j` the eigenvalues:
            *capacity*, what d features cannot express, :math:`\kappa_0 \sum_j m_j / (\lambda_j +
            \kappa_0)`; *population*, what is not learned yet,
            :math:`\sum_j m_j\, a(\lambda_j)^t \lambda_j / (\lambda_j + \kappa_0)`; *distortion*,
            the rest of the risk without the feedback of SGD noise, which may be negative at early
            steps; and *sgd_noise*, that feedback. Full batches always have terms of their own.
        allow_unstable: Above the stability threshold, return the growing curve, by stepping,
            up to 10 000 steps, instead of raising an error.

    Returns:
        A :class:`Curve`; its ``rung`` says what the numbers are, and its ``error`` is the measured
        relative error of the numerics.

    Raises:
        UnstableError: If the rule is not stable: for SGD, if ``gamma`` is not below
            :func:`threshold`. (Under ``jax.vmap`` or ``jax.grad`` the risk is NaN instead.)
            Schedules have no threshold: for them, if the risk overflows.
        ValueError: If ``steps`` is not increasing, whole and within 0 ... 10^15, or longer than
            an array of rates; or if the rule moves the target, as weight decay does.
        TypeError: If ``problem`` is no problem or ``rule`` no rule.

    Source: Paquette et al. (2024), arXiv 2405.15074, sections 2 and 3; for other rules see their
    modules and :mod:`solvable.dynamics.recursion`. Derived in the documents:
    theory/random_features.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
        >>> curve = predict(problem, SGD.stable(problem, 0.5), steps=10**10)
        >>> print(curve)  # doctest: +ELLIPSIS
        deterministic equivalent of PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400, noise=0.0)
        SGD(gamma=0.3039..., B=1), 189 steps from 0 to 1e+10: risk 1.30547 to 0.000416844, ...
        >>> flow = predict(problem, GradientFlow(), [10.0, 1e12], n=300)
        >>> flow.risk.round(6), flow.train[0].round(6)
        (array([0.055918, 0.001631]), np.float64(0.053691))
    """
    check_problem(problem)
    check_rule(rule)
    check_flag("terms", terms)
    check_flag("allow_unstable", allow_unstable)
    if rule.data == "whole":
        check_whole(terms, allow_unstable)
        return full_batch_curve(problem, rule, steps, n, ensemble, bags)
    check_fresh(n, ensemble, bags)
    check_one_pass(problem)
    step = check_steps(steps)
    seen = seen_of(problem, rule)
    solution = one_pass.solve(seen, rule, step, allow_unstable)
    parts = one_pass.terms(seen, rule, step, solution) if terms else None
    error = solution.error
    return Curve(
        x=step,
        excess=as_numpy(solution.excess),
        terms=as_numpy(parts),
        error=error if is_traced(error) else max(float(error), 1e-12),
        rung=problem.rung,
        problem=problem,
        rule=rule,
    )


def expect(
    problem: Problem,
    rule: Rule,
    steps: Steps,
    *,
    n: int | None = None,
    allow_unstable: bool = False,
) -> Curve:
    """Exact expected risk for given features, averaged over the data alone, at any step.

    It is :func:`predict` where nothing but the data is random, and refuses anything else: no limit
    is taken, since for Gaussian inputs the second moments close on themselves.

    Args:
        problem: A draw of the features, from ``problem.draw(key)``; linear regression; or modes.
        rule: A rule on fresh samples, as in :func:`predict`.
        steps: As in :func:`predict`.
        n: None: an exact expectation on a data set is not known here.
        allow_unstable: As in :func:`predict`.

    Raises:
        UnstableError: If the rule is not stable for these features.
        TypeError: If the features are not given.
        ValueError: If ``steps`` is not increasing, whole and within 0 ... 10^15.

    Source: Paquette et al. (2024), arXiv 2405.15074, section 2.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
        >>> draw = problem.draw(jax.random.key(0))
        >>> curve = expect(draw, SGD(gamma=0.3), steps=[0, 100, 10**6])
        >>> print([f"{risk:.6f}" for risk in curve.risk])
        ['1.305473', '0.043927', '0.000434']
    """
    check_problem(problem)
    check_rule(rule)
    if problem.rung is not Rung.EXACT:
        must = "have given features, as problem.draw(key) has"
        raise wrong_kind("problem", must, problem, "For the mean over features use predict.")
    if rule.data == "whole":
        must = "see fresh samples at every step, for an exact expectation"
        raise wrong_kind("rule", must, rule, "For finite data use predict(..., n=n).")
    check_fresh(n, 1, 1)
    return predict(problem, rule, steps, allow_unstable=allow_unstable)
