"""Results come back from their files to the last bit, and a file is whole or absent."""

import dataclasses
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
    Constant,
    Cosine,
    Curve,
    Frontier,
    Geometric,
    Linear,
    LinearRegression,
    Momentum,
    Optimizer,
    PowerDecay,
    PowerLaw,
    Runs,
    StableDecay,
    ThreeRates,
    Warmup,
    load,
)

AWKWARD = np.array([0.1, 1 / 3, 5e-324, 1.7976931348623157e308, np.pi * 1e-17])
STEP = np.array([0, 1, 7, 2**31, 10**15])
FEATURES = PowerLaw(alpha=1 / 3, beta=-0.1, v=10**18, d=10**9, noise=0.1 + 0.2)
SPECTRUM = LinearRegression.from_spectrum([1.0, 1 / 3, 1e-300], [0.1, -2.0, 0.0], noise=1e-17)


def curve(**changes):
    fields = dict(
        step=STEP,
        excess=AWKWARD,
        terms={"capacity": AWKWARD, "sgd_noise": -AWKWARD[::-1]},
        error=1.234567890123456e-12,
        rung="deterministic equivalent",
        problem=FEATURES,
        sgd=SGD(gamma=1 / 7, B=10**6),
    )
    return Curve(**(fields | changes))


RESULTS = {
    "curve": curve(),
    "no terms": curve(terms=None, rung="exact expectation"),
    "regression": curve(problem=LinearRegression(alpha=0.7, beta=0.1, v=5 * 10**9)),
    "any spectrum": curve(problem=SPECTRUM),
    "nothing but defaults": Curve(step=STEP, excess=AWKWARD, problem=FEATURES, sgd=SGD(0.1)),
    "one step": curve(step=np.array([0]), excess=np.array([0.1]), terms=None),
    "NumPy scalars": curve(
        problem=PowerLaw(alpha=np.float64(1 / 3), beta=0.0, v=np.int64(10**12), d=np.int64(7)),
        sgd=SGD(np.float64(1 / 7), np.int64(3)),
        error=np.float64(1e-12),
    ),
    "runs": Runs(
        step=STEP,
        excess=np.stack([AWKWARD, np.full(5, np.inf), -AWKWARD]),
        engine="features",
        inputs="student-t (dof 5)",
        dtype="float32",
        features="own",
        problem=FEATURES,
        sgd=SGD(1 / 7),
        stopped=10**9,
    ),
    "frontier": Frontier(
        flops=np.geomspace(1e9, 1e30, 5),
        d=AWKWARD,
        excess=AWKWARD,
        slope=-AWKWARD,
        size_slope=AWKWARD,
        at_edge=np.array([True, False, False, False, True]),
        noise=0.1,
    ),
}
every_result = pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)


def assert_same(one, other):
    """Equal in every field: types, dtypes, keys and bits."""
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other


def as_plain(value):
    """NumPy scalars become Python numbers in a file, of the same value."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: as_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return type(value)(**fields)
    return value.item() if isinstance(value, np.generic) else value


SCHEDULES = [
    Constant(1 / 3, 10**9),
    Linear(1 / 3, 7),
    PowerDecay(1 / 3, 7, p=np.pi),
    Cosine(1 / 3, 7),
    StableDecay(1 / 3, 7, fraction=1 / 7, cooldown="1-sqrt"),
    Geometric(1 / 3, 7),
    Geometric(1 / 3, 7, stages=3),
    Warmup(5, Warmup(2, Cosine(1 / 3, 7))),
]
RULES = [
    *(SGD(schedule, 3) for schedule in SCHEDULES),
    SGD(AWKWARD),
    Momentum(1 / 7, mu=1 / 3, B=3),
    Momentum(Cosine(1 / 7, 9), mu=0.0),
    ThreeRates(Delta=Cosine(1 / 7, 9), gamma1=1 / 3, gamma2=0.0, gamma3=AWKWARD, B=2),
    DANA(gamma2=1 / 3, gamma3=1 / 7, delta=np.pi, decay=1 / 3, B=5),
    Averaged(SGD(1 / 7, 3), ema=1 / 3),
    Averaged(Momentum(Warmup(3, Cosine(1 / 7, 9))), tail=0),
    Averaged(DANA(gamma2=1 / 3, gamma3=1 / 7, delta=5.0), ema=AWKWARD[[0, 1]]),
    Averaged(SGD([0.1, 0.2]), ema=PowerDecay(1 / 3, 9, p=0.5)),
]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: repr(rule)[:60])


@every_rule
def test_rules_and_schedules_come_back(rule, tmp_path):
    """In a curve, and as the rule of runs; text and coefficients are those of before."""
    curve(sgd=rule).save(tmp_path / "curve.nc")
    again = load(tmp_path / "curve.nc").sgd
    assert_same(again, rule)
    assert repr(again) == repr(rule)
    with jax.enable_x64(True):
        one, other = (x.coefficients(np.arange(2)) for x in (again, rule))
    np.testing.assert_array_equal(one.A, other.A)
    np.testing.assert_array_equal(one.b, other.b)


@pytest.mark.parametrize(
    "rule",
    [
        SGD(lambda t: 0.1 / (1 + t)),
        SGD(Warmup(5, lambda t: 0.1)),
        Momentum(np.sqrt, 0.9),
        Averaged(SGD(0.1), ema=lambda t: t / (t + 1)),
    ],
    ids=["callable", "warm-up", "momentum", "average"],
)
def test_what_is_not_ours_cannot_be_saved(rule, tmp_path):
    """It says so, what to do instead, and leaves no file behind."""
    with pytest.raises(TypeError, match=r"cannot be saved: .* Give the rates as an array, one per"):
        curve(sgd=rule).save(tmp_path / "curve.nc")
    assert not list(tmp_path.iterdir())


def test_optimisers_cannot_be_saved(tmp_path):
    optax = pytest.importorskip("optax")
    with pytest.raises(TypeError, match="cannot be saved"):
        curve(sgd=Optimizer(optax.adam(0.1))).save(tmp_path / "curve.nc")
    assert not list(tmp_path.iterdir())


@every_result
def test_round_trip(result, tmp_path):
    result.save(tmp_path / "result.nc")
    assert_same(load(tmp_path / "result.nc"), as_plain(result))


@every_result
def test_second_round_trip_writes_the_same(result, tmp_path):
    result.save(tmp_path / "one.nc")
    load(tmp_path / "one.nc").save(tmp_path / "two.nc")
    one, two = (xarray.load_dataset(tmp_path / name) for name in ("one.nc", "two.nc"))
    xarray.testing.assert_identical(one, two)


@every_result
def test_text_survives(result, tmp_path):
    result.save(str(tmp_path / "result.nc"))
    assert str(load(str(tmp_path / "result.nc"))) == str(as_plain(result))


@pytest.mark.parametrize("name", ["curve", "runs", "frontier"])
def test_a_fresh_process_can_load(name, tmp_path):
    path = tmp_path / "result.nc"
    RESULTS[name].save(path)
    code = f"import solvable; print(type(solvable.load({str(path)!r})).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().lower() == name


class TestXarray:
    def test_curve(self):
        data = RESULTS["curve"].to_xarray()
        assert dict(data.sizes) == {"step": 5}
        assert set(data.data_vars) == {"excess", "terms.capacity", "terms.sgd_noise"}
        assert data.step.attrs["units"] == "steps of SGD"
        np.testing.assert_array_equal(data.excess.sel(step=10**15), AWKWARD[-1])
        assert data.attrs["kind"] == "Curve" and data.attrs["error"] == 1.234567890123456e-12

    def test_runs(self):
        data = RESULTS["runs"].to_xarray()
        assert data.excess.dims == ("seed", "step")
        assert dict(data.sizes) == {"seed": 3, "step": 5}

    def test_frontier(self):
        data = RESULTS["frontier"].to_xarray()
        assert data.d.dims == data.at_edge.dims == ("flops",)

    def test_other_readers_see_plain_netcdf(self, tmp_path):
        RESULTS["curve"].save(tmp_path / "result.nc")
        with h5py.File(tmp_path / "result.nc") as file:
            np.testing.assert_array_equal(file["excess"], AWKWARD)
            assert file.attrs["kind"] == "Curve"


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
        assert_same(load(path), curve())
        assert [p.name for p in tmp_path.iterdir()] == ["result.nc"]

    @pytest.mark.parametrize("name", ["nothing.nc", ""])
    def test_there_must_be_something_to_load(self, name, tmp_path):
        with pytest.raises(FileNotFoundError, match="`path` must name a file"):
            load(tmp_path / name)


class TestDamage:
    """Whatever is wrong with a file, the error is a ValueError that names it."""

    @pytest.fixture
    def path(self, tmp_path):
        curve().save(tmp_path / "result.nc")
        return tmp_path / "result.nc"

    def assert_refused(self, path):
        with pytest.raises(
            ValueError, match="`path` must name a result saved by solvable"
        ) as caught:
            load(path)
        assert path.name in str(caught.value)

    @pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99])
    def test_truncated(self, path, kept):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else kept])
        self.assert_refused(path)

    @pytest.mark.parametrize(
        "content",
        [b"step,excess\n0,1\n", np.random.default_rng(0).bytes(4096), b"\x89HDF\r\n\x1a\n"],
    )
    def test_not_a_netcdf_file(self, path, content):
        path.write_bytes(content)
        self.assert_refused(path)

    def test_overwritten_in_the_middle(self, path):
        whole = bytearray(path.read_bytes())
        whole[:2048] = bytes(2048)
        path.write_bytes(whole)
        self.assert_refused(path)

    @pytest.mark.parametrize(
        "attributes",
        [{}, {"kind": "Banana"}, {"kind": "SGD"}, {"kind": "predict"}, {"kind": "load"}],
    )
    def test_somebody_elses_netcdf(self, path, attributes):
        data = xarray.Dataset({"excess": ("step", AWKWARD)}, {"step": STEP}, attributes)
        data.to_netcdf(path, engine="h5netcdf")
        self.assert_refused(path)

    @pytest.mark.parametrize("lost", ["excess", "step", "problem", "sgd"])
    def test_a_field_is_missing(self, path, lost):
        data = xarray.load_dataset(path)
        data.attrs.pop(lost, None)
        data.drop_vars(lost, errors="ignore").to_netcdf(path, engine="h5netcdf")
        self.assert_refused(path)

    def test_a_field_is_impossible(self, path):
        data = xarray.load_dataset(path)
        data.attrs["sgd"] = data.attrs["sgd"].replace("0.14285714285714285", "-1.0")
        data.to_netcdf(path, engine="h5netcdf")
        self.assert_refused(path)


class TestWholeOrAbsent:
    @pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
    @pytest.mark.parametrize("exists", [False, True])
    def test_a_failed_write_leaves_what_was_there(self, monkeypatch, tmp_path, error, exists):
        path = tmp_path / "result.nc"
        if exists:
            curve(rung="old").save(path)

        def fail(self, name, **_):
            with open(name, "wb") as file:
                file.write(b"half of it")
            raise error

        monkeypatch.setattr(xarray.Dataset, "to_netcdf", fail)
        with pytest.raises(type(error)):
            curve(rung="new").save(path, force=True)
        assert [p.name for p in tmp_path.iterdir()] == (["result.nc"] if exists else [])
        monkeypatch.undo()
        if exists:
            assert load(path).rung == "old"

    def test_an_existing_file_is_replaced_in_one_move(self, monkeypatch, tmp_path):
        """While the new file is written, a reader still sees the old one, whole."""
        path, write, seen = tmp_path / "result.nc", xarray.Dataset.to_netcdf, []
        curve(rung="old").save(path)

        def look(self, name, **options):
            write(self, name, **options)
            seen.append(load(path).rung)

        monkeypatch.setattr(xarray.Dataset, "to_netcdf", look)
        curve(rung="new").save(path, force=True)
        assert seen == ["old"] and load(path).rung == "new"

    def test_permissions_are_those_of_any_new_file(self, tmp_path):
        """Temporary files are private; results are as the umask says."""
        (tmp_path / "plain").touch()
        curve().save(tmp_path / "result.nc")
        plain, saved = (stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("plain", "result.nc"))
        assert saved == plain
