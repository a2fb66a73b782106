"""Which learning-rate schedule is best, and does its order show in the exponents?

Claim:    with label noise, and the peak tuned to each horizon T, the excess risk falls as a power
          of T that the end of the schedule decides. Ending like (1 - z)^p it feels the capacity
          A = min(2 alpha, p + 1), and with s = (2 alpha + 2 beta - 1) / (2 alpha) falls like
          T^-(s A / (1 + s A)); where s < 1 - 1/A, on hard targets, like T^-s. A constant rate has
          p = 0, cooldowns and linear decay p = 1, a cosine p = 2. The optimum over all schedules
          has the exponent of p = 4 alpha - 1.
Refuted:  if the local slopes drift away from these exponents as T grows, or a named schedule ends
          below the optimum.
Found:    from T = 16384 to 65536 the slopes at (1, 0.5) are -0.497 (predicted -0.500) for the
          constant rate; -0.606 to -0.616 for linear ends (-0.667, up to a logarithm); -0.639 for
          the cosine and -0.652 for p = 3 (-0.667). At (0.75, 0.5): -0.491 (-0.500), -0.569 to
          -0.577, -0.589 and -0.592 (-0.600). On the hard target (1.25, -0.375) they come from the
          other side: -0.239 (-0.231), and -0.313 to -0.342 (-0.300). The exponent of p = 4 alpha
          - 1 is that of the optimum, but at T = 4096 its risk is still 12, 6 and 26 % higher. The
          rule eta ~ K^(-1/2), with two scalars tuned, is within 0.2 % of the optimum over every
          rate for the easy targets, 1.5 % for the hard one.
Cost:     smoke 10 s, paper 2.5 min of one core.

Risks are multiplied by the power of T with which the optimum falls, so that it is level.

    python -m experiments.schedules paper
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import SGD, PowerLaw, design, exponents, plot, schedules


@dataclass(frozen=True)
class Config:
    horizons: tuple[int, ...]
    shape: int
    """Horizon whose schedules are drawn."""
    optimal: int
    """Longest horizon of the optimal rule."""
    direct: int
    """Longest horizon at which every rate is optimised."""
    points: tuple[tuple[float, float], ...]
    """(alpha, beta)."""
    v: int = 10**7
    noise: float = 1.0
    records: int = 256
    """Rates kept of each schedule."""


PRESETS = {
    "smoke": Config(
        horizons=(256, 1024), shape=256, optimal=256, direct=256, points=((1.0, 0.5),), v=10**5
    ),
    "paper": Config(
        horizons=(1024, 4096, 16384, 65536),
        shape=4096,
        optimal=16384,
        direct=4096,
        points=((1.0, 0.5), (0.75, 0.5), (1.25, -0.375)),
    ),
}

NAMES = {
    "constant": "constant",
    "stable": "last 20 % linear",
    "root": r"last 20 % $1-\sqrt{\cdot}$",
    "linear": "linear",
    "cosine": "cosine",
    "power": r"$(1-z)^{4\alpha-1}$",
}


def families(alpha: float) -> dict[str, Callable]:
    """Schedules from a peak and a horizon, as in NAMES."""
    return {
        "constant": schedules.Constant,
        "stable": schedules.StableDecay,
        "root": partial(schedules.StableDecay, cooldown="1-sqrt"),
        "linear": schedules.Linear,
        "cosine": schedules.Cosine,
        "power": partial(schedules.PowerDecay, p=4 * alpha - 1),
    }


def compute(c: Config) -> Data:
    T, data = np.array(c.horizons), {}
    kept = np.unique(np.linspace(0, c.shape - 1, c.records).round().astype(int))
    for alpha, beta in c.points:
        problem = PowerLaw(alpha=alpha, beta=beta, v=c.v, noise=c.noise)
        stable = float(SGD.stable(problem, 1.0).gamma)
        excess, peak, predicted, shapes = [], [], [], []
        for family in families(alpha).values():
            rule = lambda peak, T, family=family: SGD(family(peak, T))
            best = [
                design.tune(problem, partial(rule, T=t), t, high=2 * stable) for t in c.horizons
            ]
            excess.append([b.excess for b in best])
            peak.append([b.peak / stable for b in best])
            theory = exponents(problem, rule(0.1, T=100))
            predicted.append((theory.risk, theory.peak))
            shapes.append(family(peak[-1][c.horizons.index(c.shape)], c.shape)(kept))
        rules = [design.optimal_schedule(problem, t) for t in c.horizons if t <= c.optimal]
        short = [t for t in c.horizons if t <= c.direct]
        direct = [design.optimal_schedule(problem, t, method="direct") for t in short]
        shapes += [best[short.index(c.shape)].rates[kept] / stable for best in (rules, direct)]
        optimum = np.array([best.excess for best in rules])
        row = {
            "excess": np.array(excess),
            "peak": np.array(peak),
            "predicted": np.array(predicted),
            "slope": np.diff(np.log(excess)) / np.diff(np.log(T)),
            "optimum": optimum,
            "optimum_slope": np.diff(np.log(optimum)) / np.diff(np.log(T[: optimum.size])),
            "direct": np.array([best.excess for best in direct]),
            "shape": np.array(shapes),
        }
        for name, values in row.items():
            data.setdefault(name, []).append(values)
    fixed = {"T": T, "points": np.array(c.points), "shape_T": np.array(c.shape)}
    fixed["shape_z"] = kept / c.shape
    return fixed | {name: np.array(values) for name, values in data.items()}


def draw(data: Data) -> Figure:
    count, T = len(data["points"]), data["T"]
    width = plot.PAGE if count > 1 else plot.COLUMN
    ratios = {"height_ratios": [1, 0.85]}
    fig, axes = plot.panels(2, count, width=width, height=5.5, sharey="row", gridspec_kw=ratios)
    minus = lambda x: f"{x:.3f}".replace("-", "−")
    circles = {"ls": "none", "marker": "o", "mfc": "white", "mew": 0.7, "color": "black"}
    for i, (alpha, beta) in enumerate(data["points"]):
        (risk, shape), best = axes[:, i], data["predicted"][i, -1, 0]
        compensated = lambda y, best=best: y * T[: y.size] ** -best
        for n, label in enumerate(NAMES.values()):
            slope, exponent = data["slope"][i, n, -1], data["predicted"][i, n, 0]
            label = f"{label}: {minus(slope)} ({minus(exponent)})"
            risk.plot(T, compensated(data["excess"][i, n]), color=f"C{n}", label=label)
            shape.plot(data["shape_z"], data["shape"][i, n], color=f"C{n}", lw=1.0)
        optimum, direct = data["optimum"][i], data["direct"][i]
        slopes = data["optimum_slope"][i, -1:]  # none if there is one horizon
        label = "optimal rule" + "".join(f": {minus(x)} ({minus(best)})" for x in slopes)
        risk.plot(T[: optimum.size], compensated(optimum), color="black", label=label)
        risk.plot(T[: direct.size], compensated(direct), label="every rate optimised", **circles)
        shape.plot(data["shape_z"], data["shape"][i, -2], color="black", lw=1.4)
        shape.plot(data["shape_z"][::12], data["shape"][i, -1, ::12], **circles)
        kind = "easy" if beta > 0 else "hard"
        risk.set_title(rf"({'abc'[i]}) {kind}: $\alpha = {alpha:g}$, $\beta = {beta:g}$")
        risk.set(xscale="log", yscale="log", xlabel="horizon $T$ (steps)", ylim=(1.2, 7))
        risk.set_yticks([1.5, 2, 3, 4, 6], ["1.5", "2", "3", "4", "6"])
        risk.set_xticks(T, [str(t) for t in T])
        risk.minorticks_off()
        power = Fraction(-best).limit_denominator(99)
        risk.set_ylabel(rf"excess risk $\times\; T^{{\,{power}}}$")
        legend = {"title": "last slope (predicted)", "title_fontsize": 7, "alignment": "left"}
        risk.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), borderpad=0, **legend)
        shape.set(xlabel=f"step $t / T$, at $T = {data['shape_T']}$", yscale="log")
        shape.set_ylim(1e-3, 2)
    axes[1, 0].set_ylabel("learning rate / largest stable one")
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
