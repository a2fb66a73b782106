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
# # 5. Compute-optimal scaling
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/05_compute_optimal.ipynb)
#
# You have a budget and two ways to spend it: a larger model, or more samples. Scaling laws for
# real models are fits to this trade, and nobody can check them far outside their data. Here we
# can. The risk is known at any size and any step, so we can find the best split by hand, watch the
# exponents of theory appear, see where they do not, and catch an honest fit being wrong.
#
# ## Goals
#
# Afterwards you can
#
# - find the best size for a budget from risk curves, and with `frontier`;
# - compare local slopes of the risk and of the best size with the exponents of `phase`;
# - say why some phases reach their exponent slowly, and predict how slowly;
# - name three ways in which an extrapolated fit goes wrong.

# %% tags=["hide-cell"]
import importlib.util

SOURCE = "git+https://github.com/solvable-models/solvable"
if importlib.util.find_spec("solvable") is None:  # on Colab
    get_ipython().run_line_magic("pip", f"install -q {SOURCE}")

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from scipy.interpolate import CubicSpline

from solvable import PowerLaw, design, phase, plot, predict
from solvable.exercises import Exercise
from solvable.verify import POINTS, half_trace
from solvable.verify.finite_sums import finite_slopes

plt.style.use(plot.STYLE)

# %% [markdown]
# ## A question first
#
# Compute is features times samples, $f = d\,B\,t$; we take $B = 1$. At $\alpha = 1$,
# $\beta = 0.7$ you train the best model that a budget of $10^9$ allows. Now you get a **million
# times** more compute. **How many times more features should the new model have?**

# %%
my_prediction = 1000  # as for an even split: a thousand times larger, a thousand times longer

# %% [markdown]
# ## The frontier by hand
#
# A *family* says what problem belongs to each size $d$. For $\alpha > 1/2$ all sums over the
# coordinates converge, and $v$ may be so large that it is out of the way; for $\alpha < 1/2$ it
# matters, and we keep the ratio $v/d = 4$. The rate is $\gamma = 1/(2 \operatorname{Tr} D)$,
# stable at every size. One risk curve for each size, then, at a fixed budget, the risk of every
# size after its own $t = f/d$ steps:


# %%
def family(alpha, beta, d, noise=0.0):
    v = 10**15 if alpha > 0.5 else 4 * d
    return PowerLaw(alpha=alpha, beta=beta, v=v, d=d, noise=noise)


alpha, beta = POINTS["II"][0]
budgets = np.geomspace(1e9, 1e23, 8)
steps = np.geomspace(30, 1e13, 64).round()
sizes = np.geomspace(30, 10**6.5, 21).round().astype(int)
curves = []
for d in sizes:
    problem = family(alpha, beta, int(d))
    curves.append(predict(problem, half_trace(problem), steps).risk)
smooth = [CubicSpline(np.log(steps), np.log(risk)) for risk in curves]
by_size = np.array([curve(np.log(budgets[:3] / d)) for d, curve in zip(sizes, smooth, strict=True)])

# %% [markdown]
# `by_size` holds $\log P$ for each size at three budgets. Near its minimum it is a parabola in
# $\log d$, so three points around the smallest value give the optimum between sizes. The package
# does the same search with a polynomial of higher degree, and at all eight budgets:


# %%
def best_of(alpha, beta, noise=0.0):
    of_size = partial(family, alpha, beta, noise=noise)
    return design.frontier(of_size, half_trace, budgets, sizes=(8, 10**15))


best = best_of(alpha, beta)
for k, column in enumerate(by_size.T):
    near = column.argmin() + np.arange(-1, 2)
    parabola = np.polynomial.Polynomial.fit(np.log(sizes[near]), column[near], 2)
    log_d = parabola.deriv().roots()[0]
    print(
        f"f = {budgets[k]:.0e}: d* {np.exp(log_d):9.0f} by hand, {best.d[k]:9.0f} by frontier;"
        f" risk differs by {np.exp(parabola(log_d)) / best.excess[k] - 1:.1e}"
    )

# %%
fig, ax = plt.subplots(figsize=(4.6, 3.2))
for d, risk, colour in zip(sizes[::2], curves[::2], plot.sequence(11), strict=True):
    ax.loglog(d * steps, risk, color=colour, lw=0.7)
ax.loglog(best.flops, best.excess, color="black", lw=1.8, label="frontier")
guide_f = np.array([1e8, 1e14])
plot.guide(ax, guide_f, 1.6e-6, phase(alpha, beta).loss_exponent, label="slope of theory, $-12/17$")
ax.text(3e14, 1.3e-2, f"$d = {sizes[0]}$", color=plot.sequence(11)[0], ha="right")
ax.text(2e8, 2.5e-2, "$d = 3$ million", color=plot.sequence(11)[-1])
ax.set(xlabel=plot.AXES["flops"], ylabel="risk $P$", xlim=(1e3, 1e16), ylim=(1e-11, 3))
ax.set_title("Risk curves of eleven sizes and their lower envelope")
ax.legend()
plt.show()

# %% [markdown]
# Each curve falls, bends, and goes flat where its size is exhausted; the envelope touches it
# around the bend. The minimum over $d$ is *flat*: half or twice the best size costs less than a
# quarter more risk (Exercise 2). So $d^*$ is found far less precisely than the risk.
#
# ## Local slopes and the answer
#
# A frontier carries its local exponents, $d \log P^* / d \log f$ and $d \log d^* / d \log f$.

# %%
theory = phase(alpha, beta)
print(best)
print(f"phase {theory.name}: {theory.loss_exponent:28.4f} {theory.size_exponent:12.4f}")
print(f"d* grew {best.d[3] / best.d[0]:.0f} times from f = 1e9 to 1e15")
print(f"in the limit {1e6**theory.size_exponent:.0f} times; your prediction {my_prediction}")

# %% [markdown]
# Lesson 4 had predicted it: this is phase II, $d^* \sim f^{\,7/17}$, so $10^{6 \cdot 7/17} \approx
# 296$ times. Training becomes longer faster than the model larger.
#
# The risk has its exponent to within 0.0005 from the start. The best size comes to its own more
# slowly, and the logarithm of a ratio over a finite range is the mean local slope times that range.
#
# The numbers rest on the *deterministic equivalent*, the mean over features up to $O(1/d)$,
# minimised numerically. No asymptotics went into them, so they test those of Lesson 4.
#
# ## How slowly the exponents appear
#
# The same for all seven phases, one point in each.

# %%
found = {}
for name, ((a, b), _) in POINTS.items():
    found[name] = best_of(a, b)
    exponent = phase(a, b).loss_exponent
    row = " ".join(f"{slope:.4f}" for slope in found[name].slope[::2])
    print(f"{name:4} {a, b}: {row}  ->  {exponent:.4f}")

# %%
fig, ax = plt.subplots(figsize=(4.6, 3.2))
for name, line in found.items():
    deviation = np.abs(line.slope - phase(*POINTS[name][0]).loss_exponent)
    colour = {"II": "#8A9A00", "III": "#B8A000"}.get(name, plot.PHASES[name])
    ax.loglog(line.flops, deviation, "o-", color=colour)
    ax.text(2e23, deviation[-1], name, color=colour, va="center")
ax.set(xlabel=plot.AXES["flops"], ylabel="|local slope − exponent|", xlim=(3e8, 3e24))
ax.set_title("How far the slope is from its exponent")
plt.show()

# %% [markdown]
# Where a line is straight, the deviation falls as a power of $f$, and the power is that of the
# **next term**. Take Ia. Capacity is $\kappa_0 \sum_{j<d} j^{-2\beta}$ plus the tail. The sum is
# $d^{\,1-2\beta}/(1-2\beta)$ *plus a constant*, so capacity is off its power by a relative
# $d^{-(1-2\beta)} \sim f^{-0.4/3}$. Only a small power, hence only a small gain per decade.
#
# - **III** turns up again at the end, below $10^{-3}$: there $d^*$ comes near our fixed $v$, which
#   is then no longer out of the way. A frontier is that of a *family*, not of two exponents alone.
# - **Ic** is slow twice. The correction of $\sum_j j^{-2\beta}$ is again a small power, and with
#   $\alpha < 1/4$ the sum $\sum_j j^{-4\alpha}$ of the noise diverges, so that its upper end makes
#   it $d^{-2\alpha}$, as large as capacity, with corrections $(J/d)^{1-4\alpha}$.
# - **IVb** does not come nearer at all. Its noise is
#   $K \sim \gamma^2 \left( J^{-(4\alpha-1)} - v^{-(4\alpha-1)} \right)$ with $J = \tau^{1/(2
#   \alpha)}$, and at $\alpha = 0.27$ the power is 0.08. The second term should vanish against the
#   first, but does so by $(J/v)^{0.08}$.
#
# The test of such an explanation is a number. `finite_slopes` minimises only the sum of the terms
# $F_0 + F_{pp} + K/\gamma$ with their true sums up to $v$: no resolvent, no distortion.

# %%
for name in ("Ic", "IVb"):
    a, b = POINTS[name][0]
    f, d = budgets[-1], found[name].d[-1]
    sums, _ = finite_slopes(partial(family, a, b), half_trace, f, d)
    print(
        f"{name:4} at f = {f:.0e}: frontier {found[name].slope[-1]:.4f}, finite sums {sums:.4f},"
        f" exponent {phase(a, b).loss_exponent:.4f}"
    )
J = (half_trace(family(0.27, 0.7, int(d))).gamma * f / d) ** (1 / 0.54)
print(f"IVb: J = {J:.1e}, v = {4 * d:.1e}, (J / v)^0.08 = {(J / (4 * d)) ** 0.08:.2f}")

# %% [markdown]
# The slope of IVb at $10^{23}$ is off by a hundredth, and the finite sums say the same to within a
# thousandth. The exponent of the phase is right *and* out of reach: for $(J/v)^{0.08}$ to be as
# small as 0.05, $v$ would have to be $10^{16}$ times $J$. (For Ic, with $\alpha < 1/4$, the
# exponent itself is a conjecture of Paquette et al., 2024; IVb is proven.) What one must not do is
# to look for the window of budgets in which the slope happens to agree: IVb crosses its exponent
# near $10^{11}$, on its way past it.
#
# ## Extrapolation traps
#
# **A straight line that is not straight.** Fit a power law to the first three budgets, as one
# would to a careful set of runs, and extrapolate.

# %%
fig, ax = plt.subplots(figsize=(4.6, 2.8))
for name in ("Ia", "Ib", "IVa"):
    f, P = np.log(budgets), np.log(found[name].excess)
    fit = np.polynomial.Polynomial.fit(f[:3], P[:3], 1)
    worst = np.abs(np.expm1(fit(f) - P)[:3]).max()
    r2 = 1 - np.sum((fit(f) - P)[:3] ** 2) / np.sum((P[:3] - P[:3].mean()) ** 2)
    print(f"{name:4} fit within {worst:.2%} of its points, R^2 = {r2:.7f};", end=" ")
    print(f"at f = 1e23 it says {np.exp(fit(f) - P)[-1]:.2f} times the true risk")
    ax.loglog(budgets, np.exp(fit(f) - P), "o-", label=name, color=plot.PHASES[name])
ax.axvspan(1e9, 1e13, color="0.9", lw=0)
ax.text(1e11, 0.62, "fitted", ha="center", color="0.4")
ax.set(xlabel=plot.AXES["flops"], ylabel="fit / true risk", yticks=[0.5, 0.7, 1, 1.2])
ax.set_yticklabels(["0.5", "0.7", "1", "1.2"])
ax.minorticks_off()
ax.set_title("A power law fitted to four decades, ten decades on")
ax.legend(ncols=3)
plt.show()

# %% [markdown]
# Four decades of budgets, a fit that looks perfect, and an error far above any residual. Its sign
# depends on the phase: in IVa the fit is too hopeful, in Ib too gloomy. Residuals measure how
# straight the line is *here*; they say nothing about the next term.
#
# **The edge of the sizes.** If the largest model you trained is the best one, it is no optimum.
# The envelope of a family that ends too early bends away, and a fit takes that for a law.

# %%
few = sizes <= 10**4
for k in range(3):
    free, capped = by_size[:, k].min(), by_size[few, k].min()
    print(f"f = {budgets[k]:.0e}: risk at d <= 10^4 is {np.exp(capped - free):.2f} times the best")
print("frontier marks such budgets in its field at_edge; here", best.at_edge.any())

# %% [markdown]
# **Another term takes over.** Whatever your runs have not seen cannot be in your fit: a floor,
# label noise (Exercise 5), a boundary of phases near by, where logarithms multiply the power.
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# In phase II at $\alpha = 1$, $\beta = 0.7$ compute grows a hundredfold. By what factor do the
# *samples* of the best run grow, in the limit?

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    100 ** (1 - theory.size_exponent),
    because="t = f / d grows as f^(10/17), about 15 times.",
    mistakes={
        100**theory.size_exponent: "This is the factor of the features.",
        10.0: "This is an even split. Here the samples take more than half, f^(10/17).",
        100**-theory.loss_exponent: "This is the factor by which the risk falls.",
    },
    hint="t = f / d, and d grows as f^(7/17).",
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution: f^(1 - 7/17).
exercise_1.solution(100 ** (10 / 17))

# %% [markdown]
# ### Exercise 2 (medium)
#
# How flat is the minimum? At $f = 10^{11}$ (column 1 of `by_size`), over which range of $d$ is the
# risk within 10 per cent of the best? Give the ratio of its two ends.

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
fine = np.linspace(np.log(sizes[0]), np.log(sizes[-1]), 20001)
at_budget = CubicSpline(np.log(sizes), by_size[:, 1])(fine)
inside = fine[at_budget < at_budget.min() + np.log(1.1)]
exercise_2 = Exercise(
    np.exp(inside[-1] - inside[0]),
    because="a tenth of the risk decides a wide range of sizes: measured d* scatters accordingly.",
    mistakes={
        np.exp(inside[-1] - fine[at_budget.argmin()]): "This is from d* to one end; take both.",
        inside[-1] - inside[0]: "This is the natural logarithm of the ratio.",
    },
    rtol=0.05,
    hint="Interpolate by_size[:, 1] in log(sizes); log(1.1) above the minimum; the ratio of ends.",
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution: where the spline, less log 1.1 and its minimum, is zero.
spline = CubicSpline(np.log(sizes), by_size[:, 1])
ends = spline.solve(spline(spline.derivative().roots(extrapolate=False)).min() + np.log(1.1))
ends = ends[(ends > np.log(sizes[0])) & (ends < np.log(sizes[-1]))]
exercise_2.solution(np.exp(ends.max() - ends.min()))

# %% [markdown]
# ### Exercise 3 (medium)
#
# A rule of thumb says: always split evenly, $d = t = f^{1/2}$. In phase II at $\alpha = 1$,
# $\beta = 0.7$ the risk then falls with a worse exponent. Which one? (The four lines are in
# Lesson 4.)

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_3 = Exercise(
    -0.6,
    because="at s = 1/2 population, f^-0.6, is the largest term: too few steps.",
    mistakes={
        theory.loss_exponent: "This is at the best split, s = 7/17.",
        -0.75: "This is distortion or noise at s = 1/2; population is larger.",
        -1.0: "This is capacity, the smallest of the four; the largest one counts.",
    },
    hint="Put s = 1/2 into -2 s, -1.2 (1 - s), -s - (1 - s) / 2, -1.5 (1 - s).",
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution: the largest line at s = 1/2.
s = 0.5
exercise_3.solution(max(-2 * s, -1.2 * (1 - s), -s - (1 - s) / 2, -1.5 * (1 - s)))

# %% [markdown]
# ### Exercise 4 (hard)
#
# In Ia at $\alpha = 1$, $\beta = 0.3$ the deviation of the slope should fall as $f^{\,-y}$, from
# the next term $d^{-(1 - 2\beta)}$. Find $y$, and compare with
# `np.diff(np.log(found["Ia"].slope + 8 / 15)) / np.log(100)`.

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_4 = Exercise(
    0.4 / 3,
    because="d = f^(1/3), so d^-0.4 = f^-0.133, as the measured deviations say.",
    mistakes={
        0.4: "This is the power of d. The budget counts: d = f^(1/3).",
        0.2: "You took d = f^(1/2); in Ia at alpha = 1 the best size is f^(1/3).",
        0.7 / 3: "The power is 1 - 2 beta, not 1 - beta.",
        8 / 15: "This is the exponent of the risk, not of its correction.",
    },
    rtol=0.02,
    hint="Put d = f^(1/3) into d^-(1 - 2 beta).",
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution, and what the frontier says, budget by budget.
seen = np.diff(np.log(found["Ia"].slope + 8 / 15)) / np.log(100)
remark = f"exponents of the correction from budget to budget: {seen.round(3)}"
exercise_4.solution((1 - 2 * 0.3) * phase(1.0, 0.3).size_exponent, remark)

# %% [markdown]
# ### Exercise 5 (research)
#
# The phases assume no label noise. Put `noise=0.1` into the family at $\alpha = 1$,
# $\beta = 0.7$, look at `frontier` again, and think about what compute can buy at a constant rate.
# Which rate $\gamma(f)$, or which schedule, would you choose, and what exponent does the excess
# risk have then? As a core that can be checked: the excess risk in the limit $t \to \infty$ and
# then $d \to \infty$, at $\gamma = 1/(2 \operatorname{Tr} D)$, $B = 1$. Each mode obeys
#
# $$ m_j \leftarrow (1 - 2\gamma\lambda_j + 2\gamma^2\lambda_j^2)\, m_j
#    + \gamma^2 \lambda_j^2 P, \qquad \lambda_j = j^{-2}, \qquad P = 0.1 + \sum_j m_j . $$

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
limit = family(alpha, beta, 10**6, noise=0.1)
late = predict(limit, half_trace(limit), steps)  # to step 10^13
exercise_5 = Exercise(
    float(late.excess[-1]),
    because="the excess is sigma^2 K / (1 - K): more compute does not help, a smaller rate does.",
    mistakes={
        float(late.risk[-1]): "This is the risk. The excess leaves out the label noise, 0.1.",
        0.025: "This is gamma sigma^2 Tr D / 2. The noise feeds back, and lambda^2 counts as well.",
        0.1 / 3: "You left out gamma^2 lambda^2 in the decay of a mode.",
    },
    rtol=0.005,
    hint="At rest m_j = gamma lambda_j P / (2 - 2 gamma lambda_j). Sum, and solve for P.",
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. With K = sum_j gamma lambda_j / (2 - 2 gamma lambda_j), P = 0.1 + K P. At a constant
# rate the frontier is flat: it stops after some hundred steps, before the noise has built up, and
# puts all the rest into features. The open part begins where the rate falls with the budget.
noisy = best_of(alpha, beta, noise=0.1)
steps, slopes = (noisy.flops / noisy.d)[:3].round(), noisy.slope[:3].round(4)
lam = np.arange(1.0, 10**6) ** -2
step = 0.5 / lam.sum() * lam
kernel = np.sum(step / (2 - 2 * step))
exercise_5.solution(0.1 * kernel / (1 - kernel), f"steps of the best runs {steps}, slopes {slopes}")

# %% [markdown]
# ## References
#
# - E. Paquette, C. Paquette, L. Xiao, J. Pennington (2024), *4+3 Phases of Compute-Optimal Neural
#   Scaling Laws*, [arXiv 2405.15074](https://arxiv.org/abs/2405.15074): compute-optimal curves
#   and their exponents (Section 4).
# - The page on [random features](../theory/random_features.md), and Lesson 4 for the terms.
