"""Which momentum changes the exponent of the loss curve, and not only its constant?

Claim:    without label noise SGD at a constant rate falls like t^-s, s = (2 alpha + 2 beta - 1) /
          (2 alpha), and heavy ball no faster. DANA (arXiv 2505.16098), whose memory grows with
          t, does: like t^-((2 - 1/(2 alpha)) s) with the decaying rate, and like t^-2s late with
          the constant one. That rate must shrink like 1/d: too large for the horizon, it loses
          what it has won. With random features, draws follow the deterministic equivalent.
Refuted:  if the local slopes do not approach these exponents, if heavy ball has another slope
          than SGD, or if the mean over draws leaves the equivalent by more than their scatter.
Found:    at (1, 0.2), where s = 0.7, local slopes at t = 10^5 and 10^6 are -0.700 for SGD and for
          heavy ball, -1.01 and -1.035 for the decaying rate (predicted -1.05, approached slowly).
          The constant rate made for d = 300 is at -0.95, -1.27 and -1.27 at t = 10^4, 10^5 and
          10^6 (predicted -1.4 late), at most -1.30; the one for 3000 follows ten times later. The
          one for 30 reaches -1.18 at 10^4, and after 2 10^5 the risk grows: the infinite
          spectrum is not what it was made for. With d = 200 features the mean of 16 draws is 1
          to 5 % above the equivalent, at most 1.4 standard errors; single draws scatter by 12 to
          16 %.
Cost:     smoke 20 s, paper 1 min of one core.

    python -m experiments.momentum paper
"""

from dataclasses import dataclass, replace

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments._experiment import Data, command, experiment
from solvable import DANA, SGD, Momentum, PowerLaw, Rule, expect, exponents, plot, predict


@dataclass(frozen=True)
class Config:
    horizon: int
    sizes: tuple[int, ...]
    """For which the constant rate of DANA is made in (a) and (b)."""
    d: int
    """Random features of (c)."""
    draws: int
    features_horizon: int
    alpha: float = 1.0
    beta: float = 0.2
    v: int = 10**7
    """Modes of (a) and (b)."""
    ratio: int = 4
    """v / d of (c)."""
    fraction: float = 0.5
    """Of the largest stable learning rate, for SGD."""
    mu: float = 0.9
    """Of heavy ball, whose gamma / (1 - mu) is the rate of SGD."""
    seed: int = 0


PRESETS = {
    "smoke": Config(horizon=3000, sizes=(30,), d=32, draws=4, features_horizon=1000, v=10**5),
    "paper": Config(horizon=10**6, sizes=(30, 300, 3000), d=200, draws=16, features_horizon=10**5),
}

COLOURS = {"SGD": "C0", "heavy ball": "C5", "DANA, decaying": "C2"}


def rules(c: Config, problem: PowerLaw, sizes: tuple[int, ...]) -> dict:
    """The rules by name, the last ones DANA with the constant rate made for each size."""
    sgd = SGD.stable(problem, c.fraction)
    decaying = DANA.for_problem(problem, "decaying")
    found: dict[str, Rule] = {
        "SGD": sgd,
        "heavy ball": Momentum(float(sgd.gamma) * (1 - c.mu), c.mu),
        "DANA, decaying": decaying,
    }
    for d in sizes:
        found[f"DANA, constant for {d}"] = replace(decaying, gamma3=decaying.gamma3 / d, decay=0.0)
    return found


def compute(c: Config) -> Data:
    step = np.unique(np.geomspace(1, c.horizon, 81).round().astype(int))
    problem = PowerLaw(alpha=c.alpha, beta=c.beta, v=c.v)
    named = rules(c, problem, c.sizes)
    excess = np.array([predict(problem, rule, step).excess for rule in named.values()])
    features = PowerLaw(alpha=c.alpha, beta=c.beta, v=c.ratio * c.d, d=c.d)
    few = rules(c, features, (c.d,))
    record = step[step <= c.features_horizon]
    drawn = np.empty((len(few), c.draws, record.size))
    for n in range(c.draws):
        draw = features.draw(jax.random.fold_in(jax.random.key(c.seed), n))
        for k, rule in enumerate(few.values()):
            drawn[k, n] = expect(draw, rule, record).excess
    return {
        "step": step,
        "names": np.array(list(named)),
        "excess": excess,
        "slope": np.gradient(np.log(excess), np.log(step), axis=1),
        "predicted": np.array([exponents(problem, rule).risk for rule in named.values()]),
        "features_step": record,
        "features_names": np.array(list(few)),
        "equivalent": np.array([predict(features, rule, record).excess for rule in few.values()]),
        "mean": drawn.mean(axis=1),
        "error": drawn.std(axis=1, ddof=1) / np.sqrt(c.draws),
        "scatter": drawn.std(axis=1, ddof=1),
        "d": np.array(c.d),
        "draws": np.array(c.draws),
    }


def draw(data: Data) -> Figure:
    fig, axes = plot.panels(1, 3, width=plot.PAGE, height=2.9)
    risk, slope, features = axes[0]
    step, names = data["step"], data["names"]
    constant = dict(zip(names[3:], ("#E69F00", "#D55E00", "#7A3B00"), strict=False))
    colours = COLOURS | constant
    for name, excess, local in zip(names, data["excess"], data["slope"], strict=True):
        line = {"color": colours[name], "ls": "--" if name == "heavy ball" else "-"}
        risk.plot(step, excess, **line, label=name)
        late = step >= 100  # before, heavy ball rings
        slope.plot(step[late], local[late], **line)
    lines = dict(zip(("$-s$", "decaying", "constant, late"), (0, 2, 3), strict=True))
    for label, n in lines.items():
        exponent = data["predicted"][n]
        slope.axhline(exponent, color="0.35", ls=":", lw=0.9)
        text = f"{label}: {exponent:.3g}".replace("-", "−").replace("$−s$", "$-s$")
        slope.text(115, exponent + 0.015, text, fontsize=7, va="bottom")
    risk.set(xscale="log", yscale="log", xlabel="step $t$", ylabel="excess risk")
    risk.set(title="(a) linear regression", ylim=(1e-7, 5))
    slope.set(xscale="log", xlabel="step $t$", ylim=(-1.5, -0.4), title="(b) slopes of (a)")
    slope.set_ylabel(r"local slope $d \log\,$excess$\,/\,d \log t$")
    for n, name in enumerate(data["features_names"]):
        colour = colours.get(name, "#CC79A7")  # made for another size: no colour of (a)
        x, y = data["features_step"], data["equivalent"][n]
        style = {"ls": "--"} if name == "heavy ball" else {"ls": "-"}
        features.plot(x, y, color=colour, lw=1.0, label=name if n == 3 else None, **style)
        some = slice(None, None, 5)
        features.errorbar(x[some], data["mean"][n, some], data["error"][n, some], fmt="o",
                          color=colour, mfc="none", ms=3, mew=0.7, lw=0.7)  # fmt: skip
    features.set(xscale="log", yscale="log", xlabel="step $t$", ylabel="excess risk")
    features.set_ylim(0.15 * data["equivalent"].min(), 2)
    features.set_title(f"(c) $d = {data['d']}$ random features")
    features.plot([], [], "o", color="0.35", mfc="none", ms=3, mew=0.7,
                  label=f"mean of {data['draws']} draws, ±1 s.e.")  # fmt: skip
    risk.legend(loc="lower left")
    features.legend(loc="lower left")
    return fig


main = experiment(__file__, PRESETS, compute, draw)

if __name__ == "__main__":
    command(main)
