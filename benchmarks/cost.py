"""What a predicted curve costs: flat in the number of steps, logarithmic in v.

python -m benchmarks.cost    # writes docs/cost.png
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from solvable import SGD, PowerLaw, plot, predict

OUT = Path(__file__).parent.parent / "docs" / "cost.png"


def seconds(problem: PowerLaw, last: float) -> float:
    """Median time of a curve of 192 steps in the two decades up to ``last``, warm."""
    step = np.rint(np.geomspace(last / 100, last, 192))
    times = []
    for _ in range(9):
        began = time.perf_counter()
        predict(problem, SGD(0.3), step)
        times.append(time.perf_counter() - began)
    return float(np.median(times[2:]))


def main() -> None:
    """Measure and draw."""
    lasts, vs = np.geomspace(1e5, 1e15, 11), np.geomspace(1e4, 1e18, 15)
    in_steps = [seconds(PowerLaw(alpha=1.0, beta=0.3, v=10**8, d=10**6), t) for t in lasts]
    in_v = [seconds(PowerLaw(alpha=1.0, beta=0.3, v=int(v), d=10**3), 1e12) for v in vs]
    with plot.style():
        figure, axes = plt.subplots(1, 2, figsize=(7, 2.4), sharey=True, layout="constrained")
        axes[0].plot(lasts, 1e3 * np.array(in_steps), "o-")
        axes[0].set(xscale="log", xlabel="last step", ylabel="time of a curve (ms)")
        axes[1].plot(vs, 1e3 * np.array(in_v), "o-")
        axes[1].set(xscale="log", xlabel="coordinates v", ylim=(0, 1.1e3 * max(in_steps + in_v)))
        figure.savefig(OUT, dpi=200)


if __name__ == "__main__":
    main()
