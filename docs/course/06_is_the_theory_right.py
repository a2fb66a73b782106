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
# # 6. Is the theory right?
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/06_is_the_theory_right.ipynb)
#
# A formula can be wrong by a factor of two and still draw a beautiful line through the dots. A
# right formula can seem wrong by a half, because ten runs are too few. This lesson is about
# telling the two apart: how to compare a prediction with a simulation so that "they agree" is a
# statement that could have been false.
#
# ## Goals
#
# Afterwards you can
#
# - name the rungs from a simulation to an exponent, and test each against its neighbour;
# - give a mean its standard error, and a comparison its power: the fault it would have seen;
# - plant a fault, and find out whether your test notices;
# - recognise heavy tails, and the false alarms that come from many looks.

# %% tags=["hide-cell"]
import importlib.util

SOURCE = "git+https://github.com/solvable-models/solvable"
if importlib.util.find_spec("solvable") is None:  # on Colab
    get_ipython().run_line_magic("pip", f"install -q {SOURCE}")

# %%
import warnings
from dataclasses import replace

import jax
import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from solvable import SGD, PowerLaw, compare, expect, plot, predict, simulate
from solvable.exercises import Exercise

plt.style.use(plot.STYLE)

# %% [markdown]
# ## A question first
#
# SGD at batch size 1, at 0.9 of the largest stable learning rate. You train ten runs, average
# their risk, and hold the mean against the *exact* expectation. Then ten more, and so on, two
# hundred times. If simulation and theory agree, **which share of these two hundred means lies
# below the expectation?**

# %%
my_prediction = 0.5  # "half above, half below"

# %% [markdown]
# The lesson comes back to it under "Heavy tails".
#
# ## The ladder
#
# Between a training run and a scaling exponent lie four kinds of number:
#
# | rung | what it is | what separates it from the next |
# |---|---|---|
# | simulation | the mean risk of runs of SGD | chance, like $1/\sqrt{\text{runs}}$ |
# | exact expectation | `expect`, for given features $W$ | one draw or all, and $O(1/d)$ |
# | deterministic equivalent | `predict`, the mean over $W$ | powers of the size |
# | exponent | `phase`, asymptotic | |
#
# Test *neighbours* only. If a simulation misses an exponent you have learned little; if it misses
# the exact expectation for its own features, the fault lies between the two, and there is no
# approximation to put the blame on.

# %%
problem = PowerLaw(alpha=1.0, beta=0.3, v=160, d=40)
draw = problem.draw(jax.random.key(0))
sgd = SGD.stable(problem, 0.25, B=8)
step = np.array([3, 6, 12, 25, 50, 100])
exact = expect(draw, sgd, step)
many_runs = simulate(jax.random.key(1), draw, sgd, step, seeds=4000)
runs = replace(many_runs, excess=many_runs.excess[:400])  # 400 of them; the rest is for later
keys = jax.random.split(jax.random.key(2), 200)
draws = np.array([expect(problem.draw(key), sgd, step).risk for key in keys])
error = draws.std(axis=0, ddof=1) / np.sqrt(200)
print(f"at step {step[-1]}, d = 40:")
print(f"simulation, 400 runs   {runs.mean[-1]:.5f} +- {runs.standard_error[-1]:.5f}")
print(f"exact for this draw    {exact.risk[-1]:.5f}")
print(f"exact, mean of draws   {draws.mean(axis=0)[-1]:.5f} +- {error[-1]:.5f}")
print(f"equivalent             {predict(problem, sgd, step).risk[-1]:.5f}")
print(f"scatter from draw to draw: {draws.std(axis=0)[-1] / draws.mean(axis=0)[-1]:.0%}")

# %% [markdown]
# The first two agree within the error, and so, up to $O(1/d)$, do the last two. But one draw is
# not the mean of the draws. Compare the runs of one draw with the equivalent, and you will "find"
# a deviation that no number of runs removes.
#
# ## Standard errors by hand
#
# The literal algorithm first, in NumPy: sample $x$, form the features $W^\top x$, step. The
# population risk of each iterate is known exactly, $|D^{1/2}(W\theta - b)|^2$, so that the only
# chance is in the training.

# %%
rng = np.random.default_rng(0)
j = np.arange(1.0, 161)
scale, target, W = j**-1.0, j**-0.3, np.asarray(draw.W)
theta, by_hand = np.zeros((200, 40)), {}
for t in range(101):
    if t in step:
        by_hand[t] = np.sum((scale * (theta @ W.T - target)) ** 2, axis=1)
    x = scale * rng.standard_normal((200, 8, 160))
    phi = x @ W
    residual = np.einsum("rbd,rd->rb", phi, theta) - x @ target
    theta -= sgd.gamma * np.einsum("rb,rbd->rd", residual, phi) / 8
risk = np.stack(list(by_hand.values()), axis=1)
standard_error = risk.std(axis=0, ddof=1) / np.sqrt(200)
z = (risk.mean(axis=0) - exact.risk) / standard_error
print("deviations in standard errors:", z.round(2))

# %% [markdown]
# Numbers of size one: what chance makes of a right theory. `compare` does this for the runs of
# `simulate`, and gives a verdict on the largest $|z|$ of all steps.

# %%
verdict = compare(exact, runs)
print(verdict)
print("z from compare:", verdict.z.round(2))
print("z by hand:     ", ((runs.mean - exact.risk) / runs.standard_error).round(2))

# %% [markdown]
# The local slopes have errors too. Neighbouring steps come from the same runs, so the error of a
# slope is not that of two independent points; it is taken from the scatter of whole runs.

# %%
for k in range(3):
    print(
        f"steps {step[k]:2} to {step[k + 1]:2}: slope {verdict.slope[k]:.4f} +-"
        f" {verdict.slope_error[k]:.4f}, predicted {verdict.predicted_slope[k]:.4f}"
    )

# %% [markdown]
# The second slope is 3.3 of its errors off. It is the most striking of all numbers shown so far,
# and the verdict does not rest on it: see *Many looks*. With other keys it is within two errors.
#
# ## What fault could this test have seen?
#
# "Agrees" is worth as much as the faults it excludes. A uniform relative deviation $\delta$ shifts
# $z$ by $\delta P / \text{se}$; it is seen in nine cases of ten if that exceeds the critical value
# by 1.3 or so. This is the **power** in the second line of the verdict, about a per cent. The most
# convincing test of a test, though, is to **plant a fault**. Here is the exact theory by hand, with
# places to plant one:


# %%
def recursion(draw, gamma, B, square=None, feedback=1.0):
    """Expected risk: each mode decays, and receives noise in proportion to the risk."""
    modes, curve = draw.modes, []
    lam, m = np.asarray(modes.lam), np.asarray(modes.weight)
    square = (B + 1) / B if square is None else square
    for t in range(step[-1] + 1):
        P = modes.floor + m.sum()
        if t in step:
            curve.append(P)
        m = (1 - 2 * gamma * lam + square * (gamma * lam) ** 2) * m
        m += feedback * (gamma * lam) ** 2 / B * P
    return np.array(curve)


gamma = float(sgd.gamma)
difference = np.abs(recursion(draw, gamma, 8) / exact.risk - 1).max()
print(f"without a fault it differs from expect by {difference:.0e}")

# %%
flat = PowerLaw(alpha=0.5, beta=0.3, v=160, d=40).draw(jax.random.key(0))
short = PowerLaw(alpha=1.0, beta=0.3, v=159, d=40)
faults = {
    "sum over the batch for mean": recursion(draw, 8 * gamma, 8),
    "j^-alpha for j^-2 alpha": recursion(flat, gamma, 8),
    "risk with a factor 1/2": recursion(draw, gamma, 8) / 2,
    "no feedback of the noise": recursion(draw, gamma, 8, feedback=0.0),
    "rate 5 per cent too large": recursion(draw, 1.05 * gamma, 8),
    "rate 0.5 per cent too large": recursion(draw, 1.005 * gamma, 8),
    "sum to v - 1, not v": recursion(replace(draw, problem=short, W=draw.W[:-1]), gamma, 8),
}
print(f"{'fault':30} {'largest change of risk':>22} {'max |z|':>10}  seen?")
for name, wrong in faults.items():
    judged = compare(replace(exact, excess=wrong), runs)
    change, largest = np.abs(wrong / exact.risk - 1).max(), np.abs(judged.z).max()
    print(f"{name:30} {change:22.2g} {largest:10.3g}  {'no' if judged.agrees else 'SEEN'}")

# %% [markdown]
# The gross faults are seen from afar. The last two are below the power: this test **cannot** tell
# them from the truth, and no honest report of it may claim more. For a half per cent, more runs
# help: the error falls like one over the root. For the forgotten last coordinate it takes tens of
# thousands here, and at $v = 10^8$ no number would do. There the remedy is another kind of test:
# two *exact* routes, which must agree to rounding, as `recursion` and `expect` just did.
# Conventions are pinned by value; chance is kept for what only a simulation can test.
#
# ## Heavy tails
#
# Now the question of the beginning.

# %%
fast = SGD.stable(draw, 0.9, B=1)
spiky = simulate(jax.random.key(3), draw, fast, step, seeds=2000)
exact_fast = expect(draw, fast, step)
tens = spiky.risk[:, -1].reshape(200, 10).mean(axis=1) / exact_fast.risk[-1]
calm = runs.risk[:, -1].reshape(40, 10).mean(axis=1) / exact.risk[-1]
print(f"below the expectation: {np.mean(tens < 1):.0%} of the means; you said {my_prediction:.0%}")
print(f"median of the means: {np.median(tens):.2f} of the expectation, largest {tens.max():.0f}")
print(f"mean of all 2000 runs: {spiky.mean[-1] / exact_fast.risk[-1]:.2f} +-", end=" ")
print(f"{spiky.standard_error[-1] / exact_fast.risk[-1]:.2f}")

# %%
fig, ax = plt.subplots(figsize=(4.4, 2.7))
bins = np.geomspace(0.1, 30, 50)
for data, label, colour in (
    (tens, "$B = 1$, 0.9 of the stable rate", "#D55E00"),
    (calm, "$B = 8$, a quarter of it", "#0072B2"),
):
    ax.hist(data, bins, weights=np.full(data.size, 1 / data.size), label=label, color=colour)
ax.axvline(1, color="black", lw=0.8)
ax.text(1.1, 0.72, "exact expectation", fontsize=7)
ax.set(xscale="log", xlabel="mean of ten runs / exact expectation", ylabel="share of the means")
ax.set_title("Ten runs are enough, or far from enough")
ax.legend(loc="center right")
plt.show()

# %% [markdown]
# Nothing is wrong with the theory. At a large rate and batch size 1 the risk of a run has a long
# tail: rare spikes carry the mean, and most sets of ten hold none of them. The typical mean lies
# far below the expectation, and the standard error computed from such a set is too small as well,
# since the spikes are missing from it too. Even all 2000 runs together can lie several of their
# own standard errors off, as here. `compare` measures the tail by its kurtosis, 3 for a normal
# law, and warns.

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    compare(exact_fast, spiky)
print(caught[0].category.__name__, "-", str(caught[0].message).split(";")[0])

# %% [markdown]
# The cure is not a cleverer mean (the median estimates something else) but more runs, larger
# batches, or a smaller rate, where theory makes the same claims and the test has power.
#
# ## Many looks
#
# A p-value is the probability of so large a deviation if theory and simulation agree. Under
# agreement it is **uniform**: below 0.05 in 5 per cent of all comparisons. We make a hundred honest
# comparisons of 40 runs each, and look at six steps in each of them.

# %%
groups = many_runs.risk.reshape(100, 40, step.size)
t_values = (groups.mean(axis=1) - exact.risk) / (groups.std(axis=1, ddof=1) / np.sqrt(40))
p_values = 2 * stats.t.sf(np.abs(t_values), 39)
print("share with p < 0.05, step by step:", (p_values < 0.05).mean(axis=0))
print(f"share with p < 0.05 at any step: {(p_values.min(axis=1) < 0.05).mean():.2f}")
print(f"six independent looks would give {1 - 0.95**6:.2f}")

# %%
fig, ax = plt.subplots(figsize=(3.6, 3.0))
plot.uniformity(ax, p_values[:, -1], color="#0072B2", label="at the last step")
plot.uniformity(ax, p_values.min(axis=1), color="#D55E00", label="smallest of six steps")
ax.plot([1e-2, 1], [1e-2, 1], color="black", lw=0.6)
ax.set(xlim=(8e-3, 1.1), ylim=(1e-5, 1.5))
ax.set_title("One look is uniform, the best of six is not")
ax.legend()
plt.show()

# %% [markdown]
# Who reports the most striking of several looks raises more alarms than the level says. And
# Student's law is only nearly right for skewed risks, which shows in the tail: the smallest blue
# point, hidden behind the smallest orange one, is barely inside the grey band. `compare` therefore
# takes the law of the *largest* $|z|$ over all steps from the bootstrap. It resamples whole runs,
# which keeps the correlation of the steps.

# %%
alarms = [
    not compare(exact, replace(many_runs, excess=group), level=0.05).agrees for group in groups
]
print(f"compare at level 0.05: {np.mean(alarms):.2f} false alarms, all steps looked at")

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 (easy)
#
# The risk of single runs scatters by 30 per cent (standard deviation over mean). How many runs do
# you need for a standard error of 1 per cent?

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    (0.30 / 0.01) ** 2,
    because="the error falls like one over the root of the number of runs.",
    mistakes={
        30: "The error falls like the root of the number of runs, so square this.",
        0.3 / 0.01**2: "Square the scatter too: (0.3 / 0.01)^2.",
        2.576**2 * 900: "This is for a deviation of 1 per cent to be 2.6 standard errors.",
    },
    hint="standard error = scatter / sqrt(runs).",
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution: 0.3 / sqrt(n) = 0.01.
exercise_1.solution(0.3**2 / 0.01**2)

# %% [markdown]
# ### Exercise 2 (easy)
#
# You look at 20 independent quantities, each at level 0.05, and theory is right. With which
# probability do you see at least one "significant" deviation?

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_2 = Exercise(
    float(stats.binom.sf(0, 20, 0.05)),
    because="1 - 0.95^20: two times out of three you would report a deviation that is not there.",
    mistakes={
        1.0: "This is the expected number of false alarms, 20 x 0.05, not a probability.",
        0.05: "This is one look. Each further one is another chance of a false alarm.",
        0.95**20: "This is the probability to see none.",
        20 * 0.05 * 0.95**19: "This is exactly one; at least one is asked for.",
    },
    hint="The probability of none is 0.95^20.",
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution: one minus the probability that all 20 stay quiet.
exercise_2.solution(1 - 0.95**20)

# %% [markdown]
# ### Exercise 3 (medium)
#
# One run in 50 has a spike, of 50 times the risk of the others, which all have risk 1. By which
# factor does a set of ten runs *without* a spike underestimate the expected risk? (And how often
# does that happen?)

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_3 = Exercise(
    float(np.mean([50.0] + 49 * [1.0])),
    because="the expectation is 1.98, but 0.98^10 = 82 per cent of the sets show 1, no scatter.",
    mistakes={
        0.98**10: "This is how often a set of ten holds no spike.",
        50.0: "This is the spike itself; it weighs 1/50 in the expectation.",
        1.0: "This is what such a set shows: the expectation is larger.",
    },
    rtol=0.005,
    hint="The expectation is 49/50 of 1 and 1/50 of 50.",
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Such a set has no scatter at all: its standard error is zero, and z infinite.
exercise_3.solution(0.98 * 1 + 0.02 * 50)

# %% [markdown]
# ### Exercise 4 (hard)
#
# Scatter 30 per cent; one step; a two-sided test at level 0.01, with the normal law. How many runs
# does it take to see a deviation of 2 per cent in nine cases of ten?

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
needed = lambda level, power: (0.3 / 0.02 * (stats.norm.isf(level) + stats.norm.ppf(power))) ** 2
exercise_4 = Exercise(
    needed(0.005, 0.9),
    because="the shift must reach 2.576 + 1.282 standard errors.",
    mistakes={
        needed(0.005, 0.5): "With so many runs you see it in one case of two: add 1.282 for power.",
        needed(0.01, 0.9): "The test has two sides, each with 0.005.",
        needed(0.005, 0.95): "Nine of ten: the other side of the shifted law has one tail, of 0.1.",
        225.0: "This makes the deviation one standard error, which chance does all the time.",
    },
    rtol=0.01,
    hint="delta / se = 2.576 + 1.282 with se = 0.3 / sqrt(n).",
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution: rejected from 2.576 standard errors on; 1.282 more, so that only a tenth falls short.
exercise_4.solution(((2.5758 + 1.2816) * 0.3 / 0.02) ** 2)

# %% [markdown]
# ### Exercise 5 (research)
#
# A subtle fault: someone drops the $1/B$ in $a(\lambda) = 1 - 2\gamma\lambda + \gamma^2
# \frac{B+1}{B} \lambda^2$ (`square=1.0` in `recursion`). Design the cheapest test that sees it:
# which batch size, rate, steps, number of runs? Then find a fault of your own that passes
# `solvable verify --random 500`, which compares random configurations. As a core that can be
# checked: at `gamma` and $B = 64$, by how much does this fault change the risk at most, relative
# to the true one, over our steps? Is it above the power of our test?

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
change = lambda B, rate=gamma: np.abs(
    recursion(draw, rate, B, square=1.0) / recursion(draw, rate, B) - 1
)
exercise_5 = Exercise(
    change(64).max(),
    because="below a per cent and only early: large batches hide what the batch size does.",
    mistakes={
        change(8).max(): "This is at B = 8.",
        change(64)[-1]: "This is at the last step; the fault is largest early.",
        np.abs(recursion(draw, gamma, 64, 1.0) - recursion(draw, gamma, 64)).max(): (
            "This is the absolute change; divide by the true risk."
        ),
    },
    rtol=0.02,
    hint="Compare recursion(draw, gamma, 64, square=1.0) with recursion(draw, gamma, 64).",
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The change grows as gamma^2 / B: a large rate and a small batch show it best, until
# the tails of the risk eat the gain.
changes = ", ".join(f"{change(B).max():.2%} at B = {B}" for B in (2, 8, 64))
wrong, true = recursion(draw, gamma, 64, square=1.0), recursion(draw, gamma, 64)
remark = (
    f"at the same rate the risk changes by {changes}; the power is {verdict.power:.2%} at B = 8"
)
exercise_5.solution(np.max((true - wrong) / true), remark)

# %% [markdown]
# ## References
#
# - E. Paquette, C. Paquette, L. Xiao, J. Pennington (2024), *4+3 Phases of Compute-Optimal Neural
#   Scaling Laws*, [arXiv 2405.15074](https://arxiv.org/abs/2405.15074): the exact recursion
#   (Section 2).
# - `solvable verify` climbs the whole ladder. What is exact, proven and conjectured is told on the
#   page on [random features](../theory/random_features.md).
