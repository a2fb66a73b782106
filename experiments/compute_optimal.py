"""Where along its training does a model of each size touch the compute-optimal frontier?

Claim:    the lower envelope of the risk curves over all sizes is a power law of the compute,
          with the exponent of its phase, and so is the size that attains it.
Refuted:  if the local slope at the largest budget is not the predicted exponent, to within
          0.005, in any phase but IVb, where a sum that ends at v sets it.
Found:    from 0.0000 in II to 0.0024 in Ic, and 0.0116 in IVb.
Cost:     smoke 20 s, paper 1 min of one core.

    python -m experiments.compute_optimal paper
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import design, phase, plot, predict
from solvable.verify import POINTS, family, half_trace


@dataclass(frozen=True)
class Config:
    points: tuple[tuple[float, float], ...]
    """(alpha, beta)."""
    sizes: tuple[int, ...]
    """Sizes d whose curves are drawn."""
    flops: tuple[float, float]
    """The range of budgets."""
    budgets: int
    """Budgets of the frontier."""


PRESETS = {
    "smoke": Config(points=((1.0, 0.7),), sizes=(100, 10_000), flops=(1e6, 1e12), budgets=4),
    "paper": Config(
        points=tuple(first for first, _ in POINTS.values()),
        sizes=tuple(round(10 ** (k / 2)) for k in range(3, 24)),  # beyond every best size
        flops=(1e5, 1e20),
        budgets=31,
    ),
}


def compute(c: Config) -> Data:
    budgets = np.geomspace(*c.flops, c.budgets)
    flops = np.geomspace(*c.flops, 20 * round(np.log10(c.flops[1] / c.flops[0])) + 1)
    data: dict[str, list] = {}
    for alpha, beta in c.points:
        theory = phase(alpha, beta)
        risk = np.full((len(c.sizes), flops.size), np.nan)
        for n, d in enumerate(c.sizes):
            step = np.round(flops / d)
            seen = (step >= 10) & (step <= 1e15)
            unique, back = np.unique(step[seen], return_inverse=True)
            problem = family(alpha, beta, d)
            risk[n, seen] = predict(problem, half_trace(problem), unique).risk[back]
        best = design.frontier(lambda d: family(alpha, beta, d), half_trace, budgets)  # noqa: B023
        row = {
            "phase": theory.name,
            "predicted": (theory.loss_exponent, theory.size_exponent),
            "risk": risk,
            "best_risk": best.excess,
            "best_d": best.d,
            "slope": best.slope,
            "size_slope": best.size_slope,
            "at_edge": best.at_edge,
        }
        for name, values in row.items():
            data.setdefault(name, []).append(values)
    fixed = {"points": np.array(c.points), "sizes": np.array(c.sizes)}
    fixed |= {"flops": flops, "budgets": budgets}
    return fixed | {name: np.array(values) for name, values in data.items()}


def draw(data: Data) -> Figure:
    count = len(data["points"])
    width = plot.PAGE if count > 1 else plot.COLUMN
    rows = -(-count // 4)
    heights = rows * (1.7, 1)
    fig, axes = plot.panels(
        2 * rows, -(-count // rows), width=width, height=4.4 * rows, height_ratios=heights
    )
    pairs = [pair for row in range(rows) for pair in axes[2 * row : 2 * row + 2].T]
    budgets, flops = data["budgets"], data["flops"]
    shades = plot.sequence(len(data["sizes"]))
    for n, (top, bottom) in enumerate(pairs[:count]):
        for risk, shade in zip(data["risk"][n], shades, strict=True):
            top.plot(flops, risk, color=shade, lw=0.7)
        inside = ~data["at_edge"][n]
        loss, size = data["predicted"][n]
        middle = len(budgets) // 3
        for ax, name, exponent, slope, shift in (
            (top, "best_risk", loss, data["slope"], 0.2),
            (bottom, "best_d", size, data["size_slope"], 5.0),
        ):
            y = data[name][n]
            ax.plot(budgets[inside], y[inside], color="black", lw=1.4, label="frontier")
            plot.guide(
                ax,
                budgets[middle:],
                shift * y[middle],
                exponent,
                color="#D55E00",
                ls="--",
                label="predicted",
            )
            text = f"measured {slope[n, -1]:.4f}\npredicted {exponent:.4f}".replace("-", "−")
            low = ax is top
            ax.text(
                0.04,
                0.04 if low else 0.96,
                text,
                transform=ax.transAxes,
                fontsize=7,
                va="bottom" if low else "top",
            )
            ax.set(xscale="log", yscale="log")
        top.set_ylim(data["best_risk"][n].min() / 20, 4 * np.nanmax(data["risk"][n]))
        alpha, beta = data["points"][n]
        top.set_title(rf"{data['phase'][n]}: $\alpha = {alpha:g}$, $\beta = {beta:g}$")
        bottom.set_xlabel("compute $f = dBt$")
    for row in range(rows):
        axes[2 * row, 0].set_ylabel("risk $P$")
        axes[2 * row + 1, 0].set_ylabel("optimal size $d^*$")
    place = pairs[-1][0] if count < len(pairs) else axes[1, 0]
    for ax in np.ravel(pairs[count:]):
        ax.axis("off")
    shade = shades[len(shades) // 2]
    pairs[0][0].plot([], [], color=shade, lw=0.7, label="one size $d$; larger: lighter")
    place.legend(
        *pairs[0][0].get_legend_handles_labels(), loc="center" if count > 1 else "lower right"
    )
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
