"""Do prediction, exact expectation and SGD itself agree along training, in all seven phases?

Claim:    simulated runs scatter around the exact expectation of their own W; that scatters
          around the deterministic equivalent, which is the sum of four terms, one of which
          dominates at a time.
Refuted:  if the mean over runs leaves the exact expectation by more than its standard error
          explains (``z`` in the numbers), or the terms do not add up to the prediction.
Cost:     smoke 20 s, paper 2 min of one core.

    python -m experiments.loss_curves paper
"""

from dataclasses import dataclass

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import SGD, PowerLaw, expect, phase, plot, predict, simulate
from solvable.verify import POINTS


@dataclass(frozen=True)
class Config:
    d: int
    steps: int
    """Steps simulated."""
    seeds: int
    points: tuple[tuple[float, float], ...] = tuple(first for first, _ in POINTS.values())
    """(alpha, beta), one in each phase."""
    ratio: int = 4
    """v / d."""
    horizon: int = 10**7
    """Steps predicted."""
    fraction: float = 0.25
    """Of the largest stable learning rate."""
    B: int = 8
    quantiles: tuple[float, float] = (0.05, 0.95)
    seed: int = 0


PRESETS = {
    "smoke": Config(d=32, steps=300, seeds=8),
    "paper": Config(d=200, steps=20_000, seeds=32),
}


def compute(c: Config) -> Data:
    step = np.unique(np.geomspace(1, c.horizon, 141).round().astype(int))
    data: dict[str, list] = {}
    for n, (alpha, beta) in enumerate(c.points):
        key_draw, key_runs = jax.random.split(jax.random.fold_in(jax.random.key(c.seed), n))
        problem = PowerLaw(alpha=alpha, beta=beta, v=c.ratio * c.d, d=c.d)
        sgd = SGD.stable(problem, c.fraction, c.B)
        draw = problem.draw(key_draw)
        curve = predict(problem, sgd, step, terms=True)
        exact = expect(draw, sgd, step).risk
        runs = simulate(key_runs, draw, sgd, step[step <= c.steps], c.seeds)
        low, high = (runs.quantile(q) for q in c.quantiles)
        row = {
            "phase": phase(alpha, beta).name,
            "gamma": sgd.gamma,
            "predicted": curve.risk,
            "exact": exact,
            "mean": runs.mean,
            "standard_error": runs.standard_error,
            "low": low,
            "high": high,
            "z": (runs.mean - exact[: runs.step.size]) / runs.standard_error,
        } | {f"term_{name}": values for name, values in (curve.terms or {}).items()}
        for name, values in row.items():
            data.setdefault(name, []).append(values)
    sizes = {"d": c.d, "v": c.ratio * c.d, "B": c.B, "seeds": c.seeds}
    fixed = {"step": step, "points": np.array(c.points)} | {
        k: np.array(x) for k, x in sizes.items()
    }
    return fixed | {k: np.array(v) for k, v in data.items()}


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(2, 4, width=plot.PAGE, height=4.0, sharex=True)
    step = data["step"]
    simulated = step[: data["mean"].shape[1]]
    for n, ax in enumerate(axes.flat[:-1]):
        low, mean, high = (data[name][n] for name in ("low", "mean", "high"))
        plot.band(ax, simulated, mean, low, high, color="#0072B2", lw=1.5, label="SGD (5 to 95 %)")
        ax.plot(step, data["exact"][n], color="#D55E00", lw=1.0, label="exact expectation")
        ax.plot(step, data["predicted"][n], color="black", lw=0.9, label="prediction")
        terms = ("capacity", "population", "distortion", "sgd_noise")
        plot.parts(ax, step, {name: data[f"term_{name}"][n] for name in terms})
        top, bottom = data["predicted"][n].max(), data["predicted"][n].min()
        ax.set(xscale="log", yscale="log", ylim=(bottom / 15, top * 2))
        ax.yaxis.set_minor_formatter("")
        alpha, beta = data["points"][n]
        ax.set_title(rf"{data['phase'][n]}: $\alpha = {alpha:g}$, $\beta = {beta:g}$")
    for ax in (*axes[1, :3], axes[0, 3]):
        ax.set_xlabel(plot.AXES["step"])
        ax.tick_params(labelbottom=True)
    for ax in axes[:, 0]:
        ax.set_ylabel("risk $P$")
    axes[1, 3].axis("off")
    d, v, B, seeds = (data[name] for name in ("d", "v", "B", "seeds"))
    title = f"$d = {d}$, $v = {v}$, $B = {B}$\none draw, {seeds} runs"
    handles = axes[0, 3].get_legend_handles_labels()
    axes[1, 3].legend(*handles, loc="center", title=title, title_fontsize=7)
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
