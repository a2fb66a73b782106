"""The command ``solvable``: the words of the Python API, in a shell.

A command checks where its output goes, computes, saves, and prints, in that order. ``solvable``
imports its own parts on first use, so ``--help`` waits neither for them nor for JAX.
"""

import dataclasses
import json
import math
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Group, Parameter

import solvable

FAILED, BAD_USE, INTERRUPTED = 1, 2, 130
ROWS = 16
"""A table on the screen shows at most this many rows of a result."""
DERIVED = ("flops", "risk", "mean", "standard_error", "diverged")
"""What JSON has of a result beside its fields."""

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
LEARNED = Group("What is learned", sort_key=1)
TRAINED = Group("How: one-pass SGD", sort_key=2)
PRINTED = Group("Output", sort_key=4)

GREETING = """\
solvable: what theory predicts of neural scaling laws, what SGD does, and whether they agree.

  solvable phase 1 0.7
  solvable predict --alpha 1 --beta 0.7 --v 1600 --d 400 --steps 1e9
  solvable verify --quick

All commands: solvable --help"""


# Numbers and options


def _exact(text: str) -> Fraction | float:
    try:
        x = float(text)
        return Fraction(text) if 1e-300 < abs(x) < math.inf else x
    except ValueError:
        pass
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is no number such as 0.7, 7/10 or 1e9.") from None


def _real(text: str) -> float:
    return float(_exact(text))


def _count(text: str) -> int | float:
    x = _exact(text)  # 0.5, NaN and infinity are for the package to refuse
    return int(x) if math.isfinite(x) and x == int(x) else float(x)


def _seed(text: str) -> int:
    x = _count(text)
    if not (isinstance(x, int) and 0 <= x < 2**63):
        raise ValueError(f"{text!r} is no whole number from 0 to 2^63 - 1.")
    return x


def _steps(text: str) -> int | float | list[int | float]:
    return [_count(part) for part in text.split(",")] if "," in text else _count(text)


def _flops(text: str) -> list[float]:
    if ":" not in text:
        return [_real(part) for part in text.split(",")]
    low, high = (_real(part) for part in text.split(":", 1))
    if not 0 < low < high < math.inf:
        raise ValueError(f"{text!r} is no increasing pair such as 1e9:1e20.")
    decades = [low * 10.0**k for k in range(int(math.log10(high / low) + 1e-9) + 1)]
    return decades if math.isclose(decades[-1], high) else [*decades, high]


def _typed(parse: Callable[[str], Any], metavar: str, name: str | None = None) -> Parameter:
    return Parameter(
        name=name,
        converter=lambda _, tokens: parse(tokens[0].value),
        metavar=metavar,
        negative="",
        n_tokens=1,
        allow_leading_hyphen=True,
    )


Exact = Annotated[Fraction, _typed(_exact, "X")]
Real = Annotated[float, _typed(_real, "X")]
Count = Annotated[int, _typed(_count, "N")]
Seed = Annotated[int, _typed(_seed, "N")]
Steps = Annotated[Any, _typed(_steps, "N[,N...]")]
Flops = Annotated[list[float], _typed(_flops, "LOW:HIGH|F[,F...]")]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@dataclass(frozen=True, kw_only=True)
class Data:
    """What the problems of all sizes have in common."""

    alpha: Real
    """Capacity exponent: the covariance of x has eigenvalues j^(-2 alpha)."""
    beta: Real
    """Source exponent: the target coefficients are j^(-beta)."""
    noise: Real = 0.0
    """Variance of the label noise."""


@Parameter(name="*", group=LEARNED)
@dataclass(frozen=True, kw_only=True)
class Model(Data):
    """A problem of one size."""

    v: Count
    """Number of coordinates of x."""
    d: Count | None = None
    """Number of random features, at most v."""
    linear_regression: Flag = False
    """Learn from x itself: no random features, no --d."""

    def problem(self) -> Any:
        """The problem, as the Python API has it."""
        if self.linear_regression == (self.d is not None):
            raise ValueError(
                "Give --d, the number of features, or --linear-regression: one of them."
            )
        data = dict(alpha=self.alpha, beta=self.beta, v=self.v, noise=self.noise)
        if self.linear_regression:
            return solvable.LinearRegression(**data)
        return solvable.PowerLaw(**data, d=self.d)


@Parameter(name="*", group=LEARNED)
@dataclass(frozen=True, kw_only=True)
class Family(Data):
    """A problem of every size."""

    ratio: Real | None = None
    """v / d, by default 4 if alpha < 1/2, else 100."""

    @property
    def given(self) -> dict[str, float]:
        """The data and the ratio."""
        ratio = (4 if self.alpha < 0.5 else 100) if self.ratio is None else self.ratio
        if not 1 <= ratio < math.inf:
            raise ValueError(f"--ratio must be v / d, at least 1, but is {ratio:g}.")
        return dict(alpha=self.alpha, beta=self.beta, noise=self.noise, ratio=ratio)

    def problem(self, d: int) -> Any:
        """The problem with d features."""
        data = self.given
        return solvable.PowerLaw(v=round(data.pop("ratio") * d), d=d, **data)


@Parameter(name="*", group=TRAINED)
@dataclass(frozen=True, kw_only=True)
class Training:
    """The learning rate, given or relative to the largest stable one, and the batch size."""

    gamma: Real | None = None
    """Learning rate, on the batch mean."""
    fraction: Real | None = None
    """Or: fraction of the largest stable learning rate, by default 0.5."""
    B: Annotated[int, _typed(_count, "N", name="--B")] = 1
    """Batch size."""

    @property
    def given(self) -> dict[str, float]:
        """The arguments of SGD, or of SGD.stable."""
        if self.gamma is None:
            return dict(fraction=0.5 if self.fraction is None else self.fraction, B=self.B)
        if self.fraction is not None:
            raise ValueError("Give --gamma or --fraction: one of them.")
        return dict(gamma=self.gamma, B=self.B)

    def rule(self, problem: Any) -> Any:
        """The training rule of a problem."""
        rule = solvable.SGD if self.gamma is not None else partial(solvable.SGD.stable, problem)
        return rule(**self.given)


@Parameter(name="*", group=PRINTED)
@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a result goes."""

    json: Flag = False
    """Print JSON, alone, on stdout."""
    out: Path | None = None
    """Save all numbers to FILE.nc (for solvable.load) or FILE.csv."""
    force: Flag = False
    """Replace the file if it exists."""

    def check(self) -> None:
        """Refuse a bad file, before the computation."""
        if self.out is not None:
            _check_file("--out", self.out, (".nc", ".csv"), self.force)

    def deliver(self, result: Any, heading: str, columns: dict, note: str = "", **also) -> int:
        """Save the result and print it, with what ``also`` belongs to it; the exit code."""
        try:
            write = lambda path: _write(result, path, self.force, also)
            return _save(self.out, write) if self.out else 0
        finally:  # whatever became of the file, the numbers are shown
            if self.json:
                _print_json(_plain(result) | also)
            else:
                rows = list(zip(*columns.values(), strict=True))
                last, n = len(rows) - 1, min(len(rows), ROWS)
                shown = [rows[round(k * last / max(n - 1, 1))] for k in range(n)]
                _print(heading, _table(columns, shown), note)


DEFAULT_TRAINING, DEFAULT_OUTPUT = Training(), Output()


# Commands


@app.command
def phase(alpha: Exact, beta: Exact, *, json: Flag = False) -> None:
    """Phase, compute-optimal exponents, and the two terms that balance.

    Args:
        alpha: Capacity exponent, such as 0.7 or 7/10.
        beta: Source exponent.
        json: Print JSON, alone, on stdout.
    """
    from solvable.phases import TERMS

    found = solvable.phase(alpha, beta)
    meaning = {term: TERMS[term] for term in found.terms}
    powers = {name: str(getattr(found, name)) for name in ("loss_exponent", "size_exponent")}
    if json:
        return _print_json(_plain(found) | {"exact": powers, "meaning": meaning})
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
    _print(title, _table(["", ""], rows))


@app.command
def predict(
    *,
    model: Model,
    training: Training = DEFAULT_TRAINING,
    steps: Steps,
    terms: Flag = False,
    allow_unstable: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> int:
    """Expected risk of SGD, from theory, at any step up to 1e15.

    Args:
        steps: The last step, for about 200 log-spaced ones; or an increasing list.
        terms: Split the excess risk: capacity, population, distortion, SGD noise.
        allow_unstable: Return the growing curve of an unstable learning rate.
    """
    output.check()
    problem = model.problem()
    options = dict(terms=terms, allow_unstable=allow_unstable)
    curve = solvable.predict(problem, training.rule(problem), steps, **options)
    columns = {"step": curve.step, "risk": curve.risk}
    columns |= {"excess": curve.excess} if model.noise else {}
    columns |= curve.terms or {"flops": curve.flops}
    return output.deliver(curve, str(curve), columns)


@app.command
def simulate(
    *,
    model: Model,
    training: Training = DEFAULT_TRAINING,
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
    sgd = training.rule(problem)
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
    return _say(f"Interrupted at step {runs.stopped}: {recorded}.", INTERRUPTED)


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
    best = solvable.frontier(family.problem, training.rule, flops or _flops("1e9:1e20"))
    columns = {"flops": best.flops, "best d": best.d, "excess risk": best.excess}
    slopes = {"risk": best.slope.round(5), "d": best.size_slope.round(5)}
    try:
        limit = solvable.phase(family.alpha, family.beta)
        note = f"Limits: the exponents of phase {limit.name}. Phases assume no noise."
        limits = {"risk": limit.loss_exponent, "d": limit.size_exponent}
    except ValueError as error:
        limit, note, limits = None, f"No phase: {_in_shell_words(error)}", {}
    for name, slope in slopes.items():
        columns[f"slope of {name}"] = slope
        if limits:
            columns[f"limit of {name}"] = [limits[name]] * len(slope)
    if best.at_edge.any():
        columns["at edge"] = best.at_edge
        note += " At the edge of the sizes searched the best is no optimum."
    given = family.given | training.given
    heading = "Best size d at compute f = d B t, for "
    heading += ", ".join(f"{name} = {x:g}" for name, x in given.items())
    return output.deliver(best, heading, columns, note, given=given, phase=limit)


@app.command
def verify(
    *,
    quick: Flag = False,
    everything: Annotated[Flag, Parameter(name="--all")] = False,
    seed: Seed = 0,
    figure: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> int:
    """Climb from simulation to exponents, one table per rung; exit code 1 if one fails.

    Args:
        quick: Under 30 seconds, and less sharp.
        everything: All models. For now there is one, and this changes nothing.
        seed: Seed of the random key.
        figure: By default solvable_verify.png, which is replaced.
        force: Replace the figure if it exists.
        json: Print JSON, alone, on stdout.
    """
    path = figure or Path("solvable_verify.png")
    _check_file("--figure", path, (".png", ".pdf", ".svg"), force or figure is None)
    from solvable import ladder, plot
    from solvable.results import write_whole

    def report(rung: Any) -> None:
        title = f"{rung.name}  {rung.title}: {'passed' if rung.passed else 'FAILED'}"
        _print(title, _table(rung.columns, rung.rows), rung.note)

    found = ladder.verify(quick=quick, seed=seed, report=None if json else report)
    if json:
        _print_json(found.to_dict())
    else:
        failed = ", ".join(rung.name for rung in found.rungs if not rung.passed)
        _print(f"FAILED: {failed}." if failed else "All rungs passed.")
    with plot.style():
        picture = plot.verification(found)
        status = _save(path, lambda path: write_whole(path, picture.savefig))
    return status if found.passed else FAILED


# Files, tables and messages


def _check_file(option: str, path: Path, kinds: Sequence[str], force: bool) -> None:
    """Refuse a file that cannot be written, before the computation."""
    from solvable.results import check_output

    if path.suffix not in kinds:
        raise ValueError(f"{option} must end in {' or '.join(kinds)}, but is {str(path)!r}.")
    try:
        check_output(path, force)
    except OSError as error:
        raise ValueError(str(error).replace("Argument `path`", option)) from None


def _save(path: Path, write: Callable[[Path], None]) -> int:
    """Let ``write`` fill the file, or a copy elsewhere if it cannot; the exit code."""
    try:
        write(path)
    except Exception as error:
        copy = Path(tempfile.mkdtemp(prefix="solvable-")) / path.name
        write(copy)
        return _say(f"Could not write {path}: {error}. Saved {copy} instead.", FAILED)
    return _say(f"Saved {path}.")


def _write(result: Any, path: Path, force: bool, also: dict[str, Any]) -> None:
    """Write netCDF, or CSV: a long table below comments with everything that is no column."""
    from solvable.results import check_output, write_whole

    if path.suffix == ".nc":
        return result.save(path, force)
    data = result.to_xarray()
    dims = data.excess.dims
    for name in ("flops", "risk"):
        if name not in data and hasattr(result, name):
            data[name] = dims, getattr(result, name)
    comments = data.attrs | {name: json.dumps(_plain(x)) for name, x in also.items()}

    def write(name: str) -> None:
        with open(name, "w", newline="") as file:
            file.writelines(f"# {key}: {value}\n" for key, value in comments.items())
            data.to_dataframe(dim_order=dims).to_csv(file)

    write_whole(check_output(path, force), write)


def _plain(x: Any) -> Any:
    """Anything as what JSON holds: numbers with all digits, NaN as null, infinity as "inf"."""
    if dataclasses.is_dataclass(x):
        fields = (f.name for f in dataclasses.fields(x))
        named = {name: getattr(x, name) for name in (*fields, *DERIVED) if hasattr(x, name)}
        named = {name: value for name, value in named.items() if value is not None}
        return {"type": type(x).__name__} | _plain(named)
    if isinstance(x, dict):
        return {str(key): _plain(value) for key, value in x.items()}
    if hasattr(x, "_asdict"):
        return _plain(x._asdict())
    if hasattr(x, "tolist"):
        return _plain(x.tolist())
    if isinstance(x, (list, tuple)):
        return [_plain(value) for value in x]
    if isinstance(x, (Fraction, float)):
        return float(x) if math.isfinite(x) else None if math.isnan(x) else str(x)
    return x


def _cell(x: Any) -> str:
    x = x.item() if hasattr(x, "item") else x
    if isinstance(x, bool):
        return "yes" if x else "no"
    exact = isinstance(x, str) or (isinstance(x, int) and abs(x) < 10**7)
    return "" if x is None else str(x) if exact else f"{x:.4g}"


def _table(columns: Iterable[str], rows: Sequence[Sequence[Any]]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.show_header = any(columns)
    table.padding = (0, 1 if len(rows[0]) < 10 else 0)
    for name, x in zip(columns, rows[0], strict=True):
        justify = "left" if isinstance(x, str) else "right"
        table.add_column("\n".join(name.rsplit(" ", 1)), justify=justify)
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def _print(*parts: Any) -> None:
    """Texts wrap at the width of the terminal; tables are as wide as they are."""
    from rich.console import Console

    for part in filter(None, parts):
        wide = None if isinstance(part, str) else 200
        Console(markup=False, emoji=False, highlight=False, width=wide).print(part)


def _print_json(x: Any) -> None:
    """One line per field."""
    from rich.console import Console

    lines = (f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in _plain(x).items())
    Console().out("{" + ",\n ".join(lines) + "}", highlight=False)


def _say(message: object, status: int = 0) -> int:
    """One line on stderr; the exit code."""
    prefix = "Error: " if status in (FAILED, BAD_USE) else ""
    sys.stderr.write(f"{prefix}{' '.join(str(message).split())}\n")
    return status


SHELL_WORDS = (
    (r"Argument `(sgd|rule)` must (have|give) gamma", "--gamma must be"),
    (r"but (gamma is|gives)", "but is"),
    (r"SGD\.stable\(problem, fraction, B\)", "--fraction 0.5"),
    (r"Pass np\.unique\(steps\)", "Sort them"),
    (r"See Runs\.diverged", "--json lists them"),
    (r"Fraction\((-?\d+), 1\)", r"\1"),
    (r"Fraction\((-?\d+), (\d+)\)", r"\1/\2"),
    (r"(\w+)=True", r"--\1"),
    (r"(\w+)='([\w-]+)'", r"--\1 \2"),
    (r"(Arguments? )?`(\w+)`", r"--\2"),
    (r"--allow_unstable", "--allow-unstable"),
)


def _in_shell_words(message: object) -> str:
    """A message of the package, in the words of the command line."""
    text = str(message)
    for pattern, words in SHELL_WORDS:
        text = re.sub(pattern, words, text)
    return text


def _warn(message: object, *_: Any) -> None:
    _say(f"Warning: {_in_shell_words(message)}")


def run(tokens: Sequence[str]) -> int:
    """Run a command line; the exit code."""
    with warnings.catch_warnings():
        warnings.showwarning = _warn  # ty: ignore[invalid-assignment]
        try:
            if not tokens:
                _print(GREETING)
                return 0
            return app(tokens) or 0
        except CycloptsError as error:
            command = " ".join(["solvable", *(error.command_chain or ())])
            return _say(f"{error} See {command} --help.", BAD_USE)
        except (ValueError, TypeError, ArithmeticError) as error:
            return _say(_in_shell_words(error), BAD_USE)
        except KeyboardInterrupt:
            return _say("Interrupted.", INTERRUPTED)
        except (OSError, MemoryError, RuntimeError) as error:
            return _say(error, FAILED)


def main() -> int:
    """The process: the exit code of its arguments."""
    status = run(sys.argv[1:])
    if status == INTERRUPTED:  # JAX, interrupted as it compiles, crashes in an ordinary exit
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
