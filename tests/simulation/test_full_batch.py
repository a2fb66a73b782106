"""Full-batch training as simulated: judged by linear algebra seed by seed, by theory on average.

Seven seeds, seven steps and three times wherever it can be: one program for all of them.
"""

from dataclasses import replace

import jax
import numpy as np
import pytest
import threadpoolctl

from solvable import (
    DANA,
    SGD,
    Averaged,
    FullBatch,
    GradientDescent,
    GradientFlow,
    KernelFeatures,
    Momentum,
    NonlinearFeatures,
    PowerLaw,
    Ridge,
    Rule,
    Spectrum,
    inputs,
    predict,
    simulate,
)
from solvable.rules import Coefficients
from solvable.schedules import Cosine
from solvable.simulation import DivergenceWarning, full_batch, full_batch_engine, interrupts, loop

KEY = jax.random.key(11)
N = 30
SMALL = PowerLaw(alpha=0.75, beta=0.25, v=60, d=20, noise=0.1)
DRAW = SMALL.draw(jax.random.key(3))
FLOW, RIDGE = GradientFlow(), Ridge()
SEVEN = [0, 1, 6, 7, 8, 30, 60]
FAULT = 0.03
"""What a test against theory must be able to see: three standard errors are less."""
slow = pytest.mark.slow


def run(rule, x, problem=SMALL, seeds=7, **more):
    return simulate(KEY, problem, rule, x, seeds, **(dict(n=N) | more))


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


def literal(problem, n=N, seed=0, W=None, seeds=7, **more):
    """D^(1/2) W, D^(1/2) b, features and labels of a seed, by the key alone."""
    sizes = dict(n=n, d=problem.d, ensemble=1, bags=1, sample=inputs.Gaussian()) | more
    model = [np.asarray(x, float) for x in (*problem.coordinates(), problem.noise)]
    rows = np.arange(seeds, dtype=np.int32)
    with jax.enable_x64(True):
        data = full_batch_engine.draw(KEY, rows, model + ([] if W is None else [W]), **sizes)
        return jax.tree.map(lambda x: np.asarray(x)[seed], data)


def excess_of(theta, data):
    whole = data.features.ndim == 3
    predicted = data.features[0] @ theta if whole else data.features * theta
    return np.sum((predicted - data.target) ** 2)


# The draw


def test_features_inputs_and_labels_have_their_variances():
    """400 x 500 normals: a variance is good to 2.4 per cent at five deviations per column."""
    problem = PowerLaw(alpha=0.5, beta=0.2, v=40, d=300, noise=0.5)
    data, scale = literal(problem, n=2000, seeds=1), problem.coordinates()[0]
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


def test_a_member_does_not_depend_on_how_many_there_are():
    one, more = literal(SMALL), literal(SMALL, ensemble=2, bags=3)
    np.testing.assert_array_equal(more.features[0], one.features[0])
    np.testing.assert_array_equal(more.y[0], one.y[0])
    np.testing.assert_allclose(more.Phi[0, 0], one.Phi[0, 0], rtol=1e-12, atol=1e-14)
    assert np.abs(more.features[1] - one.features[0]).min() > 0
    for other in range(1, 3):
        assert np.abs(more.y[other] - one.y[0]).min() > 0


# One seed, by linear algebra


def remaining(data, n, left):
    """Excess and training error where the part ``left`` of an eigenvalue is not learned."""
    U, s, Vt = np.linalg.svd(data.Phi[0, 0] / np.sqrt(n), full_matrices=False)
    theta = Vt.T @ ((1 - left(s**2)) / s * (U.T @ data.y[0]) / np.sqrt(n))
    residual = data.Phi[0, 0] @ theta - data.y[0]
    return excess_of(theta, data), np.mean(residual**2)


@pytest.mark.parametrize("seed", [0, 6])
def test_gradient_descent_step_by_step_is_its_closed_form(seed):
    """The loop knows no eigenvalues; the oracle knows nothing else."""
    steps = [0, 1, 2, 17, 400, 1000, 3000]
    runs, data = run(GradientDescent(0.3), steps), literal(SMALL, seed=seed)
    expected = [remaining(data, N, lambda h, t=t: (1 - 0.3 * h) ** float(t)) for t in steps]
    np.testing.assert_allclose(runs.excess[seed], np.array(expected)[:, 0], rtol=1e-10)
    np.testing.assert_allclose(runs.train[seed], np.array(expected)[:, 1], rtol=1e-10)


def test_gradient_flow_is_the_limit_of_small_steps():
    """The error of Euler's rule is a power series in the step: two steps cancel its first term."""
    times = np.array([0.0, 1.0, 4.0])
    flow = run(FLOW, times)
    more = np.array([5000, 6000, 7000, 8000])  # for as many records as above
    euler = {k: run(GradientDescent(1 / k), np.append(k * times, more)) for k in (500, 1000)}
    for name in ("excess", "train"):
        exact = getattr(flow, name)
        coarse, fine = (getattr(euler[k], name)[:, :3] for k in (500, 1000))
        np.testing.assert_allclose(2 * fine - coarse, exact, rtol=3e-6)
        ratio = (coarse - exact)[:, 1:] / (fine - exact)[:, 1:]
        np.testing.assert_allclose(ratio, 2, rtol=0.01)  # the next term: 1/500


class Decay(Rule):
    """Weight decay w, which moves the target: A = 1 - gamma w."""

    gamma: float
    w: float

    constant = True

    def coefficients(self, t):
        return Coefficients.of(t, [[1 - self.gamma * self.w]], [-self.gamma])


RULES = {
    "momentum": Momentum(0.1, mu=0.9),
    "schedule": SGD(Cosine(0.5, 60)),
    "array": SGD(np.linspace(0.5, 0.1, 60)),
    "DANA": DANA(gamma2=0.2, gamma3=0.05, delta=4.0, decay=0.5),
    "average": Averaged(SGD(0.3), ema=0.9),
    "tail of momentum": Averaged(Momentum(0.1, mu=0.5), tail=10),
    "weight decay": Decay(0.3, 0.2),
}
SHORT = {("schedule", 4096), ("schedule", 7), ("tail of momentum", 4096), ("weight decay", 4096)}


@pytest.mark.parametrize(
    ("name", "buffer"),
    [
        pytest.param(name, buffer, marks=[] if (name, buffer) in SHORT else [slow])
        for name in RULES
        for buffer in (4096, 7)
    ],
)
def test_any_rule_takes_the_steps_its_coefficients_say(name, buffer, monkeypatch):
    monkeypatch.setattr(loop, "BUFFER", buffer)
    rule, found = RULES[name], {}
    runs, data = run(FullBatch(rule), SEVEN), literal(SMALL)
    Phi, y = data.Phi[0, 0], data.y[0]
    memory = np.zeros((len(rule.start), SMALL.d))
    for t in range(61):
        theta = memory[rule.output]
        found[t] = excess_of(theta, data), np.mean((Phi @ theta - y) ** 2)
        if t < 60:
            with jax.enable_x64(True):
                A, b = (np.asarray(x[0]) for x in rule.coefficients(np.array([t])))
            memory = A @ memory + np.outer(b, Phi.T @ (Phi @ memory[0] - y) / N)
    expected = np.array([found[t] for t in SEVEN])
    np.testing.assert_allclose(runs.excess[0], expected[:, 0], rtol=1e-11)
    np.testing.assert_allclose(runs.train[0], expected[:, 1], rtol=1e-11)


WIDE = PowerLaw(alpha=0.75, beta=0.25, v=20, d=60, noise=0.1)
"""More features than coordinates: d - v singular values are rounding."""


@pytest.mark.parametrize(
    ("problem", "n"),
    [
        (SMALL, N),
        (WIDE, 40),
        pytest.param(SMALL, 12, marks=slow),
        pytest.param(SMALL, 20, marks=slow),
    ],
    ids=["tall", "deficient", "wide", "square"],
)
def test_ridge_regression_is_least_squares(problem, n):
    """Of the augmented system; without a ridge, the pseudo-inverse."""
    ridges = [1.0, 0.0, 1e-4]
    runs, data = run(RIDGE, ridges, problem, n=n), literal(problem, n)
    Phi, y = data.Phi[0, 0] / np.sqrt(n), data.y[0] / np.sqrt(n)
    for k, ridge in enumerate(ridges):
        augmented = np.vstack([Phi, np.sqrt(ridge) * np.eye(problem.d)])
        theta = np.linalg.lstsq(augmented, np.append(y, np.zeros(problem.d)), rcond=None)[0]
        theta = np.linalg.pinv(Phi, rcond=1e-12) @ y if ridge == 0 else theta
        assert runs.excess[0, k] == pytest.approx(excess_of(theta, data), rel=1e-9)
        assert runs.train[0, k] == pytest.approx(
            np.sum((Phi @ theta - y) ** 2), rel=1e-9, abs=1e-20
        )


def test_a_ridge_may_be_negative_where_there_is_a_minimum():
    """Above minus the least eigenvalue of the samples; below it the loss has no minimum."""
    data = literal(SMALL)
    least = np.linalg.svd(data.Phi[0, 0] / np.sqrt(N))[1].min() ** 2
    ridges = np.array([-0.5 * least, -0.9 * least, -1.1 * least])
    with pytest.warns(DivergenceWarning, match=r"7 seeds have no minimum at some ridge: -.* least"):
        runs = run(RIDGE, ridges)
    for k in (0, 1):
        expected = remaining(data, N, lambda h, k=k: ridges[k] / (h + ridges[k]))
        assert runs.excess[0, k] == pytest.approx(expected[0], rel=1e-8)
        assert runs.train[0, k] == pytest.approx(expected[1], rel=1e-8)
    assert np.isposinf(runs.excess[0, 2]) and runs.diverged[0].at == ridges[2]


@pytest.mark.parametrize(("problem", "n"), [(SMALL, N), pytest.param(WIDE, 40, marks=slow)])
def test_flow_ends_at_the_ridgeless_solution(problem, n):
    runs, data = run(FLOW, [0.0, 1e20, 1e40], problem, n=n), literal(problem, n)
    theta = np.linalg.pinv(data.Phi[0, 0], rcond=1e-12) @ data.y[0]
    np.testing.assert_allclose(runs.excess[0, 1:], excess_of(theta, data), rtol=1e-9)
    residual = data.Phi[0, 0] @ theta - data.y[0]
    np.testing.assert_allclose(runs.train[0, 1:], np.mean(residual**2), rtol=1e-9)


@pytest.mark.parametrize("rule", ["ridge", pytest.param("descent", marks=slow)])
def test_ensembles_and_bags_average_the_predictor(rule):
    """All pairs of two draws of the features and three data sets, one least squares at a time."""
    averages = dict(ensemble=2, bags=3)
    if rule == "ridge":
        runs = run(RIDGE, [1e-3, 0.1, 1.0], **averages)
    else:
        runs = run(GradientDescent(0.3), [50, 60], **averages)
    data, mean = literal(SMALL, **averages), np.zeros(SMALL.v)
    for e in range(2):
        for m in range(3):
            Phi, y, theta = data.Phi[e, m], data.y[m], np.zeros(SMALL.d)
            if rule == "ridge":
                theta = np.linalg.solve(Phi.T @ Phi / N + 1e-3 * np.eye(SMALL.d), Phi.T @ y / N)
            else:
                for _ in range(50):
                    theta = theta - 0.3 / N * Phi.T @ (Phi @ theta - y)
            mean += data.features[e] @ theta / 6
    assert runs.excess[0, 0] == pytest.approx(np.sum((mean - data.target) ** 2), rel=1e-10)
    assert runs.train is None and runs.train_mean is None


def test_training_error_of_an_ensemble_is_that_of_its_predictor():
    data, rng = literal(SMALL, ensemble=2, bags=3), np.random.default_rng(0)
    data = data._replace(Phi=data.Phi[:, :1], y=data.y[:1])
    theta = rng.normal(size=(2, 1, SMALL.d))
    with jax.enable_x64(True):
        excess, train = full_batch_engine.measured(theta, data)
    mean = np.mean([data.features[e] @ theta[e, 0] for e in range(2)], axis=0)
    fitted = np.mean([data.Phi[e, 0] @ theta[e, 0] for e in range(2)], axis=0)
    assert float(excess) == pytest.approx(np.sum((mean - data.target) ** 2), rel=1e-12)
    assert float(train) == pytest.approx(np.mean((fitted - data.y[0]) ** 2), rel=1e-12)


def test_a_draw_is_shared_by_all_seeds():
    """Its features and no others, with data of their own."""
    runs = run(GradientDescent(0.3), SEVEN, DRAW)
    assert runs.features == "shared" and runs.problem == SMALL
    scale = SMALL.coordinates()[0]
    for seed in (0, 6):
        data = literal(SMALL, seed=seed, W=DRAW.W)
        np.testing.assert_allclose(data.features[0], scale[:, None] * DRAW.W, rtol=1e-15)
        excess, train = remaining(data, N, lambda h: (1 - 0.3 * h) ** 60)
        assert runs.excess[seed, -1] == pytest.approx(excess, rel=1e-9)
        assert runs.train[seed, -1] == pytest.approx(train, rel=1e-9)
    with pytest.raises(ValueError, match="`ensemble` must be 1 for a draw of the features"):
        run(RIDGE, [0.1], DRAW, ensemble=2)


def test_linear_regression_is_trained_on_the_inputs_themselves():
    """Features there are none to average over: an ensemble is each of its members."""
    problem = PowerLaw(alpha=0.75, beta=0.25, v=20, noise=0.25)
    runs, data = run(GradientDescent(0.4), SEVEN, problem), literal(problem)
    for k, t in enumerate(SEVEN):
        excess, train = remaining(data, N, lambda h, t=t: (1 - 0.4 * h) ** float(t))
        assert runs.excess[0, k] == pytest.approx(excess, rel=1e-10)
        assert runs.train[0, k] == pytest.approx(train, rel=1e-10)
    more = run(GradientDescent(0.4), SEVEN, problem, ensemble=7)
    np.testing.assert_array_equal(more.excess, runs.excess)


# Many seeds, by theory

MEDIUM = PowerLaw(alpha=0.75, beta=0.25, v=400, d=80, noise=0.09)
TIMES = [0.0, 10.0, 100.0]


@pytest.mark.parametrize(
    ("exponents", "d", "n", "noise"),
    [
        pytest.param((0.75, 0.25), 80, 120, 0.09, marks=slow),
        pytest.param((0.625, 0.125), 80, 120, 0.0, marks=slow),
        pytest.param((0.625, 0.125), 120, 60, 0.0, marks=slow),
    ],
)
def test_gradient_flow_follows_the_theory(exponents, d, n, noise):
    alpha, beta = exponents
    problem = PowerLaw(alpha=alpha, beta=beta, v=400, d=d, noise=noise)
    times = [0.0, 10.0, 100.0, 1000.0][: 4 if n > d else 3]  # not when training is nearly over
    runs = run(FLOW, times, problem, 400, n=n)
    agree(runs, predict(problem, FLOW, times, n=n), allowed=2 / d)


@slow
@pytest.mark.parametrize("n", [120, 50])
@pytest.mark.parametrize("rule", [SGD(0.5), Momentum(0.2, mu=0.5)], ids=["descent", "momentum"])
def test_steps_follow_the_theory(rule, n):
    """A heavy ball of long memory rings, at frequencies that scatter by d^(-1/2): not so near."""
    steps = [0, 1, 5, 30, 300]
    runs = run(FullBatch(rule), steps, MEDIUM, 400, n=n)
    agree(runs, predict(MEDIUM, FullBatch(rule), steps, n=n), allowed=2 / 80)


@pytest.mark.parametrize(
    ("ensemble", "bags"),
    [pytest.param(3, 1, marks=slow), pytest.param(1, 3, marks=slow), (2, 2)],
)
def test_averages_follow_the_theory(ensemble, bags):
    more = dict(n=60, ensemble=ensemble, bags=bags)
    runs = run(FLOW, TIMES, MEDIUM, 250, **more)
    theory = predict(MEDIUM, FLOW, TIMES, **more)
    agree(runs, theory, allowed=2 / 80)
    alone = predict(MEDIUM, FLOW, TIMES, n=60)
    assert theory.risk[-1] < (1 - 2 * FAULT) * alone.risk[-1]  # an average is another number


@slow
def test_ridge_regression_follows_the_theory():
    ridges = [1e-4, 1e-3, 1e-2, 0.1]
    runs = run(RIDGE, ridges, MEDIUM, 400, n=120)
    agree(runs, predict(MEDIUM, RIDGE, ridges, n=120), allowed=2 / 80)


@slow
def test_negative_ridges_follow_the_theory():
    """A spike of the covariance with all of the target on it: the best ridge is far below zero."""
    eigenvalues, target = np.append(50.0, np.ones(999)), np.append(3 / np.sqrt(50), np.zeros(999))
    problem = Spectrum(eigenvalues, target, noise=0.1)
    runs = run(RIDGE, [0.0, -4.75], problem, 400, n=64)
    theory = predict(problem, RIDGE, [0.0, -4.75], n=64)
    # One eigenvalue stands apart, and n = 64: the theory is off by O(1/n).
    assert (np.abs(runs.mean - theory.risk) < 4 * runs.standard_error + theory.risk / 64).all()
    assert runs.mean[1] + 5 * runs.standard_error[1] < runs.mean[0]


@slow
def test_linear_regression_follows_the_theory():
    problem = PowerLaw(alpha=0.75, beta=0.25, v=100, noise=0.25)
    for rule in (FLOW, GradientDescent(0.4)):
        runs = run(rule, [0, 1, 10, 100], problem, 500, n=80)
        agree(runs, predict(problem, rule, [0, 1, 10, 100], n=80), allowed=2 / 80)
        start = problem.spectrum().weight.sum() + 0.25
        np.testing.assert_allclose(runs.risk[:, 0], start, rtol=1e-12)


@slow
def test_inputs_of_unit_variance_are_alike():
    runs = run(FLOW, [*TIMES, 1000.0], MEDIUM, 400, n=120, inputs=inputs.Rademacher())
    agree(runs, predict(MEDIUM, FLOW, [*TIMES, 1000.0], n=120), allowed=2 / 80)


def test_other_inputs_are_sampled():
    """Of coordinates +1 and -1, every sample has the same squares."""
    problem = PowerLaw(alpha=0.75, beta=0.25, v=60, noise=0.0)
    data = literal(problem, sample=inputs.Rademacher())
    np.testing.assert_allclose(data.Phi[0, 0] ** 2, np.tile(data.features**2, (N, 1)), rtol=1e-12)


@slow
def test_the_deviation_is_of_finite_size():
    """At d = 10 it is seen, and three times the size has a third of it or so."""
    times, deviation, error = [10.0, 100.0], [], []
    for scale in (1, 3):
        problem = PowerLaw(alpha=0.75, beta=0.25, v=60 * scale, d=10 * scale, noise=0.09)
        n, seeds = 15 * scale, 6000 // scale
        runs = run(FLOW, times, problem, seeds, n=n)
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
    runs = run(RIDGE, 0.0, problem, 4000, n=n)
    z = (runs.excess.mean() - 0.3 * 10 / (n - 10 - 1)) / (runs.excess.std() / np.sqrt(4000))
    assert abs(z) < 4
    z = (runs.train.mean() - 0.3 * (1 - 10 / n)) / runs.train_standard_error[0]
    assert abs(z) < 4
    assert runs.standard_error[0] / runs.excess.mean() < 0.01


# How it runs


def test_seeds_run_in_batches_of_one_size(monkeypatch):
    """The last one is filled up; Ctrl-C gives the seeds that are done, and a second one ends it."""
    monkeypatch.setattr(interrupts, "_presses", [])
    monkeypatch.setattr(full_batch, "_BATCH", 1000)
    rows, shown = [], []

    def work(seeds):
        if len(rows) == 2 and seeds[0] == 4:
            raise KeyboardInterrupt
        rows.append(seeds.tolist())
        return np.where(seeds == 1, np.nan, 10.0 * seeds)

    found = full_batch.in_batches(4, 500.0, work, shown.append)
    assert rows == [[0, 1], [2, 3]] and shown == [2, 4]
    np.testing.assert_array_equal(found, [0, np.inf, 20, 30])
    rows.clear()
    np.testing.assert_array_equal(full_batch.in_batches(5, 500.0, work, shown.append)[2:], [20, 30])
    assert rows == [[0, 1], [2, 3]] and shown[2:] == [2, 4]
    rows.clear()
    with pytest.raises(KeyboardInterrupt):
        full_batch.in_batches(5, 500.0, work, shown.append)
    rows.clear()
    assert (
        full_batch.in_batches(7, 300.0, lambda seeds: rows.append(seeds) or seeds, print).size == 7
    )
    assert [x.tolist() for x in rows] == [[0, 1, 2], [3, 4, 5], [6, 0, 1]]


@slow
@pytest.mark.parametrize("rule", [FLOW, GradientDescent(0.4)])
def test_a_seed_does_not_depend_on_how_many_run(rule, monkeypatch):
    x = [0, 5, 50]
    whole, other = run(rule, x), simulate(jax.random.key(12), SMALL, rule, x, 7, n=N)
    monkeypatch.setattr(full_batch, "_BATCH", 8 * 60_000)
    small = run(rule, x)
    for name in ("excess", "train"):
        np.testing.assert_allclose(getattr(small, name), getattr(whole, name), rtol=1e-11)
    assert np.unique(whole.excess[:, -1]).size == 7
    assert np.intersect1d(other.excess[:, -1], whole.excess[:, -1]).size == 0


def test_one_program_serves_all_numbers(monkeypatch):
    """Of any length too, with the same buffers."""
    programs = [full_batch_engine.draw, full_batch_engine.take, full_batch_engine.spectral]
    shapes, real = [], full_batch_engine.take

    def spy(*arguments, update):
        shapes.append([np.shape(x) for x in jax.tree.leaves(arguments)])
        return real(*arguments, update=update)

    def both(alpha, beta, noise, gamma, steps, times, ridges):
        problem = PowerLaw(alpha=alpha, beta=beta, v=60, d=20, noise=noise)
        for rule in (SGD(gamma), SGD(Cosine(gamma, 20_000))):
            run(FullBatch(rule), steps, problem)
        run(FLOW, times, problem)
        run(RIDGE, ridges, problem)

    both(0.75, 0.25, 0.1, 0.3, SEVEN, [0.0, 0.5, 1.0], [0.0, 0.1, 1.0])
    sizes = [program._cache_size() for program in programs]
    monkeypatch.setattr(full_batch_engine, "take", spy)
    both(1.1, 0.45, 0, 0.2, [*SEVEN[:-1], 9000], [3.0, 5.0, 1e9], [0.3, 1e-9, 2.0])
    assert [program._cache_size() for program in programs] == sizes
    scheduled = [shape for shape in shapes if (4096, 1, 1) in shape]
    assert len(scheduled) >= 3 and all(shape == scheduled[0] for shape in scheduled)


def test_long_descent_is_awake_between_chunks(monkeypatch):
    """At a constant rate too: else neither Ctrl-C nor a progress bar would be heard of."""
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)
    real, stops = full_batch_engine.take, []

    def spy(data, state, stop, *rest, update):
        stops.append(int(stop))
        return real(data, state, stop, *rest, update=update)

    whole = run(GradientDescent(0.3), [*SEVEN[:-1], 600]).excess
    monkeypatch.setattr(full_batch_engine, "take", spy)
    np.testing.assert_array_equal(run(GradientDescent(0.3), [*SEVEN[:-1], 600]).excess, whole)
    assert stops == [256, 512, 600]


def test_single_precision_follows_double():
    """Samples of another precision are other samples: only their law and the start are the same."""
    single = run(GradientDescent(0.3), SEVEN, dtype="float32")
    double = run(GradientDescent(0.3), SEVEN)
    np.testing.assert_allclose(single.excess[:, 0], double.excess[:, 0], rtol=1e-5)
    assert single.dtype == "float32" and single.excess.dtype == float
    assert np.isfinite(single.excess).all()


def test_what_is_too_fast_is_reported():
    with pytest.warns(DivergenceWarning, match=r"7 of 7 seeds diverged, .* is too fast"):
        runs = run(GradientDescent(20.0), [*SEVEN[:-1], 2000])
    assert [one.seed for one in runs.diverged] == list(range(7))
    assert "7 seeds diverged" in str(runs)
    assert np.isposinf(runs.excess[:, -1]).all() and not np.isnan(runs.train).any()


def test_the_progress_bar_names_the_rule_on_stderr_alone(capsys):
    run(GradientDescent(0.1), SEVEN, progress=True)
    run(FLOW, [0, 5, 50], progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "100%" in err
    assert "FullBatch(SGD)" in err and "GradientFlow" in err and "seeds/s" in err


def test_blas_keeps_its_threads():
    """One thread for small decompositions, and as many as before afterwards."""
    count = lambda: [x["num_threads"] for x in threadpoolctl.threadpool_info() if "blas" in str(x)]
    before = count()
    run(FLOW, [0, 5, 50])
    assert count() == before


BAD = [
    ({"n": None}, "`n` must be a number of samples: infinitely many cannot be simulated"),
    ({"n": 0}, "`n` must be at least 1, but is 0"),
    ({"n": 2.5}, "`n` must be a whole number, but is 2.5"),
    ({"seeds": 0}, "`seeds` must be at least 1"),
    ({"ensemble": 0}, "`ensemble` must be at least 1"),
    ({"bags": 1.5}, "`bags` must be a whole number"),
    ({"dtype": "float16"}, "`dtype` must be one of float32, float64, but is 'float16'"),
    ({"engine": "features"}, "`engine` must be 'modes' for training on a data set"),
    ({"devices": jax.devices()}, "`devices` must be None for training on a data set"),
    ({"n": 10**11}, r"`n` must leave arrays whose entries fit into .* seeds = 2, n = 100000000000"),
    ({"seeds": 10**12}, "`seeds` must leave arrays whose entries fit into"),
    ({"problem": replace(SMALL, v=10**12)}, "`v` must leave arrays .* The theory has no such lim"),
    ({"problem": replace(SMALL, v=10**9, d=None), "n": 1}, "`v` must "),
    (
        {"problem": KernelFeatures(eigenvalues=[1.0], target=[1.0], nugget=0.1)},
        r"`problem` must list every eigenvalue to be simulated, .* KernelFeatures\(",
    ),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input_is_named(change, message):
    arguments = dict(key=KEY, problem=SMALL, seeds=2, n=N) | change
    for rule, x in ((FLOW, 1.0), (RIDGE, 0.1)):
        with pytest.raises(ValueError, match=message):
            simulate(**arguments, rule=rule, steps=x)


@pytest.mark.parametrize(
    ("rule", "steps", "error", "message"),
    [
        (FLOW, -1.0, ValueError, "`steps` must be at least 0"),
        (FLOW, [-1.0, 2.0], ValueError, "`steps` must not be negative, but is -1.0"),
        (FLOW, [1.0, 0.5], ValueError, "`steps` must be strictly increasing"),
        (FLOW, [], ValueError, "`steps` must be a non-empty"),
        (GradientDescent(0.1), [2, 1], ValueError, "`steps` must be strictly increasing"),
        (GradientDescent(0.1), [0.5], ValueError, "`steps` must hold whole numbers"),
        (GradientDescent(0.1), 2**31, ValueError, "`steps` must be at most 2.147"),
        (GradientDescent([0.1, 0.2]), 3, ValueError, "gamma"),
        (RIDGE, [0.1, np.nan], ValueError, r"`steps\[1\]` must be a finite number"),
        (RIDGE, [], ValueError, "`steps` must be a non-empty"),
        (RIDGE, "small", TypeError, "`steps` must be a one-dimensional array of numbers"),
    ],
)
def test_bad_steps_times_and_ridges_are_named(rule, steps, error, message):
    with pytest.raises(error, match=message):
        run(rule, steps)


# Nonlinear features

NONLINEAR = NonlinearFeatures(
    activation="relu", lam_in=np.arange(1.0, 9) ** -1, target=np.ones(8), d=5, noise=0.1
)


def test_nonlinear_features_are_fitted_literally(capsys):
    """One seed by its key: directions, inputs and labels; the risk from 10^5 fresh inputs."""
    runs = run(RIDGE, [0.1], NONLINEAR, 3, progress=True)
    assert "seeds/s" in capsys.readouterr().err
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.fold_in(KEY, 2), 4)
        u, z, eps = (
            np.asarray(jax.random.normal(key, shape))
            for key, shape in zip(keys[:3], [(8, 5), (N, 8), (N,)], strict=True)
        )
    scale = np.sqrt(NONLINEAR.lam_in)
    of = lambda z: np.maximum(z * scale @ u, 0) / np.sqrt(5)
    y, Phi = z @ scale + np.sqrt(0.1) * eps, of(z)
    theta = np.linalg.solve(Phi.T @ Phi / N + 0.1 * np.eye(5), Phi.T @ y / N)
    assert runs.train[2, 0] == pytest.approx(np.mean((Phi @ theta - y) ** 2), rel=1e-10)
    fresh = np.random.default_rng(0).normal(size=(10**5, 8))
    squares = (of(fresh) @ theta - fresh @ scale) ** 2
    assert runs.excess[2, 0] == pytest.approx(squares.mean(), abs=5 * squares.std() / 10**2.5)
    few = run(RIDGE, [0.1], NONLINEAR, 3)
    np.testing.assert_array_equal(few.excess, runs.excess)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": FLOW}, r"`rule` must be Ridge\(\) for nonlinear features"),
        ({"ensemble": 2}, "`ensemble` must be 1 for nonlinear features"),
        ({"inputs": inputs.Rademacher()}, "`inputs` must be Gaussian for nonlinear"),
        ({"dtype": "float32"}, "`dtype` must be 'float64' for nonlinear features"),
        ({"problem": replace(NONLINEAR, d=None)}, "`d` must be a number of features"),
        ({"n": 10**11}, "`n` must leave arrays whose entries fit"),
    ],
)
def test_nonlinear_features_refuse_what_they_cannot(change, message):
    arguments = dict(problem=NONLINEAR, rule=RIDGE, n=N) | change
    with pytest.raises(ValueError, match=message):
        simulate(key=KEY, steps=[0.1], **arguments)
