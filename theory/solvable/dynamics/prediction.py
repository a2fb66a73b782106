"""The risk of one-pass training: averaged over the features, or exact for one draw of them."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvable.dynamics import inversion, octaves, secular
from solvable.dynamics.contour import TOLERANCE, contour_modes
from solvable.dynamics.curve import Curve
from solvable.dynamics.finite import check_fresh, check_whole, full_batch_curve
from solvable.dynamics.recursion import rate, stepping
from solvable.models.kernels import FINITE, FiniteProblem
from solvable.models.modes import Modes
from solvable.models.problem import Draw, LinearRegression, PowerLaw, check_one_pass
from solvable.models.thresholds import largest
from solvable.rules.full_batch import FullBatch, GradientFlow
from solvable.rules.rule import Rule
from solvable.rules.sgd import SGD
from solvable.spectra.resolvent import ridge_on_axis
from solvable.util.checks import check_type
from solvable.util.errors import requirement, why
from solvable.util.precision import as_numpy, float64_on_cpu, is_traced
from solvable.util.steps import MAX_STEPPED, check_steps
from solvable.util.types import Array

EQUIVALENT = "deterministic equivalent"
EXACT = "exact expectation"

UNSTABLE_STEPS = 10_000
"""Above the stability threshold a curve can only be stepped, and this far."""

Nodes = Callable[[float], Modes]
"""The modes to step with, for a horizon."""

_SECULAR = 4096
"""Up to this many modes the secular equation is solved, in time n^2; above, the inversion."""


class UnstableError(ValueError):
    """The learning rate is above the stability threshold: the expected risk grows for ever."""


@functools.partial(jax.jit, static_argnames="solve_secular")
def _stable_curve(step, modes, inverse_d, gamma, B, solve_secular):
    """Excess risk, the four terms it is the sum of, and the relative numerical error."""
    if solve_secular:
        excess, forcing = secular.evaluate(step, modes, gamma, B)
        error = jnp.asarray(1e-12)
    else:
        excess, forcing, error = inversion.evaluate(step, modes, inverse_d, gamma, B)
    kappa = ridge_on_axis(jnp.zeros(()), modes, inverse_d)
    learnable = modes.lam / (modes.lam + kappa)
    capacity = modes.floor + modes.weight @ (kappa / (modes.lam + kappa))
    remaining = jnp.exp(step[:, None] * jnp.log1p(-rate(modes.lam, gamma, B)))
    population = remaining @ (modes.weight * learnable)
    terms = {
        "capacity": jnp.full_like(step, capacity),
        "population": population,
        "distortion": forcing - capacity - population,
        "sgd_noise": excess - forcing,
    }
    return excess, terms, error


def _padded(step: np.ndarray) -> np.ndarray:
    """Steps as floats, filled up to one of few lengths, so that calls share programs."""
    size = step.size
    size = 1 << (size - 1).bit_length() if size <= 64 else -(-size // 64) * 64
    return np.pad(step.astype(float), (0, size - step.size), mode="edge")


def _unstable(rule: Rule, room: float) -> UnstableError:
    """``room`` is the threshold in units of the learning rate."""
    gamma = float(rule.base.gamma)
    return UnstableError(
        f"Argument `sgd` must have gamma below the largest stable learning rate, "
        f"{room * gamma:.6g} for B = {rule.B}, but gamma is {gamma:.6g}. "
        "Take SGD.stable(problem, fraction, B), or set allow_unstable=True. "
        + why("theory/batch_size")
    )


def _growing(step: np.ndarray, nodes: Nodes, rule: Rule, longest: int = UNSTABLE_STEPS) -> Array:
    """Excess risk above the stability threshold, infinite once it has overflowed."""
    if step[-1] > longest:
        must = f"end by {longest} above the stability threshold"
        raise requirement("steps", must, int(step[-1]))
    excess = stepping(step, nodes(float(step[-1])), rule)
    return jnp.where(jnp.isnan(excess), jnp.inf, excess)


def _carried(step: np.ndarray, nodes: Nodes, rule: Rule, check: bool) -> tuple[Array, float]:
    """Excess risk of any rule, carried by the nodes, and the relative error of the time steps."""
    if not rule.constant and step[-1] > MAX_STEPPED:
        must = f"end by {MAX_STEPPED:.0e} for a rule that changes from step to step"
        raise requirement("steps", must, int(step[-1]))
    modes = nodes(float(step[-1]))
    if rule.constant and not is_traced((modes, rule)):
        if rule.equivalent or (kernel := octaves.kernel(modes, rule)) < 1:
            return octaves.evaluate(step, modes, rule)
        if check:
            raise UnstableError(
                f"Argument `sgd` must be stable, but the kernel of the noise of {rule} sums to "
                f"{kernel:.4g}, not below one. Take smaller rates, or set allow_unstable=True. "
                + why("theory/momentum")
            )
    if not check:
        return _growing(step, nodes, rule, MAX_STEPPED), 1e-12
    excess = stepping(step, modes, rule)
    if not is_traced(excess) and not np.isfinite(excess).all():
        at = int(step[int(np.argmin(np.isfinite(excess)))])
        raise UnstableError(
            f"The expected risk of {rule} overflows by step {at}: take smaller rates, or set "
            "allow_unstable=True. " + why("theory/schedules")
        )
    return excess, 1e-12


def _curve(problem, modes, inverse_d, rule, steps, terms, allow_unstable, rung, nodes) -> Curve:
    """The one way from modes to a curve. ``nodes(horizon)`` are the modes to step with."""
    step = check_steps(steps)
    check_type("sgd", rule, Rule)
    if "modes" not in rule.engines:
        raise requirement("sgd", "be a rule that has a theory", rule, "Simulate it instead.")
    like = rule.equivalent  # the SGD that tells whether the rule is stable
    gamma = like.gamma if like else 0.0
    threshold = largest(modes, inverse_d, 1.0 * like.B) if like else jnp.inf
    traced = is_traced((threshold, gamma))
    stable = traced or gamma < threshold
    solved = isinstance(rule, SGD) and rule.constant and stable
    if terms and not solved:
        must = "be False, but for SGD of constant rate below the stability threshold"
        raise requirement("terms", must, terms)
    if not stable and not allow_unstable:
        raise _unstable(rule, float(threshold / gamma))
    split, error = None, TOLERANCE if rung == EQUIVALENT else 1e-12
    if solved:
        use_secular = rung == EXACT and modes.lam.size <= _SECULAR
        solution = _stable_curve(
            _padded(step), modes, inverse_d, 1.0 * rule.gamma, 1.0 * rule.B, use_secular
        )
        excess, split = jax.tree.map(lambda x: x[: step.size], solution[:2])
        error = solution[2]
    elif stable:
        excess, measured = _carried(step, nodes, rule, not allow_unstable)
        error = max(error, measured)
    else:
        excess = _growing(step, nodes, rule)
    if traced and like:  # no message can be raised here, so what has no meaning has no number
        excess = jnp.where(gamma < threshold, excess, jnp.nan)
    return Curve(
        step=step,
        excess=as_numpy(excess),
        terms=as_numpy(split) if terms else None,
        error=error if is_traced(error) else max(float(error), 1e-12),
        rung=rung,
        problem=problem,
        sgd=rule,
    )


def _contour(problem: PowerLaw, rule: Rule, horizon: float) -> Modes:
    if is_traced((problem, rule)):
        raise TypeError(
            "Under jax.jit, jax.grad or jax.vmap, random features can be trained with SGD of "
            "constant rate only: other rules need a contour made for their numbers. "
            "Linear regression and draws have no such limit."
        )
    return contour_modes(problem, rule, horizon)


@float64_on_cpu
def predict(
    problem: FiniteProblem,
    sgd: Rule | GradientFlow,
    steps: int | Sequence[int] | np.ndarray,
    *,
    n: int | None = None,
    ensemble: int = 1,
    bags: int = 1,
    terms: bool = False,
    allow_unstable: bool = False,
) -> Any:
    r"""Expected risk of training at any step, without simulating a single one.

    One-pass training gives a :class:`Curve`; full batches of n samples (:class:`GradientFlow`,
    :func:`GradientDescent`, :class:`FullBatch`) a :class:`FiniteCurve` (:mod:`solvable.dynamics.finite`).

    For :class:`PowerLaw` it is the deterministic equivalent: the mean over the features W and
    the data, up to a relative error O(1/d). One draw of W scatters around it, by 15 to 25 per
    cent at d = 100, 7 to 15 at 400; :func:`expect` is exact for the draw. For
    :class:`LinearRegression` it is the exact expectation. Neither the cost nor the accuracy
    depends on the number of features, nor, for rules with constant coefficients, on the number
    of steps. Others are stepped, for up to 10^8 steps, on a few hundred nodes.

    Args:
        problem: What is learned.
        sgd: How: :class:`SGD`, with any schedule, :class:`Momentum`, :class:`DANA`,
            :class:`ThreeRates`, :class:`Averaged` or :class:`LabelMixture`; or a full-batch rule.
        steps: The last step, for about 200 log-spaced steps with 0 and the last included; or
            an increasing array of steps, returned as it is. Up to 10^15. For gradient flow,
            times, which need not be whole.
        n: Samples of full-batch training; None for infinitely many. One-pass rules see fresh
            samples, and have no n.
        ensemble: Full batch: average the predictors of so many draws of the features.
        bags: Full batch: average over so many data sets.
        terms: Also return the four parts of the excess risk, with
            :math:`\kappa_0` the effective ridge at zero and :math:`\lambda_j = j^{-2 \alpha}`:
            *capacity*, what d features cannot express, :math:`\kappa_0 \sum_j j^{-2 \alpha -
            2 \beta} / (\lambda_j + \kappa_0)`; *population*, what is not learned yet,
            :math:`\sum_j j^{-2 \alpha - 2 \beta} a(\lambda_j)^t \lambda_j / (\lambda_j +
            \kappa_0)`; *distortion*, the rest of the risk without the feedback of SGD noise;
            and *sgd_noise*, that feedback.
        allow_unstable: Above the stability threshold, return the growing curve, by stepping,
            up to 10 000 steps, instead of raising an error.

    Returns:
        A :class:`Curve`; its ``error`` is the measured relative error of the numerics.

    Raises:
        UnstableError: If ``sgd.gamma`` is not below :func:`max_learning_rate`. (Under
            ``jax.vmap`` or ``jax.grad`` the risk is NaN instead.) Schedules have no threshold:
            for them, if the risk overflows.
        ValueError: If ``steps`` is not increasing, whole and within 0 ... 10^15, or longer than
            an array of rates.

    Source: Paquette et al. (2024), arXiv 2405.15074, sections 2 and 3; for other rules see their
    modules and :mod:`solvable.dynamics.recursion`.

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
    if isinstance(problem, Draw):
        raise TypeError("Argument `problem` is a draw of W; its exact risk is expect(draw, ...).")
    check_type("problem", problem, *FINITE)
    if isinstance(sgd, (FullBatch, GradientFlow)):
        check_whole(terms, allow_unstable)
        return full_batch_curve(problem, sgd, steps, n, ensemble, bags, (EXACT, EQUIVALENT))
    check_fresh(n, ensemble, bags)
    check_one_pass(problem)
    modes = problem.spectrum()
    nodes = lambda _: modes
    if isinstance(problem, PowerLaw):
        nodes = functools.partial(_contour, problem, sgd)
    rung = EQUIVALENT if isinstance(problem, PowerLaw) else EXACT
    options = terms, allow_unstable, rung, nodes
    return _curve(problem, modes, problem.inverse_d, sgd, steps, *options)


@float64_on_cpu
def expect(
    draw: Draw | LinearRegression,
    sgd: Rule,
    steps: int | Sequence[int] | np.ndarray,
    *,
    allow_unstable: bool = False,
) -> Curve:
    """Exact expected risk for given features, averaged over the data alone, at any step.

    No limit is taken: for Gaussian inputs the second moments close on themselves. For SGD their
    recursion is solved by its eigenvalues (:mod:`solvable.dynamics.secular`).

    Args:
        draw: A draw of the features, from ``problem.draw(key)``; or a linear regression.
        sgd: As in :func:`predict`.
        steps: As in :func:`predict`.
        allow_unstable: As in :func:`predict`.

    Raises:
        UnstableError: If ``sgd.gamma`` is not below ``max_learning_rate(draw, sgd.B)``.
        ValueError: If ``steps`` is not increasing, whole and within 0 ... 10^15.

    Source: Paquette et al. (2024), arXiv 2405.15074, section 2.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
        >>> draw = problem.draw(jax.random.key(0))
        >>> curve = expect(draw, SGD(gamma=0.3), steps=[0, 100, 10**6])
        >>> print([f"{risk:.6f}" for risk in curve.risk])
        ['1.305473', '0.043927', '0.000434']
    """
    if isinstance(draw, PowerLaw):
        raise TypeError("Argument `draw` must be problem.draw(key); for the mean use predict.")
    check_type("draw", draw, Draw, LinearRegression)
    is_draw = isinstance(draw, Draw)
    check_one_pass(draw.problem if is_draw else draw)
    modes = draw.modes if is_draw else draw.spectrum()
    problem = draw.problem if is_draw else draw
    return _curve(problem, modes, 0.0, sgd, steps, False, allow_unstable, EXACT, lambda _: modes)
