"""Where the arrays of a simulation lie: over which devices, and along which axis."""

import functools
from collections.abc import Callable, Iterable, Sequence
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
    """Placement of what has a row per seed: keys and recorded risks."""
    state: NamedSharding
    data: Any
    """One for all data of the model, or a tree of them."""
    whole: NamedSharding
    """Placement of what every device holds whole."""


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
    """The devices to run on, of this process and of one kind, no more than seeds.

    Raises:
        TypeError: If they are no sequence of devices.
        ValueError: If there is none, one occurs twice, or they do not go together.
    """
    if devices is None:
        return list(jax.local_devices())[:seeds]
    found = devices_of(devices)
    here, platforms = jax.process_index(), {device.platform for device in found}
    if len(platforms) > 1 or any(device.process_index != here for device in found):
        must = "be devices of this process, all of one platform"
        raise requirement("devices", must, devices, "Such as jax.local_devices().")
    return found[:seeds]


def devices_of(devices: Any) -> list[jax.Device]:
    """A device, or a sequence of some, as a list of different ones."""
    found = [devices] if isinstance(devices, jax.Device) else devices
    ordered = isinstance(found, (Sequence, np.ndarray)) and not isinstance(found, (str, bytes))
    ordered = ordered and np.ndim(found) > 0
    if not ordered or not all(isinstance(device, jax.Device) for device in found):
        fix = "Such as jax.local_devices()."
        raise wrong_kind("devices", "be a sequence of devices of JAX", devices, fix)
    if len(found) == 0 or len(set(found)) < len(found):
        raise requirement("devices", "hold a device, each one once", devices)
    return list(found)


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
        if _is_key(x):
            bits = one(sharding, jax.random.key_data(x))
            return jax.random.wrap_key_data(bits, impl=jax.random.key_impl(x))
        x = np.asarray(x)
        return jax.make_array_from_callback(x.shape, sharding, x.__getitem__)

    of_part = lambda sharding, part: jax.tree.map(functools.partial(one, sharding), part)
    return jax.tree.map(of_part, shardings, tree)


def _is_key(x: Any) -> bool:
    return hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def _with_keys(memory: Any, keys: jax.Array) -> Any:
    """A memory whose rows have random keys of their own, where an optimiser has one for all.

    A step folds its number, which is below 2^31, into the key of a row; these fold in more.
    """
    leaves, tree = jax.tree.flatten(memory)
    for k, x in enumerate(leaves):
        if _is_key(x):
            new, shape = np.uint32(2**31 + k), jax.random.key_data(x).shape
            bits = lambda key, new=new, shape=shape: jax.random.bits(
                jax.random.fold_in(key, new), shape
            )
            impl = jax.random.key_impl(x)
            leaves[k] = jax.random.wrap_key_data(jax.vmap(bits)(keys), impl=impl)
    return jax.tree.unflatten(tree, leaves)


def prepare(
    key: jax.Array,
    models: Iterable[Any],
    rule: Rule,
    step: np.ndarray,
    setting: tuple[Any, Any, np.dtype],
    layout: Layout,
) -> Prepared:
    """A simulation of the models, one for each seed or one for all, on its devices.

    ``setting`` is the engine, the law of the inputs, and the precision. A model is let go of once
    the engine has what it needs of it.
    """
    engine, sample, dtype = setting
    plain = lambda x: x if _is_key(x) else np.asarray(x)
    data = [jax.tree.map(lambda x: np.asarray(x, dtype), engine.data(m)) for m in models]
    shared = len(data) == 1 and layout.data is not layout.row

    def stack(*leaves: Any) -> Any:
        if _is_key(leaves[0]):  # of which every row gets its own
            return leaves[0]
        return np.stack([leaves[row % len(leaves)] for row in layout.rows])

    # One device may be too small for what all of them share.
    with jax.default_device(cpu()):
        starts = [jax.tree.map(plain, rule.update.start(engine.start(d))) for d in data]
        keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.asarray(layout.rows))
        memory = _with_keys(jax.tree.map(stack, *starts), keys)
    found = np.zeros((layout.rows.size, step.size), dtype)

    def pieces(first: int, last: int) -> Piece:
        piece = piece_from(rule, first, last, dtype, keeps_target=engine.of_deviations)
        return Piece(piece.first, place(piece.coefficients, layout.whole))

    return Prepared(
        program=Program(engine, sample, int(rule.B), rule.update, shared),
        state=State(
            memory=place(memory, layout.state),
            found=place(found, layout.row),
            i=np.int32(0),
            t=np.int32(0),
        ),
        keys=place(keys, layout.row),
        steps=place(step.astype(np.int32), layout.whole),
        data=place(data[0] if shared else jax.tree.map(stack, *data), layout.data),
        labels=place(jax.tree.map(lambda x: np.asarray(x, dtype), rule.labels), layout.whole),
        pieces=pieces,
    )
