"""Quadrature nodes as modes: the sum rules, and the recursion on them against the inversion."""

import jax
import numpy as np
import pytest

from solvable import SGD, PowerLaw, contour, contour_modes, predict
from solvable.recursion import rate, stepping

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
