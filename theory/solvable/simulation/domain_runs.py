"""SGD itself on several domains, the literal loop."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float

from solvable.models.domains import Domains
from solvable.rules.sgd import SGD
from solvable.schedules import rates
from solvable.simulation.runs import EXPLODED, DivergenceWarning
from solvable.util.checks import check_count, check_key, check_type
from solvable.util.errors import warn
from solvable.util.memory import check_memory
from solvable.util.precision import usual_promotion
from solvable.util.steps import check_steps


@usual_promotion
def simulate_domains(
    key: jax.Array,
    domains: Domains,
    rule: SGD,
    steps: int | Sequence[int] | np.ndarray,
    seeds: int = 1,
) -> Float[np.ndarray, "seeds K k"]:
    """SGD itself on samples of the domains: excess risk by seed, domain and step, in float32.

    Args:
        key: A key of :func:`jax.random.key`.
        domains: The domains and their proportions.
        rule: SGD, with any schedule.
        steps: As in :func:`~solvable.simulate`.
        seeds: Number of independent runs.

    Warns:
        DivergenceWarning: If the risk of a seed explodes.

    Example:
        >>> j = np.arange(1.0, 25.0)
        >>> domains = Domains(eigenvalues=[j**-1.5, 0.5 / j], target=[j**-0.2, j**-0.1],
        ...                   noise=[0.1, 0.3], proportion=[0.5, 0.5])
        >>> simulate_domains(jax.random.key(0), domains, SGD(0.1), [0, 100], seeds=3).shape
        (3, 2, 2)
    """
    key = check_key(key)
    check_type("domains", domains, Domains)
    check_type("rule", rule, SGD)
    seeds, step = check_count("seeds", seeds), check_steps(steps, maximum=10**6)
    K, v = np.shape(domains.eigenvalues)
    names = {"seeds": seeds, "B": rule.B, "recorded steps": step.size}
    samples = lambda seeds, B, recorded: seeds * (4 * 6 * B * v + 4 * 2 * v + 16 * K * recorded)
    check_memory(samples, names)
    with jax.enable_x64(True):
        gamma = np.asarray(rates("gamma", rule.gamma, np.arange(max(int(step[-1]), 1))), "float32")
    plain = jax.tree.map(lambda x: jnp.asarray(x, "float32"), domains)
    found = _runs(key, jnp.arange(seeds), plain, gamma, jnp.asarray(step), B=int(rule.B))
    risk = np.asarray(found, float)
    risk = np.where(np.isnan(risk), np.inf, risk)
    start = np.sum(domains.eigenvalues * domains.target**2, axis=1) + domains.noise
    exploded = ~(risk <= EXPLODED * start[:, None]).all(axis=(1, 2))
    if exploded.any():
        many = f"{exploded.sum()} of {seeds} seeds diverged"
        warn(f"{many}: {rule} is too fast, or close to it.", DivergenceWarning)
    return risk


@functools.partial(jax.jit, static_argnames="B")
def _runs(key, seeds, domains: Domains, gamma, step, *, B: int):
    scale = jnp.sqrt(domains.eigenvalues)

    def move(key, t, w):
        kinds, inputs, noise = jax.random.split(jax.random.fold_in(key, t), 3)
        k = jax.random.choice(kinds, len(scale), (B,), p=domains.proportion)
        x = jax.random.normal(inputs, (B, w.size)) * scale[k]
        error = jnp.sqrt(domains.noise[k]) * jax.random.normal(noise, (B,))
        residual = jnp.sum(x * (w - domains.target[k]), axis=1) - error
        return w - gamma[t] / B * (residual @ x)

    def run(seed):
        own = jax.random.fold_in(key, seed)

        def interval(carry, stop):
            t, w = carry
            w = lax.fori_loop(t, stop, lambda t, w: move(own, t, w), w)
            return (stop, w), jnp.sum(domains.eigenvalues * (w - domains.target) ** 2, axis=1)

        start = jnp.zeros_like(step[0]), jnp.zeros(scale.shape[1])
        return lax.scan(interval, start, step)[1].T

    return jax.vmap(run)(seeds)
