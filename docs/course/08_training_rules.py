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
# # 8. Training rules: schedules, averages, momentum
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/08_training_rules.ipynb)
#
# Most tricks of training make a curve better by a constant factor. A few change its *exponent*,
# and those win at scale whatever the constants. Here we can tell the two apart: every rule of
# this lesson has an exact expected risk. We shall see that decay of the learning rate buys an
# exponent, that an average of the iterates buys the same one without decay, that heavy ball buys
# none, and that a momentum whose memory grows does.
#
# ## Goals
#
# After this lesson you can
#
# - split the risk of any schedule into what is not yet learned and what noise remains;
# - derive the exponent of a schedule, with the peak tuned, from how it *ends*;
# - replace decay by an average of the iterates, and say which modes the average calms;
# - explain heavy ball as SGD at another rate, and why DANA is more than that;
# - find the best schedule of a horizon numerically, and judge a named one against it.

# %% tags=["hide-cell"]
import importlib.util

if importlib.util.find_spec("solvable") is None:  # on Colab
    source = "git+https://github.com/solvable-models/solvable"
    get_ipython().run_line_magic("pip", f"install -q {source}")

# %%
import matplotlib.pyplot as plt
import numpy as np

from solvable import (
    DANA,
    SGD,
    Averaged,
    Momentum,
    PowerLaw,
    design,
    exponents,
    plot,
    predict,
    schedules,
    stability,
)
from solvable.exercises import Exercise

plt.style.use(plot.STYLE)

# %% [markdown]
# ## A question first
#
# One task: covariance eigenvalues $j^{-3}$ ($\alpha = 3/2$), target coefficients $j^{-1/2}$
# ($\beta = 1/2$), label noise of variance one, batches of one. You have 4096 steps. Rule one is
# SGD with a constant rate, the best there is. Rule two is a rate that falls linearly to zero,
# from the best peak there is. By which factor is the excess risk of the second lower?
#
# Guess, and write it down. Our own guess before we had the theory: tuning makes up for most of
# the difference, so 1.2.

# %%
my_prediction = 1.2  # excess of the best constant rate over that of the best linear decay

# %% [markdown]
# ## Any schedule, step by step
#
# For any learning rates $\gamma_t$ the parts $m_j$ of the excess risk on the modes obey the
# recursion of the last lesson, exactly,
#
# $$ m_j \leftarrow \left( 1 - 2 \gamma_t \lambda_j + \tfrac{B + 1}{B} \gamma_t^2 \lambda_j^2
# \right) m_j + \frac{\gamma_t^2 \lambda_j^2}{B} (E + \sigma^2), \qquad E = \sum_j m_j. $$
#
# Five lines of NumPy are the whole theory of all schedules.

# %%
few = PowerLaw(alpha=1.5, beta=0.5, v=200, noise=1.0)


def by_hand(rates, v=200, alpha=1.5, beta=0.5, noise=1.0):
    """Expected excess risk at the end, B = 1."""
    j = np.arange(1, v + 1)
    lam, m = j ** (-2 * alpha), j ** (-2 * alpha - 2 * beta)
    for g in rates:
        m = (1 - 2 * g * lam + 2 * (g * lam) ** 2) * m + (g * lam) ** 2 * (m.sum() + noise)
    return m.sum()


T = 1000
for name, rule in {"constant": SGD(0.02), "cosine": SGD(schedules.Cosine(0.2, T))}.items():
    rates = np.full(T, 0.02) if name == "constant" else schedules.Cosine(0.2, T)(np.arange(T))
    ours, theirs = by_hand(rates), predict(few, rule, [T]).excess[0]
    print(f"{name}: by hand {ours:.10f}, solvable {theirs:.10f}, relative {ours / theirs - 1:.0e}")

# %% [markdown]
# ## What decay buys: an exponent
#
# For small rates only the *intrinsic time* $\tau = \sum_t \gamma_t$ counts for what is learned,
# and noise that enters at step $t$ has the rest of it to be forgotten:
#
# $$ E(T) \approx \underbrace{\sum_j w_j e^{-2 \lambda_j \tau_T}}_{\sim\, \tau_T^{-s}} +
# \frac{\sigma^2}{B} \sum_t \gamma_t^2 K(\tau_T - \tau_t), \qquad
# K(u) = \sum_j \lambda_j^2 e^{-2 \lambda_j u} \sim u^{-(2 - 1/b)}, $$
#
# with $w_j$ the initial $m_j$, $b = 2\alpha$ and $s = (2\alpha + 2\beta - 1) / 2\alpha$. (In the
# noise the risk itself is left out beside $\sigma^2$.) Let the schedule end like $\gamma_t = \gamma
# (1 - z)^p$, $z = t/T$. The intrinsic time still to come is $u \sim \gamma T (1 - z)^{p + 1}$, so
# the rate is $\gamma (u / \gamma T)^{p/(p+1)}$ as a function of $u$, and with $\gamma_t\, dt = -du$
# the noise becomes
#
# $$ \gamma\, (\gamma T)^{-\frac{p}{p+1}} \int_1^{\gamma T} u^{\frac{p}{p+1}} u^{-(2 - 1/b)}\, du
# \;\sim\; \gamma\, (\gamma T)^{-(1 - 1/A)}, \qquad A = \min(b, p + 1): $$
#
# for $p + 1 < b$ the lower end of the integral decides, otherwise the upper end. Now tune the peak:
# the two parts balance when $(\gamma T)^{1/A} / T = (\gamma T)^{-s}$, so
#
# $$ E \sim T^{-\frac{s A}{1 + s A}}, \qquad \gamma \sim T^{-\frac{1 + sA - A}{1 + sA}} . $$
#
# The end of the schedule is all that matters: here, with $b = 3$, a constant rate has $A = 1$,
# linear decay 2, a cosine 3. (If $s < 1 - 1/A$ the balance asks for a rate that grows, which
# stability forbids: then $E \sim T^{-s}$ at a peak that stays.) This is derived by scaling, not
# proven; `exponents` says so. Let us look.

# %%
task = PowerLaw(alpha=1.5, beta=0.5, v=10**6, noise=1.0)
families = {
    "constant": lambda peak, T: SGD(peak),
    "linear": lambda peak, T: SGD(schedules.Linear(peak, T)),
    "cosine": lambda peak, T: SGD(schedules.Cosine(peak, T)),
}
horizons = np.array([64, 256, 1024, 4096])


def tuned(family):
    """The best peak and the excess risk there, at every horizon."""
    return [design.tune(task, lambda peak, T=T: family(peak, int(T)), int(T)) for T in horizons]


best = {name: tuned(family) for name, family in families.items()}
for name, found in best.items():
    slopes = np.diff(np.log([b.excess for b in found])) / np.log(4)
    predicted = exponents(task, families[name](0.1, 1000)).risk
    print(f"{name:8s} local slopes {slopes.round(3)}, predicted {predicted:.3f}")

# %%
ratio = best["constant"][-1].excess / best["linear"][-1].excess
print(f"at T = 4096: {ratio:.2f} times lower; you said {my_prediction}")

# %% [markdown]
# Decay is worth a factor of about two here, and *more at every longer horizon*, for it is an
# exponent: tuning a constant rate never makes up for it. The slope of the cosine is still on its
# way, since $p + 1 = a$ costs a logarithm. Peaks, too, fall with the horizon, and for a constant
# rate fastest.
#
# How good is a named schedule? `optimal_schedule` minimises over all rates.

# %%
T = 1024
optimum = design.optimal_schedule(task, T)
t = np.arange(T)
fig, ax = plt.subplots(figsize=(4.6, 3.0))
for name, found in best.items():
    peak, excess = found[2].peak, found[2].excess
    shape = np.full(T, peak) if name == "constant" else families[name](peak, T).gamma(t)
    ax.semilogy(t, shape, label=f"{name}: {excess / optimum.excess:.2f}")
ax.semilogy(t, optimum.rates, "k--", label="optimum: 1")
ax.set(xlabel="step $t$", ylabel=r"learning rate $\gamma_t$", ylim=(2e-3, 2))
ax.set(title=f"Best schedules for {T} steps, and excess risk / optimum")
_ = ax.legend(loc="lower left")

# %% [markdown]
# The optimum begins higher than the named schedules dare, and spends the last third at low rates,
# where they still come down. For small rates the best choice is $\gamma \propto K(u)^{-1/2}$, with
# $u$ the intrinsic time still to come (see the page on schedules). Cap it where it would be
# unstable, and two numbers, its factor and the cap, describe it.
#
# ## What an average buys: the same, without decay
#
# A schedule must decay towards a known end. An average of the iterates needs no decay, though its
# best rate still depends on the horizon. For one mode
# the iterate forgets by $q = 1 - \gamma\lambda$ a step, so late in training it is a first-order
# autoregression. An exponential average, $\bar\theta \leftarrow \rho \bar\theta + (1 - \rho)
# \theta$, multiplies the variance of such a process by
#
# $$ \frac{1 - \rho}{1 + \rho} \cdot \frac{1 + \rho q}{1 - \rho q} : $$
#
# fast modes, $\gamma \lambda \gg 1 - \rho$, lose most of their noise, slow ones keep theirs, since
# they have not forgotten anything yet. That is just what decay does at the end.

# %%
g, rho = 0.1, 0.99
j = np.arange(1, 201)
lam = j**-3.0
r = g / (2 - g * lam)
kernel = np.sum(r * lam / (1 - r * lam))  # the sum of the noise kernel
part = r * lam / (1 - r * lam) * (1 + kernel / (1 - kernel))  # of the floor, by mode
q = 1 - g * lam
calm = (1 - rho) / (1 + rho) * (1 + rho * q) / (1 - rho * q)
late = [predict(few, rule, [10**9]).excess[0] for rule in (SGD(g), Averaged(SGD(g), ema=rho))]
print(f"floor of SGD:     by hand {part.sum():.8f}, solvable {late[0]:.8f}")
print(f"of its average:   by hand {(part * calm).sum():.8f}, solvable {late[1]:.8f}")
print("noise left on modes 1, 3, 10, 30:", calm[[0, 2, 9, 29]].round(3))

# %% [markdown]
# Both agree, in closed form. Averages of a constant rate, *tuned to the horizon* and over a window
# that grows with it, have the exponent of the best schedule, $A = b$ (derived by scaling, not
# proven). At a rate that stays the same it is $-\min(s, 1 - 1/b)$.

# %%
families["mean of the last half"] = lambda peak, T: Averaged(SGD(peak), tail=T // 2)
best["mean of the last half"] = tuned(families["mean of the last half"])
excess = {name: np.array([b.excess for b in found]) for name, found in best.items()}

fig, ax = plt.subplots(figsize=(4.6, 3.0))
for name, y in excess.items():
    slope = exponents(task, families[name](0.1, 1000)).risk
    label = f"{name}: predicted slope {slope:.2f}".replace("-", "−")
    ax.loglog(horizons, y, "o-", mfc="white", label=label)
ax.set(xlabel="horizon $T$ (steps)", ylabel="excess risk at $T$", ylim=(8e-4, 0.3))
ax.set(title="Peaks tuned at every horizon")
ax.legend(loc="lower left")
print("excess over that of the mean, at T = 4096:")
for name, y in excess.items():
    print(f"  {name:21s} {y[-1] / excess['mean of the last half'][-1]:.2f}")
against = optimum.excess / excess["mean of the last half"][2]
print(f"at T = 1024, the best schedule of all over the mean: {against:.2f}")

# %% [markdown]
# The mean of the last half, of a *constant* rate, is here even below the best schedule of all,
# which is the best for a *last* iterate. That is no law: for harder targets the best schedule wins.
#
# ## Heavy ball: SGD in disguise
#
# Heavy ball keeps a velocity, $y \leftarrow \mu y + g$, $\theta \leftarrow \theta - \gamma y$. A
# gradient acts at once with $\gamma$, then with $\gamma\mu$, $\gamma\mu^2$, ..., in total with
# $\gamma / (1 - \mu)$. If the risk hardly changes within the memory of $1 / (1 - \mu)$ steps,
# that is all: heavy ball is SGD at $\gamma / (1 - \mu)$, for the signal *and* for the noise. The
# exact sum of its kernel is that of SGD with $\gamma / (1 + \mu)$ for the rate and
# $B (1 - \mu) / (1 + \mu)$ for the batch, which for small rates is $\gamma \operatorname{Tr} D /
# 2 B (1 - \mu)$, as it should be.

# %%
print("  mu   gamma    kernel     floor")
for mu in (0.0, 0.5, 0.9, 0.99):
    rule = Momentum(0.02 * (1 - mu), mu)
    B, g = (1 - mu) / (1 + mu), rule.gamma / (1 + mu)  # of the equivalent SGD
    ours = np.sum(g * lam / (2 * B - (B + 1) * g * lam))
    found = stability(few, rule)
    print(f"{mu:5.2f}  {rule.gamma:.4f}  {found.kernel:.6f}  {found.floor:.6f}  by hand {ours:.6f}")

# %% [markdown]
# From no momentum to $\mu = 0.99$ the floor moves by less than one per cent. At small rates, with
# noisy gradients, heavy ball is a change of units.
#
# ## DANA: a memory that grows
#
# The disguise works because the memory is *short* against the time on which the risk changes.
# At step $t$ of a power law that time is $t$ itself. So let the memory grow like $t$: DANA
# (arXiv 2505.16098), in its decaying form, takes
#
# $$ y_t = \left(1 - \min\Bigl(1, \frac{\delta}{1 + t}\Bigr)\right) y_{t-1} + g_t, \qquad
# \theta_{t+1} = \theta_t - \gamma_2\, g_t - \gamma_3 (1 + t)^{-1/2\alpha}\, y_t . $$
#
# The steps then grow like $t^{1 - 1/2\alpha}$, intrinsic time like $t^{2 - 1/2\alpha}$, and without
# label noise the risk falls like $t^{-(2 - 1/2\alpha)\, s}$ instead of $t^{-s}$, as long as $s < 2
# - 1/2\alpha$. (Beyond, noise made early decides, as in lesson 2.) The exponent of DANA is **seen
# in numbers**, that of SGD proven.

# %%
clean = PowerLaw(alpha=1.0, beta=0.2, v=10**6)
rate = float(SGD.stable(clean, 0.5).gamma)
step = np.unique(np.geomspace(1, 10**5, 61).round().astype(int))
rules = {"SGD": SGD(rate), "heavy ball": Momentum(0.1 * rate, 0.9), "DANA": DANA.for_problem(clean)}

fig, ax = plt.subplots(figsize=(4.6, 3.0))
for (name, rule), style in zip(rules.items(), ("-", "--", "-"), strict=True):
    y = predict(clean, rule, step).excess
    slope = np.gradient(np.log(y), np.log(step))[-1]
    predicted = exponents(clean, rule).risk
    print(f"{name:10s} last local slope {slope:.3f}, predicted {predicted:.3f}")
    ax.loglog(step, y, style, label=name)
ax.set(xlabel="step $t$", ylabel="excess risk", title="Heavy ball is SGD; DANA is not")
_ = ax.legend(loc="lower left")

# %% [markdown]
# Heavy ball lies on SGD once its first oscillations are over. DANA leaves both, and its slope is
# still on the way to its limit at the last step: read such slopes as lower bounds.
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# $\alpha = 1$, $\beta = 1/2$, with label noise. Which (signed) exponent has the excess risk in the
# horizon, for a *constant* rate that is tuned to each horizon?

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    -0.5,
    because="s = (2 + 1 - 1) / 2 = 1 and A = 1, so s / (1 + s) = 1/2.",
    mistakes={
        -1.0: "This is -s, at a fixed rate and without noise. Noise forces the rate down.",
        -2 / 3: "This is for a schedule that ends linearly, A = 2. A constant rate has A = 1.",
        -0.75: "A is min(b, p + 1), with p = 0 here; this is A = 3.",
    },
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Balance (gamma T)^-s against gamma.
solution_1 = exponents(PowerLaw(alpha=1.0, beta=0.5, v=10, noise=1.0), SGD(0.1)).risk
exercise_1.solution(solution_1)

# %% [markdown]
# ### Exercise 2 (easy)
#
# A paper trains with heavy ball, $\gamma = 0.03$ and $\mu = 0.95$, and says that plain SGD at
# $\gamma = 0.03$ is much slower. At which rate should they have run SGD for a fair comparison?

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_2 = Exercise(
    0.6,
    because="gamma / (1 - mu): every gradient acts with gamma (1 + mu + mu^2 + ...).",
    mistakes={
        0.03: "At this rate SGD takes steps twenty times smaller in total.",
        0.03 / 1.95: "gamma / (1 + mu) goes with another batch size, in the exact equivalence.",
        0.03 * 0.95: "Add up all the later actions of one gradient: a geometric series.",
        0.03 / 0.95: "The series 1 + mu + mu^2 + ... sums to 1 / (1 - mu).",
    },
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The sum of the actions of one gradient.
solution_2 = np.sum(0.03 * 0.95 ** np.arange(2000))
exercise_2.solution(solution_2)

# %% [markdown]
# ### Exercise 3 (medium)
#
# A mode has $\gamma \lambda = 0.05$. An exponential average with $\rho = 0.998$ is taken of the
# late iterates. Which fraction of the variance of this mode is left in the average?

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
q_3, rho_3 = 0.95, 0.998
exercise_3 = Exercise(
    (1 - rho_3) / (1 + rho_3) * (1 + rho_3 * q_3) / (1 - rho_3 * q_3),
    because="About (1 - rho) / (gamma lam): one over the independent values within the window.",
    mistakes={
        (1 - rho_3) / (1 + rho_3): "This is for independent iterates. They are correlated, by q.",
        1 - rho_3: "One over the window length; iterates are correlated, and the square counts.",
        0.002
        / 1.998
        * (1 + 0.998 * 0.05)
        / (1 - 0.998 * 0.05): "q is 1 - gamma lam, not gamma lam.",
    },
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. By brute force: the weights of past noises in the average, squared and summed.
k = np.arange(20000)
iterate = 0.95**k
average = 0.002 * (0.95 ** (k + 1) - 0.998 ** (k + 1)) / (0.95 - 0.998)
solution_3 = np.sum(average**2) / np.sum(iterate**2)
exercise_3.solution(solution_3)

# %% [markdown]
# ### Exercise 4 (medium)
#
# You train with the cosine that is best for $T = 4096$, and stop at step 2048. By which factor is
# your excess risk above that of the cosine that is best for 2048 steps? (Use `task`, `tune`,
# and `best["cosine"][-1].peak`.)

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
long = SGD(schedules.Cosine(best["cosine"][-1].peak, 4096))
matched = design.tune(task, lambda peak: SGD(schedules.Cosine(peak, 2048)), 2048)
exercise_4 = Exercise(
    predict(task, long, [2048]).excess[0] / matched.excess,
    because="Half way, the rate is still at half of its peak, and so is much of the noise.",
    mistakes={
        (predict(task, long, [2048]).excess[0] + 1) / (matched.excess + 1): "The excess, without "
        "the label noise of one.",
        best["cosine"][-1].excess / matched.excess: "This compares the end of the long run.",
        predict(task, long, [2048]).excess[0] / best["cosine"][-1].excess: "Divide by the best "
        "cosine for 2048 steps, not for 4096.",
    },
    rtol=0.02,
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The long schedule as an array of rates, stopped early; the short one tuned.
rates = schedules.Cosine(best["cosine"][-1].peak, 4096)(np.arange(2048))
short = design.tune(task, lambda peak: SGD(schedules.Cosine(peak, 2048)), 2048)
solution_4 = predict(task, SGD(rates), [2048]).excess[0] / short.excess
exercise_4.solution(solution_4, f"{solution_4:.2f} times the risk of the matched cosine")

# %% [markdown]
# ### Exercise 5 (hard)
#
# A hard target: $\alpha = 5/4$, $\beta = -3/8$, so $b = 5/2$ and $s = 3/10$. For linear decay,
# does the tuned peak have to fall with the horizon? Give the pair of exponents, of the risk and
# of the peak, as `[risk, peak]`.

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_5 = Exercise(
    [-0.3, 0.0],
    because="s < 1 - 1/A = 1/2: the balance would ask for a growing rate, stability forbids it.",
    mistakes={
        (-0.375, 0.25): "The balance gives this, but a rate that grows with T is unstable.",
        (-0.3, -0.3): "Noise does not limit here, so that the rate need not fall.",
        (-0.3 / 1.3, -0.3 / 1.3): "This is a constant rate. Linear decay has A = 2.",
    },
    hint="First check s against 1 - 1/A.",
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The package knows the case.
hard = PowerLaw(alpha=1.25, beta=-0.375, v=10**6, noise=1.0)
found = exponents(hard, SGD(schedules.Linear(0.1, 1000)))
solution_5 = [found.risk, found.peak]
exercise_5.solution(solution_5)

# %% [markdown]
# ### Exercise 6 (research)
#
# *How far does acceleration go when labels are noisy?* DANA's exponents are for clean labels. With
# noise its growing steps bring it to a floor, and an average helps. We know of no closed form for
# the tuned exponents of the pair. Take `clean` with `noise=0.01` and follow the local slope of
# `Averaged(DANA..., tail=...)` over horizons, with the tail a fixed part of each: does it keep
# DANA's exponent for a while, and what is best for $\gamma_3$? A checkable core: by which factor
# does the mean over the second half of 20 000 steps lower the excess risk of
# `DANA.for_problem(...)` at that noise?

# %%
answer_6 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
dirty = PowerLaw(alpha=1.0, beta=0.2, v=10**6, noise=0.01)
dana = DANA.for_problem(dirty)
plain, mean = (
    predict(dirty, rule, [20_000]).excess[0] for rule in (dana, Averaged(dana, tail=10_000))
)
exercise_6 = Exercise(
    plain / mean,
    because="Nearly all of DANA's floor is noise that an average calms.",
    mistakes={
        mean / plain: "This is one over the factor.",
        (plain + 0.01) / (mean + 0.01): "This is the ratio of risks: leave the label noise out.",
        predict(clean, dana, [20_000]).excess[0] / mean: "This is DANA without label noise.",
    },
    hint="Averaged(DANA.for_problem(problem), tail=10_000), and the last excess.",
)
exercise_6(answer_6)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. And for comparison, what the same average does for SGD.
noisy = PowerLaw(alpha=1.0, beta=0.2, v=10**6, noise=0.01)
end = lambda rule: predict(noisy, rule, [20_000]).excess[0]
gain = lambda rule: end(rule) / end(Averaged(rule, tail=10_000))
exercise_6.solution(
    gain(DANA.for_problem(noisy)), f"the same average gains {gain(SGD(rate)):.2f} for SGD"
)

# %% [markdown]
# ## References
#
# - Functional scaling laws and schedules: arXiv 2509.19189; optimal schedules: arXiv 2602.06797.
# - SGD with an exponential moving average: arXiv 2502.14123.
# - D. Ferbach et al. (2025), *Dimension-adapted Momentum Outscales SGD*: arXiv 2505.16098.
# - Theory pages: [schedules](../theory/schedules.md), [averaging](../theory/averaging.md),
#   [momentum](../theory/momentum.md).
