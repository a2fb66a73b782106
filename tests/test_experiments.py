"""Every experiment runs, writes its three files, and finds at a small size what it claims."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from experiments import _experiment

FOLDER = Path(_experiment.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


def phase_diagram(data) -> None:
    deviation = np.abs(data["measured"][0] - data["predicted"][0])
    inside = data["boundary_distance"] > 0.1
    for name in ("Ia", "II", "III"):
        points = (data["name"] == name) & inside
        assert points.any(), name
        assert deviation[-1][points].max() < 0.002, name
        assert (deviation[-1] < deviation[0])[points].all(), "compute does not help"
    outside = data["name"] == "no power law"
    assert (np.isnan(data["measured"][:, 0]) == outside).all()
    assert data["points"].sum() == (~outside).sum()


def loss_curves(data) -> None:
    terms = [values for name, values in data.items() if name.startswith("term_")]
    assert len(terms) == 4
    np.testing.assert_allclose(sum(terms), data["predicted"], rtol=1e-9)
    assert sorted(data["phase"]) == ["II", "III", "IVa", "IVb", "Ia", "Ib", "Ic"]
    # 8 seeds: z is Student's t of 7 degrees of freedom, of variance 1.4, and correlated in time.
    assert np.sqrt((data["z"] ** 2).mean()) < 2
    # Power: one standard error is a few per cent, so an error of 20 % could not hide.
    seen = data["exact"][:, : data["mean"].shape[1]]
    assert np.median(data["standard_error"] / seen) < 0.1


def compute_optimal(data) -> None:
    deviation = data["slope"][:, -1] - data["predicted"][:, 0]
    assert np.abs(deviation).max() < 0.005
    assert np.abs(data["size_slope"][:, -1] - data["predicted"][:, 1]).max() < 0.01
    at = np.searchsorted(data["flops"], data["budgets"] * (1 - 1e-9))
    np.testing.assert_allclose(data["flops"][at], data["budgets"])
    assert not (data["risk"][..., at] < data["best_risk"][:, None] * (1 - 1e-3)).any()


def finite_size(data) -> None:
    mean, error = data["deviation"], data["error"]
    assert (mean[:, 0] > 4 * error[:, 0]).all(), "no power"
    assert (np.abs(data["slope"] + 1) < 3 * data["slope_error"]).all()
    assert (error < 0.8 * data["plain_error"]).all(), "the controls do not help"
    assert (np.abs(mean - data["plain_deviation"]) < 4 * data["plain_error"]).all()


def linear_regression(data) -> None:
    assert np.abs(data["z"]).max() < 5  # Student's t of 7 degrees of freedom, 10 cases
    for excess, floor in zip(data["excess"], data["floor"], strict=True):
        if floor > 0:
            assert excess[~np.isnan(excess)][-1] == pytest.approx(floor, rel=1e-6)


def spectrum(data) -> None:
    count = data["drawn"].shape[1]
    np.testing.assert_allclose(data["above"][:, 0], count, rtol=1e-3)
    for lam, above, drawn in zip(data["lam"], data["above"], data["drawn"], strict=True):
        off = np.interp(drawn, lam, above) - (np.arange(count) + 0.5)
        assert np.abs(off).max() < 2.5  # eigenvalues are rigid: nothing like sqrt(count)
    assert np.abs(data["drawn_df1"] - data["df1"]).max() < 1
    np.testing.assert_allclose(data["effective_ridge"][:, 0], data["floor_ridge"], rtol=0.1)


def schedules(data) -> None:
    short = data["optimum"].shape[1]
    assert (data["excess"][..., :short] > data["optimum"][:, None] * (1 - 1e-3)).all()
    assert (data["direct"] / data["optimum"][:, : data["direct"].shape[1]] < 1 + 1e-9).all()
    assert data["slope"][0, 0, -1] == pytest.approx(data["predicted"][0, 0, 0], abs=0.02)
    assert (data["slope"][0, 1:, -1] < data["slope"][0, 0, -1] - 0.05).all()


def averaging(data) -> None:
    assert np.abs(data["slope"][..., -1] - data["predicted"][..., 0]).max() < 0.06
    assert np.abs(data["z"]).max() < 5
    assert (data["excess"][:, 1:] < data["excess"][:, :1]).all(), "averaging does not help"


def batch_size(data) -> None:
    assert (data["largest"] < data["small_batch"]).all()
    assert (data["largest"] < data["large_batch"][:, None]).all()
    assert (data["hessian"][1] > data["at_hessian"][1])[0], "the rule is stable at B = 1"
    exact, median = data["edge_exact"], data["edge_median"]
    assert exact[-1] > 100 * exact[0]
    assert median[-1] < median[0]
    assert (data["critical_slope"] < -0.8).all()


def momentum(data) -> None:
    slope, predicted = data["slope"][:, -1], data["predicted"]
    assert np.abs(slope[:2] - predicted[:2]).max() < 0.02
    assert (slope[2:] < slope[0] - 0.1).all(), "DANA is no faster"
    off = data["mean"] - data["equivalent"]
    assert (np.abs(off) < 6 * data["error"] + 0.1 * data["equivalent"]).all()


def mixtures(data) -> None:
    assert np.abs(data["label_z"]).max() < 5
    assert np.abs(data["domain_z"]).max() < 5
    clean, noisy = data["label_noises"].T
    assert (data["label_best"][:, 0] > 0.9 * clean / noisy).all()
    assert (np.diff(data["domain_best"][:, 0]) > 0).all()


def nonlinear_features(data) -> None:
    p, n, noise = data["lam_in"].size, data["n"], data["noise"]
    assert (data["slope"] < -1).all(), "no tail beyond the dimension of the inputs"
    np.testing.assert_allclose(data["theory"][0, data["d"] > p], noise * p / (n - p), rtol=1e-6)
    z = (data["at_sizes"] - data["mean"]) / data["error"]
    assert np.abs(z).max() < 6  # Student's t of 9 degrees of freedom, 6 cases, and the 1/n
    steep, flat = np.abs(data["deviation"][..., 0]) - 2 * data["deviation_error"]
    assert steep[0] > 0.03, "the Hermite rule holds for steep inputs too"
    assert (flat < 0.05).all()


def dynamical_model(data) -> None:
    for name in ("test", "train"):
        theory, mean, error = data[f"points_{name}"]
        assert np.abs((mean - theory) / (error + 0.02 * theory)).max() < 4
    early, late = (
        np.log(x[-1] / x[-5]) / np.log(data["d"][-1] / data["d"][-5]) for x in data["approach"].T
    )
    a = data["exponents"][0]
    assert early == pytest.approx(-1, abs=0.02) and late == pytest.approx(1 - a, abs=0.15)
    slope, spread = data["steep_slope"].T  # within its error, of -0.8 to -1.2 at these small sizes
    assert (np.abs(slope + 1) < 0.2 + 3 * spread).all() and (spread < 0.3).all()
    assert np.abs(data["best_slope"][:, -1] - data["predicted"][:, 0]).max() < 0.01
    assert np.abs(-data["loss_slope"][:, -1] - data["predicted"][:, 1]).max() < 0.01


def ridge(data) -> None:
    theory, mean, error, _ = np.moveaxis(data["points"], 1, 0)
    assert (np.abs(mean - theory) < 5 * error + 0.03 * theory).all()  # 20 seeds; O(1/d)
    assert (data["best_risk"][:, None] <= data["risk"] * (1 + 1e-9)).all()
    assert data["best_split"][0] == pytest.approx(1, rel=1e-3)
    ratio = min(data["bare_split"][0], 1 / data["bare_split"][0])
    assert ratio == pytest.approx(float(data["predicted_ratio"]), abs=0.005)
    assert (data["by_ridge"] > data["best_ridge"][:, 1:] * (1 - 1e-9)).all()


def four_regimes(data) -> None:
    mean, error = np.moveaxis(data["simulated"], -1, 0)
    allowed = 6 * error + 0.1 * data["theory"]  # 10 seeds; O(1/size) at 20 and 40
    assert (np.abs(mean - data["theory"]) < allowed).all()
    slope = lambda x: np.log(x[-1] / x[-2]) / np.log(data["sizes"][-1] / data["sizes"][-2])
    easy = slope(mean[2, :, 0])
    assert abs(easy + 1.5) < abs(easy + 3)
    line = lambda x: np.log(x[..., -1] / x[..., -4]) / np.log(data["lines"][-1] / data["lines"][-4])
    assert line(data["width"]) == pytest.approx([-0.5, -1, -1.5], abs=0.02)
    assert line(data["width_bias"])[2] == pytest.approx(-3, abs=0.15)  # a - 1 = 2 b: a logarithm
    more = data["more"][-1] / data["more"][-4]
    local = np.log(data["approach"][..., -1] / data["approach"][..., -4]) / np.log(more)
    assert local == pytest.approx(-1, abs=0.02)


CHECKS = [
    dynamical_model,
    ridge,
    four_regimes,
    phase_diagram,
    loss_curves,
    compute_optimal,
    finite_size,
    linear_regression,
    spectrum,
    schedules,
    averaging,
    batch_size,
    momentum,
    mixtures,
    nonlinear_features,
]


def test_every_experiment_is_checked() -> None:
    assert sorted(check.__name__ for check in CHECKS) == NAMES


SLOW = (
    finite_size,
    dynamical_model,
    nonlinear_features,
    four_regimes,
    batch_size,
    momentum,
    averaging,
    compute_optimal,
)
MARKED = [pytest.param(f, marks=pytest.mark.slow) if f in SLOW else f for f in CHECKS]


@pytest.mark.parametrize("check", MARKED, ids=lambda check: check.__name__)
def test_experiment(check, tmp_path: Path) -> None:
    name = check.__name__
    importlib.import_module(f"experiments.{name}").main("smoke", figures=tmp_path)
    written = {path.suffix: path for path in tmp_path.iterdir()}
    assert {path.name for path in written.values()} == {
        f"{name}_smoke{suffix}" for suffix in (".png", ".npz", ".json")
    }
    assert written[".png"].stat().st_size > 10_000
    assert json.loads(written[".json"].read_text())
    with np.load(written[".npz"], allow_pickle=False) as data:
        check(dict(data))


@pytest.mark.parametrize("name", NAMES)
def test_docstring_says_claim_and_what_refutes_it(name: str) -> None:
    module = importlib.import_module(f"experiments.{name}")
    for word in ("Claim:", "Refuted:", "Cost:", f"python -m experiments.{name} paper"):
        assert word in module.__doc__
    assert set(module.PRESETS) == {"smoke", "paper"}


def test_unknown_preset(tmp_path: Path) -> None:
    module = importlib.import_module("experiments.spectrum")
    with pytest.raises(ValueError, match="`preset` must be one of smoke, paper, but is 'big'"):
        module.main("big", figures=tmp_path)
    assert not list(tmp_path.iterdir())
