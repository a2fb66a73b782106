"""The command line: the numbers of the Python API, one-line errors, and nothing lost."""

import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
import xarray

import solvable
from solvable import design
from solvable.asymptotics import phases
from solvable.cli import arguments as cli_arguments
from solvable.cli import cache
from solvable.cli import main as cli
from solvable.inputs import Gaussian, StudentT
from solvable.sweeps import schema

SIMULATION = "solvable.simulation.training.simulate"
FEATURES = "--alpha 1 --beta 7/10 --v 40 --d 10"
PROBLEM = solvable.PowerLaw(alpha=1.0, beta=0.7, v=40, d=10)
REGRESSION = "predict --alpha 1 --beta 0.7 --v 40"
COMMANDS = ("phase", "predict", "expect", "simulate", "frontier", "verify")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command line in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> tuple[int, str, str]:
        code = cli.run(shlex.split(line))
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def answer(run):
    """Run a command line with --json that must succeed silently: what it printed."""

    def answer(line: str) -> dict:
        code, out, err = run(f"{line} --json")
        assert (code, err) == (0, "")
        return strict(out)

    return answer


def strict(text: str) -> dict:
    """JSON as the standard has it, without NaN and Infinity."""

    def refuse(token: str):
        raise AssertionError(f"{token} is not JSON")

    return json.loads(text, parse_constant=refuse)


def read_csv(path: str | Path) -> tuple[dict[str, str], np.ndarray]:
    """The comments and the columns of a CSV file."""
    lines = Path(path).read_text().splitlines()
    comments = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    rows = [line for line in lines if not line.startswith("# ")]
    return comments, np.genfromtxt(rows, delimiter=",", names=True, deletechars="")


def python(*arguments: str, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=None):
    line = [sys.executable, *arguments]
    return subprocess.Popen(line, stdout=stdout, stderr=stderr, cwd=cwd, text=True)


# Help


def test_help_imports_neither_jax_nor_numpy():
    code = (
        "import sys; from solvable.cli.main import run\n"
        f"for command in ([], *([name] for name in {COMMANDS})):\n"
        "    assert run([*command, '--help']) == 0\n"
        "run([])\n"
        "sys.exit({'jax', 'numpy', 'xarray', 'matplotlib'} & set(sys.modules) or 0)"
    )
    with python("-c", code) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert all(f"Usage: solvable {name}" in out for name in COMMANDS)


def test_help_takes_less_than_half_a_second():
    def seconds() -> float:  # of processor time: the machine may be busy
        before = os.times()
        with python("-m", "solvable", "simulate", "--help") as process:
            process.communicate(timeout=30)
        after = os.times()
        return (after.children_user + after.children_system) - (
            before.children_user + before.children_system
        )

    assert min(seconds() for _ in range(3)) < 0.5


def test_without_arguments_it_names_three_things_to_try(run):
    code, out, err = run("")
    assert (code, err) == (0, "")
    three = re.findall(r"^  solvable (\w+)", out, re.MULTILINE)
    assert three == ["explore", "phase", "verify"]
    assert all(run(f"{command} --help")[0] == 0 for command in three)
    assert run("phase 1 0.7")[0] == 0


def test_version(run):
    code, out, _ = run("--version")
    assert code == 0 and re.match(r"\d+\.\d+", out)


def test_the_words_are_those_of_the_python_api_and_of_sweeps():
    words = lambda f: set(inspect.signature(f).parameters)
    has = {name: words(cli_arguments.options(name)) for name in schema.COMMANDS}
    in_python_only = {"key", "problem", "rule", "devices", "cluster", "progress"}
    assert words(solvable.predict) - in_python_only <= has["predict"] | words(cli.predict)
    assert words(solvable.simulate) - in_python_only <= has["simulate"]
    assert words(solvable.PowerLaw) | words(solvable.Momentum) < has["predict"]
    for command, names in has.items():
        tables = schema.TABLES
        assert names == {word.name for table in tables for word in schema.meant(table, command)}


# Numbers


@pytest.mark.parametrize("beta", ["0.7", "7/10", "7e-1"])
def test_phase(run, answer, beta):
    expected = solvable.phase(1.0, 0.7)
    plain = answer(f"phase 1 {beta}")
    assert plain["name"] == expected.name == "II"
    assert plain["loss_exponent"] == expected.loss_exponent
    assert plain["size_exponent"] == expected.size_exponent
    assert plain["exact"] == {"loss_exponent": "-12/17", "size_exponent": "7/17"}
    assert plain["terms"] == list(expected.terms)
    assert plain["meaning"] == {term: phases.TERMS[term] for term in expected.terms}
    assert plain["proven"] is True
    assert plain["boundary"]["where"] == expected.boundary.where
    _, out, _ = run(f"phase 1 {beta}")
    for words in (
        "Phase II",
        "f^(-12/17) = f^(-0.7059)",
        "F_ac against F_pp",
        "proven",
        "Ia and II",
    ):
        assert words in out


def test_phase_takes_negative_exponents_and_says_conjecture(run):
    assert "Phase Ia" in run("phase 1 -1/3")[1]
    assert "conjecture" in run("phase 1/5 0.7")[1]


def test_predict_prints_the_curve_of_the_python_api(answer):
    steps = [0, 10, 10**6]
    line = f"--noise 0.1 --gamma 0.2 --B 4 --steps {','.join(map(str, steps))}"
    plain = answer(f"predict {FEATURES} {line} --terms")
    problem = solvable.PowerLaw(alpha=1.0, beta=0.7, v=40, d=10, noise=0.1)
    curve = solvable.predict(problem, solvable.SGD(0.2, 4), steps, terms=True)
    for name in ("step", "excess", "risk", "flops"):
        np.testing.assert_array_equal(plain[name], getattr(curve, name))
    for name, term in curve.terms.items():
        np.testing.assert_array_equal(plain["terms"][name], term)
    problem = dict(type="PowerLaw", alpha=1.0, beta=0.7, v=40, d=10, noise=0.1)
    assert plain["problem"] == problem
    assert plain["rule"] == dict(type="SGD", gamma=0.2, B=4)
    assert plain["rung"] == "deterministic equivalent"


def test_predict_knows_linear_regression_and_lists_of_steps(answer):
    plain = answer(f"{REGRESSION} --steps 0,10,1e3")
    problem = solvable.PowerLaw(alpha=1.0, beta=0.7, v=40)
    curve = solvable.predict(problem, solvable.SGD.stable(problem, 0.5), [0, 10, 1000])
    assert plain["step"] == [0, 10, 1000]
    np.testing.assert_array_equal(plain["risk"], curve.risk)


def test_predict_follows_an_unstable_curve_if_told_to(answer):
    plain = answer(f"{REGRESSION} --fraction 2 --steps 10 --allow-unstable")
    assert plain["risk"][-1] > 5 * plain["risk"][0]


def test_predict_writes_the_same_numbers_to_files(run):
    steps, rule = [0, 10, 10**6], solvable.SGD.stable(PROBLEM, 0.5)
    curve = solvable.predict(PROBLEM, rule, steps, terms=True)
    for name in ("curve.csv", "curve.nc"):
        code, out, err = run(f"predict {FEATURES} --steps 0,10,1e6 --terms --out {name}")
        assert (code, err) == (0, f"Saved {name}.\n")
        assert "deterministic equivalent" in out
    comments, table = read_csv("curve.csv")
    assert json.loads(comments["problem"])["beta"] == 0.7
    assert json.loads(comments["rule"])["gamma"] == curve.rule.gamma
    for name in ("step", "flops", "risk", "excess"):
        np.testing.assert_array_equal(table[name], getattr(curve, name))
    np.testing.assert_array_equal(table["terms.sgd_noise"], curve.terms["sgd_noise"])
    saved = solvable.load("curve.nc")
    assert saved.problem == PROBLEM and saved.rule == curve.rule
    np.testing.assert_array_equal(saved.excess, curve.excess)
    np.testing.assert_array_equal(saved.terms["capacity"], curve.terms["capacity"])


def test_simulate_gives_the_runs_of_the_python_api(run, answer):
    line = f"simulate {FEATURES} --fraction 0.3 --B 2 --steps 100 --seeds 3 --seed 5"
    sgd = solvable.SGD.stable(PROBLEM, 0.3, B=2)
    runs = solvable.simulate(jax.random.key(5), PROBLEM, sgd, 100, seeds=3)
    plain = answer(line)
    for name in ("step", "excess", "risk", "mean", "standard_error"):
        np.testing.assert_array_equal(plain[name], getattr(runs, name))
    assert plain["diverged"] == [] and plain["stopped"] == -1
    assert run(f"{line} --out runs.csv")[0] == run(f"{line} --out runs.nc")[0] == 0
    _, table = read_csv("runs.csv")
    assert table.dtype.names == ("seed", "step", "excess", "flops", "risk")
    np.testing.assert_array_equal(table["risk"].reshape(3, -1), runs.risk)
    np.testing.assert_array_equal(table["step"].reshape(3, -1)[2], runs.step)
    np.testing.assert_array_equal(solvable.load("runs.nc").excess, runs.excess)


@pytest.fixture
def asked(monkeypatch):
    """What a simulation was asked for; it takes no time."""
    found = []

    def simulate(key, problem, rule, x, seeds, **options):
        found.append((jax.random.key_data(key).tolist(), problem, rule, x, seeds, options))
        axis = {"axis": rule.axis, "engine": "samples", "n": options.get("n")}
        return solvable.Runs(
            x=np.array([1.0]), excess=np.ones((seeds, 1)), problem=problem, rule=rule, **axis
        )

    monkeypatch.setattr(SIMULATION, simulate)
    return found


def test_simulate_passes_on_every_option(answer, asked):
    options = "--engine features --inputs student-t --dof 5 --dtype float64"
    answer(f"simulate {FEATURES} --gamma 0.1 --steps 5 --seeds 2 --seed 4294967295 {options}")
    [(key, *found, options)] = asked
    assert key == jax.random.key_data(jax.random.key(2**32 - 1)).tolist()
    assert found == [PROBLEM, solvable.SGD(0.1), 5, 2]
    given = dict(engine="features", inputs=StudentT(5), dtype="float64", progress=False)
    assert options == given


def test_simulate_on_a_data_set(answer, asked):
    plain = answer(f"simulate {FEATURES} --n 8 --bags 2 --ridge 0.1,1")
    assert plain["n"] == 8 and plain["ridge"] == [1.0]
    [(_, *found, options)] = asked
    assert found == [PROBLEM, solvable.Ridge(), [0.1, 1.0], 1]
    given = dict(n=8, bags=2, inputs=Gaussian(), dtype=None, progress=False)
    assert options == given


@pytest.mark.filterwarnings("always")
def test_divergence_is_a_warning_and_json_stays_json(run):
    line = f"simulate {FEATURES} --fraction 30 --B 2 --steps 100 --seeds 3 --json"
    code, out, err = run(line)
    assert code == 0
    assert err.startswith("Warning: 3 of 3 seeds diverged") and err.count("\n") == 1
    plain = strict(out)
    assert plain["risk"][0][-1] == "inf"
    assert plain["diverged"][0]["at"] < 100


def test_a_data_set_of_ridges(run, answer):
    """Predicted, with what the training error shows; zero where it is rounding."""
    line = f"predict {FEATURES} --noise 0.1 --n 8 --ridge 0,0.1"
    plain = answer(line)
    problem = solvable.PowerLaw(alpha=1.0, beta=0.7, v=40, d=10, noise=0.1)
    curve = solvable.predict(problem, solvable.Ridge(), [0, 0.1], n=8)
    assert plain["ridge"] == [0, 0.1] and plain["n"] == 8
    np.testing.assert_array_equal(plain["excess"], curve.excess)
    np.testing.assert_array_equal(plain["train"], curve.train)
    _, out, _ = run(line)
    assert "training" in out and re.search(r"^ +0 +[\d.]+ +[\d.]+ +0 *$", out, re.M), out


def test_expect_is_exact_for_the_features_of_each_seed(run, answer):
    line = f"expect {FEATURES} --gamma 0.1 --steps 0,10 --seeds 2 --seed 5"
    plain = answer(line)
    for seed in range(2):
        draw = PROBLEM.draw(jax.random.fold_in(jax.random.key(5), seed))
        curve = solvable.expect(draw, solvable.SGD(0.1), [0, 10])
        np.testing.assert_array_equal(plain["excess"][seed], curve.excess)
    code, _, err = run("expect --alpha 1 --beta 0.7 --v 40 --steps 10 --seeds 2")
    assert code == 2 and "--seeds must be 1 without random features to draw" in err


OWN = """
from solvable import Rule
from solvable.rules import Coefficients

class Slow(Rule):
    gamma: float
    nu: float = 1.0
    constant = True
    def coefficients(self, t):
        return Coefficients.of(t, [[1.0]], [-self.gamma * self.nu])
"""


def test_a_rule_of_ones_own_in_the_working_folder(answer, tmp_path):
    (tmp_path / "slow_rules.py").write_text(OWN)
    line = "--rule slow_rules:Slow --rule-fields nu=0.5 --gamma 0.4 --steps 0,10,1e3"
    plain = answer(f"{REGRESSION} {line}")
    problem = solvable.PowerLaw(alpha=1.0, beta=0.7, v=40)
    curve = solvable.predict(problem, solvable.SGD(0.2), [0, 10, 1000])
    np.testing.assert_array_equal(plain["risk"], curve.risk)
    sys.modules.pop("slow_rules")


@pytest.fixture
def best(monkeypatch):
    """A frontier that takes no time; it notes what it was asked for."""
    x = np.array([1e9, 1e10])
    found = design.Frontier(
        flops=x, d=x**0.4, excess=x**-0.7, slope=-0.7 + 0 * x, size_slope=0.4 + 0 * x,
        at_edge=x > 1e10,
    )  # fmt: skip
    asked = []

    def frontier(family, rule, flops):
        asked.append((family(10), rule(family(10)), list(flops)))
        return found

    monkeypatch.setattr("solvable.design.frontiers.frontier", frontier)
    return SimpleNamespace(result=found, asked=asked)


def test_frontier_gives_slopes_and_exponents(answer, best):
    plain = answer("frontier --alpha 1 --beta 0.7 --gamma 0.3 --flops 1e9,1e10")
    family = solvable.PowerLaw(alpha=1.0, beta=0.7, v=1000, d=10)
    assert best.asked == [(family, solvable.SGD(0.3), [1e9, 1e10])]
    for name in ("flops", "d", "excess", "slope", "size_slope", "at_edge"):
        np.testing.assert_array_equal(plain[name], getattr(best.result, name))
    given = dict(alpha=1.0, beta=0.7, noise=0.0, ratio=100, gamma=0.3, B=1)
    assert plain["given"] == given
    assert plain["phase"]["loss_exponent"] == solvable.phase(1.0, 0.7).loss_exponent


def test_frontier_prints_and_writes_them(run, best):
    line = "frontier --alpha 1 --beta 0.7 --gamma 0.3 --flops 1e9:1e10 --out best.csv"
    code, out, _ = run(line)
    assert code == 0
    assert "phase II" in out and "Phases assume no noise" in out
    assert "-0.7059" in out and "0.4118" in out
    comments, table = read_csv("best.csv")
    np.testing.assert_array_equal(table["d"], best.result.d)
    assert json.loads(comments["phase"])["name"] == "II"


def test_frontier_without_a_phase_says_so_before_it_computes(run, best):
    code, out, err = run("frontier --alpha 0.1 --beta 0.2")
    assert (code, out, best.asked) == (2, "", [])
    assert err.startswith("Error: No phase: --") and "give --flops" in err
    code, out, err = run("frontier --alpha 0.1 --beta 0.2 --flops 1e9,1e10")
    assert code == 0 and "No phase" in out and "limit" not in out
    assert best.asked[0][0].v == 40  # the ratio is 4 for alpha below a half


def test_frontier_marks_edges(run, best):
    best.result.at_edge[0] = True
    assert "At the edge of the sizes searched" in run("frontier --alpha 1 --beta 0.7")[1]


def test_ranges_of_budgets_go_by_decades():
    assert cli.flops_range("1e9:1e20") == [float(f"1e{k}") for k in range(9, 21)]
    assert cli.flops_range("1e3:5e4") == [1e3, 1e4, 5e4]


@pytest.mark.parametrize(
    "line",
    [
        f"predict {FEATURES} --noise 0.1 --steps 0,10,1e6 --terms --gamma 0.2 --B 4",
        f"simulate {FEATURES} --steps 100 --seeds 3 --B 2",
        "phase 1 -1/3",
    ],
)
def test_tables_are_short_and_narrow(run, line):
    lines = [text.rstrip() for text in run(line)[1].splitlines()]
    assert max(map(len, lines)) <= 80
    assert len(lines) <= cli_arguments.ROWS + 10
    assert "…" not in "".join(lines)


# Bad input: one line, with the fix, before anything is computed

ONE = FEATURES + " --steps 0,10,1e6"
BAD = """\
predict --alpha 0 --beta 1 --v 9 --d 3 --steps 9
    --alpha must be a positive finite number, but is 0.0.
predict --alpha nan --beta 1 --v 9 --d 3 --steps 9
    --alpha must be a positive finite number, but is nan.
predict --alpha 1 --beta inf --v 9 --d 3 --steps 9
    --beta must be a finite number, but is inf.
predict --alpha 1 --beta one --v 9 --d 3 --steps 9
    Invalid value for --beta: 'one' is no number such as
predict --alpha 1 --beta 1/0 --v 9 --d 3 --steps 9
    Invalid value for --beta: '1/0' is no number such as
predict --alpha 1 --beta 1 --v 9 --d 30 --steps 9
    --d must not exceed v = 9, but is 30. Take v >= d.
predict --alpha 1 --beta 1 --v 9 --d 3.5 --steps 9
    --d must be a whole number, but is 3.5.
predict --alpha 1 --beta 1 --d 3 --steps 9
    --v must be given, or --ratio and --d.
predict --beta 1 --v 9 --steps 9
    --alpha must be given, or a --model.
predict --alpha 1 --beta 1 --v 9 --d 3
    --steps must be given.
predict $P --steps 10 --noise -1
    --noise must be at least 0, but is -1.0.
predict $P --steps 10 --gamma 0
    --gamma must be a positive finite number, but is 0.0.
predict $P --steps 10 --gamma 0.1 --fraction 0.1
    --fraction must be left out beside --gamma, but is 0.1.
predict $P --steps 10 --gamma 9
    The rule must have gamma below the largest stable learning rate, 0.51
predict $P --steps 10 --fraction 1
    Take --fraction 0.5, or --allow-unstable.
predict $P --steps 10 --B 0
    --B must be at least 1, but is 0.
predict $P --steps 10 --mu 1
    --mu must lie in [0, 1), but is 1.0.
predict $P --steps 10 --p 2
    --p must be given with --schedule power, and only then, but is 2.0.
predict $P --steps 10 --n 20
    --n must come with --full-batch or --flow or --ridge, but is 20.
predict $P --flow --steps 10
    --steps must be left out beside --flow, but is 10.
predict $P --ridge 0.1 --mu 0.5
    --mu must be left out beside --ridge, but is 0.5.
predict $P --steps -5
    --steps must be at least 0, but is -5.
predict $P --steps 1e16
    --steps must be at most 1e+15, but is 10000000000000000.
predict $P --steps 10,5
    --steps must be strictly increasing, but is [10, 5].
predict $P --steps 10 --rule Mine
    --rule must name a class as module:Class, but is 'Mine'.
predict $P --steps 10 --rule solvable.rules:ThreeRates --rule-fields x
    Invalid value for --rule-fields: 'x' is no list of fields such as
predict $P --steps 10 --gama 1
    Unknown option: --gama. Did you mean --gamma? See solvable predict --help.
predict $P --steps 10 --lr 1
    Unknown option: --lr. Did you mean --gamma? See solvable predict --help.
predict $P --steps 10 --batch-size=3
    Unknown option: --batch-size. Did you mean --B?
simulate $P --steps 10 --samples 3
    Unknown option: --samples. Did you mean --n?
predict $P --steps 10 7
    Unused Tokens: ['7'].
simulate $P --steps 10 --seeds 0
    --seeds must be at least 1, but is 0.
simulate $P --steps 10 --seed -1
    Invalid value for --seed: '-1' is no whole number
simulate $P --steps 10 --seed 4294967296
    Invalid value for --seed: '4294967296' is no whole number from 0 to 4294967295.
simulate $P --steps 10 --seed 1.5
    Invalid value for --seed: '1.5' is no whole number
simulate $P --steps 10 --engine exact
    Invalid value "exact" for --engine. Choose from: "modes", "features".
simulate $P --steps 10 --inputs rademacher
    --inputs must be Gaussian for the modes engine
simulate $P --steps 10 --engine features --inputs student-t
    --dof must be given with --inputs student-t
simulate $P --steps 10 --engine features --inputs student-t --dof 4
    --dof must exceed 4
simulate $P --steps 1e10
    --steps must be at most 2.14748e+09, but is 10000000000.
phase 0.1 1/5
    must satisfy 2 (alpha + beta) > 1
phase -1 2
    --alpha must be a positive finite number, but is -1.
phase 1
    Command "phase" parameter --beta requires an argument. See solvable phase --help.
phase 1 x
    'x' is no number such as 0.7, 7/10 or 1e9.
phas 1 1
    Unknown command "phas". Did you mean "phase"?
frontier --alpha 1 --beta 1 --ratio 0.5
    --ratio must be at least 1, but is 0.5.
frontier --alpha 1 --beta 1 --mu 0.5
    Unknown option: --mu.
frontier --alpha 1 --beta 1 --flops 1e9:1e8
    '1e9:1e8' is no increasing pair such as 1e9:1e20.
frontier --alpha 1 --beta 1 --flops 1e9,1e8
    --flops must be strictly increasing
predict $P --steps 10 --out curve.txt
    --out must end in .nc or .csv, but is 'curve.txt'.
predict $P --steps 10 --out no/curve.nc
    --out must be in an existing folder, but 'no' is none. Create it first.
verify --figure verify.jpg
    --figure must end in .png or .pdf or .svg, but is 'verify.jpg'.
"""
BAD = [line.strip().replace("$P", FEATURES) for line in BAD.splitlines()]


@pytest.mark.parametrize(("line", "message"), [*zip(BAD[::2], BAD[1::2], strict=True)])
def test_bad_input_is_one_line_with_the_fix(run, line, message):
    code, out, err = run(line)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ") and err.count("\n") == 1
    assert message in err
    assert "`" not in err and "Argument" not in err  # not the words of Python
    assert "(...)" not in err and "=True" not in err and "='" not in err


def test_an_existing_file_is_refused_before_the_computation(run, monkeypatch):
    def compute(*_, **__):
        raise AssertionError("computed")

    Path("curve.csv").write_text("precious")
    Path("folder.nc").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("solvable.dynamics.prediction.predict", compute)
        code, out, err = run(f"predict {ONE} --out curve.csv")
        assert (code, out) == (2, "")
        assert err == "Error: File 'curve.csv' exists. Choose another, or set --force.\n"
        assert "--out must name a file" in run(f"predict {ONE} --out folder.nc")[2]
    assert Path("curve.csv").read_text() == "precious"
    assert run(f"predict {ONE} --out curve.csv --force")[0] == 0
    assert "step,excess" in Path("curve.csv").read_text()


# Nothing computed is lost


@pytest.mark.parametrize("name", ["curve.csv", "curve.nc"])
def test_what_cannot_be_written_is_saved_elsewhere(run, monkeypatch, tmp_path, name):
    from solvable.util.files import write_whole

    def full(path, write):
        if path.name == str(path):  # in the current folder
            raise OSError(28, "No space left on device")
        write_whole(path, write)

    monkeypatch.setattr("solvable.util.files.write_whole", full)
    monkeypatch.setattr("solvable.util.results.write_whole", full)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, out, err = run(f"predict {ONE} --out {name}")
    assert code == 1
    assert "deterministic equivalent" in out
    found = re.fullmatch(r"Error: Could not write \S+: .*No space .* Saved (.+) instead\.\n", err)
    assert found and Path(found[1]).name == name
    curve = solvable.predict(PROBLEM, solvable.SGD.stable(PROBLEM, 0.5), [0, 10, 10**6])
    saved = read_csv(found[1])[1] if name == "curve.csv" else xarray.load_dataset(found[1])
    np.testing.assert_array_equal(saved["excess"], curve.excess)


def test_a_file_that_appears_meanwhile_is_kept(run, monkeypatch, tmp_path):
    def meanwhile(*arguments, predict=solvable.predict, **options):
        Path("curve.csv").write_text("precious")
        return predict(*arguments, **options)

    monkeypatch.setattr("solvable.dynamics.prediction.predict", meanwhile)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, _, err = run(f"predict {ONE} --out curve.csv")
    assert code == 1 and "exists" in err and "Saved" in err
    assert Path("curve.csv").read_text() == "precious"


def test_an_early_interrupt_is_one_line(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("solvable.simulation.training.simulate", interrupted)
    assert run(f"simulate {ONE}") == (130, "", "Interrupted.\n")


def test_an_interrupted_simulation_prints_and_saves_what_is_done(tmp_path):
    pty = pytest.importorskip("pty")
    terminal, stderr = pty.openpty()  # on a terminal the progress bar tells when it began
    line = f"simulate {FEATURES} --steps 2e9 --seeds 2 --json --out runs.nc"
    listening = (  # children of a shell in the background inherit that Ctrl-C is ignored
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from solvable.cli.main import main; sys.exit(main())"
    )
    process = python("-c", listening, *line.split(), stderr=stderr, cwd=tmp_path)
    os.close(stderr)
    seen = ""
    while not re.search(r"[1-9][\d,]* steps/s", seen):
        seen += os.read(terminal, 1024).decode(errors="replace")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    seen += os.read(terminal, 65536).decode(errors="replace")
    os.close(terminal)
    assert process.returncode == 130
    assert "Saved runs.nc." in seen and "Traceback" not in seen
    plain, runs = strict(out), solvable.load(tmp_path / "runs.nc")
    assert f"Interrupted at step {runs.stopped}: recorded up to step {runs.step[-1]}." in seen
    assert 0 < runs.step[-1] <= runs.stopped < 2e9
    assert plain["stopped"] == runs.stopped
    np.testing.assert_array_equal(plain["excess"], runs.excess)


def test_a_closed_pipe_is_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    with python("-m", "solvable", "phase", "1", "0.7", "--json", stdout=writer) as process:
        os.close(writer)
        assert process.communicate(timeout=30)[1] == ""


# Compiled programs


class TestPrograms:
    @pytest.fixture
    def environment(self, monkeypatch, tmp_path):
        """What the process of a command has: nothing said of a cache."""
        for name in ("JAX_COMPILATION_CACHE_DIR", "SOLVABLE_CACHE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "1")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "users"))
        monkeypatch.setattr("sys.platform", "linux")
        return monkeypatch

    def where(self) -> str | None:
        cache.begin()
        return os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)

    def test_are_kept_for_the_user_alone(self, environment, tmp_path):
        folder = Path(self.where())
        assert folder.is_relative_to(tmp_path / "users" / "solvable")
        assert folder.stat().st_mode & 0o777 == 0o700
        folder.chmod(0o777)  # anyone could put programs there
        assert self.where() is None

    def test_are_kept_where_the_user_says_or_nowhere(self, environment, tmp_path):
        environment.setenv("SOLVABLE_CACHE", str(tmp_path / "here"))
        assert Path(self.where()).parent == tmp_path / "here"
        environment.setenv("SOLVABLE_CACHE", "off")
        assert self.where() is None
        environment.delenv("SOLVABLE_CACHE")
        environment.setenv("JAX_COMPILATION_CACHE_DIR", "mine")
        cache.begin()
        assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "mine"

    def test_a_folder_that_cannot_be_had_is_no_error(self, environment, tmp_path):
        (tmp_path / "users").write_text("a file")
        assert self.where() is None

    def test_the_oldest_go_when_there_are_too_many(self, tmp_path):
        for k in range(5):
            (tmp_path / f"{k}").write_bytes(bytes(100))
            os.utime(tmp_path / f"{k}", (k, k))
        cache.prune(tmp_path, 250)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["3", "4"]


# Verification, with a ladder of one rung


@pytest.fixture
def ladder(monkeypatch):
    """Replace the ladder by one that passes or not: set ``ladder.passed``."""
    from matplotlib.figure import Figure

    from solvable.verify import Check, Verification

    fake = SimpleNamespace(passed=True)

    def climb(*, quick, everything, seed, report):
        check = Check(
            name="exponents", title="Slopes", columns=("phase", "alpha", "score"),
            rows=(("II", 1.0, np.nan),), holds=(fake.passed,), note=f"quick {quick}, seed {seed}",
        )  # fmt: skip
        if report:
            report(check)
        return Verification(rungs=(check,), seed=seed)

    monkeypatch.setattr("solvable.verify.ladder.climb", climb)
    monkeypatch.setattr("solvable.plot.verification", lambda _: Figure(), raising=False)
    return fake


def test_verify_prints_a_table_per_rung_and_a_verdict(run, ladder):
    for _ in range(2):  # the default figure is replaced
        code, out, err = run("verify --quick --seed 3")
        assert (code, err) == (0, "Saved solvable_verify.png.\n")
    assert "exponents  Slopes: passed" in out and "quick True, seed 3" in out
    assert re.search(r"II +1 +nan +yes", out)
    assert out.endswith("All rungs passed.\n")
    assert Path("solvable_verify.png").stat().st_size > 0


def test_verify_fails_with_exit_code_1_and_json(run, ladder):
    ladder.passed = False
    code, out, err = run("verify")
    assert code == 1
    assert "exponents  Slopes: FAILED" in out and out.endswith("FAILED: exponents.\n")
    code, out, err = run("verify --json --figure other.pdf")
    assert (code, err) == (1, "Saved other.pdf.\n")
    assert strict(out)["rungs"][0]["rows"] == [["II", 1.0, None]]
    assert run("verify --figure other.pdf")[0] == 2
    assert run("verify --figure other.pdf --force")[0] == 1
