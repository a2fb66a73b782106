"""Bad input is refused with a message that names the argument, the requirement and the value.

The fields of records have generated tests of their own (util/test_record.py). Here every public
function is called with hostile arguments, and the grammar of the messages is held.
"""

import importlib
import inspect
import logging
import re

import jax
import numpy as np
import pytest

import solvable
from solvable import (
    DANA,
    SGD,
    KernelFeatures,
    LabelMixture,
    Modes,
    Momentum,
    PowerLaw,
    Ridge,
    Runs,
    Spectrum,
    UnstableError,
    asymptotics,
    design,
    dynamics,
    expect,
    models,
    predict,
    rules,
    simulate,
    simulation,
    spectra,
    threshold,
    verify,
)
from solvable.dynamics import expect_ensemble
from solvable.models import Draw
from solvable.models.thresholds import max_learning_rate
from solvable.schedules import Cosine
from tests.hostile import NEVER_A_NUMBER

KEY = jax.random.key(0)
PLRF = PowerLaw(alpha=1.0, beta=0.3, v=20, d=5)
REGRESSION = Spectrum([1.0, 0.5, 0.1], target=[1.0, 1.0, 1.0])
STABLE = SGD(0.1)
DOMAINS = models.Domains(
    eigenvalues=np.ones((2, 3)), target=np.ones((2, 3)), noise=[0.1, 0.1], proportion=[0.5, 0.5]
)
STEP, RISK = [0, 1], [[1.0, 0.5], [1.0, 0.4]]

CALLS = {
    rules.GradientDescent: dict(gamma=0.1),
    predict: dict(problem=REGRESSION, rule=STABLE, steps=10, n=None, ensemble=1, bags=1,
                  terms=False, allow_unstable=False),
    expect: dict(problem=REGRESSION, rule=STABLE, steps=10, n=None, allow_unstable=False),
    simulate: dict(key=KEY, problem=REGRESSION, rule=STABLE, steps=10, seeds=1, n=None, ensemble=1,
                   bags=1, engine="modes", inputs=None, dtype=None, devices=None, cluster=None,
                   progress=False),
    solvable.estimate: dict(problem=REGRESSION, rule=STABLE, steps=10, seeds=1, engine="modes",
                            inputs=None, dtype="float32", devices=None),
    solvable.compare: dict(curve=None, runs=Runs.from_array(STEP, RISK), level=0.05),
    solvable.log_steps: dict(last=10, count=5),
    solvable.phase: dict(alpha=1.0, beta=0.3),
    solvable.exponents: dict(problem=PowerLaw(alpha=1.0, beta=0.3, v=100), rule=STABLE),
    asymptotics.finite_exponents: dict(problem=PLRF),
    solvable.stability: dict(problem=REGRESSION, rule=STABLE, n=None),
    threshold: dict(problem=REGRESSION, rule=STABLE, n=None),
    models.effective_dimension: dict(lam_in=[1.0, 0.5]),
    spectra.effective_ridge: dict(problem=PLRF, ridge=0.1, n=None),
    spectra.degrees_of_freedom: dict(problem=PLRF, ridge=0.1, order=1, n=None),
    spectra.eigenvalue_density: dict(problem=PLRF, lam=[0.1]),
    dynamics.contour_modes: dict(problem=PLRF, rule=STABLE, horizon=10),
    dynamics.expect_domains: dict(domains=DOMAINS, rule=STABLE, steps=10),
    dynamics.expect_ensemble: dict(key=KEY, problem=PLRF, rule=STABLE, steps=10, draws=2),
    design.batch_hessian_rate: dict(key=KEY, problem=REGRESSION, B=1, draws=2),
    design.critical_batch: dict(problem=REGRESSION, target=0.5),
    design.duality: dict(problem=PLRF, size=10),
    design.early_stopping: dict(problem=PLRF, n=10),
    design.equiparameterization: dict(problem=PLRF, product=16.0, ridge=None),
    design.flow_frontier: dict(problem=PLRF, flops=[1e6]),
    design.frontier: dict(family=lambda d: PowerLaw(alpha=1.0, beta=0.7, v=4 * d, d=d),
                          rule=lambda problem: SGD(0.3), flops=[1e6], sizes=None),
    design.learning_rate_map: dict(problem=PLRF, B=[1, 2]),
    design.optimal_proportions: dict(domains=DOMAINS, rule=STABLE, steps=10, domain=0),
    design.optimal_ridge: dict(problem=PLRF, n=10, ensemble=1, bags=1),
    design.optimal_schedule: dict(problem=REGRESSION, steps=10, B=1, method="rule"),
    design.optimal_weights: dict(problem=REGRESSION, steps=10,
                                 mixture=LabelMixture(STABLE, [0.1, 1.0], [0.5, 0.5])),
    design.regime: dict(problem=PLRF, n=None, time=None),
    design.steps_to_target: dict(problem=REGRESSION, target=0.5, B=1),
    design.tune: dict(problem=REGRESSION, rule=SGD, steps=10, low=0.01, high=0.1),
    simulation.simulate_domains: dict(key=KEY, domains=DOMAINS, rule=STABLE, steps=10, seeds=1),
    verify.check_configuration: dict(index=0, seed=0, attempt=0),
    verify.check_random: dict(count=1, seed=0, progress=False),
    verify.climb: dict(quick=True, everything=False, seed=0),
    verify.random_configuration: dict(index=0, seed=0),
    verify.family: dict(alpha=1.0, beta=0.3, d=10, noise=0.0),
    verify.half_trace: dict(problem=PLRF, B=1),
    verify.task: dict(a=2.0, b=1.5, v=10, d=None, noise=0.0),
    # Constructors that are methods.
    SGD.stable: dict(problem=REGRESSION, fraction=0.5, B=1),
    DANA.for_problem: dict(problem=PLRF, kind="decaying", B=1),
    KernelFeatures.hermite: dict(activation="tanh", lam_in=np.ones(40), target=np.ones(40), d=5,
                                 noise=0.0, least_dimension=30.0),
    KernelFeatures.measured: dict(activation="tanh", lam_in=[1.0, 0.5], target=[1.0, 1.0], key=KEY,
                                  d=5, points=16, noise=0.0),
    Runs.from_array: dict(step=STEP, risk=RISK, problem=None, rule=None, noise=0.0),
    PLRF.draw: dict(key=KEY),
}  # fmt: skip
"""Every public function and valid arguments of it; a curve is added when a test runs."""

WRITE_FILES_OR_DRAW = ("solvable.util.", "solvable.sweeps.", "solvable.plot")
ANY_FUNCTION = {"exit_stack"}


def public():
    """Functions of the package and of its rooms."""
    for room in ["solvable", *(f"solvable.{name}" for name in solvable._MODULES)]:
        module = importlib.import_module(room)
        for name in getattr(module, "__all__", []):
            thing = getattr(module, name)
            if inspect.isfunction(thing) and not thing.__module__.startswith(WRITE_FILES_OR_DRAW):
                if not thing.__module__.startswith("solvable.schedules"):
                    yield thing
    yield solvable.log_steps


@pytest.mark.parametrize("function", CALLS, ids=lambda f: f.__qualname__)
def test_hostile_arguments_are_named_before_anything_is_compiled(function, caplog):
    """Whatever is no value of any argument: in a few words, whichever argument it is."""
    arguments = dict(CALLS[function])
    if function is solvable.compare:
        arguments["curve"] = predict(REGRESSION, STABLE, STEP)
    taken = [name for name in inspect.signature(function).parameters if name != "report"]
    assert list(arguments) == taken or set(arguments) == set(taken)
    caplog.clear()
    for name in arguments:
        for what, bad in NEVER_A_NUMBER.items():
            if accepts(function, name, what):
                continue
            with jax.log_compiles(), caplog.at_level(logging.WARNING):
                with pytest.raises((ValueError, TypeError)) as caught:
                    function(**(arguments | {name: bad}))
                    pytest.fail(f"{function.__qualname__}({name}={what}) is accepted")
            message = str(caught.value).split(" Why: ")[0]
            assert f"`{name}" in message, (name, what, message)
            assert len(message) < 400, (name, what, message)
            compiled = [r.getMessage() for r in caplog.records if "ompil" in r.getMessage()]
            assert not compiled, (name, what, compiled)


def accepts(function, name, what):
    """The values that are good for some argument."""
    if (name == "rule" and what == "record") or (name == "key" and what == "key"):
        return True
    if name in ("terms", "allow_unstable", "progress", "quick", "everything"):
        return "truth" in what
    if name == "B" and what in ("infinity", "NumPy infinity"):
        return function is design.steps_to_target
    return name in ("ridge", "risk") and what == "table"


def test_every_public_function_is_called():
    methods = {f for f in CALLS if "." in f.__qualname__}
    assert set(public()) == set(CALLS) - methods


# The grammar of messages


def cases():
    """(name of the argument, call, bad value, requirement): one of each kind of number."""
    problem = lambda **changes: PowerLaw(**(dict(alpha=1.0, beta=0.3, v=20, d=5) | changes))
    yield from [("alpha", problem, bad, "be a positive finite number") for bad in (0, -1e-300)]
    yield from [("beta", problem, bad, "be a finite number") for bad in (np.nan, -np.inf)]
    yield "beta", problem, -1e305, "be at least -1e+300"
    yield from [("noise", problem, bad, "be at least 0") for bad in (-1, -1e-300)]
    yield from [("v", problem, bad, "be at least 1") for bad in (0, -3, 0.0)]
    yield from [("v", problem, bad, "be a whole number") for bad in (20.5, 1e-3)]
    yield from [("v", problem, bad, "be at most 1e+18") for bad in (10**18 + 1, 2e18, 10**30)]
    yield from [
        ("d", lambda d, f=f: f(problem(d=d)), bad, "not exceed v = 20")
        for f in (lambda p: predict(p, STABLE, 10), max_learning_rate)
        for bad in (21, 10**6)
    ]
    for bad in (0, -0.5, np.nan):
        yield "fraction", lambda fraction: SGD.stable(PLRF, fraction), bad, "be a positive finite"
    for run in (predict, expect):
        follow = lambda steps, run=run: run(REGRESSION, STABLE, steps)
        yield "steps", follow, -1, "be at least 0"
        yield "steps", follow, 10.25, "be a whole number"
        yield "steps", follow, 1e16, "be at most 1e+15"


@pytest.mark.parametrize(("name", "call", "bad", "must"), list(cases()))
@pytest.mark.parametrize("kind", [lambda x: x, np.array], ids=["plain", "NumPy"])
def test_numbers_out_of_range(name, call, bad, must, kind):
    with pytest.raises(ValueError) as caught:
        call(**{name: kind(bad) if abs(bad) < 2**63 or isinstance(bad, float) else bad})
    message = str(caught.value)
    # Requirement, value, and sometimes how to mend it.
    assert re.fullmatch(r"Argument `\w+` must [^,`]+, but is [^`]+\.( [A-Z].*\.)?", message)
    assert message.startswith(f"Argument `{name}` must {must}")
    assert f", but is {bad!r}." in message


@pytest.mark.parametrize(
    ("eigenvalues", "target", "fragments"),
    [
        ([1.0, -0.5], [1.0, 1.0], ["`eigenvalues[1]`", "not be negative", "-0.5"]),
        ([1.0, -1e-20], [1.0, 1.0], ["`eigenvalues[1]`", "np.maximum(eigenvalues, 0)"]),
        ([0.0, 0.0], [1.0, 1.0], ["`eigenvalues`", "positive"]),
        ([np.nan, 0.5], [1.0, 1.0], ["`eigenvalues[0]`", "finite", "nan"]),
        ([1.0, 0.5], [1.0, np.nan], ["`target[1]`", "finite", "nan"]),
        ([1.0, 0.5], [1.0], ["`target`", "as many entries as `eigenvalues` (2)", "1"]),
        ([1.0, 0.5], [1.0, 1.0, 1.0], ["`target`", "as many entries as `eigenvalues` (2)", "3"]),
        ([], [], ["`eigenvalues`", "non-empty", "(0,)"]),
        ([[1.0, 0.5]], [1.0, 1.0], ["`eigenvalues`", "one-dimensional", "(1, 2)"]),
        (1.0, [1.0], ["`eigenvalues`", "one-dimensional", "()"]),
    ],
)
def test_spectra(eigenvalues, target, fragments):
    with pytest.raises(ValueError) as caught:
        Spectrum(eigenvalues, target)
    assert all(fragment in str(caught.value) for fragment in fragments)


def test_eigenvalues_of_a_kernel_that_round_below_zero(x64):
    """The message says what to do, and then the problem is that of the positive ones alone."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    eigenvalues = np.linalg.eigvalsh(X @ X.T / 40)[::-1]
    assert eigenvalues.min() < 0 < eigenvalues[2]
    for cls in (Spectrum, KernelFeatures):
        with pytest.raises(ValueError, match="`eigenvalues"):
            cls(eigenvalues=eigenvalues, target=np.ones(40))
    mended = np.where(eigenvalues > 1e-10, eigenvalues, 0.0)
    one = predict(Spectrum(mended, np.ones(40)), SGD(0.1), STEP).excess
    other = predict(Spectrum(eigenvalues[:3], np.ones(3)), SGD(0.1), STEP).excess
    np.testing.assert_allclose(one, other, rtol=1e-13)


@pytest.mark.parametrize(
    ("steps", "fragments"),
    [
        ([], ["non-empty", "(0,)"]),
        ([[0, 1], [2, 3]], ["one-dimensional", "(2, 2)"]),
        ([0, 1, 1], ["strictly increasing", "[1, 1]", "np.unique"]),
        ([0, 5, 3], ["strictly increasing", "[5, 3]", "np.unique"]),
        ([-1, 0], ["between 0 and 1e+15", "-1"]),
        ([0, 0.5], ["whole numbers", "0.5"]),
        ([0.0, np.nan], ["`steps[1]`", "finite", "nan"]),
        ([0, 10**15 + 1], ["between 0 and 1e+15", "1000000000000001"]),
    ],
)
def test_steps(steps, fragments):
    with pytest.raises(ValueError, match=r"Argument `steps") as caught:
        predict(REGRESSION, STABLE, steps)
    assert all(fragment in str(caught.value) for fragment in fragments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: predict(Modes(lam=[0.0], weight=[1.0]), STABLE, 1), "`lam` must have a positive"),
        (lambda: Modes(lam=[1.0, 0.5], weight=[1.0]), r"`weight` must have as many .* `lam` \(2\)"),
        (lambda: predict(Modes(lam=[1j], weight=np.ones(1)), STABLE, 1), "`lam` must be a one-dim"),
        (lambda: predict(Modes(lam=np.ones(1) * 1j, weight=[1.0]), STABLE, 1), "`lam` must be a"),
        (lambda: Draw(problem=PLRF, W=np.ones((3, 5))), "`W` must have one row for each of"),
        (lambda: expect(PLRF, STABLE, [0, 1]), "`problem` must have given features, as"),
        (lambda: design.frontier(PLRF, SGD.stable, [1e9]), "`family` must be a function, but is"),
        (lambda: predict(REGRESSION, STABLE, 10, n=5), "`n` must be None for rules that see fresh"),
        (lambda: predict(REGRESSION, Ridge(), [0.1], terms=True), "`terms` must be left out"),
        (
            lambda: expect_ensemble(KEY, PLRF, SGD(Cosine(0.1, 100)), 10, draws=2),
            "`rule` must be SGD of constant rate",
        ),
        (
            lambda: design.frontier(lambda d: PLRF, lambda _: Momentum(0.01), [1e9]),
            "`family` must return a problem with d = 8",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(call, message):
    with pytest.raises((ValueError, TypeError), match=f"Argument {message}"):
        call()


@pytest.mark.parametrize("key", [jax.random.key(0), jax.random.PRNGKey(0)])
def test_keys_of_both_kinds_are_welcome(key):
    assert simulate(key, REGRESSION, STABLE, 2).risk.shape == (1, 3)


@pytest.mark.parametrize("fraction", [1.0, 1e6])
def test_learning_rates_at_the_threshold_and_above(fraction):
    for problem in (PLRF, REGRESSION):
        rule = SGD.stable(problem, fraction)
        with pytest.raises(UnstableError, match=r"`rule`.* gamma .*learning rate, .* for B = 1"):
            predict(problem, rule, [0, 1])


@pytest.mark.parametrize("number", [int, float, np.int32, np.float64, np.array])
def test_whole_numbers_of_any_type_are_welcome(number):
    assert threshold(PLRF, SGD(0.1, number(2))) == threshold(PLRF, SGD(0.1, 2))
    assert predict(REGRESSION, STABLE, number(2)).step.tolist() == [0, 1, 2]
    assert solvable.log_steps(number(3), number(5)).tolist() == [0, 1, 2, 3]
