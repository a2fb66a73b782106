"""Does the mean over random features approach the deterministic equivalent like 1/d?

Claim:    the exact expected risk, averaged over draws of W, deviates from the equivalent by a
          relative amount proportional to 1/d, at every step.
Refuted:  if the local exponents of the deviation against d stay away from -1 as d grows, or if
          the deviation is lost in its error (no power).
Found:    one to two per cent at d = 128. At (1, 0.7) the fitted exponent is -1 within its error at
          every step; at (0.7, 1.2) from step 100 on, while at step 10 it is -0.67 +- 0.04 and
          steepens with d. At (0.4, 0.8) it is -0.58 +- 0.02 at step 10 and does not steepen over
          these sizes, and -0.72 +- 0.10 later: 1/d is not what is seen there. (v = 4 d grows
          with d, and with it the trace of D, like d^0.2; an error of (Tr D)^2 / d would fall
          like d^-0.6. This explanation has not been tested.)
Cost:     smoke 50 s, paper 5 min of one core, on two.

Single draws scatter around the equivalent by about 1/sqrt(d), far more than the deviation of
their mean. So the mean is taken with control variates: functions of W whose expectation is known
exactly (first and second moments of K = D^(1/2) W W^T D^(1/2) and of the leading rows of W).
Their coefficients come from the other half of the draws, so the mean stays unbiased.

    python -m experiments.finite_size paper
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import jax
import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import curve_fit

from experiments._experiment import Data, command, experiment
from solvable import SGD, PowerLaw, expect, models, phase, plot, predict


@dataclass(frozen=True)
class Config:
    sizes: tuple[int, ...]
    draws: tuple[int, ...]
    """Draws of W at each size."""
    points: tuple[tuple[float, float], ...]
    """(alpha, beta)."""
    steps: tuple[int, ...] = (10, 100, 10_000)
    ratio: int = 4
    """v / d."""
    fraction: float = 0.25
    """Of the largest stable learning rate of the largest size: one rate for all sizes."""
    B: int = 4
    rows: int = 4
    """Leading rows of W among the controls."""
    workers: int = 2
    """Processes; the numbers do not depend on them."""
    seed: int = 0


PRESETS = {
    "smoke": Config(sizes=(16, 24, 32), draws=(800, 800, 800), points=((0.7, 1.2),)),
    "paper": Config(
        sizes=(16, 32, 64, 128),
        draws=(4000, 4000, 3000, 1500),
        points=((0.4, 0.8), (1.0, 0.7), (0.7, 1.2)),
    ),
}


def controls(draw: models.Draw, rows: int) -> np.ndarray:
    """Functions of W of mean zero, which share the fluctuations of the risk."""
    scale, target = draw.problem.coordinates()
    W, lam, y, d = draw.W, scale**2, scale * target, draw.d
    root = scale[:, None] * W
    Ky = root @ (root.T @ y)
    trace, second = lam.sum(), lam * (1 + 1 / d)  # E K^2 = D^2 (1 + 1/d) + D Tr D / d
    moments = [
        np.sum(root**2) - trace,
        np.sum((root.T @ root) ** 2) - second @ lam - trace**2 / d,
        y @ Ky - lam @ y**2,
        Ky @ Ky - (second + trace / d) @ (lam * y**2),
    ]
    gram = W[:rows] @ W[:rows].T - np.eye(rows)  # variance 2/d on the diagonal, 1/d off it
    first = gram[np.triu_indices(rows)]
    variance = ((1 + np.eye(rows)) / d)[np.triu_indices(rows)]
    return np.concatenate([moments, first, first**2 - variance])


def controlled_mean(value: np.ndarray, control: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each column and its standard error; row n of ``control`` belongs to row n."""
    design = np.column_stack([np.ones(len(control)), control / control.std(axis=0)])
    even = np.arange(len(value)) % 2 == 0
    rest = np.empty_like(value)
    for half in (even, ~even):
        coefficients = np.linalg.lstsq(design[half], value[half])[0]
        rest[~half] = value[~half] - design[~half, 1:] @ coefficients[1:]
    return rest.mean(axis=0), rest.std(axis=0, ddof=1) / np.sqrt(len(rest))


def slope(d: np.ndarray, y: np.ndarray, error: np.ndarray) -> tuple[float, float, float]:
    """Fit of y = c d^s, weighted by the errors of y: s, its error, chi-squared per freedom."""
    power = lambda d, c, s: c * (d / d[0]) ** s
    fit, covariance = curve_fit(power, 1.0 * d, y, (y[0], -1.0), error, absolute_sigma=True)
    chi2 = np.sum(((y - power(d, *fit)) / error) ** 2) / (d.size - 2)
    return fit[1], np.sqrt(covariance[1, 1]), chi2


def family(c: Config, point: tuple[float, float], d: int) -> PowerLaw:
    alpha, beta = point
    return PowerLaw(alpha=alpha, beta=beta, v=c.ratio * d, d=d)


def sample(
    c: Config, point: tuple[float, float], d: int, draws: range
) -> tuple[np.ndarray, np.ndarray]:
    """Relative deviation of each draw, shape (draws, steps), and its controls."""
    problem = family(c, point, d)
    sgd = SGD.stable(family(c, point, max(c.sizes)), c.fraction, c.B)
    equivalent = predict(problem, sgd, c.steps).risk
    key = jax.random.fold_in(jax.random.key(c.seed), d)
    value, control = [], []
    for n in draws:
        draw = problem.draw(jax.random.fold_in(key, n))
        value.append(expect(draw, sgd, c.steps).risk / equivalent - 1)
        control.append(controls(draw, c.rows))
    return np.array(value), np.array(control)


def samples(c: Config) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Samples of each point at each size, from processes whose linear algebra is not threaded.

    Threads of the linear algebra cost up to fifty times what such small matrices take.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        with ProcessPoolExecutor(c.workers, mp_context=get_context("spawn")) as pool:
            parts = [
                [
                    pool.submit(sample, c, point, d, range(draws)[k::4])
                    for k in range(4)  # as many parts for any number of workers: same numbers
                ]
                for point in c.points
                for d, draws in zip(c.sizes, c.draws, strict=True)
            ]
            for part in parts:
                value, control = zip(*(future.result() for future in part), strict=True)
                yield np.concatenate(value), np.concatenate(control)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def compute(c: Config) -> Data:
    d, steps = np.array(c.sizes), np.array(c.steps)
    shape = (len(c.points), d.size, steps.size)
    mean, error, plain, plain_error = (np.empty(shape) for _ in range(4))
    for at, (value, control) in zip(np.ndindex(shape[:2]), samples(c), strict=True):
        mean[at], error[at] = controlled_mean(value, control)
        plain[at] = value.mean(axis=0)
        plain_error[at] = value.std(axis=0, ddof=1) / np.sqrt(len(value))
    fits = [
        [slope(d, mean[i, :, k], error[i, :, k]) for k in range(steps.size)]
        for i in range(len(c.points))
    ]
    return {
        "d": d,
        "draws": np.array(c.draws),
        "steps": steps,
        "points": np.array(c.points),
        "phases": np.array([phase(*point).name for point in c.points]),
        "deviation": mean,
        "error": error,
        "plain_deviation": plain,
        "plain_error": plain_error,
        "slope": np.array(fits)[..., 0],
        "slope_error": np.array(fits)[..., 1],
        "chi2": np.array(fits)[..., 2],
    }


def draw(data: Data) -> Figure:
    count = len(data["points"])
    width = plot.PAGE if count > 1 else plot.COLUMN
    fig, axes = plot.panels(1, count, width=width, height=2.7, sharey=True)
    d = data["d"]
    for i, ax in enumerate(axes[0]):
        for k, step in enumerate(data["steps"]):
            y, error = data["deviation"][i, :, k], data["error"][i, :, k]
            fit = f"{data['slope'][i, k]:.2f} ± {data['slope_error'][i, k]:.2f}".replace("-", "−")
            ax.errorbar(
                d * (1 + 0.03 * (k - 1)), y, error, fmt="os^"[k % 3], label=f"$t = {step}$: {fit}"
            )
        plot.guide(ax, d, data["deviation"][i, 0, 0], -1.0, label="slope −1")
        ax.text(0.98, 0.97, "bars: ±1 s.e. of the mean", transform=ax.transAxes, fontsize=7,
                ha="right", va="top")  # fmt: skip
        ax.set(xscale="log", yscale="log", xlabel="features $d$")
        ax.set_xticks(d, [str(x) for x in d])
        ax.minorticks_off()
        alpha, beta = data["points"][i]
        ax.set_title(rf"{data['phases'][i]}: $\alpha = {alpha:g}$, $\beta = {beta:g}$")
        ax.legend(title="step: fitted slope", title_fontsize=7, alignment="left")
    axes[0, 0].set_ylabel("mean over draws / equivalent − 1")
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
