"""SGD itself, many seeds at once, at any length: the judge of the theory, which it never sees."""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from solvable.models.problem import Draw, LinearRegression, PowerLaw
from solvable.rules.full_batch import FullBatch, GradientFlow
from solvable.rules.rule import Rule
from solvable.simulation import placement
from solvable.simulation.engines import ENGINES, StudentT, gaussian, rademacher
from solvable.simulation.placement import by_seed, prepare
from solvable.simulation.runs import Runs, finished
from solvable.util.checks import check_count, check_key, check_number, check_type
from solvable.util.errors import requirement
from solvable.util.progress import progress_bar
from solvable.util.steps import check_steps

MAX_STEP = 2**31 - 2
"""The largest step of a simulation: the counter is a 32-bit integer."""

INPUTS = ("gaussian", "rademacher", "student-t")

_CHUNK_SECONDS = 0.5


@functools.partial(jax.jit, static_argnames=("engine", "sample", "B", "update", "shared"))
def _advance(
    keys,
    state,
    excess,
    i,
    t,
    stop,
    steps,
    data,
    first,
    coefficients,
    labels,
    *,
    engine,
    sample,
    B,
    update,
    shared,
):
    """Go from step t to ``stop``, noting the excess risk at every one of ``steps`` reached.

    Everything but shapes is traced: trip counts, recorded steps, coefficients, model. The
    coefficients are those of the steps from ``first`` on, or one for all of them.
    """
    axes = (0, 0, None if shared else 0)
    risk = jax.vmap(lambda state, data: engine.excess(update.output(state), data), axes[1:])

    def one(key, state, data, t, coefficient):
        key = jax.random.fold_in(key, t)
        gradient = engine.gradient(key, update.iterate(state), data, B, sample, labels)
        return update.move(state, gradient, coefficient)

    def step(t, state):
        at = lambda x: x[jnp.minimum(t - first, x.shape[0] - 1)]
        coefficient = jax.tree.map(at, coefficients)
        return jax.vmap(one, (*axes, None, None))(keys, state, data, t, coefficient)

    def interval(carry):
        state, excess, i, t = carry
        end = jnp.minimum(steps[i], stop)
        state = lax.fori_loop(t, end, step, state)
        # Written even if the chunk ends before steps[i]: then it is written again.
        excess = lax.dynamic_update_slice(excess, risk(state, data)[:, None], (jnp.int32(0), i))
        return state, excess, i + (end == steps[i]).astype(jnp.int32), end

    def unfinished(carry):
        _, _, i, t = carry
        return (i < steps.size) & ((t < stop) | (steps[jnp.minimum(i, steps.size - 1)] == t))

    return lax.while_loop(unfinished, interval, (state, excess, i, t))


@functools.partial(jax.jit, static_argnames=("engine", "sample", "B", "update", "shared"))
def advance_together(
    keys, state, excess, i, t, stop, steps, data, first, coefficients, labels, **static
):
    """Several simulations of the same shapes and steps at once, each with its own numbers.

    They are the first axis of what they have apart, but the second one of the coefficients.
    """

    def one(keys, state, excess, data, coefficients):
        return _advance(
            keys, state, excess, i, t, stop, steps, data, first, coefficients, labels, **static
        )

    each = jax.vmap(one, in_axes=(0, 0, 0, 0, 1), out_axes=(0, 0, None, None))
    return each(keys, state, excess, data, coefficients)


def checked(sgd: Rule, engine: str, inputs: str, dof: float | None, dtype: str):
    """The engine, its sampler and the precision, from their names."""
    if isinstance(sgd, (FullBatch, GradientFlow)):
        fix = "It trains on n samples: simulate_full_batch(key, problem, rule, times, n=n)."
        raise requirement("sgd", "see fresh samples at every step", sgd, fix)
    check_type("sgd", sgd, Rule)
    if engine not in ENGINES:
        raise requirement("engine", f"be one of {', '.join(ENGINES)}", engine)
    if engine not in sgd.engines:
        raise requirement("engine", f"be {' or '.join(sgd.engines)} for {sgd}", engine)
    if inputs not in INPUTS:
        raise requirement("inputs", f"be one of {', '.join(INPUTS)}", inputs)
    if inputs != "gaussian" and engine == "modes":
        raise requirement(
            "inputs", "be 'gaussian' for the modes engine", inputs, "Take engine='features'."
        )
    if (inputs == "student-t") != (dof is not None):
        must = "be given with inputs='student-t', and only then"
        raise requirement("dof", must, dof)
    if dof is not None:
        check_number("dof", dof)
        if not dof > 4:
            raise requirement("dof", "exceed 4, for the noise of SGD to have a variance", dof)
    if dtype not in ("float32", "float64"):
        raise requirement("dtype", "be 'float32' or 'float64'", dtype)
    sample = gaussian if inputs == "gaussian" else rademacher
    sample = sample if dof is None else StudentT(dof)
    return ENGINES[engine], sample, np.dtype(dtype)


def models_of(key, problem: PowerLaw | LinearRegression | Draw, seeds: int):
    """What the seeds are trained on, whether they share it, and the key of their samples."""
    key_features, key_samples = jax.random.split(key)
    if not isinstance(problem, PowerLaw):
        return [problem], True, key_samples
    keys = [jax.random.fold_in(key_features, seed) for seed in range(seeds)]
    return [problem.draw(key) for key in keys], False, key_samples


def chunks(
    arguments: dict,
    last: int,
    size: int = 256,
    i: int = 0,
    t: int = 0,
    clock: Callable[[], float] = time.perf_counter,
    advance: Callable | None = None,
    **static,
) -> Iterator[tuple[int, int, jax.Array, Any]]:
    """Run in chunks, from ``size`` steps up to about half a second, from record i and step t on.

    Yields (step, records so far, excess, state). Where chunks end changes no number.
    """
    arguments = dict(arguments)
    state, excess = arguments.pop("state"), arguments.pop("excess")
    coefficients = arguments.pop("coefficients")
    placed = jax.tree.map(lambda x: x.sharding, (state, excess))
    first = t - t % placement.BUFFER
    here = coefficients(first, last)
    ends = all(x.shape[0] > 1 for x in here)  # the coefficients do
    began = clock()
    while True:
        if ends and t >= first + placement.BUFFER:
            first, here = t, coefficients(t, last)
        stop = min(t + size, last, first + placement.BUFFER if ends else last)
        state, excess, i, t = (advance or _advance)(
            state=state,
            excess=excess,
            i=np.int32(i),
            t=np.int32(t),
            stop=np.int32(stop),
            first=np.int32(first),
            coefficients=here,
            **arguments,
            **static,
        )
        # As they came, so that every call looks alike to the compiler; and it waits.
        state, excess = jax.device_put((state, excess), placed)
        i, t = int(i), int(t)
        now = clock()
        size, began = (2 * size if now - began < _CHUNK_SECONDS else size), now
        yield t, i, excess, state
        if t >= last:
            return


def simulate(
    key: jax.Array,
    problem: PowerLaw | LinearRegression | Draw,
    sgd: Rule,
    steps: int | Sequence[int] | np.ndarray,
    seeds: int = 1,
    *,
    engine: str = "modes",
    inputs: str = "gaussian",
    dof: float | None = None,
    dtype: str = "float32",
    devices: Sequence[jax.Device] | None = None,
    progress: bool = False,
) -> Runs:
    """Train, on fresh samples at every step, and record the population risk of the iterates.

    Seeds run together, spread over the devices. Memory does not grow with the number of steps.
    A second call with the same shapes compiles nothing, whatever its numbers; and a seed's
    numbers do not depend on how many others run. Interrupted (Ctrl-C), it returns what is done.

    Args:
        key: A key of :func:`jax.random.key`.
        problem: A draw of the features, shared by all seeds; or a :class:`PowerLaw`, of which
            each seed draws its own features; or a :class:`LinearRegression`.
        sgd: The training rule: :class:`SGD` with any schedule, :class:`Momentum`, :class:`DANA`,
            :class:`Averaged`, :class:`LabelMixture`; or an :class:`Optimizer`, with the features
            engine.
        steps: The last step, for about 200 log-spaced steps; or an increasing array of steps.
        seeds: Number of independent runs.
        engine: ``modes``, exact in law at O(d) per sample; or ``features``, the literal loop
            over inputs and features at O(v d), the independent witness.
        inputs: ``gaussian``; with the features engine also ``rademacher`` or ``student-t``.
            All have unit variance.
        dof: Degrees of freedom of ``student-t``, above 4.
        dtype: ``float32`` or ``float64``.
        devices: Where to run; by default on all local devices.
        progress: Show a progress bar on stderr.

    Returns:
        :class:`Runs`, with the risk of shape (seeds, steps).

    Raises:
        TypeError: If ``key`` is no random key, or ``problem`` none of these.
        ValueError: If an argument is out of range; the message says which.

    Warns:
        DivergenceWarning: If the risk of a seed explodes.

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=400, d=100)
        >>> draw = problem.draw(jax.random.key(0))
        >>> runs = simulate(jax.random.key(1), draw, SGD.stable(draw, 0.2, B=8), 1000, seeds=4)
        >>> runs.risk.shape == (4, runs.step.size)
        True
    """
    check_key(key)
    check_type("problem", problem, PowerLaw, LinearRegression, Draw)
    check_count("seeds", seeds)
    step = check_steps(steps, maximum=MAX_STEP)
    law, sample, precision = checked(sgd, engine, inputs, dof, dtype)
    devices = list(devices or jax.local_devices())[: int(seeds)]
    last, stopped = int(step[-1]), -1
    models, shared, key_samples = models_of(key, problem, int(seeds))
    layout = by_seed(devices, int(seeds), shared)
    with jax.enable_x64(dtype == "float64"), progress_bar(progress, last) as show:
        arguments = prepare(key_samples, models, shared, sgd, step, law, precision, layout)
        static: dict[str, Any] = dict(engine=law, sample=sample, B=int(sgd.B))
        t, done, excess = 0, 0, arguments["excess"]
        try:
            for t, done, excess, _ in chunks(arguments, last, **static):  # noqa: B007
                show(t)
        except KeyboardInterrupt:
            if done == 0:
                raise
            stopped = t
        excess = np.asarray(excess, float)[: int(seeds), :done]
    return finished(
        step=step[:done],
        excess=excess,
        engine=engine,
        inputs=inputs if dof is None else f"{inputs} (dof {dof:g})",
        dtype=dtype,
        features="shared" if shared else "own",
        problem=problem.problem if isinstance(problem, Draw) else problem,
        sgd=sgd,
        stopped=stopped,
    )
