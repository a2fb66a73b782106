"""SGD as simulated: judged by the exact expectation of the same W, in units of its own error.

Most tests train twelve modes in as many seeds and steps as another one does, for the same compiled
program.
"""

import threading
from dataclasses import replace

import jax
import numpy as np
import pytest

from solvable import (
    SGD,
    Averaged,
    FullBatch,
    GradientFlow,
    KernelFeatures,
    Modes,
    NonlinearFeatures,
    PowerLaw,
    Problem,
    Ridge,
    Rule,
    Spectrum,
    expect,
    inputs,
    load,
    simulate,
)
from solvable.rules import Coefficients
from solvable.simulation import DivergenceWarning, interrupts, loop, one_pass
from solvable.simulation.engines import ENGINES

KEY = jax.random.key(7)
PROBLEM = PowerLaw(alpha=0.7, beta=0.4, v=48, d=12, noise=0.1)
DRAW = PROBLEM.draw(jax.random.key(0))
STEPS = [0, 1, 2, 5, 10, 20, 60]
SEEDS = 400
NINE = [0, 100, 255, 256, 257, 700, 768, 1999, 2000]  # on, beside and between ends of chunks


def z_scores(runs, expected, at_most):
    """Of all steps but 0, which is deterministic; with the assertion on power.

    A deviation of ``at_most`` would be five standard errors or more at every step.
    """
    error = runs.standard_error[1:]
    assert (5 * error / runs.mean[1:]).max() < at_most
    return (runs.mean[1:] - expected[1:]) / error


def recursion(lam, error, rule, steps, noise, floor=0.0):
    """Excess risk from the second moments of the errors along orthogonal modes, one by one."""
    lam, m, gamma, excess = np.asarray(lam), np.asarray(error) ** 2, rule.gamma, []
    for _ in range(max(steps) + 1):
        excess.append(m.sum(axis=-1) + floor)
        kept = 1 - 2 * gamma * lam + (gamma * lam) ** 2 * (1 + 1 / rule.B)
        m = kept * m + (gamma * lam) ** 2 / rule.B * (excess[-1] + noise)[..., None]
    return np.moveaxis(excess, 0, -1)[..., steps]


def of_features(W, problem, rule, steps):
    """The same for features W, or for many of them, by their singular values."""
    scale, b = problem.coordinates()
    U, s, _ = np.linalg.svd(scale[:, None] * W, full_matrices=False)
    y, error = scale * b, (scale * b) @ U
    return recursion(s**2, error, rule, steps, problem.noise, y @ y - np.sum(error**2, axis=-1))


# Below, |z| < 5 at six steps in some 20 cases: a false alarm once in 10^4 keys.

slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("engine", "B", "dtype"),
    [
        ("modes", 1, "float32"),
        pytest.param("modes", 8, "float64", marks=slow),
        pytest.param("features", 1, "float32", marks=slow),
        ("features", 8, "float64"),
    ],
)
def test_the_mean_is_the_exact_expectation_for_the_same_features(engine, B, dtype):
    rule = SGD(0.1 if B == 1 else 0.2, B)
    runs = simulate(KEY, DRAW, rule, STEPS, SEEDS, engine=engine, dtype=dtype)
    expected = of_features(DRAW.W, PROBLEM, rule, STEPS) + 0.1
    assert np.abs(z_scores(runs, expected, at_most=0.08)).max() < 5
    # Step 0 is arithmetic: a sum of 12 or 48 squares.
    np.testing.assert_allclose(runs.risk[:, 0], expected[0], rtol=100 * np.finfo(dtype).eps)
    assert (runs.dtype, runs.engine, runs.features) == (dtype, engine, "shared")
    assert runs.stopped == -1 and not runs.diverged
    if engine == "modes":
        np.testing.assert_allclose(expect(DRAW, rule, STEPS).risk, expected, rtol=1e-10)


class Halving(Problem, kw_only=True):
    """A user's own problem: four eigenvalues, each three times."""

    noise: float = 0.05

    def spectrum(self, octaves=None):
        lam = 2.0 ** -np.arange(4)
        return Modes(lam=lam, weight=lam, multiplicity=np.full(4, 3), noise=self.noise)


THREE = 2.0 ** -np.arange(4).repeat(3)
LISTS = {  # problems, their eigenvalues one by one, and the errors along them at theta = 0
    "power law": (
        PowerLaw(alpha=0.6, beta=0.3, v=12, noise=0.05),
        np.arange(1.0, 13) ** -1.2,
        np.arange(1.0, 13) ** -0.9,
    ),
    "spectrum": (
        Spectrum([0.3, 2.0, 1.0] * 4, target=[1.0, -0.5, 0.0] * 4, noise=0.05),
        [0.3, 2.0, 1.0] * 4,
        np.sqrt([0.3, 0.5, 0.0] * 4),
    ),
    "multiplicities": (
        Spectrum([0.3, 2.0], [1.0, -0.5], noise=0.05, multiplicity=[8, 4]),
        [0.3] * 8 + [2.0] * 4,
        np.sqrt([0.3 / 8] * 8 + [0.5 / 4] * 4),
    ),
    "modes": (
        Modes(lam=[0.3, 2.0], weight=[1, 0.5], multiplicity=[8, 4], floor=0.2, noise=0.05),
        [0.3] * 8 + [2.0] * 4,
        np.sqrt([1 / 8] * 8 + [0.5 / 4] * 4),
    ),
    "own": (Halving(), THREE, np.sqrt(THREE / 3)),
    "kernel": (
        KernelFeatures(eigenvalues=THREE, target=np.ones(12), floor=0.2, noise=0.05),
        THREE,
        np.sqrt(THREE),
    ),
}


@pytest.mark.parametrize(
    ("name", "engine"),
    [(name, "modes") for name in LISTS]
    + [pytest.param("power law", "features", marks=slow), ("own", "features")],
)
def test_whatever_lists_its_eigenvalues_is_trained(name, engine):
    """Without features of its own the inputs are the features."""
    (problem, lam, error), rule = LISTS[name], SGD(0.03)
    runs = simulate(KEY, problem, rule, STEPS, SEEDS, engine=engine)
    floor = 0.2 if name in ("modes", "kernel") else 0.0
    expected = recursion(lam, error, rule, STEPS, 0.05, floor) + 0.05
    assert np.abs(z_scores(runs, expected, at_most=0.1)).max() < 5
    assert runs.risk[:, 0] == pytest.approx(expected[0], rel=1e-5)
    assert runs.problem is problem


def test_above_512_coordinates_they_are_still_told_one_by_one():
    """There the theory compresses its sums, which have no law."""
    data = ENGINES["modes"].data(PowerLaw(alpha=1.0, beta=0.3, v=600))
    j = np.arange(1.0, 601)
    np.testing.assert_allclose(data.lam, j**-2.0, rtol=1e-14)
    np.testing.assert_allclose(data.start, j**-1.3, rtol=1e-14)


@pytest.mark.parametrize(
    ("problem", "engine", "message"),
    [
        (Modes(lam=[1.0], weight=[1.0], multiplicity=[1.5]), "modes", "list every eigenvalue"),
        (Modes(lam=[1.0, 0.0], weight=[1.0, 1.0], multiplicity=[2, 2]), "modes", "no part of the"),
        (LISTS["modes"][0], "features", "with no part of the target outside them"),
        (Modes(lam=[1.0, 0.5], weight=[1.0, -1.0]), "modes", r"weight\[1\]` must not be negative"),
        (
            KernelFeatures(eigenvalues=[1.0], target=[1.0], nugget=0.1, d=3),
            "modes",
            r"list every eigenvalue .* KernelFeatures\(.*NonlinearFeatures\(...\) are simulated",
        ),
        (
            NonlinearFeatures(activation="relu", lam_in=[1.0], target=[1.0], d=3),
            "modes",
            r"`rule` must be Ridge\(\) for nonlinear features",
        ),
    ],
)
def test_what_has_no_list_is_refused_by_name(problem, engine, message):
    with pytest.raises(ValueError, match=message):
        simulate(KEY, problem, SGD(0.1), 10, engine=engine)


def test_a_power_law_draws_its_own_features_for_every_seed():
    """The mean is over features too, which scatter."""
    problem, steps, rule = replace(PROBLEM, d=24), [0, 1, 20, 150], SGD(0.1, B=8)
    runs = simulate(KEY, problem, rule, steps, seeds=200)
    rng = np.random.default_rng(1)
    Ws = rng.normal(size=(1000, 48, 24)) / np.sqrt(24)
    exact = of_features(Ws, problem, rule, steps) + 0.1
    error = np.hypot(runs.standard_error, exact.std(axis=0, ddof=1) / np.sqrt(1000))[1:]
    assert np.abs((runs.mean - exact.mean(axis=0))[1:] / error).max() < 5
    assert (5 * error / runs.mean[1:]).max() < 0.15  # power
    assert runs.features == "own"
    # Late, when SGD scatters by 0.5 %, the features still do: one draw for all would not.
    assert runs.risk[:, -1].std() > 0.8 * exact[:, -1].std() > 0.01 * exact[:, -1].mean()


# Inputs that are not Gaussian


def expected_with_kurtosis(draw, rule, steps, kurtosis):
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
        gradients = fourth / rule.B + (1 - 1 / rule.B) * DRD
        R = R - rule.gamma * (G @ D @ R + R @ D @ G) + rule.gamma**2 * G @ gradients @ G
    return np.array(excess)[steps]


class Uniform(inputs.Inputs):
    """A user's own law; its excess kurtosis is 9/5 - 3."""

    def __call__(self, key, shape, dtype):
        return jax.random.uniform(key, shape, dtype, -(3**0.5), 3**0.5)


@pytest.mark.parametrize(
    ("law", "kurtosis"),
    [
        (inputs.Rademacher(), -2.0),
        pytest.param(Uniform(), -1.2, marks=slow),
        pytest.param(inputs.StudentT(10), 1.0, marks=slow),
    ],
    ids=["rademacher", "own", "student-t"],
)
def test_other_inputs_follow_their_own_kurtosis(law, kurtosis):
    """The excess kurtosis of Student's t is 6 / (dof - 4); of the eighth moment, dof > 8."""
    draw = PowerLaw(alpha=0.7, beta=0.4, v=6, d=3, noise=0.01).draw(jax.random.key(2))
    rule, steps = SGD(0.2), [0, 1, 3, 10]
    of = lambda kurtosis: expected_with_kurtosis(draw, rule, steps, kurtosis) + 0.01
    plain = of_features(draw.W, draw.problem, rule, steps) + 0.01
    np.testing.assert_allclose(of(0.0), plain, rtol=1e-12)
    runs = simulate(KEY, draw, rule, steps, 8000, engine="features", inputs=law)
    assert np.abs(z_scores(runs, of(kurtosis), at_most=0.1)).max() < 5
    # Power: Gaussian inputs are excluded.
    assert np.abs(z_scores(runs, of(0.0), at_most=0.1)).max() > 8
    assert runs.inputs == str(law)


# Rules that move the target


class Decay(Rule):
    """SGD with weight decay w: A = 1 - gamma w."""

    gamma: float
    w: float
    B: int = 1

    constant = True

    def coefficients(self, t):
        return Coefficients.of(t, [[1 - self.gamma * self.w]], [-self.gamma])


def expected_with_decay(draw, rule, steps):
    """Excess risk from the first two moments of theta, by Isserlis' theorem, sample by sample.

    With features F = D^(1/2) W and t = D^(1/2) b, the gradient of one sample is F' z (z' e - noise)
    at e = F theta - t, with mean F' e and second moment F' (2 e e' + |e|^2 + noise) F.
    """
    scale, b = draw.problem.coordinates()
    F, t, noise = scale[:, None] * draw.W, scale * b, draw.problem.noise
    K, c, a, gamma = F.T @ F, F.T @ (scale * b), 1 - rule.gamma * rule.w, rule.gamma
    m, M, excess = np.zeros(draw.d), np.zeros((draw.d, draw.d)), []
    for _ in range(max(steps) + 1):
        E = F @ M @ F.T - np.outer(F @ m, t) - np.outer(t, F @ m) + np.outer(t, t)
        excess.append(np.trace(E))
        mean_square = F.T @ E @ F
        square = mean_square + (mean_square + (excess[-1] + noise) * K) / rule.B
        cross = K @ M - np.outer(c, m)
        M = a**2 * M - a * gamma * (cross + cross.T) + gamma**2 * square
        m = a * m - gamma * (K @ m - c)
    return np.array(excess)[steps]


def test_a_rule_that_moves_the_target_is_trained_literally_or_refused():
    """The modes follow deviations from the target, which such a rule does not keep."""
    rule = Decay(0.1, 0.3, B=8)
    expected = expected_with_decay(DRAW, rule, STEPS) + 0.1
    runs = simulate(KEY, DRAW, rule, STEPS, SEEDS, engine="features", dtype="float64")
    assert np.abs(z_scores(runs, expected, at_most=0.08)).max() < 5
    kept = expected_with_decay(DRAW, Decay(0.1, 0.0, B=8), STEPS) + 0.1
    plain = of_features(DRAW.W, PROBLEM, SGD(0.1, 8), STEPS) + 0.1
    np.testing.assert_allclose(kept, plain, rtol=1e-12)
    assert expected[-1] > 1.1 * kept[-1]  # power: the decay is seen
    for moved in (rule, Averaged(rule, ema=0.9)):
        with pytest.raises(ValueError, match=r"stay on the target .*engine='features'"):
            simulate(KEY, DRAW, moved, STEPS)


# Steps, programs, seeds, chunks, devices: none of them may change a number


def test_steps_are_recorded_as_given():
    """Whatever else is recorded; and the first need not be 0."""
    other = [3, 100, 255, 260, 700, 1998, 1999, 2000, 2001]
    one, two = (simulate(KEY, DRAW, SGD(0.05), steps, seeds=3) for steps in (NINE, other))
    np.testing.assert_array_equal(two.step, other)
    for step in set(NINE) & set(other):
        pair = one.risk[:, NINE.index(step)], two.risk[:, other.index(step)]
        np.testing.assert_array_equal(*pair)


def test_a_number_of_steps_is_recorded_log_spaced_both_ends_included():
    step = loop.check_recorded(5000)
    assert step[0] == 0 and step[-1] == 5000 and 140 < step.size <= 200
    assert (np.diff(step) > 0).all()


def test_one_program_serves_all_numbers():
    """Of any length too: the same program at 10^2 and 10^5 steps, with the same buffers."""
    shapes, real = [], one_pass.take

    def run(alpha, beta, gamma, key, steps, noise=0.0):
        problem = PowerLaw(alpha=alpha, beta=beta, v=24, d=12, noise=noise)
        simulate(jax.random.key(key), problem, SGD(gamma), steps, seeds=2, dtype="float64")

    def spy(*arguments, program):
        shapes.append([(np.shape(x), str(x.dtype)) for x in jax.tree.leaves(arguments)])
        return real(*arguments, program=program)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one_pass, "take", spy)
        run(1.0, 0.3, 0.1, 0, [0, 10, 100])
        size = real._cache_size()
        run(0.7, 1.2, 0.05, 1, [1, 20, 30], noise=0.5)
        run(0.4, 0.8, 0.02, 2, [0, 700, 100_000])
        assert real._cache_size() == size
    assert len(shapes) > 3 and all(shape == shapes[0] for shape in shapes)


@pytest.mark.parametrize(
    ("problem", "engine"),
    [
        pytest.param(DRAW, "modes", marks=slow),
        (PROBLEM, "modes"),
        pytest.param(PROBLEM, "features", marks=slow),
    ],
)
def test_a_seed_does_not_depend_on_how_many_others_run(problem, engine):
    few, many = (
        simulate(KEY, problem, SGD(0.1), [0, 1, 50], seeds, engine=engine, dtype="float64").risk
        for seeds in (2, 5)
    )
    np.testing.assert_allclose(few, many[:2], rtol=1e-12)  # 50 steps of rounding
    assert len(np.unique(many[:, 1])) == 5


def test_chunks_do_not_change_a_bit(monkeypatch):
    real, calls = one_pass.take, []

    def run(seconds, wrapped):
        monkeypatch.setattr(loop, "CHUNK_SECONDS", seconds)
        monkeypatch.setattr(one_pass, "take", wrapped)
        calls.clear()
        return simulate(KEY, DRAW, SGD(0.05), NINE, seeds=3).risk, len(calls)

    def as_it_is(state, stop, *rest, program):
        calls.append(stop)
        return real(state, stop, *rest, program=program)

    def all_at_once(state, stop, *rest, program):
        return as_it_is(state, np.int32(2000), *rest, program=program)

    def seven_at_a_time(state, stop, *rest, program):
        return as_it_is(state, np.int32(min(state.t + 7, 2000)), *rest, program=program)

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


@pytest.mark.skipif(jax.default_backend() != "gpu", reason="needs a GPU")
@pytest.mark.parametrize("engine", ["modes", "features"])
def test_a_gpu_gives_what_the_cpu_gives(engine):
    """In float64, where the samples of the two differ by rounding alone."""
    more = dict(engine=engine, dtype="float64")
    risk = [
        simulate(KEY, DRAW, SGD(0.1), [0, 1, 50], 4, devices=devices, **more).risk
        for devices in (jax.local_devices(), jax.local_devices(backend="cpu"))
    ]
    np.testing.assert_allclose(*risk, rtol=1e-9)


# Random keys


@pytest.mark.parametrize("impl", ["threefry2x32", pytest.param("rbg", marks=slow)])
def test_the_key_in_a_result_makes_it_again(impl, tmp_path):
    """Of a raw key too, in the words of either generator."""
    raw = jax.random.key_data(jax.random.key(2**40 + 5, impl=impl))
    runs = simulate(raw, DRAW, SGD(0.05), NINE, seeds=3)
    runs.save(tmp_path / "runs.nc")
    kind, words = load(tmp_path / "runs.nc").key.split(":")
    assert kind == impl
    key = jax.random.wrap_key_data(np.array(words.split(","), np.uint32), impl=kind)
    again = simulate(key, DRAW, SGD(0.05), NINE, seeds=3)
    np.testing.assert_array_equal(again.excess, runs.excess)
    assert again.key == runs.key and runs.device and runs.dtype == "float32"


# What may go wrong


@pytest.fixture
def fresh_interrupts():
    """No Ctrl-C of another test came just before."""
    interrupts._presses.clear()
    yield
    interrupts._presses.clear()


def test_divergence_is_reported_per_seed():
    """One mode: log |error| changes by a walk whose mean is near 0, so that some seeds explode."""
    problem = Spectrum([1.0], target=[1.0], noise=0.1)
    steps = [0, 1, 10, 100, 1000]
    with pytest.warns(DivergenceWarning, match=r"of 40 seeds diverged, the first at step \d+"):
        runs = simulate(KEY, problem, SGD(2.4), steps, seeds=40)
    assert not np.isnan(runs.risk).any()
    exploded = ~(runs.excess <= 1e6 * runs.excess[:, :1])
    assert [n.seed for n in runs.diverged] == np.flatnonzero(exploded.any(axis=1)).tolist()
    for n in runs.diverged:
        k = runs.step.tolist().index(n.at)
        assert exploded[n.seed, k] and not exploded[n.seed, :k].any()
        assert n.risk == runs.risk[n.seed, k]
    assert 0 < len(runs.diverged) < 40  # both kinds occur
    assert f"{len(runs.diverged)} seeds diverged" in str(runs)


@pytest.mark.parametrize("steps", [NINE, np.arange(1992, 2001)], ids=["from 0 on", "late"])
def test_divergence_past_every_number_is_infinite_not_nan(steps):
    """And it is seen even if nothing before it was recorded."""
    problem = PowerLaw(alpha=1.0, beta=0.3, v=12)
    with pytest.warns(DivergenceWarning, match="3 of 3 seeds"):
        runs = simulate(KEY, problem, SGD(50.0), steps, seeds=3)
    assert np.isposinf(runs.risk[:, -1]).all()
    assert [seed for seed, *_ in runs.diverged] == [0, 1, 2]
    assert np.isnan(runs.standard_error[-1]) or np.isinf(runs.standard_error[-1])
    str(runs)  # prints without a warning


def test_nothing_to_learn_is_no_divergence():
    """The error starts at zero and rises to the noise that it fits."""
    problem = Spectrum(np.full(12, 0.5), target=np.zeros(12), noise=0.1)
    runs = simulate(KEY, problem, SGD(0.1), NINE, seeds=3)
    assert not runs.diverged


def interrupted_after(monkeypatch, calls):
    """Ctrl-C arrives during the chunk after so many."""
    real, left = one_pass.take, iter(range(calls))

    def take(*arguments, program):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real(*arguments, program=program)

    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)  # chunks of 256 steps
    monkeypatch.setattr(one_pass, "take", take)


@pytest.mark.parametrize("progress", [False, True])
def test_an_interrupted_run_returns_what_is_done(monkeypatch, tmp_path, progress, fresh_interrupts):
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


def test_a_loop_of_simulations_is_ended_by_a_second_interrupt(monkeypatch, fresh_interrupts):
    """And only if it comes soon: an hour later it is a first one again."""
    now, ended = [0.0], []
    monkeypatch.setattr(interrupts.time, "monotonic", lambda: now[0])

    def loop_of_runs(seconds):
        for seconds_later in seconds:
            now[0] += seconds_later
            with monkeypatch.context() as patch:
                interrupted_after(patch, 2)
                ended.append(simulate(KEY, DRAW, SGD(0.05), NINE, seeds=3).stopped)

    loop_of_runs([0, 3600])
    with pytest.raises(KeyboardInterrupt):
        loop_of_runs([3600, 4])
    assert ended == [512, 512, 512]


def test_an_interrupt_before_anything_is_recorded_is_passed_on(monkeypatch, fresh_interrupts):
    interrupted_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        simulate(KEY, DRAW, SGD(0.05), np.arange(1000, 1009), seeds=3)


def test_the_progress_bar_names_the_rule_on_stderr_alone(capsys):
    rule = Averaged(SGD(0.05), ema=0.5)
    assert loop.title(rule) == "Averaged(SGD)"
    simulate(KEY, DRAW, SGD(0.05), NINE, seeds=3, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "steps/s" in err and "SGD" in err


def test_threads_get_the_same_and_leave_no_trace():
    """Each of them; what they share is compiled programs."""
    alone, found = simulate(KEY, DRAW, SGD(0.05), NINE, seeds=3).excess, []
    run = lambda: found.append(simulate(KEY, DRAW, SGD(0.05), NINE, seeds=3).excess)
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for one in found:
        np.testing.assert_array_equal(one, alone)


HUGE = PowerLaw(alpha=1.0, beta=0.3, v=10**8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "mode"}, "`engine` must be one of modes, features, but is 'mode'"),
        ({"inputs": inputs.Rademacher()}, "must be Gaussian for the modes .* engine='features'"),
        ({"dtype": "float16"}, "`dtype` must be one of float32, float64, but is 'float16'"),
        ({"seeds": 0}, "`seeds` must be at least 1, but is 0"),
        ({"seeds": 2.5}, "`seeds` must be a whole number, but is 2.5"),
        ({"steps": -1}, "`steps` must be at least 0, but is -1"),
        ({"steps": [3, 2]}, "`steps` must be strictly increasing"),
        ({"steps": [0, 1.5]}, "`steps` must hold whole numbers, but is 1.5"),
        ({"steps": []}, "`steps` must be a non-empty"),
        ({"steps": 2**31}, "`steps` must be at most 2.147.*e.09"),
        ({"n": 30}, "`n` must be None for rules that see fresh samples"),
        ({"bags": 2}, "`bags` must be 1 for rules that see fresh samples"),
        ({"rule": GradientFlow()}, "`n` must be a number of samples"),
        ({"rule": Ridge(), "n": 9, "engine": "features"}, "`engine` must be 'modes' for training"),
        ({"rule": FullBatch(SGD(0.1)), "n": 9, "devices": jax.devices()}, "`devices` must be None"),
        # More than any memory: refused by a formula, before anything is made.
        ({"seeds": 10**9}, "`seeds` must leave arrays whose entries fit into .* but is 1000000000"),
        ({"steps": np.arange(10**7 + 1)}, r"`steps` must hold at most 1e\+07 steps, but is \(1"),
        ({"problem": HUGE, "rule": SGD(0.1, 10**9)}, "`B` must leave arrays .*v = 100000000"),
        ({"problem": PowerLaw(alpha=1.0, beta=0.3, v=10**8, d=10**5)}, "`v` must leave arrays"),
        ({"problem": HUGE, "seeds": 10**7}, "they take .* TiB. Take less of it"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        simulate(**{"key": KEY, "problem": DRAW, "rule": SGD(0.05), "steps": 2} | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": 3}, "`key` must be a random key"),
        ({"problem": 3}, "`problem` must be a problem"),
        ({"rule": 0.1}, "`rule` must be a training rule"),
        ({"inputs": "gaussian"}, "`inputs` must be a law of inputs"),
        ({"progress": 1}, "`progress` must be True or False"),
        ({"devices": [0]}, r"`devices` must be a sequence of devices of JAX, but is \[0\]"),
        ({"devices": set(jax.devices())}, "`devices` must be a sequence of devices"),
        ({"devices": "cpu"}, "`devices` must be a sequence of devices"),
        ({"cluster": "modes"}, "`cluster` must be a Cluster"),
    ],
)
def test_other_kinds_are_refused(change, message):
    with pytest.raises(TypeError, match=message):
        simulate(**{"key": KEY, "problem": DRAW, "rule": SGD(0.05), "steps": 2} | change)


def test_devices_are_different_ones():
    for devices in ([], 2 * jax.local_devices()):
        with pytest.raises(ValueError, match="`devices` must hold a device, each one once"):
            simulate(KEY, DRAW, SGD(0.05), 2, devices=devices)
    one = simulate(KEY, DRAW, SGD(0.05), NINE, seeds=3, devices=jax.local_devices()[0])
    assert one.seeds == 3
