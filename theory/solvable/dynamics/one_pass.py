"""Training on fresh samples: which solver, and what it says of stability.

Four solvers know the same recursion: by its eigenvalues (``secular``, few real modes), by contour
inversion (``inversion``, any number of features), in blocks of steps that double (``octaves``, any
rule of constant coefficients) and step by step (``recursion``, everything else).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvable.dynamics import inversion, octaves, secular
from solvable.dynamics.chunks import in_chunks
from solvable.dynamics.contour import TOLERANCE
from solvable.dynamics.recursion import rate, stepping
from solvable.dynamics.solution import Seen, Solution, Solver
from solvable.models.thresholds import largest
from solvable.rules.rule import Rule, target_keeping
from solvable.spectra.resolvent import learned, left_over, ridge_on_axis
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


_exponentials = jax.jit(secular.exponentials)
_along = jax.jit(secular.along)
_inverted = jax.jit(inversion.evaluate)


def by_eigenvalues(seen: Seen, rule: Rule, step: np.ndarray) -> Solution:
    """A plain rule on few real modes."""
    law = seen.modes, 1.0 * plain_rate(rule), 1.0 * rule.B
    found = _exponentials(*law)

    def values(step: np.ndarray) -> tuple[tuple[Array, Array], Any]:
        *answers, error = _along(step, found, *law)
        return tuple(answers), error

    (excess, forcing), error = in_chunks(values, step.astype(float), whole=is_traced(found))
    return Solution(excess, error, forcing)


def by_inversion(seen: Seen, rule: Rule, step: np.ndarray) -> Solution:
    """A plain rule on any modes, with any number of features in front of them."""
    law = seen.modes, seen.inverse_d, 1.0 * plain_rate(rule), 1.0 * rule.B

    def values(step: np.ndarray) -> tuple[tuple[Array, Array], Any]:
        *found, error = _inverted(step, *law)
        return tuple(found), error

    (excess, forcing), error = in_chunks(values, step.astype(float), whole=is_traced(law))
    return Solution(excess, error, forcing)


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
        blank: Any = lambda x: None if x is None else jnp.where(is_stable, x, jnp.nan)
        return Solution(blank(solution.excess), solution.error, blank(solution.forcing))
    return solution


@jax.jit
def _learned(step, modes, inverse_d, gamma, B):
    """What the features cannot express, and what they can and is not learned yet."""
    kappa = ridge_on_axis(jnp.zeros(()), modes, inverse_d)
    capacity = modes.floor + modes.weight @ left_over(kappa, modes)
    remaining = jnp.exp(step[:, None] * jnp.log1p(-rate(modes.lam, gamma, B)))
    return jnp.full_like(step, capacity), remaining @ (modes.weight * learned(kappa, modes))


def terms(seen: Seen, rule: Rule, step: np.ndarray, solution: Solution) -> dict[str, Array]:
    """The four parts of the excess risk of SGD.

    Raises:
        ValueError: If the rule is no SGD of constant rate, below the threshold.
    """
    if solution.forcing is None:
        must = "be False, but for SGD of constant rate below the stability threshold"
        raise requirement("terms", must, True)
    law = seen.modes, seen.inverse_d, 1.0 * plain_rate(rule), 1.0 * rule.B
    values = lambda step: (_learned(step, *law), 0.0)
    (capacity, population), _ = in_chunks(values, step.astype(float), whole=is_traced(law))
    return {
        "capacity": capacity,
        "population": population,
        "distortion": solution.forcing - capacity - population,
        "sgd_noise": solution.excess - solution.forcing,
    }
