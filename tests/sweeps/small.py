"""Small sweeps, as dictionaries."""

import copy

PREDICT = {
    "compute": "predict",
    "problem": {"alpha": [0.9, 1.0], "beta": 0.3, "d": [40, 50], "ratio": 4},
    "training": {"fraction": 0.5, "B": [1, 4]},
    "run": {"steps": 100},
}
SIMULATE = {
    "compute": "simulate",
    "problem": {"alpha": 1.0, "beta": 0.3, "d": 4, "v": 8},
    "run": {"steps": [0, 10, 100], "seeds": 3},
}
FRONTIER = {
    "compute": "frontier",
    "problem": {"alpha": 1.0, "beta": 0.3, "ratio": 4},
    "run": {"flops": {"start": 1e9, "stop": 1e12, "num": 4, "spacing": "log"}},
}
DATA_SET = {
    "compute": "predict",
    "problem": {"alpha": 1.0, "beta": 0.3, "d": 4, "v": 8, "noise": 0.1},
    "training": {"flow": True},
    "data": {"n": [5, 10, 20]},
    "run": {"times": [0, 1, 100]},
}
TINY = {
    "compute": "simulate",
    "problem": {
        "alpha": [0.75, 1.0],
        "beta": {"start": 0.1, "stop": 0.7, "num": 7},
        "v": 8,
    },
    "training": {"fraction": 0.3, "B": 2},
    "run": {"steps": [0, 5, 20], "seeds": 32},
}
"""14 cells, two in a call; without features, of which every seed would draw its own."""


def changed(base: dict, path: str, value: object) -> dict:
    """A copy with another value; None removes the key."""
    words = copy.deepcopy(base)
    *tables, key = path.split(".")
    table = words
    for name in tables:
        table = table.setdefault(name, {})
    if value is None:
        del table[key]
    else:
        table[key] = value
    return words
