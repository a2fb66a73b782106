"""Are the compute-optimal exponents of the seven phases those of the deterministic equivalent?

Claim:    at every (alpha, beta) the local slope of the numerical frontier approaches the
          predicted exponent as the compute grows, and so does that of the optimal size.
Refuted:  if inside a phase the deviations stop falling with compute, away from boundaries
          (where logarithms appear) and from IVb and the corner alpha < 1/4 (where the next
          term falls by so small a power that no reachable compute is enough).
Cost:     smoke 40 s, paper 4 min of one core (7 to 9 min on two busy ones).

The maps show the last budget: white where they agree. Logarithms show as ridges on boundaries.
Near alpha = 0 in Ic all eigenvalues are nearly equal, and the risk as a function of d is wavy:
the mottle there is the resolution of the frontier's polynomial, not noise.

    python -m experiments.phase_diagram paper
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import design, phase, plot
from solvable.asymptotics.phases import NO_POWER_LAW
from solvable.verify import family, half_trace


@dataclass(frozen=True)
class Config:
    grid: int
    """Points along each axis."""
    alpha: tuple[float, float] = (0.0, 1.2)
    beta: tuple[float, float] = (0.0, 1.2)
    flops: tuple[float, ...] = (1e12, 1e18, 1e24)
    """Budgets; the maps show the last."""
    decades: float = 1.25
    """Sizes searched on each side of f^size_exponent, at first."""


PRESETS = {"smoke": Config(grid=5, flops=(1e12, 1e24)), "paper": Config(grid=40)}

TOLERANCES = (0.005, 0.02)


def local_slopes(alpha: float, beta: float, flops: float, decades: float) -> design.Frontier:
    """The frontier at one budget, searched near the predicted size, and wider if need be."""
    centre = np.log10(flops) * phase(alpha, beta).size_exponent
    while True:
        low = max(10 ** (centre - decades), 8)
        high = min(low * 10 ** (2.01 * decades), 1e16)  # one ratio: few programs to compile
        sizes = round(low), round(high)
        best = design.frontier(lambda d: family(alpha, beta, d), half_trace, [flops], sizes)
        if not best.at_edge[0] or decades > 8:
            return best
        decades *= 2


def compute(c: Config) -> Data:
    middle = (np.arange(c.grid) + 0.5) / c.grid
    alpha, beta = (np.round(low + (high - low) * middle, 6) for low, high in (c.alpha, c.beta))
    flops = np.array(c.flops)
    name = plot.phase_names(alpha, beta)
    predicted = np.full((2, c.grid, c.grid), np.nan)  # exponents of the risk, of the size
    measured = np.full((2, flops.size, c.grid, c.grid), np.nan)
    distance = np.full((c.grid, c.grid), np.nan)
    at_edge = 0
    for i, j in np.argwhere(alpha[:, None] + beta > 0.5):
        theory = phase(alpha[i], beta[j])
        predicted[:, i, j] = theory.loss_exponent, theory.size_exponent
        distance[i, j] = theory.boundary.distance
        for k, f in enumerate(flops):
            best = local_slopes(alpha[i], beta[j], f, c.decades)
            measured[:, k, i, j] = best.slope[0], best.size_slope[0]
            at_edge += int(best.at_edge[0])
    return {
        "alpha": alpha,
        "beta": beta,
        "limits": np.array([c.alpha, c.beta]),
        "flops": flops,
        "name": name,
        "boundary_distance": distance,
        "predicted": predicted,
        "measured": measured,
        "at_edge": np.array(at_edge),
        **summary(name, measured - predicted[:, None]),
    }


def summary(name: np.ndarray, deviation: np.ndarray) -> Data:
    """Per phase and budget: points, median deviation, and how many exceed each tolerance."""
    phases = [p for p in plot.PHASES if (name == p).any() and p != NO_POWER_LAW]
    size = np.abs(deviation)
    return {
        "phases": np.array(phases),
        "points": np.array([(name == p).sum() for p in phases]),
        "tolerances": np.array(TOLERANCES),
        "exceed": np.array(
            [[(size[..., name == p] > t).sum(axis=-1) for p in phases] for t in TOLERANCES]
        ),
        "median": np.array([np.median(size[..., name == p], axis=-1) for p in phases]),
    }


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(2, 2, width=plot.PAGE, height=6.0)
    plane, risk, median, size = axes[0, 0], axes[0, 1], axes[1, 0], axes[1, 1]
    plot.phase_plane(plane, *data["limits"])
    plane.set_title("(a) phases")
    deviation = (data["measured"] - data["predicted"][:, None])[:, -1]
    budget = f"$f = 10^{{{np.log10(data['flops'][-1]):.0f}}}$"
    what = ("(b) risk: exponent measured − predicted", "(d) size: exponent measured − predicted")
    for ax, title, values in zip((risk, size), what, deviation, strict=True):
        edges = [np.linspace(*side, values.shape[0] + 1) for side in data["limits"]]
        norm = SymLogNorm(0.01, vmin=-0.2, vmax=0.2)
        image = ax.pcolormesh(*edges, values.T, cmap="RdBu_r", norm=norm)
        ax.set(title=f"{title}, {budget}", xlabel=plane.get_xlabel(), ylabel=plane.get_ylabel())
        plot.boundaries(ax)
        ticks = [-0.2, -0.05, -0.01, 0, 0.01, 0.05, 0.2]
        bar = fig.colorbar(image, ax=ax, extend="both")
        bar.set_ticks(ticks, labels=[f"{x:g}".replace("-", "−") for x in ticks], minor=False)
        bar.minorticks_off()
    for ax in (plane, risk, size):
        ax.set(aspect="equal", xticks=np.arange(0, 1.3, 0.2), yticks=np.arange(0, 1.3, 0.2))
    for name, values in zip(data["phases"], data["median"], strict=True):
        colour = plot.PHASES[name]
        median.plot(data["flops"], values[0], "-o", color=colour, mec="black", mew=0.4)
        median.annotate(
            name,
            (data["flops"][0], values[0, 0]),
            (-5, 0),
            va="center",
            ha="right",
            textcoords="offset points",
        )
    median.set(xscale="log", yscale="log", xlabel=plot.AXES["flops"])
    median.set_xlim(data["flops"][0] / 100)
    median.set(ylabel="median |measured − predicted|, risk exponent")
    median.set_title("(c) deviations fall with compute")
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
