"""Ratios within one run; nothing here passes or fails by its time.

    python -m pytest benchmarks -n 0 --benchmark-group-by=group

In every group the number in brackets is the ratio to the fastest member.
"""

import functools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import solvable
from solvable import SGD, PowerLaw
from solvable.dynamics.adjoint import final_excess_and_gradient
from solvable.dynamics.recursion import stepping

DRAW = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400).draw(jax.random.key(0))
RATE = SGD.stable(DRAW, 0.25)
STEPS = 20_000


def plain_recursion() -> np.ndarray:
    """What one would write in an afternoon: NumPy, step by step, one draw of W."""
    lam, m, floor = DRAW.modes.lam, DRAW.modes.weight.copy(), DRAW.modes.floor
    a, b = 1 - 2 * RATE.gamma * lam + 2 * RATE.gamma**2 * lam**2, RATE.gamma**2 * lam**2
    risk = np.empty(STEPS + 1)
    for t in range(STEPS + 1):
        risk[t] = floor + m.sum()
        m = a * m + b * risk[t]
    return risk


@pytest.mark.benchmark(group="a curve: 20 000 steps of NumPy at d = 400, or 10^12 steps at 10^6")
class TestCurve:
    def test_numpy_recursion(self, benchmark):
        benchmark.pedantic(plain_recursion, rounds=5, warmup_rounds=1)

    def test_predict(self, benchmark):
        problem = PowerLaw(alpha=1.0, beta=0.3, v=10**8, d=10**6)
        sgd = SGD(0.3)
        run = lambda: solvable.predict(problem, sgd, 10**12)
        benchmark.pedantic(run, rounds=10, warmup_rounds=2)

    def test_expect(self, benchmark):
        run = lambda: solvable.expect(DRAW, RATE, 10**12)
        benchmark.pedantic(run, rounds=10, warmup_rounds=2)


@pytest.mark.benchmark(group="predict, by the last step")
@pytest.mark.parametrize("last", [10**5, 10**8, 10**12, 10**15])
def test_cost_in_steps(benchmark, last):
    problem = PowerLaw(alpha=1.0, beta=0.3, v=10**8, d=10**6)
    step = np.rint(np.geomspace(last / 100, last, 192))  # as many points for every horizon
    run = lambda: solvable.predict(problem, SGD(0.3), step)
    benchmark.pedantic(run, rounds=10, warmup_rounds=2)


@pytest.mark.benchmark(group="predict, by v")
@pytest.mark.parametrize("v", [10**4, 10**6, 10**9, 10**12, 10**15, 10**18])
def test_cost_in_v(benchmark, v):
    problem = PowerLaw(alpha=1.0, beta=0.3, v=v, d=10**3)
    run = lambda: solvable.predict(problem, SGD(0.3), 10**12)
    benchmark.pedantic(run, rounds=10, warmup_rounds=2)


@functools.partial(jax.jit, static_argnames="seeds")
def only_normals(key, seeds):
    """The normals of the modes engine, drawn the same way and thrown away."""

    def draw(t, total):
        keys = jax.vmap(lambda n: jax.random.fold_in(jax.random.fold_in(key, n), t))
        sample = lambda key: jax.random.normal(key, (1, 401), "float32")
        return total + jax.vmap(sample)(keys(jnp.arange(seeds)))

    return jax.lax.fori_loop(0, STEPS, draw, jnp.zeros((seeds, 1, 401), "float32"))


@pytest.mark.benchmark(group="simulate 20 000 steps at d = 400, v = 1600, B = 1")
class TestSimulation:
    def test_only_the_normals(self, benchmark):
        run = lambda: only_normals(jax.random.key(0), 1).block_until_ready()
        benchmark.pedantic(run, rounds=5, warmup_rounds=1)

    @pytest.mark.parametrize("seeds", [1, 10])
    def test_modes(self, benchmark, seeds):
        run = lambda: solvable.simulate(jax.random.key(0), DRAW, RATE, STEPS, seeds=seeds)
        benchmark.pedantic(run, rounds=5, warmup_rounds=1)

    def test_features(self, benchmark):
        run = lambda: solvable.simulate(jax.random.key(0), DRAW, RATE, STEPS, engine="features")
        benchmark.pedantic(run, rounds=3, warmup_rounds=1)


FIRST_CURVE = r"""
import re, solvable
problem = solvable.PowerLaw(alpha=1.0, beta=0.3, v=10**8, d=10**6)
solvable.predict(problem, solvable.SGD.stable(problem, 0.5), 10**12)
# The high-water mark of this process alone (Linux); ru_maxrss would include its parent.
print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


@pytest.mark.benchmark(group="cold: a new process")
class TestCold:
    def test_import_and_first_curve(self, benchmark):
        run = lambda: subprocess.run(
            [sys.executable, "-c", FIRST_CURVE], check=True, capture_output=True, text=True
        )
        done = benchmark.pedantic(run, rounds=3)
        benchmark.extra_info["peak memory in MB"] = int(done.stdout)

    def test_help(self, benchmark):
        run = lambda: subprocess.run(
            [sys.executable, "-m", "solvable", "--help"], check=True, capture_output=True
        )
        benchmark.pedantic(run, rounds=3)


HUGE = PowerLaw(alpha=1.0, beta=0.3, v=10**11, d=10**9)


def as_real(nodes: solvable.Modes) -> solvable.Modes:
    """As many real modes, which mean nothing."""
    lam, weight = np.abs(nodes.lam), np.abs(nodes.weight)
    return solvable.Modes(lam=lam, weight=weight)


@pytest.mark.benchmark(group="20 000 steps of SGD on the nodes of d = 10^9 features")
@pytest.mark.parametrize("kind", ["complex nodes", "as many real modes"])
def test_stepping(benchmark, kind):
    nodes = solvable.dynamics.contour_modes(HUGE, RATE, STEPS)
    nodes = nodes if kind == "complex nodes" else as_real(nodes)
    with jax.enable_x64(True):
        run = lambda: stepping([STEPS], nodes, RATE).block_until_ready()
        benchmark.pedantic(run, rounds=10, warmup_rounds=2)


@pytest.mark.benchmark(group="a schedule of 16 384 rates, 10^7 modes")
@pytest.mark.parametrize("what", ["curve", "gradient of its end by all rates"])
def test_gradient(benchmark, what):
    modes = solvable.PowerLaw(alpha=1.0, beta=0.5, v=10**7, noise=1.0).spectrum()
    with jax.enable_x64(True):
        rates = jnp.full(2**14, 0.01)
        curve = lambda: stepping([rates.size], modes, SGD(np.asarray(rates)))
        gradient = lambda: final_excess_and_gradient(rates, modes, 1.0)[1]
        run = curve if what == "curve" else gradient
        benchmark.pedantic(lambda: run().block_until_ready(), rounds=10, warmup_rounds=2)


@pytest.mark.benchmark(group="other rules, d = 10^6 features")
@pytest.mark.parametrize(
    ("rule", "last"),
    [
        (solvable.Averaged(SGD(0.1), ema=0.999), 10**12),
        (solvable.Momentum(0.02, 0.9), 10**12),
        (SGD(solvable.schedules.Cosine(0.2, 10**6)), 10**6),
    ],
    ids=["average, 10^12 steps", "heavy ball, 10^12 steps", "cosine, 10^6 steps"],
)
def test_rules(benchmark, rule, last):
    problem = PowerLaw(alpha=1.0, beta=0.3, v=10**8, d=10**6)
    run = lambda: solvable.predict(problem, rule, last)
    benchmark.pedantic(run, rounds=3, warmup_rounds=1)


@pytest.mark.benchmark(group="full batches, d = 2000, n = 3000, v = 10^6")
@pytest.mark.parametrize("last", [1e4, 1e12], ids=["100 times to 10^4", "100 times to 10^12"])
def test_flow(benchmark, last):
    problem = PowerLaw(alpha=0.625, beta=0.125, v=10**6, d=2000, noise=0.01)
    times = np.geomspace(1, last, 100)
    run = lambda: solvable.predict(problem, solvable.GradientFlow(), times, n=3000)
    benchmark.pedantic(run, rounds=10, warmup_rounds=2)
