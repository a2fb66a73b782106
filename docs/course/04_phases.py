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
# # 4. Four terms, seven phases
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/04_phases.ipynb)
#
# The risk of a model in training has a long history and many causes. In this model they are four,
# and each is a power of the size $d$ and of the time $\gamma t$. Whichever two of them balance
# when a budget is spent well decide how the risk falls with compute. The plane of problems falls
# into seven regions, the phases, and you can derive every one of them with a pencil and a few
# straight lines.
#
# ## Goals
#
# Afterwards you can
#
# - split a risk into capacity, population, distortion and SGD noise, and compute two by hand;
# - say where the exponent of each of the four comes from;
# - derive a phase by balancing two lines, and all phases by a small linear program;
# - read the plane of phases, and test an exponent against risks at finite size.

# %% tags=["hide-cell"]
import importlib.util

SOURCE = "git+https://github.com/solvable-models/solvable"
if importlib.util.find_spec("solvable") is None:  # on Colab
    get_ipython().run_line_magic("pip", f"install -q {SOURCE}")

# %%
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq, linprog

from solvable import PowerLaw, phase, plot, predict
from solvable.asymptotics.phases import monomials
from solvable.exercises import Exercise
from solvable.verify import half_trace

plt.style.use(plot.STYLE)

# %% [markdown]
# ## A question first
#
# Inputs are $x_j = j^{-\alpha} z_j$, the target is $\sum_j j^{-\beta} x_j$, and the model sees $d$
# random features of $x$ (Lessons 1 to 3). Compute is features times samples, $f = d\,t$ at batch
# size 1. At $\alpha = 0.7$, $\beta = 1.2$ the best risk for a budget $f$ falls as $f^{-0.643}$.
#
# Now make the target much easier: $\beta = 1.8$, so that nearly all of it lies on the first few
# coordinates. **How does the best risk fall now?** Write down your exponent before you go on; the
# answer comes near the end of the lesson.

# %%
my_prediction = -0.9  # your exponent of f at beta = 1.8

# %% [markdown]
# ## The four terms
#
# Write the expected risk as $P(t) = F(t) + N(t)$. The **forcing** $F$ is the risk without the
# feedback of SGD noise, when each mode is left to itself; $N$ is that feedback. With
# $\lambda_j = j^{-2\alpha}$ and one effective ridge $\kappa_0$, set by $d$ through
#
# $$ \sum_{j=1}^{v} \frac{\lambda_j}{\lambda_j + \kappa_0} = d, $$
#
# direction $j$ can be learned by a share $q_j = \lambda_j / (\lambda_j + \kappa_0)$. Two terms
# follow at once. **Capacity** is the share that no training removes; **population** is the share
# that can be learned but is not yet:
#
# $$ F_0 = \sum_j j^{-2\alpha - 2\beta} (1 - q_j), \qquad
#    F_{pp}(t) = \sum_j j^{-2\alpha - 2\beta}\, q_j\, a(\lambda_j)^t , $$
#
# where $a(\lambda) = 1 - 2 \gamma \lambda + 2 \gamma^2 \lambda^2$ is what one step at batch size 1
# does to a mode. **Distortion** is the rest of $F$: random features bend the modes, and mix a
# little of the large ones into the small ones. **SGD noise** is $N$. By hand, the first two:

# %%
alpha, beta, v, d = 1.0, 0.7, 10**5, 1000
j = np.arange(1.0, v + 1)
lam, target = j ** (-2 * alpha), j ** (-2 * alpha - 2 * beta)
excess_df = lambda log_kappa: np.sum(lam / (lam + np.exp(log_kappa))) - d
kappa = np.exp(brentq(excess_df, -40, 10, xtol=1e-14))
q = lam / (lam + kappa)

gamma = 0.5 / lam.sum()  # half of one over the trace: stable at any size
t = np.unique(np.geomspace(1, 10**11, 135).round().astype(int))
keep = 1 - 2 * gamma * lam + 2 * gamma**2 * lam**2
capacity = np.sum(target * (1 - q))
population = np.array([np.sum(target * q * keep**n) for n in t])

# %% [markdown]
# The package gives all four with `terms=True`. Its numbers are those of the *deterministic
# equivalent*: averages over the features, up to a relative error of order $1/d$ (slower to vanish
# for $2\alpha < 1$).

# %%
problem = PowerLaw(alpha=alpha, beta=beta, v=v, d=d)
curve = predict(problem, half_trace(problem), t, terms=True)
seen = population > 1e-12  # further on only rounding is left
off = np.abs(population[seen] / curve.terms["population"][seen] - 1).max()
print(f"capacity by hand {capacity:.9e}, by solvable {curve.terms['capacity'][0]:.9e}")
print(f"population: largest relative difference {off:.1e}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(plot.PAGE, 2.9), sharey=True)
for ax, (a, b) in zip(axes, [(1.0, 0.7), (0.7, 1.2)], strict=True):
    shown = PowerLaw(alpha=a, beta=b, v=2 * 10**6, d=20_000)
    curve = predict(shown, half_trace(shown), t, terms=True)
    plot.curve(ax, curve, color="black", label="risk, the sum")
    plot.terms(ax, curve)
    ax.set(title=rf"$\alpha = {a}$, $\beta = {b}$, $d = 20\,000$", ylim=(1e-10, 3))
axes[1].set_ylabel("")
axes[1].legend()
plt.show()

# %% [markdown]
# Read each panel from left to right. First population falls, with SGD noise beside it, or on the
# right panel above it. Then distortion, a slow line that starts low, carries a good part of the
# risk. In the end only what does not depend on time is left: capacity, and the noise that capacity
# itself keeps up, for what a model cannot express looks like label noise to its gradient.
#
# ## Where the exponents come from
#
# Let $\tau = \gamma t$. Until time $\tau$ the modes with $\lambda_j > 1/\tau$ are learned, those
# up to $J = \tau^{1/(2\alpha)}$. And $\kappa_0 \sim d^{-2\alpha}$, the scale of eigenvalue number
# $d$.
#
# - **Population** is the tail that is left: $\sum_{j > J} j^{-2\alpha-2\beta} \sim
#   J^{-(2\alpha+2\beta-1)} = \tau^{-(2\alpha+2\beta-1)/(2\alpha)}$.
# - **Capacity** has two parts, $j > d$ and $j < d$. The first is the same tail at $J = d$. In the
#   second $1 - q_j \approx \kappa_0/\lambda_j$, so it is $\kappa_0 \sum_{j<d} j^{-2\beta}$: of the
#   order of the first if $2\beta < 1$, and $d^{-2\alpha}$, which is larger, if the sum converges.
#   Together, $d^{-2\alpha + \max(0,\, 1 - 2\beta)}$.
# - **Distortion**: in the resolvent $\sum_j j^{-2\alpha-2\beta} / (m \lambda_j - z)$ the features
#   turn 1 into $m = 1 - \mathrm{df}_1/d$, with $\mathrm{df}_1 \sim |z|^{-1/(2\alpha)}$. To first
#   order in $1/d$ and at small $z$ this adds $(\mathrm{df}_1/d) \sum_j j^{-2\beta}$, so the target
#   has a density $\sim \lambda^{-1/(2\alpha)}/d$ on small eigenvalues, if $2\beta > 1$. Then
#   $\int \lambda^{-1/(2\alpha)} e^{-2\tau\lambda} d\lambda / d \sim d^{-1}
#   \tau^{-(1 - 1/(2\alpha))}$, if $2\alpha > 1$.
# - **SGD noise**: risk at an earlier step $r$ puts $\gamma^2 \lambda_j^2 P(r)$ on mode $j$, which
#   decays after. The sum $K(t) = \gamma^2 \sum_j \lambda_j^2 e^{-2\tau\lambda_j} \sim \gamma^2
#   J^{-(4\alpha-1)}$, if $4\alpha > 1$, is what returns of an early risk. If $2\beta > 1$ most risk
#   is early, over $1/\gamma$ steps, so it returns as $K/\gamma \sim \gamma\, \tau^{-(2 -
#   1/(2\alpha))}$. (If $2\beta < 1$ the noise of later risk is larger; it only repeats the others,
#   like the echo below.)
#
# These are *asymptotic* statements. The function `monomials` lists them as (exponent of $d$,
# exponent of $t$). Here they are beside slopes of the true terms between two steps.

# %%
large = PowerLaw(alpha=0.7, beta=1.2, v=10**14, d=10**8)
early, late = (predict(large, half_trace(large), [n], terms=True).terms for n in (1000, 10_000))
names = {"capacity": "F_0", "population": "F_pp", "distortion": "F_ac", "sgd_noise": "K_pp"}
print(f"{'term':12}{'slope in t':>12}{'monomial':>10}")
for term, symbol in names.items():
    slope = np.log10(late[term][0] / early[term][0])
    print(f"{term:12}{slope:12.4f}{monomials(0.7, 1.2)[symbol][1]:10.4f}")

# %% [markdown]
# Population has reached its power; distortion and noise have come within a hundredth of
# theirs. What `terms` calls SGD noise is *all* of $P - F$: besides $K/\gamma$ it holds an echo of
# each other term, a fixed share of it. The echo has the exponent of the term it repeats, so it
# changes constants and no exponent.
#
# ## One phase by hand
#
# Spend $f = d\,t$ as $d = f^s$, $t = f^{1-s}$. (Here $s$ is the split, not the exponent of lesson
# 1.) A term $d^x t^y$ becomes $f^{\,y + (x - y) s}$: on
# the scale $\log_f$ it is a **straight line** in $s$. The largest term is the upper envelope of
# the lines, and the best split is its lowest point. At $\alpha = 1$, $\beta = 0.7$,
#
# $$ F_0: -2s, \quad F_{pp}: -\tfrac65 (1 - s), \quad F_{ac}: -s - \tfrac12 (1 - s), \quad
#    K/\gamma: -\tfrac32 (1 - s). $$
#
# Lines that fall with $s$ are cured by size, those that rise by steps. The highest crossing of a
# falling with a rising one is where $F_{ac} = F_{pp}$:
# $-\tfrac12 - \tfrac12 s = -\tfrac65 + \tfrac65 s$, so $s = \tfrac{7}{17}$.

# %%
s = (Fraction(6, 5) - Fraction(1, 2)) / (Fraction(1, 2) + Fraction(6, 5))
theory = phase(Fraction(1), Fraction(7, 10))
print("by hand    d* ~ f^", s, "  risk ~ f^", -Fraction(6, 5) * (1 - s))
print("solvable   d* ~ f^", theory.size_exponent, "  risk ~ f^", theory.loss_exponent)
print(theory)


# %% [markdown]
# Does the real risk know of these lines? We take it at three budgets and many splits, and draw
# $\log_f P$. Constants in front of the monomials shift it by $O(1/\log f)$.


# %%
def split_risk(alpha, beta, s, f):
    """Risk after f^(1-s) steps with f^s features; v is so large that it is out of the way."""
    problem = PowerLaw(alpha=alpha, beta=beta, v=10**14, d=round(f**s))
    return predict(problem, half_trace(problem), [round(f ** (1 - s))]).risk[0]


fig, ax = plt.subplots(figsize=(4.4, 3.0))
s_line, s_run = np.linspace(0.1, 0.9, 200), np.linspace(0.2, 0.8, 25)
for term, symbol in names.items():
    x, y = (float(e) for e in monomials(1.0, 0.7)[symbol])
    label = rf"${symbol[0]}_{{{symbol[2:]}}}$" if symbol != "K_pp" else r"$K/\gamma$"
    ax.plot(s_line, y + (x - y) * s_line, color=plot.TERMS[term], label=label)
for f, colour in zip([1e8, 1e12, 1e16], plot.sequence(3)[::-1], strict=True):
    risks = np.array([split_risk(1.0, 0.7, s, f) for s in s_run])
    power = round(np.log10(f))
    ax.plot(
        s_run, np.log(risks) / np.log(f), ".", color=colour, label=f"risk, $f = 10^{{{power}}}$"
    )
ax.axvline(float(theory.size_exponent), ymax=0.6, color="0.6", lw=0.6)
ax.set(xlabel="split $s$, with $d = f^s$", ylabel=r"$\log_f$ of the terms", ylim=(-1.2, 0))
ax.set_title("Phase II: the risk follows the upper envelope")
ax.legend(ncols=2)
plt.show()

# %% [markdown]
# The dots follow the envelope and creep towards it as $f$ grows. Their lowest point lies near the
# grey line, $s = 7/17$. It is round; a *corner* it is only in the limit.
#
# ## All phases by a linear program
#
# "Make the largest of several lines as small as possible" is a linear program in two variables:
# minimise $\ell$ such that $y_i + (x_i - y_i) s \le \ell$ for every term $i$, and $0 \le s \le 1$.


# %%
def program(alpha, beta):
    """Exponents of the best risk and the best size."""
    x, y = np.array([[float(e) for e in m] for m in monomials(alpha, beta).values()]).T
    found = linprog(
        [0, 1],  # of (s, l), make l small
        A_ub=np.column_stack([x - y, -np.ones_like(x)]),
        b_ub=-y,
        bounds=[(0, 1), (None, None)],
    )
    return found.x[::-1]


points = [(1.0, 0.3), (0.4, 0.4), (0.2, 0.7), (1.0, 0.7), (0.7, 1.2), (0.4, 0.8), (0.27, 0.7)]
for a, b in points:
    exact, (loss, size) = phase(a, b), program(a, b)
    off = max(abs(loss - exact.loss_exponent), abs(size - exact.size_exponent))
    balance = " = ".join(exact.terms)
    print(f"{exact.name:4} {a, b}: risk f^{loss:.4f}, d* f^{size:.4f}, {balance}, off {off:.0e}")

# %% [markdown]
# The package solves the same program in exact fractions. Which two terms balance names the phase.
# All of them together make a map of the plane.

# %%
fig, ax = plt.subplots(figsize=(3.6, 3.2))
plot.phase_plane(ax, points=[(0.7, 1.2), (0.7, 1.8)])
ax.plot([0.7, 0.7], [1.2, 1.8], color="black")
ax.set_title("The phases; the line is our question")
plt.show()

# %% [markdown]
# Right of $\alpha = 1/4$ the exponents are *proven* (Paquette et al., 2024); left of it, phase Ic
# and a corner of Ib, they are a *conjecture*, and `phase(...).proven` says so.
#
# ## The answer
#
# *Nothing changes at all.* From $\beta = 1.2$ to $1.8$ we stay in phase III, where distortion
# balances SGD noise. Neither depends on $\beta$: both come from the features and the inputs, once
# the target is easy enough.
# Now the run, on risks at finite size, without any exponent put in.

# %%
splits = np.linspace(0.45, 0.55, 41)
for b in (1.2, 1.8):
    low, high = (min(split_risk(0.7, b, s, f) for s in splits) for f in (1e13, 1e14))
    print(
        f"beta = {b}: slope {np.log10(high / low):.4f}, exponent {phase(0.7, b).loss_exponent:.4f}"
    )
print(f"your prediction for beta = 1.8 was {my_prediction}")

# %% [markdown]
# If you guessed a steeper fall, you are in good company: an easier target is learned to a smaller
# risk, by a constant factor. But the rate at which compute buys risk is set by the bottleneck, and
# here the bottleneck is no longer the target.
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# At $\alpha = 1$, $\beta = 0.3$ capacity balances population. Balance the two lines by hand. What
# is the exponent of the best size $d^*$ in $f$?

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    phase(1.0, 0.3).size_exponent,
    because="-1.6 s = -0.8 (1 - s), so s = 1/3: most compute goes into steps.",
    mistakes={
        0.8 / 2.8: "You took capacity as d^-2. At 2 beta < 1 the tail counts: d^(-2 + 1 - 0.6).",
        2 / 3: "This is 1 - s, the exponent of the number of steps.",
        phase(1.0, 0.3).loss_exponent: "This is the exponent of the risk.",
    },
    hint="Capacity is d^-1.6, population is t^-0.8; put d = f^s and t = f^(1-s).",
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Capacity: -2 alpha + (1 - 2 beta) = -1.6 per power of d. Population: -0.8 per power
# of t. So 1.6 s = 0.8 (1 - s).
exercise_1.solution(0.8 / (1.6 + 0.8))

# %% [markdown]
# ### Exercise 2 (medium)
#
# At $\alpha = 1$, $\beta = 0.7$ and fixed $d$, population falls below distortion at a step
# $t_\times \sim d^{\,x}$. Find $x$ from the monomials (and look for it in the first figure).

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_2 = Exercise(
    1 / 0.7,
    because="t^-1.2 = d^-1 t^-0.5, so t^0.7 = d.",
    mistakes={
        1 / 1.7: "To bring t^-0.5 to the left, divide by it: -1.2 + 0.5, not -1.2 - 0.5.",
        2 / 1.2: "This is where population meets capacity, t^-1.2 = d^-2.",
        1 / 1.2: "You left out that distortion falls with t too, as t^-0.5.",
        0.7: "Nearly: t^0.7 = d. Now solve for t.",
    },
    hint="Set t^-1.2 equal to d^-1 t^-0.5.",
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution, from the monomials. At d = 20 000 that is 10^6.1, and the lines of the figure cross
# below 10^6: a monomial has a constant in front, which the exponent does not know.
(x_pp, y_pp), (x_ac, y_ac) = (monomials(1.0, 0.7)[term] for term in ("F_pp", "F_ac"))
exercise_2.solution((x_ac - x_pp) / (y_pp - y_ac))

# %% [markdown]
# ### Exercise 3 (medium)
#
# For $\alpha < 1/2$ the trace $\sum_j j^{-2\alpha}$ grows with the size, and the largest stable
# rate shrinks as $\gamma \sim d^{\,2\alpha - 1}$. At $\alpha = 0.4$, $\beta = 0.8$ (phase IVa)
# balance capacity $d^{-2\alpha}$ against $\gamma \tau^{-(2 - 1/(2\alpha))}$. What is the exponent
# of the risk?

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_3 = Exercise(
    phase(0.4, 0.8).loss_exponent,
    because="in IVa the best size is f^(1/2) and the risk f^-alpha.",
    mistakes={
        -0.8 * 0.75 / 1.55: "You kept gamma constant. It falls with size: gamma = d^-0.2.",
        -0.8 * 0.75 / 1.35: "tau = gamma t holds a gamma too, d^-0.2: it makes the noise larger.",
        -0.8 * 0.75 / 1.7: "You put gamma into tau but not in front: the noise is gamma tau^-0.75.",
        0.5: "This is the exponent of d*.",
    },
    hint="The noise is d^-0.2 (d^-0.2 t)^-0.75.",
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The noise is d^(-0.2 + 0.15) t^-0.75. Balance: -0.8 s = -0.05 s - 0.75 (1 - s).
exercise_3.solution(-0.8 * 0.75 / (0.75 + 0.8 - 0.05))

# %% [markdown]
# ### Exercise 4 (hard)
#
# In phase IV the line of the noise, $\log_f(K/\gamma)$, falls with $s$ for small $\alpha$ and
# rises for larger $\alpha$. Where it is level the phase changes from IVb to IVa. Find that
# $\alpha$, between $1/4$ and $1/2$, to four digits.

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_4 = Exercise(
    1 - np.sqrt(0.5),
    because="(2a-1)(1/(2a) - 1) + 2 - 1/(2a) = 0, or 2 a^2 - 4 a + 1 = 0.",
    mistakes={
        0.25: "There the noise appears at all, since sum_j j^(-4 alpha) begins to converge.",
        1 + np.sqrt(0.5): "The other root of the quadratic; alpha lies below 1/2.",
        (np.sqrt(5) - 1)
        / 4: "You set the exponent of gamma alone against that of t. Put gamma into tau as well.",
    },
    rtol=1e-3,
    hint="Write the noise as d^x t^y with gamma = d^(2 alpha - 1); the line is level where x = y.",
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution: the root of x - y, of the monomial itself.
tilt = lambda a: float(np.subtract(*monomials(round(a, 9), 1.0)["K_pp"]))
exercise_4.solution(brentq(tilt, 0.26, 0.45))

# %% [markdown]
# ### Exercise 5 (research)
#
# Who says that the largest stable learning rate is the best one? Let $\gamma = f^{-u}$ with $u$
# free, as long as it is stable: $u \ge \max(0, 1 - 2\alpha)\, s$. Now it is a linear program in
# three variables $(s, u, \ell)$. Where in the plane does a smaller rate help, and how much? As a
# core that can be checked: the best exponent of the risk at $\alpha = 0.4$, $\beta = 0.8$, which
# is $-0.4$ at the largest rate. (Derived by the same lines, not proven; you can hold it against
# `frontier` of the next lesson, with a rule whose `gamma` falls as a power of `d`.)

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_5 = Exercise(
    float(Fraction(-28, 67)),
    because="three terms balance, capacity, population and noise, at s = 35/67 and u = 16/67.",
    mistakes={
        -0.4: "This is with the largest stable rate. A smaller one lowers the noise: u > 0.2 s.",
        -0.8 * 1.75 / 2.9: "You left the noise out, and then u at the largest stable rate is best.",
        -1.4 / 2.55: "You let u go down to 0, which is not stable here, and left the noise out.",
    },
    rtol=1e-3,
    hint="Terms: -0.8 s;  -1.75 (1 - s - u);  -u - 0.75 (1 - s - u).",
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. In tau = f^(1 - s - u). Rows: capacity, population, noise; then stability,
# 0.2 s - u <= 0. For alpha > 1/2 a smaller rate makes K/gamma larger, since it is
# gamma^(-(1 - 1/(2 alpha))) t^(...): there nothing is gained.
rows = [[-0.8, 0, -1], [1.75, 1.75, -1], [0.75, 0.75 - 1, -1], [0.2, -1, 0]]
bounds = [(0, 1), (0, 1), (None, None)]
found = linprog([0, 0, 1], A_ub=rows, b_ub=[0, 1.75, 0.75, 0], bounds=bounds)
exercise_5.solution(found.x[2])

# %% [markdown]
# ## References
#
# - E. Paquette, C. Paquette, L. Xiao, J. Pennington (2024), *4+3 Phases of Compute-Optimal Neural
#   Scaling Laws*, [arXiv 2405.15074](https://arxiv.org/abs/2405.15074): the four terms (Section
#   3), the phases and their exponents (Section 4).
# - The page on [random features](../theory/random_features.md) derives the resolvent, the
#   recursion and the terms in full.
