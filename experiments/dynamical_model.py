"""What do width, data and time each do to the loss when all three are finite?

Claim:    one two-point function gives test and training error for any width, data and time:
          (a) width stops the power law of time; (b) reusing data opens a gap between test and
          training error; (c) the deviation from infinite width is 1/d early and d^-(a - 1) late
          (of a hard task), and the theory's own error falls like 1/size; (d) compute is best
          spent on time faster than on width, d ~ C^(1/(1 + b)), unless the task is easy.
Found:    the theory's error falls with slopes -1.05 +- 0.06 (t = 10) and -1.13 +- 0.06 (t = 100)
          for a steep spectrum, b = 2, and -0.95 +- 0.15 for a flat one, b = 1.25.
Refuted:  if a simulated mean leaves the theory by more than its standard error and the 1/size
          explain, or a fitted exponent misses the predicted one.
Cost:     smoke 40 s, paper 5 min, on two cores.

    python -m experiments.dynamical_model paper
"""

from dataclasses import dataclass

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import GradientFlow, asymptotics, design, plot, predict, simulate
from solvable.verify import task


@dataclass(frozen=True)
class Config:
    seeds: int
    """Of the simulated points, at v = 1000."""
    small_sizes: tuple[int, ...]
    """d of the comparison of theory and simulation, with n = 3 d / 2, v = 64 and a = b = 2."""
    small_seeds: int
    """There."""
    flat_sizes: tuple[int, ...]
    """The same for the spectrum of the first panels, with v = 256."""
    flat_seeds: int
    """There."""
    v: int = 10**8
    widths: tuple[int, ...] = (100, 1000, 10_000)
    samples: tuple[int, ...] = (100, 1000, 10_000)
    a: float = 1.5
    b: float = 1.25
    """Signal j^-a, spectrum j^-b of the first panels."""
    tasks: tuple[tuple[float, float], ...] = ((2.0, 1.5), (4.0, 1.5))
    """(a, b) of the last panel: hard and easy."""
    compute: tuple[float, float] = (1e5, 1e11)
    budgets: int = 13
    small_times: tuple[float, ...] = (10.0, 100.0)
    seed: int = 0


PRESETS = {
    "smoke": Config(
        seeds=8,
        small_sizes=(8, 16, 32),
        small_seeds=12_000,
        flat_sizes=(8, 16, 32),
        flat_seeds=4000,
        compute=(1e7, 1e9),
        budgets=3,
    ),
    "paper": Config(
        seeds=40,
        small_sizes=(8, 16, 32, 64),
        small_seeds=40_000,
        flat_sizes=(16, 32, 64, 128),
        flat_seeds=12_000,
    ),
}

SIMULATED = {"v": 1000, "d": 200, "n": 300}


def deviations(key, kind, sizes, times, seeds: int) -> Data:
    """The mean risk over seeds against the equivalent: relative deviations and their slope.

    The straight lines through the logarithms are weighted by the errors, and leave out the
    smallest size.
    """
    rows, (a, b, v) = [], kind
    for m, size in enumerate(sizes):
        problem, n, t = task(a, b, v, size, 0.1), size * 3 // 2, list(times)
        runs = simulate(jax.random.fold_in(key, m), problem, GradientFlow(), t, seeds, n=n)
        risk = predict(problem, GradientFlow(), t, n=n).risk
        rows.append([runs.mean / risk - 1, runs.standard_error / risk])
    x, (mean, error) = np.log(sizes[1:]), np.moveaxis(np.array(rows)[1:], 1, 0)
    fits = [
        np.polyfit(x, np.log(y), 1, w=y / e, cov="unscaled")
        for y, e in zip(np.abs(mean).T, error.T, strict=True)
    ]
    return {
        "sizes": np.array(sizes),
        "times": np.array(times),
        "deviation": np.array(rows),
        "slope": np.array([[fit[0], np.sqrt(cov[0, 0])] for fit, cov in fits]),
    }


def compute(c: Config) -> Data:
    flow, data = GradientFlow(), {}
    t = np.geomspace(1, 1e8, 81)
    family = lambda d: task(c.a, c.b, c.v, d)
    data["time"] = t
    data["limit"] = predict(family(None), flow, t).excess
    data["by_width"] = np.array([predict(family(d), flow, t).excess for d in c.widths])
    curves = [predict(family(c.widths[-1]), flow, t, n=n) for n in c.samples]
    data["test"], data["train"] = (
        np.array([getattr(curve, x) for curve in curves]) for x in ("excess", "train")
    )
    # Points of literal training, of their own size.
    v, d, n = (SIMULATED[x] for x in ("v", "d", "n"))
    points, key = np.geomspace(1, 1e5, 11), jax.random.key(c.seed)
    problem = task(c.a, c.b, v, d)
    runs = simulate(key, problem, flow, points, c.seeds, n=n)
    theory = predict(problem, flow, points, n=n)
    data |= {
        "points": points,
        "points_test": np.array([theory.excess, runs.mean, runs.standard_error]),
        "points_train": np.array([theory.train, runs.train_mean, runs.train_standard_error]),
    }
    # The approach to infinite width, early and late.
    d = np.unique(np.geomspace(10, 10**6, 26).round().astype(int))
    excess = np.array([predict(family(int(x)), flow, [3.0, 1e8]).excess for x in d])
    data |= {"d": d, "approach": excess - predict(family(None), flow, [3.0, 1e8]).excess}
    # The theory's own error, for a steep spectrum and for a flat one.
    steep = (2.0, 2.0, 64), c.small_sizes, c.small_times, c.small_seeds
    flat = (c.a, c.b, 256), c.flat_sizes, c.small_times[:1], c.flat_seeds
    for m, (name, (kind, sizes, times, seeds)) in enumerate((("steep", steep), ("flat", flat))):
        found = deviations(jax.random.fold_in(key, m), kind, sizes, times, seeds)
        data |= {f"{name}_{part}": value for part, value in found.items()}
    # Compute-optimal width.
    flops = np.geomspace(*c.compute, c.budgets)
    frontiers = [design.flow_frontier(task(a, b, 10**9, 1), flops) for a, b in c.tasks]
    exponents = [asymptotics.finite_exponents(task(a, b, 10**9, 1)) for a, b in c.tasks]
    data |= {
        "flops": flops,
        "best_width": np.array([f.d for f in frontiers]),
        "best_slope": np.array([f.size_slope for f in frontiers]),
        "loss_slope": np.array([f.slope for f in frontiers]),
        "predicted": np.array([[e.best_width, e.compute] for e in exponents]),
        "tasks": np.array(c.tasks),
        "widths": np.array(c.widths),
        "samples": np.array(c.samples),
        "exponents": np.array([c.a, c.b]),
    }
    return data


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(2, 3, width=plot.PAGE, height=4.6)
    a, b = data["exponents"]
    t = data["time"]

    ax = axes[0, 0]
    for d, excess in zip(data["widths"], data["by_width"], strict=True):
        ax.loglog(t, excess, label=f"$d = 10^{{{np.log10(d):.0f}}}$")
    ax.loglog(t, data["limit"], "k", lw=0.8, label=r"$d = \infty$")
    plot.guide(ax, t[[20, 60]], 0.6 * data["limit"][20], -(a - 1) / b, label="$t^{-(a - 1)/b}$")
    ax.set(xlabel="time $t$", ylabel="excess risk", title="width stops time, $n = \\infty$")
    ax.legend()

    ax = axes[0, 1]
    for k, n in enumerate(data["samples"]):
        [line] = ax.loglog(t, data["test"][k], label=f"$n = 10^{{{np.log10(n):.0f}}}$")
        seen = data["train"][k] > 1e-4
        ax.loglog(t[seen], data["train"][k][seen], "--", color=line.get_color())
    ax.set(xlabel="time $t$", title=f"reused data, $d = {data['widths'][-1]}$", ylim=(3e-3, 3))
    ax.plot([], [], "--", color="0.4", label="training")
    ax.set_ylim(top=50)
    ax.legend(loc="upper left", ncol=2)

    ax = axes[0, 2]
    x = data["points"]
    for name, label, colour in (("test", "test", "C0"), ("train", "training", "C1")):
        theory, mean, error = data[f"points_{name}"]
        ax.loglog(x, theory, color=colour, label=label)
        ax.errorbar(x, mean, 2 * error, fmt="o", ms=2.5, color=colour)
    sizes = ", ".join(f"{name} = {value}" for name, value in SIMULATED.items())
    ax.set(xlabel="time $t$", title=f"lines: theory; runs ±2 s.e.\n${sizes}$")
    ax.legend()

    ax = axes[1, 0]
    d, names = data["d"], ("early, $t = 3$", "late, $t = 10^8$")
    for column, name, slope in zip(data["approach"].T, names, (-1.0, -(a - 1)), strict=True):
        [line] = ax.loglog(d, column, label=name)
        plot.guide(ax, d[[0, -1]], 1.6 * column[0], slope, color=line.get_color())
        y = 2.4 * column[0] * (d[18] / d[0]) ** slope
        ax.text(d[18], y, f"$d^{{{slope:g}}}$", color=line.get_color())
    ax.set(
        xlabel="width $d$", ylabel=r"$L(t, d) - L(t, \infty)$", title="approach to infinite width"
    )
    ax.legend(loc="lower left")

    ax = axes[1, 1]
    for name in ("steep", "flat"):
        sizes, found = data[f"{name}_sizes"], data[f"{name}_deviation"]
        for k, (time, (slope, spread)) in enumerate(
            zip(data[f"{name}_times"], data[f"{name}_slope"], strict=True)
        ):
            mean, error = found[:, 0, k], found[:, 1, k]
            label = f"{name}, $t = {time:g}$: ${slope:.2f} \\pm {spread:.2f}$"
            container = ax.errorbar(sizes, mean, 2 * error, fmt="o", ms=3, label=label)
            colour = container.lines[0].get_color()
            plot.guide(ax, sizes[[0, -1]], mean[-1] * sizes[-1] / sizes[0], -1, color=colour)
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="$d$, with $n = 3d/2$",
        ylabel="relative deviation of the mean",
        title="error of the theory (±2 s.e.)",
    )
    ticks = np.union1d(data["steep_sizes"], data["flat_sizes"])
    ax.set_xticks(ticks, map(str, ticks))
    ax.minorticks_off()
    ax.set_ylim(bottom=3e-4)
    ax.legend(title="slope (dots: 1/size)", loc="lower left")

    ax = axes[1, 2]
    C = data["flops"]
    for (a, b), best, predicted in zip(
        data["tasks"], data["best_width"], data["predicted"], strict=True
    ):
        kind = "hard" if a - 1 < b else "easy"
        [line] = ax.loglog(C, best, label=f"$d^*$, {kind}")
        ax.loglog(C, C / best, "--", color=line.get_color(), label=f"$t^*$, {kind}")
        plot.guide(ax, C[[0, -1]], best[0] * 1.8, predicted[0], color=line.get_color())
    ax.plot([], [], ":", color="0.35", label="exponent of $d^*$")
    ax.set(xlabel="compute $C = d\\,t$", title="best width and time", ylim=(20, 3e12))
    ax.legend(loc="upper left")
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
