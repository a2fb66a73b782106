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
# # 9. Finite data: ridge, double descent, early stopping
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/09_finite_data.ipynb)
#
# Until now every sample was fresh. Now there are $n$ of them, used again and again, and the risk
# on fresh inputs parts from the error in training. Nearly everything that follows, the infamous
# peak where features and samples are equally many, the cure by a ridge or by stopping early, and
# what limits a model, comes from *one* scalar equation with two sizes in it. We derive it, solve it
# in six lines, and let literal training be the judge.
#
# ## Goals
#
# After this lesson you can
#
# - derive the effective ridge for $n$ samples and $d$ features, and solve for it;
# - compute the risk and the training error of ridge regression on paper and by machine;
# - show in three lines why the risk without ridge is infinite at $d = n$;
# - choose a ridge, or a time to stop, and say how much each rescues;
# - tell which of width, data and time limits a model.

# %% tags=["hide-cell"]
import importlib.util

if importlib.util.find_spec("solvable") is None:  # on Colab
    source = "git+https://github.com/solvable-models/solvable"
    get_ipython().run_line_magic("pip", f"install -q {source}")

# %%
import jax
import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from solvable import GradientFlow, PowerLaw, Ridge, Spectrum, design, plot, predict, simulate
from solvable.asymptotics import finite_exponents
from solvable.exercises import Exercise

plt.style.use(plot.STYLE)

# %% [markdown]
# ## A question first
#
# We fit $n = 60$ noisy samples with $d$ random features, from $d = 10$ to $d = 240$, by least
# squares without any ridge (of many perfect fits, that of least norm). Which number of features
# has the *worst* risk on fresh samples, and do we get away with 240?
#
# The classical advice is: the more parameters, the worse the overfitting.

# %%
my_prediction = 240  # the worst number of features for 60 samples

# %%
n = 60


def features(d, noise=0.1):
    """Random features of one and the same target."""
    return PowerLaw(alpha=0.75, beta=0.25, v=300, d=int(d), noise=noise)


# %% [markdown]
# ## One equation with two sizes
#
# Ridge regression minimises $\frac1n |\Phi\theta - y|^2 + \lambda |\theta|^2$. Let $\Sigma$ be
# the covariance of the inputs, $\hat\Sigma$ that of $n$ samples, and $G = (\hat\Sigma +
# \lambda)^{-1}$. Take one sample $x$ out of $G$; the formula of Sherman and Morrison says
#
# $$ \tfrac1n x x^\top G = \frac{\frac1n x x^\top G_-}{1 + \frac1n x^\top G_- x}
# \approx \frac{\frac1n x x^\top G_-}{1 + c}, \qquad c = \tfrac1n \operatorname{Tr} \Sigma G, $$
#
# since $x$ is independent of $G_-$, and the quadratic form hardly scatters. Averaged and summed
# over samples, $\hat\Sigma G \approx \Sigma G / (1 + c)$. With $\hat\Sigma G + \lambda G = 1$,
#
# $$ G \approx (1 + c) (\Sigma + \kappa)^{-1}, \qquad \kappa = \lambda (1 + c): $$
#
# samples act like the true covariance with a *larger* ridge. Put $G$ into $c$: $c = (1 + c)\,
# \mathrm{df}_1(\kappa) / n$ with $\mathrm{df}_1(\kappa) = \sum_j \lambda_j / (\lambda_j +
# \kappa)$, so $\lambda = \kappa / (1 + c) = \kappa (1 - \mathrm{df}_1 / n)$. Random features are a
# second random matrix of the same kind, with $d$ in place of $n$, and the two factors multiply:
#
# $$ \kappa \left( 1 - \frac{\mathrm{df}_1(\kappa)}{d} \right)
# \left( 1 - \frac{\mathrm{df}_1(\kappa)}{n} \right) = \text{ridge} . $$
#
# What was neglected is of order $1/n$ and $1/d$: a deterministic equivalent.

# %%
lam = np.arange(1, 301) ** -1.5


def df(kappa, order=1):
    return np.sum((lam / (lam + kappa)) ** order)


def effective_ridge(ridge, d, n):
    """Halve an interval in log kappa; no more degrees of freedom than the smaller size."""
    low, high = 1e-12, 1e6
    for _ in range(200):
        k = np.sqrt(low * high)
        room = (1 - df(k) / d) * (1 - df(k) / n) if df(k) < min(d, n) else -1
        low, high = (k, high) if k * room < ridge else (low, k)
    return k


for ridge, d in ((1e-2, 30), (1e-3, 120), (0.0, 120)):
    ours, theirs = effective_ridge(ridge, d, n), predict(features(d), Ridge(), ridge, n=n).kappa[0]
    print(f"ridge {ridge:5.3f}, d = {d:3d}: kappa {ours:.8f}, solvable {theirs:.8f}")

# %% [markdown]
# Note the last line: there is no ridge, and yet $\kappa > 0$. It is where $\mathrm{df}_1$ reaches
# the smaller of $d$ and $n$. Scarcity regularises by itself.
#
# ## Risk, and why it peaks
#
# The same steps with two factors $G$ under one expectation (arXiv 2405.15699, 2311.14646) give the
# excess risk: with $w_j = \lambda_j b_j^2$, the target on the modes,
#
# $$ E = \frac{1}{1 - g} \left[ \kappa^2 \sum_j \frac{w_j}{(\lambda_j + \kappa)^2}
# + \kappa\, \frac{\mathrm{df}_1 - \mathrm{df}_2}{d - \mathrm{df}_2}
# \sum_j \frac{\lambda_j w_j}{(\lambda_j + \kappa)^2} + \sigma^2 g \right], \qquad
# g = \frac1n \left[ \mathrm{df}_2 + \frac{(\mathrm{df}_1 - \mathrm{df}_2)^2}{d - \mathrm{df}_2}
# \right], $$
#
# and the training error is $(1 - \mathrm{df}_1 / n)^2 (E + \sigma^2)$. Now let the ridge vanish at
# $d = n$. Then $\mathrm{df}_1 = n = d$, and
#
# $$ g = \frac1n \left[ \mathrm{df}_2 + \frac{(n - \mathrm{df}_2)^2}{n - \mathrm{df}_2} \right]
# = \frac1n \left[ \mathrm{df}_2 + n - \mathrm{df}_2 \right] = 1 : $$
#
# the risk is *infinite* for every spectrum of more than $n$ eigenvalues, and every target or noise
# that is not zero.

# %%
j = np.arange(1, 301)
w = j**-2.0  # lam_j b_j^2


def excess_by_hand(ridge, d, n, noise=0.1):
    k = effective_ridge(ridge, d, n)
    df1, df2 = df(k), df(k, 2)
    g = (df2 + (df1 - df2) ** 2 / (d - df2)) / n
    bias = k**2 * np.sum(w / (lam + k) ** 2)
    variance = k * (df1 - df2) / (d - df2) * np.sum(lam * w / (lam + k) ** 2)
    return (bias + variance + noise * g) / (1 - g)


for ridge, d in ((1e-2, 30), (1e-3, 120), (0.0, 120)):
    ours, theirs = excess_by_hand(ridge, d, n), predict(features(d), Ridge(), ridge, n=n).excess[0]
    print(f"ridge {ridge:5.3f}, d = {d:3d}: excess {ours:.8f}, solvable {theirs:.8f}")

# %% [markdown]
# Theory is cheap, so we ask it everywhere. The judge is literal training: draw features and
# samples, solve for $\theta$, measure the risk. Eight lines of NumPy do it; `simulate` is the
# same on any device. We leave out $d = n$, where an expectation does not exist.

# %%
rng = np.random.default_rng(0)
x_scale, b = np.arange(1, 301) ** -0.75, np.arange(1, 301) ** -0.25


def train(d, ridges, noise=0.1):
    """Risks of ridge regression on one draw of features and samples."""
    W = rng.standard_normal((300, d)) / np.sqrt(d)
    X = rng.standard_normal((n, 300)) * x_scale
    y = X @ b + np.sqrt(noise) * rng.standard_normal(n)
    U, s, Vt = np.linalg.svd(X @ W / np.sqrt(n), full_matrices=False)
    theta = [Vt.T @ (s / (s**2 + r) * (U.T @ y)) / np.sqrt(n) for r in ridges]
    return [np.sum((x_scale * (W @ each - b)) ** 2) + noise for each in theta]


ridges = [0.0, 1e-3]
seen = (15, 30, 90, 150, 240)
with threadpool_limits(1):  # small matrices are fastest on one thread
    risks = np.array([[train(d, ridges) for _ in range(100)] for d in seen])  # width, seed, ridge
mean, error = risks.mean(axis=1), risks.std(axis=1, ddof=1) / 10
runs = simulate(jax.random.key(0), features(90), Ridge(), ridges, seeds=100, n=n)
theory = predict(features(90), Ridge(), ridges, n=n).risk
print("d = 90    by hand            simulate           theory")
for k, ridge in enumerate(ridges):
    print(f"{ridge:5.3f}     {mean[2, k]:.4f} ± {error[2, k]:.4f}    ", end="")
    print(f"{runs.mean[k]:.4f} ± {runs.standard_error[k]:.4f}    {theory[k]:.4f}")

# %%
widths = np.union1d(np.geomspace(10, 240, 50).round().astype(int), np.arange(54, 67))
ridgeless = [np.inf if d == n else predict(features(d), Ridge(), 0.0, n=n).risk[0] for d in widths]
ridgeless = np.array(ridgeless)
fixed = np.array([predict(features(d), Ridge(), 1e-3, n=n).risk[0] for d in widths])
best = np.array([design.optimal_ridge(features(d), n).excess + 0.1 for d in widths])

fig, ax = plt.subplots(figsize=(4.6, 3.0))
for y, label in ((ridgeless, "no ridge"), (fixed, "ridge 0.001"), (best, "best ridge")):
    ax.loglog(widths, y, label=label)
for k in range(2):
    ax.errorbar(seen, mean[:, k], 2 * error[:, k], fmt="o", color=f"C{k}", mfc="white")
ax.axvline(n, color="0.6", lw=0.8, ls=":")
ax.text(1.04 * n, 6, "$d = n$", color="0.35")
ax.set(xlabel="features $d$", ylabel="risk", ylim=(0.15, 10))
ax.set(title="60 samples; points: 100 simulations each, ±2 s.e.")
_ = ax.legend(loc="upper left")

# %%
print(f"worst width without ridge: {widths[np.argmax(ridgeless)]}; you said {my_prediction}")
for d in (30, 240):
    at = int(np.argmin(np.abs(widths - d)))
    print(f"d = {widths[at]}: no ridge {ridgeless[at]:.3f}, best ridge {best[at]:.3f}")

# %% [markdown]
# The worst place is the middle. Past it the risk falls again, and ends *below* its first minimum:
# wide and without ridge is not bad at all here. And with the best ridge there is no peak: the
# risk falls all the way. Double descent is a lack of ridge.
#
# Near $d = n$ means over simulations misbehave: the smallest singular value is nearly zero in a few
# data sets, and those carry the mean. Compare medians there, or stay away.
#
# ## Stopping early is a ridge, too
#
# Gradient flow for a time $t$ learns the modes of the data with eigenvalue above about $1/t$, as a
# ridge of $1/t$ would. `predict` with `n` gives the risk at any time, and the training error.

# %%
wide = features(240)
time = np.geomspace(1, 1e6, 121)
flow = predict(wide, GradientFlow(), time, n=n)
stop, ridge = design.early_stopping(wide, n), design.optimal_ridge(wide, n)
at = [10, 30, 50, 70]
some = time[at]
literal = simulate(jax.random.key(1), wide, GradientFlow(), some, seeds=100, n=n)

fig, ax = plt.subplots(figsize=(4.6, 3.0))
ax.loglog(time, flow.risk, label="risk")
ax.loglog(time, flow.train, "--", color="C0", label="training error")
ax.errorbar(some, literal.mean, 2 * literal.standard_error, fmt="o", color="k", mfc="white")
ax.axhline(ridge.excess + 0.1, color="C2", ls="-.", label="risk at the best ridge")
ax.plot(stop.time, stop.excess + 0.1, "v", color="C1", ms=6, label="stop here")
ax.set(xlabel="time $t$ of gradient flow", ylabel="mean squared error", ylim=(1e-4, 2))
ax.set(title="60 samples, 240 features; points: simulated, ±2 s.e.")
ax.legend(loc="lower left")
print(f"best time {stop.time:.0f}, 1 / best ridge {1 / ridge.ridge:.0f}")
print(f"risk: stopped {stop.excess + 0.1:.4f}, best ridge {ridge.excess + 0.1:.4f}, ", end="")
print(f"never stopped {flow.risk[-1]:.4f}")

# %%
columns = some, flow.risk[at], literal.mean, flow.train[at], literal.train.mean(axis=0)
print("  time    risk: theory, simulated    training: theory, simulated")
for t, risk, run, train_error, fitted in zip(*columns, strict=True):
    print(f"{t:6.0f}  {risk:14.4f} {run:10.4f} {train_error:19.2e} {fitted:10.2e}")

# %% [markdown]
# The best time and one over the best ridge are within a factor of two of each other, and the risks
# they reach within a per cent. The training error falls for ever, and says nothing of all this.
# Simulated risks lie about two per cent above the curve, and late training errors more: the theory
# is a limit, and we have only 60 samples.
#
# ## What limits?
#
# A model is short of width, of data or of time. Where a resource limits, the risk follows a power
# of it. A width or a data set that is ample adds only a correction of order $1/d$ or $1/n$. Between
# two limits both count. `regime` measures the local exponents and names the bottleneck.

# %%
for d, samples, t in ((10**5, 10**7, 1e2), (10**5, 10**3, None), (10**2, 10**6, None)):
    big = PowerLaw(alpha=0.75, beta=0.25, v=10**8, d=d)
    found = design.regime(big, n=samples, time=t)
    local = ", ".join(f"{name} {x + 0:.2f}" for name, x in found.local.items())
    when = "for ever" if t is None else f"to time {t:g}"
    print(f"d = {d:g}, n = {samples:g}, trained {when}: limited by {found.limit}")
    print(f"    minus the local exponents: {local}; predicted {found.predicted[found.limit]:.3f}")

# %% [markdown]
# A scaling law that is measured against one resource is a statement about the bottleneck. Far from
# it the same experiment shows an exponent near zero, and says nothing about the task.
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# A flat spectrum: 200 eigenvalues equal to one, linear regression without features
# ($d = \infty$), $n = 50$ samples and no ridge. What is the effective ridge $\kappa$?

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    3.0,
    because="df1 = 200 / (1 + kappa) = 50.",
    mistakes={
        0.0: "Without a ridge kappa = 0 solves the equation only if n exceeds the dimension.",
        4.0: "This is 200 / 50; the eigenvalue itself stands beside kappa.",
        0.25: "This is n / 200. Solve 200 / (1 + kappa) = n for kappa.",
        0.75: "This is 1 - n / 200, the part of the space without data, not kappa.",
    },
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Without ridge the bracket must vanish: df1(kappa) = n.
flat = Spectrum(np.ones(200), target=np.ones(200))
solution_1 = predict(flat, Ridge(), 0.0, n=50).kappa[0]
exercise_1.solution(solution_1)

# %% [markdown]
# ### Exercise 2 (easy)
#
# You fit 80 samples by ridge regression. The training error is 0.09, and the trace of the matrix
# that takes the labels to the fitted values (its equivalent is $\mathrm{df}_1$) is 32. Which *risk*
# do you expect on fresh samples?

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_2 = Exercise(
    0.25,
    because="train = (1 - df1/n)^2 risk, so 0.09 / 0.36: generalised cross validation.",
    mistakes={
        0.15: "The factor 1 - df1 / n is squared.",
        0.09 * 0.36: "The risk is larger than the training error, not smaller.",
        0.09 / 0.4**2: "This is df1 / n in place of 1 - df1 / n.",
        0.09: "This would be so with infinitely many samples.",
    },
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. No test set is needed: this is how cross validation without splitting works.
solution_2 = 0.09 / (1 - 32 / 80) ** 2
exercise_2.solution(solution_2)

# %% [markdown]
# ### Exercise 3 (medium)
#
# Halve the number of samples: for `features(120)` and $n = 30$, which ridge is the best? (Search
# with `excess_by_hand`, or look for a function above. To two per cent.)

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_3 = Exercise(
    design.optimal_ridge(features(120), 30).ridge,
    because="The fewer samples, the more ridge.",
    mistakes={
        30
        * design.optimal_ridge(
            features(120), 30
        ).ridge: "This is beside the sum of squares: divide by n.",
        design.optimal_ridge(features(120), 30).kappa: "This is the effective ridge kappa.",
        design.optimal_ridge(features(120), 60).ridge: "This is for 60 samples.",
        design.optimal_ridge(features(120, noise=0.0), 30).ridge: "This is without label noise.",
    },
    rtol=0.02,
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. A search on the formula by hand.
from scipy import optimize

found = optimize.minimize_scalar(
    lambda y: excess_by_hand(np.exp(y), 120, 30), bounds=(-9, 0), method="bounded"
)
solution_3 = np.exp(found.x)
exercise_3.solution(solution_3)

# %% [markdown]
# ### Exercise 4 (medium)
#
# $d = 10^3$, $n = 10^5$, $\alpha = 0.75$, $\beta = 0.25$, no label noise, trained for ever. Money
# buys either twice the samples or twice the features. By which factor does the better of the two
# lower the excess risk? (Take $v = 10^8$ and ridge zero. To one per cent; a number above one.)

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
wider = lambda d, n: predict(
    PowerLaw(alpha=0.75, beta=0.25, v=10**8, d=d), Ridge(), 0.0, n=n
).excess[0]
exercise_4 = Exercise(
    wider(1000, 10**5) / wider(2000, 10**5),
    because="Width limits, with an exponent near min(2 alpha + 2 beta - 1, 2 alpha) = 1.",
    mistakes={
        wider(1000, 10**5) / wider(1000, 2 * 10**5): "This is for samples, which do not limit.",
        wider(1000, 10**5) / wider(2000, 2 * 10**5): "This is for both: they buy one.",
        2**1.5: "2 alpha = 1.5 is not the exponent of the width: 2 alpha + 2 beta - 1 = 1 is less.",
    },
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Ask for all three.
start, more_d, more_n = wider(1000, 10**5), wider(2000, 10**5), wider(1000, 2 * 10**5)
solution_4 = max(start / more_d, start / more_n)
remark = f"twice the features: {start / more_d:.3f}; twice the samples: {start / more_n:.3f}"
exercise_4.solution(solution_4, remark)

# %% [markdown]
# ### Exercise 5 (hard)
#
# With label noise and infinite width, stop at the best time. How does the excess risk there fall
# with $n$? Balance what is not learned at time $t$, $t^{-(a - 1)/b}$, against noise fitted until
# then, $\sigma^2 t^{1/b} / n$, with $a = 2\alpha + 2\beta$ and $b = 2\alpha$. Give the (signed)
# exponent for $\alpha = 0.75$, $\beta = 0.5$.

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_5 = Exercise(
    -0.6,
    because="t ~ n^(b/a), and the risk falls like n^(-(a - 1)/a) = n^(-1.5/2.5).",
    mistakes={
        -1.0: "This is -(a - 1)/b, the exponent of the time, not of n.",
        -1.5: "This is -(a - 1), without noise and for ever: then width or data limit.",
        -0.5: "Noise fitted grows like t^(1/b), not t: so many degrees of freedom.",
    },
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The package derives it; and the same with the right side balanced numerically.
noisy = PowerLaw(alpha=0.75, beta=0.5, v=10**8, noise=0.1)
t = np.geomspace(1, 1e9, 10**5)
falls = [np.min(t**-1.0 + 0.1 * t ** (1 / 1.5) / size) for size in (1e6, 1e8)]
balanced = np.log(falls[1] / falls[0]) / np.log(100)
solution_5 = -finite_exponents(noisy).stopped
exercise_5.solution(solution_5, f"balanced numerically: {balanced:.3f}")

# %% [markdown]
# ### Exercise 6 (research)
#
# *Many small models or one large one?* On the same 60 samples, average the predictors of $K$ draws
# of $d$ features, all with the ridge that is best *for their mean* (`optimal_ridge(...,
# ensemble=K)`), against one model of $K d$ features. For which spectra, noises and sizes does the
# ensemble win, if any, and what if the ridge is tuned for a single member instead? A checkable
# core: the ratio of excess risks, four models of `features(30)` over one of `features(120)`, both
# at the best ridge.

# %%
answer_6 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
four = design.optimal_ridge(features(30), n, ensemble=4).excess
one, single = design.optimal_ridge(features(120), n).excess, design.optimal_ridge(features(30), n)
for_one = predict(features(30), Ridge(), single.ridge, n=n, ensemble=4).excess[0]
exercise_6 = Exercise(
    four / one,
    because="With ridges tuned one large model is better, though not by much.",
    mistakes={
        one / four: "The other way round: the ensemble over the single model.",
        (four + 0.1) / (one + 0.1): "This is the ratio of risks; ask for the excess.",
        single.excess / one: "This is a single small model, no ensemble.",
        for_one / one: "This ridge is best for a single member; the mean wants a smaller one.",
    },
    rtol=0.005,
)
exercise_6(answer_6)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. A scan over ridges in place of the search.
ridges = np.geomspace(1e-5, 1, 4000)
four_scan = predict(features(30), Ridge(), ridges, n=n, ensemble=4).excess.min()
one_scan = predict(features(120), Ridge(), ridges, n=n).excess.min()
solution_6 = four_scan / one_scan
exercise_6.solution(solution_6, f"four of 30: {four_scan:.4f}, one of 120: {one_scan:.4f}")

# %% [markdown]
# ## References
#
# - Ridge regression with random features: arXiv 2405.15699, arXiv 2311.14646.
# - A. Maloney, D. Roberts, J. Sully (2022), *A Solvable Model of Neural Scaling Laws*:
#   arXiv 2210.16859.
# - B. Bordelon, A. Atanasov, C. Pehlevan (2024), *A Dynamical Model of Neural Scaling Laws*:
#   arXiv 2402.01092. Y. Bahri et al. (2021), four regimes: arXiv 2102.06701.
# - Theory pages: [finite data](../theory/finite_data.md), [ridge](../theory/ridge.md),
#   [four regimes](../theory/four_regimes.md).
