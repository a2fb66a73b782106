"""Nonlinear features: their kernels, and what is learned with them against simulation."""

import itertools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from solvable import (
    GradientFlow,
    KernelFeatures,
    NonlinearFeatures,
    PowerLaw,
    Ridge,
    Spectrum,
    load,
    predict,
    simulate,
)
from solvable.design import optimal_ridge
from solvable.models import effective_dimension
from solvable.models.activations import coefficients, named, parities
from solvable.spectra import degrees_of_freedom, effective_ridge

P = 40
STEEP, ONES = np.arange(1.0, P + 1) ** -2, np.ones(P)
FLAT = np.arange(1.0, 401) ** -0.4


def ridge(problem, n, ridges):
    return predict(problem, Ridge(), ridges, n=n)


def nonlinear(key, activation, lam_in, target, *, d, n, ridge=0.0, seeds=1, **more):
    problem = NonlinearFeatures(activation=activation, lam_in=lam_in, target=target, d=d, **more)
    return simulate(key, problem, Ridge(), ridge, seeds, n=n)


def tanh2(h):
    return jnp.tanh(2 * h)


@pytest.fixture(scope="module")
def measured():
    """The kernels of two activations on steep inputs, by name."""
    key = jax.random.key(0)
    make = lambda name, points: KernelFeatures.measured(name, STEEP, ONES, key=key, points=points)
    return {"relu": make("relu", 2048), "erf": make("erf", 1024)}


def by_angles(act, x, other, kinks, order=400):
    """E act(<u, x>) act(<u, other>) in polar coordinates of the plane of x and other.

    ``act`` is homogeneous of degree one, or smooth; the radius has weight r exp(-r^2/2).
    """
    s, t = np.linalg.norm(x), np.linalg.norm(other)
    angle = np.arccos(x @ other / (s * t))
    edges = np.sort(np.unique(np.concatenate([[-np.pi, np.pi], kinks(angle)])))
    nodes, weights = np.polynomial.legendre.leggauss(order)
    r = 20 * (nodes + 1)
    wr = 20 * weights * r * np.exp(-(r**2) / 2)
    total = 0.0
    for a, b in itertools.pairwise(edges):
        phi, w = a + (b - a) * (nodes + 1) / 2, weights * (b - a) / 2
        one = act(s * r * np.cos(phi)[:, None])
        two = act(t * r * np.cos(phi - angle)[:, None])
        total += w @ (one * two) @ wr
    return total / (2 * np.pi)


def wrap(angles):
    return (np.asarray(angles) + np.pi) % (2 * np.pi) - np.pi


class TestKernels:
    @pytest.mark.parametrize("pair", range(3))
    def test_closed_forms_are_integrals(self, pair, x64):
        x, y = np.random.default_rng(pair).normal(size=(2, 5)) * (0.3, 1.0, 2.0)[pair]
        kinks = lambda a: wrap([np.pi / 2, -np.pi / 2, a + np.pi / 2, a - np.pi / 2])
        for name, act in (("relu", lambda h: np.maximum(h, 0)), ("erf", special.erf)):
            closed = named(name).kernel(x @ y, x @ x, y @ y)
            assert float(closed) == pytest.approx(by_angles(act, x, y, kinks), rel=1e-10), name

    def test_the_series_is_the_closed_form(self, x64):
        x = np.random.default_rng(0).normal(size=(6, 50)) * 0.2
        erf = named("erf")
        for a, b in zip(parities(erf, x), parities(erf._replace(kernel=None), x), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-10)
        # ReLU's coefficients fall as n^-5/4: the rest of the trace is small, and is told.
        relu = named("relu")
        even, odd, _ = parities(relu, x)
        found = parities(relu._replace(kernel=None), x)
        rest = np.diag(even - found[0])
        assert rest.mean() == pytest.approx(found[2], rel=1e-9)
        assert 0 < found[2] < 1e-3 * np.diag(even).mean()
        off = ~np.eye(6, dtype=bool)
        np.testing.assert_allclose(even[off], found[0][off], atol=1e-10)
        np.testing.assert_allclose(odd, x @ x.T / 4, atol=1e-14)

    def test_coefficients(self, x64):
        """relu: 1/sqrt(2 pi), 1/2, ... times s; erf: 2 s / sqrt(pi (1 + 2 s^2)) at degree one."""
        s = np.array([0.3, 1.0, 4.0])
        a, power = coefficients(named("relu"), s)
        np.testing.assert_allclose(
            a[:, :3], s[:, None] / [(2 * np.pi) ** 0.5, 2, (4 * np.pi) ** 0.5]
        )
        np.testing.assert_allclose(power, s**2 / 2)
        a, _ = coefficients(named("erf"), s)
        np.testing.assert_allclose(a[:, 1], 2 * s / np.sqrt(np.pi * (1 + 2 * s**2)))


class TestSpectra:
    def test_identity_is_linear_features(self):
        """Neither measured nor approximate: the odd part of the activation is a line."""
        linear = PowerLaw(alpha=1.0, beta=0.0, v=P, d=20, noise=0.1)
        kernel = KernelFeatures.measured(
            "identity", STEEP, ONES, key=jax.random.key(0), d=20, points=256, noise=0.1
        )
        assert (kernel.nugget, kernel.floor) == (0.0, 0.0)
        both = [predict(p, Ridge(), [0.0, 0.1], n=30) for p in (linear, kernel)]
        np.testing.assert_allclose(both[1].excess, both[0].excess, rtol=1e-9)
        np.testing.assert_allclose(both[1].train, both[0].train, rtol=1e-9)
        flat = KernelFeatures.hermite("identity", FLAT, np.ones(400), d=20)
        direct = KernelFeatures(eigenvalues=FLAT, target=np.ones(400), d=20)
        np.testing.assert_allclose(
            ridge(flat, 30, 0.1).excess, ridge(direct, 30, 0.1).excess, rtol=1e-12
        )
        assert flat.nugget == 0.0

    def test_relu_has_the_input_in_its_spectrum(self, measured):
        for lam in STEEP / 4:
            assert np.abs(measured["relu"].eigenvalues / lam - 1).min() < 1e-12

    @pytest.mark.parametrize("name", ["relu", "erf"])
    def test_no_trace_and_no_power_is_lost(self, measured, name):
        modes = measured[name].spectrum()
        trace = {"relu": STEEP.sum() / 2}.get(name)
        if trace is None:
            x = np.random.default_rng(0).normal(size=(200_000, P)) * np.sqrt(STEEP)
            square = np.sum(x**2, axis=1)
            trace = float(np.mean(2 / np.pi * np.arcsin(2 * square / (1 + 2 * square))))
        assert modes.trace == pytest.approx(trace, rel=0.01)
        assert modes.weight.sum() + modes.floor == pytest.approx(STEEP.sum(), rel=1e-9)

    def test_an_even_activation_sees_nothing(self):
        kernel = KernelFeatures.measured(jnp.abs, STEEP, ONES, key=jax.random.key(0), points=256)
        assert kernel.floor == pytest.approx(STEEP.sum(), rel=1e-12)
        excess = ridge(replace(kernel, d=30), 50, 0.1).excess
        assert excess >= STEEP.sum() * (1 - 1e-12)


SPECTRUM = dict(eigenvalues=np.arange(1.0, 31) ** -1.5, target=np.ones(30))


class TestNugget:
    def test_it_is_a_ridge(self):
        """df1 gains s / kappa, df2 nothing."""
        lam, s, d = SPECTRUM["eigenvalues"], 0.3, 25
        problem = KernelFeatures(**SPECTRUM, d=d, nugget=s)
        kappa = float(effective_ridge(problem, 0.01))
        df1 = (lam / (lam + kappa)).sum() + s / kappa
        assert kappa * (1 - df1 / d) == pytest.approx(0.01, rel=1e-12)
        assert float(degrees_of_freedom(problem, 0.01)) == pytest.approx(df1, rel=1e-12)
        df2 = ((lam / (lam + kappa)) ** 2).sum()
        assert float(degrees_of_freedom(problem, 0.01, order=2)) == pytest.approx(df2, rel=1e-12)

    def test_with_infinitely_many_features_it_is_ridge_over_n(self):
        """With kernel K + s 1 the ridge is s / n, to the order where the test point has none."""
        plain = KernelFeatures(**SPECTRUM)
        with_nugget = replace(plain, nugget=0.3)
        both = ridge(plain, 40, 0.3 / 40), ridge(with_nugget, 40, 0.0)
        np.testing.assert_allclose(both[1].excess, both[0].excess, rtol=1e-9)

    def test_what_is_never_learned_is_noise(self):
        plain = KernelFeatures(**SPECTRUM, d=25)
        floor, noise = replace(plain, floor=0.2), replace(plain, noise=0.2)
        one, two = (ridge(p, 40, [0.0, 0.1]) for p in (floor, noise))
        np.testing.assert_allclose(one.risk, two.risk, rtol=1e-9)
        np.testing.assert_allclose(one.train, two.train, rtol=1e-9)


class TestAsAProblem:
    KERNEL = KernelFeatures(
        eigenvalues=np.arange(1.0, 31) ** -1.5, target=np.ones(30), d=25, nugget=0.1, noise=0.2
    )

    def test_without_nugget_it_is_the_power_law(self):
        linear = PowerLaw(alpha=0.75, beta=0.0, v=30, d=25, noise=0.2)
        kernel = replace(self.KERNEL, nugget=0.0)
        one, two = (predict(p, GradientFlow(), [1.0, 1e4], n=40) for p in (linear, kernel))
        np.testing.assert_allclose(two.excess, one.excess, rtol=1e-8)
        np.testing.assert_allclose(two.train, one.train, rtol=1e-8)
        one, two = (optimal_ridge(p, 40) for p in (linear, kernel))
        assert two.ridge == pytest.approx(one.ridge, rel=1e-3)
        assert two.excess == pytest.approx(one.excess, rel=1e-9)
        regression = Spectrum(kernel.eigenvalues, kernel.target, noise=0.2)
        infinite = replace(kernel, d=None)
        one, two = (ridge(p, 40, 0.1) for p in (regression, infinite))
        np.testing.assert_allclose(two.excess, one.excess, rtol=1e-9)

    def test_flow_ends_at_ridge_zero(self):
        curve = predict(self.KERNEL, GradientFlow(), [1e9], n=40)
        static = ridge(self.KERNEL, 40, 0.0)
        assert curve.risk[0] == pytest.approx(static.risk[0], rel=1e-6)

    def test_saved_and_loaded(self, tmp_path):
        risk = ridge(self.KERNEL, 40, [0.1, 1.0])
        risk.save(tmp_path / "risk.nc")
        found = load(tmp_path / "risk.nc")
        np.testing.assert_array_equal(found.excess, risk.excess)
        np.testing.assert_array_equal(found.problem.eigenvalues, self.KERNEL.eigenvalues)
        assert repr(found.problem) == repr(self.KERNEL)
        infinite = ridge(replace(self.KERNEL, d=None), 40, 0.1)
        infinite.save(tmp_path / "infinite.nc")
        assert load(tmp_path / "infinite.nc").problem.d is None

    def test_derivatives(self):
        with jax.enable_x64(True):
            at = lambda s: ridge(replace(self.KERNEL, nugget=s), 40, 0.1).excess[0]
            slope = jax.grad(at)(0.1)
            assert float(slope) == pytest.approx(float(at(0.1001) - at(0.0999)) / 2e-4, rel=1e-4)
            assert jax.vmap(at)(jnp.array([0.1, 0.2])).shape == (2,)


@pytest.mark.slow
class TestAgainstSimulation:
    """Theory in standard errors of the simulation, which are one to three per cent of it."""

    @staticmethod
    def z(theory, runs, power=0.03):
        assert (runs.standard_error < power * runs.mean).all(), "no power"
        return (theory.excess - runs.mean) / runs.standard_error

    def test_a_linear_simulation_is_that_of_linear_features(self):
        theory = ridge(PowerLaw(alpha=1.0, beta=0.0, v=P, d=30, noise=0.1), 60, [1e-3, 0.1])
        sizes = dict(d=30, n=60, ridge=[1e-3, 0.1], noise=0.1, seeds=150)
        runs = nonlinear(jax.random.key(1), "identity", STEEP, ONES, **sizes)
        assert np.abs(self.z(theory, runs, 0.05)).max() < 4

    def test_exact_excess_is_the_mean_over_fresh_inputs(self):
        sizes = dict(d=30, n=60, ridge=[1e-3, 0.1], seeds=10, points=8000)
        for name, same in [("relu", lambda h: jnp.maximum(h, 0)), ("erf", jax.lax.erf)]:
            exact = nonlinear(jax.random.key(1), name, STEEP, ONES, **sizes)
            sampled = nonlinear(jax.random.key(1), same, STEEP, ONES, **sizes)
            assert (exact.points, sampled.points) == (None, 8000)
            np.testing.assert_allclose(sampled.train, exact.train, rtol=1e-9)
            off = sampled.excess / exact.excess - 1
            assert (np.abs(off.mean(0)) < 5 * off.std(0) / np.sqrt(10)).all()
            assert off.std() < 0.1

    def test_batches_change_nothing(self, monkeypatch):
        """Three of five seeds at a time, and one of the second batch run twice."""
        sizes = dict(d=10, n=20, ridge=[1e-3, 0.1], seeds=5)
        whole = nonlinear(jax.random.key(1), "relu", STEEP, ONES, **sizes)
        entries = P * 10 + 30 * (P + 10)
        monkeypatch.setattr("solvable.simulation.nonlinear._BATCH", 3 * 32 * entries)
        found = nonlinear(jax.random.key(1), "relu", STEEP, ONES, **sizes)
        np.testing.assert_allclose(found.excess, whole.excess, rtol=1e-10)
        np.testing.assert_allclose(found.train, whole.train, rtol=1e-10)

    @pytest.mark.parametrize("d, n, ridge", [(50, 200, 0.0), (200, 50, 1e-3), (100, 120, 1e-2)])
    def test_relu_on_steep_inputs(self, measured, d, n, ridge):
        theory = predict(replace(measured["relu"], d=d), Ridge(), ridge, n=n)
        runs = nonlinear(jax.random.key(2), "relu", STEEP, ONES, d=d, n=n, ridge=ridge, seeds=60)
        assert np.abs(self.z(theory, runs)).max() < 4
        train = (theory.train - runs.train_mean) / runs.train_standard_error
        assert np.abs(train).max() < 4

    @pytest.mark.parametrize("activation", ["relu", tanh2], ids=["relu", "tanh(2 h)"])
    def test_hermite_rule_on_flat_inputs(self, activation):
        """Of 60 effective dimensions; ReLU has a constant mode as well as a nugget."""
        lam_in, w = np.arange(1.0, 101) ** -0.6, np.ones(100)
        rule = KernelFeatures.hermite(activation, lam_in, w, d=80)
        assert (rule.eigenvalues.size, rule.nugget > 0) == (100 + (activation == "relu"), True)
        ridge = float(rule.spectrum().trace) / 1200
        runs = nonlinear(
            jax.random.key(3), activation, lam_in, w, d=80, n=120, ridge=ridge, seeds=60
        )
        theory = predict(rule, Ridge(), ridge, n=120)
        # The rule is off by one or two per cent at this dimension: two more standard errors.
        assert np.abs(self.z(theory, runs)).max() < 5
        measured = KernelFeatures.measured(
            activation, lam_in, w, d=80, key=jax.random.key(4), points=1024
        )
        assert np.abs(predict(measured, Ridge(), ridge, n=120).excess / theory.excess - 1) < 0.05

    def test_hermite_rule_fails_on_steep_inputs(self, measured):
        """So it is refused there, though not the spectrum itself."""
        rule = KernelFeatures.hermite("relu", STEEP, ONES, d=100, least_dimension=1.0)
        right, wrong = (
            ridge(p, 120, 1e-2).excess[0] for p in (replace(measured["relu"], d=100), rule)
        )
        assert wrong > 1.1 * right


class TestRefused:
    KEY = jax.random.key(0)

    def test_hermite_rule_at_low_effective_dimension(self):
        assert effective_dimension(STEEP) == pytest.approx(2.4255, rel=1e-3)
        with pytest.raises(ValueError, match=r"effective dimension of at least 30.*measured"):
            KernelFeatures.hermite("relu", STEEP, ONES)

    @pytest.mark.parametrize("rule", ["hermite", "measured"])
    def test_no_second_moment(self, rule):
        flat, more = np.ones(40), {} if rule == "hermite" else dict(key=self.KEY, points=256)
        with pytest.raises(ValueError, match="finite second moment"):
            getattr(KernelFeatures, rule)(lambda h: jnp.exp(h**2), flat, ONES, **more)

    def test_no_linear_part(self):
        with pytest.raises(ValueError, match=r"linear part.*even"):
            KernelFeatures.hermite(jnp.cos, np.ones(40), ONES)

    @pytest.mark.parametrize(
        "changes, match",
        [
            (dict(eigenvalues=[1.0, 0.0]), r"eigenvalues\[1\]"),
            (dict(eigenvalues=[1.0, np.nan]), r"eigenvalues\[1\]"),
            (dict(eigenvalues=[]), "eigenvalues"),
            (dict(target=[1.0]), "`target` must have as many entries as `eigenvalues`"),
            (dict(target=[1.0, np.inf]), r"target\[1\]"),
            (dict(d=0), "`d` must be at least 1"),
            (dict(d=2.5), "`d` must be a whole number"),
            (dict(nugget=-1.0), "`nugget` must be at least 0"),
            (dict(floor=-1.0), "`floor` must be at least 0"),
            (dict(noise=np.inf), "`noise` must be a finite number"),
        ],
    )
    def test_spectra(self, changes, match):
        with pytest.raises(ValueError, match=match):
            KernelFeatures(**(dict(eigenvalues=[1.0, 0.5], target=[1.0, 1.0]) | changes))

    @pytest.mark.parametrize(
        "changes, error, match",
        [
            (dict(activation="banana"), ValueError, "one of relu, erf"),
            (dict(activation=3), TypeError, "a function or a name"),
            (dict(activation=jnp.sum), TypeError, "entry by entry"),
            (dict(activation=lambda h: h.banana), TypeError, "function of jax.numpy"),
            (dict(lam_in=-ONES), ValueError, r"lam_in\[0\]"),
            (dict(target=np.ones(3)), ValueError, "`target` must have as many"),
        ],
    )
    def test_laws(self, changes, error, match):
        law = dict(activation="relu", lam_in=np.ones(40), target=ONES) | changes
        law = tuple(law.values())
        with pytest.raises(error, match=match):
            KernelFeatures.hermite(*law)
        with pytest.raises(error, match=match):
            KernelFeatures.measured(*law, key=self.KEY)
        with pytest.raises(error, match=match):
            nonlinear(self.KEY, *law, d=3, n=4)

    @pytest.mark.parametrize(
        "changes, match",
        [
            (dict(d=0), "`d` must be at least 1"),
            (dict(n=1.5), "`n` must be a whole number"),
            (dict(seeds=0), "`seeds` must be at least 1"),
            (dict(ridge=-1.0), "`steps"),
            (dict(noise=-1.0), "`noise` must be at least 0"),
            (dict(d=10**9), "entries"),
        ],
    )
    def test_simulations(self, changes, match):
        with pytest.raises(ValueError, match=match):
            nonlinear(self.KEY, "relu", STEEP, ONES, **(dict(d=3, n=4) | changes))

    def test_too_few_points(self):
        with pytest.raises(ValueError, match="`points` must be at least 160"):
            KernelFeatures.measured("relu", STEEP, ONES, key=self.KEY, points=100)


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "within"), [("relu", 0.01), ("erf", 0.03)])
def test_two_keys_tell_the_statistical_error(activation, within):
    """As documented: of 4096 points, for variances k^-2, k up to 40."""
    lam_in = np.arange(1.0, 41) ** -2
    one, two = (
        KernelFeatures.measured(activation, lam_in, np.ones(40), key=jax.random.key(k), points=4096)
        for k in (1, 2)
    )
    for d, n, at in ((50, 200, 0.0), (100, 120, 0.01), (200, 100, 0.01)):
        first, second = (ridge(replace(x, d=d), n, at).excess[0] for x in (one, two))
        assert 0 < abs(first / second - 1) < within
