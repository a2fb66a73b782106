# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. Batch size, learning rate, stability
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/07_batch_size.ipynb)
#
# SGD makes its own noise, and feeds on it: a large risk makes noisy gradients, noisy gradients
# make a large risk. Below one learning rate the loop dies out, above it the expected risk grows
# for ever. This lesson finds that rate exactly, on paper and in ten lines, says how it grows with
# the batch, what a larger batch buys and where it stops buying. At the end a run that looks
# perfectly stable will turn out to be far above the threshold.
#
# ## Goals
#
# After this lesson you can
#
# - derive the sum of the noise kernel, and the threshold of stability from it;
# - say for which batch sizes the learning rate may grow in proportion, and where that ends;
# - predict the floor $\sigma^2 \kappa / (1 - \kappa)$ at which a constant rate stays;
# - compute a critical batch size, and trade steps against samples with it;
# - explain why a plot of a few stable runs is no evidence of stability.

# %% tags=["hide-cell"]
import importlib.util

if importlib.util.find_spec("solvable") is None:  # on Colab
    source = "git+https://github.com/solvable-models/solvable"
    get_ipython().run_line_magic("pip", f"install -q {source}")

# %%
import jax
import matplotlib.pyplot as plt
import numpy as np

from solvable import SGD, PowerLaw, Spectrum, design, plot, predict, simulate, stability, threshold
from solvable.exercises import Exercise

plt.style.use(plot.STYLE)

# %% [markdown]
# ## A question first
#
# Our laboratory is linear regression on 64 coordinates, with covariance eigenvalues
# $\lambda_j = 1/j$ (so $2\alpha = 1$), and no label noise at first. We train with batches of
# $B = 8$ at a learning rate **ten per cent above** the threshold of stability: the *expected*
# risk grows without end. We start 2000 runs, and look at them after 60 steps.
#
# Which fraction of the runs is then worse than at the start? Write your guess down before you
# read on. The tempting answer: above the threshold means unstable, so most of them.

# %%
my_prediction = 0.9  # the fraction of runs that are worse after 60 steps than at the start

# %% [markdown]
# ## The kernel: how noise returns
#
# Let $m_j$ be the part of the excess risk on mode $j$, so that the excess is $E = \sum_j m_j$.
# With the error $e_j$ of coefficient $j$ we have $m_j = \lambda_j \mathbb{E}\, e_j^2$. One step
# subtracts $\gamma g$, where $g$ is the mean of $B$ gradients. For one Gaussian sample the second
# moment of its gradient splits by Isserlis' theorem,
#
# $$ \mathbb{E}\, g_j^2 = 2 \lambda_j^2 \mathbb{E}\, e_j^2 + \lambda_j (E + \sigma^2), $$
#
# and a mean over $B$ samples keeps the square of the expected gradient and $1/B$ of the rest. So
#
# $$ m_j \leftarrow a_j m_j + \frac{\gamma^2 \lambda_j^2}{B} (E + \sigma^2), \qquad
# a_j = 1 - 2 \gamma \lambda_j + \frac{B + 1}{B} \gamma^2 \lambda_j^2 . $$
#
# The first term is forgetting, the second is the noise that the *total* risk sends back into mode
# $j$. What is sent in once decays like $a_j^t$. Summed over all times, a unit of risk returns
#
# $$ \kappa = \sum_j \frac{\gamma^2 \lambda_j^2}{B} \sum_{t \ge 0} a_j^t
# = \sum_j \frac{\gamma^2 \lambda_j^2 / B}{1 - a_j}
# = \sum_j \frac{\gamma \lambda_j}{2 B - (B + 1) \gamma \lambda_j} . $$
#
# This is a branching process: every unit of risk has $\kappa$ units of children. It dies out if and
# only if $\kappa < 1$ (and every $|a_j| < 1$). (This is the $S$ of lesson 2. Here $S$ will count
# steps, and no effective ridge occurs that could be mistaken for $\kappa$.) For a given spectrum
# this is **exact**.


# %%
lam = 1 / np.arange(1, 65)


def kernel(gamma, B):
    """How much of a unit of risk comes back as noise; infinite past the edge of a mode."""
    room = 2 * B - (B + 1) * gamma * lam
    return np.sum(gamma * lam / room) if room.min() > 0 else np.inf


def largest_rate(B):
    """The rate at which the kernel sums to one, by halving an interval."""
    low, high = 0.0, 4.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if kernel(middle, B) < 1 else (low, middle)
    return low


problem = PowerLaw(alpha=0.5, beta=0.0, v=64)
for B in (1, 8, 64, 512):
    ours, theirs = largest_rate(B), threshold(problem, SGD(1.0, B))
    print(f"B = {B:3d}: by hand {ours:.6f}, solvable {theirs:.6f}, differ by {ours - theirs:.0e}")

# %% [markdown]
# ## Linear scaling, and its end
#
# For small $B$ the second term of the denominator hardly matters, and $\kappa = 1$ reads
# $\gamma \operatorname{Tr} D / 2B = 1$: the largest rate is near $2B / \operatorname{Tr} D$, and
# doubling the batch doubles it. This is the *linear scaling rule*. For large batches there is no
# noise left, and only $|1 - \gamma \lambda_1| < 1$ limits: $\gamma < 2 / \lambda_1$, whatever the
# batch. The two lines meet at
#
# $$ B = \frac{\operatorname{Tr} D}{\lambda_1}, $$
#
# a number of effective dimensions. Below it, noise is the enemy, above it curvature is.

# %%
batches = np.geomspace(1, 4096, 49)
rates = design.learning_rate_map(problem, batches)

fig, ax = plt.subplots(figsize=(4.6, 3.0))
ax.loglog(batches, rates.largest, "k", label="threshold")
small = batches < 3 * rates.turning_point
ax.loglog(batches[small], rates.small_batch[small], "--", label=r"small: $2B/\mathrm{Tr}\,D$")
ax.axhline(rates.large_batch, color="C1", ls="--", label=r"large: $2/\lambda_1$")
ax.axvline(rates.turning_point, color="0.6", lw=0.8, ls=":")
ax.text(1.1 * rates.turning_point, 0.25, r"$B = \mathrm{Tr}\,D/\lambda_1$", color="0.35")
ax.set(xlabel="batch size $B$ (samples per step)", ylabel=r"learning rate $\gamma$")
ax.set(title="The largest stable learning rate", ylim=(0.2, 6))
ax.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
ax.yaxis.set_minor_formatter("")
ax.legend(loc="lower right")
print(f"the limits meet at B = {rates.turning_point:.2f}, the sum of 1/j over 64 terms")
for B in (1, 2, 4, 8, 16):
    gain = largest_rate(B) / largest_rate(1)
    print(f"B = {B:2d}: {gain:5.2f} times the rate of B = 1; linear scaling would say {B}")

# %% [markdown]
# Linear scaling is an asymptote, not a law: it is already off at $B = 4$, and safe only well
# below the turning point. A rate scaled linearly beyond it diverges.
#
# ## The floor
#
# With label noise and a constant rate the excess does not go to zero. In the stationary state the
# noise that is sent in balances what is forgotten. Every unit of risk has $\kappa$ children, so
# $E = \kappa (E + \sigma^2)$, and
#
# $$ E_\infty = \sigma^2 \frac{\kappa}{1 - \kappa} . $$

# %%
noisy = PowerLaw(alpha=0.5, beta=0.0, v=64, noise=1.0)
sgd = SGD.stable(noisy, 0.5, B=1)  # half of the threshold
sum_ = kernel(float(sgd.gamma), 1)
by_hand = sum_ / (1 - sum_)
found = stability(noisy, sgd)
late = predict(noisy, sgd, [10**6]).excess[0]
print(f"kernel sum {sum_:.6f}, floor by hand {by_hand:.6f}")
print(f"solvable:  {found.kernel:.6f}, floor         {found.floor:.6f}")
print(f"the exact expected excess after 10^6 steps:  {late:.6f}")

# %% [markdown]
# At half of the threshold the kernel sums to a little less than a half, and the floor is of the
# size of the label noise itself. For small $\kappa$ the floor is $\sigma^2 \kappa \approx \sigma^2
# \gamma \operatorname{Tr} D / 2B$: only $\gamma / B$ counts. Close to the threshold it blows up
# like $1 / (1 - \kappa)$.
#
# ## Steps against samples
#
# A larger batch allows a larger rate and a lower floor. What does it buy? Ask for a *target* $E$
# and tune the constant rate for every batch size. Two extremes: with infinite batches one needs
# the fewest *steps* $S$, with batches of one the fewest *samples* $N$. In between, $S'$ and $N'$
# trade off near a hyperbola seen in practice (arXiv 1812.06162),
#
# $$ \left( \frac{S'}{S} - 1 \right) \left( \frac{N'}{N} - 1 \right) \approx 1, $$
#
# and the **critical batch size** is $B_c = N / S$. Twice as many samples as needed and twice as
# many steps as needed: that is where it sits.

# %%
task = PowerLaw(alpha=0.75, beta=0.15, v=10**5, noise=1.0)
ends = design.critical_batch(task, target=0.1)
B = 4 ** np.arange(7)
steps = np.array([design.steps_to_target(task, 0.1, int(b))[0] for b in B])
x, y = steps / ends.steps, steps * B / ends.samples
print(f"fewest steps {ends.steps}, fewest samples {ends.samples}, critical batch {ends.B:.0f}")
print("product in between:", ((x - 1) * (y - 1))[1:].round(2))

fig, ax = plt.subplots(figsize=(4.6, 3.0))
ax.loglog(x, y, "o-", mfc="white")
for b, u, w in zip(B, x, y, strict=True):
    ax.annotate(f"$B = {b}$", (u, w), xytext=(5, 4), textcoords="offset points")
line = np.geomspace(1.008, 150, 200)
ax.loglog(line, 1 + 1 / (line - 1), ":", color="0.35", label="hyperbola")
ax.set(xlabel="steps / fewest steps", ylabel="samples / fewest samples", ylim=(0.8, 60))
ax.set(title="Steps against samples to an excess risk of 0.1", xlim=(0.8, 400))
_ = ax.legend(loc="upper right")

# %% [markdown]
# The product is 0.8 for the smallest batch in between and 2.3 for the largest: a hyperbola in
# outline, not a law. Up to about a tenth of the critical batch, a larger batch saves steps almost
# for free. Beyond the critical batch it costs samples and saves little. And the critical batch is
# no property of the task alone: it grows as the target falls.

# %%
targets = np.array([0.4, 0.2, 0.1, 0.05])
critical = np.array([design.critical_batch(task, float(target)).B for target in targets])
for target, b in zip(targets, critical, strict=True):
    print(f"target {target:4.2f}: critical batch {b:6.1f}, times the target {b * target:5.1f}")

# %% [markdown]
# The product settles slowly: $B_c \propto \sigma^2 / E$, **derived** by scaling and **seen in
# numbers**. Late in training larger batches pay, early they do not.
#
# ## Above the threshold, where everything looks well
#
# Now the question of the beginning. `predict` refuses a rate above the threshold unless told
# otherwise; `simulate` runs it.

# %%
step = np.arange(61)
fast = SGD.stable(problem, 1.1, B=8)
exact = predict(problem, fast, step, allow_unstable=True).excess
runs = simulate(jax.random.key(0), problem, fast, step, seeds=2000)

fig, ax = plt.subplots(figsize=(4.6, 3.0))
ax.semilogy(step, exact, "k", label="exact mean")
ax.semilogy(step, runs.excess.mean(axis=0), "C1", label="mean of 2000 runs")
low, high = np.quantile(runs.excess, [0.05, 0.95], axis=0)
middle = np.median(runs.excess, axis=0)
plot.band(ax, step, middle, low, high, color="C0", label="median; band: 5 to 95 %")
ax.set(xlabel="step $t$", ylabel="excess risk", title="At 1.1 times the largest stable rate")
_ = ax.legend(loc="upper left")

# %%
last = runs.excess[:, -1]
worse = np.mean(last > exact[0])
top = np.sort(last)[::-1]
print(f"excess at the start {exact[0]:.2f}; after 60 steps:")
print(f"  exact mean {exact[-1]:.1e}, mean of 2000 runs {last.mean():.1e}, median {middle[-1]:.2f}")
print(f"  share of the ten worst runs in that mean: {top[:10].sum() / top.sum():.0%}")
print(f"  worse than at the start: {worse:.0%} of the runs; you said {my_prediction:.0%}")

# %% [markdown]
# Three quarters of the runs have improved. The median falls while the mean explodes, and ten runs
# of 2000 carry nearly all of the mean. Even 2000 runs miss the exact mean by orders of magnitude:
# the runs that carry it are rarer than that.
#
# The reason is multiplication. The error is multiplied by a random matrix at every step; its
# logarithm performs a random walk. A typical run follows the mean of the *logarithm*, which
# falls, the expectation follows the mean of the *factor*, which is above one. Here is the same in
# one dimension: a factor of 0.5 or 1.6 with equal chances has mean 1.05, and its typical value
# is $\sqrt{0.8} < 1$.
#
# Two lessons. A few stable runs do not show that a rate is stable in expectation. And an expected
# risk near the threshold cannot be tested by an average over runs.
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# A flat spectrum: $d = 100$ eigenvalues, all equal to one. Solve $\kappa = 1$ by hand. What is
# the largest stable learning rate for $B = 4$?

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    2 * 4 / (100 + 4 + 1),
    because="d gamma = 2 B - (B + 1) gamma, so gamma = 2 B / (d + B + 1).",
    mistakes={
        2 * 4 / 100: "This is 2 B / Tr D, the limit of small batches; keep (B + 1) gamma lam.",
        2.0: "This is 2 / lam_1, the limit of infinite batches. Here the noise decides.",
        2 / 105: "This is the rate on the batch sum; ours is on the batch mean, B times larger.",
        2 * 4 / 104: "Nearly: Isserlis gives (B + 1) / B beside gamma^2 lam^2, not 1.",
    },
    rtol=0.003,
    hint="Every mode contributes gamma / (2 B - (B + 1) gamma); there are 100.",
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. All modes are alike: 100 gamma / (8 - 5 gamma) = 1, so gamma = 8 / 105.
flat = Spectrum(np.ones(100), target=np.ones(100))
solution_1 = threshold(flat, SGD(1.0, 4))
exercise_1.solution(solution_1)

# %% [markdown]
# ### Exercise 2 (easy)
#
# A rule has a kernel sum of 0.2, and the labels have noise of standard deviation 2. At which
# *risk* (not excess) does it stay?

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_2 = Exercise(
    5.0,
    because="sigma^2 / (1 - kappa): the excess kappa / (1 - kappa) sigma^2, plus sigma^2.",
    mistakes={
        1.0: "This is the excess. The risk includes the label noise.",
        2.5: "The noise is a variance: a standard deviation of 2 is a noise of 4.",
        0.5: "This is the excess for a noise of 2: square the deviation, and add the noise.",
        4.8: "One generation of children only; they have children too, a geometric series.",
    },
    hint="Children of children: the sum of kappa^k over k = 0, 1, 2, ...",
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The risk R = E + sigma^2 obeys R = sigma^2 + kappa R.
solution_2 = 2.0**2 / (1 - 0.2)
exercise_2.solution(solution_2)

# %% [markdown]
# ### Exercise 3 (medium)
#
# For `noisy` and $B = 1$: which learning rate leaves a floor of exactly $E_\infty = 0.1$?
# (Turn the floor into a kernel sum, then find the rate, with `kernel` above.)

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_3 = Exercise(
    0.037821,
    because="kappa / (1 - kappa) = 0.1 means kappa = 1/11, and the kernel reaches that there.",
    mistakes={
        0.2 / lam.sum(): "This is kappa = 0.1 at small rates. kappa is 1/11; take all of it.",
        0.041548: "This solves kappa = 0.1. The floor is kappa / (1 - kappa).",
        2 / 11 / lam.sum(): "kappa = 1/11 is right; but keep (B + 1) gamma lam in the kernel.",
    },
    rtol=0.003,
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. kappa = 0.1 / 1.1; the kernel grows with the rate, so halve an interval.
low, high = 0.0, largest_rate(1)
for _ in range(60):
    middle_rate = (low + high) / 2
    low, high = (middle_rate, high) if kernel(middle_rate, 1) < 1 / 11 else (low, middle_rate)
solution_3 = low
exercise_3.solution(solution_3, f"there the floor is {stability(noisy, SGD(solution_3)).floor:.6f}")

# %% [markdown]
# ### Exercise 4 (medium)
#
# A team trains `noisy` stably at $B = 8$ with 0.9 of the threshold of $B = 8$. They go to
# $B = 32$ and scale the rate by four, as the linear rule says. By which factor is the new rate
# above (or below) the threshold of $B = 32$?

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_4 = Exercise(
    4 * 0.9 * threshold(noisy, SGD(1.0, 8)) / threshold(noisy, SGD(1.0, 32)),
    because="Both batches are beyond the turning point of 4.7, where the threshold is nearly flat.",
    mistakes={
        0.9: "This would be so if the threshold grew linearly. It has all but stopped growing.",
        4 * 0.9: "The threshold does grow a little between 8 and 32: divide by that growth.",
        4
        * threshold(noisy, SGD(1.0, 8))
        / threshold(noisy, SGD(1.0, 32)): "They were at 0.9 of it.",
    },
    hint="Divide the new rate by the threshold at B = 32.",
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Far above: the expected risk would grow for ever.
solution_4 = 4 * 0.9 * largest_rate(8) / largest_rate(32)
exercise_4.solution(solution_4)

# %% [markdown]
# ### Exercise 5 (hard)
#
# In one dimension ($\lambda = 1$, $B = 1$, no label noise) a step multiplies the error by
# $1 - \gamma z^2$ with $z \sim \mathcal{N}(0, 1)$. The mean of $e^2$ is stable below
# $\gamma = 2/3$. The *typical* run is stable as long as
# $\mathbb{E} \log |1 - \gamma z^2| < 0$. Up to which $\gamma$? (Numerical integration, with care
# at the singular points, or a few million samples and a root finder. To one per cent.)

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_5 = Exercise(
    2.4212,
    because="Between 2/3 and this rate the mean explodes and almost every run converges.",
    mistakes={
        2 / 3: "This is the threshold of the mean, 1 - 2 gamma + 3 gamma^2 = 1.",
        2.0: "This is the threshold without noise, |1 - gamma| = 1.",
        1.0522: "This solves E|1 - gamma z^2| = 1. Typical runs follow the mean of the logarithm.",
    },
    rtol=0.01,
    hint="The mean of the logarithm, not the logarithm of the mean.",
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The middle of many equal shares of probability; the singularity is integrable.
from scipy import optimize, stats

z = stats.norm.ppf((np.arange(10**6) + 0.5) / 10**6)
typical = lambda gamma: np.mean(np.log(np.abs(1 - gamma * z**2)))
solution_5 = optimize.brentq(typical, 1.0, 4.0)
remark = (
    f"typical runs are stable up to {solution_5:.3f}, {solution_5 / (2 / 3):.1f} times the mean"
)
exercise_5.solution(solution_5, remark)

# %% [markdown]
# ### Exercise 6 (research)
#
# *How does the gap between typical and mean stability depend on the batch and on the spectrum?*
# Open: there is no closed form for the rate at which the typical run turns unstable. Measure it
# by simulation: the rate at which the median of `simulate` neither grows nor falls late, for
# $B = 1, 4, 16, 64$ and a few spectra, and see how fast the ratio to `threshold` tends to
# one. A checkable core: at 1.1 times the threshold of $B$, after 25 steps, is the median excess of
# many runs of `problem` smaller than at the start for $B = 8$? And for $B = 64$? Answer with a
# pair of zeros and ones, such as `[1, 1]`.

# %%
answer_6 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_6 = Exercise(
    [1, 0],
    because="Larger batches have little noise: mean and typical run turn unstable together.",
    mistakes={
        (1, 1): "For B = 64 little noise is left: nearly every run feels |1 - gamma lam_1| > 1.",
        (0, 0): "For B = 8 the median falls, as the figure above shows.",
        (0, 1): "The other way round: noise makes the mean explode before the typical run does.",
    },
)
exercise_6(answer_6)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. For B = 8 the runs above will do.
large = simulate(jax.random.key(1), problem, SGD.stable(problem, 1.1, 64), [0, 25], seeds=200)
medians = np.median(runs.excess, axis=0)[[0, 25]], large.median
changes = (f"{x:.2f} to {y:.3g}" for x, y in medians)
solution_6 = [int(end < start) for start, end in medians]
exercise_6.solution(solution_6, f"median excess at B = 8 and 64: {', '.join(changes)}")

# %% [markdown]
# ## References
#
# - E. Paquette, C. Paquette, L. Xiao, J. Pennington (2024), the kernel and its sum:
#   arXiv 2405.15074.
# - D. Granziol, S. Zohren, S. Roberts (2020), learning rates as a function of batch size:
#   arXiv 2006.09092.
# - S. McCandlish, J. Kaplan, D. Amodei (2018), the critical batch size: arXiv 1812.06162.
# - Theory page: [stability and batch size](../theory/batch_size.md).
