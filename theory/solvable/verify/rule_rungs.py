"""Comparisons for every training rule: simulation, expectation, equivalent, exponent."""

from collections.abc import Callable

import jax
import numpy as np
from scipy import stats

from solvable.asymptotics.scaling import exponents
from solvable.design.optimal import tune
from solvable.dynamics.domain_theory import expect_domains
from solvable.dynamics.prediction import expect, predict
from solvable.models.domains import Domains
from solvable.models.power_law import PowerLaw
from solvable.rules.averaging import Averaged
from solvable.rules.labels import LabelMixture
from solvable.rules.momentum import DANA, Momentum
from solvable.rules.rule import Rule
from solvable.rules.sgd import SGD
from solvable.schedules import Cosine, Geometric, Linear, PowerDecay, StableDecay, Warmup
from solvable.simulation.domain_runs import simulate_domains
from solvable.verify.presets import task
from solvable.verify.rungs import LEVEL, OUTCOME, Check, judged, outcome
from solvable.verify.verdict import judge

STEPS = 300
B = 8
NEAR = 0.02
"""How near a slope must be to its exponent, unless it is known to converge slowly."""

FEATURES = PowerLaw(alpha=0.75, beta=0.15, v=96, d=24, noise=0.1)

RULES: dict[str, dict[str, Callable[[float], Rule]]] = {
    "schedules": {
        "linear": lambda g: SGD(Linear(g, STEPS), B),
        "cosine": lambda g: SGD(Cosine(g, STEPS), B),
        "cubic": lambda g: SGD(PowerDecay(g, STEPS, 3), B),
        "stable, linear": lambda g: SGD(StableDecay(g, STEPS), B),
        "stable, 1-sqrt": lambda g: SGD(StableDecay(g, STEPS, 0.2, "1-sqrt"), B),
        "halving": lambda g: SGD(Geometric(g, STEPS), B),
        "warm-up, cosine": lambda g: SGD(Warmup(30, Cosine(g, STEPS - 30)), B),
    },
    "averaging": {
        "EMA 0.95": lambda g: Averaged(SGD(g, B), ema=0.95),
        "tail half": lambda g: Averaged(SGD(g, B), tail=STEPS // 2),
        "all": lambda g: Averaged(SGD(g, B), tail=0),
        "EMA of heavy ball": lambda g: Averaged(Momentum(g / 10, 0.9, B), ema=0.95),
    },
    "momentum": {
        "heavy ball 0.9": lambda g: Momentum(g / 10, 0.9, B),
        "heavy ball, cosine": lambda g: Momentum(Cosine(g / 10, STEPS), 0.9, B),
        "DANA constant": lambda g: DANA.for_problem(FEATURES, "constant", B),
        "DANA decaying": lambda g: DANA.for_problem(FEATURES, "decaying", B),
    },
    "labels": {
        "two kinds": lambda g: LabelMixture(SGD(g, B), [0.05, 2.0], [0.2, 0.8], [1.0, 0.2]),
    },
}
"""Rules as functions of a learning rate, by family and name."""


DOMAINS = (0.5, 1), (0.8, 4)
"""Shares of the first of two domains, and batch sizes."""


def simulated_rung(key: jax.Array, family: str, *, quick: bool) -> Check:
    """Runs of every rule of a family against the exact expectation, in both engines."""
    draw = FEATURES.draw(jax.random.fold_in(key, 0))
    cases = [(name, engine) for name in RULES[family] for engine in ("modes", "features")]
    cases, gamma = cases[:: 3 if quick else 1], 0.25 * SGD.stable(draw, 1.0, B).gamma
    level, rows, holds = LEVEL / len(cases), [], []
    for n, (name, engine) in enumerate(cases):
        rule = RULES[family][name](float(gamma))
        keys = jax.random.split(jax.random.fold_in(key, n + 1))
        seeds = 64 if quick else 256
        verdict = judged(keys, draw, rule, [10, 30, 100, STEPS], seeds, engine, level)
        rows.append((name, engine, *outcome(verdict)))
        holds.append(verdict.agrees)
    return Check(
        name=family,
        title="Runs of the rules against the exact expectation for the same features",
        columns=("rule", "engine", *OUTCOME),
        rows=tuple(rows),
        holds=tuple(holds),
        note=f"{FEATURES}, B = {B}, a quarter of the stable rate, to step {STEPS}.",
    )


def domains_rung(key: jax.Array, *, quick: bool) -> Check:
    """SGD on two domains with one eigenbasis against the exact expectation."""
    j, step, seeds = np.arange(1.0, 25), [10, 30, 100, 150], 500 if quick else 4000
    level, rows, holds = LEVEL / (2 * len(DOMAINS)), [], []
    for n, (share, batch) in enumerate(DOMAINS):
        domains = Domains(
            eigenvalues=[j**-1.5, 0.5 / j],
            target=[j**-0.15, (1 + 0.3 * np.cos(j)) * j**-0.15],
            noise=[0.1, 0.3],
            proportion=[share, 1 - share],
        )
        sgd = SGD(0.12, batch)
        exact = expect_domains(domains, sgd, step).excess
        runs = simulate_domains(jax.random.fold_in(key, n), domains, sgd, step, seeds)
        for k in range(2):
            verdict = judge(runs[:, k] / exact[k] - 1, level)
            z, (below, above) = verdict.z, verdict.critical
            score, limit = max((z.max(), above), (z.min(), -below), key=lambda x: x[0] / x[1])
            found = (seeds, float(score), limit, verdict.p_value, max(verdict.power))
            rows.append((share, batch, k + 1, *found))
            holds.append(verdict.p_value >= level)
    return Check(
        name="domains",
        title="Runs on two domains against the exact expectation in each",
        columns=("share of 1", "B", "domain", *OUTCOME),
        rows=tuple(rows),
        holds=tuple(holds),
        note="24 modes, gamma = 0.12, steps 10 to 150; the shared eigenbasis is all they share.",
    )


def rule_equivalent_rung(key: jax.Array, *, quick: bool) -> Check:
    """The mean over features of the exact expectation against the equivalent, for rules."""
    d, draws, step = 24, 100 if quick else 400, np.array([10, 30, 100, STEPS])
    names = [("schedules", "cosine"), ("momentum", "heavy ball 0.9"), ("averaging", "EMA 0.95")]
    limit = float(stats.norm.isf(LEVEL / (2 * len(names) * step.size)))
    sizes = [PowerLaw(alpha=0.75, beta=0.15, v=4 * n, d=n, noise=0.1) for n in (d, 2 * d)]
    gamma = 0.25 * float(SGD.stable(sizes[1], 1.0, B).gamma)
    rows, holds = [], []
    for n, (family, name) in enumerate(names):
        rule, found = RULES[family][name](gamma), []
        for m, problem in enumerate(sizes):
            keys = jax.random.split(jax.random.fold_in(key, 2 * n + m), draws // (m + 1))
            risk = np.array([expect(problem.draw(k), rule, step).risk for k in keys])
            relative = risk / predict(problem, rule, step).risk - 1
            found.append((relative.mean(0), relative.std(0, ddof=1) / np.sqrt(len(keys))))
        (one, one_error), (two, two_error) = found
        error = np.hypot(one_error, 2 * two_error)
        z = float(np.abs((2 * two - one) / error).max())
        at = int(np.argmax(np.abs(one)))
        row = (name, float(one[at]), float(two[at]), float(two_error[at]), z, limit)
        rows.append((*row, float((limit + 1.28) * error.min())))
        holds.append(z < limit)
    return Check(
        name="rule equivalents",
        title="The mean over features against the deterministic equivalent, for other rules",
        columns=("rule", f"d = {d}", f"d = {2 * d}", "+-", "max |z|", "limit", "power"),
        rows=tuple(rows),
        holds=tuple(holds),
        note=f"Relative deviations, expected to fall like 1/d; z as in rung two. {sizes[0]}.",
    )


def _families(T: int, b: float) -> dict[str, tuple[Callable[[float], Rule], bool]]:
    """Rules by name, of their peak, and whether their slope is known to converge slowly.

    On eigenvalues j^-b the best schedule ends with the power 2b - 1.
    """
    return {
        "constant": (SGD, False),
        "linear": (lambda g: SGD(Linear(g, T)), True),
        "cosine": (lambda g: SGD(Cosine(g, T)), True),
        "power 2b-1": (lambda g: SGD(PowerDecay(g, T, 2 * b - 1)), False),
        "EMA, 8 / T": (lambda g: Averaged(SGD(g), ema=1 - 8 / T), False),
        "tail half": (lambda g: Averaged(SGD(g), tail=T // 2), False),
    }


def horizon_rung(*, quick: bool) -> Check:
    """Slopes of the risk at the horizon, the peak tuned to each, against the exponents."""
    rows, holds = [], []
    horizons = [2**9, 2**10, 2**12, 2**13] if quick else [2**11, 2**12, 2**15, 2**16]
    for a, b in ((3.0, 2.0),) if quick else ((3.0, 2.0), (2.5, 1.5)):
        problem = task(a, b, v=10**7, noise=1.0)
        for name, (_, slow) in _families(64, b).items():
            risk = [tune(problem, _families(T, b)[name][0], T).excess for T in horizons]
            before, slope = np.diff(np.log(risk))[::2] / np.log(2)
            expected = exponents(problem, _families(64, b)[name][0](0.1)).risk
            nearer = abs(slope - expected) < abs(before - expected)
            rows.append((a, b, name, expected, float(before), float(slope), "slow" * slow))
            holds.append(bool(abs(slope - expected) < NEAR or (slow and nearer)))
    return Check(
        name="horizons",
        title="Slopes of the risk against the horizon, peaks tuned, against the exponents",
        columns=("a", "b", "rule", "exponent", "slope before", "slope", ""),
        rows=tuple(rows),
        holds=tuple(holds),
        note="Linear regression on 10^7 modes, a = 2 alpha + 2 beta, b = 2 alpha, noise 1, B = 1; "
        f"local slopes at T = {horizons[0]} and {horizons[2]}. Within {NEAR}, or, where "
        "convergence is slow, nearer than before.",
    )


def climb(key: jax.Array, *, quick: bool) -> list[Callable[[], Check]]:
    """All rungs of this module."""
    keys = jax.random.split(key, len(RULES) + 2)
    named = zip(RULES, keys[2:], strict=True)
    return [
        *(lambda f=family, k=k: simulated_rung(k, f, quick=quick) for family, k in named),
        lambda: domains_rung(keys[0], quick=quick),
        lambda: rule_equivalent_rung(keys[1], quick=quick),
        lambda: horizon_rung(quick=quick),
    ]
