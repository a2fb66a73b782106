"""Do nonlinear random features learn as linear ones of the spectrum of their kernel?

Claim:    the nonlinearity continues the spectrum of the inputs beyond their dimension p, and the
          risk of ridge regression with nonlinear features is that of linear features of this
          spectrum: linear ones see p directions and stay at sigma^2 p / (n - p) from d = p on,
          nonlinear ones go on to a peak at d = n and down to the kernel's limit. The Hermite rule
          knows the spectrum if the effective dimension of the inputs is large.
Found:    with a ridge the measured spectrum is within 3 per cent at any dimension. Without ridge
          and with more features than samples it lies below simulation (``wide`` in the numbers:
          relative deviation and its error, of two activations at n = 150 and 300), and no less so
          at twice the size: features that are not Gaussian do not quite learn as Gaussian ones.
Refuted:  if simulated risks leave the measured spectrum's by more than the standard errors and the
          1/n of the equivalent, or the Hermite rule does not get better with the dimension.
Cost:     smoke 30 s, paper 4 min, on two cores.

    python -m experiments.nonlinear_features paper
"""

from dataclasses import dataclass, replace

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import (
    KernelFeatures,
    NonlinearFeatures,
    PowerLaw,
    Ridge,
    Runs,
    models,
    plot,
    predict,
    simulate,
)

ACTIVATIONS = ("relu", "tanh")


@dataclass(frozen=True)
class Config:
    seeds: int
    points: int
    """Of the measured kernels."""
    sizes: tuple[int, ...]
    """d of the simulated points."""
    grid: int
    """Values of d of the theory."""
    decays: tuple[float, ...]
    """Inputs of variances k^-a, for the Hermite rule."""
    p: int = 30
    decay: float = 1.5
    """Variances of the inputs of the spectra and of the risk against d."""
    n: int = 150
    noise: float = 0.3
    p_hermite: int = 100
    points_hermite: int = 512
    d_hermite: int = 100
    wide: tuple[tuple[int, int], ...] = ((500, 150), (1000, 300))
    """(d, n) where the risk without ridge is compared, at ``points_wide`` and ``seeds_wide``."""
    points_wide: int = 1024
    seeds_wide: int = 10
    fresh: int = 2000
    seed: int = 0


PRESETS = {
    "smoke": Config(
        seeds=10, points=1024, grid=40, sizes=(10, 300), decays=(1.4, 0.6), n=80, d_hermite=60
    ),
    "paper": Config(
        seeds=40,
        points=2048,
        grid=80,
        sizes=(5, 10, 20, 40, 80, 250, 500),
        decays=(1.6, 1.3, 1.0, 0.7, 0.4, 0.1),
        points_hermite=2048,
        points_wide=4096,
        seeds_wide=60,
    ),
}


def fits_of(key, problem: NonlinearFeatures, n: int, ridge: float, seeds: int) -> Runs:
    return simulate(key, problem, Ridge(), ridge, seeds, n=n)


def compute(c: Config) -> Data:
    key = jax.random.key(c.seed)
    lam_in, target = np.arange(1.0, c.p + 1) ** -c.decay, np.ones(c.p)
    kernels = [
        KernelFeatures.measured(name, lam_in, target, key=key, points=c.points, noise=c.noise)
        for name in ACTIVATIONS
    ]
    count = min(np.size(kernel.eigenvalues) for kernel in kernels)
    spectra = np.array([kernel.eigenvalues[:count] for kernel in kernels])
    tail, rank = slice(2 * c.p, count // 2), np.arange(1, count + 1)
    fits = [np.polyfit(np.log(rank[tail]), np.log(lam[tail]), 1) for lam in spectra]

    d = np.unique(np.round(np.geomspace(c.sizes[0], c.sizes[-1], c.grid)))
    d = d[np.abs(d / c.n - 1) > 0.01]
    linear = PowerLaw(alpha=c.decay / 2, beta=0.0, v=c.p, d=1, noise=c.noise)
    problems = [linear, *kernels]
    at = lambda problem, d, n=c.n: predict(replace(problem, d=int(d)), Ridge(), 0.0, n=n).excess[0]
    theory = [[at(problem, size) for size in d] for problem in problems]
    limit = [predict(replace(kernel, d=None), Ridge(), 0.0, n=c.n).excess[0] for kernel in kernels]
    features = lambda name, d: NonlinearFeatures(
        activation=name, lam_in=lam_in, target=target, d=d, noise=c.noise, points=c.fresh
    )
    runs = [
        [
            fits_of(jax.random.fold_in(key, size), features(name, size), c.n, 0.0, c.seeds)
            for size in c.sizes
        ]
        for name in ("identity", *ACTIVATIONS)
    ]

    wide = []
    for name in ACTIVATIONS:
        kernel = KernelFeatures.measured(
            name, lam_in, target, key=key, points=c.points_wide, noise=c.noise
        )
        for size, n in c.wide:
            here = jax.random.fold_in(key, size + n)
            run = fits_of(here, features(name, size), n, 0.0, c.seeds_wide)
            wide.append([at(kernel, size, n) / run.excess.mean() - 1,
                         run.standard_error[0] / run.excess.mean()])  # fmt: skip
    deviation, error, dimension = [], [], []
    for decay in c.decays:
        lam, ones = np.arange(1.0, c.p_hermite + 1) ** -decay, np.ones(c.p_hermite)
        dimension.append(models.effective_dimension(lam))
        for name in ACTIVATIONS:
            law = (name, lam, ones)
            kernels = (
                KernelFeatures.hermite(*law, d=c.d_hermite, least_dimension=1.0),
                KernelFeatures.measured(*law, d=c.d_hermite, key=key, points=c.points_hermite),
            )
            ridge = float(kernels[1].spectrum().trace) / (10 * c.n)
            problem = NonlinearFeatures(
                activation=name, lam_in=lam, target=ones, d=c.d_hermite, points=c.fresh
            )
            run = fits_of(key, problem, c.n, ridge, c.seeds)
            risk = [predict(kernel, Ridge(), ridge, n=c.n).excess[0] for kernel in kernels]
            deviation.append(np.array(risk) / run.mean[0] - 1)
            error.append(run.standard_error[0] / run.mean[0])
    shape = (len(c.decays), len(ACTIVATIONS))
    return {
        "lam_in": lam_in,
        "wide": np.array(wide).reshape(len(ACTIVATIONS), len(c.wide), 2),
        "spectra": spectra,
        "slope": np.array([fit[0] for fit in fits]),
        "n": np.array(c.n),
        "noise": np.array(c.noise),
        "d": d,
        "theory": np.array(theory),
        "limit": np.array(limit),
        "sizes": np.array(c.sizes),
        "at_sizes": np.array([[at(problem, size) for size in c.sizes] for problem in problems]),
        "mean": np.array([[run.excess.mean() for run in row] for row in runs]),
        "error": np.array([[run.standard_error[0] for run in row] for row in runs]),
        "dimension": np.array(dimension),
        "deviation": np.array(deviation).reshape(*shape, 2),
        "deviation_error": np.array(error).reshape(shape),
    }


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(1, 3, width=plot.PAGE, height=2.6)
    before, against, rule = axes[0]
    names, p = ("linear", "ReLU", "tanh"), data["lam_in"].size
    before.plot(np.arange(1, p + 1), data["lam_in"], "o", color="C0", ms=2.5, label="inputs")
    for n, (name, lam, slope) in enumerate(
        zip(names[1:], data["spectra"], data["slope"], strict=True), 1
    ):
        rank = np.arange(1, lam.size + 1)
        before.plot(rank, lam, color=f"C{n}", label=rf"{name}, tail $k^{{{slope:.2f}}}$")
    before.axvline(p, color="0.6", ls=":", lw=0.8)
    before.set(xscale="log", yscale="log", xlabel="rank $k$", ylabel="eigenvalue")
    before.set_title("(a) before and after the activation")
    before.legend(loc="lower left")
    for n, name in enumerate(names):
        split = np.searchsorted(data["d"], data["n"]) if n else 0
        for part in (slice(0, split), slice(split, None)):
            against.plot(data["d"][part], data["theory"][n, part], color=f"C{n}", lw=1.0)
        against.errorbar(
            data["sizes"], data["mean"][n], 2 * data["error"][n],
            fmt="o", color=f"C{n}", mfc="white", ms=3, mew=0.7, elinewidth=0.7, label=name,
        )  # fmt: skip
        if n:
            against.axhline(data["limit"][n - 1], color=f"C{n}", ls=":", lw=0.8)
    plateau = data["noise"] * p / (data["n"] - p)
    against.axhline(plateau, color="C0", ls=":", lw=0.8)
    against.text(data["d"][0], plateau * 0.93, r"$\sigma^2 p / (n - p)$", color="C0", va="top")
    against.axvline(data["n"], color="0.6", ls=":", lw=0.8)
    against.set(xscale="log", yscale="log", xlabel="features $d$", ylabel="excess risk")
    against.set_ylim(plateau / 1.8, 60 * plateau)
    against.set_title(f"(b) {data['n']} samples, no ridge")
    against.legend(loc="upper left")
    rule.axhline(0, color="0.6", lw=0.8)
    for n, name in enumerate(names[1:], 1):
        dimension = data["dimension"] * (1.03 if n == 2 else 0.97)
        error = 100 * data["deviation_error"][:, n - 1]
        for k, label in enumerate(("Hermite", "measured")):
            rule.errorbar(
                dimension, 100 * data["deviation"][:, n - 1, k], error, fmt="o--" if k else "s-",
                color=f"C{n}", mfc="white" if k else None, ms=3, mew=0.7, lw=0.8, elinewidth=0.7,
                label=f"{name}, {label}",
            )  # fmt: skip
    ends = data["dimension"][0] / 1.25, data["dimension"][-1] * 1.25
    rule.axvspan(ends[0], 30, color="0.94", zorder=0)
    rule.set(xscale="log", xlim=ends, xlabel="effective dimension of the inputs")
    ticks = [x for x in (2, 5, 10, 20, 50, 100) if ends[0] < x < ends[1]]
    rule.set_xticks(ticks, [str(x) for x in ticks])
    rule.minorticks_off()
    rule.set(ylabel="theory / simulation − 1 (%)", title="(c) grey: Hermite rule refused")
    rule.legend()
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
