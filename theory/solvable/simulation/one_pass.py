"""SGD itself, many seeds at once, at any length: the judge of the theory, which it never sees."""

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

from solvable.inputs import Gaussian, Inputs
from solvable.models.draw import Draw
from solvable.models.problem import Problem
from solvable.rules.rule import Rule
from solvable.simulation import loop
from solvable.simulation.engines import ENGINES
from solvable.simulation.interrupts import is_second
from solvable.simulation.loop import Piece, State, advance
from solvable.simulation.needs import check_fits, needs
from solvable.simulation.placement import Prepared, Program, by_seed, check_devices, prepare
from solvable.simulation.runs import Runs, described_key, finished, without_draw
from solvable.util.checks import check_choice
from solvable.util.errors import requirement
from solvable.util.progress import progress_bar


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
    taking: Callable[..., State] | None = None,
) -> Iterator[State]:
    """Run in chunks, from where it is up to step ``last``: see :func:`solvable.simulation.loop`."""
    rest, program = (prepared.keys, prepared.data, prepared.labels), prepared.program
    call = taking or take

    def on(state: State, stop: Any, piece: Piece) -> State:
        return call(state, stop, prepared.steps, piece, *rest, program=program)

    pieces = lambda first: prepared.pieces(first, last)
    return loop.chunks(prepared.state, last, pieces, on, size, clock)


def check_setting(rule: Rule, engine: str, inputs: Inputs, dtype: str) -> tuple[Any, Any, np.dtype]:
    """The engine, the law of the inputs, and the precision."""
    check_choice("engine", engine, *ENGINES)
    check_choice("dtype", dtype, "float32", "float64")
    if not rule.engines:
        raise requirement("rule", "see fresh samples at every step", rule)
    if engine not in rule.engines:
        raise requirement("engine", f"be {' or '.join(rule.engines)} for {rule}", engine)
    if not isinstance(inputs, Gaussian) and engine == "modes":
        must = "be Gaussian for the modes engine"
        raise requirement("inputs", must, inputs, "Take engine='features'.")
    return ENGINES[engine], inputs, np.dtype(dtype)


def models_of(key: jax.Array, problem: Problem, seeds: int) -> tuple[Iterable[Problem], bool, Any]:
    """What the seeds are trained on, whether they share it, and the key of their samples.

    Features of their own are drawn one by one, when they are asked for.
    """
    key_features, key_samples = jax.random.split(key)
    if problem.d is None or isinstance(problem, Draw):
        return [problem], True, key_samples
    draws = (problem.draw(jax.random.fold_in(key_features, seed)) for seed in range(seeds))
    return draws, False, key_samples


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
    step = loop.check_recorded(steps)
    setting = check_setting(rule, engine, inputs, dtype)
    devices = check_devices(devices, seeds)
    check_fits(needs(problem, rule, step.size, seeds, setting), devices)
    last, stopped = int(step[-1]), -1
    models, shared, key_samples = models_of(key, problem, seeds)
    layout = by_seed(devices, seeds, shared)
    bar = progress_bar(progress, last, what=loop.title(rule))
    with jax.enable_x64(dtype == "float64"), bar as show:
        prepared = prepare(key_samples, models, rule, step, setting, layout)
        state, done = prepared.state, 0
        try:
            for state in chunks(prepared, last):
                done = int(state.i)
                show(int(state.t))
        except KeyboardInterrupt:
            if is_second() or done == 0:
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
