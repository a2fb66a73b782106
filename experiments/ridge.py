"""How many features, and how much ridge, for the data there are?

Claim:    (a) without ridge the risk peaks at d = n and the best ridge removes the peak; (b) the
          best ridge is where the closed form says; (c) of a fixed product d n the best split at
          the best ridge is d = n for an isotropic target, and without ridge there are two,
          d/n = (2 alpha - 1)/(2 alpha + 1) and its inverse, with the worst between them.
Refuted:  if simulated means (medians next to the peak, where the mean has a heavy tail) leave the
          theory, or a search finds a better split.
Cost:     smoke 20 s, paper 3 min, on two cores.

    python -m experiments.ridge paper
"""

import warnings
from dataclasses import dataclass

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import PowerLaw, Ridge, design, dynamics, plot, predict, simulate


@dataclass(frozen=True)
class Config:
    seeds: int
    simulated: tuple[int, ...]
    """Numbers of features simulated."""
    alpha: float = 0.75
    v: int = 1000
    n: int = 150
    noise: float = 0.05
    small_ridge: float = 1e-3
    widths: tuple[int, int, int] = (10, 1500, 60)
    """Smallest and largest d of the curves, and their number."""
    product: int = 10**6
    ratios: int = 61
    large_v: int = 10**6
    seed: int = 0


PRESETS = {
    "smoke": Config(seeds=20, simulated=(40, 300), ratios=21, widths=(10, 1500, 16)),
    "paper": Config(seeds=100, simulated=(20, 40, 75, 110, 200, 300, 600)),
}


def compute(c: Config) -> Data:
    low, high, count = c.widths
    d = np.unique(np.geomspace(low, high, count).round().astype(int))
    problem = lambda d: PowerLaw(alpha=c.alpha, beta=0.0, v=c.v, d=int(d), noise=c.noise)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dynamics.InfiniteRiskWarning)
        both = [predict(problem(x), Ridge(), [0.0, c.small_ridge], n=c.n) for x in d]
    best = [design.optimal_ridge(problem(x), c.n) for x in d]
    key, rows = jax.random.key(c.seed), []
    for m, x in enumerate(c.simulated):
        ridges = [0.0, c.small_ridge, design.optimal_ridge(problem(x), c.n).ridge]
        runs = simulate(jax.random.fold_in(key, m), problem(x), Ridge(), ridges, c.seeds, n=c.n)
        theory = predict(problem(x), Ridge(), ridges, n=c.n).risk
        rows.append([theory, runs.mean, runs.standard_error, runs.median])
    # Risk against the ridge at three splits; then the split itself.
    ridge = np.geomspace(1e-6, 1, 61)
    quiet = lambda d: PowerLaw(alpha=c.alpha, beta=0.0, v=c.large_v, d=int(d))
    side = int(np.sqrt(c.product))
    splits = np.array([side, side // 3, side // 10])
    found = [design.optimal_ridge(quiet(x), c.product // int(x)) for x in splits]
    ratio = np.geomspace(0.01, 100, c.ratios)
    widths = np.sqrt(c.product * ratio).round().astype(int)
    samples = (c.product / widths).round().astype(int)
    apart = widths != samples
    at_best = [
        design.optimal_ridge(quiet(x), int(n)).excess for x, n in zip(widths, samples, strict=True)
    ]
    none = np.full(widths.size, np.inf)
    none[apart] = [
        predict(quiet(x), Ridge(), 0.0, n=int(n)).excess[0]
        for x, n in zip(widths[apart], samples[apart], strict=True)
    ]
    split = design.equiparameterization(quiet(1), c.product)
    bare = design.equiparameterization(quiet(1), c.product, ridge=0)
    return {
        "d": d,
        "n": np.array(c.n),
        "risk": np.array([x.risk for x in both]),
        "best_risk": np.array([x.excess for x in best]) + c.noise,
        "simulated": np.array(c.simulated),
        "points": np.array(rows),
        "ridge": ridge,
        "splits": splits,
        "by_ridge": np.array(
            [predict(quiet(x), Ridge(), ridge, n=c.product // int(x)).excess for x in splits]
        ),
        "best_ridge": np.array([[x.ridge, x.excess] for x in found]),
        "product": np.array(c.product),
        "ratio": widths / samples,
        "at_best": np.array(at_best),
        "without": none,
        "best_split": np.array([split.d / split.n, split.excess]),
        "bare_split": np.array([bare.d / bare.n, bare.excess]),
        "predicted_ratio": np.array((2 * c.alpha - 1) / (2 * c.alpha + 1)),
    }


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(1, 3, width=plot.PAGE, height=2.7)
    d, n = data["d"], int(data["n"])

    ax = axes[0, 0]
    labels = ("no ridge", "small ridge", "best ridge")
    curves = (*data["risk"].T, data["best_risk"])
    for k, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        ax.loglog(d, curve, color=f"C{k}", label=label)
        _, mean, error, median = data["points"][:, :, k].T
        near = np.abs(np.log(data["simulated"] / n)) < 0.35
        middle = np.where(near & (k == 0), median, mean)
        ax.errorbar(data["simulated"], middle, 2 * error, fmt="o", ms=2.5, color=f"C{k}")
    ax.axvline(n, color="0.6", lw=0.7)
    ax.text(n * 1.05, 0.93, "$d = n$", transform=ax.get_xaxis_transform(), va="top")
    ax.set(xlabel="features $d$", ylabel="risk", title=f"(a) $n = {n}$", ylim=(0.12, 8))
    ax.errorbar([], [], [], fmt="o", ms=2.5, color="0.35", label="runs, ±2 s.e.")
    ax.legend(loc="lower left", frameon=True, framealpha=1, edgecolor="none")

    ax = axes[0, 1]
    product = float(data["product"])
    for k, split in enumerate(data["splits"]):
        label = f"$d = {split}$, $n = {product / split:.0f}$"
        ax.loglog(data["ridge"], data["by_ridge"][k], label=label)
        ax.plot(*data["best_ridge"][k], "o", ms=4, color=f"C{k}")
    ax.set(xlabel="ridge", ylabel="excess risk", title="(b) dots: closed form", ylim=(0.15, 6))
    ax.legend(loc="upper left")

    ax = axes[0, 2]
    ax.loglog(data["ratio"], data["without"], color="C0", label="no ridge")
    ax.loglog(data["ratio"], data["at_best"], color="C2", label="best ridge")
    ax.plot(*data["best_split"], "o", ms=4, color="C2")
    for ratio in (float(data["predicted_ratio"]), 1 / float(data["predicted_ratio"])):
        ax.axvline(ratio, color="C0", lw=0.7, ls=":")
    ax.set(
        xlabel="$d / n$",
        ylabel="excess risk",
        title=f"(c) split of $d\\,n = 10^{{{np.log10(product):.0f}}}$",
        ylim=(0.15, 2.2),
    )
    ax.plot([], [], ":", color="C0", lw=0.7, label="its best split, predicted")
    ax.legend(loc="upper left", frameon=True, framealpha=1, edgecolor="none")
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
