"""How does one-pass SGD learn a linear regression with power-law spectrum?

Claim:    (a) the excess risk falls as t^-min(p, q), with p = 1 + (2 beta - 1)/(2 alpha) from
          the part not learned yet and q = 2 - 1/(2 alpha) from SGD noise; (b) the stable
          learning rate grows with the batch only up to the critical batch size, here about one:
          beyond, a batch B times larger costs B times the samples; (c) label noise ends the
          fall at noise S/(1 - S), for the kernel sum S = sum_i gamma lam_i / (2 B - gamma (B +
          1) lam_i). The curves are exact expectations, so the mean over runs differs by its
          standard error alone.
Refuted:  if the z-scores of the runs grow with the step, or the last values of (c) miss the
          closed form.
Cost:     smoke 10 s, paper 2 min of one core.

    python -m experiments.linear_regression paper
"""

from dataclasses import dataclass, replace

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import SGD, PowerLaw, plot, predict, simulate


@dataclass(frozen=True)
class Config:
    v: int
    seeds: int
    samples: int
    """Samples of each simulated run."""
    horizon: int = 10**7
    """Samples of each curve."""
    points: tuple[tuple[float, float], ...] = ((1.3, 0.2), (1.0, 0.7), (1.0, 1.2))
    """(alpha, beta) of panel (a); the other panels have the second."""
    batches: tuple[int, ...] = (1, 8, 64, 512)
    """Of panel (b)."""
    noises: tuple[float, ...] = (0.0, 1e-4, 1e-2)
    """Label noise variances of panel (c)."""
    B: int = 8
    """Batch size of panels (a) and (c)."""
    fraction: float = 0.25
    """Of the largest stable learning rate."""
    quantiles: tuple[float, float] = (0.05, 0.95)
    seed: int = 0


PRESETS = {
    "smoke": Config(
        v=50,
        seeds=8,
        samples=4000,
        horizon=10**6,
        points=((1.3, 0.2), (1.0, 0.7)),
        batches=(1, 8),
        noises=(0.0, 1e-2),
    ),
    "paper": Config(v=1000, seeds=16, samples=50_000),
}


def floor(problem: PowerLaw, sgd: SGD) -> float:
    """The excess risk left after infinitely many steps, from the closed form."""
    modes = problem.spectrum()
    x = sgd.gamma * modes.lam
    S = modes.multiplicity @ (x / (2 * sgd.B - (sgd.B + 1) * x))
    return float(problem.noise * S / (1 - S))


def compute(c: Config) -> Data:
    first = [PowerLaw(alpha=a, beta=b, v=c.v) for a, b in c.points]
    base = first[1]
    cases = [("a", problem, c.B) for problem in first]
    cases += [("b", base, B) for B in c.batches]
    cases += [("c", replace(base, noise=noise), c.B) for noise in c.noises]
    data: dict[str, list] = {}
    for n, (panel, problem, B) in enumerate(cases):
        sgd = SGD.stable(problem, c.fraction, B)
        step = np.unique(np.geomspace(1, c.horizon / B, 141).round().astype(int))
        curve = predict(problem, sgd, step)
        key = jax.random.fold_in(jax.random.key(c.seed), n)
        runs = simulate(key, problem, sgd, step[step * B <= c.samples], c.seeds)
        error, size = runs.standard_error, runs.step.size
        row = {
            "panel": panel,
            "alpha": problem.alpha,
            "beta": problem.beta,
            "noise": problem.noise,
            "B": B,
            "gamma": sgd.gamma,
            "floor": floor(problem, sgd),
            "z": ((runs.mean - curve.risk[:size]) / error)[-1],
        }
        lines = {"samples": B * step, "excess": curve.excess}
        low, high = (runs.quantile(q) - problem.noise for q in c.quantiles)
        lines |= {"mean": runs.mean - problem.noise, "low": low, "high": high}
        for name, values in row.items():
            data.setdefault(name, []).append(values)
        for name, values in lines.items():
            data.setdefault(name, []).append(values)
    width = max(map(len, data["samples"]))  # rows end in NaN where a case has fewer records
    pad = lambda y: np.pad(np.asarray(y, float), (0, width - len(y)), constant_values=np.nan)
    ragged = ("samples", "excess", "mean", "low", "high")
    return {k: np.array([pad(y) for y in v] if k in ragged else v) for k, v in data.items()}


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(1, 3, width=plot.PAGE, height=2.8)
    for ax, panel, title in zip(
        axes[0], "abc", ("exponents", "batch size", "label noise"), strict=True
    ):
        ax.set_title(f"({panel}) {title}", loc="left")
        rows = np.flatnonzero(data["panel"] == panel)
        for n, colour in zip(rows, plot.sequence(len(rows)), strict=True):
            row = {name: values[n] for name, values in data.items()}
            p = 1 + (2 * row["beta"] - 1) / (2 * row["alpha"])
            exponent = -min(p, 2 - 1 / (2 * row["alpha"]))
            point = rf"$\alpha = {row['alpha']:g}$, $\beta = {row['beta']:g}$"
            x = row["samples"]
            seen = line_below(x, row["excess"])[0]
            ends = np.interp(seen[[0, -1]], x, row["excess"])
            slope = np.diff(np.log(ends))[0] / np.log(seen[-1] / seen[0])
            label = {
                "a": f"{point}: {exponent:.2f} ({slope:.2f})".replace("-", "−"),
                "b": f"$B = {row['B']}$",
                "c": rf"$\sigma^2 = {row['noise']:g}$",
            }[panel]
            plot.band(ax, x, row["mean"], row["low"], row["high"], color=colour, lw=0)
            ax.plot(x, row["excess"], color=colour, lw=1.1, label=label)
            if panel == "a":
                plot.guide(ax, *line_below(x, row["excess"]), exponent, color=colour)
            if panel == "c" and row["floor"] > 0:
                ax.axhline(row["floor"], color=colour, ls=":", lw=1.0)
        ax.set(xscale="log", yscale="log", xlabel="samples $B\\,t$")
        ax.set_ylim(1e-8, 3e4)
        ax.legend(loc="upper right")
    axes[0, 0].get_legend().set_title("exponent at infinity (beside the dots)", {"size": 7})
    axes[0, 0].set_ylabel(r"excess risk $P - \sigma^2$")
    return fig


def line_below(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Where to draw a slope beside a curve: over two decades, a little below it."""
    first, last = np.searchsorted(x[~np.isnan(x)], [3e3, 3e5])
    return x[first : last + 1], 0.3 * y[first]


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
