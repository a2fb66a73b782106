"""SGD as simulated: judged by the exact expectation of the same W, in units of its own error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from solvable import (
    SGD,
    DivergenceWarning,
    LinearRegression,
    PowerLaw,
    Runs,
    expect,
    expect_ensemble,
    load,
    simulate,
)
from solvable.simulation import stepping as simulation
from solvable.simulation.engines import StudentT, rademacher

KEY = jax.random.key(7)
PROBLEM = PowerLaw(alpha=0.7, beta=0.4, v=48, d=12, noise=0.1)
DRAW = PROBLEM.draw(jax.random.key(0))
STEPS = [0, 1, 2, 5, 20, 60, 150]
SEEDS = 400


def z_scores(runs, expected, at_most):
    """Of all steps but 0, which is deterministic; with the assertion on power.

    A deviation of ``at_most`` would be five standard errors or more at every step.
    """
    error = runs.standard_error[1:]
    assert (5 * error / runs.mean[1:]).max() < at_most
    return (runs.mean[1:] - expected[1:]) / error


# Below, |z| < 5 at six steps in some 20 cases: a false alarm once in 10^4 keys.


@pytest.mark.parametrize("engine", ["modes", "features"])
@pytest.mark.parametrize(("B", "dtype"), [(1, "float32"), (8, "float64")])
def test_the_mean_is_the_exact_expectation_for_the_same_features(engine, B, dtype):
    sgd = SGD.stable(DRAW, 0.15, B)
    runs = simulate(KEY, DRAW, sgd, STEPS, SEEDS, engine=engine, dtype=dtype)
    expected = expect(DRAW, sgd, STEPS).risk
    assert np.abs(z_scores(runs, expected, at_most=0.08)).max() < 5
    # Step 0 is arithmetic: a sum of 12 or 48 squares.
    np.testing.assert_allclose(runs.risk[:, 0], expected[0], rtol=100 * np.finfo(dtype).eps)
    assert (runs.dtype, runs.engine, runs.features) == (dtype, engine, "shared")
    assert runs.stopped == -1 and not runs.diverged


@pytest.mark.parametrize("engine", ["modes", "features"])
@pytest.mark.parametrize(
    "problem",
    [
        LinearRegression(alpha=0.6, beta=0.3, v=12, noise=0.2),
        LinearRegression.from_spectrum(
            [0.3, 2.0, 1.0] * 4, target=[1.0, -0.5, 0.0] * 4, noise=0.05
        ),
    ],
    ids=["power law", "spectrum"],
)
def test_linear_regression(problem, engine):
    sgd = SGD.stable(problem, 0.15)
    runs = simulate(KEY, problem, sgd, STEPS, SEEDS, engine=engine)
    z = z_scores(runs, expect(problem, sgd, STEPS).risk, at_most=0.1)
    assert np.abs(z).max() < 5
    assert runs.problem is problem


def test_a_power_law_draws_its_own_features_for_every_seed():
    """The mean is over features too, which scatter; the ensemble draws its own."""
    problem, steps = PowerLaw(alpha=0.7, beta=0.4, v=48, d=24, noise=0.1), [0, 1, 20, 150]
    sgd = SGD.stable(problem, 0.1, B=8)
    runs = simulate(KEY, problem, sgd, steps, seeds=200)
    exact = expect_ensemble(jax.random.key(1), problem, sgd, steps, draws=256)
    error = np.hypot(runs.standard_error, exact.std(axis=0, ddof=1) / np.sqrt(256))[1:]
    assert np.abs((runs.mean - exact.mean(axis=0))[1:] / error).max() < 5
    assert (5 * error / runs.mean[1:]).max() < 0.15  # power
    assert runs.features == "own"
    # Late, when SGD scatters by 0.5 %, the features still do: one draw for all would not.
    assert runs.risk[:, -1].std() > 0.8 * exact[:, -1].std() > 0.01 * exact[:, -1].mean()


# Inputs that are not Gaussian


def expected_with_kurtosis(draw, sgd, steps, kurtosis):
    """Risk - noise from the second moment R of W theta - b, for inputs of this excess kurtosis.

    With x = D^(1/2) z and A = D^(1/2) R D^(1/2), the fourth moment of independent z of unit
    variance is E z z' A z z' = 2 A + Tr(A) + kurtosis diag(A). The rest is as for Gaussians.
    """
    problem, W = draw.problem, draw.W
    scale, b = problem.coordinates()
    D, G, R = np.diag(scale**2), W @ W.T, np.outer(b, b)
    excess = []
    for _ in range(max(steps) + 1):
        risk = np.trace(D @ R) + problem.noise
        excess.append(risk - problem.noise)
        DRD = D @ R @ D
        fourth = 2 * DRD + risk * D + kurtosis * np.diag(scale**4 * np.diag(R))
        gradients = fourth / sgd.B + (1 - 1 / sgd.B) * DRD
        R = R - sgd.gamma * (G @ D @ R + R @ D @ G) + sgd.gamma**2 * G @ gradients @ G
    return np.array(excess)[steps]


@pytest.mark.parametrize(
    ("inputs", "dof", "kurtosis"), [("rademacher", None, -2.0), ("student-t", 10.0, 1.0)]
)
def test_other_inputs_follow_their_own_kurtosis(inputs, dof, kurtosis):
    """The excess kurtosis of Student's t is 6 / (dof - 4); of the eighth moment, dof > 8."""
    draw = PowerLaw(alpha=0.7, beta=0.4, v=6, d=3, noise=0.01).draw(jax.random.key(2))
    sgd, steps = SGD.stable(draw, 0.3), [0, 1, 3, 10]
    of = lambda kurtosis: expected_with_kurtosis(draw, sgd, steps, kurtosis) + 0.01
    np.testing.assert_allclose(of(0.0), expect(draw, sgd, steps).risk, rtol=1e-12)
    runs = simulate(KEY, draw, sgd, steps, 8000, engine="features", inputs=inputs, dof=dof)
    assert np.abs(z_scores(runs, of(kurtosis), at_most=0.1)).max() < 5
    # Power: Gaussian inputs are excluded.
    assert np.abs(z_scores(runs, of(0.0), at_most=0.1)).max() > 8


def test_samples_have_unit_variance():
    shape = (200_000,)
    signs = np.asarray(rademacher(KEY, shape, jnp.float32))
    assert signs.dtype == np.float32
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert abs(signs.mean()) < 5 / np.sqrt(signs.size)
    t = np.asarray(StudentT(5.0)(KEY, shape, jnp.float32))
    assert t.dtype == np.float32
    law = stats.t(5.0, scale=np.sqrt(3 / 5))  # variance dof / (dof - 2) undone
    assert law.var() == pytest.approx(1, rel=1e-12)
    distance = stats.kstest(t, law.cdf).statistic * np.sqrt(t.size)
    assert distance < 2.4  # Kolmogorov: p = 2 exp(-2 2.4^2) = 2e-5
    plain = stats.kstest(t, stats.t(5.0).cdf).statistic * np.sqrt(t.size)
    assert plain > 10  # power: without the unit variance


# Steps, programs, seeds, chunks, devices: none of them may change a number


@pytest.mark.parametrize("steps", [[0, 3, 7], [1, 300, 600], [600]])
def test_steps_are_recorded_as_given(steps):
    every = simulate(KEY, DRAW, SGD(0.05), np.arange(601), seeds=3, dtype="float64")
    runs = simulate(KEY, DRAW, SGD(0.05), steps, seeds=3, dtype="float64")
    np.testing.assert_array_equal(runs.step, steps)
    # Programs of other shapes may round differently: 600 steps times eps, times 10.
    np.testing.assert_allclose(runs.risk, every.risk[:, steps], rtol=1e-12)


def test_a_number_of_steps_is_recorded_log_spaced_both_ends_included():
    step = simulate(KEY, DRAW, SGD(0.05), 5000).step
    assert step[0] == 0 and step[-1] == 5000 and 140 < step.size <= 200
    assert (np.diff(step) > 0).all()


def test_one_program_serves_all_numbers():
    def run(alpha, beta, gamma, key, steps, noise=0.0):
        problem = PowerLaw(alpha=alpha, beta=beta, v=24, d=6, noise=noise)
        simulate(jax.random.key(key), problem, SGD(gamma), steps, seeds=2)

    run(1.0, 0.3, 0.1, 0, [0, 10, 100])
    size = simulation._advance._cache_size()
    run(0.7, 1.2, 0.05, 1, [1, 20, 30], noise=0.5)
    run(0.4, 0.8, 0.02, 2, [0, 700, 20_000])
    assert simulation._advance._cache_size() == size


def test_memory_does_not_grow_with_the_number_of_steps(monkeypatch):
    """The same program at 10^3 and 10^5 steps, with the same buffers."""
    shapes, real = [], simulation._advance

    def spy(**arguments):
        traced = {k: v for k, v in arguments.items() if not isinstance(v, bool | type)}
        shapes.append([(np.shape(x), str(x.dtype)) for x in jax.tree.leaves(traced) if np.ndim(x)])
        return real(**arguments)

    monkeypatch.setattr(simulation, "_advance", spy)
    simulate(KEY, DRAW, SGD(0.05), [0, 10, 10**3], seeds=2)
    short, size = len(shapes), real._cache_size()
    simulate(KEY, DRAW, SGD(0.05), [0, 10, 10**5], seeds=2)
    assert len(shapes) > short > 0
    assert all(shape == shapes[0] for shape in shapes)
    assert real._cache_size() == size


@pytest.mark.parametrize(
    ("problem", "engine"), [(DRAW, "modes"), (PROBLEM, "modes"), (PROBLEM, "features")]
)
def test_a_seed_does_not_depend_on_how_many_others_run(problem, engine):
    few, many = (
        simulate(KEY, problem, SGD(0.1), [0, 1, 50], seeds, engine=engine, dtype="float64").risk
        for seeds in (2, 5)
    )
    np.testing.assert_allclose(few, many[:2], rtol=1e-12)  # 50 steps of rounding
    assert len(np.unique(many[:, 1])) == 5


def test_chunks_do_not_change_a_bit(monkeypatch):
    steps = [0, 100, 255, 256, 257, 700, 768, 1999, 2000]  # on, beside and between the ends
    real, calls = simulation._advance, []

    def run(seconds, wrapped):
        monkeypatch.setattr(simulation, "_CHUNK_SECONDS", seconds)
        monkeypatch.setattr(simulation, "_advance", wrapped)
        calls.clear()
        risk = simulate(KEY, DRAW, SGD(0.05), steps, seeds=3).risk
        return risk, len(calls)

    def as_it_is(**arguments):
        calls.append(arguments["stop"])
        return real(**arguments)

    def all_at_once(**arguments):
        return as_it_is(**arguments | {"stop": np.int32(2000)})

    def seven_at_a_time(**arguments):
        return as_it_is(**arguments | {"stop": np.int32(min(arguments["t"] + 7, 2000))})

    whole, count = run(0.0, all_at_once)
    assert count == 1
    equal, count = run(0.0, as_it_is)
    assert count == 8  # 256 each
    growing, count = run(np.inf, as_it_is)
    assert count == 4  # 256, 512, 1024, and the rest
    small, count = run(0.0, seven_at_a_time)
    assert count == 286
    for other in (equal, growing, small):
        np.testing.assert_array_equal(other, whole)


EIGHT_DEVICES = """
import json, sys
import jax, numpy as np
from solvable import SGD, PowerLaw, simulate
from solvable.simulation import stepping as simulation
assert jax.local_device_count() == 8
problem = PowerLaw(alpha=0.7, beta=0.4, v=48, d=12, noise=0.1)
draw, placed = problem.draw(jax.random.key(0)), []
advance = simulation._advance
def spy(**arguments):
    placed.append(len(arguments["state"].sharding.device_set))
    return advance(**arguments)
simulation._advance = spy
out = {}
for name, p, dtype in (("shared", draw, "float32"), ("own", problem, "float64")):
    runs = simulate(jax.random.key(7), p, SGD(0.1), [0, 1, 50, 300], seeds=11, dtype=dtype)
    out[f"{name} {dtype}"] = runs.excess.tolist()
assert set(placed) == {8}, placed
print(json.dumps(out))
"""


def test_eight_devices_give_what_one_gives():
    """11 seeds: they do not divide evenly."""
    environment = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
        "JAX_PLATFORMS": "cpu",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EIGHT_DEVICES],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for name, excess in json.loads(done.stdout).items():
        problem = DRAW if name.startswith("shared") else PROBLEM
        dtype = name.split()[1]
        one = simulate(KEY, problem, SGD(0.1), [0, 1, 50, 300], seeds=11, dtype=dtype)
        # 300 steps, each of which rounds a sum of 12 products.
        tolerance = 300 * 12 * np.finfo(dtype).eps
        np.testing.assert_allclose(excess, one.excess, rtol=tolerance)
        assert np.shape(excess) == (11, 4)


@pytest.mark.skipif(jax.default_backend() != "gpu", reason="needs a GPU")
@pytest.mark.parametrize("engine", ["modes", "features"])
def test_a_gpu_gives_what_the_cpu_gives(engine):
    """In float64, where the samples of the two differ by rounding alone."""
    risk = [
        simulate(
            KEY, DRAW, SGD(0.1), [0, 1, 50], 4, engine=engine, dtype="float64", devices=devices
        ).risk
        for devices in (jax.local_devices(), jax.local_devices(backend="cpu"))
    ]
    np.testing.assert_allclose(*risk, rtol=1e-9)


# What may go wrong


def test_divergence_is_reported_per_seed():
    """One mode: log |error| changes by a walk whose mean is near 0, so that some seeds explode."""
    problem = LinearRegression.from_spectrum([1.0], target=[1.0], noise=0.1)
    steps = [0, 1, 10, 100, 1000]
    with pytest.warns(DivergenceWarning, match=r"of 40 seeds diverged, the first at step \d+"):
        runs = simulate(KEY, problem, SGD(2.4), steps, seeds=40)
    assert not np.isnan(runs.risk).any()
    exploded = ~(runs.excess <= 1e6 * runs.excess[:, :1])
    assert [n.seed for n in runs.diverged] == np.flatnonzero(exploded.any(axis=1)).tolist()
    for n in runs.diverged:
        k = runs.step.tolist().index(n.step)
        assert exploded[n.seed, k] and not exploded[n.seed, :k].any()
        assert n.risk == runs.risk[n.seed, k]
    assert 0 < len(runs.diverged) < 40  # both kinds occur
    assert f"{len(runs.diverged)} seeds diverged" in str(runs)


def test_divergence_past_every_number_is_infinite_not_nan():
    problem = LinearRegression(alpha=1.0, beta=0.3, v=20)
    with pytest.warns(DivergenceWarning, match="3 of 3 seeds"):
        runs = simulate(KEY, problem, SGD(50.0), [0, 1, 2000], seeds=3)
    assert np.isposinf(runs.risk[:, -1]).all()
    assert [seed for seed, *_ in runs.diverged] == [0, 1, 2]
    assert np.isnan(runs.standard_error[-1]) or np.isinf(runs.standard_error[-1])
    str(runs)  # prints without a warning


def test_divergence_is_seen_even_if_nothing_before_it_was_recorded():
    problem = LinearRegression(alpha=1.0, beta=0.3, v=20)
    with pytest.warns(DivergenceWarning, match="3 of 3 seeds"):
        runs = simulate(KEY, problem, SGD(50.0), [2000], seeds=3)
    assert len(runs.diverged) == 3


def test_nothing_to_learn_is_no_divergence():
    """The error starts at zero and rises to the noise that it fits."""
    problem = LinearRegression.from_spectrum([1.0, 0.5], target=[0.0, 0.0], noise=0.1)
    runs = simulate(KEY, problem, SGD(0.1), [0, 1, 100], seeds=2)
    assert not runs.diverged


def interrupted_after(monkeypatch, calls):
    """Ctrl-C arrives during the chunk after so many."""
    real, left = simulation._advance, iter(range(calls))

    def advance(**arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real(**arguments)

    monkeypatch.setattr(simulation, "_CHUNK_SECONDS", 0.0)  # chunks of 256 steps
    monkeypatch.setattr(simulation, "_advance", advance)


@pytest.mark.parametrize("progress", [False, True])
def test_an_interrupted_run_returns_what_is_done(monkeypatch, tmp_path, progress):
    steps = [0, 10, 500, 600, 700, 800, 900, 1000, 2000]  # as many as above
    whole = simulate(KEY, DRAW, SGD(0.05), steps, seeds=3)
    interrupted_after(monkeypatch, 2)
    runs = simulate(KEY, DRAW, SGD(0.05), steps, seeds=3, progress=progress)
    assert runs.stopped == 512
    np.testing.assert_array_equal(runs.step, [0, 10, 500])
    np.testing.assert_array_equal(runs.risk, whole.risk[:, :3])
    assert "interrupted at step 512" in str(runs)
    runs.save(tmp_path / "runs.nc")
    assert load(tmp_path / "runs.nc").stopped == 512


def test_an_interrupt_before_anything_is_recorded_is_passed_on(monkeypatch):
    interrupted_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        simulate(KEY, DRAW, SGD(0.05), np.arange(1000, 1009), seeds=3)


def test_the_progress_bar_writes_to_stderr_alone(capsys):
    simulate(KEY, DRAW, SGD(0.05), 300, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "steps/s" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "mode"}, "`engine` must be one of modes, features, but is 'mode'"),
        ({"inputs": "normal"}, "`inputs` must be one of gaussian, rademacher, student-t"),
        ({"inputs": "rademacher"}, "must be 'gaussian' for the modes engine, .* engine='features'"),
        ({"engine": "features", "inputs": "student-t"}, "`dof` must be given with .* is None"),
        ({"engine": "features", "dof": 5}, "`dof` must be given with inputs='student-t', and only"),
        ({"engine": "features", "inputs": "student-t", "dof": 4}, "`dof` must exceed 4, .* is 4"),
        ({"engine": "features", "inputs": "student-t", "dof": np.nan}, "`dof` must be a finite"),
        ({"dtype": "float16"}, "`dtype` must be 'float32' or 'float64', but is 'float16'"),
        ({"seeds": 0}, "`seeds` must be at least 1, but is 0"),
        ({"seeds": 2.5}, "`seeds` must be a whole number, but is 2.5"),
        ({"steps": -1}, "`steps` must be at least 0, but is -1"),
        ({"steps": [3, 2]}, "`steps` must be strictly increasing"),
        ({"steps": [0, 1.5]}, "`steps` must hold whole numbers, but is 1.5"),
        ({"steps": []}, "`steps` must be a non-empty"),
        ({"steps": 2**31}, "`steps` must be at most 2.147.*e.09"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        simulate(**{"key": KEY, "problem": DRAW, "sgd": SGD(0.05), "steps": 2} | change)


# Runs


@pytest.fixture(scope="module")
def runs():
    """Numbers as such."""
    rng = np.random.default_rng(0)
    return Runs(
        step=np.array([0, 2, 7]),
        excess=rng.lognormal(size=(9, 3)),
        engine="features",
        inputs="student-t (dof 5)",
        dtype="float32",
        features="own",
        problem=PROBLEM,
        sgd=SGD(0.1, B=8),
    )


def test_statistics_over_seeds(runs):
    risk = runs.excess + 0.1
    np.testing.assert_array_equal(runs.risk, risk)
    np.testing.assert_allclose(runs.mean, [np.mean(column) for column in risk.T], rtol=1e-14)
    error = [np.sqrt(np.sum((c - c.mean()) ** 2) / 8 / 9) for c in risk.T]
    np.testing.assert_allclose(runs.standard_error, error, rtol=1e-13)
    np.testing.assert_array_equal(runs.median, [sorted(column)[4] for column in risk.T])
    np.testing.assert_allclose(
        runs.quantile(0.25), [sorted(column)[2] for column in risk.T], rtol=1e-14
    )
    assert runs.seeds == 9


def test_one_run_has_no_standard_error():
    runs = simulate(KEY, DRAW, SGD(0.05), [0, 1])
    assert np.isnan(runs.standard_error).all()


def test_runs_are_saved_and_loaded_without_loss(runs, tmp_path):
    runs.save(tmp_path / "runs.nc")
    again = load(tmp_path / "runs.nc")
    assert type(again) is Runs
    for name, value in vars(runs).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    assert again.to_xarray()["excess"].dims == ("seed", "step")
    assert [p.name for p in Path(tmp_path).iterdir()] == ["runs.nc"]
