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
# # 1. Power laws and spectra
#
# [![Open in Colab](colab.svg)](https://colab.research.google.com/github/solvable-models/solvable/blob/main/docs/course/01_power_laws.ipynb)
#
# Plot the loss of a neural network against its size, its data or its compute on logarithmic axes,
# and again and again the points lie on a straight line, over several powers of ten. Where does a
# straight line come from? In the models of this course it comes from a sum: many directions, each
# smaller than the one before, and a learner that masters them one after another. This lesson is
# about that sum. Almost everything later in the course is a variation on it.
#
# ## Goals
#
# Afterwards you can
#
# - say what the exponents $\alpha$ and $\beta$ mean, in words and in NumPy;
# - read the exponent of a tail off the exponent of its terms, and say how good that is;
# - compute a local slope, and tell it from an exponent;
# - sum over $10^{18}$ coordinates with a few hundred terms;
# - say when the number of coordinates $v$ matters, and why $2(\alpha + \beta) > 1$ is needed.

# %% tags=["hide-cell"]
import importlib.util

repository = "git+https://github.com/solvable-models/solvable"
if importlib.util.find_spec("solvable") is None:  # on Colab
    get_ipython().run_line_magic("pip", f"install -q {repository}")

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import zeta

from solvable import GradientFlow, PowerLaw, plot, predict
from solvable.exercises import Exercise

plt.style.use(plot.STYLE)
plt.rcParams.update({"figure.dpi": 160, "figure.figsize": (4.6, 2.9)})

# %% [markdown]
# ## A question first
#
# A learner knows the first $k$ coordinates of its target perfectly and nothing of the others. Its
# risk is a tail sum, $R(k) = \sum_{j=k+1}^{v} j^{-1.2}$, with a million coordinates: $v = 10^6$.
# Today it knows 100 of them. **How many times more must it know to halve its risk?**
#
# Our own prediction: the terms fall like $j^{-1.2}$, so the tail falls like $k^{-0.2}$, and
# $2^{1/0.2} = 32$. Write down yours, or keep ours. We come back to it in section 3.

# %%
my_prediction = 32  # times more coordinates

# %% [markdown]
# ## 1. What alpha and beta mean
#
# The inputs have $v$ independent coordinates, $x_j = j^{-\alpha} z_j$ with $z_j$ standard normal.
# So the covariance is diagonal, with eigenvalues
#
# $$\lambda_j = \mathbb E\, x_j^2 = j^{-2\alpha}.$$
#
# The **capacity exponent** $\alpha$ says how fast directions get small. The target is
# $y = \sum_j j^{-\beta} x_j$. The **source exponent** $\beta$ says how fast its coefficients fall.
# The risk of not knowing coordinate $j$ is its part of $\mathbb E\, y^2$,
#
# $$w_j = (j^{-\beta})^2\, \lambda_j = j^{-2\alpha - 2\beta}.$$
#
# Two exponents for two different things: $2\alpha$ for how *visible* a direction is, and
# $2\alpha + 2\beta$ for how much it *matters*. Here are both, measured on samples.

# %%
rng = np.random.default_rng(0)
alpha, beta, v = 1.0, 0.3, 1000
j = np.arange(1, v + 1)
x = rng.standard_normal((5000, v)) * j**-alpha
matters = (x * j**-beta).var(axis=0)  # what is lost without coordinate j

fig, ax = plt.subplots()
some = np.unique(np.geomspace(1, v, 40).astype(int)) - 1
ax.loglog(j[some], x.var(axis=0)[some], "C0o", mfc="none", ms=4)
ax.loglog(j[some], matters[some], "C1o", mfc="none", ms=4)
ax.loglog(j, j ** (-2 * alpha), "C0", label=r"visible: $\lambda_j = j^{-2\alpha}$")
label = r"matters: $w_j = j^{-2\alpha-2\beta}$"
ax.loglog(j, j ** (-2 * alpha - 2 * beta), "C1", label=label)
ax.set(xlabel="coordinate $j$", ylabel="variance")
ax.set_title(r"$\alpha = 1,\ \beta = 0.3$; circles: 5000 samples")
_ = ax.legend()

# %% [markdown]
# On logarithmic axes a power law is a straight line, and its exponent is the slope. With
# $\beta > 0$ the target leans towards the large directions more than the inputs do; with
# $\beta < 0$ less.

# %% [markdown]
# ## 2. Sums and tails
#
# Everything that follows is a sum of $j^{-p}$. A smooth term is close to its mean over the interval
# around it, $j^{-p} \approx \int_{j - 1/2}^{j + 1/2} u^{-p}\, du$. Add these up from $k + 1$ to
# $v$:
#
# $$\sum_{j=k+1}^{v} j^{-p} \approx \int_{k+1/2}^{v+1/2} u^{-p}\, du
# = \frac{(k + \tfrac12)^{1-p} - (v + \tfrac12)^{1-p}}{p - 1}.$$
#
# The error in each term is of the second derivative, about $p(p+1)/(24 j^2)$ of the term, so the
# relative error of a tail falls like $1/k^2$. How good is it? Count.


# %%
def tail(k, v, p):
    """The integral for the sum of j^-p over k < j <= v."""
    return ((k + 0.5) ** (1 - p) - (v + 0.5) ** (1 - p)) / (p - 1)


p, v = 2.6, 10**6
term = np.arange(1, v + 1.0) ** -p
for k in (0, 1, 10, 100):
    by_hand = term[k:].sum()
    off = tail(k, v, p) / by_hand - 1
    print(f"k = {k:3d}: sum {by_hand:.6e}, integral off by {off:+.1e}")

# %% [markdown]
# Already at $k = 10$ the integral is right to two parts in a thousand. Three things follow.
#
# - $p > 1$: the sum converges, to Riemann's $\zeta(p)$, and what is left after $k$ terms falls like
#   $k^{-(p-1)}$. **A tail loses one power.**
# - $p < 1$: the sum diverges like $v^{1-p}$. Its last terms carry it.
# - $p = 1$: it grows like $\ln v$. Each factor of ten adds the same.
#
# A tail of $p > 1$ that ends at $v$ is a difference of two Hurwitz zeta functions, exactly:
# $\sum_{j=k+1}^{v} j^{-p} = \zeta(p, k + 1) - \zeta(p, v + 1)$. That is our witness below.
#
# The variance of the inputs, $\mathrm{Tr}\, D = \sum_j j^{-2\alpha}$, is such a sum. So
# $\alpha = 1/2$ is a border. Above it the whole input has finite variance, and the first few
# coordinates hold much of it. Below it the variance grows with $v$ for ever, and most of it lies in
# small directions.

# %%
for a in (0.4, 0.5, 0.75, 1.0):
    inputs = [PowerLaw(alpha=a, beta=0.0, v=10**n) for n in (3, 6, 18)]
    traces = (f"{x.spectrum().trace:10.5g}" for x in inputs)
    print(f"alpha = {a:4.2f}: trace at v = 10^3, 10^6, 10^18:", *traces)

# %% [markdown]
# ### A sum over a quintillion coordinates
#
# How were $10^{18}$ terms added? The terms are smooth in $\ln j$, so the package adds the first 32
# one by one and replaces each octave above, $2^n < j \le 2^{n+1}$, by twelve well-chosen $j$ with
# weights: a Gauss rule for the *sum* over integers, exact for polynomials of degree 23. The nodes
# come as `spectrum()`, each with its `multiplicity`. Nodes of multiplicity zero are padding.

# %%
modes = PowerLaw(alpha=0.5, beta=0.1, v=10**18).spectrum()
exact = zeta(1.2) - zeta(1.2, 1e18 + 1)
print("nodes in use:", np.count_nonzero(modes.multiplicity))
print(f"coordinates they stand for: {modes.multiplicity.sum():.0f}")
print(f"sum of j^-1.2: {modes.weight.sum():.12f}, by zeta functions {exact:.12f}")

# %% [markdown]
# ## 3. A learner that masters the first k modes
#
# Now the learner of the question. It masters coordinates one by one, the largest first. Its risk is
# the tail of $w_j = j^{-p}$ with $p = 2\alpha + 2\beta$, so for $v = \infty$
#
# $$R(k) = \sum_{j > k} j^{-2\alpha - 2\beta}
# \approx \frac{k^{-(2\alpha + 2\beta - 1)}}{2\alpha + 2\beta - 1}.$$
#
# This is the first scaling law of the course. It needs $2\alpha + 2\beta > 1$: otherwise there is
# no tail to speak of, and section 5 shows what happens then.
#
# An *exponent* belongs to a limit. What can be measured is the **local slope** $d \ln R / d \ln k$,
# the slope of the curve where you stand. From the integral, at finite $v$,
#
# $$\frac{d \ln R}{d \ln k} = -\frac{k\, k^{-p}}{R(k)}
# \approx -\frac{p - 1}{1 - (k/v)^{p-1}} .$$
#
# It is the exponent only while $(k/v)^{p-1}$ is small. With $p - 1 = 0.2$ that is asking a lot.

# %%
p = 1.2
fig, (left, right) = plt.subplots(1, 2, figsize=(6.4, 2.9))
for v, colour in zip((1e4, 1e6, 1e9, 1e18), plot.sequence(4), strict=True):
    k = np.unique(np.geomspace(1, v / 2, 200).astype(np.int64))
    risk = zeta(p, k + 1.0) - zeta(p, v + 1)
    name = f"$v = 10^{{{np.log10(v):.0f}}}$"
    left.loglog(k, risk, color=colour, label=name)
    right.semilogx(k[1:], np.diff(np.log(risk)) / np.diff(np.log(k)), color=colour)
right.axhline(-0.2, color="0.35", ls=":")
right.text(1e17, -0.19, "exponent $-0.2$", ha="right", va="bottom")
for ax, name in ((left, "risk $R(k)$"), (right, "local slope")):
    ax.set(xlim=(1, 1e18), xlabel="modes mastered $k$", ylabel=name)
left.set(ylim=(1e-3, 10), title="The same terms $j^{-1.2}$, ending at $v$")
right.set(ylim=(-0.8, 0), title="What a ruler would measure")
_ = left.legend()

# %% [markdown]
# Each curve starts near the law and bends down long before $k$ reaches $v$. Now the prediction.

# %%
for v in (10**6, 10**9, 10**12, 10**18):
    risk = lambda k: zeta(1.2, k + 1) - zeta(1.2, v + 1)  # noqa: B023
    k = np.geomspace(100, v, 100_001)
    times = k[np.argmax(risk(k) <= risk(100) / 2)] / 100
    print(f"v = 10^{np.log10(v):.0f}: {times:5.1f} times more coordinates")
print("your prediction at v = 10^6:", my_prediction)

# %% [markdown]
# With a million coordinates it is about half of what the exponent said. The exponent is not wrong:
# at $v = 10^{18}$ it is right. But a million was not large. The tail beyond $v$ is not there, and
# it would have been a good share of the whole: $(100/10^6)^{0.2} = 16$ per cent at the start, and
# more with every mode mastered. A small exponent makes everything slow, also the approach to
# itself.
#
# **The habit to take along**: before you believe a slope, compute the one that finite sums give.

# %% [markdown]
# ## 4. Time decides how many modes are mastered
#
# No training method asks for the first $k$ modes. Gradient descent finds them by itself, since
# large eigenvalues are fast. Under gradient flow with infinitely many samples the error in mode $j$
# decays as $e^{-\lambda_j t}$, and the risk is
#
# $$P(t) = \sum_{j=1}^{v} j^{-2\alpha - 2\beta}\, e^{-2 \lambda_j t}.$$
#
# Mode $j$ is mastered once $2 \lambda_j t > 1$, that is for $j < k(t) = (2t)^{1/(2\alpha)}$. Put
# $k(t)$ into the law of section 3:
#
# $$P(t) \sim t^{-s}, \qquad s = \frac{2\alpha + 2\beta - 1}{2\alpha}.$$
#
# The step from $e^{-2\lambda t}$ to a sharp edge changes the constant, not the exponent. First by
# hand, then with `predict`, which for linear regression is exact.

# %%
alpha, beta, v = 1.0, 0.3, 10**6
j, time = np.arange(1.0, v + 1), np.geomspace(1, 1e8, 9)
lam, w = j ** (-2 * alpha), j ** (-2 * alpha - 2 * beta)
by_hand = [w @ np.exp(-2 * lam * t) for t in time]

problem = PowerLaw(alpha=alpha, beta=beta, v=v)
curve = predict(problem, GradientFlow(), time)
print("largest relative difference:", np.abs(curve.risk / by_hand - 1).max())
print("local slopes:", (np.diff(np.log(curve.risk)) / np.diff(np.log(time))).round(4))
print("exponent -s:", -(2 * alpha + 2 * beta - 1) / (2 * alpha))

# %% [markdown]
# Two exponents for one learner: $-1.6$ in the modes, $-0.8$ in time. Their ratio is $2\alpha$: to
# master twice as many modes takes $2^{2\alpha}$ times longer, and the steeper the spectrum, the
# longer the wait.

# %% [markdown]
# ## 5. When v matters
#
# Write $p = 2\alpha + 2\beta$ and let the learner know the fraction $k/v$ of all modes. From the
# integral, the share of the risk that is left is
#
# $$\frac{R(k)}{R(0)} \approx \begin{cases}
# k^{-(p-1)} \text{ times a constant}, & p > 1,\\
# 1 - \ln k / \ln v, & p = 1,\\
# 1 - (k/v)^{1-p}, & p < 1.
# \end{cases}$$
#
# For $p > 1$ the answer forgets $v$. For $p < 1$ it depends on $k/v$ and on nothing else: knowing a
# thousand modes of $10^{18}$ is knowing nothing, and the risk itself grows without bound with $v$.
# There is no scaling law to find. That is what $2(\alpha + \beta) > 1$ is for.

# %%
v = 10**18
j = np.geomspace(1, v, 4000)
fig, ax = plt.subplots()
for p, colour in zip((0.8, 1.0, 1.2, 1.5, 2.0), plot.sequence(5), strict=True):
    total = PowerLaw(alpha=p / 2, beta=0.0, v=v).spectrum().weight.sum()
    left_over = tail(j, v, p) / total if p != 1 else np.log(v / j) / total
    ax.loglog(j, left_over, color=colour, label=f"$p = {p:g}$")
ax.set(xlim=(1, v), ylim=(1e-7, 2))
ax.set(xlabel="modes mastered $k$", ylabel="share of the risk left")
ax.set_title(r"A power law needs $p = 2\alpha + 2\beta > 1$ ($v = 10^{18}$)")
_ = ax.legend(loc="lower left")
# %% [markdown]
# The curve of $p = 0.8$ is flat until $k$ nears $v$, and at $p = 1$ every factor of a thousand
# takes the same sixth of the whole away. The others are straight for as long as $(k/v)^{p-1}$ is
# small: 1.2 bends early, 2 hardly at all. A second border, $2\alpha = 1$, is about the inputs and
# not the target: below it the trace grows with $v$, and with it the noise of SGD and the weight of
# the small directions. Then even a fine power law depends on the ratio $v/d$ of coordinates to
# features. Lesson 3 meets it.

# %% [markdown]
# ## Exercises
#
# Put your answer in place of the dots, and run the cell below it.

# %% [markdown]
# ### Exercise 1 (easy)
#
# Let $\alpha = 1$, $\beta = 0.5$, $v = \infty$. With what exponent does the risk fall in the number
# $k$ of modes mastered? (Give it with its sign.)

# %%
answer_1 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_1 = Exercise(
    1 - 2 * (1.0 + 0.5),
    because="terms fall like k^-(2 alpha + 2 beta) = k^-3, and a tail loses one power",
    mistakes={
        -3: "This is the exponent of the terms. A tail of terms loses one power.",
        -1: "This is the exponent in the time of gradient flow, s = 2 / (2 alpha).",
        -0.5: "j^-(alpha + beta) is the standard deviation of a part of y; risk adds variances.",
    },
    hint="What is the exponent of one term, and how does the tail of such terms fall?",
)
exercise_1(answer_1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Here measured as a local slope, far from the start, where it is the exponent.
k = np.array([1e5, 1e6])
solution_1 = np.diff(np.log(zeta(3, k + 1))).item() / np.log(10)
exercise_1.solution(solution_1)

# %% [markdown]
# ### Exercise 2 (easy)
#
# Let $\alpha = 0.75$ and $v = 10^6$. What share of the variance of the inputs is in the first
# coordinate?

# %%
answer_2 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
j = np.arange(1, 10**6 + 1.0)
exercise_2 = Exercise(
    1 / (zeta(1.5) - zeta(1.5, 1e6 + 1)),
    because="1 / sum_j j^(-2 alpha), close to 1 / zeta(3/2)",
    mistakes={
        1 / (j**-0.75).sum(): "You summed the standard deviations j^-alpha. Variances are squares.",
        1 / (j**-3.0).sum(): "You squared once too often: the variances are j^(-2 alpha).",
        1e-6: "That would be so if all coordinates were alike. Here the first is the largest.",
    },
    hint="Its variance is 1. What is the sum of all of them?",
)
exercise_2(answer_2)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The trace, from the compressed sum. More than a third of the variance is in one of a
# million coordinates.
solution_2 = 1 / PowerLaw(alpha=0.75, beta=0.0, v=10**6).spectrum().trace
exercise_2.solution(solution_2)

# %% [markdown]
# ### Exercise 3 (medium)
#
# Let $\alpha = 0.75$, $\beta = 0.25$, $v = 10^6$. What is the smallest number of modes $k$ for
# which the risk is at most one per cent of the risk of knowing nothing?

# %%
answer_3 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_3 = Exercise(
    int(np.argmax(np.cumsum(j**-2.0) >= 0.99 * (j**-2.0).sum())) + 1,
    because="the tail is close to 1/(k + 1/2), and the whole is zeta(2), not 1",
    mistakes={
        100: "The tail is about 1/k, but the risk of knowing nothing is not 1: it is zeta(2).",
        60: "You are one short: the risk is still a little above one per cent there.",
        int(np.argmax(np.cumsum(j**-1.5) >= 0.99 * (j**-1.5).sum())) + 1: (
            "This is for the variance of the inputs. The target has beta as well."
        ),
    },
    rtol=0.001,
    hint="np.cumsum of j^(-2 alpha - 2 beta), and its last value.",
)
exercise_3(answer_3)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. From zeta functions: tail(k) <= zeta(2)/100. By the integral: k + 1/2 = 100/zeta(2).
k = np.arange(1, 200)
solution_3 = k[np.argmax(zeta(2, k + 1) - zeta(2, 1e6 + 1) <= 0.01 * zeta(2))]
exercise_3.solution(solution_3)

# %% [markdown]
# ### Exercise 4 (medium)
#
# You want to see the exponent $-0.2$ (terms $j^{-1.2}$) at $k = 1000$. How large must $v$ be for
# the local slope there to be 10 per cent too steep, that is $-0.22$? Use the formula of section 3.

# %%
answer_4 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_4 = Exercise(
    1000 * 11**5,
    because="(k/v)^0.2 = 1 - 1/1.1 = 1/11, so v = 11^5 k: 160 000 modes for each one mastered",
    mistakes={
        1000 * 10**5: "Nearly: 1/(1 - x) = 1.1 gives x = 1/11, not 1/10.",
        1000 * 10: "The slope is corrected by (k/v)^(p - 1), not by k/v.",
        1000 * 11: "The slope is corrected by (k/v)^(p - 1), not by k/v.",
        1000 * 11 ** (1 / 1.2): "The exponent of the correction is p - 1 = 0.2, not p.",
    },
    rtol=0.05,
    hint="Solve 1 / (1 - (k/v)^0.2) = 1.1 for v.",
)
exercise_4(answer_4)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Without the formula: the slope of the true sum, a bisection in log v.
low, high = np.log(1e4), np.log(1e12)
while high - low > 1e-6:
    v = np.exp((low + high) / 2)
    near = zeta(1.2, np.array([1000, 1002.0])) - zeta(1.2, v + 1)
    too_steep = np.diff(np.log(near)).item() / np.log(1001.5 / 999.5) < -0.22
    low, high = (np.log(v), high) if too_steep else (low, np.log(v))
solution_4 = v
exercise_4.solution(solution_4)

# %% [markdown]
# ### Exercise 5 (hard)
#
# A spectrum is hidden; you see two exponents. Under gradient flow the risk falls like $t^{-0.4}$. A
# learner that knows the first $k$ modes has a risk that falls like $k^{-0.6}$. Find
# $(\alpha, \beta)$, as a pair.

# %%
answer_5 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
exercise_5 = Exercise(
    (0.75, 0.05),
    because="2 alpha = 0.6 / 0.4, and 2 beta = 0.6 + 1 - 2 alpha",
    mistakes={
        (1.5, 0.05): "The ratio of the two exponents is 2 alpha, not alpha.",
        (1.5, -0.7): "The ratio of the two exponents is 2 alpha, not alpha.",
        (0.75, 0.1): "0.1 is 2 beta.",
        (1.5, 0.1): "You found 2 alpha and 2 beta.",
        (0.75, -0.45): "The tail loses one power: 0.6 = 2 alpha + 2 beta - 1.",
        (0.05, 0.75): "The right numbers, the wrong way round.",
    },
    rtol=0.001,
    hint="The ratio of the two exponents depends on one of the unknowns only.",
)
exercise_5(answer_5)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. Two linear equations: 0.4 (2 alpha) = 0.6, and 2 alpha + 2 beta - 1 = 0.6.
solution_5 = np.linalg.solve([[0.4 * 2, 0], [2, 2]], [0.6, 1.6])
exercise_5.solution(solution_5)

# %% [markdown]
# ### Exercise 6 (research)
#
# Not everything straight is a power law. Let the terms be $w_j = 1 / (j\, (1 + \ln j)^2)$, just
# summable, with $v = \infty$. *The core*: what is the slope of a straight line through the risk at
# $k = 10^3$ and at $k = 10^6$, on logarithmic axes? (The integral is good enough.)
#
# *Then go on.* Draw the risk over these three decades with a noise of one per cent, and over six
# and twelve. When could you tell it from a power law? From a power law plus a constant? What would
# you have extrapolated to $k = 10^{18}$, and how wrong would it have been? Which measurement, short
# of a longer run, would have warned you?

# %%
answer_6 = ...

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "The check", "code_prompt_hide": "The check"}
L3, L6 = np.log(1e3), np.log(1e6)
exercise_6 = Exercise(
    np.log((1 + L3) / (1 + L6)) / (L6 - L3),
    because="R(k) = 1 / (1 + ln k): its local slope -1 / (1 + ln k) creeps to zero",
    mistakes={
        -1 / (1 + L6): "This is the local slope at the far end. The line joins two points.",
        -1 / (1 + L3): "This is the local slope at the near end. The line joins two points.",
        np.log10((1 + L3) / (1 + L6)) / (L6 - L3): "You mixed log10 above and ln below.",
        np.log((1 + 3) / (1 + 6)) / (L6 - L3): "ln k is the natural logarithm; 3 and 6 are log10.",
        0: "So it is in the limit. Over three decades a line has another slope.",
    },
    hint="Substitute u = ln x in the integral of dx / (x (1 + ln x)^2) from k to infinity.",
)
exercise_6(answer_6)

# %% tags=["hide-cell"] jupyter={"source_hidden": true} cellView="form" mystnb={"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
# Solution. The risk by summation: terms up to 10^6 one by one, the rest 1 / (1 + ln(10^6 + 1/2)).
j = np.arange(1, 10**6 + 1.0)
terms = 1 / (j * (1 + np.log(j)) ** 2)
beyond = 1 / (1 + np.log(1e6 + 0.5))
solution_6 = np.log(beyond / (terms[1000:].sum() + beyond)) / np.log(1e3)
exercise_6.solution(solution_6)

# %% [markdown]
# ## References
#
# - E. Paquette, C. Paquette, L. Xiao, J. Pennington, *4+3 Phases of Compute-Optimal Neural Scaling
#   Laws* (2024), [arXiv 2405.15074](https://arxiv.org/abs/2405.15074): the model, and where
#   $2(\alpha + \beta) > 1$ stands.
# - J. Kaplan et al., *Scaling Laws for Neural Language Models* (2020), [arXiv
#   2001.08361](https://arxiv.org/abs/2001.08361): straight lines in practice.
# - A. Maloney, D. Roberts, J. Sully, *A Solvable Model of Neural Scaling Laws* (2022), [arXiv
#   2210.16859](https://arxiv.org/abs/2210.16859): power-law spectra as the origin of the laws.
# - The theory page on [random features](../theory/random_features.md). Next: [SGD](02_sgd.py).
