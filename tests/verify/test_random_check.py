"""Random configurations: calibrated where theory and simulation agree, caught where they do not."""

import dataclasses
import json
import re
from decimal import Decimal
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from scipy import stats

import solvable
from solvable.cli import main as cli
from solvable.verify import (
    POINTS,
    check_configuration,
    check_random,
    configurations,
    random_check,
    random_configuration,
)
from solvable.verify.random_check import LEVEL, UNIFORM, RandomCheck, Trial

SGD = configurations.Kind(v=64, d=16, B=4)
[FAST] = (kind for kind in configurations.KINDS if kind.B == 1 and kind.engine == "modes")


@pytest.fixture(scope="module", autouse=True)
def runs_are_kept():
    """A configuration is simulated once for all tests: a fault is planted in the theory."""
    real, kept = random_check.simulate, {}

    def simulate(key, draw, rule, step, seeds, engine):
        at = (*np.asarray(jax.random.key_data(key)).tolist(), draw.problem, rule, seeds, engine)
        if at not in kept:
            kept[at] = real(key, draw, rule, step, seeds, engine=engine)
        return kept[at]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random_check, "simulate", simulate)
        yield


@pytest.fixture
def plain_sgd(monkeypatch):
    """One program to compile."""
    monkeypatch.setattr(configurations, "KINDS", (SGD,))


@pytest.fixture
def both(monkeypatch):
    """Two of three near the threshold, at batch size 1."""
    monkeypatch.setattr(configurations, "KINDS", (FAST, SGD, FAST))


@pytest.fixture(scope="module")
def checked():
    """Three configurations in each phase."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configurations, "KINDS", (FAST, SGD, FAST))
        return check_random(21)


# Agreement


def test_theory_and_simulation_agree(checked):
    assert checked.passed
    assert checked.p_values.shape == (21,)
    assert not checked.suspects
    assert set(checked.phases) == set(POINTS)
    assert all(found.configurations == 3 for found in checked.phases.values())
    assert checked.overall.smallest_p_value == checked.p_values.min() >= LEVEL / 21


@pytest.mark.parametrize("index", [2, 4])
def test_a_configuration_alone_is_that_of_the_batch(checked, both, index):
    assert check_configuration(index) == checked.trials[index]


def test_the_command_of_a_trial_makes_it(checked, both, capsys):
    trial = checked.trials[9]
    before, code, after = trial.command.split('"')
    assert (before, after) == ("python -c ", "")
    exec(code, {})
    assert capsys.readouterr().out == f"{trial}\n"


def test_it_says_what_it_did(checked):
    start = "passed: 21 random configurations, seed 0: deviations as by chance with p = "
    assert str(checked).startswith(start) and "in every kind with p = " in str(checked)
    plain = json.loads(json.dumps(checked.to_dict(), allow_nan=False))
    assert plain["passed"] is True and plain["configurations"] == 21
    assert plain["p_values"] == checked.p_values.tolist()
    assert plain["phases"]["IVb"] == checked.phases["IVb"]._asdict()
    assert list(plain["kinds"]) == [str(FAST), str(SGD)]
    assert plain["kinds"][str(SGD)]["configurations"] == 7
    assert plain["suspects"] == []


@pytest.mark.slow
def test_500_configurations_agree():
    found = check_random(500)
    assert found.passed, str(found)
    assert all(71 <= row.configurations <= 72 for row in found.phases.values())


# The configurations


@pytest.fixture(scope="module")
def many():
    return [random_configuration(index, seed=5) for index in range(56)]


def test_every_phase_meets_every_kind(many):
    pairs = {(case.phase, case.kind) for case in many}
    assert len(pairs) == len(POINTS) * len(configurations.KINDS)
    for case in many:
        assert solvable.phase(case.problem.alpha, case.problem.beta).name == case.phase


def test_numbers_are_in_range_and_differ(many):
    noise = [case.problem.noise for case in many]
    assert 0.25 < np.mean(np.array(noise) == 0) < 0.75 and max(noise) <= 1
    for case in many:
        low, high = (0.3, 0.6) if case.kind.B == 1 else (0.05, 0.3)
        assert low <= case.fraction <= high
        assert case.last in ({16} if case.kind.B == 1 else {16, 32, 64, 128, 256})
    assert len({(case.problem.alpha, case.problem.beta) for case in many}) == len(many)
    for case in many[:5]:
        assert case.step[-1] == case.last and (np.diff(case.step) > 0).all() and case.step[0] > 0


def test_the_seed_determines_them(many):
    again = random_configuration(7, seed=5)
    assert again == many[7] != random_configuration(7, seed=6)
    np.testing.assert_array_equal(again.draw().W, many[7].draw().W)


# Planted faults


def recursion(samples=1.0, case_noise=True, rate=1.0):
    """The expectation of SGD by stepping, with ``B + samples`` in the square of a step.

    Right with one; without its noise if so told, or at a rate that is off.
    """

    def expected(draw, rule, step):
        modes, gamma, B = draw.modes, rate * float(rule.gamma), rule.B
        lam, m = np.asarray(modes.lam), np.asarray(modes.weight)
        still = float(modes.floor) + case_noise * draw.problem.noise
        a = 1 - 2 * gamma * lam + gamma**2 * (B + samples) / B * lam**2
        excess = []
        for _ in range(int(step[-1]) + 1):
            excess.append(modes.floor + m.sum())
            m = a * m + gamma**2 / B * lam**2 * (still + m.sum())
        return SimpleNamespace(excess=np.array(excess)[step])

    return expected


def test_the_recursion_is_right_without_a_fault(plain_sgd):
    case = random_configuration(3)
    draw = case.draw()
    rule = case.rule(draw)
    expected = solvable.expect(draw, rule, case.step).excess
    np.testing.assert_allclose(recursion()(draw, rule, case.step).excess, expected, rtol=1e-10)


without_noise = recursion(case_noise=False)


def test_a_fault_everywhere_is_caught_by_uniformity(plain_sgd, monkeypatch):
    """Even if no configuration shows it alone: a rate that is off by five per cent."""
    monkeypatch.setattr(random_check, "expect", recursion(rate=1.05))
    found = check_random(28)
    assert not found.passed
    assert found.overall.ks_p_value < UNIFORM


def test_a_tenth_of_a_sample_is_caught_at_batch_size_one(both, monkeypatch):
    """(B + 1.1) / B in the square of a step, which smaller rates and larger batches hide."""
    monkeypatch.setattr(random_check, "expect", recursion(samples=1.1))
    found = check_random(21)
    assert not found.passed and found.uniform < UNIFORM
    assert found.kinds[str(SGD)].ks_p_value > UNIFORM > found.kinds[str(FAST)].ks_p_value


def test_a_tenth_of_a_sample_cannot_be_seen_elsewhere(plain_sgd, monkeypatch):
    """So it takes the other kinds: here is the blind spot that they light."""
    monkeypatch.setattr(random_check, "expect", recursion(samples=1.1))
    assert check_random(28).passed


def test_a_fault_in_one_kind_is_caught_among_many():
    """Sixty of five hundred deviate by two standard errors."""
    ranks = np.random.default_rng(0).uniform(size=500)
    case = random_configuration(0)
    odd = dataclasses.replace(case, kind=case.kind._replace(B=1))
    z = stats.norm.ppf(ranks) + 2 * (np.arange(500) < 60)
    p = 2 * stats.norm.sf(np.abs(z))
    trials = tuple(Trial(odd if k < 60 else case, z[k], p[k]) for k in range(500))
    found = RandomCheck(trials, seed=0)
    assert found.uniform < 1e-20 and not found.passed
    assert RandomCheck(trials[60:], seed=0).passed


def test_a_fault_in_some_is_caught_one_by_one(plain_sgd, monkeypatch):
    """Label noise left out: of problems with noise alone."""
    monkeypatch.setattr(random_check, "expect", without_noise)
    found = check_random(28)
    assert not found.passed
    failed = [trial.configuration.problem.noise for trial in found.trials if trial.failed]
    assert len(failed) >= 3 and min(failed) > 0


def test_one_configuration_that_fails_fails_the_check(plain_sgd, monkeypatch):
    """It is listed with the p-value of fresh runs, and the command that makes it."""

    def wrong_once(draw, rule, step):
        factor = 1.5 if draw.problem == random_configuration(3).problem else 1.0
        curve = solvable.expect(draw, rule, step)
        return dataclasses.replace(curve, excess=factor * curve.excess)

    monkeypatch.setattr(random_check, "expect", wrong_once)
    found = check_random(7)
    [failure] = found.suspects
    assert failure.failed and not found.passed
    assert found.phases["II"].failures == found.overall.failures == 1
    assert failure.again < LEVEL and failure.again != failure.p_value < LEVEL / 7
    assert str(failure) in str(found) and failure.command in str(found)
    [listed] = found.to_dict()["suspects"]
    assert listed["command"] == failure.command and listed["again"] == failure.again


def test_what_fresh_runs_take_back_is_no_failure():
    case = random_configuration(0)
    luck, fault = Trial(case, 5.0, 1e-7, again=0.3), Trial(case, 5.0, 1e-7, again=1e-3)
    undefined = Trial(case, np.nan, np.nan, again=np.nan)
    assert (luck.failed, fault.failed, undefined.failed) == (False, True, True)
    ranks = (0.55, 0.25, 0.85, 0.05, 0.75, 0.35, 0.95, 0.15)
    uniform = tuple(Trial(case, stats.norm.ppf(u), 1 - abs(2 * u - 1)) for u in ranks)
    assert RandomCheck((*uniform, luck), seed=0).passed
    assert "taken back" in str(RandomCheck((*uniform, luck), seed=0))
    assert not RandomCheck((*uniform, fault), seed=0).passed
    assert not RandomCheck((*uniform, undefined), seed=0).passed


@pytest.mark.parametrize("z", [np.linspace(-0.2, 0.2, 50), np.linspace(0, 2, 50)])
def test_ranks_that_crowd_or_lean_fail_without_a_failure(z):
    """Leaning to one side, two-sided p-values of these would not be far from uniform."""
    case = random_configuration(0)
    found = RandomCheck(tuple(Trial(case, x, 2 * stats.norm.sf(abs(x))) for x in z), seed=0)
    assert not found.passed and not found.suspects and str(found).startswith("FAILED")


# Bad input, and the command line


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_random(0), "`count` must be at least 1, but is 0"),
        (lambda: check_random(2.5), "`count` must be a whole number, but is 2.5"),
        (lambda: check_random(np.inf), "`count` must be a finite number, but is inf"),
        (lambda: check_random(10**9), r"`count` must be at most 1e\+06"),
        (lambda: check_random(1, seed=-1), "`seed` must be at least 0"),
        (lambda: check_random(1, seed=2**32), r"`seed` must be at most 4.29497e\+09"),
        (lambda: random_configuration(-1), "`index` must be at least 0"),
        (lambda: random_configuration(10**400), "`index` must be at most"),
        (lambda: check_configuration(0, attempt=0.5), "`attempt` must be a whole number"),
        (lambda: check_configuration(0, attempt=2**32), "`attempt` must be at most"),
    ],
)
def test_bad_counts_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("value", [None, "3", Decimal(3), 3j, np.array([3]), True])
@pytest.mark.parametrize("name", ["count", "seed", "index", "attempt", "progress"])
def test_what_is_no_number_is_refused(name, value):
    call = {
        "count": lambda: check_random(value),
        "seed": lambda: random_configuration(0, seed=value),
        "index": lambda: random_configuration(value),
        "attempt": lambda: check_configuration(0, attempt=value),
        "progress": lambda: check_random(1, progress=5 if value is True else value),
    }
    with pytest.raises(TypeError, match=f"`{name}` must be"):
        call[name]()


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> tuple[int, str, str]:
        return (cli.run(line.split()), *capsys.readouterr())

    return run


def test_the_command_line(plain_sgd, run, tmp_path):
    code, out, err = run("verify --random 7")
    assert (code, err) == (0, "Saved solvable_verify.png.\n")
    assert (tmp_path / "solvable_verify.png").stat().st_size > 0
    assert all(f"\n {name} " in out for name in (*POINTS, "all"))
    assert "\npassed: 7 random configurations, seed 0" in out
    code, out, err = run("verify --random 7 --json --figure other.svg")
    assert (code, err) == (0, "Saved other.svg.\n")
    expected = check_random(7).to_dict()
    assert json.loads(out) == expected


def test_the_command_line_fails_with_exit_code_1(plain_sgd, run, monkeypatch):
    monkeypatch.setattr(random_check, "expect", without_noise)
    code, out, _ = run("verify --random 14")
    [*_, first] = check_random(14).suspects
    assert code == 1 and "\nFAILED: 14 random" in out
    assert re.search(rf" yes +{re.escape(first.command)} *\n", out)


@pytest.mark.parametrize("line", ["--random 0", "--random 0.5", "--random 1e400", "--random x"])
def test_the_command_line_refuses_bad_counts(run, line):
    code, out, err = run(f"verify {line}")
    assert (code, out) == (2, "") and "--random" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("option", ["--quick", "--all"])
def test_random_comes_without_the_ladder(run, option):
    assert run(f"verify --random 5 {option}") == (
        2,
        "",
        "Error: Give --random N without --quick and --all.\n",
    )


def test_progress_is_shown(plain_sgd, capsys):
    check_random(1, progress=True)
    assert "configurations" in capsys.readouterr().err


def test_the_key_does_not_depend_on_precision(x64):
    trial = random_configuration(4)
    with jax.enable_x64(False):
        other = random_configuration(4).draw().W
    np.testing.assert_array_equal(trial.draw().W, other)
