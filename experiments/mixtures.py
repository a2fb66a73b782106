"""How much are noisy labels worth, and data of another domain?

Claim:    (a) where label noise decides, a noisy sample deserves the weight sigma_clean^2 /
          sigma_noisy^2 in the gradient; where samples are few, a larger one. (b) Data of a second
          domain, which shares the eigenbasis but not the target, help early, by what they have
          in common with the first, and mislead late: the best proportion moves to the first
          domain as the horizon grows. The curves are exact expectations.
Refuted:  if the best weights fall below the ratio of the variances or do not approach it as both
          noises grow, if the best proportion does not move, or if the z-scores of the runs are
          larger than chance makes them.
Found:    (a) with T = 2000, one in five labels clean and the rate tuned at each weight, the best
          weights are 0.048, 0.133, 0.285 and 0.268 for the ratios 0.025, 0.1, 0.25 and 0.25: above
          the ratio, and closer to it the larger the noise. For noises 0.05 and 2 the excess is
          0.0328, against 0.0387 without the noisy samples and 0.0769 with all alike. (b) the best
          proportion of domain 1 is 0, 0.30, 0.60, 0.86 and 1 at T = 100, 200, 400, 1000 and 3000;
          at 100 the second domain alone does better than the first alone, 0.171 against 0.251.
          The largest of 30 z-scores is 2.1.
Cost:     smoke 25 s, paper 3 min of one core.

    python -m experiments.mixtures paper
"""

from dataclasses import dataclass

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import (
    SGD,
    LabelMixture,
    PowerLaw,
    design,
    dynamics,
    models,
    plot,
    simulate,
    simulation,
)


@dataclass(frozen=True)
class Config:
    weights: int
    """Weights along each curve of (a), zero among them."""
    proportions: int
    """Along each curve of (b)."""
    horizons: tuple[int, ...]
    """Of (b)."""
    run_horizons: tuple[int, ...]
    """Of (b) with runs."""
    seeds: int
    steps: int = 2000
    """Horizon of (a)."""
    noises: tuple[tuple[float, float], ...] = ((0.05, 2.0), (0.2, 2.0), (0.5, 2.0), (2.0, 8.0))
    """Variance of the label noise, clean and noisy, of (a); the first and third have runs."""
    probability: float = 0.8
    """Of noisy samples."""
    v: int = 32
    modes: int = 24
    """Of (b)."""
    gamma: float = 0.05
    """Learning rate of (b)."""
    difference: float = 0.3
    """Between the targets of (b), relative."""
    seed: int = 1


PRESETS = {
    "smoke": Config(
        weights=4,
        proportions=9,
        horizons=(100, 1000),
        run_horizons=(100,),
        seeds=100,
        noises=((0.05, 2.0),),
    ),
    "paper": Config(
        weights=17,
        proportions=41,
        horizons=(100, 200, 400, 1000, 3000),
        run_horizons=(100, 400, 1000),
        seeds=4000,
    ),
}


def labels(c: Config) -> Data:
    problem = PowerLaw(alpha=0.75, beta=0.15, v=c.v)
    weight = np.append(0, np.geomspace(0.005, 1, c.weights - 1))
    some = np.unique(np.linspace(0, c.weights - 1, 6).round().astype(int))
    p = np.array([1 - c.probability, c.probability])
    excess, rates, best, mean, error = [], [], [], [], []
    for n, noise in enumerate(c.noises):
        mixture = lambda rate, w, noise=noise: LabelMixture(
            SGD(rate), np.array(noise), p, np.array([1.0, w])
        )
        rule = lambda w, f=mixture: lambda rate: f(rate, w)
        tuned = [design.tune(problem, rule(w), c.steps, low=1e-3, high=2.0) for w in weight]
        excess.append([t.excess for t in tuned])
        rates.append([t.peak for t in tuned])
        found, least = design.optimal_weights(problem, mixture(0.1, 0.1), c.steps)
        best.append((found.weight[1], least))
        if n % 2 == 0:
            key = jax.random.fold_in(jax.random.key(c.seed), n)
            runs = [
                simulate(key, problem, mixture(tuned[k].peak, weight[k]), [c.steps], c.seeds)
                for k in some
            ]
            mean.append([run.mean[0] for run in runs])
            error.append([run.standard_error[0] for run in runs])
    return {
        "noises": np.array(c.noises),
        "weight": weight,
        "excess": np.array(excess),
        "rate": np.array(rates),
        "best": np.array(best),
        "run_weight": weight[some],
        "mean": np.array(mean),
        "error": np.array(error),
        "z": (np.array(mean) - np.array(excess)[::2][:, some]) / np.array(error),
        "steps": np.array(c.steps),
    }


def domains(c: Config) -> Data:
    i = np.arange(1.0, c.modes + 1)
    lam = np.array([i**-1.5, 1 / i])
    other = 1 + c.difference * np.random.default_rng(c.seed).standard_normal(c.modes)
    target = i**-0.15 * np.array([np.ones(c.modes), other])
    mixed = lambda h: models.Domains(
        eigenvalues=lam, target=target, noise=np.array([0.1, 0.3]), proportion=np.array([h, 1 - h])
    )
    h = np.linspace(0, 1, c.proportions)
    some = np.unique(np.linspace(0, c.proportions - 1, 6).round().astype(int))
    sgd, T = SGD(c.gamma), np.array(c.horizons)
    excess = np.array([dynamics.expect_domains(mixed(x), sgd, T).excess[0] for x in h]).T
    best = [design.optimal_proportions(mixed(0.5), sgd, t) for t in c.horizons]
    key = jax.random.key(c.seed + 1)
    run = lambda k: simulation.simulate_domains(
        jax.random.fold_in(key, k), mixed(h[k]), sgd, c.run_horizons, c.seeds
    )
    runs = np.array([run(k)[:, 0] for k in some])
    mean, error = runs.mean(axis=1).T, runs.std(axis=1, ddof=1).T / np.sqrt(c.seeds)
    exact = excess[np.searchsorted(T, c.run_horizons)][:, some]
    return {
        "T": T,
        "h": h,
        "excess": excess,
        "best": np.array([(found.proportion[0], least) for found, least in best]),
        "run_h": h[some],
        "run_T": np.array(c.run_horizons),
        "mean": mean,
        "error": error,
        "z": (mean - exact) / error,
    }


def compute(c: Config) -> Data:
    parts = {"label": labels(c), "domain": domains(c)}
    return {f"{part}_{name}": y for part, found in parts.items() for name, y in found.items()}


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(1, 2, width=plot.PAGE, height=3.1)
    left, right = axes[0]
    circles = {"fmt": "o", "mfc": "white", "mew": 0.7, "ms": 3, "lw": 0.7}
    weight, linear = data["label_weight"], 0.005
    for n, (clean, noisy) in enumerate(data["label_noises"]):
        y, best = data["label_excess"][n], data["label_best"][n]
        left.plot(weight, y, color=f"C{n}", label=f"{clean:g}, {noisy:g}")
        left.plot(*best, "*", color=f"C{n}", ms=7, mec="black", mew=0.5, zorder=4)
        ratio = clean / noisy
        left.plot(ratio, np.interp(ratio, weight, y), "|", color=f"C{n}", ms=14, mew=1.5)
        if n % 2 == 0:
            left.errorbar(data["label_run_weight"], data["label_mean"][n // 2],
                          data["label_error"][n // 2], color=f"C{n}", **circles)  # fmt: skip
    left.set_xscale("symlog", linthresh=linear, linscale=0.4)
    top = 2.5 * data["label_excess"].max()  # room for the legend
    left.set(yscale="log", xlim=(-0.0005, 1.2), ylim=(None, top))
    left.set_xticks([0, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
    left.set(xlabel="weight of a noisy sample (a clean one: 1)")
    left.set_ylabel(f"excess risk at step {data['label_steps']}, rate tuned")
    left.set_title("(a) noisy labels")
    grey = {"color": "0.35", "ls": "none"}
    left.plot([], [], marker="|", ms=8, mew=1.5, **grey, label="ratio of the variances")
    left.plot([], [], marker="*", ms=7, mec="black", mew=0.5, **grey, label="optimum")
    left.plot([], [], marker="o", mfc="white", mew=0.7, ms=3, **grey, label="mean of runs")
    title = r"noise $\sigma^2$: clean, noisy"
    left.legend(title=title, title_fontsize=7, alignment="left", loc="upper center", ncols=2)
    for n, (T, colour) in enumerate(zip(data["domain_T"], plot.sequence(len(data["domain_T"])),
                                        strict=True)):  # fmt: skip
        y = data["domain_excess"][n]
        right.plot(data["domain_h"], y, color=colour)
        right.text(1.02, y[-1], f"$T = {T}$", color=colour, va="center", fontsize=7)
        star = {"color": colour, "ms": 7, "mec": "black", "mew": 0.5, "zorder": 4}
        right.plot(*data["domain_best"][n], "*", **star)
        for k in np.flatnonzero(data["domain_run_T"] == T):
            right.errorbar(data["domain_run_h"], data["domain_mean"][k], data["domain_error"][k],
                           color=colour, **circles)  # fmt: skip
    right.set(yscale="log", xlim=(-0.03, 1.28), xticks=[0, 0.25, 0.5, 0.75, 1])
    right.set(xlabel="proportion of domain 1", ylabel="excess risk in domain 1")
    right.set_title("(b) two domains")
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
