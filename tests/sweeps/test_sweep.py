"""The numbers of a sweep are those of the other commands, however they came about."""

import concurrent.futures
import json
import multiprocessing
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
import xarray
from threadpoolctl import threadpool_info

from solvable import SGD, GradientFlow, PowerLaw, Ridge, Runs, expect, predict, simulate
from solvable.design import Frontier, frontier
from solvable.inputs import Gaussian
from solvable.simulation.one_pass import take_together
from solvable.sweeps import sweep
from solvable.sweeps.budget import _fastest, _heaviest
from solvable.sweeps.cell_batches import BATCH, batches, compute, group
from solvable.sweeps.cells import release
from solvable.sweeps.store import Store
from tests.sweeps.small import DATA_SET, FRONTIER, PREDICT, SIMULATE, TINY, changed


def numbers(folder) -> dict:
    """Every array of every cell, but for where it was computed."""
    store = Store(folder / "cells")
    found = {name: store.read(name) for name in store.names()}
    return {(n, k): x for n, arrays in found.items() for k, x in arrays.items() if k != "origin"}


def assert_same_bits(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for key, x in expected.items():
        np.testing.assert_array_equal(found[key], x)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The sweep, and the numbers of one uninterrupted run."""
    folder = tmp_path_factory.mktemp("tiny")
    plan = sweep.read(TINY)
    assert sweep.run(plan, folder).done == len(plan.cells)
    return plan, numbers(folder)


class TestNumbers:
    """Against the public functions."""

    def test_predict(self, tmp_path):
        plan = sweep.read(PREDICT)
        status = sweep.run(plan, tmp_path)
        assert str(status) == "8 of 8 cells done"
        data = sweep.collect(tmp_path)
        assert data.excess.dims == ("alpha", "d", "B", "step")
        for cell in plan.cells[::3]:
            at = {key: cell.values[key] for key in ("alpha", "d", "B")}
            problem = PowerLaw(alpha=at["alpha"], beta=0.3, v=4 * at["d"], d=at["d"])
            rule = SGD.stable(problem, 0.5, at["B"])
            curve = predict(problem, rule, 100)
            np.testing.assert_allclose(data.excess.sel(at), curve.excess, rtol=1e-11)
            np.testing.assert_allclose(data.learning_rate.sel(at), rule.gamma, rtol=1e-13)
            assert data.error.sel(at) < 1e-9
        np.testing.assert_array_equal(data.step, curve.step)

    def test_linear_regression_and_what_is_unstable(self, tmp_path):
        words = {
            "compute": "predict",
            "problem": {"alpha": 1.0, "beta": [0.3], "v": 8},
            "training": {"gamma": [0.3, 5.0]},
            "run": {"steps": [0, 100, 1000]},
        }
        sweep.run(sweep.read(words), tmp_path)
        data = sweep.collect(tmp_path)
        curve = predict(PowerLaw(alpha=1.0, beta=0.3, v=8), SGD(0.3), [0, 100, 1000])
        np.testing.assert_array_equal(data.excess[0, 0], curve.excess)
        assert np.isnan(data.excess[0, 1]).all() and data.attrs["unstable"] == 1

    def test_a_data_set_of_any_size(self, tmp_path):
        """Gradient flow over n, with the training error; named as everywhere else."""
        sweep.run(sweep.read(DATA_SET), tmp_path)
        data = sweep.collect(tmp_path)
        assert data.excess.dims == data.train.dims == ("n", "time")
        assert "learning_rate" not in data and data.time.values.tolist() == [0, 1, 100]
        problem = PowerLaw(alpha=1.0, beta=0.3, v=8, d=4, noise=0.1)
        for n in (5, 10, 20):
            curve = predict(problem, GradientFlow(), [0, 1, 100], n=n)
            np.testing.assert_array_equal(data.excess.sel(n=n), curve.excess)
            np.testing.assert_array_equal(data.train.sel(n=n), curve.train)

    @pytest.mark.parametrize("literal", [False, pytest.param(True, marks=pytest.mark.slow)])
    def test_simulated_ridge_regression(self, tmp_path, monkeypatch, literal):
        """A cell asks for the runs of its data set."""
        problem, found = PowerLaw(alpha=1.0, beta=0.3, v=8, d=4, noise=0.1), []

        def fake(key, *asked, **options):
            assert asked == (problem, Ridge(), [0.1, 1.0], 2)
            inputs, n = options.pop("inputs"), options.pop("n")
            assert inputs == Gaussian() and options == {"dtype": None}
            found.append(
                Runs(x=np.array([0.1, 1.0]), excess=np.full((2, 2), n), train=np.ones((2, 2)),
                     axis="ridge", problem=problem, rule=Ridge(), n=n)
            )  # fmt: skip
            return found[-1]

        words = changed(changed(DATA_SET, "data.n", [5, 10]), "training", None)
        words |= {"compute": "simulate", "run": {"ridge": [0.1, 1.0], "seeds": 2}}
        plan = sweep.read(words)
        if literal:
            for cell, n in zip(plan.cells, (5, 10), strict=True):
                key = jax.random.key(cell.seed)
                found.append(simulate(key, problem, Ridge(), [0.1, 1.0], 2, n=n))
        else:
            monkeypatch.setattr("solvable.sweeps.cell_runs.simulate", fake)
        sweep.run(plan, tmp_path)
        data = sweep.collect(tmp_path)
        assert data.excess.dims == ("n", "seed", "ridge") and data.attrs["dtype"] == "float64"
        for runs, n in zip(found, (5, 10), strict=True):
            np.testing.assert_array_equal(data.excess.sel(n=n), runs.excess)
            np.testing.assert_array_equal(data.train.sel(n=n), runs.train)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "training",
        [
            {"mu": [0.0, 0.5]},
            {"dana": ["constant", "decaying"]},
            {"full_batch": True, "fraction": [0.2, 0.4]},
            {"schedule": ["cosine"], "warmup": 10, "ema": 0.9},
        ],
        ids=str,
    )
    def test_other_rules(self, tmp_path, training):
        words = {
            "compute": "predict",
            "problem": {"alpha": 1.0, "beta": 0.3, "v": 8, "d": 4},
            "training": training,
            "run": {"steps": 100},
        } | ({"data": {"n": 10}} if "full_batch" in training else {})
        plan = sweep.read(words)
        sweep.run(plan, tmp_path)
        problem, rule, x, data = plan.cells[-1].setup()
        curve = predict(problem, rule, x, **data)
        np.testing.assert_array_equal(sweep.collect(tmp_path).excess[-1], curve.excess)

    def test_simulate(self, tmp_path):
        """Every seed has features of its own."""
        plan = sweep.read(SIMULATE)
        sweep.run(plan, tmp_path)
        [cell] = plan.cells
        problem = PowerLaw(alpha=1.0, beta=0.3, v=8, d=4)
        rule = SGD.stable(problem, 0.5)
        runs = simulate(jax.random.key(cell.seed), problem, rule, [0, 10, 100], 3)
        data = sweep.collect(tmp_path)
        assert data.excess.dims == ("seed", "step")
        np.testing.assert_allclose(data.excess, runs.excess, rtol=1e-5)
        np.testing.assert_allclose(data.learning_rate, rule.gamma, rtol=1e-13)
        assert f"--seed {cell.seed}" in cell.command

    def test_expect(self, tmp_path):
        words = changed(SIMULATE, "compute", "expect")
        plan = sweep.read(words)
        sweep.run(plan, tmp_path)
        [cell] = plan.cells
        problem = cell.problem()
        draw = problem.draw(jax.random.fold_in(jax.random.key(cell.seed), 2))
        curve = expect(draw, SGD.stable(problem, 0.5), [0, 10, 100])
        np.testing.assert_array_equal(sweep.collect(tmp_path).excess[2], curve.excess)

    @pytest.mark.parametrize("literal", [False, pytest.param(True, marks=pytest.mark.slow)])
    def test_frontier(self, tmp_path, monkeypatch, literal):
        """A cell asks for the frontier of its family and its rule."""
        family = lambda d: PowerLaw(alpha=1.0, beta=0.3, v=4 * d, d=d)
        budgets = [1e9, 1e10, 1e11, 1e12]
        if not literal:

            def fake(asked, rule, flops):
                problem = asked(10)
                assert problem == family(10) and rule(problem) == SGD.stable(problem, 0.5)
                np.testing.assert_allclose(flops, budgets)
                x = np.asarray(flops)
                return Frontier(flops=x, d=x, excess=-x, slope=x, size_slope=x, at_edge=x > 1e10)

            monkeypatch.setattr("solvable.sweeps.cell_batches.frontier", fake)
            best = fake(family, SGD.stable, budgets)
        else:
            best = frontier(family, SGD.stable, budgets)
        sweep.run(sweep.read(FRONTIER), tmp_path)
        data = sweep.collect(tmp_path)
        for name in ("d", "excess", "slope", "size_slope", "at_edge"):
            np.testing.assert_array_equal(data[name], getattr(best, name))
        np.testing.assert_allclose(data.flops, best.flops)

    def test_divergence_is_infinite(self, tmp_path):
        words = changed(changed(TINY, "problem.beta", 0.3), "problem.alpha", 1.0)
        words["training"] = {"B": 2, "gamma": [0.1, 1e4]}
        sweep.run(sweep.read(words), tmp_path)
        excess = sweep.collect(tmp_path).excess
        assert np.isfinite(excess[0]).all() and np.isinf(excess[1, :, -1]).all()


class TestTheSameBits:
    """Whatever the order, the neighbours, the engine, the interruption, the devices."""

    def test_in_any_order_and_company(self, tiny):
        plan, expected = tiny
        for cells in (plan.cells[::-1], plan.cells[3:4], plan.cells[1::3]):
            for batch in batches(cells):
                for cell, arrays in zip(batch, compute(batch), strict=True):
                    for name, x in arrays.items():
                        np.testing.assert_array_equal(x, expected[cell.name, name])

    def test_curves_in_any_order_and_company(self):
        cells = sweep.read(changed(PREDICT, "training.B", list(range(1, 10)))).cells
        assert len(cells) > BATCH
        by_name = lambda cells: {
            cell.name: arrays
            for batch in batches(cells)
            for cell, arrays in zip(batch, compute(batch), strict=True)
        }
        assert group(cells[0]) == group(cells[-1])  # so one program does them all
        forth, back = by_name(cells), by_name(cells[::-1])
        for name, arrays in forth.items():
            np.testing.assert_array_equal(arrays["excess"], back[name]["excess"])

    def test_sums_are_taken_by_one_thread(self, tiny, tmp_path, monkeypatch):
        seen = []

        def look(cells, device):
            seen.append({x["num_threads"] for x in threadpool_info() if x["user_api"] == "blas"})
            return compute(cells, device)

        monkeypatch.setattr("solvable.sweeps.sweep.compute", look)
        sweep.run(tiny[0], tmp_path, shard=(0, 7))
        assert seen and all(threads == {1} for threads in seen)

    @pytest.mark.slow
    def test_with_any_number_of_threads(self):
        """Large enough for the linear algebra to take several."""
        words = {
            "compute": "expect",
            "problem": {"alpha": 0.6, "beta": 0.3, "d": 300, "ratio": 4},
            "run": {"steps": [0, 1000]},
        }
        code = (
            "import json, sys, tempfile\nfrom pathlib import Path\n"
            "from solvable.sweeps import sweep\n"
            "folder = Path(tempfile.mkdtemp()); plan = sweep.read(json.loads(sys.argv[1]));"
            "sweep.run(plan, folder); print(sweep.collect(folder).excess.values.tobytes().hex())"
        )
        command = [sys.executable, "-c", code, json.dumps(words)]
        found = {
            subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=True,
                env=os.environ | {"OPENBLAS_NUM_THREADS": str(threads)},
            ).stdout
            for threads in (1, 2)
        }
        assert len(found) == 1

    def test_in_shards(self, tiny, tmp_path):
        plan, expected = tiny
        parts = [sweep.run(plan, tmp_path, shard=(i, 3)).cells for i in range(3)]
        assert sum(parts) == len(plan.cells) and max(parts) < len(plan.cells)
        assert_same_bits(numbers(tmp_path), expected)

    def test_in_other_processes(self, tiny, tmp_path):
        plan, expected = tiny
        spawn = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, spawn) as pool:
            assert sweep.run(plan, tmp_path, executor=pool).done == len(plan.cells)
        assert_same_bits(numbers(tmp_path), expected)

    def test_in_threads(self, tiny, tmp_path):
        plan, expected = tiny
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            sweep.run(plan, tmp_path, executor=pool)
        assert_same_bits(numbers(tmp_path), expected)

    @pytest.mark.slow
    def test_on_three_devices(self, tiny, tmp_path):
        _, expected = tiny
        code = (
            "import json, sys, jax\nfrom solvable.sweeps import sweep\n"
            "assert jax.device_count() == 3;"
            "print(sweep.run(sweep.read(json.loads(sys.argv[1])), sys.argv[2]))"
        )
        flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=3"}
        command = [sys.executable, "-c", code, json.dumps(TINY), str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | flags)
        assert done.stdout == "14 of 14 cells done\n", done.stderr
        assert_same_bits(numbers(tmp_path), expected)

    def test_two_runners_in_one_folder(self, tiny, tmp_path):
        plan, expected = tiny
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for run in [pool.submit(sweep.run, plan, tmp_path) for _ in range(2)]:
                assert run.result().done == len(plan.cells)
        assert_same_bits(numbers(tmp_path), expected)


class TestWhatGoesWrong:
    def test_an_interrupted_sweep_goes_on(self, tiny, tmp_path, monkeypatch):
        plan, expected = tiny
        calls = []

        def once(cells, device):
            calls.append(len(cells))
            if len(calls) == 3:
                raise KeyboardInterrupt
            return compute(cells, device)

        monkeypatch.setattr("solvable.sweeps.sweep.compute", once)
        status = sweep.run(plan, tmp_path)
        assert (status.done, status.interrupted) == (4, True)
        assert sweep.status(tmp_path).done == 4
        data = sweep.collect(tmp_path)
        assert data.attrs["missing"] == 10
        assert np.isnan(data.excess).any(dim=["seed", "step"]).sum() == 10
        assert sweep.run(plan, tmp_path).done == 14
        assert sum(calls) == 14 + 2  # the batch that was interrupted, again
        assert_same_bits(numbers(tmp_path), expected)

    def test_nothing_is_done_twice(self, tiny, tmp_path, monkeypatch):
        plan, _ = tiny
        sweep.run(plan, tmp_path, shard=(0, 1))
        monkeypatch.setattr("solvable.sweeps.sweep.compute", lambda *_: pytest.fail("again"))
        assert sweep.run(plan, tmp_path).done == 14

    def test_a_damaged_cell_is_computed_again(self, tiny, tmp_path):
        plan, expected = tiny
        sweep.run(plan, tmp_path)
        file, other = sorted((tmp_path / "cells").iterdir())[:2]
        file.write_bytes(other.read_bytes())  # whole, but another's
        status = sweep.status(tmp_path)
        assert (status.done, status.damaged) == (13, 1)
        assert str(status) == "13 of 14 cells done, 1 damaged, to be computed again"
        kept = {path.name: path.stat().st_mtime_ns for path in file.parent.iterdir()}
        sweep.run(plan, tmp_path)
        now = {path.name: path.stat().st_mtime_ns for path in file.parent.iterdir()}
        assert {name for name in kept if now[name] != kept[name]} == {file.name}
        assert_same_bits(numbers(tmp_path), expected)

    def test_a_full_disk(self, tiny, tmp_path, monkeypatch):
        plan, expected = tiny
        written, fsync = [], os.fsync

        def full(handle):
            written.append(handle)
            if len(written) > 6:
                raise OSError(28, "No space left on device")
            fsync(handle)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space left"):
                sweep.run(plan, tmp_path)
        kept = numbers(tmp_path)
        assert 0 < len(kept) < len(expected)
        assert sweep.run(plan, tmp_path).done == 14
        assert_same_bits(numbers(tmp_path), expected)

    def test_a_folder_that_cannot_be_written(self, tiny):
        with pytest.raises(OSError, match="/proc/sweep"):
            sweep.run(tiny[0], "/proc/sweep")

    def test_a_file_is_no_folder(self, tiny, tmp_path):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(NotADirectoryError, match="must be a folder"):
            sweep.run(tiny[0], tmp_path / "file")

    def test_a_folder_of_other_things(self, tiny, tmp_path):
        (tmp_path / "thesis.tex").write_text("mine")
        with pytest.raises(ValueError, match="holds other files, and no sweep"):
            sweep.run(tiny[0], tmp_path)
        with pytest.raises(FileNotFoundError, match="holds no sweep"):
            sweep.status(tmp_path)

    def test_the_folder_of_another_sweep(self, tiny, tmp_path):
        plan, expected = tiny
        sweep.run(plan, tmp_path)
        wider = sweep.read(changed(TINY, "problem.alpha", [0.75, 1.0, 1.5]))
        with pytest.raises(ValueError, match=r"`\$\.problem\.alpha` was \[0\.75, 1\.0\], and is"):
            sweep.run(wider, tmp_path)
        status = sweep.run(wider, tmp_path, extend=True)
        assert (status.done, status.cells) == (21, 21)
        found = numbers(tmp_path)
        assert_same_bits({key: found[key] for key in expected}, expected)
        assert sweep.collect(tmp_path).sizes["alpha"] == 3

    def test_the_same_sweep_in_other_words(self, tiny, tmp_path):
        sweep.run(tiny[0], tmp_path)
        assert sweep.run(sweep.read(changed(TINY, "run.seed", 0)), tmp_path).done == 14

    def test_another_version(self, tiny, tmp_path, monkeypatch):
        sweep.run(tiny[0], tmp_path)
        monkeypatch.setattr("solvable.sweeps.folder.release", lambda: "99")
        with pytest.raises(ValueError, match=r"solvable was .*, and is 99"):
            sweep.run(tiny[0], tmp_path)
        for look in (sweep.status, sweep.collect):
            with pytest.raises(ValueError, match=r"was computed by solvable .*, and this is 99"):
                look(tmp_path)

    def test_another_title_is_the_same_sweep(self, tiny, tmp_path):
        sweep.run(tiny[0], tmp_path)
        assert sweep.run(sweep.read(changed(TINY, "title", "new")), tmp_path).done == 14

    def test_a_damaged_manifest(self, tiny, tmp_path):
        sweep.run(tiny[0], tmp_path, shard=(0, 5))
        (tmp_path / "sweep.json").write_text('{"sweep":')
        with pytest.raises(ValueError, match=r"damaged.*Remove it and run the sweep again"):
            sweep.run(tiny[0], tmp_path)
        (tmp_path / "sweep.json").unlink()
        assert sweep.run(tiny[0], tmp_path).done == 14

    def test_a_cell_that_fails_is_named_and_the_others_go_on(self, tmp_path, monkeypatch):
        words = changed(changed(TINY, "problem.beta", 0.3), "problem.alpha", [1.0, 1.1])
        plan = sweep.read(words)

        def unlucky(cells, device):
            if any(cell.values["alpha"] == 1.1 for cell in cells):
                raise ValueError("no luck")
            return compute(cells, device)

        monkeypatch.setattr("solvable.sweeps.sweep.compute", unlucky)
        status = sweep.run(plan, tmp_path)
        assert (status.done, status.cells, len(status.failed)) == (1, 2, 1)
        [(command, why)] = status.failed.items()
        assert command == plan.cells[1].command and command.startswith("solvable simulate --alph")
        assert why == "ValueError: no luck"
        assert sweep.collect(tmp_path).attrs["missing"] == 1

    @pytest.mark.parametrize("shard", [(3, 3), (-1, 2), (0, 0), "x", 1])
    def test_bad_shards(self, tiny, tmp_path, shard):
        with pytest.raises(ValueError, match="`shard` must be"):
            sweep.run(tiny[0], tmp_path, shard=shard)

    def test_processes_that_fork_are_refused(self, tiny, tmp_path):
        fork = multiprocessing.get_context("fork")
        with concurrent.futures.ProcessPoolExecutor(2, fork) as pool:
            with pytest.raises(ValueError, match="not fork"):
                sweep.run(tiny[0], tmp_path, executor=pool)

    def test_nothing_to_collect(self, tiny, tmp_path, monkeypatch):
        monkeypatch.setattr(
            "solvable.sweeps.sweep.compute", lambda *_: (_ for _ in ()).throw(ValueError)
        )
        sweep.run(tiny[0], tmp_path)
        with pytest.raises(ValueError, match="no finished cell"):
            sweep.collect(tmp_path)


class TestTheDataset:
    def test_says_where_it_comes_from(self, tiny, tmp_path):
        plan, _ = tiny
        sweep.run(plan, tmp_path)
        data = sweep.collect(tmp_path)
        attrs = data.attrs
        assert json.loads(attrs["configuration"]) == TINY
        assert (attrs["compute"], attrs["seeds"], attrs["seed"]) == ("simulate", 32, 0)
        assert (attrs["dtype"], attrs["cells"], attrs["missing"]) == ("float32", 14, 0)
        for word in ("cpu", f"jax {jax.__version__}", f"numpy {np.__version__}", "solvable"):
            assert word in attrs["computed_by"]
        assert "git" in attrs
        assert data.excess.attrs["long_name"] and data.step.attrs["units"] == "steps"
        assert not any("time" in str(name) for name in data.variables)
        with xarray.open_dataset(tmp_path / "sweep.nc", engine="h5netcdf") as saved:
            xarray.testing.assert_identical(saved.load(), data)

    def test_is_read_by_name(self, tiny, tmp_path):
        plan, expected = tiny
        sweep.run(plan, tmp_path)
        data = sweep.collect(tmp_path)
        cell = plan.cells[9]
        found = data.excess.sel(alpha=cell.values["alpha"], beta=cell.values["beta"])
        np.testing.assert_array_equal(found, expected[cell.name, "excess"])


class TestTheEstimate:
    def test_counts_and_names_what_to_cut(self):
        found = sweep.estimate(sweep.read(changed(TINY, "problem.beta", 0.3)))
        assert (found.cells, found.programs) == (2, 1)
        assert found.seconds > 0 and found.memory > 0 and found.disk > 2 * 32 * 3 * 8
        assert "2 cells in 1 program: " in str(found)

    def test_a_program_for_every_shape(self):
        words = changed(changed(TINY, "problem.v", [4, 8]), "training.B", [2, 64])
        assert len(set(map(group, sweep.read(words).cells))) == 4
        flow = changed(DATA_SET, "problem.beta", [0.3, 0.4])
        assert len(set(map(group, sweep.read(flow).cells))) == 1  # n is a number

    def test_shares_add_up_to_the_heaviest_value(self):
        cells = sweep.read(changed(TINY, "problem.beta", 0.3)).cells
        each = {cell.name: 9.0 if cell.values["alpha"] == 1.0 else 1.0 for cell in cells}
        assert list(_heaviest(cells, each, 10.0)) == [("alpha", 1.0, 0.9)]

    @pytest.mark.parametrize(
        "words",
        [
            DATA_SET,
            changed(SIMULATE, "compute", "expect"),
            *(pytest.param(x, marks=pytest.mark.slow) for x in (PREDICT, FRONTIER)),
        ],
        ids=["data set", "expect", "predict", "frontier"],
    )
    def test_every_kind(self, words):
        assert sweep.estimate(sweep.read(words)).seconds > 0

    def test_neither_compiling_nor_a_pause_counts(self, monkeypatch):
        """Others may use the machine for a while: of several calls the fastest counts."""
        clock, spent = [0.0], iter([30.0, 0.2, 5.0, 0.1, 0.3, 9.0])

        def call():
            clock[0] += next(spent)
            return "found"

        monkeypatch.setattr("solvable.sweeps.budget.time.perf_counter", lambda: clock[0])
        assert _fastest(call) == (pytest.approx(0.2), "found")
        clock[0], spent = 0.0, iter([30.0, 0.2, 0.1, 0.3])
        assert _fastest(call) == (pytest.approx(0.1), "found")


def test_other_cells_compile_nothing(tiny):
    before = take_together._cache_size()
    words = changed(changed(TINY, "problem.alpha", [0.6]), "training.fraction", 0.1)
    compute(batches(sweep.read(words).cells)[0])
    assert take_together._cache_size() == before


def test_git_runs_nothing_that_a_repository_names(tiny, tmp_path, monkeypatch):
    """Settings of a repository can name programs; the commit is read without them."""
    monkeypatch.chdir(tmp_path)
    git = lambda *words: subprocess.run(["git", *words], check=True, capture_output=True, text=True)
    git("init", "-q")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one")
    commit = git("rev-parse", "HEAD").stdout.strip()
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    (tmp_path / ".gitattributes").write_text("* filter=trap\n")
    for key in ("core.fsmonitor", "filter.trap.clean", "core.pager", "diff.external"):
        git("config", key, str(trap))
    hooks = tmp_path / ".git" / "hooks"
    for name in ("fsmonitor-watchman", "post-index-change"):
        (hooks / name).write_bytes(trap.read_bytes())
        (hooks / name).chmod(0o755)
    sweep.run(tiny[0], tmp_path / "sweep", shard=(0, 99))
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text())["git"] == commit
    assert not (tmp_path / "sprung").exists()


def test_looking_at_a_folder_imports_nothing_that_its_file_names(tmp_path, monkeypatch):
    """Whoever runs a sweep trusts its file; whoever looks at a folder need not."""
    monkeypatch.chdir(tmp_path)
    words = changed(changed(PREDICT, "training", {"gamma": 0.1}), "training.rule", "trap:Rule")
    (tmp_path / "trap.py").write_text("raise AssertionError('imported')")
    (tmp_path / "sweep").mkdir()
    manifest = {"sweep": words, "solvable": release()}
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps(manifest))
    assert sweep.status("sweep").cells == 4
    with pytest.raises(ValueError, match="no finished cell"):
        sweep.collect("sweep")
    with pytest.raises(AssertionError, match="imported"):
        sweep.read(words)
