"""Where the arrays of a simulation lie: over which devices, and along which axis."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Int

from solvable.rules.rule import Rule
from solvable.simulation.loop import Piece, State, piece_from
from solvable.util.errors import requirement, wrong_kind
from solvable.util.precision import cpu


class Layout(NamedTuple):
    """A sharding for every array of a simulation."""

    rows: Int[np.ndarray, " rows"]
    """The seed that each row runs."""
    row: NamedSharding
    """Of what has a row per seed: keys and recorded risks."""
    state: NamedSharding
    data: Any
    """One for all data of the model, or a tree of them."""
    whole: NamedSharding
    """Of what every device holds."""


class Program(NamedTuple):
    """What a simulation is compiled for."""

    engine: Any
    sample: Any
    """The law of the inputs."""
    B: int
    update: Any
    """How a rule takes a step."""
    shared: bool
    """Whether all seeds are trained on the same model."""


class Prepared(NamedTuple):
    """A simulation whose arrays are on their devices."""

    program: Program
    state: State
    keys: Any
    """One per row; a step folds in its number."""
    steps: Any
    """The recorded ones."""
    data: Any
    """What the engine needs of the model."""
    labels: Any
    """The kinds of samples."""
    pieces: Callable[[int, int], Piece]
    """The coefficients of the steps from the first number on; the second is the last of all."""


def check_devices(devices: Any, seeds: int) -> list[jax.Device]:
    """The devices to run on, no more than seeds.

    Raises:
        TypeError: If one is no device.
        ValueError: If there is none.
    """
    if devices is None:
        return list(jax.local_devices())[:seeds]
    try:
        found = list(devices)
    except TypeError:
        found = [devices]
    for device in found:
        if not isinstance(device, jax.Device):
            fix = "Such as jax.local_devices()."
            raise wrong_kind("devices", "be a sequence of devices of JAX", devices, fix)
    if not found or len(set(found)) < len(found):
        raise requirement("devices", "hold a device, each one once", devices)
    return found[:seeds]


def by_seed(devices: Sequence[jax.Device], seeds: int, shared: bool) -> Layout:
    """Whole seeds on every device; they never meet."""
    mesh = Mesh(np.array(devices), ("seed",))
    split = NamedSharding(mesh, PartitionSpec("seed"))
    whole = NamedSharding(mesh, PartitionSpec())
    # Seeds that only fill up the last device are run and dropped: no number depends on them.
    rows = np.arange(-(-seeds // len(devices)) * len(devices)) % seeds
    return Layout(rows, split, split, whole if shared else split, whole)


def place(tree: Any, shardings: Any) -> Any:
    """Arrays as every process has them, as global ones of which it holds its part."""

    def one(sharding, x):
        x = np.asarray(x)
        return jax.make_array_from_callback(x.shape, sharding, x.__getitem__)

    of_part = lambda sharding, part: jax.tree.map(functools.partial(one, sharding), part)
    return jax.tree.map(of_part, shardings, tree)


def prepare(
    key: jax.Array,
    models: Sequence[Any],
    rule: Rule,
    step: np.ndarray,
    setting: tuple[Any, Any, np.dtype],
    layout: Layout,
) -> Prepared:
    """A simulation of the models, one for each seed or one for all, on its devices.

    ``setting`` is the engine, the law of the inputs, and the precision.
    """
    engine, sample, dtype = setting
    shared = len(models) == 1 and layout.data is not layout.row
    data = [jax.tree.map(lambda x: np.asarray(x, dtype), engine.data(m)) for m in models]
    # One device may be too small for what all of them share.
    with jax.default_device(cpu()):
        memory = [jax.tree.map(np.asarray, rule.update.start(engine.start(d))) for d in data]
        keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.asarray(layout.rows))
    is_new = jnp.issubdtype(keys.dtype, jax.dtypes.prng_key)
    bits = place(jax.random.key_data(keys) if is_new else keys, layout.row)
    stack = lambda *leaves: np.stack([leaves[row % len(leaves)] for row in layout.rows])
    found = np.zeros((layout.rows.size, step.size), dtype)

    def pieces(first: int, last: int) -> Piece:
        piece = piece_from(rule, first, last, dtype, keeps_target=engine.of_deviations)
        return Piece(piece.first, place(piece.coefficients, layout.whole))

    return Prepared(
        program=Program(engine, sample, int(rule.B), rule.update, shared),
        state=State(
            memory=place(jax.tree.map(stack, *memory), layout.state),
            found=place(found, layout.row),
            i=np.int32(0),
            t=np.int32(0),
        ),
        keys=jax.random.wrap_key_data(bits, impl=jax.random.key_impl(key)) if is_new else bits,
        steps=place(step.astype(np.int32), layout.whole),
        data=place(data[0] if shared else jax.tree.map(stack, *data), layout.data),
        labels=place(jax.tree.map(lambda x: np.asarray(x, dtype), rule.labels), layout.whole),
        pieces=pieces,
    )
