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
# # 10. Fits that lie
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/10_fits.ipynb)
#
# Scaling laws are fitted: five numbers, $L = E + A/d^a + B/t^b$, to a few dozen losses. The
# curves go through the points, the residuals are tiny, the exponents get error bars, and budgets
# are planned with them. But nobody knows the true exponents of a language model, so nobody can
# say whether the fit told the truth. Here we can: our losses come from a model whose exponents
# and irreducible loss are known. We shall make beautiful fits, and look up how wrong they are.
#
# ## Goals
#
# After this lesson you can
#
# - explain why a tiny residual is no evidence for the form that was fitted;
# - show how irreducible loss and exponent trade against each other, with a profile;
# - read an exponent from local slopes, and see whether it has converged;
# - say what a bootstrap error contains, and what it cannot contain;
# - recognise an optimum at the edge of a grid, and report a fit honestly.

# %% tags=["hide-cell"]
import importlib.util

if importlib.util.find_spec("solvable") is None:  # on Colab
    source = "git+https://github.com/solvable-models/solvable"
    get_ipython().run_line_magic("pip", f"install -q {source}")

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import least_squares

from solvable import GradientFlow, PowerLaw, Ridge, plot, predict
from solvable.asymptotics import finite_exponents
from solvable.exercises import Exercise

plt.style.use(plot.STYLE)
rng = np.random.default_rng(1)

# %% [markdown]
# ## The laboratory
#
# Random features, $\alpha = 0.7$, $\beta = 1.2$, trained by gradient flow on fresh data without
# end. Only width $d$ and time $t$ limit the loss, and the label noise $\sigma^2 = 0.1$ is what
# nothing can remove. So we *know* the constants of the law, as $d, t \to \infty$:
#
# $$ E = \sigma^2, \qquad p = \min(2\alpha + 2\beta - 1,\, 2\alpha), \qquad
# q = \frac{2\alpha + 2\beta - 1}{2\alpha} . $$
#
# $E$ is exact, $q$ is a two-line integral, and $p$ is derived and seen in numbers. The losses are
# the deterministic equivalent. For infinite width they are one sum, which we check by hand.

# %%
alpha, beta, noise = 0.7, 1.2, 0.1


def losses(d, t):
    """Expected loss of width d at times t."""
    problem = PowerLaw(alpha=alpha, beta=beta, v=10**8, d=int(d), noise=noise)
    return predict(problem, GradientFlow(), t).risk


t = np.geomspace(30, 10**4, 10)
wide = PowerLaw(alpha=alpha, beta=beta, v=10**6, noise=noise)
theirs = predict(wide, GradientFlow(), t).excess
j = np.arange(1, 10**6 + 1)
ours = [np.sum(j ** (-2.0 * (alpha + beta)) * np.exp(-2 * x * j**-1.4)) for x in t]
off = np.max(np.abs(np.array(ours) / theirs - 1))
print(f"excess at infinite width, by hand against solvable: {off:.0e}")
true = {"E": noise, "p": finite_exponents(wide).width, "q": finite_exponents(wide).time}
print({name: round(float(x), 4) for name, x in true.items()})

# %% [markdown]
# ## A question first
#
# We take 60 losses: six widths from 32 to 1024, ten times from 30 to 10 000, all without any error
# of measurement. The five-parameter form fits them to 0.2 per cent (root mean square), with $R^2 >
# 0.999$. The true exponent of time is $q = 2$. What does the fit say it is?

# %%
my_prediction = 1.9  # the fitted exponent of time

# %% [markdown]
# ## A beautiful fit
#
# We fit the logarithm of the loss by least squares, from several starting points, and keep the
# best: that is the common practice, and there is nothing wrong with it.

# %%
d = np.geomspace(32, 1024, 6).round()
L = np.array([losses(size, t) for size in d])  # 6 widths, 10 times
D, T = np.meshgrid(d, t, indexing="ij")


def form(x, d, t):
    """E + A / d^p + B / t^q, with logarithms of E, A and B."""
    return np.exp(x[0]) + np.exp(x[1] - x[2] * np.log(d)) + np.exp(x[3] - x[4] * np.log(t))


def fit(d, t, L, starts=((0.5, 0.5), (1.0, 1.0), (1.5, 1.5)), form=form, more=()):
    """The best of several least-squares fits of log L."""
    error = lambda x: np.ravel(np.log(form(x, d, t) / L))
    first = [np.r_[np.log(0.9 * L.min()), 0.0, p, 0.0, q, more] for p, q in starts]
    found = [least_squares(error, x, x_scale="jac", max_nfev=2000) for x in first]
    return min(found, key=lambda f: f.cost)


best = fit(D, T, L)
rms = np.sqrt(np.mean(best.fun**2))
r2 = 1 - np.sum(best.fun**2) / np.sum((np.log(L) - np.log(L).mean()) ** 2)
print(f"residuals {rms:.2%} (root mean square), R^2 = {r2:.5f}")
for name, value in zip("Epq", (np.exp(best.x[0]), best.x[2], best.x[4]), strict=True):
    print(f"  {name}: fitted {value:.4f}, true {true[name]:.4f}")
print(f"the exponent of time is {best.x[4]:.2f}; you said {my_prediction}, the truth is 2")

# %%
fig, ax = plt.subplots(figsize=(4.6, 3.0))
fine = np.geomspace(30, 10**4, 100)
for k, (size, colour) in enumerate(zip(d, plot.sequence(6), strict=True)):
    ax.loglog(t, L[k], "o", color=colour, mfc="none")
    ax.loglog(fine, form(best.x, size, fine), color=colour, label=f"$d = {size:.0f}$")
ax.set(xlabel="time $t$", ylabel="loss", ylim=(0.098, 0.16))
ax.set(title=f"Points: true losses; lines: the fit ($R^2$ = {r2:.4f})")
ax.set_yticks([0.1, 0.12, 0.14], ["0.10", "0.12", "0.14"])
ax.minorticks_off()
_ = ax.legend(loc="upper right", ncols=2)

# %% [markdown]
# One must look closely to see a deviation, and the exponent of time is off by a factor of about
# two. Why? The true loss is not the sum that was fitted. Take away what an infinitely wide model
# has not yet learned, and what width $d$ never learns: something is left, and it is not small.

# %%
never = [predict(PowerLaw(alpha=alpha, beta=beta, v=10**8, d=int(s)), Ridge(), 0.0) for s in d]
cross = L - noise - theirs - np.array([x.excess for x in never])
print("share of the excess that is neither width nor time alone:")
for k in (0, 2, 5):
    shares = " ".join(f"{x:6.1%}" for x in cross[k, ::2] / (L[k, ::2] - noise))
    print(f"  d = {d[k]:4.0f}: {shares}   at t =", *(f"{x:.0f}" for x in t[::2]))

# %% [markdown]
# For easy targets random features *distort* the modes they learn. That adds a product of width and
# time,
#
# $$ \frac{C}{d\; t^{\,1 - 1/2\alpha}} \qquad \text{while } t < d^{\,2\alpha}, $$
#
# up to half of the excess at $d = 1024$, and it fades when width takes over. No $A/d^a + B/t^b$ is
# like it, but over two decades five parameters bend into almost any smooth surface. A small
# residual says that the form can *describe* these points. It does not say that the form is *true*.
#
# What would have told us? Predictions, outside the range that was fitted.

# %%
print("  factor   true excess   of the fit   error of the loss")
for factor in (1, 3, 10, 100):
    size, late = 1024 * factor, 1e4 * factor
    truth, said = losses(size, [late])[0], form(best.x, size, late)
    print(f"{factor:8d}   {truth - noise:11.2e}  {said - noise:11.2e}   {said / truth - 1:+.3%}")

# %% [markdown]
# The *loss* is predicted to a fraction of a per cent, since nearly all of it is the label noise.
# The part that training can still change is predicted to be **negative**: the fitted $E$ lies
# too low, by more than all that is left. Ask for the error of the excess, not of the
# loss.
#
# ## Irreducible loss and exponent trade off
#
# Take the simplest case there is: one curve, infinite width, a hard target ($\beta = 1/4$,
# $\alpha = 3/4$), where $L = E + B t^{-q}$ *is* the right form, with $q = 2/3$. Measure it between
# $t = 10$ and 100, 25 times, to one per cent. For any guess of $E$, the rest is a straight line in
# logarithms: fit its slope, and see how well it fits.

# %%
hard = PowerLaw(alpha=0.75, beta=0.25, v=10**8, noise=0.1)
when = np.geomspace(10, 100, 25)
exact = predict(hard, GradientFlow(), when).risk
measured = exact * np.exp(0.01 * rng.standard_normal(when.size))
guesses = np.linspace(0.0, 0.97 * measured.min(), 300)
slope, misfit = np.empty((2, guesses.size))
for k, E in enumerate(guesses):
    weight = 1 - E / measured  # errors of log (L - E) are those of log L over this
    slope[k], height = np.polyfit(np.log(when), np.log(measured - E), 1, w=weight)
    model = E + np.exp(height + slope[k] * np.log(when))
    misfit[k] = np.sqrt(np.mean(np.log(model / measured) ** 2))

fig, ax = plt.subplots(figsize=(4.6, 3.0))
fine_enough = misfit < 1.08 * misfit.min()  # 95 per cent, for 25 points: exp(3.84 / 50)
ax.plot(guesses, -slope, "k")
ax.plot(guesses[fine_enough], -slope[fine_enough], color="C1", lw=5, alpha=0.5)
ax.plot(0.1, 2 / 3, "*", color="C2", ms=10)
ax.annotate("truth", (0.1, 2 / 3), xytext=(-34, 2), textcoords="offset points", color="C2")
ax.text(0.02, 0.75, "orange: fits as well as\nthe best, at 95 %", color="C1")
ax.set(xlabel="irreducible loss $E$ that was assumed", ylabel="exponent $q$ that is found")
ax.set(title="Each point of this line is a fit")
low, high = -slope[fine_enough].min(), -slope[fine_enough].max()
print(f"residuals at best {misfit.min():.2%}; as good at 95 %: exponents from ", end="")
print(
    f"{min(low, high):.2f} to {max(low, high):.2f}, E from {guesses[fine_enough][0]:.3f} ", end=""
)
print(f"to {guesses[fine_enough][-1]:.3f}")

# %% [markdown]
# Irreducible loss and exponent are tied together: a whole stretch of the line fits as well as the
# best point, *although the form is right*. Whoever fixes $E$ chooses $q$. The cheapest remedy is
# range: the loss must come close to $E$, so that it shows.
#
# ## Local slopes and windows
#
# A fit gives one number and hides that it depends on the window. The local slope
# $-d \log (L - E) / d \log t$ shows it. Here without errors of measurement, for the true $E$, for
# two that are a little too small, and for none:

# %%
far = np.geomspace(3, 3e5, 61)
curve = predict(hard, GradientFlow(), far).risk

fig, ax = plt.subplots(figsize=(4.6, 3.0))
for E, style in ((0.1, "C2-"), (0.095, "C0--"), (0.09, "C0:"), (0.0, "C3-.")):
    local = -np.gradient(np.log(curve - E), np.log(far))
    ax.semilogx(far, local, style, label=f"$E = {E:g}$" + (" (true)" if E == 0.1 else ""))
ax.axhline(2 / 3, color="0.6", lw=0.8, zorder=0)
ax.set(xlabel="time $t$", ylabel="local slope", ylim=(0, 0.8))
ax.set(title="A wrong $E$ shows late, as a slope that bends")
_ = ax.legend(loc="lower left")

# %% [markdown]
# Only the true $E$ has a plateau, and it is the plateau that is an exponent. With any smaller $E$
# the slope falls towards zero, sooner or later; with one that is too large it rises. A slope that
# is still moving at the end of the data is not an exponent yet.
#
# ## Error bars that do not contain the truth
#
# Back to the 60 losses. Real losses scatter, so we add an error of 0.2 per cent and bootstrap: draw
# the 60 points with replacement, fit again, and take the middle 95 per cent.

# %%
noisy = (L * np.exp(0.002 * rng.standard_normal(L.shape))).ravel()
points = D.ravel(), T.ravel()
boot = []
for _ in range(60):
    at = rng.integers(0, 60, 60)
    boot.append(fit(points[0][at], points[1][at], noisy[at], starts=((1.3, 1.0),)).x)
boot = np.array(boot)
for name, values in (("E", np.exp(boot[:, 0])), ("p", boot[:, 2]), ("q", boot[:, 4])):
    low, high = np.quantile(values, [0.025, 0.975])
    verdict = "contains" if low <= true[name] <= high else "misses"
    print(f"{name}: {low:.4f} to {high:.4f}, {verdict} the truth {true[name]:.4f}")

# %% [markdown]
# A bootstrap asks how the answer scatters if the points are drawn anew *and the form is right*. It
# knows nothing of the term that is missing. More points would make the intervals narrower, not
# truer.
#
# ## The optimum at the edge
#
# For compute $C = d\, t$, each budget takes the width with the least loss, and then $d^* \sim C^x$
# is fitted. Let the widths stop at 1024, as a cluster may have it.

# %%
budgets = np.geomspace(10**3, 10**7, 9)
sizes = np.round(2 ** np.arange(5, 16.01, 0.5))
table = np.array([losses(size, budgets / size) for size in sizes])
for largest in (1024, 65536):
    allowed = sizes <= largest
    at = np.argmin(table[allowed], axis=0)
    x = np.polyfit(np.log(budgets), np.log(sizes[at]), 1)[0]
    edge = np.sum(at == allowed.sum() - 1)
    print(f"widths up to {largest:5d}: d* ~ C^{x:.3f}, with {edge} of 9 optima at the edge")
    print("   d* =", *(f"{size:.0f}" for size in sizes[at]))
print(f"derived for the limit: C^{finite_exponents(wide).best_width:.3f}")

# %% [markdown]
# Budgets whose best width is the largest of the grid do not know their optimum: their loss is
# too high, their width too small, and both slopes come out wrong. Leave them out, and say so.
# (`frontier` interpolates between widths, and flags such budgets as `at_edge`.)
#
# ## What to report instead
#
# - **The range**: how many decades in each variable, and how far the loss is above $E$.
# - **Local slopes** with their trend, beside any fitted exponent.
# - **A profile** of the irreducible loss: exponents at every $E$ that fits about as well.
# - **A prediction held out**: fit all but the last factor of ten, and give the error of the
#   *excess* there. Hold out the far end, not random points.
# - **Another form** that fits as well, and what it says. The spread is the error bar.
# - **Budgets at an edge**: how many, and left out.
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# $L = E + B t^{-q}$ with $q = 0.6$. Somebody takes the slope of $\log L$ against $\log t$, without
# subtracting $E$, where the loss is twice the irreducible one. What slope (signed) do they find?

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    -0.3,
    because="d log L / d log t = -b (L - E) / L, and half of the loss is reducible.",
    mistakes={
        -0.6: "This is the slope of log (L - E).",
        -0.4: "Divide by the whole loss: (L - E) / L = 1/2.",
        -1.2: "E makes the slope smaller, not larger.",
    },
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Numerically, with E = B = 1 at t = 1, where L = 2 E.
x = np.array([-1e-4, 1e-4])
solution_1 = np.diff(np.log(1 + np.exp(-0.6 * x)))[0] / 2e-4
exercise_1.solution(solution_1)

# %% [markdown]
# ### Exercise 2 (medium)
#
# On the noiseless curve `exact`, at the times `when`: which exponent (positive) does the straight
# line in logarithms give if $E = 0$ is assumed? (`np.polyfit`, without weights.)

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
line = lambda y, x=when: -np.cov(np.log(x), np.log(y))[0, 1] / np.var(np.log(x), ddof=1)
exercise_2 = Exercise(
    line(exact),
    because="Little more than a third of the truth, from a line that looks straight enough.",
    mistakes={
        line(exact - 0.1): "This is with the true E subtracted; assume E = 0.",
        line(exact[-5:], when[-5:]): "This is the slope of the end only. Take all 25 points.",
        line(exact) / np.log(10): "Take the same logarithm on both axes.",
    },
    rtol=0.005,
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. One line.
solution_2 = -np.polyfit(np.log(when), np.log(exact), 1)[0]
exercise_2.solution(solution_2, f"the truth is {2 / 3:.3f}")

# %% [markdown]
# ### Exercise 3 (medium)
#
# How many of the nine budgets have their optimum at the edge when widths end at 256? (Use `table`
# and `sizes`.)

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
up_to = lambda largest: table[sizes <= largest].argmin(axis=0) == np.sum(sizes <= largest) - 1
exercise_3 = Exercise(
    int(np.sum(up_to(256))),
    because="From the first of these budgets on, the fit of d* sees a horizontal line.",
    mistakes={
        int(np.sum(up_to(1024))): "This is for widths up to 1024.",
        9: "The smallest budget prefers less than 256.",
        9 - int(np.sum(up_to(256))): "These are the budgets that are *not* at the edge.",
    },
    rtol=1e-6,
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Count where the best width is the largest.
few = sizes[sizes <= 256]
solution_3 = sum(few[np.argmin(column[: few.size])] == 256 for column in table.T)
exercise_3.solution(solution_3)

# %% [markdown]
# ### Exercise 4 (hard)
#
# The honest test. Fit the form to the losses with $t \le 1000$ (all widths), and predict the
# *excess* over the true $E$ at $t = 10^4$ and $d = 1024$. What is the ratio of prediction to truth?
# (A negative number is possible. To five per cent.)

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
early = t <= 1000
held = fit(D[:, early], T[:, early], L[:, early])
truth_4 = L[-1, -1] - noise
exercise_4 = Exercise(
    (form(held.x, 1024, 1e4) - noise) / truth_4,
    because="The loss was right to a fraction of a per cent; what training can change was not.",
    mistakes={
        form(held.x, 1024, 1e4) / L[-1, -1]: "This is the ratio of the losses, nearly one: "
        "subtract the true E = 0.1 from both.",
        (form(best.x, 1024, 1e4) - noise) / truth_4: "This fit has seen the late times.",
        (form(held.x, 1024, 1e4) - np.exp(held.x[0])) / truth_4: "Subtract the true E, not the "
        "fitted one.",
    },
    rtol=0.05,
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Fit the early part, predict the late.
early = t <= 1000
x = fit(D[:, early], T[:, early], L[:, early]).x
solution_4 = (form(x, 1024, 1e4) - noise) / (losses(1024, [1e4])[0] - noise)
remark = f"of the loss itself the ratio is {form(x, 1024, 1e4) / L[-1, -1]:.4f}"
exercise_4.solution(solution_4, remark)

# %% [markdown]
# ### Exercise 5 (research)
#
# *Can the data choose the form?* Take more losses than above: seven widths from 64 to 4096, ten
# times from 10 to 10 000. Fit them, and fit them with the missing term $C d^{-1} t^{-(1 -
# 1/2\alpha)}$, with its true exponents and one more parameter, $\log C$. Does the exponent of time
# recover? Then leave its exponents free, let it fade at $t \sim d^{2\alpha}$, try other sums and
# products, and look for a test, on the losses alone, that prefers the true form. A checkable
# core: by which factor does the root mean square residual fall when the one term is added?

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
late = np.geomspace(10, 10**4, 10)
more_d = np.geomspace(64, 4096, 7).round()
more_L = np.array([losses(size, late) for size in more_d])
grid = np.meshgrid(more_d, late, indexing="ij")
crossed = lambda x, d, t: form(x, d, t) + np.exp(x[5]) / d / t ** (1 - 1 / (2 * alpha))
poorer, richer = fit(*grid, more_L), fit(*grid, more_L, form=crossed, more=(-1.0,))
exercise_5 = Exercise(
    np.sqrt(poorer.cost / richer.cost),
    because="The term is in the data; yet even so the exponent of time is not 2.",
    mistakes={
        poorer.cost / richer.cost: "This is the ratio of the squares.",
        np.sqrt(richer.cost / poorer.cost): "The other way round.",
        1.0: "On the first 60 losses it is so: most lie where the term has faded. Take the others.",
    },
    rtol=0.05,
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. One more exponential in the form.
six = lambda x, d, t: form(x, d, t) + np.exp(x[5] - np.log(d) - (1 - 1 / 1.4) * np.log(t))
times, widths = np.geomspace(10, 10**4, 10), np.geomspace(64, 4096, 7).round()
data = np.array([losses(size, times) for size in widths])
both = np.meshgrid(widths, times, indexing="ij")
two = fit(*both, data), fit(*both, data, form=six, more=(0.0,))
said = (f"E {np.exp(f.x[0]):.4f}, p {f.x[2]:.2f}, q {f.x[4]:.2f}" for f in two)
solution_5 = np.sqrt(np.mean(two[0].fun ** 2) / np.mean(two[1].fun ** 2))
exercise_5.solution(solution_5, "of five parameters {}; of six {}".format(*said))

# %% [markdown]
# ## References
#
# - The form that is fitted here: J. Hoffmann et al. (2022), arXiv 2203.15556.
# - Y. Bahri et al. (2021), *Explaining Neural Scaling Laws*: arXiv 2102.06701.
# - B. Bordelon, A. Atanasov, C. Pehlevan (2024), *A Dynamical Model of Neural Scaling Laws*:
#   arXiv 2402.01092.
# - Theory pages: [four regimes](../theory/four_regimes.md),
#   [finite data](../theory/finite_data.md).
