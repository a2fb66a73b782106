"""The command ``solvable``: the words of the Python API, in a shell.

A command checks where its output goes, computes, saves, and prints, in that order. ``solvable``
imports its own parts on first use, so ``--help`` waits neither for them nor for JAX.
"""

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError, UnknownOptionError

import solvable
from solvable.cli import cache
from solvable.cli import explore as cli_explore
from solvable.cli import sweep as cli_sweep
from solvable.cli import verify as cli_verify
from solvable.cli.arguments import (
    DEFAULT_OUTPUT,
    GROUPS,
    Exact,
    Flag,
    Output,
    flops_range,
    given,
    options,
)
from solvable.cli.output import (
    BAD_USE,
    FAILED,
    INTERRUPTED,
    curve_columns,
    in_shell,
    plain,
    runs_columns,
    say,
    show,
    show_json,
    table,
    warn,
)
from solvable.sweeps.schema import COMMANDS, alias

app = App(
    name="solvable",
    help="Solvable models of neural scaling laws: predict, simulate, verify.",
    group_parameters=GROUPS["run"],
    print_error=False,
    exit_on_error=False,
    verbose=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

app.command(cli_sweep.app)
app.command(cli_explore.explore)
app.command(cli_verify.verify)

GREETING = """\
Neural scaling laws: what theory predicts, what SGD does, and do they agree?

  solvable explore           the phases and their curves, in the browser
  solvable phase 1 0.7       the exponents of a point, and what balances
  solvable verify --quick    from simulation to exponents, rung by rung

All commands: solvable --help"""


@app.command
def phase(alpha: Exact, beta: Exact, *, json: Flag = False) -> None:
    """Phase, compute-optimal exponents, and the two terms that balance.

    Args:
        alpha: Capacity exponent, such as 0.7 or 7/10.
        beta: Source exponent.
        json: Print JSON, alone, on stdout.
    """
    from solvable.asymptotics.phases import TERMS

    found = solvable.phase(alpha, beta)
    meaning = {term: TERMS[term] for term in found.terms}
    powers = {name: str(getattr(found, name)) for name in ("loss_exponent", "size_exponent")}
    if json:
        return show_json(plain(found) | {"exact": powers, "meaning": meaning})
    near, (loss, size) = found.boundary, powers.values()
    between = " and ".join(near.between)
    rows = [
        ("best risk", f"f^({loss}) = f^({float(found.loss_exponent):.4f})"),
        ("best size", f"f^({size}) = f^({float(found.size_exponent):.4f})"),
        ("balance", " against ".join(found.terms)),
        *meaning.items(),
        ("status", "proven" if found.proven else "conjecture, as alpha <= 1/4"),
        ("boundary", f"{near.where}, between {between}, {near.distance:.4g} away"),
        *([("note", found.caution)] if found.caution else []),
    ]
    title = f"Phase {found.name} at alpha = {alpha}, beta = {beta}, for compute f = d B t"
    show(title, table(["", ""], rows))


Predict, Expect, Simulate, Frontier = map(options, COMMANDS)
PREDICT, EXPECT, SIMULATE, FRONTIER = Predict(), Expect(), Simulate(), Frontier()
PROBLEM = "--alpha X --beta X --v N [--d N]"


@app.command(usage=f"Usage: solvable predict {PROBLEM} --steps N [OPTIONS]")
def predict(
    *,
    words: Predict = PREDICT,  # ty: ignore[invalid-type-form]
    terms: Flag = False,
    allow_unstable: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> int:
    """Expected risk of a training rule, from theory, at any step up to 1e15.

    Args:
        terms: Split the excess risk: capacity, population, distortion, SGD noise; on a data set
            bias, variance of the features and of the data, label noise.
        allow_unstable: Return the growing curve of an unstable learning rate.
    """
    output.check()
    from solvable.sweeps.words import setup

    problem, rule, x, data = setup(given(words))
    fresh = dict(terms=terms, allow_unstable=allow_unstable) if rule.data == "fresh" else {}
    curve = solvable.predict(problem, rule, x, **data, **fresh)
    return output.deliver(curve, str(curve), curve_columns(curve, terms))


@app.command(usage=f"Usage: solvable expect {PROBLEM} --steps N [OPTIONS]")
def expect(
    *,
    words: Expect = EXPECT,  # ty: ignore[invalid-type-form]
    allow_unstable: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> int:
    """Exact expected risk for given features, by seed: each has its own draw of them.

    Args:
        allow_unstable: Return the growing curve of an unstable learning rate.
    """
    output.check()
    from solvable.sweeps.expectations import expected

    said = given(words)
    runs = expected(said, "follow" if allow_unstable else "raise")
    return output.deliver(runs, str(runs), runs_columns(runs))


@app.command(usage=f"Usage: solvable simulate {PROBLEM} --steps N [OPTIONS]")
def simulate(
    *,
    words: Simulate = SIMULATE,  # ty: ignore[invalid-type-form]
    output: Output = DEFAULT_OUTPUT,
) -> int:
    """Train, and record the risk. Ctrl-C stops it and keeps what was recorded."""
    output.check()
    import jax

    from solvable.sweeps.words import inputs_of, setup

    said = given(words)
    problem, rule, x, data = setup(said)
    how: dict[str, Any] = dict(inputs=inputs_of(said), dtype=said.get("dtype"), **data)
    how |= dict(engine=said["engine"]) if rule.data == "fresh" else {}
    key, how["progress"] = jax.random.key(said["seed"]), sys.stderr.isatty()
    runs = solvable.simulate(key, problem, rule, x, said["seeds"], **how)
    status = output.deliver(runs, str(runs), runs_columns(runs))
    if runs.stopped < 0:
        return status
    recorded = f"recorded up to step {runs.x[-1]}"
    return say(f"Interrupted at step {runs.stopped}: {recorded}.", INTERRUPTED)


@app.command(usage="Usage: solvable frontier --alpha X --beta X [OPTIONS]")
def frontier(
    *,
    words: Frontier = FRONTIER,  # ty: ignore[invalid-type-form]
    output: Output = DEFAULT_OUTPUT,
) -> int:
    """Compute-optimal size and risk, with local slopes beside the predicted exponents.

    Budgets f = d B t are those of --flops: one per decade of a range, by default 1e9:1e20; or a
    list. The ratio v / d is 4 by default if alpha < 1/2, else 100.
    """
    output.check()
    from solvable.sweeps.cells import family
    from solvable.sweeps.words import check_words, rule_of

    said = given(words)
    check_words(said)
    said.setdefault("ratio", 4.0 if said.get("alpha", 1) < 0.5 else 100.0)
    said |= {} if "gamma" in said else {"fraction": said.get("fraction", 0.5)}
    family(said, 8)
    try:
        limit = solvable.phase(said["alpha"], said["beta"])
        note = f"Limits: the exponents of phase {limit.name}. Phases assume no noise."
        limits = {"risk": limit.loss_exponent, "d": limit.size_exponent}
    except ValueError as error:
        limit, note, limits = None, f"No phase: {in_shell(error)}", {}
        if "flops" not in said:
            raise ValueError(f"{note} For rows all the same, give --flops.") from None
    flops = said.pop("flops", None) or flops_range("1e9:1e20")
    best = solvable.design.frontier(
        lambda d: family(said, d), lambda problem: rule_of(said, problem, 1), flops
    )
    columns = {"flops": best.flops, "best d": best.d, "excess risk": best.excess}
    slopes = {"risk": best.slope.round(5), "d": best.size_slope.round(5)}
    for name, slope in slopes.items():
        columns[f"slope of {name}"] = slope
        if limits:
            columns[f"limit of {name}"] = [limits[name]] * len(slope)
    if best.at_edge.any():
        columns["at edge"] = best.at_edge
        note += "\nAt the edge of the sizes searched the best is no optimum."
    heading = "Best size d at compute f = d B t, for "
    heading += ", ".join(f"{name} = {x:g}" for name, x in said.items())
    return output.deliver(best, heading, columns, note, given=said, phase=limit)


def _unknown(error: UnknownOptionError) -> str:
    """An option that is none, with the word for what it means elsewhere."""
    name = str(error.token.keyword or error.token.value).partition("=")[0]
    meant = alias(name.lstrip("-").replace("-", "_"))
    if meant is None:
        return str(error)
    return f"Unknown option: {name}. Did you mean --{meant.replace('_', '-')}?"


def run(tokens: Sequence[str]) -> int:
    """Run a command line; the exit code."""
    with warnings.catch_warnings():
        warnings.showwarning = warn  # ty: ignore[invalid-assignment]
        try:
            if not tokens:
                show(GREETING)
                return 0
            return app(tokens) or 0
        except CycloptsError as error:
            command = " ".join(["solvable", *(error.command_chain or ())])
            text = _unknown(error) if isinstance(error, UnknownOptionError) else str(error)
            return say(f"{text} See {command} --help.", BAD_USE)
        except (ValueError, TypeError, ArithmeticError) as error:
            return say(in_shell(error), BAD_USE)
        except KeyboardInterrupt:
            return say("Interrupted.", INTERRUPTED)
        except (OSError, MemoryError, RuntimeError, ImportError) as error:
            return say(in_shell(error), FAILED)


def main() -> int:
    """The process: the exit code of its arguments."""
    cache.begin()
    status = run(sys.argv[1:])
    if status == INTERRUPTED:  # JAX, interrupted as it compiles, crashes in an ordinary exit
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
