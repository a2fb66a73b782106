"""float64 on the CPU for the theory; the settings of JAX that a user has made stay as they are."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import numpy as np
from jax.core import Tracer

from solvable.util.errors import why

In = ParamSpec("In")
Out = TypeVar("Out")


def cpu() -> jax.Device:
    """The CPU, where the theory runs.

    Raises:
        RuntimeError: If the user's setting of JAX leaves it out; the message says what to set.
    """
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError as error:
        platforms = getattr(jax.config, "jax_platforms", None)
        raise RuntimeError(
            f"The theory runs on the CPU, which JAX_PLATFORMS = {platforms!r} leaves out. Set "
            f"JAX_PLATFORMS={platforms},cpu. {why('how_to/gpu')}"
        ) from error


def is_traced(tree: object) -> bool:
    """Whether any leaf of ``tree`` is being traced by ``jit``, ``grad`` or ``vmap``."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))


def usual_promotion(f: Callable[In, Out]) -> Callable[In, Out]:
    """Run ``f`` where arrays of different ranks and types are combined by the rules of NumPy, also
    for users who have forbidden that to their own code."""

    @functools.wraps(f)
    def wrapped(*args: In.args, **kwargs: In.kwargs) -> Out:
        with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
            return f(*args, **kwargs)

    return wrapped


def float64_on_cpu(f: Callable[In, Out]) -> Callable[In, Out]:
    """Run ``f`` with 64-bit types on the CPU; the caller's configuration is left as it was.

    Inside a transformation of the caller (``jax.grad``, ``jax.vmap``, ``jax.jit``) the
    precision is the caller's, so it must be 64 bit already.

    Raises:
        ValueError: If an argument is traced in 32-bit precision.
    """

    name, usual = getattr(f, "__name__", "this function"), usual_promotion(f)

    @functools.wraps(f)
    def wrapped(*args: In.args, **kwargs: In.kwargs) -> Out:
        if is_traced((args, kwargs)):
            if not jax.config.read("jax_enable_x64"):
                raise ValueError(
                    f"`{name}` under jax.grad, jax.vmap or jax.jit needs 64-bit types, "
                    "but they are off. Wrap the call: `with jax.enable_x64(True): ...`. "
                    + why("how_to/gpu")
                )
            return usual(*args, **kwargs)
        with jax.enable_x64(True), jax.default_device(cpu()):
            return usual(*args, **kwargs)

    return wrapped


def as_numpy(tree: Out) -> Out:
    """NumPy copies of concrete arrays; traced values pass through."""
    return jax.tree.map(lambda x: x if is_traced(x) else np.asarray(x), tree)
