"""Records: checks of every field of every class, pytrees, equality and hash by content."""

import dataclasses
import importlib
import pkgutil
import re
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import solvable
from solvable import SGD, Averaged, LabelMixture, PowerLaw, Spectrum, schedules
from solvable.models import Draw, Modes
from solvable.util.record import Record, count, flag, number
from solvable.util.results import Result
from tests.hostile import BAD, EXAMPLES

for module in pkgutil.walk_packages(solvable.__path__, "solvable."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
OURS = [cls for cls in Record.kinds.values() if cls.__module__.startswith("solvable.")]
ARGUMENTS = [
    (cls, f)
    for cls in OURS
    if not issubclass(cls, Result)
    for f in dataclasses.fields(cls)
    if cls.__module__ != "solvable.simulation.runs"  # a problem of which nothing is known
]
NAMES = [f"{cls.__name__}.{f.name}" for cls, f in ARGUMENTS]
every_field = pytest.mark.parametrize(("cls", "field"), ARGUMENTS, ids=NAMES)
every_example = pytest.mark.parametrize("cls", EXAMPLES, ids=lambda cls: cls.__name__)
LONGEST = 400
"""Characters of a message without its link."""


def made(cls, **changes):
    return cls(**(EXAMPLES[cls] | changes))


class TestChecks:
    def test_every_class_has_an_example(self):
        assert {cls for cls, _ in ARGUMENTS} == set(EXAMPLES)

    @every_field
    def test_every_field_declares_what_it_is(self, cls, field):
        assert field.metadata["check"] is not None
        assert field.metadata["kind"] in BAD

    @every_field
    def test_bad_values_are_named(self, cls, field):
        """Whatever is of the wrong kind or out of every range, in a sentence or two."""
        for what, bad in BAD[field.metadata["kind"]].items():
            if bad is None and field.default is None:
                continue
            with pytest.raises((ValueError, TypeError)) as caught:
                made(cls, **{field.name: bad})
                pytest.fail(f"{cls.__name__}({field.name}={what}) is accepted")
            message = str(caught.value).split(" Why: ")[0]
            assert f"`{field.name}" in message, (what, message)
            assert re.match("Argument `.*` must .*, but is ", message, re.S), (what, message)
            assert len(message) < LONGEST, (what, message)

    @every_field
    def test_numbers_of_every_type_are_the_same(self, cls, field):
        """... and make one object, to Python and to JAX."""
        plain = made(cls)
        value = EXAMPLES[cls].get(field.name)
        kinds = {"number": 0, "count": 0, "rate": 0, "vector": 1, "nodes": 1}
        kind = kinds.get(field.metadata["kind"])
        if kind is None or value is None:
            return
        if kind == 0:
            same = [np.float32(value), np.float64(value), np.array(value), jnp.float32(value)]
            same += [Fraction(value), np.array(Fraction(value), object), jnp.asarray(value)]
            same += [int(value), np.int32(value), jnp.int32(value)] if value == int(value) else []
        else:
            same = [list(value), tuple(value), np.float32(value), jnp.asarray(value)]
            same += [list(map(Fraction, value)), np.ma.array(value)]
        for other in same:
            found = made(cls, **{field.name: other})
            assert found == plain and hash(found) == hash(plain)
            kept = getattr(found, field.name)
            assert isinstance(kept, (int, float) if kind == 0 else np.ndarray)

    def test_falsy_values_are_values(self):
        """They are not taken for the default."""

        class Zeros(Record):
            a: float = number(default=1.0)
            b: int = count(default=1, minimum=0)
            c: bool = flag(True)

        zeros = Zeros(0.0, 0, False)
        assert (zeros.a, zeros.b, zeros.c) == (0.0, 0, False)

    def test_names_of_a_subclass_need_no_default(self):
        class Steeper(PowerLaw, kw_only=True):
            slope: float = number(positive=True)

        with pytest.raises(ValueError, match="`slope` must be a positive"):
            Steeper(alpha=1.0, beta=0.3, v=4, slope=0.0)


class TestPytrees:
    @every_example
    def test_nothing_is_checked_when_jax_rebuilds(self, cls):
        """With truth values, shapes, axes, tracers or anything else in place of the numbers."""
        record = made(cls)
        leaves, tree = jax.tree.flatten(record)
        for stand_in in (True, None, object(), -1.0, jax.ShapeDtypeStruct((3,), float)):
            again = jax.tree.unflatten(tree, [stand_in] * len(leaves))
            assert type(again) is cls
        assert jax.tree.unflatten(tree, leaves) == record
        axes = jax.tree.map(lambda _: 0, record)
        stacked = jax.tree.map(lambda x: jnp.stack([jnp.asarray(x)] * 2), record)
        jax.vmap(lambda r: jnp.zeros(()), in_axes=(axes,), axis_size=2)(stacked)
        assert jax.tree_util.tree_leaves_with_path(record) or not leaves

    def test_derivatives_by_a_problem_and_by_a_rule(self, x64):
        """In closed form: P(1) of one mode lam with B = infinity is (1 - gamma lam)^2 lam b^2."""
        problem, rule = Spectrum([0.5], [2.0], noise=0.0), SGD(0.25, B=1)

        def start(problem, rule):
            modes = problem.spectrum()
            return (modes.weight * (1 - rule.gamma * modes.lam) ** 2).sum()

        by_problem, by_rule = jax.grad(start, argnums=(0, 1), allow_int=True)(problem, rule)
        assert type(by_problem) is Spectrum and type(by_rule) is SGD
        lam, b, gamma = 0.5, 2.0, 0.25
        left = 1 - gamma * lam
        np.testing.assert_allclose(by_problem.target, [2 * lam * b * left**2])
        np.testing.assert_allclose(
            by_problem.eigenvalues, [b**2 * (left**2 - 2 * gamma * lam * left)]
        )
        np.testing.assert_allclose(by_rule.gamma, -2 * lam**2 * b**2 * left)

    def test_a_traced_spectrum_may_be_made(self, x64):
        """Shapes are checked, numbers cannot be."""
        trace = lambda lam: Spectrum(lam, lam, multiplicity=jnp.ones(2)).spectrum().trace
        np.testing.assert_allclose(jax.grad(trace)(jnp.array([1.0, 2.0])), [1.0, 1.0])
        with pytest.raises(ValueError, match="`target` must have as many entries"):
            jax.jit(lambda lam: Spectrum(lam, lam[:1]))(jnp.ones(2))

    def test_static_fields_are_part_of_the_structure(self):
        one, other = (
            schedules.StableDecay(0.5, 10, cooldown=cooldown) for cooldown in ("linear", "1-sqrt")
        )
        assert jax.tree.structure(one) != jax.tree.structure(other)
        assert jax.tree.leaves(one) == jax.tree.leaves(other)


class TestEquality:
    @every_example
    def test_by_content(self, cls):
        one, other = made(cls), made(cls)
        assert one == other and hash(one) == hash(other)
        assert one in [other] and {one: 1}[other] == 1 and len({one, other}) == 1
        assert one != "something else" and one is not None

    @every_field
    def test_every_field_counts(self, cls, field):
        value = EXAMPLES[cls].get(field.name)
        numbers = {"number", "count", "rate", "vector", "nodes"}
        sums_to_one = field.name in ("probability", "proportion")
        if value is None or field.metadata["kind"] not in numbers or sums_to_one:
            return
        change = np.multiply(value, 2) if np.ndim(value) else value * (0.5 if value < 1 else 2)
        assert made(cls, **{field.name: change}) != made(cls)

    def test_arrays_are_compared_entry_by_entry(self):
        one, longer = SGD([0.1, 0.2]), SGD([0.1, 0.2, 0.3])
        assert one == SGD(np.array([0.1, 0.2])) != longer
        assert one != SGD(0.1) and SGD([0.1]) != SGD(0.1)
        assert SGD(abs) == SGD(abs) != SGD(lambda t: t)
        mixture = LabelMixture(SGD([0.1, 0.2]), [0.1], [1.0])
        assert Averaged(mixture, tail=0) == Averaged(mixture, tail=0) != mixture

    def test_subclasses_are_others(self):
        class Same(SGD):
            pass

        assert Same(0.1) != SGD(0.1) and SGD(0.1) != Same(0.1)

    def test_a_record_stays_as_it_is(self):
        """Neither its fields nor its arrays change, nor do arrays of the user."""
        mine = np.array([1.0, 0.5])
        problem = Spectrum(mine, mine)
        mine[0] = 7.0
        assert problem.eigenvalues[0] == 1.0
        with pytest.raises(ValueError, match="read-only"):
            problem.eigenvalues[0] = 7.0
        with pytest.raises(dataclasses.FrozenInstanceError):
            problem.noise = 1.0

    def test_tracers_are_equal_to_nothing_else(self):
        found = []
        jax.jit(lambda x: found.append(SGD(x) == SGD(0.1)) or x)(1.0)
        assert found == [False]

    def test_reprs_are_short(self):
        problem = Spectrum(np.ones(1000), np.ones(1000))
        assert len(repr(problem)) < 120
        assert len(repr(Draw(problem=problem, W=np.ones((1000, 3))))) < 120
        modes = Modes(lam=np.ones(9) + 1j, weight=np.ones(9))
        assert "<9 numbers>" in repr(modes)
