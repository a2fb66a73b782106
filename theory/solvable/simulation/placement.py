"""Where the arrays of a simulation lie: over which devices, and along which axis."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Int

from solvable.rules.rule import Rule

BUFFER = 4096
"""Steps whose coefficients are held at a time."""


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


def prepare(key, models, shared: bool, rule: Rule, step, engine, dtype, layout: Layout) -> dict:
    """Arguments of :func:`~solvable.simulation.stepping.chunks`, on their devices."""
    data = [jax.tree.map(lambda x: np.asarray(x, dtype), engine.data(m)) for m in models]
    # One device may be too small for what all of them share.
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        state = [jax.tree.map(np.asarray, rule.update.start(engine.start(d))) for d in data]
        keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.asarray(layout.rows))
    bits = place(jax.random.key_data(keys), layout.row)
    stack = lambda *leaves: np.stack([leaves[row % len(leaves)] for row in layout.rows])

    def coefficients(first: int, last: int):
        """Those of the next steps, in arrays of one length; of every step, if they are equal."""
        t = np.zeros(1, int) if rule.constant else np.arange(first, first + BUFFER)
        with jax.enable_x64(True):
            found = rule.coefficients(np.minimum(t, max(last - 1, 0)))
            found = jax.tree.map(lambda x: np.asarray(x, dtype), found)
        return place(found, layout.whole)

    return dict(
        keys=jax.random.wrap_key_data(bits, impl=jax.random.key_impl(key)),
        state=place(jax.tree.map(stack, *state), layout.state),
        excess=place(np.zeros((layout.rows.size, step.size), dtype), layout.row),
        steps=place(step.astype(np.int32), layout.whole),
        data=place(data[0] if shared else jax.tree.map(stack, *data), layout.data),
        coefficients=coefficients,
        labels=place(jax.tree.map(lambda x: np.asarray(x, dtype), rule.labels), layout.whole),
        shared=shared,
        update=rule.update,
    )
