"""What it costs to keep every cell of a sweep; nothing here passes or fails by its time.

python -m pytest benchmarks/test_sweeps.py -n 0 --benchmark-group-by=group
"""

import itertools
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest

from solvable import SGD, PowerLaw, predict, sweeps
from solvable.sweeps.executors import executor
from solvable.sweeps.store import Store

STEPS = [0, *(10**k for k in range(9))]
AXIS = {"start": 0.03, "stop": 1.2, "num": 40}
PLANE = {
    "compute": "predict",
    "problem": {"alpha": AXIS, "beta": AXIS, "d": 400, "ratio": 4},
    "training": {"fraction": 0.5},
    "run": {"steps": STEPS},
}


def one_curve(alpha, beta):
    problem = PowerLaw(alpha=alpha, beta=beta, v=1600, d=400)
    return predict(problem, SGD.stable(problem, 0.5), STEPS).excess


@pytest.mark.benchmark(group="a plane of 40 x 40 curves of 10 steps")
class TestPlane:
    def test_one_vmapped_call(self, benchmark):
        values = np.linspace(0.03, 1.2, 40)
        alpha, beta = (x.ravel() for x in np.meshgrid(values, values, indexing="ij"))
        with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
            plane = jax.jit(jax.vmap(one_curve))
            run = lambda: plane(alpha, beta).block_until_ready()
            benchmark.pedantic(run, rounds=3, warmup_rounds=1)

    def test_the_sweep(self, benchmark, tmp_path):
        plan, count = sweeps.read(PLANE), itertools.count()
        run = lambda: sweeps.run(plan, tmp_path / str(next(count)))
        benchmark.pedantic(run, rounds=3, warmup_rounds=1)


@pytest.mark.benchmark(group="10^4 tiny cells")
class TestTinyCells:
    PLAN = sweeps.read(
        PLANE
        | {
            "problem": PLANE["problem"]
            | {"alpha": AXIS | {"num": 100}, "beta": AXIS | {"num": 100}}
        }
    )

    def fill(self, folder):
        sweeps.run(self.PLAN, folder, shard=(0, 10**9))  # begins, and computes nothing
        store = Store(folder / "cells")
        arrays = {"excess": np.zeros(10), "error": 0.0, "learning_rate": 0.1, "origin": "here"}
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda cell: store.write(cell.name, arrays), self.PLAN.cells))

    def test_write(self, benchmark, tmp_path):
        count = itertools.count()
        run = lambda: self.fill(tmp_path / str(next(count)))
        benchmark.pedantic(run, rounds=1)

    def test_collect(self, benchmark, tmp_path):
        self.fill(tmp_path)
        benchmark.pedantic(lambda: sweeps.collect(tmp_path), rounds=2, warmup_rounds=1)

    def test_run_when_all_are_there(self, benchmark, tmp_path):
        self.fill(tmp_path)
        benchmark.pedantic(lambda: sweeps.run(self.PLAN, tmp_path), rounds=2, warmup_rounds=1)


def nothing(cells):
    return len(cells)


@pytest.mark.benchmark(group="an empty task of an engine")
@pytest.mark.parametrize("engine", ["processes", "dask"])
def test_engine(benchmark, engine):
    with executor(engine, 2) as pool:
        run = lambda: [f.result() for f in [pool.submit(nothing, [k]) for k in range(500)]]
        benchmark.pedantic(run, rounds=3, warmup_rounds=1)
