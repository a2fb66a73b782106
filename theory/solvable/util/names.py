"""What to say when a record is given an argument that it does not have.

People arrive with the names of other libraries: ``lr``, ``batch_size``, ``momentum``. The error
names the argument that is meant here.
"""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from solvable.util.errors import shown

ALIASES = {
    "gamma": ("lr", "learning_rate", "rate", "step_size", "eta"),
    "B": ("batch_size", "batch", "bs", "b"),
    "mu": ("momentum", "beta1"),
    "ema": ("rho", "decay", "ema_decay"),
    "noise": ("sigma2", "variance", "label_noise", "noise_variance", "noise_std", "sigma"),
    "d": ("width", "features", "n_features", "N"),
    "v": ("dim", "dimension", "ambient", "M"),
    "alpha": ("capacity", "a"),
    "beta": ("source",),
    "eigenvalues": ("lam", "spectrum", "eigs", "eigvals"),
    "lam": ("eigenvalues", "spectrum", "eigs", "eigvals"),
    "target": ("b", "coefficients", "w", "theta"),
    "peak": ("lr", "learning_rate", "max_lr", "peak_lr", "gamma"),
    "T": ("steps", "total_steps", "horizon", "num_steps"),
    "steps": ("T", "warmup_steps", "warmup"),
    "weight": ("weights",),
    "probability": ("p", "probabilities"),
    "proportion": ("p", "proportions"),
    "rule": ("sgd", "optimizer"),
}
"""Names that are used elsewhere for an argument of ours."""


def meant(name: str, known: list[str]) -> str | None:
    """The argument among the known ones that a name most likely stands for."""
    for ours in known:
        if name in ALIASES.get(ours, ()):
            return ours
    close = difflib.get_close_matches(name, known, n=1)
    return close[0] if close else None


def check_names(cls: Any, positional: tuple[Any, ...], named: Mapping[str, Any]) -> None:
    """Arguments of the constructor of a record, by their names.

    Raises:
        TypeError: If there is none of that name, or one is given without its name that needs it.
    """
    fields = dataclasses.fields(cls)
    known = [f.name for f in fields]
    by_place = [f.name for f in fields if not f.kw_only]
    every = f"Its arguments are {', '.join(known)}." if known else "It has none."
    if len(positional) > len(by_place):
        extra = shown(positional[len(by_place)])
        if by_place or len(positional) > len(known):
            raise TypeError(f"{cls.__name__} has no place for the argument {extra}. {every}")
        right = ", ".join(map("{}={}".format, known, map(shown, positional)))
        message = f"{cls.__name__} takes its arguments by name, but received {extra} without one."
        raise TypeError(f"{message} Write {cls.__name__}({right}).")
    for name, value in named.items():
        if name not in known:
            ours = meant(name, known)
            fix = f"Take `{ours}`. " if ours else ""
            message = f"{cls.__name__} has no argument `{name}`, but received {shown(value)}."
            raise TypeError(f"{message} {fix}{every}")
