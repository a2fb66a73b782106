"""Is the spectrum of random features that of their deterministic equivalent?

Claim:    the eigenvalues of one drawn W^T D W follow the density of the equivalent, and its
          degrees of freedom at any ridge are those of the effective ridge, to O(1/d).
Refuted:  if the counted eigenvalues leave the integrated density by more than a few of d.
Cost:     smoke 10 s, paper 40 s of one core.

    python -m experiments.spectrum paper
"""

from dataclasses import dataclass

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import PowerLaw, plot, spectra


@dataclass(frozen=True)
class Config:
    d: int
    alphas: tuple[float, ...] = (0.4, 1.0)
    ratio: int = 4
    """v / d."""
    points: int = 1500
    """Eigenvalues at which the density is evaluated."""
    bins: int = 40
    seed: int = 0


PRESETS = {"smoke": Config(d=64), "paper": Config(d=800, points=6000)}


def compute(c: Config) -> Data:
    data: dict[str, list] = {}
    for n, alpha in enumerate(c.alphas):
        problem = PowerLaw(alpha=alpha, beta=0.5, v=c.ratio * c.d, d=c.d)
        key = jax.random.fold_in(jax.random.key(c.seed), n)
        drawn = np.sort(problem.draw(key).modes.lam)[::-1]
        lam = np.geomspace(drawn[-1] / 4, 4 * drawn[0], c.points)
        density = spectra.eigenvalue_density(problem, lam)
        # Number of eigenvalues above lam: the trapezoidal rule in log lam, from the top.
        pieces = np.diff(np.log(lam)) * (lam * density)[1:] / 2
        pieces += np.diff(np.log(lam)) * (lam * density)[:-1] / 2
        above = np.append(np.cumsum(pieces[::-1])[::-1], 0.0)
        edges = np.geomspace(lam[0], lam[-1], c.bins + 1)
        counts = np.histogram(drawn, edges)[0] / np.diff(np.log(edges))
        ridge = np.geomspace(lam[0] / 10, lam[-1], 60)
        row = {
            "lam": lam,
            "density": density,
            "above": above,
            "drawn": drawn,
            "edges": edges,
            "counts": counts,
            "ridge": ridge,
            "effective_ridge": spectra.effective_ridge(problem, ridge),
            "floor_ridge": spectra.effective_ridge(problem),
            "df1": spectra.degrees_of_freedom(problem, ridge),
            "drawn_df1": (drawn / (drawn + ridge[:, None])).sum(axis=1),
        }
        for name, values in row.items():
            data.setdefault(name, []).append(values)
    return {"alpha": np.array(c.alphas)} | {name: np.array(y) for name, y in data.items()}


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(2, 2, width=plot.PAGE, height=4.6)
    (density, number), (ridge, freedom) = axes
    for n, alpha in enumerate(data["alpha"]):
        row = {name: values[n] for name, values in data.items()}
        colour, label = f"C{n}", rf"$\alpha = {alpha:g}$"
        density.stairs(row["counts"], row["edges"], fill=True, color=colour, alpha=0.3)
        density.plot(row["lam"], row["lam"] * row["density"], color=colour, lw=0.8, label=label)
        rank = np.arange(1, row["drawn"].size + 1)
        every = np.unique(np.geomspace(1, rank.size, 45).round().astype(int)) - 1
        number.plot(row["lam"], row["above"], color=colour, lw=1.0)
        number.plot(
            row["drawn"][every], rank[every] - 0.5, "o", color=colour, mfc="none", ms=3, mew=0.7
        )
        ridge.plot(row["ridge"], row["effective_ridge"], color=colour, label=label)
        ridge.axhline(row["floor_ridge"], color=colour, ls=":", lw=0.9)
        freedom.plot(row["ridge"], row["df1"], color=colour, lw=1.0)
        freedom.plot(
            row["ridge"][::3], row["drawn_df1"][::3], "o", color=colour, mfc="none", ms=3, mew=0.7
        )
    ends = ridge.get_xlim()
    ridge.plot(ends, ends, color="0.5", ls="--", lw=0.8, label="ridge itself")
    d = data["drawn"].shape[1]
    density.set(xscale="log", yscale="log", xlabel=r"eigenvalue $\lambda$")
    density.set(ylabel=r"eigenvalues per unit of $\ln \lambda$", ylim=(0.3, 3 * d))
    density.set_title("(a) density; bars: one draw")
    number.set(xscale="log", yscale="log", xlabel=r"eigenvalue $\lambda$", ylim=(0.3, 2 * d))
    number.set(ylabel=r"number above $\lambda$", title="(b) counting; circles: one draw")
    ridge.set(xscale="log", yscale="log", xlabel="ridge", ylabel=r"effective ridge $\kappa$")
    ridge.set_title(r"(c) effective ridge; dotted: $\kappa$ at ridge 0")
    freedom.set(xscale="log", yscale="log", xlabel="ridge", ylim=(0.3, 2 * d))
    freedom.set(ylabel=r"degrees of freedom $\mathrm{df}_1$")
    freedom.set_title("(d) degrees of freedom; circles: one draw")
    density.legend()
    ridge.legend()
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
