"""What does a larger batch buy: a larger learning rate, and fewer steps, up to where?

Claim:    (a) the largest stable learning rate is 2 B / Tr for small batches, as linear scaling
          has it, and 2 over the largest eigenvalue for large ones; 2 over the mean largest
          eigenvalue of the Hessian of a batch (arXiv 2006.09092) has the same limits, but is not
          the threshold. (b) Between fewest steps S and fewest samples N to a target, batches
          trade close to (S'/S - 1)(N'/N - 1) = 1 (arXiv 1812.06162). (c) The critical batch N / S
          grows like noise / target. (d) Above the threshold the mean over runs grows for ever,
          while the typical run falls: means of a few runs do not test stability.
Refuted:  if the rule is the threshold, if the trade is far from the hyperbola or the slope of (c)
          does not approach -1, or if the median of (d) grows like the mean.
Found:    (a) the two limits meet at B = 128 for the flat spectrum and 2.5 for the power law. The
          rule of the batch Hessian is 2 % above the threshold at B = 1 for the flat spectrum and
          at 0.53 to 0.65 of it from B = 16 on; for the power law it is 1.5 times too large at B =
          1, and right within its error from B = 64 on. (b) the product is 0.8 at B = 4, 1.0 at
          16, and 1.6 to 2.0 at 1024. (c) the slope is -1.01 between targets 0.025 and 0.01, where
          the critical batch is 650 and 1640; with a tenth of the noise, -0.87. (d) at step 60 the
          exact mean is 6 10^5, the mean of 2000 runs 4 10^2, the median 1.0, from 4.7 at first.
Cost:     smoke 25 s, paper 1 min of one core, much of it for eigenvalues of batches in (a).

    python -m experiments.batch_size paper
"""

from dataclasses import dataclass

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import SGD, PowerLaw, Spectrum, design, plot, predict, simulate


@dataclass(frozen=True)
class Config:
    widths: tuple[int, int]
    """Modes of the two spectra of (a), flat and power law."""
    hessian_batches: tuple[int, ...]
    draws: int
    """Batches for each mean of the rule in (a)."""
    trade: tuple[float, ...]
    """Targets of (b)."""
    batches: tuple[int, ...]
    """Of (b)."""
    targets: tuple[float, ...]
    """Of (c)."""
    noises: tuple[float, ...]
    """Of (c); (b) has the first."""
    seeds: int
    """Runs of (d)."""
    v: int = 10**6
    """Modes of (b) and (c)."""
    alpha: float = 0.75
    beta: float = 0.15
    edge_steps: int = 60
    edge: float = 1.1
    """Of (d): learning rate over the largest stable one."""
    edge_v: int = 64
    edge_B: int = 8
    seed: int = 0


PRESETS = {
    "smoke": Config(
        widths=(32, 64),
        hessian_batches=(1, 8, 64),
        draws=50,
        trade=(0.2,),
        batches=(8, 64),
        targets=(0.4, 0.2),
        noises=(1.0,),
        seeds=200,
        v=10**4,
    ),
    "paper": Config(
        widths=(128, 512),
        hessian_batches=(1, 4, 16, 64, 256, 1024),
        draws=100,
        trade=(0.15, 0.05, 0.02),
        batches=tuple(4**n for n in range(8)),
        targets=(0.4, 0.1, 0.025, 0.01),
        noises=(1.0, 0.1),
        seeds=2000,
    ),
}


def compute(c: Config) -> Data:
    key = jax.random.key(c.seed)
    B = np.geomspace(1, 4096, 49)
    data: dict = {"B": B, "hessian_B": np.array(c.hessian_batches), "widths": np.array(c.widths)}
    names = ("largest", "small_batch", "linear_scaling")
    for n, (width, alpha) in enumerate(zip(c.widths, (0.0, c.alpha), strict=True)):
        lam = np.arange(1.0, width + 1) ** (-2 * alpha)
        problem = Spectrum(lam, target=np.ones(width))
        found = design.learning_rate_map(problem, B)
        rule = [
            design.batch_hessian_rate(jax.random.fold_in(key, 100 * n + b), problem, b, c.draws)
            for b in c.hessian_batches
        ]
        row = {name: getattr(found, name) for name in names} | {
            "large_batch": found.large_batch,
            "turning_point": found.turning_point,
            "hessian": np.array(rule)[:, 0],
            "hessian_error": np.prod(rule, axis=1),
            "at_hessian": design.learning_rate_map(problem, c.hessian_batches).largest,
        }
        for name, values in row.items():
            data.setdefault(name, []).append(values)
    family = [PowerLaw(alpha=c.alpha, beta=c.beta, v=c.v, noise=s) for s in c.noises]
    ends = [design.critical_batch(family[0], target) for target in c.trade]
    steps = [[design.steps_to_target(family[0], t, b)[0] for b in c.batches] for t in c.trade]
    critical = [[design.critical_batch(problem, t).B for t in c.targets] for problem in family]
    log_targets = np.log(c.targets)
    data |= {
        "trade": np.array(c.trade),
        "batches": np.array(c.batches),
        "steps": np.array(steps) / np.array([[end.steps] for end in ends]),
        "samples": np.array(steps) * c.batches / np.array([[end.samples] for end in ends]),
        "least_steps": np.array([end.steps for end in ends]),
        "targets": np.array(c.targets),
        "noises": np.array(c.noises),
        "critical": np.array(critical),
        "critical_slope": np.diff(np.log(critical)) / np.diff(log_targets),
    }
    problem = PowerLaw(alpha=0.5, beta=0.0, v=c.edge_v)
    sgd = SGD.stable(problem, c.edge, c.edge_B)
    step = np.arange(c.edge_steps + 1)
    runs = simulate(key, problem, sgd, step, c.seeds)
    data |= {
        "edge_step": step,
        "edge_exact": predict(problem, sgd, step, allow_unstable=True).excess,
        "edge_mean": runs.excess.mean(axis=0),
        "edge_median": np.median(runs.excess, axis=0),
        "edge_low": np.quantile(runs.excess, 0.05, axis=0),
        "edge_high": np.quantile(runs.excess, 0.95, axis=0),
        "edge": np.array(c.edge),
        "seeds": np.array(c.seeds),
    }
    return {name: np.asarray(values) for name, values in data.items()}


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(2, 2, width=plot.PAGE, height=5.4)
    (rate, trade), (critical, edge) = axes
    for n, kind in enumerate(("flat", "power law")):
        colour, name = f"C{n}", f"{kind}, {data['widths'][n]} modes"
        rate.plot(data["B"], data["largest"][n], color=colour, label=f"{name}: largest stable")
        top, start = data["large_batch"][n], data["small_batch"][n]
        rate.plot(data["B"], np.where(start < 3 * top, start, np.nan), ":", color=colour, lw=0.9)
        linear = data["linear_scaling"][n]
        rate.plot(data["B"], np.where(linear < 3 * top, linear, np.nan), "--", color=colour, lw=0.7)
        rate.axhline(top, color="0.35", ls=":", lw=0.9)
        rate.errorbar(data["hessian_B"], data["hessian"][n], data["hessian_error"][n],
                      fmt="os"[n], color=colour, mfc="none", mew=0.7, lw=0.7,
                      label=f"{kind}: 2 / mean top of the batch Hessian")  # fmt: skip
    rate.plot([], [], ":", color="0.35", lw=0.9, label=r"limits $2B/\mathrm{Tr}$, $2/\lambda_1$")
    rate.plot([], [], "--", color="0.35", lw=0.7, label="linear scaling from $B = 1$")
    rate.set(xscale="log", yscale="log", xlabel="batch size $B$ (samples per step)")
    rate.set(ylabel=r"learning rate $\gamma$", title="(a) largest stable learning rate")
    rate.set_ylim(0.03 * data["largest"].min(), 5)
    rate.legend(loc="lower right")
    x = np.geomspace(1.01, 101, 200)
    trade.plot(x, 1 + 1 / (x - 1), color="0.35", ls=":", label="$(S'/S - 1)(N'/N - 1) = 1$")
    marks = zip(data["trade"], data["steps"], data["samples"], plot.sequence(3), strict=False)
    for (target, steps, samples, colour), mark in zip(marks, "os^", strict=False):
        trade.plot(steps, samples, mark + "-", color=colour, mfc="none", mew=0.7, lw=0.7,
                   label=f"target {target:g}")  # fmt: skip
    trade.set(xscale="log", yscale="log", xlim=(0.9, 100), ylim=(0.9, 100))
    trade.set(xlabel="steps / fewest steps, $S'/S$", ylabel="samples / fewest samples, $N'/N$")
    trade.set_title("(b) steps against samples to a target")
    trade.legend(loc="upper right")
    for n, noise in enumerate(data["noises"]):
        last = f"{data['critical_slope'][n, -1]:.2f}".replace("-", "−")
        label = rf"$\sigma^2 = {noise:g}$: last slope {last}"
        critical.plot(data["targets"], data["critical"][n], f"C{n}o-", mfc="none", label=label)
    at = data["targets"][-3:] if data["targets"].size > 3 else data["targets"]
    plot.guide(critical, at, 0.45 * data["critical"][0, -at.size], -1.0, label="slope −1")
    critical.set(xscale="log", yscale="log", xlabel="target of the excess risk")
    critical.set(ylabel="critical batch $N / S$ (samples)", title="(c) critical batch size")
    critical.legend(loc="upper right")
    t = data["edge_step"]
    edge.plot(t, data["edge_exact"], color="black", label="exact mean")
    edge.plot(t, data["edge_mean"], color="C1", lw=0.9, label=f"mean of {data['seeds']} runs")
    band = (data["edge_median"], data["edge_low"], data["edge_high"])
    plot.band(edge, t, *band, color="C0", label="median; band: 5 to 95 %")
    edge.set(yscale="log", xlabel="step $t$", ylabel="excess risk")
    edge.set_title(rf"(d) at {data['edge']:g} of the largest stable rate")
    edge.legend(loc="upper left")
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
