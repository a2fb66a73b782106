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
# # 3. Random features and the effective ridge
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/03_random_features.ipynb)
#
# A model of finite size sees the world through a finite number of features. Let them be random, the
# least clever choice there is: $d$ random mixtures of the inputs. One number, the effective ridge
# $\kappa$, then tells what they resolve and what is lost, and it can be derived on one page. With
# it the size $d$ of a model enters the scaling laws.
#
# ## Goals
#
# Afterwards you can
#
# - draw random features and say what they do to a spectrum;
# - tell the exact risk of one draw from its mean over draws, and say how far apart they are;
# - derive the equation of the effective ridge, and solve it in five lines;
# - find the exponent of the capacity floor, the risk that $d$ features cannot remove.

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

from solvable import SGD, PowerLaw, expect, plot, predict, spectra
from solvable.exercises import Exercise

plt.style.use(plot.STYLE)
plt.rcParams.update({"figure.dpi": 160, "figure.figsize": (4.6, 2.9)})

# %% [markdown]
# ## A question first
#
# Take $\alpha = 1$, $\beta = 1.5$. The best $d$ features are the $d$ largest coordinates. By lesson
# 1 they leave the risk $\sum_{j > d} j^{-5} \sim d^{-4}$: twice the features, 16 times less. Now
# take $d$ *random* mixtures instead, with the best weights on them. **By what factor does the risk
# that is left fall when $d$ doubles?**
#
# Our own prediction: random features waste some of their strength, but in proportion; so again 16,
# with a worse constant. Section 4 has the answer.

# %%
my_prediction = 16

# %% [markdown]
# ## 1. What W does to the spectrum
#
# The features are $\phi = W^\top x$, where $W$ has shape $(v, d)$ and independent entries
# $\mathcal N(0, 1/d)$. Training sees their covariance $W^\top D W$, with
# $D = \mathrm{diag}(j^{-2\alpha})$. Its $d$ eigenvalues are those of $K = D^{1/2} W W^\top D^{1/2}$
# that are not zero. Since $\mathbb E\, W W^\top$ is the identity, the trace is kept on average: $v$
# eigenvalues have to fit into $d$ places. Where does the rest go?

# %%
rng = np.random.default_rng(0)
v, d = 1000, 100
j, rank = np.arange(1.0, v + 1), np.arange(1, d + 1)

fig, axes = plt.subplots(1, 2, figsize=(6.4, 2.9))
for ax, alpha in zip(axes, (1.0, 0.4), strict=True):
    W = rng.standard_normal((v, d)) / np.sqrt(d)
    lam = np.linalg.svd(j[:, None] ** -alpha * W, compute_uv=False) ** 2
    trace = (j ** (-2 * alpha)).sum()
    print(f"alpha = {alpha}: trace {lam.sum():.2f} of the draw, {trace:.2f} of D")
    ax.loglog(j, j ** (-2 * alpha), "C0", label=r"inputs: $j^{-2\alpha}$")
    ax.loglog(rank, lam, "C1.", ms=3, label=f"$d = {d}$ random features")
    ax.set(xlabel="rank $j$", title=rf"$\alpha = {alpha:g}$", xlim=(1, v))
    ax.axvline(d, color="0.35", ls=":")
axes[0].set(ylabel=r"eigenvalue $\lambda$", ylim=(1e-6, 4))
_ = axes[0].legend(loc="lower left")

# %% [markdown]
# - A steep spectrum ($2\alpha > 1$): the large eigenvalues come through nearly as they are, and the
#   last ones fall below the line. Beyond $d$ there is nothing.
# - A flat one ($2\alpha < 1$): the tail is heavy. Its trace, spread over $d$ places, lifts *every*
#   eigenvalue. This is the second border of lesson 1, and it is why $v/d$ matters there.
#
# The package keeps $W$ with the problem it was drawn for. Everything that training sees of a draw
# is in its **modes**, by a singular value decomposition $D^{1/2} W = U S V^\top$: eigenvalues
# $S_i^2$, weights $\langle u_i, D^{1/2} b \rangle^2$ with $b_j = j^{-\beta}$, and a **floor**, the
# part of the target in no $u_i$.

# %%
problem = PowerLaw(alpha=1.0, beta=1.5, v=400, d=100)
draw = problem.draw(jax.random.key(0))
j = np.arange(1.0, 401)
U, S, _ = np.linalg.svd(j[:, None] ** -1.0 * draw.W, full_matrices=False)
target = j**-2.5  # D^(1/2) b
by_hand = target @ target - ((target @ U) ** 2).sum()
print("eigenvalues differ by", np.abs(draw.modes.lam / S**2 - 1).max())
print(f"floor by hand {by_hand:.10f}, of the draw {draw.modes.floor:.10f}")

# %% [markdown]
# ## 2. One draw, and the mean over draws
#
# Given $W$, this is linear regression: the features are Gaussian, and what they cannot express is
# Gaussian too and independent of them, like label noise. So the recursion of lesson 2 is **exact
# for each draw**, with the floor in the place of the noise. `expect` solves it. `predict` needs no
# draw: it gives the mean over $W$, as a **deterministic equivalent**, whose relative error vanishes
# as $d$ grows.

# %%
sgd, last = SGD(0.3, B=4), 10**5
m, lam, P = draw.modes.weight, draw.modes.lam, [target @ target]
a = 1 - 2 * 0.3 * lam + 0.3**2 * 5 / 4 * lam**2
for _ in range(300):
    m = a * m + 0.3**2 / 4 * lam**2 * P[-1]
    P.append(draw.modes.floor + m.sum())
exact = expect(draw, sgd, range(301)).risk
print("recursion of lesson 2 against expect:", np.abs(exact / P - 1).max())

keys = jax.random.split(jax.random.key(1), 20)
curves = [expect(problem.draw(key), sgd, last) for key in keys]
equivalent = predict(problem, sgd, last)

# %%
fig, ax = plt.subplots()
for curve in curves:
    plot.curve(ax, curve, color="0.7", lw=0.5, label=None)
mean = np.mean([curve.risk for curve in curves], axis=0)
ax.plot(curves[0].step[1:], mean[1:], "C1", lw=2, label="mean of 20 draws, each exact")
plot.curve(ax, equivalent, color="k", ls="--", label="predict: the equivalent")
ax.set_title(r"$\alpha = 1,\ \beta = 1.5,\ v = 400,\ d = 100$; grey: single draws")
_ = ax.legend()

# %% [markdown]
# Every curve ends on a floor of its own, by no training removed. The dashed line knew none of the
# draws. How?

# %% [markdown]
# ## 3. The effective ridge
#
# Put a ridge $r > 0$ beside $K$ and ask for the mean of its resolvent $R = (K + r)^{-1}$. The
# matrix is a sum over features, $K = \sum_{a=1}^{d} u_a u_a^\top$, with independent
# $u_a = D^{1/2} w_a$ ($w_a$ a column of $W$) of covariance $D/d$. **Leave one out**: let $R_{-a}$
# be the resolvent without feature $a$. By Sherman and Morrison
#
# $$u_a^\top R = \frac{u_a^\top R_{-a}}{1 + u_a^\top R_{-a} u_a}.$$
#
# Now $u_a$ is independent of $R_{-a}$. For large $d$ the quadratic form below the line hardly
# fluctuates, and one feature more or less does not change $R$: so
# $u_a^\top R_{-a} u_a \approx g = \frac1d \mathrm{Tr}\, D R$, and $u_a u_a^\top$ above the line may
# be averaged to $D/d$. Sum over $a$:
#
# $$\mathbb 1 = r R + K R \approx r R + \frac{D R}{1 + g}
# \quad\Longrightarrow\quad
# r R \approx \kappa\, (D + \kappa)^{-1}, \qquad \kappa = r\, (1 + g).$$
#
# The random $K$ with ridge $r$ acts, on average, like the plain $D$ with a **larger ridge**
# $\kappa$. It remains to be consistent. From $R \approx (1 + g)(D + \kappa)^{-1}$ follows
# $g = (1 + g)\, \mathrm{df}_1(\kappa)/d$, so $1 + g = 1/(1 - \mathrm{df}_1/d)$, and
#
# $$\kappa \left(1 - \frac{\mathrm{df}_1(\kappa)}{d}\right) = r, \qquad
# \mathrm{df}_1(\kappa) = \sum_j \frac{\lambda_j}{\lambda_j + \kappa}.$$
#
# $\mathrm{df}_1$ counts the directions with $\lambda_j > \kappa$, softly: the **degrees of
# freedom**. Without a ridge, $r \to 0$, it says $\mathrm{df}_1(\kappa_0) = d$: as many directions
# are resolved as there are features, and $\kappa_0$ is the eigenvalue at which this happens. This
# derivation is heuristic; it can be made rigorous, and there are numbers to hold it against. Solve
# it in five lines.


# %%
def solve_ridge(lam, d, ridge):
    """The root in log kappa: f grows with it, so there is one."""
    df1 = lambda kappa: (lam / (lam + kappa)).sum()
    f = lambda x: 1 - df1(np.exp(x)) / d - ridge * np.exp(-x)
    return np.exp(brentq(f, -40, 10, xtol=1e-14))


lam, eig = j**-2.0, draw.modes.lam
for ridge in (0.0, 1e-4, 1e-2):
    kappa = solve_ridge(lam, 100, ridge)
    off = spectra.effective_ridge(problem, ridge) / kappa - 1
    freedom = float(spectra.degrees_of_freedom(problem, ridge))
    drawn = (eig / (eig + ridge)).sum()
    print(f"ridge {ridge:g}: kappa {kappa:.4e}, effective_ridge off by {off:+.0e},")
    print(f"    df1 {freedom:.2f}, in the draw {drawn:.2f}")

# %% [markdown]
# The second line is the test: $\mathrm{Tr}\, K (K + r)^{-1}$ of one drawn matrix against
# $\mathrm{df}_1(\kappa)$. At ridge zero both are $d$, by construction.

# %% [markdown]
# ## 4. The capacity floor
#
# As $r \to 0$, $r R$ becomes the projection on what the features do not reach. So the mean floor is
# known:
#
# $$\langle D^{1/2} b,\; r R\, D^{1/2} b \rangle \;\to\;
# \kappa_0 \sum_j \frac{j^{-2\alpha - 2\beta}}{\lambda_j + \kappa_0}.$$
#
# Now the exponent. For $2\alpha > 1$ and large $v$ the sum for $\mathrm{df}_1$ is an integral, and
# $\mathrm{df}_1(\kappa_0) = d$ gives
#
# $$\kappa_0 \approx \left(\frac{c}{d}\right)^{2\alpha}, \qquad
# c = \frac{\pi/2\alpha}{\sin(\pi/2\alpha)}.$$
#
# A mode far above $\kappa_0$ is not lost, but it is not free either: it leaves
# $\kappa_0\, j^{-2\beta}$. Everything now depends on whether these small remainders add up near
# $j = 1$ or near $j = d$:
#
# $$\text{floor} \sim \kappa_0 \sum_{j < d} j^{-2\beta} \sim d^{-2\alpha + \max(0,\, 1 - 2\beta)}.$$
#
# An easy target ($2\beta > 1$) is limited by the first modes, which random features never quite get
# right. Only for a hard one ($2\beta < 1$) is the exponent that of the tail,
# $-(2\alpha + 2\beta - 1)$. (The modes beyond $d$ are lost, but their tail
# $d^{-(2\alpha + 2\beta - 1)}$ is never larger.) Look at $\beta = 1.5$.


# %%
def floor(alpha, beta, v, d):
    problem = PowerLaw(alpha=alpha, beta=beta, v=v, d=d)
    kappa, modes = spectra.effective_ridge(problem), problem.spectrum()
    return modes.weight @ (kappa / (modes.lam + kappa))


sizes, draws = np.array([10, 20, 40, 80, 160]), 60
drawn = {}
for d in sizes:
    small = PowerLaw(alpha=1.0, beta=1.5, v=4 * d, d=d)
    keys = jax.random.split(jax.random.key(d), draws)
    drawn[d] = np.array([small.draw(key).modes.floor for key in keys])
theory = np.array([floor(1.0, 1.5, 4 * d, d) for d in sizes])
means = np.array([drawn[d].mean() for d in sizes])
best = [(np.arange(d + 1.0, 4 * d + 1) ** -5).sum() for d in sizes]

# %%
fig, ax = plt.subplots()
for d in sizes:
    ax.plot(d * np.ones(draws), drawn[d], ".", color="0.7", ms=2)
ax.loglog(sizes, means, "C1o", label=f"mean of {draws} draws")
ax.loglog(sizes, theory, "k--", label=r"$\kappa_0 \sum_j j^{-5} / (j^{-2} + \kappa_0)$")
ax.loglog(sizes, best, "C0", label="largest $d$ coordinates")
ax.set(xlabel="features $d$", ylabel="floor", xticks=sizes, xticklabels=sizes)
ax.minorticks_off()
ax.set_title(r"$\alpha = 1,\ \beta = 1.5,\ v = 4d$; grey: single draws")
_ = ax.legend(loc="lower left")

# %%
print("factors when d doubles:")
print("    equivalent:   ", (theory[:-1] / theory[1:]).round(2))
print("    mean of draws:", (means[:-1] / means[1:]).round(2))
print("your prediction:", my_prediction)

# %% [markdown]
# Four, not sixteen. The waste is not in proportion. A random feature is a mixture of *all*
# coordinates, so to get mode 1 right it needs the others to cancel, and what does not cancel is of
# size $\kappa_0 \sim d^{-2\alpha}$, however easy the target. It is the exponent that is worse, not
# only the constant. (This is a law of *fixed* random features. Of trained ones it says nothing.)

# %% [markdown]
# ## 5. How far one draw is from the mean
#
# The grey dots scatter. The mean of a quantity over draws, and the scatter of one draw around it,
# are two questions with two answers.

# %%
print("   d   mean / equivalent - 1       scatter of one draw")
scatter = np.array([drawn[d].std(ddof=1) / drawn[d].mean() for d in sizes])
for d, mean, one, s in zip(sizes, means, theory, scatter, strict=True):
    print(f"{d:4d}   {mean / one - 1:+8.1%} +- {s / draws**0.5:5.1%}           {s:8.1%}")
fit = np.polyfit(np.log(sizes), np.log(scatter), 1)[0]
print(f"scatter ~ d^{fit:.2f}")

# %% [markdown]
# One draw scatters roughly like $1/\sqrt d$. The floor is carried by mode 1 here, through the $d$
# random numbers in the first row of $W$, and a mean of so many scatters in this way (a heuristic).
# The equivalent misses the *mean* by much less, like $1/d$ for a fixed spectrum, and at large $d$
# these draws hardly see it: compare the deviations with their standard errors. So there are two
# honest tests. A simulation with one $W$ is compared with `expect` for *its own* $W$, exactly. And
# the mean over many $W$ is compared with `predict`.

# %% [markdown]
# ## Exercises
#
# Put your answer in place of the dots, and run the cell below it.

# %% [markdown]
# ### Exercise 1 (easy)
#
# Let $\alpha = 0.75$, $\beta = 0.75$, with $v \gg d$. With what exponent does the capacity floor
# fall in $d$?

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    -1.5,
    because="2 beta > 1, so the floor is kappa_0 times a constant: d^(-2 alpha)",
    mistakes={
        -2: "This is the tail of the largest d coordinates. Random features do worse.",
        -0.75: "kappa is on the scale of eigenvalues, j^(-2 alpha), not of x.",
        -1: "max(0, 1 - 2 beta) is 0 here: the sum of j^(-2 beta) converges.",
    },
    rtol=0.02,
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. A local slope, from the formula with its true sums, at large d.
floors = [floor(0.75, 0.75, 10**12, d) for d in (10**6, 10**8)]
solution_1 = np.log(floors[1] / floors[0]) / np.log(100)
exercise_1.solution(solution_1)

# %% [markdown]
# ### Exercise 2 (easy)
#
# Let $\alpha = 1$, $v = 10^6$. How many degrees of freedom $\mathrm{df}_1(\kappa)$ are there at
# $\kappa = 0.01$?

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
j = np.arange(1.0, 10**6 + 1)
exercise_2 = Exercise(
    (j**-2 / (j**-2 + 0.01)).sum(),
    because="a sum of 1 / (1 + kappa j^2), close to (pi/2) / sqrt(kappa) - 1/2",
    mistakes={
        10: "So many eigenvalues are at least kappa. The count is soft, and the tail adds to it.",
        9: "So many eigenvalues exceed kappa. The count is soft, and the tail adds to it.",
        ((j**-2 / (j**-2 + 0.01)) ** 2).sum(): "This is df2: the terms are not squared in df1.",
        (j**-1 / (j**-1 + 0.01)).sum(): "The eigenvalues are j^(-2 alpha), not j^(-alpha).",
    },
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. In closed form: sum_{j >= 1} 1 / (1 + (x j)^2) = (pi / 2x) coth(pi / x) - 1/2, x = 0.1.
solution_2 = np.pi / 0.2 / np.tanh(np.pi / 0.1) - 0.5
exercise_2.solution(solution_2)

# %% [markdown]
# ### Exercise 3 (medium)
#
# Let $\alpha = 0.4$, $v = 1600$, $d = 400$. What is $\mathbb E\, \mathrm{Tr}\, K^2$, the mean over
# $W$ of the sum of the squared eigenvalues? (Isserlis again: $K = \sum_a u_a u_a^\top$, and a pair
# of features is either two different ones or one twice.)

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
lam = np.arange(1.0, 1601) ** -0.8
T1, T2 = lam.sum(), (lam**2).sum()
exercise_3 = Exercise(
    T2 * (1 + 1 / 400) + T1**2 / 400,
    because="Tr D^2 (1 + 1/d) + (Tr D)^2 / d: the second part is the lift by the tail",
    mistakes={
        T2: "This is Tr D^2: the mean of K is D, but the mean of K^2 is not D^2.",
        T2 + T1**2 / 400: "Isserlis gives Tr D^2 twice in E |u|^4; you counted it once.",
        T2 + T1**2: "A feature meets itself with probability 1/d.",
        T2 + T2 / 400: "Isserlis has three pairings; you are missing the one that gives (Tr D)^2.",
    },
    rtol=0.0005,
    hint="E |u|^4 = (Tr D / d)^2 + 2 Tr D^2 / d^2 for one feature.",
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. d features with themselves, d (d - 1) pairs of different ones.
d = 400
solution_3 = d * (T1**2 + 2 * T2) / d**2 + d * (d - 1) * T2 / d**2
W = PowerLaw(alpha=0.4, beta=0.5, v=1600, d=d).draw(jax.random.key(0)).W
one = ((W.T @ (lam[:, None] * W)) ** 2).sum()
exercise_3.solution(solution_3, f"one draw: {one:.3f}, mean: {solution_3:.3f}")

# %% [markdown]
# ### Exercise 4 (hard)
#
# Let $\alpha = 1$, $\beta = 1.5$, $v = 10^6$. How many random features does it take to leave no
# more risk than the 20 largest coordinates do? (Within 2 per cent.)

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
goal = (np.arange(21.0, 10**6 + 1) ** -5).sum()
exercise_4 = Exercise(
    brentq(lambda d: np.log(floor(1.0, 1.5, 10**6, round(d)) / goal), 100, 10_000, xtol=1),
    because="kappa_0 zeta(3) = (pi / 2d)^2 zeta(3) must equal the tail, about 1 / (4 * 20.5^4)",
    mistakes={
        20: "As many as that leave far more: the first modes are not resolved exactly.",
        400: "The exponents give 20^2. The constants are not one: use the formula of section 4.",
        np.pi
        / 2
        / np.sqrt(goal): "Nearly: all modes leave kappa_0 j^(-2 beta), not the first only.",
    },
    rtol=0.02,
    hint="Set the floor of section 4 equal to the tail of lesson 1.",
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. By the asymptotic forms: 1.202 is zeta(3).
solution_4 = np.pi / 2 * np.sqrt(1.2020569 * 4 * 20.5**4)
exercise_4.solution(solution_4)

# %% [markdown]
# ### Exercise 5 (research)
#
# What sets the scatter over draws? *The core* is the one case that is elementary: what is the
# relative standard deviation of $\mathrm{Tr}\, K$ over $W$, for $\alpha = 1$, $v = 400$, $d = 100$?
#
# *Then go on.* Measure the scatter of the floor for several $(\alpha, \beta)$, $2\beta$ above and
# below 1, and $2\alpha$ below 1. When is it $d^{-1/2}$, and when smaller? Predict it from which
# modes carry the floor, before you fit. Does it change if the entries of $W$ are signs
# $\pm 1/\sqrt d$?

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
lam = np.arange(1.0, 401) ** -2
exercise_5 = Exercise(
    np.sqrt(2 * (lam**2).sum() / 100) / lam.sum(),
    because="Tr K = sum_j lam_j chi_j / d with chi-squares of d degrees, of variance 2 d",
    mistakes={
        np.sqrt((lam**2).sum() / 100) / lam.sum(): "The square of a Gaussian has variance 2.",
        2 * (lam**2).sum() / 100 / lam.sum() ** 2: "This is the relative variance: take its root.",
        np.sqrt(2 * (lam**2).sum() / 100): "This is the standard deviation: divide by the mean.",
        np.sqrt(2 / 100 / 400): "So it were with 400 equal eigenvalues. The first one dominates.",
    },
    hint="Tr K is a weighted sum of squares of independent Gaussians.",
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Row j of W adds lam_j |W_j|^2, of mean lam_j and variance 2 lam_j^2 / d.
solution_5 = np.sqrt(np.sum(2 * lam**2 / 100)) / lam.sum()
samples = (np.random.default_rng(0).chisquare(100, (10_000, 400)) / 100) @ lam
drawn = samples.std() / samples.mean()
exercise_5.solution(solution_5, f"by 10000 samples {drawn:.4f}, exact {solution_5:.4f}")

# %% [markdown]
# ## References
#
# - E. Paquette, C. Paquette, L. Xiao, J. Pennington, *4+3 Phases of Compute-Optimal Neural Scaling
#   Laws* (2024), [arXiv 2405.15074](https://arxiv.org/abs/2405.15074): the model, the fixed point,
#   the floor.
# - L. Defilippis, B. Loureiro, T. Misiakiewicz (2024), [arXiv
#   2405.15699](https://arxiv.org/abs/2405.15699): deterministic equivalents for random features
#   with error bounds.
# - A. Maloney, D. Roberts, J. Sully, *A Solvable Model of Neural Scaling Laws* (2022), [arXiv
#   2210.16859](https://arxiv.org/abs/2210.16859).
# - The theory page on [random features](../theory/random_features.md). Before: [SGD](02_sgd.py).
