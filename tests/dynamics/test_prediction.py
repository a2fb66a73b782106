"""The predicted risk: reference values, exact limits, independent recursions, derivatives."""

import logging
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from solvable import SGD, Modes, PowerLaw, Spectrum, UnstableError, expect, predict
from solvable.dynamics import one_pass
from solvable.dynamics.recursion import stepping
from solvable.models.thresholds import band_edge, max_learning_rate
from solvable.numerics import sums
from solvable.spectra.resolvent import transforms
from solvable.util.steps import log_steps
from solvable.util.types import Rung

jit_transforms = jax.jit(transforms)

# Eight steps everywhere, so that problems of one kind share one compiled program.
STEPS = np.array([0, 1, 10**2, 10**4, 10**6, 10**8, 10**10, 10**15])
HARD = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
EXACT = dict(xtol=1e-300, rtol=1e-15)  # of a bracketing solver


def recursion(lam, m, floor, noise, gamma, B, steps):
    """The excess risk, mode by mode and step by step, in NumPy."""
    a, pull = (1 - gamma * lam) ** 2 + (gamma * lam) ** 2 / B, (gamma * lam) ** 2 / B
    excess = []
    for _ in range(int(max(steps)) + 1):
        excess.append(floor + m.sum())
        m = a * m + pull * (excess[-1] + noise)
    return np.array(excess)[np.asarray(steps, int)]


def direct(problem):
    """Eigenvalues and initial risks of all v coordinates."""
    scale, target = problem.coordinates()
    return scale**2, (scale * target) ** 2


# An independent solver of the equivalent, at t = 1e2, 1e4, ..., 1e10. Its own error is 2e-8.
REFERENCE = [
    (
        PowerLaw(alpha=1.0, beta=0.3, d=400, v=1600),
        SGD(0.3040790510146135, 1),
        [0.0351594341, 0.00149052937, 0.000421766694, 0.000416912767, 0.000416912767],
    ),
    (
        PowerLaw(alpha=0.7, beta=1.2, d=400, v=1600),
        SGD(0.16807521147237187, 1),
        [0.00589103442, 0.00103324309, 0.000929718453, 0.000929718453, 0.000929718453],
    ),
    (
        PowerLaw(alpha=1.0, beta=0.7, d=1000, v=10000),
        SGD(0.3039820298944945, 1),
        [0.00609898204, 7.11025019e-05, 1.11854222e-05, 9.67570006e-06, 9.67570006e-06],
    ),
    (
        PowerLaw(alpha=0.4, beta=0.4, d=800, v=3200),
        SGD(0.02417548209104856, 1),
        [0.576298688, 0.17792497, 0.176461027, 0.176461027, 0.176461027],
    ),
    (
        PowerLaw(alpha=0.4, beta=0.8, d=800, v=3200),
        SGD(0.02417548209104856, 4),
        [0.109894965, 0.0266210435, 0.0264181608, 0.0264181608, 0.0264181608],
    ),
    (
        PowerLaw(alpha=0.7, beta=1.2, d=10**5, v=10**7),
        SGD(0.12896631695947614, 8),
        [0.00122449585, 3.77997819e-06, 9.26923843e-07, 5.41137204e-07, 5.40991305e-07],
    ),
    (
        PowerLaw(alpha=1.3, beta=0.2, d=10**6, v=10**8),
        SGD(0.38300153133599746, 1),
        [0.026913725, 0.000756678372, 2.1874902e-05, 6.345796e-07, 1.86272e-08],
    ),
]


@pytest.mark.parametrize(("problem", "sgd", "values"), REFERENCE)
def test_reference_values_of_the_equivalent(problem, sgd, values):
    curve = predict(problem, sgd, STEPS)
    # 3e-7: the last value has six digits only
    np.testing.assert_allclose(curve.excess[2:7], values, rtol=3e-7)
    assert curve.error < 1e-10
    assert curve.rung is Rung.EQUIVALENT


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("B", [1, 32])
def test_plateau_in_closed_form(B, noise):
    """At infinite time: the capacity and the noise, amplified by 1/(1 - kernel).

    The kernel sums to -df1(kappa)/(B + 1) at the point 2B/(gamma (B + 1)) of the spectrum's
    axis, beyond the band, where kappa = -x is negative.
    """
    problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400, noise=noise)
    gamma = 0.8 * max_learning_rate(problem, B)
    lam, risk = direct(problem)
    at = 2 * B / (gamma * (B + 1))
    axis = lambda x: x * (1 + np.sum(lam / (x - lam)) / problem.d) - at
    edge = 1 + np.sqrt(np.sum(lam**2) / problem.d)  # beyond it, the upper branch
    x = brentq(axis, edge, at, **EXACT)
    kernel = np.sum(lam / (x - lam)) / (B + 1)
    kappa = brentq(lambda kappa: np.sum(lam / (lam + kappa)) - problem.d, 0, 1, **EXACT)
    capacity = kappa * np.sum(risk / (lam + kappa))
    plateau = (capacity + noise * kernel) / (1 - kernel)
    assert predict(problem, SGD(gamma, B), STEPS).excess[-1] == pytest.approx(plateau, rel=1e-10)


@pytest.mark.parametrize("B", [1, 32])
def test_first_step_in_closed_form(B):
    """P(1) needs two moments of K only: Tr K^2 and that between the targets."""
    problem = PowerLaw(alpha=0.7, beta=0.4, v=1600, d=400, noise=0.1)
    gamma = 0.8 * max_learning_rate(problem, B)
    lam, risk = direct(problem)
    u0, u1, u2 = (risk @ lam**k for k in range(3))
    u2 = u2 + u1 * lam.sum() / problem.d
    trace_of_square = np.sum(lam**2) + lam.sum() ** 2 / problem.d
    after = u0 - 2 * gamma * u1 + gamma**2 * (1 + 1 / B) * u2
    after += gamma**2 / B * trace_of_square * (u0 + problem.noise)
    excess = predict(problem, SGD(gamma, B), STEPS).excess
    np.testing.assert_allclose(excess[:2], [u0, after], rtol=1e-12)


def test_finite_size_correction_falls_as_one_over_d():
    """At fixed time the equivalent tends to linear regression, at the rate 1/d."""
    steps = [0, 1, 10, 40, 100, 300, 1000, 3000]
    sgd, sizes = SGD(0.3), np.array([10**5, 10**6, 10**7])
    limit = predict(PowerLaw(alpha=1.0, beta=0.3, v=10**8), sgd, steps).excess
    curves = [predict(PowerLaw(alpha=1.0, beta=0.3, v=10**8, d=int(d)), sgd, steps) for d in sizes]
    relative = np.array([curve.excess / limit - 1 for curve in curves])[:, 1:]
    assert (relative > 0).all()
    scaled = relative * sizes[:, None]
    np.testing.assert_allclose(scaled[0], scaled[1], rtol=1e-2)  # what is left is O(1/d^2)
    np.testing.assert_allclose(scaled[1], scaled[2], rtol=1e-3)


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize(("v", "B"), [(40, 1), (40, 8), (2000, 1), (2000, 100)])
def test_linear_regression_is_the_direct_recursion(v, B, noise):
    """All coordinates one by one, also where the prediction compresses them (v = 2000)."""
    problem = PowerLaw(alpha=0.8, beta=0.3, v=v, noise=noise)
    sgd = SGD.stable(problem, 0.7, B)
    steps = [0, 1, 5, 20, 100, 300, 1000, 2000]
    lam, risk = direct(problem)
    stepped = recursion(lam, risk, 0.0, noise, sgd.gamma, B, steps)
    curve = predict(problem, sgd, steps)
    np.testing.assert_allclose(curve.excess, stepped, rtol=1e-11)
    np.testing.assert_allclose(curve.risk, stepped + noise, rtol=1e-11)
    np.testing.assert_array_equal(expect(problem, sgd, steps).excess, curve.excess)
    assert curve.rung is Rung.EXACT


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("B", [1, 8])
def test_expectation_of_a_draw_is_the_direct_recursion(B, noise):
    draw = PowerLaw(alpha=0.7, beta=0.4, v=160, d=40, noise=noise).draw(jax.random.key(0))
    sgd, modes = SGD.stable(draw, 0.7, B), draw.modes
    steps = [0, 1, 5, 20, 100, 300, 1000, 2000]
    stepped = recursion(modes.lam, modes.weight, modes.floor, noise, sgd.gamma, B, steps)
    np.testing.assert_allclose(expect(draw, sgd, steps).excess, stepped, rtol=1e-12)


def test_plain_spectrum_beyond_the_secular_equation():
    """More than 4096 eigenvalues: the same risk, by inversion of the exact transform."""
    power_law = PowerLaw(alpha=0.8, beta=0.3, v=5000, noise=0.1)
    scale, target = power_law.coordinates()
    spectrum = Spectrum(scale**2, target, noise=0.1)
    sgd, steps = SGD.stable(power_law, 0.7), STEPS[:6]
    one, other = (predict(problem, sgd, steps) for problem in (power_law, spectrum))
    np.testing.assert_allclose(other.excess, one.excess, rtol=1e-10)
    assert other.error < 1e-10


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_the_risk_does_not_depend_on_the_rule_for_the_sums(monkeypatch, alpha):
    """Twelve nodes per octave are few for the resolvent (test_sums), but not for the risk."""
    problem = PowerLaw(alpha=alpha, beta=0.3, v=1600, d=400)
    few = predict(problem, SGD(0.2), STEPS).excess
    monkeypatch.setattr(sums, "NODES", 24)
    sums._panels.cache_clear()
    many = predict(problem, SGD(0.2), STEPS).excess
    sums._panels.cache_clear()
    np.testing.assert_allclose(few, many, rtol=1e-9)


def test_mean_over_draws_differs_from_the_equivalent_by_one_over_d():
    """A claim about a rate, judged in standard errors.

    The scatter of single draws, of relative size d^(-1/2), is taken out by regression on the
    first two moments of K, whose means over W are known exactly: Isserlis' theorem for Tr K^2
    adds (t_2 + t_1^2)/d, and likewise between the targets.
    """
    steps, sizes, draws = np.array([2, 3, 4, 5, 8, 100, 1000, 10**4]), np.array([16, 40]), 200
    sgd = SGD.stable(PowerLaw(alpha=0.7, beta=0.3, v=64, d=16), 0.3)
    deviation, sem = [], []
    for d in map(int, sizes):
        problem = PowerLaw(alpha=0.7, beta=0.3, v=64, d=d)
        lam, risk = direct(problem)
        t1, t2, u1, u2 = lam.sum(), np.sum(lam**2), risk @ lam, risk @ lam**2
        means = [t1, t2 + (t2 + t1**2) / d, u1, u2 + (u2 + t1 * u1) / d]
        sample = [problem.draw(jax.random.key(seed)) for seed in range(draws)]
        moments = [
            [m.lam.sum(), m.lam @ m.lam, m.weight @ m.lam, m.weight @ m.lam**2]
            for m in (draw.modes for draw in sample)
        ]
        excess = np.array([expect(draw, sgd, steps).excess for draw in sample])
        relative = excess / predict(problem, sgd, steps).excess - 1
        regressors = np.column_stack([np.ones(draws), np.array(moments) - means])
        fit, *_ = np.linalg.lstsq(regressors, relative, rcond=None)
        deviation.append(fit[0])
        sem.append(np.std(relative - regressors @ fit, axis=0, ddof=5) / np.sqrt(draws))
    deviation, sem = np.array(deviation), np.array(sem)
    # Early on the deviation is seen, and its local exponent between the sizes is -1.
    lever = np.log(sizes[1] / sizes[0])
    exponent = np.log(deviation[0] / deviation[1])[:2] / lever
    error = np.sqrt(np.sum((sem / deviation) ** 2, 0))[:2] / lever
    assert (np.abs(exponent - 1) < 4 * error + 1 / 10).all()  # 1/10: the next order
    assert error.max() < 0.09  # power: an exponent of 1/2 could not hide
    # Later, at least, it is not larger than a few times 1/d.
    assert (np.abs(deviation) < 4 * sem + 2 / sizes[:, None]).all()
    assert sem.max() < 0.05


class TestTerms:
    """The four parts of the excess risk."""

    @pytest.fixture(
        params=[HARD, *(p for p, *_ in REFERENCE[1:5])], ids=lambda p: f"{p.alpha}-{p.beta}"
    )
    def curve(self, request):
        return predict(request.param, SGD.stable(request.param, 0.5), STEPS, terms=True)

    def test_they_add_up(self, curve):
        assert set(curve.terms) == {"capacity", "population", "distortion", "sgd_noise"}
        np.testing.assert_allclose(sum(curve.terms.values()), curve.excess, rtol=1e-12)

    def test_what_they_count_is_positive(self, curve):
        """All but the distortion, which is a difference: it can be negative, and dies out."""
        for name in ("capacity", "population", "sgd_noise"):
            assert (curve.terms[name] >= -1e-12 * curve.excess).all()
        assert abs(curve.terms["distortion"][-1]) < 1e-10 * curve.excess[-1]

    def test_each_is_a_plain_sum_at_the_start(self, curve):
        """Capacity and population at all times, distortion and noise after one step."""
        problem, gamma, B = curve.problem, curve.rule.gamma, curve.rule.B
        lam, risk = direct(problem)
        kappa = brentq(lambda k: np.sum(lam / (lam + k)) - problem.d, 0, 1, **EXACT)
        hidden = kappa / (lam + kappa)
        np.testing.assert_allclose(curve.terms["capacity"], risk @ hidden, rtol=1e-11)
        a = np.exp(STEPS[:, None] * np.log1p(-gamma * lam * (2 - gamma * (1 + 1 / B) * lam)))
        population = a @ (risk * (1 - hidden))
        np.testing.assert_allclose(curve.terms["population"], population, rtol=1e-11, atol=1e-14)
        c, mixing = gamma**2 * (1 + 1 / B), lam.sum() / problem.d
        distortion = (risk * hidden) @ (c * lam**2 - 2 * gamma * lam) + c * mixing * (risk @ lam)
        noise = gamma**2 / B * (np.sum(lam**2) + mixing * lam.sum()) * risk.sum()
        found = [curve.terms[name][1] for name in ("distortion", "sgd_noise")]
        np.testing.assert_allclose(found, [distortion, noise], rtol=1e-9)

    def test_at_the_start_there_is_neither_distortion_nor_noise(self, curve):
        for name in ("distortion", "sgd_noise"):
            assert abs(curve.terms[name][0]) < 1e-12 * curve.excess[0]

    def test_without_sampling_there_is_no_sgd_noise(self):
        curve = predict(HARD, SGD(0.3, B=10**14), STEPS, terms=True)
        assert np.abs(curve.terms["sgd_noise"] / curve.excess).max() < 1e-11

    def test_regression_has_population_and_noise_alone(self):
        problem = PowerLaw(alpha=1.0, beta=0.3, v=10**8)
        curve = predict(problem, SGD(0.3), STEPS, terms=True)
        assert (curve.terms["capacity"] == 0).all()
        assert (np.abs(curve.terms["distortion"]) <= 1e-12 * curve.excess).all()

    def test_they_are_left_out_unless_asked_for(self):
        assert predict(HARD, SGD(0.3), STEPS).terms is None


class TestSteps:
    def test_an_array_comes_back_step_for_step(self):
        for steps in (STEPS, list(STEPS), STEPS.astype(float), [7], 10**15 - STEPS[3::-1]):
            curve = predict(Spectrum([1.0], target=[1.0]), SGD(0.1), steps)
            np.testing.assert_array_equal(curve.step, steps)
            assert curve.step.dtype == np.int64
            assert curve.excess.shape == curve.step.shape
            assert curve.excess.dtype == np.float64

    def test_a_number_is_the_last_step(self):
        curve = predict(Spectrum([1.0], target=[1.0]), SGD(0.1), 10**15)
        np.testing.assert_array_equal(curve.step, log_steps(10**15))

    @pytest.mark.parametrize("last", [0, 1, 2, 3, 150, 199, 200, 201, 1000, 10**10, 10**15])
    def test_steps_up_to_a_number_are_log_spaced(self, last):
        step = log_steps(last)
        assert step[0] == 0 and step[-1] == last
        assert (np.diff(step) > 0).all()
        assert step.size <= 200 and (last < 1000 or step.size > 100)
        late = step[step > 100]
        if late.size > 2:  # up to rounding to whole steps
            ratio = late[1:] / late[:-1]
            assert ratio.max() / ratio.min() < 1 + 2 / 100

    def test_the_value_at_a_step_does_not_depend_on_the_others(self):
        together = predict(HARD, SGD(0.3), STEPS).excess
        apart = predict(HARD, SGD(0.3), [1, 99, 100, 101, 10**6, 10**6 + 1, 10**9, 10**10]).excess
        np.testing.assert_allclose(apart[[0, 2, 4, 7]], together[[1, 2, 4, 6]], rtol=1e-11)


class TestStability:
    """What happens at the threshold, and beyond."""

    @pytest.mark.parametrize(("B", "fraction"), [(1, 1.0), (32, 1.2), (8, 50.0)])
    def test_unstable_learning_rates_are_named(self, B, fraction):
        threshold = max_learning_rate(HARD, B)
        sgd = SGD(fraction * threshold, B)
        with pytest.raises(UnstableError) as caught:
            predict(HARD, sgd, STEPS)
        for fragment in (f"{sgd.gamma:.6g}", f"B = {B}", f"{threshold:.6g}", "`rule`"):
            assert fragment in str(caught.value)
        assert isinstance(caught.value, ValueError)

    def test_each_draw_has_its_own_threshold(self):
        draw = PowerLaw(alpha=0.7, beta=0.4, v=160, d=40).draw(jax.random.key(0))
        threshold = max_learning_rate(draw)
        expect(draw, SGD(threshold * (1 - 1e-9)), STEPS)
        with pytest.raises(UnstableError, match=f"{threshold:.6g}"):
            expect(draw, SGD(threshold * (1 + 1e-9)), STEPS)

    @pytest.mark.parametrize("noise", [0.0, 0.1])
    @pytest.mark.parametrize("fraction", [1.001, 1.5, 4.0])
    def test_growing_curves_are_the_plain_recursion(self, fraction, noise):
        steps = [0, 1, 2, 3, 10, 30, 100, 150]
        problem = PowerLaw(alpha=0.8, beta=0.3, v=40, noise=noise)
        sgd = SGD.stable(problem, fraction)
        curve = predict(problem, sgd, steps, allow_unstable=True)
        stepped = recursion(*direct(problem), 0.0, noise, sgd.gamma, 1, steps)
        np.testing.assert_allclose(curve.excess, stepped, rtol=1e-11)
        draw = PowerLaw(alpha=0.7, beta=0.4, v=160, d=40, noise=noise).draw(jax.random.key(0))
        sgd, modes = SGD.stable(draw, fraction), draw.modes
        stepped = recursion(modes.lam, modes.weight, modes.floor, noise, sgd.gamma, 1, steps)
        curve = expect(draw, sgd, steps, allow_unstable=True)
        np.testing.assert_allclose(curve.excess, stepped, rtol=1e-11)

    @pytest.mark.parametrize(
        ("fraction", "B"),
        [
            (0.9, 1),
            (1.1, 32),
            (2.0, 1),
            (5.0, 32),
            pytest.param(0.9, 32, marks=pytest.mark.slow),
            pytest.param(1.1, 1, marks=pytest.mark.slow),
            pytest.param(2.0, 32, marks=pytest.mark.slow),
            pytest.param(5.0, 1, marks=pytest.mark.slow),
        ],
    )
    def test_growing_curve_of_the_equivalent(self, fraction, B, x64):
        """Past the kernel's threshold and past the band edge, and below as a control.

        The recursion is polynomial in the eigenvalue, so any closed contour around the band
        gives its nodes. Here it is a circle, for which the trapezoidal rule converges fast.
        """
        problem, steps = replace(HARD, noise=0.1), np.array([0, 1, 2, 5, 10, 20, 30, 50])
        sgd = SGD.stable(problem, fraction, B)
        spectrum, edge = problem.spectrum(), float(band_edge(problem.spectrum(), 1 / 400))
        spoke = 0.52 * edge * np.exp(2j * np.pi * (np.arange(512) + 0.5) / 512)
        lam = edge / 2 + spoke
        target, trace = jit_transforms(lam, spectrum, 1 / 400)
        weight, multiplicity = -target * spoke / 512, -trace * spoke / 512 / lam
        nodes = Modes(lam=lam, weight=weight, multiplicity=multiplicity, floor=0.0, noise=0.1)
        stepped = stepping(steps, nodes, sgd)
        curve = predict(problem, sgd, steps, allow_unstable=True)
        np.testing.assert_allclose(curve.excess, stepped, rtol=1e-9)  # (0.5 / 0.52)^512

    def test_growing_curves_reach_infinity(self):
        excess = predict(HARD, SGD.stable(HARD, 2.0), [10, 1000, 10**4], allow_unstable=True).excess
        assert (np.diff(excess[:2]) > 0).all() and excess[2] == np.inf

    def test_growing_curves_end(self):
        with pytest.raises(ValueError, match=r"`steps` must end by 10000 .* is 10001"):
            predict(HARD, SGD(1.0), [0, 10_001], allow_unstable=True)
        with pytest.raises(ValueError, match="`terms` must be False, but for SGD of constant"):
            predict(HARD, SGD(1.0), [0, 10], allow_unstable=True, terms=True)

    def test_permission_changes_nothing_below_the_threshold(self):
        plain, allowed = (
            predict(HARD, SGD(0.3), STEPS, allow_unstable=allow) for allow in (False, True)
        )
        np.testing.assert_array_equal(plain.excess, allowed.excess)


class TestTransformations:
    """Under jax.grad and jax.vmap, with 64-bit types."""

    @pytest.mark.parametrize("kind", ["features", "regression"])
    def test_gradients_against_central_differences(self, kind, x64):
        """Of a random mean of the log risk over steps: no error could cancel in all of it."""
        weights = np.random.default_rng(0).normal(size=STEPS.size)

        def mean(x):
            alpha, beta, gamma = x
            if kind == "features":
                problem = PowerLaw(alpha=alpha, beta=beta, v=1600, d=400, noise=0.1)
            else:
                problem = PowerLaw(alpha=alpha, beta=beta, v=40, noise=0.1)
            return weights @ jnp.log(predict(problem, SGD(gamma, 2), STEPS).excess)

        at, h = np.array([0.8, 0.4, 0.3]), 1e-5  # the difference errs by h^2, and by eps / h
        gradient = jax.grad(mean)(at)
        for k, unit in enumerate(np.eye(3)):
            up, down = (mean(map(float, at + s * h * unit)) for s in (1, -1))
            assert float(gradient[k]) == pytest.approx(float(up - down) / (2 * h), rel=1e-6)

    def test_every_number_is_a_leaf(self, x64):
        """One vmap over both exponents, both sizes, noise, learning rate and batch size."""
        rows = np.array(
            [  # alpha, beta, v, d, noise, gamma, B
                (1.0, 0.3, 1600, 400, 0.0, 0.3, 1),
                (0.7, 1.2, 1e7, 1e5, 0.1, 0.1, 8),
                (0.4, 0.4, 3200, 800, 0.0, 0.02, 3),
                (1.0, 0.3, 1600, 400, 0.0, 0.7, 1),  # unstable: no number
            ]
        )

        def excess(alpha, beta, v, d, noise, gamma, B):
            problem = PowerLaw(alpha=alpha, beta=beta, v=v, d=d, noise=noise)
            return predict(problem, SGD(gamma, B), STEPS).excess

        together = jax.vmap(excess)(*rows.T)
        one_by_one = [excess(*map(float, row)) for row in rows[:3]]
        np.testing.assert_allclose(together[:3], one_by_one, rtol=1e-11)
        assert np.isnan(together[3]).all()

    @pytest.mark.parametrize("transform", [jax.grad, jax.vmap, jax.jit])
    def test_in_32_bits_they_are_refused(self, transform):
        def last(alpha):
            problem = PowerLaw(alpha=alpha, beta=0.3, v=1600, d=400)
            return predict(problem, SGD(0.3), STEPS).excess[-1]

        argument = jnp.array([0.8, 1.0]) if transform is jax.vmap else 0.8
        with pytest.raises(ValueError, match=r"64-bit.*jax.enable_x64"):
            transform(last)(argument)


class TestTheCallersSettings:
    """64-bit types and the CPU are used locally, and programs are compiled once."""

    def test_numbers_do_not_depend_on_the_callers_precision(self):
        draw = PowerLaw(alpha=0.7, beta=0.4, v=160, d=40).draw(jax.random.key(0))

        def everything():
            return [
                predict(HARD, SGD(0.3), STEPS, terms=True).terms["distortion"],
                expect(draw, SGD(0.3), STEPS).excess,
                predict(PowerLaw(alpha=0.8, beta=0.3, v=40), SGD(0.3), STEPS).excess,
                max_learning_rate(HARD),
            ]

        in_32 = everything()
        with jax.enable_x64(True):
            in_64 = everything()
        for one, other in zip(in_32, in_64, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_arrays_of_the_caller_stay_as_they_are(self):
        """The call is over: what is made next has 32 bits again, on the default device."""
        before = jnp.arange(2.0)
        predict(HARD, SGD(0.3), STEPS)
        after = jnp.arange(2.0)
        assert after.dtype == before.dtype == np.float32
        assert after.devices() == before.devices()
        assert jax.config.jax_default_device is None

    def test_other_numbers_compile_nothing(self, caplog):
        spectrum = np.geomspace(1, 1e-3, 40)

        def everything(alpha, beta, v, d, noise, gamma, B, steps, key):
            features = PowerLaw(alpha=alpha, beta=beta, v=v, d=d, noise=noise)
            regression = Spectrum(spectrum**alpha, spectrum, noise=noise)
            draw = PowerLaw(alpha=alpha, beta=beta, v=160, d=40).draw(jax.random.key(key))
            predict(features, SGD(gamma, B), steps, terms=True)
            predict(regression, SGD(gamma, B), steps)
            expect(draw, SGD(gamma, B), steps)
            max_learning_rate(features, B)

        everything(1.0, 0.3, 1600, 400, 0.0, 0.2, 1, STEPS, 0)
        size = one_pass._inverted._cache_size()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            everything(0.8, 0.7, 12345, 999, 0.1, 0.1, 16, STEPS // 2 + np.arange(8), 1)
        assert one_pass._inverted._cache_size() == size
        assert not [r.getMessage() for r in caplog.records if "ompil" in r.getMessage()]
        for steps in (STEPS[:5], STEPS[1:], np.arange(6)):  # few lengths, by padding
            everything(0.8, 0.7, 12345, 999, 0.1, 0.1, 16, steps, 1)
        assert one_pass._inverted._cache_size() == size
