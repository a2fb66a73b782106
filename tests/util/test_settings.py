"""The settings of JAX that a user has made do not reach the package, and stay as they are."""

import jax
import numpy as np
import pytest

from solvable import SGD, KernelFeatures, PowerLaw, Ridge, predict, simulate
from solvable.schedules import Cosine
from solvable.util.precision import cpu

REGRESSION = PowerLaw(alpha=0.75, beta=0.25, v=12, noise=0.1)
KERNEL = KernelFeatures(eigenvalues=[1.0, 0.5], target=[1.0, 1.0], d=8, nugget=0.1, noise=0.1)
STEPS = [0, 1, 4, 15]
CALLS = {
    "closed form": lambda: predict(REGRESSION, SGD(0.1, 2), STEPS).excess,
    "schedule": lambda: predict(REGRESSION, SGD(Cosine(0.1, 20)), STEPS).excess,
    "callable": lambda: predict(REGRESSION, SGD(lambda t: 0.1 / (1 + t)), STEPS).excess,
    "ridge": lambda: predict(KERNEL, Ridge(), [0.0, 0.1], n=16).excess,
    "simulation": lambda: simulate(jax.random.key(0), REGRESSION, SGD(0.1), STEPS, 2).excess,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_promotion_that_is_forbidden_to_the_user(call):
    """Those who forbid it to their own code get the same numbers."""
    usual = call()
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        np.testing.assert_array_equal(call(), usual)


def test_platforms_without_the_cpu(monkeypatch):
    """The message says what to set."""

    def no_cpu(backend):
        raise RuntimeError(f"Unknown backend {backend}")

    monkeypatch.setattr(jax, "local_devices", no_cpu)
    with pytest.raises(RuntimeError, match=r"leaves out\. Set JAX_PLATFORMS=.*cpu"):
        cpu()
