"""Results come back from their files to the last bit, and a file is whole, its own, or refused."""

import os
import stat
import subprocess
import sys

import h5py
import jax
import numpy as np
import pytest
import xarray

from solvable import (
    DANA,
    SGD,
    Averaged,
    Curve,
    FullBatch,
    GradientFlow,
    LabelMixture,
    Momentum,
    Optimizer,
    PowerLaw,
    Problem,
    Ridge,
    Rule,
    Runs,
    Spectrum,
    load,
)
from solvable.asymptotics import finite_exponents
from solvable.asymptotics.scaling import Exponents
from solvable.design import Frontier
from solvable.design.batches import CriticalBatch
from solvable.design.best_ridge import Allocation, OptimalRidge
from solvable.design.optimal import OptimalSchedule, Tuned
from solvable.design.regimes import Duality, Regime
from solvable.design.stopping import EarlyStopping
from solvable.design.thresholds import RateMap, Stability
from solvable.dynamics.domain_theory import DomainCurve
from solvable.models import Domains
from solvable.rules import Coefficients, ThreeRates
from solvable.schedules import (
    Constant,
    Cosine,
    Geometric,
    PowerDecay,
    StableDecay,
    Warmup,
)
from solvable.util.along import Along
from solvable.util.results import Result
from solvable.util.types import Rung
from solvable.verify.comparison import Comparison
from solvable.verify.verdict import Sides

AWKWARD = np.array([0.1, 1 / 3, 5e-324, 1.7976931348623157e308, np.pi * 1e-17])
STEP = np.array([0, 1, 7, 2**31, 10**15])
FEATURES = PowerLaw(alpha=1 / 3, beta=-0.1, v=10**18, d=10**9, noise=0.1 + 0.2)
SPECTRUM = Spectrum([1.0, 1 / 3, 1e-300], [0.1, -2.0, 0.0], noise=1e-17, d=2)


class Halving(Problem, kw_only=True):
    """A problem of one's own."""

    v: float
    noise: float = 0.0


class Leaky(Rule):
    """A rule of one's own."""

    gamma: float
    keep: float = 0.5

    def coefficients(self, t):
        return Coefficients.of(t, [[1.0]], [-self.gamma])


def curve(**changes):
    fields = dict(
        x=STEP,
        excess=AWKWARD,
        terms={"capacity": AWKWARD, "sgd_noise": -AWKWARD[::-1]},
        error=1.234567890123456e-12,
        rung=Rung.EQUIVALENT,
        problem=FEATURES,
        rule=SGD(gamma=1 / 7, B=10**6),
    )
    return Curve(**(fields | changes))


RESULTS = {
    "curve": curve(),
    "no terms": curve(terms=None, rung=Rung.EXACT),
    "any spectrum": curve(problem=SPECTRUM),
    "own classes": curve(problem=Halving(v=3), rule=Averaged(Leaky(0.1, keep=1 / 3), ema=0.9)),
    "one step": curve(x=STEP[:1], excess=AWKWARD[:1], terms=None),
    "NumPy scalars": curve(rule=SGD(np.float64(1 / 7), np.int64(3)), error=np.float64(1e-12)),
    "ridge": curve(
        x=AWKWARD, axis="ridge", rule=Ridge(), n=50, bags=3, kappa=AWKWARD, df1=AWKWARD, df2=AWKWARD
    ),
    "flow": curve(x=AWKWARD, axis="time", rule=GradientFlow(), n=10**9, train=AWKWARD),
    "runs": Runs(
        x=STEP,
        excess=np.stack([AWKWARD, np.full(5, np.inf), -AWKWARD]),
        engine="features",
        inputs="StudentT(dof=5.0)",
        features="own",
        problem=FEATURES,
        rule=SGD(1 / 7),
        stopped=10**9,
        key="fry:0,1",
    ),
    "given runs": Runs.from_array([0, 1], [[1.0, 0.5]]),
    "frontier": Frontier(
        flops=np.geomspace(1e9, 1e30, 5),
        d=AWKWARD,
        excess=AWKWARD,
        slope=-AWKWARD,
        size_slope=AWKWARD,
        at_edge=np.array([True, False, False, False, True]),
        noise=0.1,
    ),
    "comparison": Comparison(
        **{
            name: AWKWARD
            for name in (
                *("x", "predicted", "measured", "standard_error", "z", "score"),
                *("slope", "slope_error", "predicted_slope"),
            )
        },
        p_value=0.1,
        level=0.01,
        critical=Sides(3.0, 4.0),
        detectable=Sides(AWKWARD, -AWKWARD),
        sides=Sides(0.1, 0.2),
        seeds=50,
        axis="time",
        kurtosis=3.0,
        notes=("one", "two"),
    ),
    "stability": Stability(kernel=0.5, threshold=0.1, floor=np.inf),
    "map": RateMap(
        B=AWKWARD, largest=AWKWARD, small_batch=-AWKWARD, large_batch=0.1, linear_scaling=AWKWARD
    ),
    "critical batch": CriticalBatch(1.5, 10, 20, 0.1, 0.2),
    "stopping": EarlyStopping(time=np.inf, excess=0.1),
    "ridge of least risk": OptimalRidge(ridge=-0.1, excess=0.1, kappa=0.2, method="search"),
    "allocation": Allocation(d=1.5, n=2.5, excess=0.1, ridge=0.0),
    "schedule": OptimalSchedule(rates=AWKWARD, B=2, excess=0.1, method="rule"),
    "tuned": Tuned(peak=0.1, excess=0.2, at_edge=True),
    "regime": Regime(
        limit="time",
        local={"time": 0.1},
        predicted={"time": 1 / 3},
        resolution_limited=("time",),
        variance_limited=(),
        excess=0.1,
        rises=("data", "width"),
    ),
    "duality": Duality(width=0.1, data=0.2, predicted=2.0),
    "exponents": Exponents(risk=-0.5, peak=None, status="proven", conditions=("a", "b")),
    "finite exponents": finite_exponents(PowerLaw(alpha=1.0, beta=0.3, v=100)),
    "domains": DomainCurve(
        step=np.array([0, 1]),
        excess=np.ones((2, 2)),
        error=1e-12,
        domains=Domains(
            eigenvalues=[[1.0, 0.5], [0.5, 0.2]],
            target=[[1.0, 1.0], [1.0, 0.0]],
            noise=[0.1, 0.3],
            proportion=[0.5, 0.5],
        ),
        rule=SGD(0.1),
    ),
}
every_result = pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)


@every_result
def test_round_trip(result, tmp_path):
    """Equal in every field, with the same text, and saved again the same file."""
    one, two = tmp_path / "one.nc", str(tmp_path / "two.nc")
    result.save(one)
    again = load(one)
    assert again == result and type(again) is type(result)
    assert str(again) == str(result) and repr(again) == repr(result)
    for name, x in result.items():
        if isinstance(x, np.ndarray):
            assert getattr(again, name).dtype == x.dtype, name
    again.save(two)
    xarray.testing.assert_identical(xarray.load_dataset(one), xarray.load_dataset(two))


def test_every_kind_of_result_is_among_them():
    """A new one needs an example here."""

    def below(cls):
        return {x for one in cls.__subclasses__() for x in {one, *below(one)}}

    ours = {cls for cls in below(Result) if cls.__module__.startswith("solvable.")}
    assert ours - {type(x) for x in RESULTS.values()} == {Along}


RULES = [
    *(
        SGD(schedule, 3)
        for schedule in (
            Constant(1 / 3, 10**9),
            PowerDecay(1 / 3, 7, p=np.pi),
            StableDecay(1 / 3, 7, fraction=1 / 7, cooldown="1-sqrt"),
            Geometric(1 / 3, 7),
            Geometric(1 / 3, 7, stages=3),
            Warmup(5, Warmup(2, Cosine(1 / 3, 7))),
        )
    ),
    SGD(AWKWARD),
    Momentum(Cosine(1 / 7, 9), mu=0.0),
    ThreeRates(Delta=Cosine(1 / 7, 9), gamma1=1 / 3, gamma2=0.0, gamma3=AWKWARD, B=2),
    DANA(gamma2=1 / 3, gamma3=1 / 7, delta=np.pi, decay=1 / 3, B=5),
    Averaged(Momentum(Warmup(3, Cosine(1 / 7, 9))), tail=0),
    Averaged(DANA(gamma2=1 / 3, gamma3=1 / 7, delta=5.0), ema=AWKWARD[[0, 1]]),
    LabelMixture(SGD(0.1), noise=[0.1, 1 / 3], probability=[0.5, 0.5]),
    FullBatch(Averaged(Leaky(1 / 7), ema=1 / 3)),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: repr(rule)[:60])
def test_rules_and_schedules_come_back(rule, tmp_path):
    """In a curve; text and coefficients are those of before."""
    curve(rule=rule).save(tmp_path / "curve.nc")
    again = load(tmp_path / "curve.nc").rule
    assert again == rule and repr(again) == repr(rule)
    with jax.enable_x64(True):
        one, other = (x.coefficients(np.arange(2)) for x in (again, rule))
    np.testing.assert_array_equal(one.A, other.A)
    np.testing.assert_array_equal(one.b, other.b)


@pytest.mark.parametrize(
    "rule",
    [
        SGD(lambda t: 0.1 / (1 + t)),
        SGD(Warmup(5, lambda t: 0.1)),
        Averaged(SGD(0.1), ema=lambda t: t / (t + 1)),
    ],
    ids=["callable", "warm-up", "average"],
)
def test_functions_cannot_be_saved(rule, tmp_path):
    """It says so, what to do instead, and leaves no file behind."""
    with pytest.raises(TypeError, match=r"to be saved.* Give the rates as an array, one per step"):
        curve(rule=rule).save(tmp_path / "curve.nc")
    assert not list(tmp_path.iterdir())


def test_optimisers_cannot_be_saved(tmp_path):
    optax = pytest.importorskip("optax")
    with pytest.raises(TypeError, match="to be saved"):
        curve(rule=Optimizer(optax.adam(0.1))).save(tmp_path / "curve.nc")
    assert not list(tmp_path.iterdir())


def test_a_fresh_process_can_load_what_is_ours_and_says_what_to_import(tmp_path):
    """One process for both: importing is most of it."""
    RESULTS["runs"].save(tmp_path / "runs.nc")
    RESULTS["own classes"].save(tmp_path / "own.nc")
    code = (
        "import solvable\nprint(type(solvable.load('runs.nc')).__name__)\n"
        "try: solvable.load('own.nc')\nexcept ValueError as error: print(error)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("Runs\n")
    assert f"which is not defined here: import {__name__} first" in done.stdout


class TestXarray:
    def test_a_curve(self):
        data = RESULTS["curve"].to_xarray()
        assert dict(data.sizes) == {"step": 5}
        assert set(data.data_vars) == {"excess", "terms.capacity", "terms.sgd_noise"}
        np.testing.assert_array_equal(data.excess.sel(step=10**15), AWKWARD[-1])
        assert data.attrs["kind"] == "solvable.dynamics.curve:Curve"
        assert data.attrs["error"] == 1.234567890123456e-12

    def test_dimensions(self):
        assert RESULTS["runs"].to_xarray().excess.dims == ("seed", "step")
        assert RESULTS["frontier"].to_xarray().at_edge.dims == ("flops",)
        assert RESULTS["ridge"].to_xarray().kappa.dims == ("ridge",)
        assert RESULTS["flow"].to_xarray().train.dims == ("time",)

    def test_other_readers_see_plain_netcdf(self, tmp_path):
        RESULTS["curve"].save(tmp_path / "result.nc")
        with h5py.File(tmp_path / "result.nc") as file:
            np.testing.assert_array_equal(file["excess"], AWKWARD)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(excess=AWKWARD[:4]), r"`excess` must have 5 entries along step, as `step`"),
        (dict(terms={"a": AWKWARD, "b": AWKWARD[:3]}), r"`terms` must have 5 entries along step"),
        (dict(excess=AWKWARD[None]), r"`excess` must have the dimensions step, .*shape \(1, 5\)"),
    ],
)
def test_arrays_along_an_axis_are_equally_long(changes, message):
    with pytest.raises(ValueError, match=message):
        curve(**changes)


class TestBadPaths:
    def test_the_folder_must_exist(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"`path` must be in an existing folder.*none"):
            curve().save(tmp_path / "missing" / "result.nc")
        assert not list(tmp_path.iterdir())

    def test_a_folder_is_no_file(self, tmp_path):
        for force in (False, True):
            with pytest.raises(IsADirectoryError, match="`path` must name a file"):
                curve().save(tmp_path, force=force)

    def test_an_existing_file_is_kept_unless_forced(self, tmp_path):
        path = tmp_path / "result.nc"
        path.write_text("precious")
        with pytest.raises(FileExistsError, match=r"exists.*`force`"):
            curve().save(path)
        assert path.read_text() == "precious"
        curve().save(path, force=True)
        assert load(path) == curve()
        assert [p.name for p in tmp_path.iterdir()] == ["result.nc"]

    @pytest.mark.parametrize("name", ["nothing.nc", "", "pipe", "/dev/zero"])
    def test_there_must_be_a_file_to_load(self, name, tmp_path):
        """A pipe would be waited for, and a device never ends."""
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(FileNotFoundError, match="no file"):
            load(tmp_path / name)


@pytest.fixture
def path(tmp_path):
    curve().save(tmp_path / "result.nc")
    return tmp_path / "result.nc"


def assert_refused(path, reason=""):
    with pytest.raises(ValueError, match=f"`path` must name a result.*{reason}") as caught:
        load(path)
    assert path.name in str(caught.value)


class TestDamage:
    """Whatever is wrong with a file, the error is a ValueError that names it."""

    @pytest.mark.parametrize("kept", [0, 100, 0.5, 0.99])
    def test_truncated(self, path, kept):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else kept])
        assert_refused(path)

    @pytest.mark.parametrize(
        "content",
        [b"step,excess\n0,1\n", np.random.default_rng(0).bytes(4096), b"\x89HDF\r\n\x1a\n"],
    )
    def test_not_a_netcdf_file(self, path, content):
        path.write_bytes(content)
        assert_refused(path)

    @pytest.mark.parametrize("flips", [40, pytest.param(2000, marks=pytest.mark.slow)])
    def test_a_flipped_bit_is_refused_or_changes_nothing(self, path, flips):
        """Some bytes of HDF5 hold nothing. All of those that hold numbers are tried, too."""
        whole, rng = path.read_bytes(), np.random.default_rng(1)
        numbers = whole.index(AWKWARD.tobytes())
        at = [*rng.integers(len(whole), size=flips), *range(numbers, numbers + AWKWARD.nbytes, 7)]
        refused = 0
        for k in at:
            damaged = bytearray(whole)
            damaged[k] ^= 1 << rng.integers(8)
            path.write_bytes(damaged)
            try:
                assert load(path) == curve()
            except ValueError:
                refused += 1
        assert refused >= 6 + flips / 10

    @pytest.mark.parametrize(
        "attributes",
        [{}, {"kind": "Banana"}, {"kind": "solvable.rules.sgd:SGD"}, {"kind": "os:system"}],
    )
    def test_somebody_elses_netcdf(self, path, attributes):
        data = xarray.Dataset({"excess": ("step", AWKWARD)}, {"step": STEP}, attributes)
        data.to_netcdf(path, engine="h5netcdf")
        assert_refused(path)

    @pytest.mark.parametrize("lost", ["excess", "step", "problem", "rule", "checksum"])
    def test_a_field_is_missing(self, path, lost):
        data = xarray.load_dataset(path)
        data.attrs.pop(lost, None)
        data.drop_vars(lost, errors="ignore").to_netcdf(path, engine="h5netcdf")
        assert_refused(path)


class TestForgery:
    """A checksum can be made by anyone: what it vouches for is checked all the same."""

    def forge(self, path, change):
        from solvable.util.netcdf import checksum

        data = change(xarray.load_dataset(path))
        data.assign_attrs(checksum=checksum(data)).to_netcdf(path, engine="h5netcdf")

    def test_a_changed_number_needs_a_new_checksum(self, path):
        self.forge(path, lambda data: data)
        assert load(path) == curve()
        self.forge(path, lambda data: data.assign(excess=-data.excess))
        np.testing.assert_array_equal(load(path).excess, -AWKWARD)

    def test_a_field_is_impossible(self, path):
        def negative(data):
            data.attrs["rule"] = data.attrs["rule"].replace("0.14285714285714285", "-1.0")
            return data

        self.forge(path, negative)
        assert_refused(path, "`gamma` must be a positive finite number")

    def test_arrays_do_not_fit(self, path):
        longer = lambda data: data.assign(excess=("other", np.append(AWKWARD, 1.0)))
        self.forge(path, longer)
        assert_refused(path, "`excess` must have 5 entries")

    @pytest.mark.parametrize(
        "kind", ["solvable.__main__:main", "solvable.cli.main:run", "antigravity:fly"]
    )
    def test_no_module_is_run(self, path, kind, monkeypatch):
        """Only the modules of this package that hold records are imported."""
        monkeypatch.setattr("importlib.import_module", lambda name: pytest.fail(name))
        self.forge(path, lambda data: data.assign_attrs(kind=kind))
        assert_refused(path, "is not defined here")

    def test_bytes_of_another_file_are_not_read(self, path):
        secret = path.with_name("secret")
        secret.write_bytes(AWKWARD.tobytes())
        with h5py.File(path, "r+") as file:
            del file["terms.capacity"]
            where = [(str(secret), 0, AWKWARD.nbytes)]
            file.create_dataset("terms.capacity", (5,), "f8", external=where)
        assert_refused(path, "is no array of its own")

    @pytest.mark.parametrize("link", [h5py.ExternalLink("x.nc", "/x"), h5py.SoftLink("/excess")])
    def test_links_are_not_followed(self, path, link):
        with h5py.File(path, "r+") as file:
            file["link"] = link
        assert_refused(path, "is no array of its own")

    def test_memory_is_bounded_by_the_file(self, path):
        with h5py.File(path, "r+") as file:
            file.create_dataset("large", (4 * 10**9,), "f8", chunks=(10**6,), compression="gzip")
        assert path.stat().st_size < 10**5
        assert_refused(path, "it asks for 29.8 GiB")


class TestWholeOrAbsent:
    @pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
    @pytest.mark.parametrize("exists", [False, True])
    def test_a_failed_write_leaves_what_was_there(self, monkeypatch, tmp_path, error, exists):
        path = tmp_path / "result.nc"
        if exists:
            curve(n=1).save(path)

        def fail(self, name, **_):
            with open(name, "wb") as file:
                file.write(b"half of it")
            raise error

        monkeypatch.setattr(xarray.Dataset, "to_netcdf", fail)
        with pytest.raises(type(error)):
            curve(n=2).save(path, force=True)
        assert [p.name for p in tmp_path.iterdir()] == (["result.nc"] if exists else [])
        monkeypatch.undo()
        if exists:
            assert load(path).n == 1

    def test_an_existing_file_is_replaced_in_one_move(self, monkeypatch, tmp_path):
        """While the new file is written, a reader still sees the old one, whole."""
        path, write, seen = tmp_path / "result.nc", xarray.Dataset.to_netcdf, []
        curve(n=1).save(path)

        def look(self, name, **options):
            write(self, name, **options)
            seen.append(load(path).n)

        monkeypatch.setattr(xarray.Dataset, "to_netcdf", look)
        curve(n=2).save(path, force=True)
        assert seen == [1] and load(path).n == 2

    def test_permissions_are_those_of_any_new_file(self, tmp_path):
        """Temporary files are private; results are as the umask says."""
        (tmp_path / "plain").touch()
        curve().save(tmp_path / "result.nc")
        plain, saved = (stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("plain", "result.nc"))
        assert saved == plain
