r"""One simulation that is too large, or too long, for one device or one process.

The law is that of the ``modes`` engine. Seeds can be spread over the devices, which never speak
to each other; or the modes: every vector is cut, each device draws the normals of its own modes,
and a step needs a single sum over devices, of the residuals

.. math::
    r = \sum_i g_i \varepsilon_i - \sqrt{P_\infty}\, g', \qquad
    \text{gradient}_i = \lambda_i g_i r.
"""

import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import jax
import numpy as np
from jax import lax
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Float

from solvable.models.problem import Draw, LinearRegression, PowerLaw
from solvable.rules.rule import Rule
from solvable.simulation.checkpoints import Checkpoints, describe
from solvable.simulation.engines import ModesData, ModesEngine
from solvable.simulation.placement import Layout, by_seed, prepare
from solvable.simulation.runs import Runs, finished
from solvable.simulation.stepping import MAX_STEP, checked, chunks, models_of
from solvable.util.checks import check_count, check_key, check_number, check_type
from solvable.util.errors import requirement
from solvable.util.progress import progress_bar
from solvable.util.steps import check_steps
from solvable.util.types import Array

ALONG = ("modes", "seeds")


@dataclass(frozen=True)
class SplitModes(ModesEngine):
    """The ``modes`` engine with every vector cut into equal parts, one for each device.

    Modes that only fill up the last part have eigenvalue and error zero, for ever. Each sample
    has a key of its own, so that what it draws along a mode does not depend on how many follow.
    """

    along: NamedSharding

    def data(self, model: Draw | LinearRegression) -> ModesData:
        """With as many modes as make equal parts."""
        data = super().data(model)
        fill = lambda x: np.pad(x, (0, -x.size % self.along.mesh.size))
        return data._replace(lam=fill(data.lam), start=fill(data.start))

    def normals(self, key, error, B: int, sample) -> tuple[Float[Array, "B d"], Float[Array, " B"]]:
        """Of B samples: along the modes, cut like them; and the one for all that is independent."""
        key, key_independent = jax.random.split(key)
        draw = lambda key: sample(key, error.shape, error.dtype)
        g = lax.with_sharding_constraint(jax.vmap(draw)(jax.random.split(key, B)), self.along)
        return g, sample(key_independent, (B,), error.dtype)


def by_mode(devices: Sequence[jax.Device], seeds: int, shared: bool) -> Layout:
    """A part of the modes of every seed on each device."""
    mesh = Mesh(np.array(devices), ("mode",))
    last_of = lambda ndim: NamedSharding(mesh, PartitionSpec(*(ndim - 1) * [None], "mode"))
    whole, of_model = NamedSharding(mesh, PartitionSpec()), last_of(1 if shared else 2)
    data = ModesData._make([of_model, of_model, whole, whole])
    return Layout(np.arange(seeds), whole, last_of(3), data, whole)


_READINGS = itertools.count()  # JAX knows the moment to stop by a number that only grows


class Agreement:
    """A clock that every process reads alike, and whether one of them is to stop.

    Processes that decided by clocks of their own when to end a chunk would soon wait for each
    other for ever. A first Ctrl-C (SIGINT) waits for the next reading; a second one does not.
    Once ``jax.distributed`` is set up, SIGTERM is a notice that JAX takes, and tells here.
    """

    def __enter__(self) -> Self:
        self.began, self.seconds, self.stop, self._here = time.perf_counter(), 0.0, False, False
        self._handles = threading.current_thread() is threading.main_thread()
        if self._handles:  # Python lets no other thread
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def _interrupt(self, *_: object) -> None:
        self._here = True
        signal.signal(signal.SIGINT, self._before)

    def __exit__(self, *_: object) -> None:
        if self._handles:
            signal.signal(signal.SIGINT, self._before)

    def __call__(self) -> float:
        """Seconds since the start on process 0."""
        here = self._here
        with contextlib.suppress(RuntimeError):  # the user has turned notices off
            here |= multihost_utils.reached_preemption_sync_point(next(_READINGS))
        mine = np.array([time.perf_counter() - self.began, here], np.float32)
        every = multihost_utils.process_allgather(mine)
        self.seconds, self.stop = float(every[0, 0]), bool(every[:, 1].any())
        return self.seconds


def _devices(devices: Sequence[jax.Device] | None) -> list[jax.Device]:
    devices = list(jax.devices() if devices is None else devices)
    if {device.process_index for device in devices} != set(range(jax.process_count())):
        raise requirement("devices", "hold one of every process, at least", devices)
    return devices


def simulate_large(
    key: jax.Array,
    problem: PowerLaw | LinearRegression | Draw,
    sgd: Rule,
    steps: int | Sequence[int] | np.ndarray,
    seeds: int = 1,
    *,
    along: str = "modes",
    devices: Sequence[jax.Device] | None = None,
    checkpoint: str | os.PathLike | None = None,
    every: float = 10.0,
    dtype: str = "float32",
    progress: bool = False,
) -> Runs:
    """:func:`simulate` with the ``modes`` engine, over all devices of all processes.

    In one process there is nothing to set up. In several, each calls
    ``jax.distributed.initialize()`` first and then this function, with the same arguments; each
    gets the same result, and one of them should save it.

    With ``along="seeds"`` the runs are those of :func:`simulate`, up to rounding. With
    ``along="modes"`` they are equal to them in law; they are the same, up to rounding, on any
    number of devices, and the memory of a device falls with it.

    A run with a folder of checkpoints goes on where the last one ends, and then equals the run
    that was never stopped, bit for bit. On Ctrl-C (SIGINT), to whichever process, it writes one
    and returns what is done.

    Args:
        key: A key of :func:`jax.random.key`.
        problem: As for :func:`simulate`; ``v`` at most 10^8 for a :class:`LinearRegression`.
        sgd: The training rule, with a theory: all but :class:`Optimizer`.
        steps: The last step, for about 200 log-spaced steps; or an increasing array of steps.
        seeds: Number of independent runs.
        along: What the devices share out: ``modes`` or ``seeds``.
        devices: Where to run, with one of every process at least; by default everywhere.
        checkpoint: A folder that all processes see, made if there is none; or None.
        every: Minutes between checkpoints, positive. The last two are kept.
        dtype: ``float32`` or ``float64``.
        progress: Show a progress bar on the stderr of process 0.

    Returns:
        :class:`Runs`, with the risk of shape (seeds, steps).

    Raises:
        ValueError: If an argument is out of range, or the folder is damaged or belongs to a run
            with other arguments; the message says which.
        ImportError: If ``checkpoint`` is given and orbax is not installed.
        KeyboardInterrupt: If it comes before anything is recorded.

    Warns:
        DivergenceWarning: If the risk of a seed explodes.

    Example:
        >>> problem = LinearRegression(alpha=1.0, beta=0.3, v=1000)
        >>> runs = simulate_large(jax.random.key(0), problem, SGD(0.1, B=2), [0, 10, 100])
        >>> runs.risk.shape
        (1, 3)
    """
    check_key(key)
    check_type("problem", problem, PowerLaw, LinearRegression, Draw)
    check_count("seeds", seeds)
    check_number("every", every, positive=True)
    if along not in ALONG:
        raise requirement("along", f"be {' or '.join(map(repr, ALONG))}", along)
    step = check_steps(steps, maximum=MAX_STEP)
    law, sample, precision = checked(sgd, "modes", "gaussian", None, dtype)
    devices, seeds, last = _devices(devices), int(seeds), int(step[-1])
    folder: Any = contextlib.nullcontext()
    if checkpoint is not None:
        plain = dict(seeds=seeds, along=along, dtype=dtype)
        description = describe(key, problem, sgd, step, devices, **plain)
        folder = contextlib.closing(Checkpoints(checkpoint, description))
    models, shared, key_samples = models_of(key, problem, seeds)
    layout = by_seed(devices, seeds, shared)
    if along == "modes":
        layout = by_mode(devices, seeds, shared)
        law = SplitModes(NamedSharding(layout.whole.mesh, PartitionSpec(None, "mode")))
    show_here = progress and jax.process_index() == 0
    with (
        jax.enable_x64(dtype == "float64"),
        progress_bar(show_here, last) as show,
        folder as store,
        Agreement() as agreed,
    ):
        arguments = prepare(key_samples, models, shared, sgd, step, law, precision, layout)
        t, done, saved = 0, 0, 0.0
        if store:
            t, found = store.last({name: arguments[name] for name in ("state", "excess")})
            arguments |= found
            done = int(np.searchsorted(step, t, side="right")) if t else 0
        excess = arguments["excess"]
        static: dict[str, Any] = dict(engine=law, sample=sample, B=int(sgd.B))
        run = chunks(arguments, last, size=1, i=done, t=t, clock=agreed, **static)
        for t, done, excess, state in run:  # noqa: B007
            show(t)
            if store and (t == last or agreed.stop or agreed.seconds - saved >= 60 * every):
                store.save(t, dict(state=state, excess=excess))
                saved = agreed.seconds
            if agreed.stop:
                break
        if done == 0:
            raise KeyboardInterrupt
        excess = multihost_utils.process_allgather(excess, tiled=True)[:seeds, :done]
    return finished(
        step=step[:done],
        excess=excess.astype(float),
        engine="modes",
        inputs="gaussian",
        dtype=dtype,
        features="shared" if shared else "own",
        problem=problem.problem if isinstance(problem, Draw) else problem,
        sgd=sgd,
        stopped=t if t < last else -1,
    )
