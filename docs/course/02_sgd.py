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
# # 2. SGD on linear regression, by hand and exactly
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/02_sgd.ipynb)
#
# SGD is random, and yet its expected risk can be written down: no limit, no approximation, one line
# of mathematics per step. In this lesson you derive that line, program it in ten lines, catch a
# literal simulation agreeing with it, and then leave stepping behind and ask for the risk after a
# trillion steps.
#
# ## Goals
#
# Afterwards you can
#
# - derive the exact recursion of the expected risk from Isserlis' theorem;
# - program it, and test a simulation against it with an error bar;
# - say what SGD noise and label noise do, and when the learning rate is too large;
# - read off the exponent of the risk in the number of steps.

# %% tags=["hide-cell"]
import importlib.util

repository = "git+https://github.com/solvable-models/solvable"
if importlib.util.find_spec("solvable") is None:  # on Colab
    get_ipython().run_line_magic("pip", f"install -q {repository}")

# %%
import jax
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

from solvable import SGD, PowerLaw, compare, plot, predict, simulate, stability
from solvable.exercises import Exercise

plt.style.use(plot.STYLE)
plt.rcParams.update({"figure.dpi": 160, "figure.figsize": (4.6, 2.9)})

# %% [markdown]
# ## A question first
#
# Take $\alpha = 1$, $\beta = 1.2$ and no label noise. By lesson 1 the risk of gradient flow falls
# like $t^{-1.7}$. Now train by SGD with **batches of one sample and a constant learning rate**. How
# does the expected risk end: falling with the *same* exponent, falling *slower*, or at a *floor*?
#
# Our own prediction is the textbook's: the gradient of one sample is noisy, the learning rate never
# shrinks, so there is a floor. Write "same", "slower" or "floor"; section 5 decides.

# %%
my_prediction = "floor"

# %% [markdown]
# ## 1. One step, in expectation
#
# The inputs are $x_j = \sqrt{\lambda_j}\, z_j$, the labels $y = \langle x, b \rangle + \varepsilon$
# with noise variance $\sigma^2$. Write $\delta = \theta - b$. A step on a batch of $B$ fresh
# samples, with the rate $\gamma$ on the batch *mean*, is
#
# $$\delta \leftarrow \delta - \gamma g, \qquad
# g = \frac1B \sum_{i=1}^{B} x^{(i)}
# \left(\langle x^{(i)}, \delta \rangle - \varepsilon^{(i)}\right).$$
#
# We follow $m_j = \lambda_j\, \mathbb E\, \delta_j^2$, the part of the risk in mode $j$; the risk
# is $P = \sigma^2 + \sum_j m_j$, with no factor 1/2. Given $\delta$, the mean of $g_j$ is
# $\lambda_j \delta_j$. For its square, a pair of samples is either two different ones, which gives
# $(\lambda_j \delta_j)^2$, or one sample twice, with probability $1/B$. That needs the fourth
# moment of a Gaussian, which **Isserlis' theorem** gives as a sum over pairings:
#
# $$\mathbb E[x_j x_j x_k x_l] = \mathbb E[x_j x_j]\, \mathbb E[x_k x_l] +
# 2\, \mathbb E[x_j x_k]\, \mathbb E[x_j x_l],$$
#
# $$\mathbb E[x_j^2 \langle x, \delta \rangle^2] = \lambda_j \sum_k \lambda_k \delta_k^2 +
# 2 \lambda_j^2 \delta_j^2.$$
#
# The label noise adds $\lambda_j \sigma^2$. Products $\delta_k \delta_l$ of two different modes
# have dropped out: the squares close on themselves. Collect, and multiply by $\lambda_j$:
#
# $$m_j \leftarrow \Big(1 - 2\gamma\lambda_j + \gamma^2 \tfrac{B+1}{B} \lambda_j^2\Big) m_j +
# \frac{\gamma^2}{B} \lambda_j^2\, P, \qquad P = \sigma^2 + \sum_k m_k.$$
#
# This is **exact** for Gaussian inputs. The last term is the SGD noise: every mode feels the whole
# risk. Here is the fourth moment, by a million samples, and then the recursion.

# %%
rng = np.random.default_rng(0)
lam, delta = np.array([1.0, 0.5, 0.2]), np.array([0.3, -1.0, 2.0])
x = rng.standard_normal((10**6, 3)) * np.sqrt(lam)
print("samples: ", (x**2 * (x @ delta)[:, None] ** 2).mean(axis=0).round(3))
print("Isserlis:", (lam * (lam @ delta**2) + 2 * lam**2 * delta**2).round(3))


# %%
def recursion(lam, m, gamma, B, steps, noise):
    """Expected risk after 0, 1, ..., steps."""
    a = 1 - 2 * gamma * lam + gamma**2 * (B + 1) / B * lam**2
    P = [noise + m.sum()]
    for _ in range(steps):
        m = a * m + gamma**2 / B * lam**2 * P[-1]
        P.append(noise + m.sum())
    return np.array(P)


# %% [markdown]
# ## 2. A simulation, literally
#
# Four hundred runs side by side: draw inputs, compute residuals, step. The risk of each $\theta$ is
# known without a test set, as $\sigma^2 + \sum_j \lambda_j (\theta_j - b_j)^2$.

# %%
v, B, gamma, noise, steps, seeds = 40, 4, 0.2, 0.01, 300, 400
j = np.arange(1.0, v + 1)
lam, b = j**-2.0, j**-1.2
theta, risk = np.zeros((seeds, v)), []
for _ in range(steps + 1):
    risk.append(noise + (theta - b) ** 2 @ lam)
    x = rng.standard_normal((seeds, B, v)) * np.sqrt(lam)
    y = x @ b + np.sqrt(noise) * rng.standard_normal((seeds, B))
    residual = np.einsum("sbv,sv->sb", x, theta) - y
    theta = theta - gamma / B * np.einsum("sb,sbv->sv", residual, x)
risk = np.array(risk)  # shape (steps + 1, seeds)

# %%
expected = recursion(lam, lam * b**2, gamma, B, steps, noise)
error = risk.std(axis=1, ddof=1) / np.sqrt(seeds)
for t in (1, 3, 10, 30, 100, 300):
    z = (risk[t].mean() - expected[t]) / error[t]
    print(f"step {t:3d}: expected {expected[t]:.5f}, {z:+.1f} standard errors")

# %%
t = np.arange(1, steps + 1)
low, high = np.quantile(risk[1:], [0.05, 0.95], axis=1)
fig, ax = plt.subplots()
mean = risk[1:].mean(axis=1)
plot.band(ax, t, mean, low, high, color="C1", label=f"mean of {seeds} runs")
ax.plot(t, expected[1:], "k--", label="recursion, exact")
ax.axhline(noise, color="0.35", ls=":")
ax.text(1.1, 1.05 * noise, r"label noise $\sigma^2$", va="bottom")
ax.set(xscale="log", yscale="log", xlabel="step $t$", ylabel="risk $P$")
ax.set_title("Band: nine runs of ten")
_ = ax.legend()

# %% [markdown]
# ## 3. The same with the package
#
# `PowerLaw` is the problem (without features, so `d` is left out), `SGD` the rule, `predict` the
# expectation (exact here), `simulate` the runs, `compare` the verdict. `compare` looks at all steps
# at once, and its false-alarm rate is calibrated by resampling whole runs.

# %%
problem = PowerLaw(alpha=1.0, beta=1.2, v=v, noise=noise)
sgd = SGD(gamma, B)
curve = predict(problem, sgd, range(steps + 1))
print("predict against our ten lines:", np.abs(curve.risk / expected - 1).max())

runs = simulate(jax.random.key(0), problem, sgd, steps, seeds=seeds)
print(compare(predict(problem, sgd, runs.step), runs))

# %% [markdown]
# The first number is rounding. The verdict says what it could have seen, as a test always should.

# %% [markdown]
# ## 4. Noise, and when the rate is too large
#
# Let the risk settle: no $m_j$ moves any more. Solve for $m_j$, and sum over $j$:
#
# $$\sum_j m_j = S\, P, \qquad
# S = \sum_j \frac{\gamma \lambda_j}{2B - \gamma (B + 1) \lambda_j}, \qquad
# \sum_j m_j = \sigma^2\, \frac{S}{1 - S}.$$
#
# $S$ is the sum of the kernel: how much of past risk comes back, over all time, as SGD noise. If $S
# < 1$ (and every term is positive) the expected risk is bounded; for $S > 1$, and with label noise
# already at $S = 1$, it grows without bound. **That is the stability threshold**, and it is a sum
# over all modes, unlike the $2/\lambda_1$ of gradient descent. Below it two noises behave
# differently:
#
# - **label noise** never fades, and leaves an excess risk of $\sigma^2 S / (1 - S)$;
# - **SGD noise** is proportional to the risk itself, and fades with it. Without label noise there
#   is no floor.

# %%
S = (gamma * lam / (2 * B - gamma * (B + 1) * lam)).sum()
found = stability(problem, sgd)
print(f"kernel sum {S:.6f}, floor {noise * S / (1 - S):.6f}, by hand")
print(f"kernel sum {found.kernel:.6f}, floor {found.floor:.6f}, from the package")
print(f"largest stable rate {found.threshold:.4f}; of gradient descent: 2")

# %% [markdown]
# ## 5. Exponents, and a trillion steps
#
# Unroll the recursion. With $a_j$ the factor in front of $m_j$, and $m_j(0)$ the initial parts,
#
# $$P(t) = F(t) + \sum_{r < t} K(t - 1 - r)\, P(r),$$
#
# $$F(t) = \sigma^2 + \sum_j m_j(0)\, a_j^t, \qquad
# K(t) = \frac{\gamma^2}{B} \sum_j \lambda_j^2\, a_j^t.$$
#
# $F$, the **forcing**, is lesson 1 again, with $a_j^t \approx e^{-2\gamma\lambda_j t}$. The
# **kernel** $K$ is such a sum too, with terms $j^{-4\alpha}$ in place of $j^{-2\alpha-2\beta}$. So,
# for $2\alpha > 1$,
#
# $$F(t) - \sigma^2 \sim t^{-s}, \quad s = \frac{2\alpha + 2\beta - 1}{2\alpha}, \qquad
# K(t) \sim t^{-\left(2 - \frac{1}{2\alpha}\right)}.$$
#
# A late risk comes about in two ways: late forcing, or noise made early, while the risk was large,
# and remembered by the kernel. The slower one wins (asymptotically, without label noise):
#
# $$P(t) \sim t^{-\min\left(s,\; 2 - \frac{1}{2\alpha}\right)} .$$
#
# To see it takes many steps. But each step is one and the same linear map. For
# $n_j = m_j / \lambda_j$ it is the symmetric matrix
# $\mathrm{diag}(a) + \frac{\gamma^2}{B} \lambda \lambda^\top$, and with its eigenvalues $\mu_i$ any
# number of steps is $\mu_i^t$.

# %%
v, noise = 200, 0.01
j = np.arange(1.0, v + 1)
lam, m = j**-2.0, j**-4.4
a = 1 - 2 * gamma * lam + gamma**2 * (B + 1) / B * lam**2
mu, U = np.linalg.eigh(np.diag(a) + gamma**2 / B * np.outer(lam, lam))
force = U.T @ (gamma**2 / B * lam * noise)
settled = force / (1 - mu)

steps = [10, 10**3, 10**6, 10**12]
start = U.T @ (m / lam) - settled
by_hand = [noise + lam @ U @ (settled + mu**t * start) for t in steps]
curve = predict(PowerLaw(alpha=1.0, beta=1.2, v=v, noise=noise), sgd, steps)
for row in zip(steps, by_hand, curve.risk, strict=True):
    print("step {:.0e}: by hand {:.12f}, predict {:.12f}".format(*row))

# %% [markdown]
# A trillion steps in a few lines. `predict` does it for $v$ up to $10^{18}$ as well. Now the
# question, at batch size one: the risk, its two terms, and the local slopes.

# %%
problem = PowerLaw(alpha=1.0, beta=1.2, v=10**12)
sgd = SGD.stable(problem, 0.25, B=1)  # a quarter of the largest stable rate
step = np.unique(np.geomspace(1, 1e12, 121).round())
curve = predict(problem, sgd, step, terms=True)
noisy = PowerLaw(alpha=1.0, beta=1.2, v=10**12, noise=1e-9)
floor = predict(noisy, sgd, step).excess
forcing = curve.terms["population"]  # all of it, as there are no random features
local_slope = lambda y: np.diff(np.log(y)) / np.diff(np.log(step))

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(6.4, 2.9))
left.loglog(step, curve.risk, "k", label="SGD, $B = 1$")
left.loglog(step, forcing, "C3--", label="forcing")
left.loglog(step, curve.terms["sgd_noise"], "C5--", label="SGD noise")
left.loglog(step, floor, "C1", lw=0.9, label=r"with label noise $10^{-9}$")
right.semilogx(step[1:], local_slope(curve.risk), "k")
right.semilogx(step[1:], local_slope(forcing), "C3--")
right.axhline(-1.5, color="0.35", ls=":")
right.text(12, -1.495, r"$-(2 - 1/2\alpha)$: SGD noise", va="bottom")
right.text(1e5, -1.705, "$-s$: forcing", va="top", color="C3")
left.set(xlim=(1, 1e12), xlabel="step $t$", ylabel="excess risk")
right.set(xlim=(10, 1e12), xlabel="step $t$", ylabel="local slope")
right.set(ylim=(-1.75, -1.45), title="The noise made early outlives the target")
left.set_title(r"$\alpha = 1,\ \beta = 1.2$, constant rate")
_ = left.legend(loc="lower left")

# %%
slope = local_slope(curve.risk)
for n in (3, 5, 7, 9, 11):
    at = np.searchsorted(step, 10.0**n)
    print(f"local slope at 10^{n:2d}: {slope[at]:.4f}")
outcome = "floor" if slope[-1] > -0.1 else "slower" if slope[-1] > -1.6 else "same"
print("the run says:", outcome, "| your prediction:", my_prediction)

# %% [markdown]
# The textbook's floor is that of *label noise*. Without it, SGD noise dies with the risk that feeds
# it, and the only trace it leaves is a slower law: $t^{-1.5}$ where gradient flow has $t^{-1.7}$.
# And see how late it shows: at a thousand steps the local slope is still nearer to $-1.7$.

# %% [markdown]
# ## Exercises
#
# Put your answer in place of the dots, and run the cell below it.

# %% [markdown]
# ### Exercise 1 (easy)
#
# A paper *sums* the gradient over its batch of 8 and reports the learning rate 0.05. Which $\gamma$
# do you give to `SGD(gamma, B=8)`?

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    0.05 * 8,
    because="ours is on the batch mean: gamma / B = 0.05",
    mistakes={
        0.05: "That would step by the mean only: eight times too short.",
        0.05 / 8: "The wrong way: a mean is smaller than a sum, so its rate must be larger.",
        0.8: "The factor 2 of the squared error is in neither: both step along phi (f - y).",
    },
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. rate * sum = (rate * B) * mean.
gradients = np.arange(8.0)
solution_1 = 0.05 * gradients.sum() / gradients.mean()
exercise_1.solution(solution_1)

# %% [markdown]
# ### Exercise 2 (medium)
#
# Two modes, $\lambda = (1, 0.5)$, and $B = 1$. What is the largest stable learning rate?

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_2 = Exercise(
    (9 - 17**0.5) / 8,
    because="the kernel sums to one: 4 gamma^2 - 9 gamma + 4 = 0, the smaller root",
    mistakes={
        2.0: "This is 2 / lam_1, the threshold of gradient descent.",
        1.0: "There the first term has its pole: mode 1 is at its own edge, without any feedback.",
        2 / 3: "This is for the first mode alone. The second one feeds it, too.",
        4 / 3: "This is 2 B / Tr. It holds for many small eigenvalues; here the squares count.",
        (9 + 17**0.5) / 8: "The larger root: there a mode is past its own edge of stability.",
    },
    hint="Solve gamma / (2 - 2 gamma) + 0.5 gamma / (2 - gamma) = 1.",
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The root of S(gamma) = 1 below the first pole, gamma = 1.
lam = np.array([1, 0.5])
solution_2 = brentq(lambda g: (g * lam / (2 - 2 * g * lam)).sum() - 1, 0.01, 0.99)
exercise_2.solution(solution_2)

# %% [markdown]
# ### Exercise 3 (medium)
#
# Let $\alpha = 0.8$ and no label noise. From which $\beta$ on does SGD noise set the exponent?

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_3 = Exercise(
    0.8,
    because="beta > alpha: the terms of the kernel, j^(-4 alpha), fall slower than the target's",
    mistakes={
        0.5: "At 2 beta = 1 something happens with random features, not here.",
        1.6: "Compare 2 alpha + 2 beta with 4 alpha.",
        1.3: "2 alpha + 2 beta - 1 against 4 alpha - 1: both tails lose one power.",
        0.3: "2 alpha + 2 beta - 1 against 4 alpha - 1: both tails lose one power.",
    },
    hint="When do s and 2 - 1 / (2 alpha) agree?",
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Where s = 2 - 1 / (2 alpha), which is beta = alpha.
excess = lambda beta: (1.6 + 2 * beta - 1) / 1.6 - (2 - 1 / 1.6)
solution_3 = brentq(excess, 0, 3)
exercise_3.solution(solution_3)

# %% [markdown]
# ### Exercise 4 (hard)
#
# Inputs need not be Gaussian. Let $x_j = \sqrt{\lambda_j}\, z_j$ with independent signs
# $z_j = \pm 1$, and $B = 4$. The recursion keeps its form, with another number in place of
# $(B + 1)/B$ in front of $\gamma^2 \lambda_j^2$. Which? (Isserlis does not hold; compute
# $\mathbb E[x_j^2 \langle x, \delta \rangle^2]$ anew.)

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_4 = Exercise(
    1 - 1 / 4,
    because="1 + (E z^4 - 2) / B: signs have E z^4 = 1, Gaussians 3",
    mistakes={
        1 + 1 / 4: "This is the Gaussian one: there E z^4 = 3.",
        1.0: "The sample that meets itself has probability 1/B, and no 2 lam^2 delta^2 now.",
        0.0: "So it is at B = 1. Pairs of different samples still count.",
        1 / 4: "This is the share of a sample with itself; its coefficient is now 0.",
    },
    hint="x_j^2 is not random any more.",
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Average over all eight sign vectors of three modes; extra is what goes beyond
# lam_j * sum, in units of lam_j^2 delta_j^2: 2 for Gaussians.
z = np.array([[p, q, r] for p in (-1, 1) for q in (-1, 1) for r in (-1, 1)])
delta = np.array([0.3, -1.0, 2.0])
extra = ((z[:, 0] ** 2 * (z @ delta) ** 2).mean() - delta @ delta) / delta[0] ** 2
solution_4 = (1 - 1 / 4) + extra / 4
exercise_4.solution(solution_4)

# %% [markdown]
# ### Exercise 5 (research)
#
# With label noise, a small constant rate learns slowly and a large one leaves a high floor. For
# each horizon $T$ choose the best constant $\gamma$. *The core*: with what exponent does the best
# excess risk fall in $T$, for $\alpha = 1$, $\beta = 0.5$? (Balance $(\gamma T)^{-s}$ against
# $\gamma$.)
#
# *Then go on.* Check it with `predict`, at $\sigma^2 = 1$. A rate may also change along the way:
# how much does the best schedule gain, in the exponent or only in front of it? Derive before you
# search; `solvable.Cosine`, `Linear`, `optimal_schedule` and lesson 1's habit will help.

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_5 = Exercise(
    -1 / 2,
    because="gamma ~ T^(-s/(1 + s)) makes both equal, and s = 1 here",
    mistakes={
        -1: "This is s, at a rate that stays the same. But then the label noise leaves a floor.",
        -1.5: "This is the exponent of the kernel, without label noise.",
        0: "At one rate for all horizons, yes. The best rate falls with T.",
        -2 / 3: "So far a schedule that decays, or an average, can go. A constant rate cannot.",
    },
    rtol=0.03,
    hint="If gamma ~ T^-q, the two terms fall like T^(-s (1 - q)) and T^-q.",
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The best of sixty rates at each of two long horizons.
problem = PowerLaw(alpha=1.0, beta=0.5, v=10**9, noise=1.0)
best = [
    min(predict(problem, SGD(g), [T]).excess[0] for g in np.geomspace(0.1, 10, 60) * T**-0.5)
    for T in (10**9, 10**11)
]
solution_5 = np.log(best[1] / best[0]) / np.log(100)
exercise_5.solution(solution_5)

# %% [markdown]
# ## References
#
# - E. Paquette, C. Paquette, L. Xiao, J. Pennington, *4+3 Phases of Compute-Optimal Neural Scaling
#   Laws* (2024), [arXiv 2405.15074](https://arxiv.org/abs/2405.15074): forcing, kernel, exponents.
# - L. Isserlis, *On a formula for the product-moment coefficient of any order of a normal frequency
#   distribution in any number of variables*, Biometrika 12 (1918) 134.
# - G. Golub, *Some modified matrix eigenvalue problems*, SIAM Review 15 (1973) 318: a diagonal plus
#   a rank-one matrix.
# - The theory page on [linear regression](../theory/linear_regression.md). Next: [random
#   features](03_random_features.py).
