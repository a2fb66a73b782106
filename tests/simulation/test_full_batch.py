"""Full-batch training as simulated: judged by linear algebra seed by seed, by theory on average."""

import jax
import numpy as np
import pytest

from solvable import (
    DANA,
    SGD,
    Averaged,
    Cosine,
    DivergenceWarning,
    FiniteRuns,
    FullBatch,
    GradientDescent,
    GradientFlow,
    Momentum,
    PowerLaw,
    RidgeRuns,
    load,
    predict,
    ridge_risk,
    simulate,
    simulate_full_batch,
    simulate_ridge,
)
from solvable.simulation import full_batch_engine, full_batch_simulation

KEY = jax.random.key(11)
SMALL = PowerLaw(alpha=0.75, beta=0.25, v=60, d=20, noise=0.1)
FLOW = GradientFlow()
FAULT = 0.03
"""What a test against theory must be able to see: three standard errors are less."""


def agree(runs, theory, allowed):
    """Test and training error within four standard errors, and what d features may be off.

    The theory is the limit of large d and n: ``allowed`` is a relative deviation of O(1/d), whose
    size is measured in ``test_the_deviation_is_of_finite_size``.
    """
    pairs = [(runs.mean, runs.standard_error, theory.risk)]
    if runs.train is not None:
        pairs.append((runs.train_mean, runs.train_standard_error, theory.train))
    for mean, error, expected in pairs:
        moved = error > 1e-9 * mean  # all but time 0
        error = np.where(moved, error, 1e-12 * mean)
        z = np.abs(mean - expected) / error
        assert (np.abs(mean - expected) < 4 * error + allowed * expected).all(), (z, mean, expected)
    assert (3 * runs.standard_error / runs.mean).max() < FAULT
    assert runs.train is None or (3 * pairs[1][1] / pairs[1][0]).max() < 2 * FAULT


def literal(problem, n, key=KEY, seed=0, d=None, **more):
    """W, X D^(-1/2), D^(1/2) b, features and labels of a seed, by the key alone."""
    scale, target = problem.coordinates()
    sizes = dict(n=n, d=getattr(problem, "d", None), ensemble=1, bags=1) | more
    with jax.enable_x64(True):
        seed_key = jax.random.fold_in(key, seed)
        sample = full_batch_engine.SAMPLERS["gaussian"]
        data = full_batch_engine.sampled(
            seed_key, scale, target, problem.noise, sample=sample, **sizes
        )
        return jax.tree.map(np.asarray, data)


def excess_of(theta, data):
    return np.sum((data.features[0] @ theta - data.target) ** 2)


# The draw


def test_features_inputs_and_labels_have_their_variances():
    """400 x 500 normals: a variance is good to 2.4 per cent at five deviations per column."""
    problem = PowerLaw(alpha=0.5, beta=0.2, v=40, d=300, noise=0.5)
    data, scale = literal(problem, n=2000), problem.coordinates()[0]
    W = data.features[0] / scale[:, None]
    assert 300 * W.var() == pytest.approx(1, abs=5 * np.sqrt(2 / W.size))
    x, *_ = np.linalg.lstsq(data.features[0].T, data.Phi[0, 0].T, rcond=None)  # d > v: W inverts
    assert x.shape == (40, 2000)
    assert x.var() == pytest.approx(1, abs=5 * np.sqrt(2 / x.size))
    np.testing.assert_allclose(np.cov(x), np.eye(40), atol=5 * np.sqrt(2 / 2000))
    np.testing.assert_allclose(data.target, problem.coordinates()[1] * scale, rtol=1e-15)
    eps = data.y[0] - x.T @ data.target
    assert eps.var() == pytest.approx(0.5, abs=5 * 0.5 * np.sqrt(2 / eps.size))
    assert np.abs(np.corrcoef(np.vstack([x, eps]))[-1, :-1]).max() < 5 / np.sqrt(2000)


@pytest.mark.parametrize("ensemble", [1, 3])
def test_a_member_does_not_depend_on_how_many_there_are(ensemble):
    one, more = literal(SMALL, 30), literal(SMALL, 30, ensemble=ensemble, bags=2)
    np.testing.assert_array_equal(more.features[0], one.features[0])
    np.testing.assert_array_equal(more.y[0], one.y[0])
    np.testing.assert_allclose(more.Phi[0, 0], one.Phi[0, 0], rtol=1e-12, atol=1e-14)
    for other in range(1, ensemble):
        assert np.abs(more.features[other] - one.features[0]).min() > 0
    assert np.abs(more.y[1] - one.y[0]).min() > 0


# One seed, by linear algebra


def test_gradient_descent_step_by_step_is_its_closed_form():
    """The loop knows no eigenvalues; the oracle knows nothing else."""
    n, gamma, steps = 30, 0.3, np.array([0, 1, 2, 17, 400, 3000])
    runs = simulate_full_batch(KEY, SMALL, GradientDescent(gamma), steps, n=n)
    data = literal(SMALL, n)
    U, s, Vt = np.linalg.svd(data.Phi[0, 0] / np.sqrt(n), full_matrices=False)
    for k, t in enumerate(steps):
        c = (1 - (1 - gamma * s**2) ** float(t)) / s * (U.T @ data.y[0]) / np.sqrt(n)
        assert runs.excess[0, k] == pytest.approx(excess_of(Vt.T @ c, data), rel=1e-10)
        residual = data.Phi[0, 0] @ (Vt.T @ c) - data.y[0]
        assert runs.train[0, k] == pytest.approx(np.mean(residual**2), rel=1e-10)


def test_gradient_flow_is_the_limit_of_small_steps():
    """The error of Euler's rule is a power series in the step: two steps cancel its first term."""
    times, n = np.array([0.0, 1.0, 4.0]), 30
    flow = simulate_full_batch(KEY, SMALL, FLOW, times, n=n)
    euler = {
        k: simulate_full_batch(KEY, SMALL, GradientDescent(1 / k), (k * times).astype(int), n=n)
        for k in (500, 1000)
    }
    for name in ("excess", "train"):
        exact = getattr(flow, name)
        coarse, fine = getattr(euler[500], name), getattr(euler[1000], name)
        np.testing.assert_allclose(2 * fine - coarse, exact, rtol=3e-6)
        ratio = (coarse - exact)[:, 1:] / (fine - exact)[:, 1:]
        np.testing.assert_allclose(ratio, 2, rtol=0.01)  # the next term: 1/500


RULES = {
    "momentum": Momentum(0.1, mu=0.9),
    "schedule": SGD(Cosine(0.5, 60)),
    "array": SGD(np.linspace(0.5, 0.1, 60)),
    "DANA": DANA(gamma2=0.2, gamma3=0.05, delta=4.0, decay=0.5),
    "average": Averaged(SGD(0.3), ema=0.9),
    "tail of momentum": Averaged(Momentum(0.1, mu=0.5), tail=10),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("buffer", [4096, 7])
def test_any_rule_takes_the_steps_its_coefficients_say(rule, buffer, monkeypatch):
    monkeypatch.setattr(full_batch_engine, "_BUFFER", buffer)
    steps, n = [0, 1, 6, 7, 8, 30, 60], 30
    runs = simulate_full_batch(KEY, SMALL, FullBatch(rule), steps, n=n)
    data, found = literal(SMALL, n), {}
    Phi, y = data.Phi[0, 0], data.y[0]
    memory = np.zeros((len(rule.start), SMALL.d))
    for t in range(61):
        theta = memory[rule.output]
        found[t] = excess_of(theta, data), np.mean((Phi @ theta - y) ** 2)
        if t < 60:
            with jax.enable_x64(True):
                A, b = (np.asarray(x[0]) for x in rule.coefficients(np.array([t])))
            memory = A @ memory + np.outer(b, Phi.T @ (Phi @ memory[0] - y) / n)
    expected = np.array([found[t] for t in steps])
    np.testing.assert_allclose(runs.excess[0], expected[:, 0], rtol=1e-11)
    np.testing.assert_allclose(runs.train[0], expected[:, 1], rtol=1e-11)


@pytest.mark.parametrize("n", [12, 20, 30], ids=["wide", "square", "tall"])
def test_ridge_regression_is_least_squares(n):
    """Of the augmented system; without a ridge, the pseudo-inverse."""
    ridges = [1.0, 0.0, 1e-4]
    runs = simulate_ridge(KEY, SMALL, n, ridges)
    data = literal(SMALL, n)
    Phi, y = data.Phi[0, 0] / np.sqrt(n), data.y[0] / np.sqrt(n)
    for k, ridge in enumerate(ridges):
        augmented = np.vstack([Phi, np.sqrt(ridge) * np.eye(SMALL.d)])
        theta = np.linalg.lstsq(augmented, np.append(y, np.zeros(SMALL.d)), rcond=None)[0]
        theta = np.linalg.pinv(Phi) @ y if ridge == 0 else theta
        assert runs.excess[0, k] == pytest.approx(excess_of(theta, data), rel=1e-9)
        assert runs.train[0, k] == pytest.approx(
            np.sum((Phi @ theta - y) ** 2), rel=1e-9, abs=1e-20
        )


def test_flow_ends_at_the_ridgeless_solution():
    """With more features than coordinates, too: d - v singular values are rounding."""
    problem = PowerLaw(alpha=0.75, beta=0.25, v=20, d=60, noise=0.1)
    runs = simulate_full_batch(KEY, problem, FLOW, [0.0, 1e20, 1e40], seeds=3, n=40)
    ridgeless = simulate_ridge(KEY, problem, 40, 0.0, seeds=3)
    np.testing.assert_allclose(runs.excess[:, 1:], np.tile(ridgeless.excess, 2), rtol=1e-9)
    np.testing.assert_allclose(runs.train[:, 1:], np.tile(ridgeless.train, 2), rtol=1e-9)


def test_ensembles_and_bags_average_the_predictor():
    """All pairs of two draws of the features and three data sets, one least squares at a time."""
    runs = simulate_ridge(KEY, SMALL, 30, [1e-3], ensemble=2, bags=3)
    stepped = simulate_full_batch(KEY, SMALL, GradientDescent(0.3), [50], n=30, ensemble=2, bags=3)
    data = literal(SMALL, 30, ensemble=2, bags=3)
    mean, descent = np.zeros((2, SMALL.v))
    for e in range(2):
        for m in range(3):
            Phi, y, theta = data.Phi[e, m], data.y[m], np.zeros(SMALL.d)
            solution = np.linalg.solve(Phi.T @ Phi / 30 + 1e-3 * np.eye(SMALL.d), Phi.T @ y / 30)
            mean += data.features[e] @ solution / 6
            for _ in range(50):
                theta = theta - 0.3 / 30 * Phi.T @ (Phi @ theta - y)
            descent += data.features[e] @ theta / 6
    assert runs.excess[0, 0] == pytest.approx(np.sum((mean - data.target) ** 2), rel=1e-10)
    assert stepped.excess[0, 0] == pytest.approx(np.sum((descent - data.target) ** 2), rel=1e-10)
    assert runs.train is None and stepped.train is None and stepped.train_mean is None


def test_training_error_of_an_ensemble_is_that_of_its_predictor():
    runs = simulate_ridge(KEY, SMALL, 30, [1e-3], ensemble=2)
    data = literal(SMALL, 30, ensemble=2)
    ridge = 1e-3 * np.eye(SMALL.d)
    fitted = [
        Phi[0] @ np.linalg.solve(Phi[0].T @ Phi[0] / 30 + ridge, Phi[0].T @ data.y[0] / 30)
        for Phi in data.Phi
    ]
    expected = np.mean((np.mean(fitted, axis=0) - data.y[0]) ** 2)
    assert runs.train[0, 0] == pytest.approx(expected, rel=1e-10)


# Many seeds, by theory


@pytest.mark.parametrize(
    ("exponents", "d", "n", "noise"),
    [
        ((0.625, 0.125), 80, 120, 0.0),
        ((0.625, 0.125), 120, 60, 0.0),
        ((0.75, 0.25), 80, 120, 0.25),
    ],
)
def test_gradient_flow_follows_the_theory(exponents, d, n, noise):
    alpha, beta = exponents
    problem = PowerLaw(alpha=alpha, beta=beta, v=400, d=d, noise=noise)
    times = [0.0, 10.0, 100.0, 1000.0][: 4 if n > d else 3]  # not when training is nearly over
    runs = simulate_full_batch(KEY, problem, FLOW, times, 400, n=n)
    agree(runs, predict(problem, FLOW, times, n=n), allowed=2 / d)


MEDIUM = PowerLaw(alpha=0.75, beta=0.25, v=400, d=80, noise=0.09)


@pytest.mark.slow
@pytest.mark.parametrize("n", [120, 50])
@pytest.mark.parametrize("rule", [SGD(0.5), Momentum(0.2, mu=0.5)], ids=["descent", "momentum"])
def test_steps_follow_the_theory(rule, n):
    """A heavy ball of long memory rings, at frequencies that scatter by d^(-1/2): not so near."""
    steps = [0, 1, 5, 30, 300]
    runs = simulate_full_batch(KEY, MEDIUM, FullBatch(rule), steps, 400, n=n)
    agree(runs, predict(MEDIUM, FullBatch(rule), steps, n=n), allowed=2 / 80)


@pytest.mark.parametrize(
    ("ensemble", "bags"), [(3, 1), pytest.param(1, 3, marks=pytest.mark.slow), (2, 2)]
)
def test_averages_follow_the_theory(ensemble, bags):
    times, more = [0.0, 10.0, 100.0], dict(n=60, ensemble=ensemble, bags=bags)
    runs = simulate_full_batch(KEY, MEDIUM, FLOW, times, 250, **more)
    theory = predict(MEDIUM, FLOW, times, **more)
    agree(runs, theory, allowed=2 / 80)
    alone = predict(MEDIUM, FLOW, times, n=60)
    assert theory.risk[-1] < (1 - 2 * FAULT) * alone.risk[-1]  # an average is another number


def test_ridge_regression_follows_the_theory():
    ridges = [1e-4, 1e-3, 1e-2, 0.1]
    runs = simulate_ridge(KEY, MEDIUM, 120, ridges, 400)
    agree(runs, ridge_risk(MEDIUM, 120, ridges), allowed=2 / 80)


def test_inputs_of_unit_variance_are_alike():
    times = [0.0, 10.0, 100.0, 1000.0]
    runs = simulate_full_batch(KEY, MEDIUM, FLOW, times, 400, n=120, inputs="rademacher")
    agree(runs, predict(MEDIUM, FLOW, times, n=120), allowed=2 / 80)
    assert runs.inputs == "rademacher"


@pytest.mark.slow
def test_the_deviation_is_of_finite_size():
    """At d = 10 it is seen, and three times the size has a third of it or so."""
    times, deviation, error = [10.0, 100.0], [], []
    for scale in (1, 3):
        problem = PowerLaw(alpha=0.75, beta=0.25, v=60 * scale, d=10 * scale, noise=0.09)
        n, seeds = 15 * scale, 6000 // scale
        runs = simulate_full_batch(KEY, problem, FLOW, times, seeds, n=n)
        theory = predict(problem, FLOW, times, n=n).risk
        deviation.append(runs.mean / theory - 1)
        error.append(runs.standard_error / theory)
    small, large = deviation
    assert (small > 5 * error[0]).all()
    assert (small < 2 / 10).all()
    assert (np.abs(large - small / 3) < 4 * error[1] + small / 6).all()


def test_linear_regression_with_label_noise_alone_is_exact_at_any_size():
    """Least squares with n > v + 1 Gaussian samples: noise v / (n - v - 1); in training 1 - v/n."""
    problem, n = PowerLaw(alpha=0.4, beta=0.2, v=10, noise=0.3), 40
    runs = simulate_ridge(KEY, problem, n, 0.0, 4000)
    z = (runs.excess.mean() - 0.3 * 10 / (n - 10 - 1)) / (runs.excess.std() / np.sqrt(4000))
    assert abs(z) < 4
    z = (runs.train.mean() - 0.3 * (1 - 10 / n)) / runs.train_standard_error[0]
    assert abs(z) < 4
    assert runs.standard_error[0] / runs.excess.mean() < 0.01


@pytest.mark.parametrize(
    "rule",
    [pytest.param(FLOW, marks=pytest.mark.slow), GradientDescent(0.4)],
    ids=["flow", "descent"],
)
def test_linear_regression_follows_the_theory(rule):
    """Features there are none to average over: an ensemble is each of its members."""
    problem = PowerLaw(alpha=0.75, beta=0.25, v=100, noise=0.25)
    runs = simulate_full_batch(KEY, problem, rule, [0, 1, 10, 100], 500, n=80)
    agree(runs, predict(problem, rule, [0, 1, 10, 100], n=80), allowed=2 / 80)
    start = problem.spectrum().weight.sum() + 0.25
    np.testing.assert_allclose(runs.risk[:, 0], start, rtol=1e-12)
    more = simulate_full_batch(KEY, problem, rule, [0, 1, 10, 100], 500, n=80, ensemble=7)
    np.testing.assert_allclose(more.excess, runs.excess, rtol=1e-10)


# How it runs. Seven seeds and three times wherever it can be: one program for all of them.


@pytest.mark.parametrize("rule", [FLOW, GradientDescent(0.4)], ids=["flow", "descent"])
def test_a_seed_does_not_depend_on_how_many_run(rule, monkeypatch):
    one = simulate_full_batch(KEY, SMALL, rule, [0, 5, 50], 1, n=30)
    whole = simulate_full_batch(KEY, SMALL, rule, [0, 5, 50], 7, n=30)
    sizes = []
    real = full_batch_engine._draw if rule is not FLOW else full_batch_simulation.spectral

    def spy(key, seed, *args, **options):
        sizes.append(seed.size)
        return real(key, seed, *args, **options)

    if rule is FLOW:
        monkeypatch.setattr(full_batch_simulation, "spectral", spy)
    else:
        monkeypatch.setattr(full_batch_engine, "_draw", spy)
    monkeypatch.setattr(full_batch_simulation, "_BATCH", 8 * 60_000)
    small = simulate_full_batch(KEY, SMALL, rule, [0, 5, 50], 7, n=30)
    assert sizes in ([3, 3, 3], [4, 4], [2, 2, 2, 2])  # the last one is filled up
    for name in ("excess", "train"):
        np.testing.assert_allclose(getattr(small, name), getattr(whole, name), rtol=1e-11)
        np.testing.assert_allclose(getattr(one, name), getattr(whole, name)[:1], rtol=1e-11)
    assert np.unique(whole.excess[:, -1]).size == 7
    other = simulate_full_batch(jax.random.key(12), SMALL, rule, [0, 5, 50], 7, n=30)
    assert np.intersect1d(other.excess[:, -1], whole.excess[:, -1]).size == 0


def test_one_program_serves_all_numbers(monkeypatch):
    monkeypatch.setattr(full_batch_simulation, "_BATCH", 8 * 60_000)  # several batches
    programs = [full_batch_engine._draw, full_batch_engine._advance, full_batch_engine.spectral]

    def run(alpha, beta, noise, key, gamma, steps, times, ridges):
        problem, key = (
            PowerLaw(alpha=alpha, beta=beta, v=60, d=20, noise=noise),
            jax.random.key(key),
        )
        for rule in (SGD(gamma), SGD(Cosine(gamma, 20_000)), Momentum(gamma / 5, mu=0.8)):
            simulate_full_batch(key, problem, FullBatch(rule), steps, 7, n=30)
        simulate_full_batch(key, problem, FLOW, times, 7, n=30)
        simulate_ridge(key, problem, 30, ridges, 7)

    run(0.75, 0.25, 0.1, 0, 0.3, [0, 1, 50], [0.0, 0.5, 1.0], [0.0, 0.1])
    sizes = [program._cache_size() for program in programs]
    run(1.1, 0.45, 0, 1, 0.2, [10, 100, 10_000], [3.0, 5.0, 1e9], [0.3, 1e-9])
    assert [program._cache_size() for program in programs] == sizes


def test_memory_does_not_grow_with_the_number_of_steps(monkeypatch):
    shapes, real = [], full_batch_engine._advance

    def spy(*arguments, update):
        shapes.append([np.shape(x) for x in jax.tree.leaves(arguments)])
        return real(*arguments, update=update)

    monkeypatch.setattr(full_batch_engine, "_advance", spy)
    for last in (10, 9000):
        rule = FullBatch(SGD(Cosine(0.1, 9000)))
        simulate_full_batch(KEY, SMALL, rule, [0, 1, 2, 3, 4, 5, last], n=30)
    assert len(shapes) == 1 + 3
    assert all(shape == shapes[0] for shape in shapes)


def test_single_precision_follows_double():
    """300 steps, each of which rounds sums of 30 products."""
    pair = [
        simulate_full_batch(KEY, SMALL, GradientDescent(0.3), [0, 5, 300], 7, n=30, dtype=dtype)
        for dtype in ("float32", "float64")
    ]
    # Samples of another precision are other samples: only their law and the start are the same.
    np.testing.assert_allclose(pair[0].excess[:, 0], pair[1].excess[:, 0], rtol=1e-5)
    assert pair[0].dtype == "float32" and pair[0].excess.dtype == float
    assert np.isfinite(pair[0].excess).all()


def test_what_is_too_fast_is_reported():
    with pytest.warns(DivergenceWarning, match=r"7 of 7 seeds diverged: .* is too fast"):
        runs = simulate_full_batch(KEY, SMALL, GradientDescent(20.0), [0, 10, 2000], 7, n=30)
    assert runs.diverged == list(range(7)) and "7 seeds diverged" in str(runs)
    assert np.isposinf(runs.excess[:, -1]).all() and not np.isnan(runs.train).any()


def test_the_progress_bar_writes_to_stderr_alone(capsys):
    simulate_full_batch(KEY, SMALL, GradientDescent(0.1), 50, 2, n=30, progress=True)
    simulate_full_batch(KEY, SMALL, FLOW, [0, 5, 50], 7, n=30, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "100%" in err


BAD = [
    ({"n": None}, "`n` must be a number of samples: infinitely many cannot be simulated"),
    ({"n": 0}, "`n` must be at least 1, but is 0"),
    ({"n": 2.5}, "`n` must be a whole number, but is 2.5"),
    ({"seeds": 0}, "`seeds` must be at least 1"),
    ({"ensemble": 0}, "`ensemble` must be at least 1"),
    ({"bags": 1.5}, "`bags` must be a whole number"),
    ({"inputs": "student-t"}, "`inputs` must be one of gaussian, rademacher, but is 'student-t'"),
    ({"dtype": "float16"}, "`dtype` must be 'float32' or 'float64', but is 'float16'"),
    (
        {"n": 10**9},
        r"`n` must leave at most 2.1e\+09 of the 8.0e\+10 entries of one seed at v = 60",
    ),
    ({"problem": PowerLaw(alpha=1.0, beta=0.3, v=10**9)}, "`v` must be at most 1e.08"),
    (
        {"problem": PowerLaw(alpha=1.0, beta=0.3, v=10**8, d=10**4)},
        r"at v = 100000000, d = 10000, but is 30. Take less of v, d or n; .*: predict\.",
    ),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input_is_named(change, message):
    arguments = dict(key=KEY, problem=SMALL, seeds=2, n=30) | change
    with pytest.raises(ValueError, match=message):
        simulate_full_batch(**arguments, rule=FLOW, times=1.0)
    with pytest.raises(ValueError, match=message):
        simulate_ridge(**arguments, ridge=0.1)


@pytest.mark.parametrize(
    ("rule", "times", "message"),
    [
        (FLOW, -1.0, "`times` must be at least 0"),
        (FLOW, [-1.0, 2.0], "`times` must not be negative, but is -1.0"),
        (FLOW, [1.0, 0.5], "`times` must be strictly increasing"),
        (FLOW, [], "`times` must be a non-empty"),
        (GradientDescent(0.1), [2, 1], "must be strictly increasing"),
        (GradientDescent(0.1), [0.5], "must hold whole numbers"),
        (GradientDescent(0.1), 2**31, "must be at most 2.147"),
        (GradientDescent([0.1, 0.2]), 3, "gamma"),
    ],
)
def test_bad_times_are_named(rule, times, message):
    with pytest.raises(ValueError, match=message):
        simulate_full_batch(KEY, SMALL, rule, times, n=30)


@pytest.mark.parametrize(
    ("ridge", "error", "message"),
    [
        (-1e-3, ValueError, "`ridge` must not be negative, but is -0.001"),
        ([0.1, np.nan], ValueError, r"`ridge\[1\]` must be a finite number"),
        ("small", TypeError, "`ridge` must be a one-dimensional array of numbers"),
    ],
)
def test_bad_ridges_are_named(ridge, error, message):
    with pytest.raises(error, match=message):
        simulate_ridge(KEY, SMALL, 30, ridge)


def test_other_kinds_are_refused():
    with pytest.raises(TypeError, match="`rule` must be a FullBatch or GradientFlow"):
        simulate_full_batch(KEY, SMALL, SGD(0.1), 10, n=30)
    for rule in (FLOW, GradientDescent(0.1)):
        with pytest.raises(ValueError, match=r"`sgd` must see fresh .*: simulate_full_batch\("):
            simulate(KEY, SMALL, rule, 10)
    draw = SMALL.draw(jax.random.key(0))
    with pytest.raises(TypeError, match="`problem` must be a PowerLaw or LinearRegression"):
        simulate_full_batch(KEY, draw, FLOW, 10, n=30)
    with pytest.raises(TypeError, match="`n` must be a real number"):
        simulate_ridge(KEY, SMALL, "many", 0.1)


# Results


RUNS = {
    "flow": lambda: simulate_full_batch(KEY, SMALL, FLOW, [0.0, 1 / 3, 1.0], 7, n=30),
    "rule": lambda: FiniteRuns(
        time=np.array([0, 9]),
        excess=np.array([[1.0, 1 / 3]]),
        problem=SMALL,
        rule=FullBatch(Averaged(Momentum(Cosine(0.1, 9)), tail=2)),
        n=30,
        bags=2,
    ),
    "ridge": lambda: RidgeRuns(
        ridge=np.array([0.1]),
        excess=np.array([[1 / 3], [0.5]]),
        train=np.array([[0.25], [1 / 7]]),
        problem=PowerLaw(alpha=1, beta=0.3, v=9),
        n=30,
        ensemble=2,
    ),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_results_come_back_from_their_files(run, tmp_path):
    runs = run()
    runs.save(tmp_path / "runs.nc")
    again = load(tmp_path / "runs.nc")
    assert type(again) is type(runs) and str(again) == str(runs)
    for name, value in vars(runs).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    dims = ("seed", "ridge" if isinstance(runs, RidgeRuns) else "time")
    assert again.to_xarray()["excess"].dims == dims


def test_statistics_over_seeds():
    rng = np.random.default_rng(0)
    excess, train = rng.lognormal(size=(2, 9, 3))
    time, noise = np.array([0.0, 1.0, 2.0]), SMALL.noise
    runs = FiniteRuns(time=time, excess=excess, train=train, problem=SMALL, rule=FLOW, n=30)
    np.testing.assert_allclose(runs.mean, (excess + noise).sum(axis=0) / 9, rtol=1e-14)
    spread = [np.sqrt(np.sum((c - c.mean()) ** 2) / 8 / 9) for c in excess.T]
    np.testing.assert_allclose(runs.standard_error, spread, rtol=1e-13)
    np.testing.assert_allclose(runs.median, np.sort(excess + noise, axis=0)[4], rtol=1e-14)
    np.testing.assert_allclose(runs.quantile(0.25), np.sort(excess + noise, axis=0)[2], rtol=1e-14)
    np.testing.assert_allclose(runs.train_mean, train.sum(axis=0) / 9, rtol=1e-14)
    spread = [np.sqrt(np.sum((c - c.mean()) ** 2) / 8 / 9) for c in train.T]
    np.testing.assert_allclose(runs.train_standard_error, spread, rtol=1e-13)
    assert runs.seeds == 9 and not runs.diverged


def test_results_print():
    runs = simulate_full_batch(KEY, SMALL, FLOW, [0.0, 5.0, 10.0], n=30)
    assert np.isnan(runs.standard_error).all() and np.isnan(runs.train_standard_error).all()
    first, second = str(runs).splitlines()
    assert first == f"1 run of {SMALL}"
    assert second.startswith("GradientFlow() on 30 samples, gaussian inputs, float64, 3 times from")
    ridge, excess = np.array([0.1, 1.0]), np.arange(1.0, 7.0).reshape(3, 2)
    several = str(
        RidgeRuns(ridge=ridge, excess=excess, train=None, problem=SMALL, n=30, ensemble=2, bags=4)
    )
    assert "3 runs" in several and "standard error" in several and "in training" not in several
    assert "averaged over 2 draws of the features and 4 data sets" in several
