"""Random configurations: calibrated where theory and simulation agree, caught where they do not."""

import dataclasses
import json
import re
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from scipy import stats

import solvable
from solvable import POINTS
from solvable.cli import main as cli
from solvable.verify import configurations, random_check
from solvable.verify.random_check import LEVEL, RandomCheck, Trial, skewless, verify_configuration

SGD = configurations.Kind(v=64, d=16, B=4)
LITERAL = configurations.Kind(v=64, d=16, B=4, engine="features")


@pytest.fixture
def plain_sgd(monkeypatch):
    """One program to compile."""
    monkeypatch.setattr(configurations, "KINDS", (SGD,))


@pytest.fixture(scope="module")
def checked():
    """Of both engines, four configurations in each phase."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configurations, "KINDS", (SGD, LITERAL))
        yield solvable.verify_random(28, seed=1)


# Agreement


def test_theory_and_simulation_agree(checked):
    assert checked.passed
    assert checked.p_values.shape == (28,)
    assert not checked.suspects
    assert set(checked.phases) == set(POINTS)
    assert all(found.configurations == 4 for found in checked.phases.values())
    assert checked.overall.smallest_p_value == checked.p_values.min() >= LEVEL / 28


@pytest.mark.parametrize("index", [2, 5, 27])
def test_a_configuration_alone_is_that_of_the_batch(checked, index):
    assert verify_configuration(index, seed=1) == checked.trials[index]


def test_the_command_of_a_trial_makes_it(checked, capsys, monkeypatch):
    trial = checked.trials[9]
    before, code, after = trial.command.split('"')
    assert (before, after) == ("python -c ", "")
    exec(code, {})
    assert capsys.readouterr().out == f"{trial}\n"


def test_it_says_what_it_did(checked):
    assert str(checked).startswith("passed: 28 random configurations, seed 1: p-values uniform")
    plain = json.loads(json.dumps(checked.to_dict(), allow_nan=False))
    assert plain["passed"] is True and plain["configurations"] == 28
    assert plain["p_values"] == checked.p_values.tolist()
    assert plain["phases"]["IVb"] == checked.phases["IVb"]._asdict()
    assert plain["suspects"] == []


@pytest.mark.slow
def test_500_configurations_agree():
    found = solvable.verify_random(500)
    assert found.passed, str(found)
    assert all(71 <= row.configurations <= 72 for row in found.phases.values())


# The configurations


@pytest.fixture(scope="module")
def many():
    return [solvable.random_configuration(index, seed=5) for index in range(84)]


def test_every_phase_meets_every_kind(many):
    pairs = {(case.phase, case.kind) for case in many}
    assert len(pairs) == len(POINTS) * len(configurations.KINDS)
    for case in many:
        assert solvable.phase(case.problem.alpha, case.problem.beta).name == case.phase


def test_numbers_are_in_range_and_differ(many):
    noise = [case.problem.noise for case in many]
    assert 0.25 < np.mean(np.array(noise) == 0) < 0.75 and max(noise) <= 1
    assert all(0.05 <= case.fraction <= 0.3 for case in many)
    assert {case.last for case in many} == {16, 32, 64, 128, 256}
    assert len({(case.problem.alpha, case.problem.beta) for case in many}) == len(many)
    for case in many[:5]:
        assert case.step[-1] == case.last and (np.diff(case.step) > 0).all() and case.step[0] > 0


def test_the_seed_determines_them(many):
    again = solvable.random_configuration(7, seed=5)
    assert again == many[7] != solvable.random_configuration(7, seed=6)
    np.testing.assert_array_equal(again.draw().W, many[7].draw().W)


# The statistic


def test_skewness_is_taken_out_to_the_next_order():
    """Exponential scatter, skewness 2: at n = 256 a tail of Student's t is twice too heavy.

    ``skewless`` must be within three standard errors of the nominal rate, and t far beyond.
    """
    rng, draws, level = np.random.default_rng(0), 20_000, 0.005
    x = rng.exponential(size=(draws, 256)) - 1
    low = stats.t.ppf(level, 255)
    error = np.sqrt(level / draws)
    plain = np.mean(stats.ttest_1samp(x, 0, axis=1).statistic < low)
    assert plain > level + 9 * error
    for side in (1, -1):
        assert abs(np.mean(skewless(side * x) < low) - level) < 3 * error


def test_skewless_keeps_the_order_of_far_tails():
    """It is monotone in the deviation, at any skewness."""
    x = np.random.default_rng(1).lognormal(sigma=1.5, size=256)
    z = skewless(x - np.linspace(0, 3 * x.mean(), 50)[:, None])
    assert (np.diff(z) < 0).all()


# Planted faults


def recursion(case_noise=True, samples=1):
    """The expectation of SGD by stepping, with ``B + samples`` in the square of a step.

    Right with one; without its noise if so told.
    """

    def expected(draw, rule, step):
        modes, gamma, B = draw.modes, float(rule.gamma), rule.B
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
    case = solvable.random_configuration(3)
    draw = case.draw()
    rule = case.rule(draw)
    expected = solvable.expect(draw, rule, case.step).excess
    np.testing.assert_allclose(recursion()(draw, rule, case.step).excess, expected, rtol=1e-10)


def faster(draw, rule, step):
    """A learning rate that is off by five per cent."""
    return solvable.expect(draw, dataclasses.replace(rule, gamma=1.05 * rule.gamma), step)


without_noise = recursion(case_noise=False)


@pytest.mark.parametrize(
    ("fault", "count"),
    [(faster, 28), (recursion(samples=0), 70)],
    ids=["rate", "B for B + 1"],
)
def test_a_fault_everywhere_is_caught_by_uniformity(plain_sgd, monkeypatch, fault, count):
    """Even if no configuration shows it alone."""
    monkeypatch.setattr(random_check, "expect", fault)
    found = solvable.verify_random(count)
    assert not found.passed
    assert found.overall.ks_p_value < random_check.UNIFORM


def test_a_fault_in_some_is_caught_one_by_one(plain_sgd, monkeypatch):
    """Label noise left out: of problems with noise alone."""
    monkeypatch.setattr(random_check, "expect", without_noise)
    found = solvable.verify_random(28)
    assert not found.passed
    failed = [trial.configuration.problem.noise for trial in found.trials if trial.failed]
    assert len(failed) >= 3 and min(failed) > 0


def test_one_configuration_that_fails_fails_the_check(plain_sgd, monkeypatch):
    """It is listed with the p-value of fresh runs, and the command that makes it."""

    def wrong_once(draw, rule, step):
        factor = 1.5 if draw.problem == solvable.random_configuration(3).problem else 1.0
        curve = solvable.expect(draw, rule, step)
        return dataclasses.replace(curve, excess=factor * curve.excess)

    monkeypatch.setattr(random_check, "expect", wrong_once)
    found = solvable.verify_random(7)
    [failure] = found.suspects
    assert failure.failed and not found.passed
    assert found.phases["II"].failures == found.overall.failures == 1
    assert failure.again < LEVEL and failure.again != failure.p_value < LEVEL / 7
    assert str(failure) in str(found) and failure.command in str(found)
    [listed] = found.to_dict()["suspects"]
    assert listed["command"] == failure.command and listed["again"] == failure.again


def test_what_fresh_runs_take_back_is_no_failure():
    case = solvable.random_configuration(0)
    luck, fault = Trial(case, 5.0, 1e-7, again=0.3), Trial(case, 5.0, 1e-7, again=1e-3)
    undefined = Trial(case, np.nan, np.nan, again=np.nan)
    assert (luck.failed, fault.failed, undefined.failed) == (False, True, True)
    uniform = tuple(Trial(case, 0.0, p) for p in (0.1, 0.3, 0.5, 0.7, 0.9))
    assert RandomCheck((*uniform, luck), seed=0).passed
    assert "taken back" in str(RandomCheck((*uniform, luck), seed=0))
    assert not RandomCheck((*uniform, fault), seed=0).passed
    assert not RandomCheck((*uniform, undefined), seed=0).passed


def test_values_that_crowd_fail_without_a_failure():
    case = solvable.random_configuration(0)
    found = RandomCheck(tuple(Trial(case, 0.0, p) for p in np.linspace(0.4, 0.6, 50)), seed=0)
    assert not found.passed and not found.suspects and str(found).startswith("FAILED")


# Bad input, and the command line


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (0, "`count` must be at least 1, but is 0"),
        (2.5, "`count` must be a whole number, but is 2.5"),
        (np.inf, "`count` must be a finite number, but is inf"),
    ],
)
def test_bad_counts_are_refused(count, message):
    with pytest.raises(ValueError, match=message):
        solvable.verify_random(count)


def test_bad_seeds_and_indices_are_refused():
    with pytest.raises(ValueError, match="`seed` must be at least 0"):
        solvable.verify_random(1, seed=-1)
    with pytest.raises(ValueError, match="`index` must be at least 0"):
        solvable.random_configuration(-1)
    with pytest.raises(ValueError, match="`attempt` must be a whole number"):
        verify_configuration(0, attempt=0.5)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> tuple[int, str, str]:
        return (cli.run(line.split()), *capsys.readouterr())

    return run


def test_the_command_line(plain_sgd, run, tmp_path):
    code, out, err = run("verify --random 7 --seed 2")
    assert (code, err) == (0, "Saved solvable_verify.png.\n")
    assert (tmp_path / "solvable_verify.png").stat().st_size > 0
    assert all(f"\n {name} " in out for name in (*POINTS, "all"))
    assert "\npassed: 7 random configurations, seed 2" in out
    code, out, err = run("verify --random 7 --seed 2 --json --figure other.svg")
    assert (code, err) == (0, "Saved other.svg.\n")
    expected = solvable.verify_random(7, seed=2).to_dict()
    assert json.loads(out) == expected


def test_the_command_line_fails_with_exit_code_1(plain_sgd, run, monkeypatch):
    monkeypatch.setattr(random_check, "expect", without_noise)
    code, out, _ = run("verify --random 14")
    [*_, first] = solvable.verify_random(14).suspects
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
    solvable.verify_random(1, progress=True)
    assert "configurations" in capsys.readouterr().err


def test_the_key_does_not_depend_on_precision(x64):
    trial = solvable.random_configuration(4)
    with jax.enable_x64(False):
        other = solvable.random_configuration(4).draw().W
    np.testing.assert_array_equal(trial.draw().W, other)
