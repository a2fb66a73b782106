"""SGD itself, many seeds at once, at any length: the judge of the theory, which it never sees."""

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from solvable.inputs import Gaussian, Inputs
from solvable.models.draw import Draw
from solvable.models.problem import Problem
from solvable.rules.rule import Rule
from solvable.simulation.engines import ENGINES
from solvable.simulation.loop import BUFFER, MAX_STEP, Piece, State, advance
from solvable.simulation.placement import Prepared, Program, by_seed, check_devices, prepare
from solvable.simulation.runs import Runs, described_key, finished
from solvable.util.checks import check_choice, check_type
from solvable.util.errors import requirement
from solvable.util.progress import progress_bar
from solvable.util.steps import check_steps

_CHUNK_SECONDS = 0.5


@functools.partial(jax.jit, static_argnames="program")
def take(state: State, stop, steps, piece: Piece, keys, data, labels, *, program: Program) -> State:
    """Go from a state to step ``stop``, noting the excess risk at the recorded steps."""
    engine, sample, B, update, shared = program
    axes = (0, 0, None if shared else 0)

    def one(key, memory, data, t, coefficient):
        key = jax.random.fold_in(key, t)
        gradient = engine.gradient(key, update.iterate(memory), data, B, sample, labels)
        return update.move(memory, gradient, coefficient)

    def move(t, coefficient, memory):
        return jax.vmap(one, (*axes, None, None))(keys, memory, data, t, coefficient)

    def record(memory):
        return jax.vmap(lambda m, d: engine.excess(update.output(m), d), axes[1:])(memory, data)

    return advance(state, stop, steps, piece, move, record)


@functools.partial(jax.jit, static_argnames="program")
def take_together(
    state: State, stop, steps, piece: Piece, keys, data, labels, *, program: Program
) -> State:
    """Several simulations of the same shapes and steps at once, each with its own numbers.

    They are the first axis of what they have apart, but the second one of the coefficients.
    """

    def one(memory, found, coefficients, keys, data):
        here = State(memory, found, state.i, state.t)
        own = Piece(piece.first, coefficients)
        return take(here, stop, steps, own, keys, data, labels, program=program)

    out_axes: Any = State(0, 0, None, None)
    each = jax.vmap(one, in_axes=(0, 0, 1, 0, 0), out_axes=out_axes)
    return each(state.memory, state.found, piece.coefficients, keys, data)


def chunks(
    prepared: Prepared,
    last: int,
    size: int = 256,
    clock: Callable[[], float] = time.perf_counter,
    taking: Callable[..., State] = take,
) -> Iterator[State]:
    """Run in chunks, from ``size`` steps up to about half a second, from its state on.

    Where chunks end changes no number.
    """
    state = prepared.state
    i, t = int(state.i), int(state.t)
    placed = jax.tree.map(lambda x: x.sharding, (state.memory, state.found))
    piece = prepared.pieces(t - t % BUFFER, last)
    began = clock()
    while True:
        ends = any(x.shape[0] > 1 for x in piece.coefficients)  # the coefficients do
        if ends and t >= int(piece.first) + BUFFER:
            piece = prepared.pieces(t, last)
        stop = min(t + size, last, int(piece.first) + BUFFER if ends else last)
        here = State(state.memory, state.found, np.int32(i), np.int32(t))
        rest = prepared.keys, prepared.data, prepared.labels
        state = taking(here, np.int32(stop), prepared.steps, piece, *rest, program=prepared.program)
        # As they came, so that every call looks alike to the compiler; and it waits.
        memory, found = jax.device_put((state.memory, state.found), placed)
        i, t = int(state.i), int(state.t)
        state = State(memory, found, i, t)
        now = clock()
        size, began = (2 * size if now - began < _CHUNK_SECONDS else size), now
        yield state
        if t >= last:
            return


def check_setting(rule: Rule, engine: str, inputs: Inputs, dtype: str) -> tuple[Any, Any, np.dtype]:
    """The engine, the law of the inputs, and the precision."""
    check_choice("engine", engine, *ENGINES)
    if engine not in rule.engines:
        raise requirement("engine", f"be {' or '.join(rule.engines)} for {rule}", engine)
    if not isinstance(inputs, Gaussian) and engine == "modes":
        must = "be Gaussian for the modes engine"
        raise requirement("inputs", must, inputs, "Take engine='features'.")
    return ENGINES[engine], inputs, np.dtype(check_choice("dtype", dtype, "float32", "float64"))


def models_of(key: jax.Array, problem: Problem, seeds: int):
    """What the seeds are trained on, whether they share it, and the key of their samples."""
    key_features, key_samples = jax.random.split(key)
    if problem.d is None or isinstance(problem, Draw):
        return [problem], True, key_samples
    keys = [jax.random.fold_in(key_features, seed) for seed in range(seeds)]
    return [problem.draw(key) for key in keys], False, key_samples


def without_draw(problem: Problem) -> Problem:
    """The problem that a draw is of."""
    return problem.problem if isinstance(problem, Draw) else problem


def run(
    key: jax.Array,
    problem: Problem,
    rule: Rule,
    steps: Any,
    seeds: int,
    *,
    engine: str,
    inputs: Inputs,
    dtype: str,
    devices: Any,
    progress: bool,
) -> Runs:
    """Runs on fresh samples: see :func:`solvable.simulate`."""
    check_type("problem", problem, Problem)
    step = check_steps(steps, maximum=MAX_STEP)
    setting = check_setting(rule, engine, inputs, dtype)
    devices = check_devices(devices, seeds)
    last, stopped = int(step[-1]), -1
    models, shared, key_samples = models_of(key, problem, seeds)
    layout = by_seed(devices, seeds, shared)
    with jax.enable_x64(dtype == "float64"), progress_bar(progress, last) as show:
        prepared = prepare(key_samples, models, rule, step, setting, layout)
        state, done = prepared.state, 0
        try:
            for state in chunks(prepared, last):
                done = int(state.i)
                show(int(state.t))
        except KeyboardInterrupt:
            if done == 0:
                raise
            stopped = int(state.t)
        excess = np.asarray(state.found, float)[:seeds, :done]
    return finished(
        x=step[:done],
        excess=excess,
        engine=engine,
        inputs=str(inputs),
        dtype=dtype,
        features="shared" if shared else "own",
        problem=without_draw(problem),
        rule=rule,
        stopped=stopped,
        key=described_key(key),
        device=devices[0].device_kind,
    )
