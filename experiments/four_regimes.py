"""Four ways for the loss to fall with size: is the width's exponent min(a - 1, b)?

Claim:    at infinite time, (a) with too few features the risk falls like d^-min(a - 1, b), not
          like the often quoted d^-min(a - 1, 2 b), which is its bias alone: for a - 1 > b the
          variance of the features decides; (b) with too few samples it falls like
          n^-min(a - 1, 2 b); (c, d) what does not limit is approached like one over its number.
Refuted:  if simulated risks leave the equivalent, or at a = 4, b = 1.5 their slope against d is
          nearer to 3 than to 1.5. (Simulated points have their own theory, dashed: there v = 2000.)
Found:    at a = 4, b = 1.5 the simulated slope against d is the equivalent's, -1.5, and its bias
          falls like d^-3. Local slopes steepen as d or n approaches v.
Cost:     smoke 15 s, paper 3 min, on two cores.

    python -m experiments.four_regimes paper
"""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import Ridge, plot, predict, simulate
from solvable.verify import task

TASKS = ((1.5, 1.5), (2.0, 1.5), (4.0, 1.5))
"""(a, b): isotropic, hard, and easy."""


@dataclass(frozen=True)
class Config:
    seeds: int
    sizes: tuple[int, ...]
    """d or n simulated."""
    v: int = 2000
    fixed: int = 60
    """The other size where its variance is measured."""
    large: int = 10**8
    """v of the theory's lines."""
    seed: int = 0


PRESETS = {
    "smoke": Config(seeds=10, sizes=(20, 40), v=600),
    "paper": Config(seeds=40, sizes=(25, 50, 100, 200)),
}


def _mean(x: np.ndarray) -> list[float]:
    return [float(np.mean(x)), float(np.std(x, ddof=1) / np.sqrt(len(x)))]


def compute(c: Config) -> Data:
    key, no_ridge = jax.random.key(c.seed), 0.0
    lines = np.unique(np.geomspace(10, 10**5, 25).round().astype(int))
    excess = lambda v, d, n, ab: predict(task(*ab, v, d), Ridge(), no_ridge, n=n)
    width, data, width_bias, theory, simulated = [], [], [], [], []
    for k, ab in enumerate(TASKS):
        by_width = [excess(c.large, int(d), None, ab) for d in lines]
        width.append([x.excess[0] for x in by_width])
        width_bias.append([x.terms["bias"][0] for x in by_width if x.terms])
        data.append([excess(c.large, None, int(n), ab).excess[0] for n in lines])
        for m, size in enumerate(c.sizes):
            here = jax.random.fold_in(jax.random.fold_in(key, k), m)
            problem: Any = task(*ab, c.v, size)
            # Infinite data: what is left of the target outside the features, exact for a draw.
            draws = [problem.draw(x).modes.floor for x in jax.random.split(here, c.seeds)]
            runs = simulate(here, task(*ab, c.v), Ridge(), no_ridge, c.seeds, n=size)
            simulated.append([_mean(np.array(draws)), _mean(runs.excess[:, 0])])
            theory.append(
                [excess(c.v, size, None, ab).excess[0], excess(c.v, None, size, ab).excess[0]]
            )
    # Approach to the limit set by the other resource, isotropic and hard.
    f, rows, points = c.fixed, [], []
    more = np.unique(np.geomspace(1.5 * f, 10**4 * f, 25).round().astype(int))
    sparse = [int(f * x) for x in (2, 4, 8)]
    for k, ab in enumerate(TASKS[:2]):
        limit = [excess(c.v, f, None, ab).excess[0], excess(c.v, None, f, ab).excess[0]]
        rows.append(
            [
                [excess(c.v, f, int(x), ab).excess[0] - limit[0] for x in more],
                [excess(c.v, int(x), f, ab).excess[0] - limit[1] for x in more],
            ]
        )
        for m, x in enumerate(sparse):
            here = jax.random.fold_in(jax.random.fold_in(key, 10 + k), m)
            by_data = simulate(here, task(*ab, c.v, f), Ridge(), no_ridge, 4 * c.seeds, n=x)
            by_width = simulate(here, task(*ab, c.v, x), Ridge(), no_ridge, 4 * c.seeds, n=f)
            pairs = [_mean(by_data.excess[:, 0]), _mean(by_width.excess[:, 0])]
            points.append(
                [[mean - at, error] for (mean, error), at in zip(pairs, limit, strict=True)]
            )
    shape = (len(TASKS), len(c.sizes), 2)
    return {
        "lines": lines,
        "width": np.array(width),
        "width_bias": np.array(width_bias),
        "data": np.array(data),
        "sizes": np.array(c.sizes),
        "theory": np.array(theory).reshape(shape),
        "simulated": np.array(simulated).reshape(*shape, 2),
        "more": more,
        "approach": np.array(rows),
        "sparse": np.array(sparse),
        "points": np.array(points).reshape(2, len(sparse), 2, 2),
        "fixed": np.array(f),
    }


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(2, 2, width=plot.PAGE, height=5.0)
    x, sizes = data["lines"], data["sizes"]
    names = ("isotropic, $a = b = 1.5$", "hard, $a = 2$", "easy, $a = 4$")
    for column, (name, symbol, exponent) in enumerate(
        (("width", "d", lambda a, b: min(a - 1, b)), ("data", "n", lambda a, b: min(a - 1, 2 * b)))
    ):
        ax = axes[0, column]
        for k, (a, b) in enumerate(TASKS):
            line = data[name][k]
            ax.loglog(x, line, color=f"C{k}", label=names[k])
            ax.plot(sizes, data["theory"][k, :, column], "--", lw=0.7, color=f"C{k}")
            ax.errorbar(
                sizes,
                data["simulated"][k, :, column, 0],
                2 * data["simulated"][k, :, column, 1],
                fmt="o",
                ms=3,
                color=f"C{k}",
            )
            power = exponent(a, b)
            plot.guide(ax, x[[8, -1]], 1.7 * line[8], -power, color=f"C{k}")
            ax.text(
                x[16],
                2.2 * line[8] * (x[16] / x[8]) ** -power,
                f"${symbol}^{{-{power:g}}}$",
                color=f"C{k}",
            )
        what = "features, $n = \\infty$" if name == "width" else "samples, $d = \\infty$"
        ax.set(xlabel=f"${symbol}$", ylabel="excess risk", title=f"resolution-limited: {what}")
        if name == "width":
            ax.loglog(
                x, data["width_bias"][2], "--", color="C2", lw=0.9, label="its bias, $d^{-3}$"
            )
            ax.plot([], [], ":", color="0.35", label="the exponent")
            ax.plot([], [], "--", lw=0.7, color="0.35", label="theory of the runs' smaller $v$")
            ax.errorbar([], [], [], fmt="o", ms=3, color="0.35", label="runs, ±2 s.e.")
            ax.legend(loc="lower left")
        ax.set_ylim(1e-15 if name == "width" else 1e-12, 3)
    f = int(data["fixed"])
    for column, (limited, symbol) in enumerate((("data", "n"), ("width", "d"))):
        ax = axes[1, column]
        for k in range(2):
            line = data["approach"][k, column]
            ax.loglog(data["more"], line, color=f"C{k}", label=names[k])
            points = data["points"][k, :, column]
            ax.errorbar(
                data["sparse"], points[:, 0], 2 * points[:, 1], fmt="o", ms=3, color=f"C{k}"
            )
        plot.guide(ax, data["more"][[5, -1]], 2 * data["approach"][0, column][5], -1)
        other = "d" if symbol == "n" else "n"
        ax.set(
            xlabel=f"${symbol}$",
            ylabel="excess risk minus its limit",
            title=f"variance-limited: {limited}, ${other} = {f}$ (dots: $1/{symbol}$)",
        )
        ax.legend()
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
