"""The command ``solvable``: the words of the Python API, in a shell.

A command checks where its output goes, computes, saves, and prints, in that order. ``solvable``
imports its own parts on first use, so ``--help`` waits neither for them nor for JAX.
"""

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Group, Parameter

import solvable
from solvable.cli import explore as cli_explore
from solvable.cli import random as cli_random
from solvable.cli import sweep as cli_sweep
from solvable.cli.arguments import (
    DEFAULT_OUTPUT,
    DEFAULT_RULE,
    DEFAULT_TRAINING,
    Count,
    Exact,
    Family,
    Flag,
    Flops,
    Model,
    Output,
    Real,
    Rule,
    Seed,
    Steps,
    Training,
    flops_range,
)
from solvable.cli.output import (
    BAD_USE,
    FAILED,
    INTERRUPTED,
    check_file,
    in_shell_words,
    plain,
    save,
    say,
    show,
    show_json,
    table,
    warn,
)

app = App(
    name="solvable",
    help="Solvable models of neural scaling laws: predict, simulate, verify.",
    group_parameters=Group("Run", sort_key=3),
    print_error=False,
    exit_on_error=False,
    verbose=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

app.command(cli_sweep.app)
app.command(cli_explore.explore)

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
    ]
    title = f"Phase {found.name} at alpha = {alpha}, beta = {beta}, for compute f = d B t"
    show(title, table(["", ""], rows))


@app.command
def predict(
    *,
    model: Model,
    training: Rule = DEFAULT_RULE,
    steps: Steps,
    terms: Flag = False,
    allow_unstable: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> int:
    """Expected risk of a training rule, from theory, at any step up to 1e15.

    Args:
        steps: The last step, for about 200 log-spaced ones; or an increasing list.
        terms: Split the excess risk: capacity, population, distortion, SGD noise.
        allow_unstable: Return the growing curve of an unstable learning rate.
    """
    output.check()
    problem = model.problem()
    options = dict(terms=terms, allow_unstable=allow_unstable)
    curve = solvable.predict(problem, training.rule(problem, steps), steps, **options)
    columns = {"step": curve.step, "risk": curve.risk}
    columns |= {"excess": curve.excess} if model.noise else {}
    columns |= curve.terms or {"flops": curve.flops}
    return output.deliver(curve, str(curve), columns)


@app.command
def simulate(
    *,
    model: Model,
    training: Rule = DEFAULT_RULE,
    steps: Steps,
    seeds: Count = 1,
    engine: Literal["modes", "features"] = "modes",
    inputs: Literal["gaussian", "rademacher", "student-t"] = "gaussian",
    dof: Real | None = None,
    dtype: Literal["float32", "float64"] = "float32",
    seed: Seed = 0,
    output: Output = DEFAULT_OUTPUT,
) -> int:
    """Run SGD itself. Ctrl-C stops it and keeps what was recorded.

    Args:
        steps: The last step, for about 200 log-spaced ones; or an increasing list.
        seeds: Number of independent runs, each with its own draw of the features.
        engine: Exact in law, fast; or the literal loop over inputs and features.
        inputs: Distribution of the inputs; other than gaussian with --engine features.
        dof: Degrees of freedom of student-t, above 4.
        dtype: Precision.
        seed: Seed of the random key.
    """
    output.check()
    import jax

    problem = model.problem()
    sgd = training.rule(problem, steps)
    options = dict(engine=engine, inputs=inputs, dof=dof, dtype=dtype)
    options["progress"] = sys.stderr.isatty()
    runs = solvable.simulate(jax.random.key(seed), problem, sgd, steps, seeds, **options)
    columns = {"step": runs.step, "mean risk": runs.mean}
    if runs.seeds > 1:
        columns |= {"std. error": runs.standard_error, "median": runs.median}
        columns |= {f"{q:.0%} quantile": runs.quantile(q) for q in (0.1, 0.9)}
    status = output.deliver(runs, str(runs), columns)
    if runs.stopped < 0:
        return status
    recorded = f"recorded up to step {runs.step[-1]}"
    return say(f"Interrupted at step {runs.stopped}: {recorded}.", INTERRUPTED)


@app.command
def frontier(
    *,
    family: Family,
    training: Training = DEFAULT_TRAINING,
    flops: Flops | None = None,
    output: Output = DEFAULT_OUTPUT,
) -> int:
    """Compute-optimal size and risk, with local slopes beside the predicted exponents.

    Args:
        flops: Budgets f = d B t: one per decade of a range, by default 1e9:1e20; or a list.
    """
    output.check()
    best = solvable.frontier(family.problem, training.rule, flops or flops_range("1e9:1e20"))
    columns = {"flops": best.flops, "best d": best.d, "excess risk": best.excess}
    slopes = {"risk": best.slope.round(5), "d": best.size_slope.round(5)}
    try:
        limit = solvable.phase(family.alpha, family.beta)
        note = f"Limits: the exponents of phase {limit.name}. Phases assume no noise."
        limits = {"risk": limit.loss_exponent, "d": limit.size_exponent}
    except ValueError as error:
        limit, note, limits = None, f"No phase: {in_shell_words(error)}", {}
    for name, slope in slopes.items():
        columns[f"slope of {name}"] = slope
        if limits:
            columns[f"limit of {name}"] = [limits[name]] * len(slope)
    if best.at_edge.any():
        columns["at edge"] = best.at_edge
        note += "\nAt the edge of the sizes searched the best is no optimum."
    given = family.given | training.given
    heading = "Best size d at compute f = d B t, for "
    heading += ", ".join(f"{name} = {x:g}" for name, x in given.items())
    return output.deliver(best, heading, columns, note, given=given, phase=limit)


@app.command
def verify(
    *,
    quick: Flag = False,
    everything: Annotated[Flag, Parameter(name="--all")] = False,
    random: Count | None = None,
    seed: Seed = 0,
    figure: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> int:
    """Climb from simulation to exponents, one table per rung; exit code 1 if one fails.

    Args:
        quick: Under 30 seconds, and less sharp.
        everything: Also the other training rules: schedules, momentum, averages, mixtures.
        random: Instead, simulate as many random configurations, and test their p-values.
        seed: Seed of the random key.
        figure: By default solvable_verify.png, which is replaced.
        force: Replace the figure if it exists.
        json: Print JSON, alone, on stdout.
    """
    path = figure or Path("solvable_verify.png")
    check_file("--figure", path, (".png", ".pdf", ".svg"), force or figure is None)
    if random is not None:
        if quick or everything:
            raise ValueError("Give --random N without --quick and --all.")
        return cli_random.check_random(random, seed, path, json)
    from solvable import plot
    from solvable.util.files import write_whole
    from solvable.verify import ladder

    def report(rung: Any) -> None:
        title = f"{rung.name}  {rung.title}: {'passed' if rung.passed else 'FAILED'}"
        show(title, table(rung.columns, rung.rows), rung.note)
        slow = {name: x for name, x in rung.series.items() if name[:3] in ("flo", "Ic ", "IVb")}
        if slow:
            show(
                "Slow convergence: slopes by budget",
                table(slow, [*zip(*slow.values(), strict=True)]),
            )

    found = ladder.verify(
        quick=quick, everything=everything, seed=seed, report=None if json else report
    )
    if json:
        show_json(found.to_dict())
    else:
        failed = ", ".join(rung.name for rung in found.rungs if not rung.passed)
        show(f"FAILED: {failed}." if failed else "All rungs passed.")
    with plot.style():
        picture = plot.verification(found)
        status = save(path, lambda path: write_whole(path, picture.savefig))
    return status if found.passed else FAILED


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
            return say(f"{error} See {command} --help.", BAD_USE)
        except (ValueError, TypeError, ArithmeticError) as error:
            return say(in_shell_words(error), BAD_USE)
        except KeyboardInterrupt:
            return say("Interrupted.", INTERRUPTED)
        except (OSError, MemoryError, RuntimeError, ImportError) as error:
            return say(error, FAILED)


def main() -> int:
    """The process: the exit code of its arguments."""
    status = run(sys.argv[1:])
    if status == INTERRUPTED:  # JAX, interrupted as it compiles, crashes in an ordinary exit
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
