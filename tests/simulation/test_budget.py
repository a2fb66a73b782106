"""What a run will take: steps and memory are exact, time is an order of magnitude."""

import time

import jax
import numpy as np
import pytest

from solvable import SGD, PowerLaw, estimate, simulate
from solvable.inputs import Rademacher

PROBLEM = PowerLaw(alpha=0.7, beta=0.4, v=48, d=12)
DRAW = PROBLEM.draw(jax.random.key(0))


@pytest.mark.parametrize("problem", [PROBLEM, DRAW, PowerLaw(alpha=1.0, beta=0.3, v=12)])
def test_steps_are_those_of_all_seeds(problem):
    found = estimate(problem, SGD(0.05, B=4), [0, 10, 1000], seeds=3)
    assert found.steps == 3000
    assert found.seconds > 0
    assert str(found).startswith("3,000 steps, about ")


@pytest.mark.parametrize(
    ("engine", "dtype", "size"), [("modes", "float32", 4), ("features", "float64", 8)]
)
def test_memory_is_that_of_the_arrays(engine, dtype, size):
    seeds, records, v, d = 5, 3, 48, 12
    found = estimate(DRAW, SGD(0.05), [0, 10, 1000], seeds, engine=engine, dtype=dtype)
    of_runs = 8 * seeds + size * seeds * (d + records) + 4 * records + 2 * size  # keys ... A, b
    if engine == "modes":
        # lam, start, floor and noise, once as computed; and W, D^(1/2) W, U and what makes it
        model, in_float64 = size * (2 * d + 2), 8 * (2 * d + 2)
        of_draw = 4 * 8 * v * d
    else:
        model, in_float64 = size * (v * d + v + 1), 8 * (v * d + v)
        of_draw = 0
    assert of_runs + model + in_float64 + of_draw <= found.memory < 10**5


def test_memory_counts_the_samples_of_a_step():
    """At B = 300 000 a process was seen to take 1144 MiB, which is five times their normals."""
    problem, seeds = PowerLaw(alpha=1.0, beta=0.3, v=100), 2
    few, many = (estimate(problem, SGD(0.05, B), [0, 1], seeds).memory for B in (1000, 2000))
    batch = 4 * 1000 * seeds * 101
    assert 5 * batch <= many - few <= 7 * batch


def test_memory_does_not_depend_on_the_number_of_steps():
    short, long = (estimate(DRAW, SGD(0.05), [0, last], 5).memory for last in (10**3, 10**9))
    assert short == long


def test_time_grows_in_proportion_to_steps():
    """A factor 1000; the machine may be ten times as busy during one of the two."""
    short, long = (estimate(DRAW, SGD(0.05), [0, last], 5) for last in (10**6, 10**9))
    assert long.steps == 1000 * short.steps
    assert 100 < long.seconds / short.seconds < 10_000


def test_time_is_that_of_the_run():
    """Within a factor 10: machines are shared. Forgotten seeds or samples would cost 50 or 64."""
    arguments = dict(problem=DRAW, rule=SGD(0.05, B=64), steps=[0, 400], seeds=50)
    found = estimate(**arguments)
    simulate(jax.random.key(1), **arguments)  # compiles
    began = time.perf_counter()
    simulate(jax.random.key(1), **arguments)
    assert 0.1 < found.seconds / (time.perf_counter() - began) < 10


def test_few_steps_take_time_too():
    """Few enough to be over before the clock is read: 200 of 64 samples, in 50 seeds."""
    assert estimate(DRAW, SGD(0.05, B=64), [0, 200], seeds=50).seconds > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": 0}, "`seeds` must be at least 1"),
        ({"engine": "x"}, "`engine` must be one of"),
        ({"inputs": Rademacher()}, "Take engine='features'"),
        ({"dtype": "int8"}, "`dtype` must be"),
        ({"steps": np.array([2, 1])}, "`steps` must be strictly increasing"),
    ],
)
def test_bad_input_is_named_as_by_simulate(change, message):
    with pytest.raises(ValueError, match=message):
        estimate(**{"problem": DRAW, "rule": SGD(0.05), "steps": 2} | change)
