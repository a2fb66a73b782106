"""The words of a problem, of its training, of a data set and of a run, each in one place.

The options of the command line, the keys of a sweep file, the names of its cells and the
coordinates of its result are all made from these lists; :mod:`solvable.sweeps.words` makes the
objects that they mean. Nothing heavy is imported here, so that ``solvable --help`` does not wait.
"""

from typing import Any, NamedTuple

PREDICT, EXPECT, SIMULATE, FRONTIER = COMMANDS = ("predict", "expect", "simulate", "frontier")
TRAINED = COMMANDS[:3]
"""The commands that train one problem; a frontier has problems of all sizes."""
SETS = (PREDICT, SIMULATE)
"""The commands that know data sets."""


class Word(NamedTuple):
    """One word."""

    name: str
    kind: str
    """``real``, ``count``, ``choice``, ``flag``, ``class`` (an import path), ``fields`` (a table),
    ``vector``; of a run also ``steps``, ``reals``, ``flops`` and ``seed``."""
    help: str
    default: Any = None
    choices: tuple[str, ...] = ()
    commands: tuple[str, ...] = TRAINED
    """The commands for which it has a meaning."""


SCHEDULES = ("constant", "linear", "cosine", "power", "stable-decay", "halving")

PROBLEM = (
    Word(
        "alpha",
        "real",
        "Capacity exponent: the covariance of x has eigenvalues j^(-2 alpha).",
        commands=COMMANDS,
    ),
    Word(
        "beta",
        "real",
        "Source exponent: the target coefficients are j^(-beta).",
        commands=COMMANDS,
    ),
    Word("noise", "real", "Variance of the label noise.", 0.0, commands=COMMANDS),
    Word("v", "count", "Number of coordinates of x."),
    Word("ratio", "real", "v / d, which gives v.", commands=COMMANDS),
    Word("d", "count", "Number of random features; without it, linear regression on x itself."),
    Word("model", "class", "Or: your own problem; the words above go to its fields of that name."),
    Word("model_fields", "fields", "Its other fields."),
)

TRAINING = (
    Word("gamma", "real", "Learning rate, on the batch mean.", commands=COMMANDS),
    Word(
        "fraction",
        "real",
        "Or: fraction of the largest stable learning rate, by default 0.5.",
        commands=COMMANDS,
    ),
    Word("B", "count", "Batch size.", 1, commands=COMMANDS),
    Word("mu", "real", "Momentum in [0, 1): heavy ball instead of SGD."),
    Word(
        "schedule",
        "choice",
        "How the learning rate falls from its peak to the last step.",
        "constant",
        SCHEDULES,
    ),
    Word("p", "real", "Exponent of the schedule power, (1 - z)^p."),
    Word("warmup", "count", "Steps of a linear rise before the schedule."),
    Word("dana", "choice", "DANA, with the rates of its paper.", choices=("constant", "decaying")),
    Word("ema", "real", "Risk of the moving average of the iterates, with this rho in [0, 1)."),
    Word("tail", "count", "Or: risk of the mean of the iterates from this step on; 0 for all."),
    Word("label_noise", "vector", "Extra label noise of each kind of training sample."),
    Word("label_probability", "vector", "Probability of each kind."),
    Word("label_weight", "vector", "Weight of each kind in the gradient, by default 1."),
    Word("full_batch", "flag", "Every step on all samples of a data set.", False, commands=SETS),
    Word("flow", "flag", "Gradient flow on a data set, at times, no steps.", False, commands=SETS),
    Word("rule", "class", "Or: your own rule; the words above go to its fields of that name."),
    Word("rule_fields", "fields", "Its other fields."),
)

DATA = (
    Word("n", "count", "Samples of the data set; infinitely many by default.", commands=SETS),
    Word("ensemble", "count", "Draws of the features averaged over.", 1, commands=SETS),
    Word("bags", "count", "Data sets averaged over.", 1, commands=SETS),
)

RUN = (
    Word("steps", "steps", "The last step, for about 200 log-spaced ones; or an increasing list."),
    Word("times", "reals", "Of gradient flow: the last time, or a list.", commands=SETS),
    Word("ridge", "reals", "Ridge regression, at these ridges: no steps.", commands=SETS),
    Word("flops", "flops", "Budgets f = d B t.", commands=(FRONTIER,)),
    Word(
        "seeds",
        "count",
        "Number of runs, each with its own draw of the features.",
        1,
        commands=(EXPECT, SIMULATE),
    ),
    Word("seed", "seed", "Seed of the random key.", 0, commands=(EXPECT, SIMULATE)),
    Word(
        "engine",
        "choice",
        "Exact in law, fast; or the literal loop over inputs and features.",
        "modes",
        ("modes", "features"),
        (SIMULATE,),
    ),
    Word(
        "inputs",
        "choice",
        "Law of the inputs; other than gaussian with the engine features, or on a data set.",
        "gaussian",
        ("gaussian", "rademacher", "student-t"),
        (SIMULATE,),
    ),
    Word("dof", "real", "Degrees of freedom of student-t, above 4.", commands=(SIMULATE,)),
    Word(
        "dtype",
        "choice",
        "Precision: float32 by default, float64 on a data set.",
        choices=("float32", "float64"),
        commands=(SIMULATE,),
    ),
)

TABLES = {"problem": PROBLEM, "training": TRAINING, "data": DATA, "run": RUN}
"""The tables of a sweep file, and the groups of options of a command."""

WORDS = {word.name: word for table in TABLES.values() for word in table}

DEFAULTS = {name: word.default for name, word in WORDS.items()}

ALIASES = {
    "gamma": ("lr", "learning_rate", "eta", "rate", "step_size"),
    "B": ("b", "batch", "batch_size", "bs"),
    "mu": ("momentum",),
    "schedule": ("lr_schedule", "decay", "scheduler"),
    "full_batch": ("gd", "gradient_descent"),
    "flow": ("gradient_flow",),
    "n": ("samples", "n_samples", "N", "dataset"),
    "v": ("dim", "dimension", "V"),
    "d": ("features", "width", "D"),
    "steps": ("iterations", "iters", "T", "t"),
    "ridge": ("ridges", "lam", "lambda", "weight_decay"),
    "seeds": ("runs",),
}
"""What others call a word, for hints."""

MAX_SEED = 2**32 - 1
"""JAX takes 32 bits of a seed: a larger one would be another's run."""


def meant(table: str, command: str) -> tuple[Word, ...]:
    """The words of a table that have a meaning for a command."""
    return tuple(word for word in TABLES[table] if command in word.commands)


def alias(name: str) -> str | None:
    """The word for what others call so."""
    return next((word for word, names in ALIASES.items() if name in names), None)
