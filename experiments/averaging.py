"""Does averaging the iterates of a constant rate do what a decaying rate does?

Claim:    with label noise, and the rate tuned to each horizon T, the excess risk of the last
          iterate falls like T^-(s / (1 + s)), s = (2 alpha + 2 beta - 1) / (2 alpha). Averages
          over a part of training that grows with T, be it an EMA (arXiv 2502.14123) of memory
          T / 8, the tail half or all of it, have the exponent of the best schedule: s A / (1 +
          s A) with A = 2 alpha, or s itself on hard targets. Simulated averages have the mean of
          the exact recursion.
Refuted:  if the local slopes of the averages drift away from that exponent as T grows, or the
          z-scores of the runs are larger than chance makes them.
Found:    from T = 32768 to 131072 the slopes at (1, 0.5) are -0.497 for the last iterate
          (predicted -0.500), -0.660, -0.665 and -0.671 for EMA, tail half and mean of
          all (-0.667); at T = 131072 their risks are 3.4, 4.1 and 4.8 times smaller. On the hard
          target (1.25, -0.375) -0.238 (-0.231), and -0.331, -0.324 and -0.316, which
          still come down to -0.300; there the mean of all is the worst of the three, by 14 %. All
          159 z-scores of 3000 runs are below 2.7.
Cost:     smoke 25 s, paper 2 min of one core.

Risks in (a) and (b) are multiplied by the power of T with which the averages fall.

    python -m experiments.averaging paper
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import SGD, Averaged, PowerLaw, Rule, design, exponents, plot, predict, simulate


@dataclass(frozen=True)
class Config:
    horizons: tuple[int, ...]
    points: tuple[tuple[float, float], ...]
    """(alpha, beta)."""
    seeds: int
    v: int = 10**7
    noise: float = 1.0
    memory: float = 8.0
    """1 - rho of the EMA is this over T."""
    run_v: int = 48
    """Modes of the runs, at (0.75, 0.15)."""
    run_noise: float = 0.25
    run_rate: float = 0.2
    run_rho: float = 0.98
    run_tail: int = 100
    run_steps: int = 1000
    seed: int = 0


PRESETS = {
    "smoke": Config(horizons=(256, 512), points=((1.0, 0.5),), seeds=200, v=10**5),
    "paper": Config(
        horizons=(512, 2048, 8192, 32_768, 131_072),
        points=((1.0, 0.5), (1.25, -0.375)),
        seeds=3000,
    ),
}

NAMES = ("last iterate", "EMA", "tail half", "mean of all")


def averaged(name: str, T: int, memory: float, rate: float) -> Rule:
    """The rule of that name for a horizon."""
    sgd = SGD(rate)
    return {
        "last iterate": lambda: sgd,
        "EMA": lambda: Averaged(sgd, ema=1 - memory / T),
        "tail half": lambda: Averaged(sgd, tail=T // 2),
        "mean of all": lambda: Averaged(sgd, tail=0),
    }[name]()


def compute(c: Config) -> Data:
    T, data = np.array(c.horizons), {}
    for alpha, beta in c.points:
        problem = PowerLaw(alpha=alpha, beta=beta, v=c.v, noise=c.noise)
        stable = float(SGD.stable(problem, 1.0).gamma)
        for name in NAMES:
            best = [
                design.tune(problem, partial(averaged, name, t, c.memory), t) for t in c.horizons
            ]
            excess = np.array([b.excess for b in best])
            row = {
                "excess": excess,
                "rate": np.array([b.peak for b in best]) / stable,
                "slope": np.diff(np.log(excess)) / np.diff(np.log(T)),
                "predicted": exponents(problem, averaged(name, 100, c.memory, 0.1)).risk,
            }
            for key, values in row.items():
                data.setdefault(key, []).append(values)
    shape = (len(c.points), len(NAMES), -1)
    tables = {key: np.reshape(values, shape) for key, values in data.items()}
    problem = PowerLaw(alpha=0.75, beta=0.15, v=c.run_v, noise=c.run_noise)
    sgd = SGD(c.run_rate)
    rules = (sgd, Averaged(sgd, ema=c.run_rho), Averaged(sgd, tail=c.run_tail))
    step = np.unique(np.geomspace(2, c.run_steps, 61).round().astype(int))
    runs = [
        simulate(jax.random.fold_in(jax.random.key(c.seed), n), problem, rule, step, c.seeds)
        for n, rule in enumerate(rules)
    ]
    exact = np.array([predict(problem, rule, step).excess for rule in rules])
    mean = np.array([run.excess.mean(axis=0) for run in runs])
    error = np.array([run.standard_error for run in runs])
    return tables | {
        "T": T,
        "points": np.array(c.points),
        "memory": np.array(c.memory),
        "step": step,
        "exact": exact,
        "mean": mean,
        "z": (mean - exact) / error,
        "low": np.array([np.quantile(run.excess, 0.05, axis=0) for run in runs]),
        "high": np.array([np.quantile(run.excess, 0.95, axis=0) for run in runs]),
        "rho": np.array(c.run_rho),
        "tail": np.array(c.run_tail),
        "seeds": np.array(c.seeds),
    }


def draw(data: Data) -> Figure:
    count, T = len(data["points"]), data["T"]
    fig, axes = plot.panels(1, count + 1, width=plot.PAGE, height=3.2)
    minus = lambda x: f"{x:.3f}".replace("-", "−")
    for i, (alpha, beta) in enumerate(data["points"]):
        ax, best = axes[0, i], data["predicted"][i, 1, 0]
        for n, name in enumerate(NAMES):
            label = f"EMA, $1-\\rho = {data['memory']:g}/T$" if name == "EMA" else name
            slope, exponent = data["slope"][i, n, -1], data["predicted"][i, n, 0]
            label = f"{label}: {minus(slope)} ({minus(exponent)})"
            ax.plot(T, data["excess"][i, n] * T**-best, color=f"C{n}", label=label)
        kind = "easy" if beta > 0 else "hard"
        ax.set_title(rf"({'abc'[i]}) {kind}: $\alpha = {alpha:g}$, $\beta = {beta:g}$")
        power = Fraction(-best).limit_denominator(99)
        ax.set(xscale="log", yscale="log", xlabel="horizon $T$ (steps)", ylim=(1.25, 8))
        ax.set_yticks([1.5, 2, 3, 4, 6], ["1.5", "2", "3", "4", "6"])
        ax.minorticks_off()
        ax.set_ylabel(rf"excess risk $\times\; T^{{\,{power}}}$")
        legend = {"title": "last slope (predicted)", "title_fontsize": 7, "alignment": "left"}
        ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.17), borderpad=0, **legend)
    ax, step = axes[0, -1], data["step"]
    names = ("SGD", rf"EMA, $\rho = {data['rho']:g}$", f"mean from step {data['tail']}")
    for n, name in enumerate(names):
        ax.fill_between(step, data["low"][n], data["high"][n], color=f"C{n}", alpha=0.2, lw=0)
        ax.plot(step, data["exact"][n], color=f"C{n}", lw=1.0, label=name)
        some = slice(2 * n, None, 6)
        ax.plot(step[some], data["mean"][n, some], "o", color=f"C{n}", mfc="white", mew=0.7, ms=3)
    ax.plot([], [], "o", color="0.35", mfc="white", mew=0.7, ms=3, label="mean of runs")
    ax.fill_between([], [], color="0.35", alpha=0.2, lw=0, label="5 to 95 % of runs")
    ax.set(xscale="log", yscale="log", xlabel="step $t$", ylabel="excess risk")
    ax.set_title(f"({'abc'[count]}) {data['seeds']} runs, constant rate")
    ax.set_ylim(0.15 * data["low"].min(), None)
    ax.legend(loc="lower left", borderpad=0)
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
