"""The one verb for every kind of training: on fresh samples, on a data set, on many machines."""

from collections.abc import Sequence
from typing import Any

import jax

from solvable.inputs import Gaussian, Inputs, check_inputs
from solvable.models.nonlinear import NonlinearFeatures
from solvable.models.problem import Problem, check_problem
from solvable.rules.rule import Rule, check_rule
from solvable.simulation import full_batch, nonlinear, one_pass
from solvable.simulation.cluster import Cluster
from solvable.simulation.runs import Runs
from solvable.util.checks import (
    check_choice,
    check_count,
    check_flag,
    check_key,
    check_type,
    is_usual,
)
from solvable.util.errors import requirement
from solvable.util.precision import usual_promotion


@usual_promotion
def simulate(
    key: jax.Array,
    problem: Problem,
    rule: Rule,
    steps: Any,
    seeds: int = 1,
    *,
    n: int | None = None,
    ensemble: int = 1,
    bags: int = 1,
    engine: str = "modes",
    inputs: Inputs | None = None,
    dtype: str | None = None,
    devices: Sequence[jax.Device] | None = None,
    cluster: Cluster | None = None,
    progress: bool = False,
) -> Runs:
    r"""Train, and record the population risk of the iterates.

    On fresh samples at every step seeds run together, spread over the devices; memory does not
    grow with the number of steps. On n samples full batches take every step literally,

    .. math::
        \theta_{t + 1} = \theta_t - \frac{\gamma}{n} \Phi^\top (\Phi \theta_t - y), \qquad
        \text{excess} = |D^{1/2} (W \theta_t - b)|^2, \qquad
        \text{train} = \tfrac 1 n |\Phi \theta_t - y|^2

    for gradient descent; gradient flow and ridge regression are exact functions of the singular
    values of :math:`\Phi`. A second call with the same shapes compiles nothing, whatever its
    numbers; and a seed's numbers do not depend on how many others run. What would not fit into
    memory is refused before it begins.

    Interrupted (Ctrl-C), it returns what is done: on fresh samples all seeds up to the last
    recorded step, on a data set the seeds that have ended. A second Ctrl-C within five seconds
    raises, and so does the first if nothing is done.

    Args:
        key: A key of :func:`jax.random.key`.
        problem: What is learned: anything that lists its eigenvalues. With features, every seed
            draws its own, but a draw ``problem.draw(key)`` is shared by all.
            :class:`NonlinearFeatures` are fitted by :class:`Ridge`.
        rule: Any training rule; an :class:`Optimizer` needs the features engine.
        steps: The last step, for about 200 log-spaced steps; or an increasing array of steps. For
            gradient flow times, for ridge regression ridges.
        seeds: Number of independent runs.
        n: Samples of a data set, for rules that train on the whole of it.
        ensemble: On a data set: the predictor is the mean over so many draws of the features on the
            same data, and so is the one whose training error is recorded.
        bags: On a data set: the predictor is the mean over so many data sets, each with all the
            features.
        engine: On fresh samples: ``modes``, exact in law at O(d) per sample; or ``features``, the
            literal loop over inputs and features at O(v d), the independent witness.
        inputs: Law of the coordinates of x: ``inputs.Gaussian()``, the default, ``Rademacher()``,
            ``StudentT(dof)`` or one of your own. On fresh samples others than Gaussian need the
            features engine.
        dtype: ``float32`` or ``float64``; by default float32 on fresh samples, else float64.
        devices: Where to run on fresh samples; by default on all local devices. A data set is on
            the default device of JAX.
        cluster: For one simulation over the devices of many processes, with checkpoints:
            ``Cluster(along="modes", checkpoint="folder")``.
        progress: Show a progress bar on stderr.

    Returns:
        :class:`Runs`, with the risk of shape (seeds, steps).

    Raises:
        TypeError: If ``key`` is no random key, or another argument of the wrong kind.
        ValueError: If an argument is out of range; the message says which.

    Warns:
        DivergenceWarning: If the risk of a seed explodes.

    Source: Bordelon, Atanasov, Pehlevan (2024), arXiv 2402.01092 (training on a data set).

    Example:
        >>> problem = PowerLaw(alpha=1.0, beta=0.3, v=400, d=100)
        >>> draw = problem.draw(jax.random.key(0))
        >>> runs = simulate(jax.random.key(1), draw, SGD.stable(draw, 0.2, B=8), 1000, seeds=4)
        >>> runs.risk.shape == (4, runs.step.size)
        True
        >>> small = PowerLaw(alpha=1.0, beta=0.3, v=60, d=20, noise=0.1)
        >>> runs = simulate(jax.random.key(0), small, GradientFlow(), [0, 1, 100], 50, n=40)
        >>> theory = predict(small, GradientFlow(), [0, 1, 100], n=40)
        >>> bool((abs(runs.mean - theory.risk) <= 4 * runs.standard_error + 1e-12).all())
        True
    """
    key = check_key(key)
    check_problem(problem)
    check_rule(rule)
    seeds = check_count("seeds", seeds)
    check_flag("progress", progress)
    inputs = check_inputs(Gaussian() if inputs is None else inputs)
    if dtype is not None:
        check_choice("dtype", dtype, "float32", "float64")
    if rule.data == "whole":
        unused = (
            ("engine", engine, "modes"),
            ("devices", devices, None),
            ("cluster", cluster, None),
        )
        for name, value, usual in unused:
            if not is_usual(value, usual):
                raise requirement(name, f"be {usual!r} for training on a data set", value)
        sizes = full_batch.check_sizes(n, seeds, ensemble, bags)
        where: Any = nonlinear if isinstance(problem, NonlinearFeatures) else full_batch
        options: dict[str, Any] = dict(inputs=inputs, dtype=dtype or "float64", progress=progress)
        return where.run(key, problem, rule, steps, sizes, **options)
    if isinstance(problem, NonlinearFeatures):
        must = "be Ridge() for nonlinear features"
        raise requirement("rule", must, rule, "For other rules take problem.kernel(key).")
    for name, value, usual in (("n", n, None), ("ensemble", ensemble, 1), ("bags", bags, 1)):
        if not is_usual(value, usual):
            must = f"be {usual} for rules that see fresh samples at every step"
            fix = "FullBatch, GradientDescent, GradientFlow and Ridge train on n samples."
            raise requirement(name, must, value, fix, page="theory/finite_data")
    options: dict[str, Any] = dict(dtype=dtype or "float32", devices=devices, progress=progress)
    if cluster is None:
        return one_pass.run(
            key, problem, rule, steps, seeds, engine=engine, inputs=inputs, **options
        )
    from solvable.simulation import large

    check_type("cluster", cluster, Cluster)
    if engine != "modes" or not isinstance(inputs, Gaussian):
        must = "be 'modes', with Gaussian inputs, on a cluster"
        raise requirement("engine", must, f"{engine!r} with {inputs}")
    return large.run(key, problem, rule, steps, seeds, cluster=cluster, **options)
