"""Values that no number is, and examples of every record: what generated tests feed and expect."""

import datetime
from decimal import Decimal
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import optax

from solvable import SGD, PowerLaw, inputs, models, rules, schedules, simulation

HUGE = 10**400

NEVER_A_NUMBER = {
    "text": "1.0",
    "bytes": b"1",
    "truth": True,
    "NumPy truth": np.bool_(True),
    "JAX truth": jnp.array(True),
    "complex": 1j,
    "NumPy complex": np.complex128(1),
    "JAX complex": jnp.complex64(1),
    "list of text": ["1.0"],
    "dict": {},
    "set": {1.0},
    "object": object(),
    "Decimal": Decimal("1"),
    "Decimal NaN": Decimal("NaN"),
    "masked": np.ma.masked,
    "masked array": np.ma.array(1.0, mask=True),
    "date": np.datetime64("2020-01-01"),
    "nanoseconds": np.timedelta64(5, "ns"),
    "datetime": datetime.datetime(2020, 1, 1),
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": -float("inf"),
    "NumPy NaN": np.float32("nan"),
    "JAX NaN": jnp.float32("nan"),
    "NumPy infinity": np.array(np.inf),
    "huge": HUGE,
    "huge fraction": Fraction(HUGE, 3),
    "table": np.ones((2, 2)),
    "empty": np.array([]),
    "empty complex": np.array([], complex),
    "record": SGD(0.25),
    "key": jax.random.key(0),
}
"""Of no kind of number, and of no kind of array of numbers either."""

ARRAYS = {"one": [1.0], "tuple": (1.0,), "array": np.ones(2), "JAX array": jnp.ones(2)}

NO_VECTOR = {
    "number": 1.0,
    "NumPy number": np.array(1.0),
    "list with NaN": [1.0, float("nan")],
    "list with infinity": [1.0, np.inf],
    "list with text": [1.0, "x"],
    "list with complex": [1.0, 1j],
    "list with truth": [1.0, True],
    "list with masked": [1.0, np.ma.masked],
    "list with None": [1.0, None],
    "list with object": [1.0, object()],
    "list with huge": [1.0, HUGE],
    "list with Decimal": [1.0, Decimal("NaN")],
    "dates": np.array(["2020-01-01"], "datetime64[D]"),
    "masked entries": np.ma.array([1.0, 2.0], mask=[False, True]),
    "ragged": [[1.0], [1.0, 2.0]],
    "JAX array with NaN": jnp.array([1.0, jnp.nan]),
    "bytearray": bytearray(b"12"),
}

WORDS = {"banana": "banana", "number": 1, "bytes": b"modes", "list": ["modes"], "None": None}

BAD = {
    "number": NEVER_A_NUMBER | ARRAYS,
    "count": NEVER_A_NUMBER
    | ARRAYS
    | {"half": 2.5, "JAX half": jnp.float32(2.5), "negative": -1, "JAX negative": jnp.int32(-5)},
    "vector": NEVER_A_NUMBER | NO_VECTOR,
    "rate": NEVER_A_NUMBER
    | {"negative": -0.5, "JAX negative": jnp.float32(-0.1), "negative list": [0.1, -0.1]}
    | {name: bad for name, bad in NO_VECTOR.items() if "number" not in name},
    "table": NEVER_A_NUMBER | NO_VECTOR | ARRAYS,
    "nodes": NEVER_A_NUMBER | NO_VECTOR,
    "matrix": NEVER_A_NUMBER | NO_VECTOR | ARRAYS | {"other shape": np.ones((2, 3))},
    "choice": WORDS,
    "flag": {"one": 1, "text": "True", "None": None, "array": np.array([True])},
    "rule": {"number": 0.1, "None": None, "class": SGD, "problem": PowerLaw(alpha=1, beta=1, v=2)},
    "problem": {"number": 0.1, "None": None, "class": PowerLaw, "rule": SGD(0.25)},
    "schedule": {"number": 0.1, "None": None, "text": "cosine", "list": [0.1]},
    "activation": {"number": 3, "None": None, "text": "banana", "sum": jnp.sum},
    "transformation": {"number": 3, "None": None, "rule": SGD(0.25)},
    "path": {"number": 3, "object": object(), "list": ["a"]},
}  # fmt: skip
"""Bad values of a field, by the kind that it declares."""

DRAWN = PowerLaw(alpha=1.0, beta=0.25, v=4, d=2)
TWO = np.array([1.0, 0.5])

EXAMPLES = {
    models.PowerLaw: dict(alpha=1.0, beta=0.25, v=8, d=4, noise=0.5),
    models.Spectrum: dict(eigenvalues=TWO, target=TWO, d=2, noise=0.5, multiplicity=[1.0, 2.0]),
    models.KernelFeatures: dict(
        eigenvalues=TWO, target=TWO, d=2, nugget=0.5, floor=0.25, noise=0.5
    ),
    models.NonlinearFeatures: dict(
        activation="relu", lam_in=TWO, target=TWO, d=2, noise=0.5, points=16
    ),
    models.Modes: dict(lam=TWO, weight=TWO, multiplicity=TWO, floor=0.25, noise=0.5),
    models.Draw: dict(problem=DRAWN, W=np.ones((4, 2))),
    models.Domains: dict(
        eigenvalues=np.ones((2, 3)), target=np.ones((2, 3)), noise=TWO, proportion=[0.5, 0.5]
    ),
    rules.SGD: dict(gamma=0.25, B=2),
    rules.Momentum: dict(gamma=0.25, mu=0.5, B=2),
    rules.ThreeRates: dict(Delta=0.5, gamma1=1.0, gamma2=0.25, gamma3=0.5, B=2),
    rules.DANA: dict(gamma2=0.25, gamma3=0.5, delta=5.0, decay=0.5, B=2),
    rules.Averaged: dict(rule=SGD(0.25), ema=0.5),
    rules.LabelMixture: dict(rule=SGD(0.25), noise=TWO, probability=[0.5, 0.5], weight=[1.0, 0.5]),
    rules.FullBatch: dict(rule=SGD(0.25)),
    rules.Optimizer: dict(transformation=optax.sgd(0.25), B=2),
    schedules.Constant: dict(peak=0.25, T=8),
    schedules.Schedule: dict(peak=0.25, T=8),
    schedules.PowerDecay: dict(peak=0.25, T=8, p=2.0),
    schedules.Cosine: dict(peak=0.25, T=8),
    schedules.StableDecay: dict(peak=0.25, T=8, fraction=0.25, cooldown="1-sqrt"),
    schedules.Geometric: dict(peak=0.25, T=8, stages=2),
    schedules.Warmup: dict(steps=2, schedule=schedules.Constant(0.25, 8)),
    inputs.StudentT: dict(dof=5.0),
    simulation.Cluster: dict(along="seeds", checkpoint="folder", every=0.5),
}
"""A valid one of every record with fields; the numbers are exact in every precision."""
