"""Quadrature nodes as modes: the sum rules, and the recursion on them against the inversion."""

import jax
import numpy as np
import pytest

from solvable import DANA, SGD, Averaged, Modes, Momentum, PowerLaw, predict
from solvable.dynamics import contour, contour_modes
from solvable.dynamics.recursion import rate, stepping
from solvable.models.thresholds import band_edge, max_learning_rate
from solvable.schedules import Cosine, Geometric, Linear
from solvable.spectra.resolvent import transforms

HORIZON = 20_000
STEPS = np.array([1, 2, 10, 31, 33, 300, 4000, HORIZON])  # the inversion changes method at 32

CASES = {
    "kernel": (PowerLaw(alpha=0.7, beta=1.2, v=1600, d=400, noise=0.1), 0.99, 1),
    "band edge": (PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400), 0.99, 32),
    "huge": (PowerLaw(alpha=0.4, beta=0.4, v=4 * 10**8, d=10**8), 0.7, 8),
}
"""Close to either threshold, and beyond memory. Hard and easy targets, slow spectrum, noise."""


@pytest.fixture(scope="module")
def all_nodes():
    sgds = {name: SGD.stable(problem, f, B) for name, (problem, f, B) in CASES.items()}
    return {
        name: (problem, sgds[name], contour_modes(problem, sgds[name], HORIZON))
        for name, (problem, _, _) in CASES.items()
    }


@pytest.fixture(params=CASES)
def case(request, all_nodes):
    return all_nodes[request.param]


def test_nodes_carry_the_moments(case):
    """Mass and first moment of the target and of the trace, from power sums over j."""
    problem, _, nodes = case
    spectrum = problem.spectrum()
    risk, lam, n = spectrum.weight, spectrum.lam, spectrum.multiplicity
    trace = n @ lam
    kernel = nodes.multiplicity * nodes.lam
    sums = [nodes.weight.sum(), nodes.weight @ nodes.lam, kernel.sum(), kernel @ nodes.lam]
    exact = [risk.sum(), risk @ lam, trace, n @ lam**2 + trace**2 / problem.d]
    np.testing.assert_allclose(np.real(sums), exact, rtol=1e-9)  # contour.TOLERANCE


def test_the_recursion_on_nodes_is_the_inverted_transform(case, x64):
    problem, sgd, nodes = case
    stepped = stepping(STEPS, nodes, sgd)
    inverted = predict(problem, sgd, STEPS).excess
    # Close to the threshold both are differences of terms 1/(1 - fraction) larger.
    np.testing.assert_allclose(stepped, inverted, rtol=3e-9)


def test_no_node_grows_by_the_horizon(case):
    """Complex nodes leave the stable interval; those on the small arc gain a factor e at most."""
    _, sgd, nodes = case
    a = np.abs(1 - rate(nodes.lam, sgd.gamma, sgd.B))
    assert HORIZON * np.log(a.max()) < 1.01


def test_nodes_surround_the_spectrum_from_above(case):
    _, _, nodes = case
    assert (nodes.lam.imag > 0).all()
    assert nodes.lam.dtype == nodes.weight.dtype == nodes.multiplicity.dtype == np.complex128


def test_the_number_of_nodes_does_not_depend_on_d(all_nodes):
    """d = 400 and 10^8 features."""
    _, _, few = all_nodes["kernel"]
    _, _, many = all_nodes["huge"]
    assert many.lam.size < 2 * few.lam.size < 1200


def test_sum_rules_see_a_lost_panel(all_nodes):
    problem, _, nodes = all_nodes["kernel"]
    spectrum = problem.spectrum()
    assert contour.sum_rules(nodes, spectrum, problem.inverse_d).max() < contour.TOLERANCE
    kept = jax.tree.map(lambda x: x[12:] if np.ndim(x) else x, nodes)
    assert contour.sum_rules(kept, spectrum, problem.inverse_d).min() > 1e-4


def test_a_rule_that_is_never_good_enough_raises(monkeypatch, all_nodes):
    problem, sgd, _ = all_nodes["kernel"]
    original = contour.path

    def coarse(top, band, eps, refine, height):  # one point per panel, and no refinement
        z, dz = original(top, band, eps, 1, height)
        return z.reshape(-1, 12)[:, 6], dz.reshape(-1, 12).sum(1)

    monkeypatch.setattr(contour, "path", coarse)
    with pytest.raises(ArithmeticError, match=r"accurate to .* only \(required: 1e-09\)"):
        contour_modes(problem, sgd, HORIZON)


def test_horizons_past_the_slowest_mode():
    """There the kernel is exponentially small, and its relative error means nothing."""
    problem = PowerLaw(alpha=0.45, beta=0.4, v=1600, d=200)
    contour_modes(problem, SGD.stable(problem, 0.5), 10**6)


@pytest.mark.parametrize("refine", [1, 2])
def test_the_path_closes(refine):
    """From the positive to the negative real axis: dz sums up, and 1/z winds half around."""
    z, dz = contour.path(top=1.5, band=1.4, eps=1e-5, refine=refine)
    assert (z.imag > 0).all()
    end = (dz.sum() + 1.5).real  # the small arc's, of about the radius asked for
    assert -1e-5 < end < -1e-6
    np.testing.assert_allclose(dz.sum().imag, 0, atol=1e-13)
    np.testing.assert_allclose((dz / z).sum(), np.log(-end / 1.5) + 1j * np.pi, rtol=1e-8)


# Rules with memory ring at complex eigenvalues, and schedules change what a node does

FEATURES = PowerLaw(alpha=0.7, beta=0.4, v=1600, d=400, noise=0.1)
EARLY = np.array([0, 1, 2, 5, 10, 20, 30, 50])

MEMORY = {
    "heavy ball": lambda p: Momentum(0.05 * max_learning_rate(p), 0.9),
    "heavier ball": lambda p: Momentum(0.01 * max_learning_rate(p), 0.98),
    "in batches": lambda p: Momentum(0.01 * max_learning_rate(p), 0.98, 32),
    "DANA-constant": lambda p: DANA.for_problem(p, "constant"),
    "DANA-decaying": lambda p: DANA.for_problem(p, "decaying"),
    "average": lambda p: Averaged(Momentum(0.05 * max_learning_rate(p), 0.9), ema=0.9),
    "schedule": lambda p: SGD(Cosine(0.5 * max_learning_rate(p), HORIZON)),
}
# Each has its own contour, and so its own programs: of two alike one is in the slow set.
ALIKE = ("heavier ball", "DANA-constant")
every_memory = pytest.mark.parametrize(
    "rule",
    [
        pytest.param(rule, id=name, marks=[pytest.mark.slow] * (name in ALIKE))
        for name, rule in MEMORY.items()
    ],
)


@pytest.fixture(scope="module")
def circle():
    """Nodes on a circle around the band: good for any rule, while none of them grows much."""
    with jax.enable_x64(True):
        spectrum, inverse_d = FEATURES.spectrum(), FEATURES.inverse_d
        edge = float(band_edge(spectrum, inverse_d))
        spoke = 0.52 * edge * np.exp(2j * np.pi * (np.arange(512) + 0.5) / 512)
        lam = edge / 2 + spoke
        target, trace = map(np.asarray, jax.jit(transforms)(lam, spectrum, inverse_d))
    weight, multiplicity = -target * spoke / 512, -trace * spoke / 512 / lam
    return Modes(lam=lam, weight=weight, multiplicity=multiplicity, floor=0.0, noise=0.1)


@every_memory
def test_any_rule_on_a_circle_around_the_band(circle, rule, x64):
    """The nodes for 50 steps, and those for 20 000, which stay closer to the band."""
    rule = rule(FEATURES)
    around = np.asarray(stepping(EARLY, circle, rule))  # good to (0.5 / 0.52)^512 = 2e-9
    found = predict(FEATURES, rule, EARLY)
    np.testing.assert_allclose(found.excess, around, rtol=2e-9)
    assert found.error <= 1e-9
    lasting = stepping(EARLY, contour_modes(FEATURES, rule, HORIZON), rule)
    np.testing.assert_allclose(lasting, around, rtol=2e-9)


@every_memory
def test_no_node_grows_past_the_limit_and_their_number_stays(rule):
    """By the eigenvalues of some steps, as the contour sees it; and the mean, step by step.

    A rule that changes is looked at 24 times, so in between it may exceed the limit a little.
    """
    sizes = []
    for d in (400, 10**8):
        problem = PowerLaw(alpha=0.7, beta=0.4, v=4 * d, d=d)
        found = rule(problem)
        nodes = contour_modes(problem, found, 1000)
        watched = contour.Watched(found, 1000)
        assert watched.growth(nodes.lam).max() <= contour.GROWTH + 0.1
        sizes.append(nodes.lam.size)
        moved = np.ones((nodes.lam.size, 1)) * np.array(found.base.start) + 0j
        with jax.enable_x64(True):
            A, b = map(np.asarray, found.base.coefficients(np.arange(1000)))
        largest, A = 1.0, np.broadcast_to(A, (1000, *A.shape[1:]))
        for t, row in enumerate(np.broadcast_to(b, (1000, b.shape[1]))):
            moved = moved @ A[t].T + row * (nodes.lam * moved[:, 0])[:, None]
            largest = max(largest, np.abs(moved[:, 0]).max())
        assert largest < np.e**2
    assert max(sizes) < 2.1 * min(sizes) and max(sizes) <= 1536


@pytest.mark.parametrize(
    ("a", "b", "d", "T", "noise", "steps", "excess"),
    [
        (1.5, 1.5, 100, 1000, 1.0, 100 * 9, 5.720679162e-01),
        (1.5, 1.5, 100, 10**4, 1.0, 752 * 13, 3.550452477e-01),
        (1.5, 2.0, 100, 3000, 0.25, 259 * 11, 5.523137073e-01),
        (2.5, 1.5, 100, 3000, 0.25, 259 * 11, 2.582946957e-02),
        (1.5, 1.5, 300, 10**6, 1.0, 50171 * 19, 1.346870684e-01),
    ],
)
def test_reference_values_of_sketched_regression(a, b, d, T, noise, steps, excess):
    """Lin et al. (2024), arXiv 2406.08466, spectrum j^-b and task j^-a, of an independent contour.

    It was confirmed within 1.3 standard errors, of 0.2 to 0.6 per cent, by draws of the sketch.
    """
    problem = PowerLaw(alpha=b / 2, beta=(a - b) / 2, v=1500, d=d, noise=noise)
    found = predict(problem, SGD(Geometric(0.1, T)), [steps]).excess[0]
    assert found == pytest.approx(excess, rel=1e-8)


@pytest.mark.parametrize(
    ("tail", "momentum"),
    [
        ("past the horizon", None),
        ("past the horizon", 0.9),
        ("zeros", None),
        pytest.param("zeros", 0.9, marks=pytest.mark.slow),
        pytest.param("first zero", None, marks=pytest.mark.slow),
        ("first zero", 0.9),
    ],
)
def test_rates_may_be_zero(tail, momentum):
    """A step that does nothing: also past the end of a schedule that goes down to zero."""
    gamma = {
        "past the horizon": Linear(0.05, 50),
        "zeros": np.append(np.asarray(Linear(0.05, 50)(np.arange(50))), np.zeros(50)),
        "first zero": np.append(0.0, np.full(99, 0.05)),
    }[tail]
    rule = SGD(gamma) if momentum is None else Momentum(gamma, momentum)
    excess = predict(FEATURES, rule, [0, 1, 50, 75, 100]).excess
    if momentum is None and tail != "first zero":
        np.testing.assert_allclose(excess[3:], excess[2], rtol=1e-13)
    assert (excess[0] == excess[1]) == (tail == "first zero")
