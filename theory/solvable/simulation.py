"""SGD itself, many seeds at once, at any length: the judge of the theory, which it never sees."""

import functools
import time
import warnings
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from solvable._checks import check_count, check_number, check_type, requirement
from solvable.engines import ENGINES, StudentT, gaussian, rademacher
from solvable.full_batch import FullBatch, GradientFlow
from solvable.problem import Draw, LinearRegression, PowerLaw
from solvable.progress import progress_bar
from solvable.rule import Rule
from solvable.runs import DivergenceWarning, Runs
from solvable.steps import check_steps

MAX_STEP = 2**31 - 2
"""The largest step of a simulation: the counter is a 32-bit integer."""

INPUTS = ("gaussian", "rademacher", "student-t")

_CHUNK_SECONDS = 0.5
_BUFFER = 4096  # steps whose coefficients are held at a time


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


def prepare(key, models, shared: bool, rule: Rule, step, seeds: int, engine, dtype, devices):
    """Arguments of :func:`chunks` at step 0, on their devices."""
    data = [jax.tree.map(lambda x: np.asarray(x, dtype), engine.data(m)) for m in models]
    state = [jax.tree.map(np.asarray, rule.update.start(engine.start(d))) for d in data]
    # Seeds that only fill up the last device are run and dropped: no number depends on them.
    rows = np.arange(-(-seeds // len(devices)) * len(devices)) % seeds
    stack = lambda *leaves: np.stack([leaves[row % len(leaves)] for row in rows])
    mesh = Mesh(np.array(devices), ("seed",))
    split = NamedSharding(mesh, PartitionSpec("seed"))
    whole = NamedSharding(mesh, PartitionSpec())
    keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.asarray(rows))
    data = (
        jax.device_put(data[0], whole)
        if shared
        else jax.device_put(jax.tree.map(stack, *data), split)
    )

    def coefficients(first: int, last: int):
        """Those of the next steps, in arrays of one length; of every step, if they are equal."""
        t = np.zeros(1, int) if rule.constant else np.arange(first, first + _BUFFER)
        with jax.enable_x64(True):
            found = rule.coefficients(np.minimum(t, max(last - 1, 0)))
            found = jax.tree.map(lambda x: np.asarray(x, dtype), found)
        return jax.device_put(found, whole)

    return dict(
        keys=jax.device_put(keys, split),
        state=jax.device_put(jax.tree.map(stack, *state), split),
        excess=jax.device_put(np.zeros((rows.size, step.size), dtype), split),
        steps=jax.device_put(step.astype(np.int32), whole),
        data=data,
        coefficients=coefficients,
        labels=jax.device_put(jax.tree.map(lambda x: np.asarray(x, dtype), rule.labels), whole),
        shared=shared,
        update=rule.update,
    )


def chunks(
    arguments: dict, last: int, size: int = 256, **static
) -> Iterator[tuple[int, int, jax.Array]]:
    """Run in chunks, from ``size`` steps up to about half a second.

    Yields (step, records so far, excess).
    """
    arguments = dict(arguments)
    state, excess = arguments.pop("state"), arguments.pop("excess")
    coefficients = arguments.pop("coefficients")
    placed = jax.tree.map(lambda x: x.sharding, (state, excess))
    i, t, first = np.int32(0), np.int32(0), np.int32(0)
    here = coefficients(0, last)
    ends = all(x.shape[0] > 1 for x in here)  # the coefficients do
    while True:
        began = time.perf_counter()
        if ends and t >= first + _BUFFER:
            first, here = t, coefficients(int(t), last)
        stop = np.int32(min(t + size, last, first + _BUFFER if ends else last))
        state, excess, i, t = _advance(
            state=state,
            excess=excess,
            i=i,
            t=t,
            stop=stop,
            first=first,
            coefficients=here,
            **arguments,
            **static,
        )
        # As they came, so that every call looks alike to the compiler; and it waits.
        state, excess = jax.device_put((state, excess), placed)
        i, t = np.int32(i), np.int32(t)
        yield int(t), int(i), excess
        if t >= last:
            return
        if time.perf_counter() - began < _CHUNK_SECONDS:
            size *= 2


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
    check_type("problem", problem, PowerLaw, LinearRegression, Draw)
    check_count("seeds", seeds)
    step = check_steps(steps, maximum=MAX_STEP)
    law, sample, precision = checked(sgd, engine, inputs, dof, dtype)
    devices = list(devices or jax.local_devices())[: int(seeds)]
    last = int(step[-1])
    stopped = -1
    key_features, key_samples = jax.random.split(key)
    shared = not isinstance(problem, PowerLaw)
    models = [problem]
    if not shared:
        seed_keys = [jax.random.fold_in(key_features, seed) for seed in range(int(seeds))]
        models = [problem.draw(seed_key) for seed_key in seed_keys]
    with jax.enable_x64(dtype == "float64"), progress_bar(progress, last) as show:
        arguments = prepare(
            key_samples, models, shared, sgd, step, int(seeds), law, precision, devices
        )
        static = dict(engine=law, sample=sample, B=int(sgd.B))
        t, done, excess = 0, 0, arguments["excess"]
        try:
            for t, done, excess in chunks(arguments, last, **static):  # noqa: B007
                show(t)
        except KeyboardInterrupt:
            if done == 0:
                raise
            stopped = t
        excess = np.asarray(excess, float)[: int(seeds), :done]
    runs = Runs(
        step=step[:done],
        excess=np.where(np.isnan(excess), np.inf, excess),
        engine=engine,
        inputs=inputs if dof is None else f"{inputs} (dof {dof:g})",
        dtype=dtype,
        features="shared" if shared else "own",
        problem=problem.problem if isinstance(problem, Draw) else problem,
        sgd=sgd,
        stopped=stopped,
    )
    if runs.diverged:
        first = min(runs.diverged, key=lambda x: x.step)
        message = (
            f"{len(runs.diverged)} of {seeds} seeds diverged, the first at step {first.step} "
            f"with risk {first.risk:.3g}: {sgd} is too fast, or close to it. See Runs.diverged."
        )
        warnings.warn(message, DivergenceWarning, stacklevel=2)
    return runs
