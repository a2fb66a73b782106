r"""Learning rates that change: schedules by name, arrays of rates, or any callable of the step.

A schedule over T steps is a function of :math:`z = t / T` at t = 0, ..., T - 1, so the last step
still has a small rate; from step T on the rate stays where z = 1 has left it.

Derived in the documents: theory/schedules.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from solvable.util.checks import check_array, check_number
from solvable.util.errors import requirement, shortened, wrong_kind
from solvable.util.fields import Function, MaybeWhole, Number, Whole
from solvable.util.precision import is_traced
from solvable.util.record import Record, choice, count, field, number
from solvable.util.types import Array, Scalar

__all__ = [
    "Constant",
    "Cosine",
    "Geometric",
    "Linear",
    "PowerDecay",
    "Schedule",
    "StableDecay",
    "Warmup",
]


def _module(schedule: object, t: object) -> ModuleType:
    """NumPy for numbers, in double precision; JAX under its transformations."""
    return jnp if is_traced((schedule, t)) else np


class Schedule(Record):
    """What every schedule over a horizon has: ``peak`` and the number of steps ``T``.

    Raises:
        ValueError: If ``peak`` is not positive or ``T`` not a positive whole number.
    """

    peak: Number = number(positive=True)
    """Largest learning rate."""
    T: Whole = count()
    """Horizon, in steps."""

    def decay(self, z: Scalar, xp: ModuleType) -> Scalar:
        """The rate relative to the peak, as a function of z = t / T in [0, 1]."""
        raise NotImplementedError

    def __call__(self, t: Scalar) -> Scalar:
        """The learning rate of step t."""
        xp = _module(self, t)
        return self.peak * self.decay(xp.minimum(xp.asarray(t) / self.T, 1.0), xp)


class Constant(Schedule):
    """The peak throughout.

    Example:
        >>> float(Constant(0.5, T=100)(99))
        0.5
    """

    def decay(self, z: Scalar, xp: ModuleType) -> Scalar:
        """1."""
        return xp.ones_like(z)


class PowerDecay(Schedule):
    r""":math:`(1 - z)^p`; p = 1 is linear decay.

    Example:
        >>> float(PowerDecay(0.5, T=100, p=2.0)(50))
        0.125
    """

    p: Number = number(minimum=0, default=1.0)

    def decay(self, z: Scalar, xp: ModuleType) -> Scalar:
        """(1 - z)^p."""
        return (1 - z) ** self.p


def Linear(peak: Scalar, T: Scalar) -> PowerDecay:
    """Linear decay to zero: ``PowerDecay`` with p = 1.

    Args:
        peak: The first and largest learning rate.
        T: Horizon, in steps.

    Example:
        >>> float(Linear(0.5, T=100)(50))
        0.25
    """
    return PowerDecay(peak, T)


class Cosine(Schedule):
    r"""Half a cosine, :math:`(1 + \cos \pi z) / 2`.

    Example:
        >>> round(float(Cosine(0.5, T=100)(50)), 12)
        0.25
    """

    def decay(self, z: Scalar, xp: ModuleType) -> Scalar:
        """(1 + cos pi z) / 2."""
        return (1 + xp.cos(xp.pi * z)) / 2


class StableDecay(Schedule):
    r"""Constant, then a cooldown over the last ``fraction`` of the steps (WSD).

    With u in [0, 1] through the cooldown: ``linear``, 1 - u; or ``1-sqrt``,
    :math:`1 - \sqrt u`. For a warm-up in front, see :class:`Warmup`.

    Example:
        >>> schedule = StableDecay(0.5, T=100, fraction=0.2)
        >>> float(schedule(79)), round(float(schedule(90)), 12)
        (0.5, 0.25)
    """

    fraction: Number = number(positive=True, maximum=1, default=0.2)
    cooldown: str = choice("linear", "1-sqrt", default="linear")

    def decay(self, z: Scalar, xp: ModuleType) -> Scalar:
        """1, then the cooldown."""
        u = xp.clip((z - 1) / self.fraction + 1, 0, 1)
        return 1 - u if self.cooldown == "linear" else 1 - xp.sqrt(u)


class Geometric(Schedule):
    """Halved after each of ``stages`` stages of floor(T / stages) steps but the last.

    By default floor(log2 T) stages of floor(T / log2 T) steps, as in Lin et al. (2024), arXiv
    2406.08466.

    Example:
        >>> schedule = Geometric(0.5, T=100, stages=4)
        >>> [float(schedule(t)) for t in (24, 25, 99)]
        [0.5, 0.25, 0.0625]
    """

    stages: MaybeWhole = count(default=None)

    def __call__(self, t: Scalar) -> Scalar:
        """The learning rate of step t."""
        stages = np.log2(self.T) if self.stages is None else self.stages
        xp = _module(self, t)
        length = xp.maximum(xp.floor(self.T / xp.maximum(stages, 1)), 1)
        halvings = xp.clip(xp.floor(xp.asarray(t) / length), 0, xp.maximum(xp.floor(stages), 1) - 1)
        return self.peak * 0.5**halvings


def _check_schedule(name: str, schedule: Any) -> Any:
    if not callable(schedule):
        raise wrong_kind(name, "be a callable of the step", schedule)
    return schedule


class Warmup(Record):
    """A linear rise over ``steps`` steps, (t + 1) / steps of the first rate, before any schedule.

    The schedule begins, at its own t = 0, when the warm-up ends.

    Example:
        >>> schedule = Warmup(10, Constant(0.5, T=90))
        >>> [float(schedule(t)) for t in (0, 9, 50)]
        [0.05, 0.5, 0.5]
    """

    steps: Whole = count()
    schedule: Function = field(_check_schedule, kind="schedule")

    def __call__(self, t: Scalar) -> Scalar:
        """The learning rate of step t."""
        xp = _module(self, t)
        t = xp.asarray(t)
        after = xp.maximum(t - self.steps, 0)
        later = self.schedule(after) if xp is jnp else called("schedule", self.schedule, after)
        return xp.minimum((t + 1) / self.steps, 1.0) * later


def is_constant(rate: Any) -> bool:
    """Whether the rate is one number (under a transformation of JAX, a scalar).

    Args:
        rate: A number, an array of rates, or a callable.
    """
    return not callable(rate) and not isinstance(rate, (list, tuple)) and np.ndim(rate) == 0


def rates(name: str, rate: Any, t: np.ndarray) -> Float[Array, " n"]:
    """The rates of steps t, shape (n,), in double precision.

    Args:
        name: The argument that errors name.
        rate: A number, an array of one rate per step, or a callable of the step.
        t: The steps.

    Raises:
        ValueError: If an array is too short, or a callable returns what is no rate.
    """
    if is_constant(rate):
        xp: Any = jnp if is_traced(rate) else np
        return xp.broadcast_to(xp.asarray(rate, float), np.shape(t))
    if not callable(rate):
        if np.shape(rate)[0] <= t.max():
            must = f"have one rate for each of the {int(t.max()) + 1} steps"
            raise requirement(name, must, f"{np.shape(rate)[0]} long")
        return rate[t]
    values = called(name, rate, t)
    if is_traced(values):
        return values
    found = check_array(name, values)
    if found.shape != t.shape:
        raise requirement(name, "return one rate per step", f"shape {found.shape[1:]} a step")
    bad = ~np.isfinite(found) | (found < 0)
    if bad.any():
        at = int(np.argmax(bad))
        raise requirement(f"{name}({int(t[at])})", "be finite and not negative", float(found[at]))
    return found


def called(name: str, rate: Callable[[Any], Any], t: Scalar) -> Any:
    """A callable at steps t: at once if it is one of ours or of JAX, otherwise step by step.

    A function of ``math`` or NumPy, or one with an ``if`` in it, cannot be traced.

    Raises:
        TypeError: If it fails, or returns what is no number; the message says at which step.
    """
    if isinstance(rate, (Schedule, Warmup)):
        return rate(t)
    try:
        with jax.enable_x64(True):
            values = jax.vmap(rate)(jnp.atleast_1d(jnp.asarray(t)))
            return values if np.ndim(t) else values[0]
    except Exception:  # whatever it is that JAX could not trace is called plainly, or fails again
        values = [_plain_call(name, rate, int(step)) for step in np.ravel(t)]
        return np.reshape(values, np.shape(t))


def _plain_call(name: str, rate: Callable[[Any], Any], step: int) -> float:
    try:
        value = rate(step)
    except Exception as error:
        must = f"be a function from a step to a rate, but fails at step {step} ({shortened(error)})"
        raise wrong_kind(name, must, rate) from error
    return check_number(f"{name}({step})", value, minimum=0)
