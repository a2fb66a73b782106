"""Training on fresh samples: which solver, and what it says of stability.

Four solvers know the same recursion: by its eigenvalues (``secular``, few real modes), by contour
inversion (``inversion``, any number of features), in blocks of steps that double (``octaves``, any
rule of constant coefficients) and step by step (``recursion``, everything else).
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvable.dynamics import inversion, octaves, secular
from solvable.dynamics.contour import TOLERANCE
from solvable.dynamics.recursion import rate, stepping
from solvable.dynamics.solution import Seen, Solution, Solver
from solvable.models.thresholds import largest
from solvable.rules.rule import Rule, target_keeping
from solvable.spectra.resolvent import ridge_on_axis
from solvable.util.errors import ArgumentError, requirement
from solvable.util.precision import is_traced
from solvable.util.steps import MAX_STEPPED
from solvable.util.types import Array

UNSTABLE_STEPS = 10_000
"""Above the stability threshold a curve can only be stepped, and this far."""

_SECULAR = 4096
"""Up to this many modes the secular equation is solved, in time n^2; above, the inversion."""

_ROUNDING = 1e-12


class UnstableError(ArgumentError):
    """The learning rate is above the stability threshold: the expected risk grows for ever."""


def is_plain(rule: Rule) -> bool:
    """Whether it is SGD of constant rate on samples that are all alike, by whatever name."""
    return rule.constant and len(rule.start) == 1 and rule.labels is None


def plain_rate(rule: Rule) -> Any:
    """The rate of a plain rule."""
    return -target_keeping(rule, np.zeros(1, int)).b[0, 0]


def _padded(step: np.ndarray) -> np.ndarray:
    """Steps as floats, filled up to one of few lengths, so that calls share programs."""
    size = step.size
    size = 1 << (size - 1).bit_length() if size <= 64 else -(-size // 64) * 64
    return np.pad(step.astype(float), (0, size - step.size), mode="edge")


_secular = jax.jit(secular.evaluate)
_inverted = jax.jit(inversion.evaluate)


def by_eigenvalues(seen: Seen, rule: Rule, step: np.ndarray) -> Solution:
    """A plain rule on few real modes."""
    excess, forcing = _secular(_padded(step), seen.modes, 1.0 * plain_rate(rule), 1.0 * rule.B)
    return Solution(excess[: step.size], _ROUNDING, forcing[: step.size])


def by_inversion(seen: Seen, rule: Rule, step: np.ndarray) -> Solution:
    """A plain rule on any modes, with any number of features in front of them."""
    gamma, B = 1.0 * plain_rate(rule), 1.0 * rule.B
    excess, forcing, error = _inverted(_padded(step), seen.modes, seen.inverse_d, gamma, B)
    return Solution(excess[: step.size], error, forcing[: step.size])


def by_octaves(seen: Seen, rule: Rule, step: np.ndarray) -> Solution:
    """A rule of constant coefficients, on nodes."""
    excess, error = octaves.evaluate(step, seen.nodes(float(step[-1])), rule)
    return Solution(excess, max(error, _of_nodes(seen)))


def by_steps(seen: Seen, rule: Rule, step: np.ndarray) -> Solution:
    """Any rule, step by step, on nodes."""
    if step[-1] > MAX_STEPPED:
        must = f"end by {MAX_STEPPED:.0e} for a rule that changes from step to step"
        raise requirement("steps", must, int(step[-1]))
    excess = stepping(step, seen.nodes(float(step[-1])), rule)
    if not is_traced(excess) and not np.isfinite(excess).all():
        at = int(step[int(np.argmin(np.isfinite(excess)))])
        must = f"keep the expected risk finite, which overflows by step {at}"
        raise UnstableError("rule", must, rule, _FIX, "theory/schedules", _SHELL)
    return Solution(excess, _of_nodes(seen))


def growing(seen: Seen, rule: Rule, step: np.ndarray) -> Solution:
    """A rule that may be unstable, step by step; infinite once it has overflowed."""
    longest = UNSTABLE_STEPS if rule.equivalent else MAX_STEPPED
    if step[-1] > longest:
        must = f"end by {longest} above the stability threshold"
        raise requirement("steps", must, int(step[-1]))
    excess = stepping(step, seen.nodes(float(step[-1])), rule)
    return Solution(jnp.where(jnp.isnan(excess), jnp.inf, excess), _of_nodes(seen))


def _of_nodes(seen: Seen) -> float:
    """The relative error of the nodes that are stepped with."""
    is_exact = not is_traced(seen.inverse_d) and seen.inverse_d == 0
    return _ROUNDING if is_exact else TOLERANCE


_FIX = "Take smaller rates, or set allow_unstable=True."
_SHELL = "Take a smaller --gamma, or --allow-unstable."


def choose(seen: Seen, rule: Rule, step: np.ndarray, allow_unstable: bool = False) -> Solver:
    """The solver of a rule.

    Raises:
        UnstableError: If the rule is not stable, unless that is allowed.
    """
    traced = is_traced((seen.modes, seen.inverse_d, rule))
    like = rule.equivalent  # the SGD that tells whether the rule is stable
    if like and not traced:
        room = float(largest(seen.modes, seen.inverse_d, 1.0 * like.B) / like.gamma)
        if not room > 1:
            if allow_unstable:
                return growing
            raise _unstable(rule, room)
    if is_plain(rule):
        is_small = not is_traced(seen.inverse_d) and seen.inverse_d == 0
        few = is_small and np.shape(seen.modes.lam)[-1] <= _SECULAR
        return by_eigenvalues if few else by_inversion
    if rule.constant and not traced:
        kernel = 0.0 if like else octaves.kernel(seen.nodes(float(step[-1])), rule)
        if kernel < 1:
            return by_octaves
        if not allow_unstable:
            must = f"be stable, but the kernel of its noise sums to {kernel:.4g}, not below one"
            raise UnstableError("rule", must, rule, _FIX, "theory/momentum", _SHELL)
    return growing if allow_unstable else by_steps


def _unstable(rule: Rule, room: float) -> UnstableError:
    """``room`` is the threshold in units of the learning rate."""
    gamma = getattr(rule.base, "gamma", None)
    fix = "Take SGD.stable(problem, fraction, B), or set allow_unstable=True."
    shell = "Take --fraction 0.5, or --allow-unstable."
    if gamma is None:
        must = f"have rates {room:.4g} times as large at most, to be stable"
        return UnstableError("rule", must, rule, fix, "theory/batch_size", shell)
    must = (
        f"have gamma below the largest stable learning rate, {room * float(gamma):.6g} for "
        f"B = {rule.B}"
    )
    return UnstableError("rule", must, rule, fix, "theory/batch_size", shell)


def solve(seen: Seen, rule: Rule, step: np.ndarray, allow_unstable: bool = False) -> Solution:
    """The excess risk at increasing steps; under ``jax.vmap``, NaN above the threshold."""
    solution = choose(seen, rule, step, allow_unstable)(seen, rule, step)
    like = rule.equivalent
    if like and is_traced((seen.modes, seen.inverse_d, rule)):
        # No message can be raised here, so what has no meaning has no number.
        gamma, B = jnp.asarray(like.gamma, float), 1.0 * like.B
        threshold = largest(seen.modes, seen.inverse_d, B)
        is_stable = (gamma > 0) & (gamma < threshold) & (B > 0)
        blank = lambda x: None if x is None else jnp.where(is_stable, x, jnp.nan)
        return Solution(blank(solution.excess), solution.error, blank(solution.forcing))
    return solution


@functools.partial(jax.jit)
def _terms(step, modes, inverse_d, gamma, B, excess, forcing):
    kappa = ridge_on_axis(jnp.zeros(()), modes, inverse_d)
    learnable = modes.lam / (modes.lam + kappa)
    capacity = modes.floor + modes.weight @ (kappa / (modes.lam + kappa))
    remaining = jnp.exp(step[:, None] * jnp.log1p(-rate(modes.lam, gamma, B)))
    population = remaining @ (modes.weight * learnable)
    return {
        "capacity": jnp.full_like(step, capacity),
        "population": population,
        "distortion": forcing - capacity - population,
        "sgd_noise": excess - forcing,
    }


def terms(seen: Seen, rule: Rule, step: np.ndarray, solution: Solution) -> dict[str, Array]:
    """The four parts of the excess risk of SGD.

    Raises:
        ValueError: If the rule is no SGD of constant rate, below the threshold.
    """
    if solution.forcing is None:
        must = "be False, but for SGD of constant rate below the stability threshold"
        raise requirement("terms", must, True)
    sizes = 1.0 * plain_rate(rule), 1.0 * rule.B
    long = _padded(step)
    fill = lambda x: jnp.pad(x, (0, long.size - step.size), mode="edge")
    found = _terms(
        long, seen.modes, seen.inverse_d, *sizes, fill(solution.excess), fill(solution.forcing)
    )
    return {name: x[: step.size] for name, x in found.items()}
