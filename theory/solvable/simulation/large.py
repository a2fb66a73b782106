r"""One simulation that is too large, or too long, for one device or one process.

The law is that of the ``modes`` engine. Seeds can be spread over the devices, which never speak
to each other; or the modes: every vector is cut, each device draws the normals of its own modes,
and a step needs a single sum over devices, of the residuals

.. math::
    r = \sum_i g_i \varepsilon_i - \sqrt{P_\infty}\, g', \qquad
    \text{gradient}_i = \lambda_i g_i r.

Derived in the documents: theory/random_features.
"""

import contextlib
import hashlib
import itertools
import json
import signal
import sys
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

from solvable.inputs import Gaussian
from solvable.models.problem import Problem
from solvable.rules.rule import Rule
from solvable.simulation.checkpoints import Checkpoints, describe
from solvable.simulation.cluster import Cluster
from solvable.simulation.engines import ModesData, ModesEngine
from solvable.simulation.interrupts import is_second
from solvable.simulation.loop import State, check_recorded, title
from solvable.simulation.needs import check_fits, needs
from solvable.simulation.one_pass import check_setting, chunks, models_of
from solvable.simulation.placement import Layout, by_seed, devices_of, prepare
from solvable.simulation.runs import Runs, described_key, finished, without_draw
from solvable.util.errors import requirement
from solvable.util.progress import progress_bar
from solvable.util.types import Array


@dataclass(frozen=True)
class SplitModes(ModesEngine):
    """The ``modes`` engine with every vector cut into equal parts, one for each device.

    Modes that only fill up the last part have eigenvalue and error zero, for ever. Each sample
    has a key of its own, so that what it draws along a mode does not depend on how many follow.
    """

    along: NamedSharding

    def data(self, model: Problem) -> ModesData:
        """Modes filled up to as many as make equal parts."""
        data = super().data(model)
        fill = lambda x: np.pad(x, (0, -x.size % self.along.mesh.size))
        return data._replace(lam=fill(data.lam), start=fill(data.start))

    def normals(self, key, error, B: int, sample) -> tuple[Float[Array, "B d"], Float[Array, " B"]]:
        """Normals of B samples: along the modes, cut like them; one for all that is independent."""
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

SILENCE = 30.0
"""Seconds without a reading of the clock after which it is said that a process may have ended."""


class Agreement:
    """A clock that every process reads alike, and whether one of them is to stop.

    Processes that decided by clocks of their own when to end a chunk would soon wait for each
    other for ever. A first Ctrl-C (SIGINT) waits for the next reading; a second one does not.
    Once ``jax.distributed`` is set up, SIGTERM is a notice that JAX takes, and tells here.

    If another process is killed, the wait for it cannot be ended from Python: JAX ends this
    process too, from within. So what to do is said before, on stderr.
    """

    def __init__(self, cure: str) -> None:
        self.seconds, self.stop, self._here, self._cure = 0.0, False, False, cure
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        self.began = time.perf_counter()
        self._handles = threading.current_thread() is threading.main_thread()
        if self._handles:  # Python lets no other thread
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def _interrupt(self, *_: object) -> None:
        self._here = True
        signal.signal(signal.SIGINT, self._before)
        if is_second():
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        self._watch(False)
        if self._handles:
            signal.signal(signal.SIGINT, self._before)

    def _watch(self, on: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if on:
            self._timer = threading.Timer(SILENCE, self._say)
            self._timer.daemon = True
            self._timer.start()

    def _say(self) -> None:
        sys.stderr.write(
            f"No word from another process for {SILENCE:g} s. If one of them has ended, JAX ends "
            f"this one too when it misses its heartbeats. Then {self._cure}\n"
        )
        sys.stderr.flush()

    def __call__(self) -> float:
        """Seconds since the start on process 0."""
        here = self._here
        with contextlib.suppress(RuntimeError):  # the user has turned notices off
            here |= multihost_utils.reached_preemption_sync_point(next(_READINGS))
        mine = np.array([time.perf_counter() - self.began, here], np.float32)
        every = multihost_utils.process_allgather(mine)
        self._watch(jax.process_count() > 1)
        self.seconds, self.stop = float(every[0, 0]), bool(every[:, 1].any())
        return self.seconds


def _cure(cluster: Cluster) -> str:
    if cluster.checkpoint is None:
        return "start all of them again; with Cluster(checkpoint=...) they need not begin anew."
    again = "start all of them again with the same arguments: they go on from the last checkpoint"
    return f"{again} in {cluster.checkpoint}."


def _devices(devices: Any) -> list[jax.Device]:
    devices = jax.devices() if devices is None else devices_of(devices)
    if {device.process_index for device in devices} != set(range(jax.process_count())):
        raise requirement("devices", "hold one of every process, at least", devices)
    return devices


def _check_alike(description: dict[str, str]) -> None:
    """Processes with different arguments would wait for each other for ever."""
    text = json.dumps(description, sort_keys=True).encode()
    mine = np.frombuffer(hashlib.sha256(text).digest(), np.uint8)
    if (multihost_utils.process_allgather(mine) != mine).any():
        raise requirement(
            "cluster", "be used with the same arguments in every process", description
        )


def run(
    key: jax.Array,
    problem: Problem,
    rule: Rule,
    steps: Any,
    seeds: int,
    *,
    cluster: Cluster,
    dtype: str,
    devices: Any,
    progress: bool,
) -> Runs:
    """Runs of the ``modes`` engine over all devices of all processes: see :class:`Cluster`.

    Along seeds they are those of one process, up to rounding. Along modes they are equal to them in
    law; they are the same, up to rounding, on any number of devices, and the memory of a device
    falls with it. On Ctrl-C (SIGINT), to whichever process, a checkpoint is written and what is
    done returned.

    Raises:
        ValueError: If the folder is damaged, in use, or not that of a run with these arguments.
        ImportError: If a checkpoint is wanted and orbax is not installed.
        KeyboardInterrupt: If it comes before anything is recorded.
    """
    step = check_recorded(steps)
    law, sample, precision = check_setting(rule, "modes", Gaussian(), dtype)
    devices, last = _devices(devices), int(step[-1])
    check_fits(needs(problem, rule, step.size, seeds, (law, sample, precision)), devices)
    plain = dict(seeds=seeds, along=cluster.along, dtype=dtype)
    description = describe(key, problem, rule, step, devices, **plain)
    _check_alike(description)
    models, shared, key_samples = models_of(key, problem, seeds)
    layout = by_seed(devices, seeds, shared)
    if cluster.along == "modes":
        layout = by_mode(devices, seeds, shared)
        law = SplitModes(NamedSharding(layout.whole.mesh, PartitionSpec(None, "mode")))
    folder: Any = contextlib.nullcontext()
    if cluster.checkpoint is not None:
        folder = contextlib.closing(Checkpoints(cluster.checkpoint, description))
    bar = progress_bar(progress and jax.process_index() == 0, last, what=title(rule))
    with (
        folder as store,
        jax.enable_x64(dtype == "float64"),
        bar as show,
        Agreement(_cure(cluster)) as agreed,
    ):
        prepared = prepare(key_samples, models, rule, step, (law, sample, precision), layout)
        state, saved = prepared.state, 0.0
        if store:
            like = dict(state=state.memory, excess=state.found)
            t, found = store.last(like)
            done = int(np.searchsorted(step, t, side="right")) if t else 0
            state = State(found["state"], found["excess"], np.int32(done), np.int32(t))
            prepared = prepared._replace(state=state)
        for state in chunks(prepared, last, size=1, clock=agreed):
            t = int(state.t)
            show(t)
            if store and (t == last or agreed.stop or agreed.seconds - saved >= 60 * cluster.every):
                store.save(t, dict(state=state.memory, excess=state.found))
                saved = agreed.seconds
            if agreed.stop:
                break
        t, done = int(state.t), int(state.i)
        if done == 0:
            raise KeyboardInterrupt
        excess = multihost_utils.process_allgather(state.found, tiled=True)[:seeds, :done]
    return finished(
        x=step[:done],
        excess=excess.astype(float),
        engine="modes",
        dtype=dtype,
        features="shared" if shared else "own",
        problem=without_draw(problem),
        rule=rule,
        stopped=t if t < last else -1,
        key=described_key(key),
        device=devices[0].device_kind,
    )
