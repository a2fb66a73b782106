"""The derived phase diagram against the paper's table, its geometry and plain arithmetic."""

import math
import random
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import jax
import numpy as np
import pytest

from solvable.asymptotics.boundaries import BOUNDARIES, NEAR_BOUNDARY, NO_POWER_LAW, Segment
from solvable.asymptotics.phases import TERMS, monomials, phase

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)


# The paper's table: region, exponents of risk and of size, and the two terms that balance.
# In rationals, a > 1 - 1/sqrt(2) reads 2 (1 - a)^2 < 1.
TABLE = {
    "Ia": (
        lambda a, b: a > HALF > b and a + b > HALF,
        lambda a, b: (1 / (2 * a + 1) - 1) * (1 + b / a - 1 / (2 * a)),
        lambda a, b: 1 / (2 * a + 1),
        {"F_pp", "F_0"},
    ),
    "Ib": (
        lambda a, b: a < HALF and b < HALF and a + b > HALF,
        lambda a, b: HALF - a - b,
        lambda a, b: HALF,
        {"F_pp", "F_0"},
    ),
    "Ic": (
        lambda a, b: a < QUARTER and b > HALF,
        lambda a, b: a * (2 * a + 2 * b - 1) / (a * (2 * b - 3) - 2 * b + 1),
        lambda a, b: (1 - 2 * (a + b)) / (2 * (a * (2 * b - 3) - 2 * b + 1)),
        {"F_pp", "F_0"},
    ),
    "II": (
        lambda a, b: HALF < b < a,
        lambda a, b: -(2 * a + 2 * b - 1) / (2 * (a + b)),
        lambda a, b: b / (a + b),
        {"F_pp", "F_ac"},
    ),
    "III": (
        lambda a, b: HALF < a < b,
        lambda a, b: (1 - 4 * a) / (4 * a),
        lambda a, b: HALF,
        {"F_ac", "K_pp"},
    ),
    "IVa": (
        lambda a, b: a < HALF < b and 2 * (1 - a) ** 2 < 1,
        lambda a, b: -a,
        lambda a, b: HALF,
        {"F_0", "K_pp"},
    ),
    "IVb": (
        lambda a, b: QUARTER < a < HALF < b and 2 * (1 - a) ** 2 > 1,
        lambda a, b: (1 - 2 * a) * (2 * a + 2 * b - 1) / (2 * (2 * a * b + a - 2 * b)),
        lambda a, b: (a - b) / (2 * a * b + a - 2 * b),
        {"F_pp", "K_pp"},
    ),
}


def rational_points(count: int, seed: int) -> list[tuple[Fraction, Fraction]]:
    """Random points inside the phases: half of them near the corners, half far out."""
    rng, points = random.Random(seed), []
    while len(points) < count:
        q, size = rng.randint(50, 5000), rng.choice([1, 20])
        a = Fraction(rng.randint(1, q * size), q)
        b = Fraction(rng.randint(-q * size, 2 * q * size), q)
        if any(region(a, b) for region, *_ in TABLE.values()):
            points.append((a, b))
    return points


POINTS = rational_points(4000, seed=0)


def on_segments() -> list:
    """Each segment with points along it, the corners at its ends excluded."""
    along = [
        (s, [0.1, 0.5, 2.0, 9.0] if math.isinf(s.length) else [0.1, 0.5, 0.9]) for s in BOUNDARIES
    ]
    return [
        pytest.param(
            s, u if math.isinf(s.length) else u * s.length, id=f"{'|'.join(s.between)} {u}"
        )
        for s, us in along
        for u in us
    ]


def sides(segment: Segment, u: float, eps: float) -> list[tuple[float, float]]:
    (alpha, beta), (x, y) = segment.point(u), segment.direction
    return [(alpha - e * y, beta + e * x) for e in (eps, -eps)]


def name_at(alpha: float, beta: float) -> str:
    try:
        return phase(alpha, beta).name
    except ValueError:
        return NO_POWER_LAW


def test_program_returns_the_table_of_the_paper() -> None:
    visits = Counter()
    for a, b in POINTS:
        [(name, (_, loss, size, terms))] = [
            (name, row) for name, row in TABLE.items() if row[0](a, b)
        ]
        p = phase(a, b)
        assert (p.name, p.loss_exponent, p.size_exponent) == (name, loss(a, b), size(a, b)), p
        assert set(p.terms) == terms, p
        assert p.proven == (a > QUARTER), p
        assert name in p.boundary.between, p
        visits[name] += 1
    assert set(visits) == set(TABLE)
    assert min(visits.values()) > 25, visits


def test_optimum_by_search() -> None:
    """No split of the compute does better, and both named terms are as large as the risk."""
    grid = [Fraction(k, 40) for k in range(41)]
    for a, b in POINTS[::40]:
        p = phase(a, b)
        line = {
            term: lambda s, x=x, y=y: x * s + y * (1 - s)
            for term, (x, y) in monomials(a, b).items()
        }
        risk = lambda s: max(f(s) for f in line.values())  # noqa: B023
        best, eps = p.size_exponent, Fraction(1, 10**6)
        assert risk(best) == p.loss_exponent == line[p.terms[0]](best) == line[p.terms[1]](best)
        assert p.loss_exponent < min(risk(best - eps), risk(best + eps)), p
        assert all(risk(s) >= p.loss_exponent for s in grid), p
        falling, rising = (line[term] for term in p.terms)
        assert falling(1) < falling(0) and rising(1) > rising(0), p


def test_monomials_by_hand() -> None:
    one, half, zero = Fraction(1), HALF, Fraction(0)
    assert monomials(one, Fraction(7, 10)) == {
        "F_0": (-2, zero),
        "F_pp": (zero, Fraction(-6, 5)),
        "F_ac": (-1, -half),
        "K_pp": (zero, Fraction(-3, 2)),
    }
    # alpha = 2/5: gamma = d^(-1/5), tau = t d^(-1/5), K_pp/gamma = d^(-1/5) tau^(-3/4)
    assert monomials(Fraction(2, 5), Fraction(2, 5)) == {
        "F_0": (Fraction(-3, 5), zero),
        "F_pp": (Fraction(3, 20), Fraction(-3, 4)),
        "K_pp": (Fraction(-1, 20), Fraction(-3, 4)),
    }


@pytest.mark.parametrize(
    "alpha, beta, absent",
    [
        (0.8, 0.8, set()),
        (0.8, 0.5, {"F_ac"}),
        (0.5, 0.8, {"F_ac"}),
        (0.3, 0.8, {"F_ac"}),
        (0.25, 0.8, {"F_ac", "K_pp"}),
        (0.2, 0.4, {"F_ac", "K_pp"}),
    ],
)
def test_terms_are_present_on_open_regions(alpha: float, beta: float, absent: set[str]) -> None:
    assert list(monomials(alpha, beta)) == [term for term in TERMS if term not in absent]


@pytest.mark.parametrize("eps", [1e-3, 1e-9])
@pytest.mark.parametrize("segment, u", on_segments())
def test_boundary_separates_the_two_it_names(segment: Segment, u: float, eps: float) -> None:
    found = [name_at(alpha, beta) for alpha, beta in sides(segment, u, eps)]
    assert sorted(found) == sorted(segment.between)


@pytest.mark.parametrize("segment, u", on_segments())
def test_nearest_boundary(segment: Segment, u: float) -> None:
    eps = 1e-4
    for alpha, beta in sides(segment, u, eps):
        if name_at(alpha, beta) != NO_POWER_LAW:
            near = phase(alpha, beta).boundary
            assert (near.between, near.where) == (segment.between, segment.where)
            assert near.distance == pytest.approx(eps * math.hypot(*segment.direction), rel=1e-6)


def test_no_other_boundary_is_nearer() -> None:
    """Brute force: walk along every segment and measure."""
    steps = [k / 1000 for k in range(60_000)]
    walks = [np.array([s.point(u) for u in steps if u <= s.length]) for s in BOUNDARIES]
    for a, b in POINTS[::200]:
        distances = [np.hypot(*(walk - [float(a), float(b)]).T).min() for walk in walks]
        found = phase(a, b).boundary.distance
        # a stride is below 1.5e-3, and the nearest point is less than one stride away
        assert found - 1e-12 <= min(distances) <= found + 1.5e-3


def test_distance_beyond_the_end_of_a_segment() -> None:
    near = phase(2.0, 0.1).boundary  # beta = 1/2 is nearer than alpha + beta = 1/2
    assert near.between == ("Ia", "II") and near.distance == pytest.approx(0.4, rel=1e-12)
    segment = next(s for s in BOUNDARIES if s.between == ("Ib", "Ic"))
    assert segment.seen_from(0.28, 0.54).distance == pytest.approx(0.05, rel=1e-12)


@pytest.mark.parametrize(
    "alpha, beta, owner",
    [
        (0.8, 0.5, "Ia"),
        (0.5, 0.2, "Ib"),
        (0.1, 0.5, "Ib"),
        (0.27, 0.5, "Ib"),
        (0.4, 0.5, "Ib"),
        (0.7, 0.7, "II"),
        (0.25, 0.8, "Ic"),
        (0.5, 0.9, "IVa"),
        (0.25, 0.5, "Ib"),
        (0.5, 0.5, "Ib"),
    ],
)
def test_on_a_boundary_the_name_is_decided(alpha: float, beta: float, owner: str) -> None:
    p = phase(alpha, beta)
    assert p.name == owner
    assert p.name in p.boundary.between
    assert p.boundary.distance == 0 and p.name in p.meets
    assert p.proven == (alpha > 0.25)
    assert "logarithms may multiply" in str(p)


@pytest.mark.parametrize("segment, u", on_segments())
def test_a_boundary_says_which_phases_meet(segment: Segment, u: float) -> None:
    """Off the boundary by rounding alone, if at all: then the far side may be named."""
    if name_at(*segment.point(u)) != NO_POWER_LAW:
        assert set(phase(*segment.point(u)).meets) == set(segment.between)


def test_five_phases_meet_in_one_point() -> None:
    """Each is found beside it, whichever way one goes; logarithms are said to be possible."""
    corner = phase(0.5, 0.5)
    ways = [0.1 + 2 * math.pi * k / 64 for k in range(64)]
    beside = {name_at(0.5 + 1e-6 * math.cos(w), 0.5 + 1e-6 * math.sin(w)) for w in ways}
    assert set(corner.meets) == beside == {"Ia", "Ib", "II", "III", "IVa"}
    assert "Ia, Ib, II, III and IVa meet here: logarithms may multiply" in str(corner)


@pytest.mark.parametrize(("distance", "words"), [(1e-3, "far above 1e+03"), (0.04, "above 25")])
def test_near_a_boundary_the_approach_is_said_to_be_slow(distance: float, words: str) -> None:
    near = phase(0.8, 0.5 + distance)
    assert words in near.caution and near.caution in str(near) and not near.meets
    assert phase(0.8, 0.5 + 1.01 * NEAR_BOUNDARY).caution == ""


@pytest.mark.parametrize("segment, u", on_segments())
def test_exponents_jump_only_in_size_and_only_at_IVa_IVb(segment: Segment, u: float) -> None:
    if NO_POWER_LAW in segment.between:
        (alpha, beta), tiny = segment.point(u), 1e-9
        assert abs(phase(alpha, beta + tiny).loss_exponent) < 1e-7
        return
    p, q = (phase(*point) for point in sides(segment, u, 1e-9))
    assert p.loss_exponent == pytest.approx(q.loss_exponent, abs=1e-6)
    jumps = abs(p.size_exponent - q.size_exponent) > 1e-2
    assert jumps == (segment.between == ("IVa", "IVb"))
    if not jumps:
        assert p.size_exponent == pytest.approx(q.size_exponent, abs=1e-6)


@pytest.mark.parametrize("cast", [float, np.float64, np.float32, np.float16, jax.numpy.float32])
def test_a_float_is_its_shortest_decimal(cast: type) -> None:
    p = phase(cast(0.7), cast(1.2))
    assert p.loss_exponent == float(Fraction(-9, 14))
    assert (p.alpha, p.beta) == (0.7, 1.2)
    assert {type(x) for x in (p.alpha, p.beta, p.loss_exponent, p.size_exponent)} == {float}
    assert all(type(x) is float for pair in monomials(cast(0.7), cast(1.2)).values() for x in pair)


def test_number_types() -> None:
    for integer in (int, np.int8, np.int64):
        assert phase(integer(1), integer(2)) == phase(1.0, 2.0)
    exact = phase(Fraction(1, 3), Fraction(4, 5))
    assert exact.loss_exponent == Fraction(-1, 3) and exact.boundary.distance > 0
    for p in (exact, phase(Fraction(1), 0.7), phase(0.7, Fraction(6, 5))):
        numbers = (p.alpha, p.beta, p.loss_exponent, p.size_exponent)
        assert {type(x) for x in numbers} == {Fraction}
    assert phase(Fraction(1), 0.7).beta == Fraction(7, 10)


def test_text() -> None:
    text = str(phase(0.2, 0.7))
    for part in (
        "Phase Ic",
        "conjecture",
        "f^(-0.2222)",
        "f^(0.5556)",
        "F_0",
        "F_pp",
        "Ic and IVb",
    ):
        assert part in text
    assert "f^(-12/17)" in str(phase(Fraction(1), Fraction(7, 10)))
    assert repr(phase(0.2, 0.7)).startswith("Phase(name='Ic', alpha=0.2, beta=0.7, loss_exponent=")


@pytest.mark.parametrize("function", [phase, monomials])
@pytest.mark.parametrize(
    "alpha, beta, error, message",
    [
        (-1.0, 2.0, ValueError, "`alpha` must be a positive finite number, but is -1.0."),
        (0, 2, ValueError, "Argument `alpha` must be a positive finite number, but is 0."),
        (math.inf, 1.0, ValueError, "`alpha` must be a positive finite number, but is inf."),
        (1.0, math.nan, ValueError, "Argument `beta` must be a finite number, but is nan."),
        (1.0, -np.inf, ValueError, "Argument `beta` must be a finite number, but is -inf."),
        ("1", 1.0, TypeError, "`alpha` must be a real number, but is '1'."),
        (True, 1.0, TypeError, "`alpha` must be a real number, but is True."),
        (1.0, np.bool_(True), TypeError, "`beta` must be a real number, but is True."),
        (1.0, 1j, TypeError, "Argument `beta` must be a real number, but is 1j."),
        (1.0, None, TypeError, "Argument `beta` must be a real number, but is None."),
        (Decimal(1), 1, TypeError, "`alpha` must be a real number, but is Decimal('1')."),
        (np.array([1.0]), 1.0, TypeError, "`alpha` must be a real number, but is array([1.])."),
        (10**400, 1, ValueError, "Argument `alpha` must be at most 1e+300"),
        (1e-300, 1, ValueError, "`alpha` must be at least 1e-100, but is 1e-300."),
        (1, 1e200, ValueError, "`beta` must be at most 1e+100, but is 1e+200."),
        (0.2, 0.1, ValueError, "`beta` must satisfy 2 (alpha + beta) > 1"),
        (0.1, 0.4, ValueError, "beta must exceed 0.4 at this alpha"),
        (Fraction(7, 10), Fraction(-1, 5), ValueError, "the risk does not fall with size"),
    ],
)
def test_bad_arguments(function, alpha, beta, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        function(alpha, beta)
    assert message in str(caught.value)


def test_a_traced_number_is_refused() -> None:
    with pytest.raises(TypeError, match="`alpha` must be a number that JAX does not trace"):
        jax.jit(lambda alpha: phase(alpha, 0.7).loss_exponent)(1.0)


@pytest.mark.parametrize(("alpha", "beta"), [(1e-100, 1e100), (1e100, -1e99), (1e100, 1e100)])
def test_extreme_arguments_have_finite_exponents(alpha: float, beta: float) -> None:
    found = phase(alpha, beta)
    assert math.isfinite(found.loss_exponent) and 0 < found.size_exponent < 1
    assert all(math.isfinite(x) for pair in monomials(alpha, beta).values() for x in pair)
