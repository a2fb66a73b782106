"""Large simulations: over devices, over processes, killed and resumed; no number may change."""

import importlib.util
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from solvable import SGD, PowerLaw, expect, simulate
from solvable.schedules import Cosine
from solvable.simulation import loop, one_pass
from solvable.simulation.checkpoints import describe

WORKER = Path(__file__).with_name("large_worker.py")
spec = importlib.util.spec_from_file_location("large_worker", WORKER)
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)

KEY, DRAW = worker.KEY, worker.DRAW
# Coefficients are held for 4096 steps. The program is that of worker.OWN.
SMALL = worker.OWN | dict(rule=SGD(Cosine(0.1, 5000)), steps=[0, 10, 500, 4200, 4500])


@pytest.fixture(autouse=True)
def interrupts_are_apart(monkeypatch):
    """Two of them within seconds would be a wish to end at once."""
    monkeypatch.setattr("solvable.simulation.interrupts.SOON", 0.0)


def start(*arguments, devices):
    """A process with so many virtual devices."""
    environment = os.environ | {
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
    }
    command = [sys.executable, "-W", "error", str(WORKER), *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def wait(*processes):
    """Until all have ended well; none outlives this."""
    try:
        ends = [process.communicate(timeout=240) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert [process.returncode for process in processes] == [0] * len(processes), ends


# Eight devices


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """Runs on eight devices, and what was seen of them."""
    folder = tmp_path_factory.mktemp("eight")
    wait(start("eight", folder, devices=8))
    return dict(np.load(folder / "eight.npz")) | json.loads((folder / "eight.json").read_text())


def test_along_seeds_it_is_the_plain_simulation(eight):
    arguments = {name: x for name, x in worker.SEEDS.items() if name != "along"}
    plain = simulate(KEY, **arguments)
    # 300 steps, each of which rounds a sum of 13 products.
    np.testing.assert_allclose(eight["seeds"], plain.excess, rtol=300 * 13 * 1.2e-7)


def test_along_modes_the_number_of_devices_changes_nothing(eight):
    one = worker.large(KEY, **worker.MODES)
    assert eight["modes"].shape == (200, 6)
    np.testing.assert_allclose(eight["modes"], one.excess, rtol=1e-10)


def test_along_modes_the_mean_is_the_exact_expectation(eight):
    expected = expect(DRAW, worker.RULE, worker.STEPS).excess[1:]
    runs = eight["modes"][:, 1:]
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    assert np.abs((runs.mean(axis=0) - expected) / error).max() < 4  # once in 3000 keys
    assert (4 * error / expected).max() < 0.05  # power: a fault of 5 per cent is seen


def test_every_device_holds_its_part_and_no_more(eight):
    """13 modes are filled up to 16, and 11 seeds to 16; the memory of momentum is two vectors."""
    assert eight["shapes"] == {
        "seeds": [[16, 1, 13], [2, 1, 13], 8],
        "state": [[200, 2, 16], [200, 2, 2], 8],
        "lam": [[16], [2], 8],
        "start": [[16], [2], 8],
    }


def test_devices_tell_each_other_one_sum_per_step_and_one_per_record(eight):
    """No vector is ever gathered or moved."""
    silent = {"all-gather": 0, "all-to-all": 0, "collective-permute": 0}
    assert eight["told"] == {"all-reduce": 2} | silent


def test_killed_at_any_moment_it_resumes_to_the_same_bits(eight, tmp_path):
    process = start("killed", tmp_path, devices=8)
    folder, deadline = tmp_path / "checkpoints", time.monotonic() + 240
    while not any(path.name.isdigit() for path in folder.glob("*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.5))  # any moment, each time another
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert max(int(path.name) for path in folder.glob("*") if path.name.isdigit()) < 300
    wait(start("resumed", tmp_path, devices=8))
    np.testing.assert_array_equal(np.load(tmp_path / "resumed.npy"), eight["modes"])


# Two processes


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """What each of two processes got."""
    folder = tmp_path_factory.mktemp("pair")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    wait(*[start("pair", folder, rank, port, devices=1) for rank in (0, 1)])
    return [dict(np.load(folder / f"{rank}.npz")) for rank in (0, 1)]


def test_two_processes_get_the_same_and_what_one_gets(pair):
    for name in pair[0]:
        np.testing.assert_array_equal(pair[0][name], pair[1][name])
    one = worker.large(KEY, **worker.OWN)
    np.testing.assert_allclose(pair[0]["whole"], one.excess, rtol=1e-10)


def test_an_interrupt_of_one_process_stops_both_at_one_step(pair):
    """The sixth chunk ends at step 1 + 2 + 4 + 8 + 16 + 32 at the latest."""
    here = pair[0]
    assert 6 <= here["at"] <= 63
    done = here["stopped"].shape[1]
    np.testing.assert_array_equal(here["stopped"], here["whole"][:, :done])
    np.testing.assert_array_equal(here["resumed"], here["whole"])


def test_a_notice_to_one_process_stops_both(pair):
    here = pair[0]
    assert 0 < here["noticed_at"] < 200
    done = here["noticed"].shape[1]
    np.testing.assert_array_equal(here["noticed"], here["whole"][:, :done])


# Checkpoints


def run(**changes):
    return worker.large(**{"key": KEY} | SMALL | changes)


@pytest.fixture(scope="module")
def whole():
    return run().excess


def interrupted_during(monkeypatch, calls):
    """Ctrl-C arrives during that chunk."""
    real, left = one_pass.take, iter(range(calls - 1))

    def take(*arguments, **program):
        if next(left, None) is None:
            signal.raise_signal(signal.SIGINT)
        return real(*arguments, **program)

    monkeypatch.setattr(one_pass, "take", take)


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """The folder of a run that was interrupted at step 4096, where coefficients are renewed."""
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "CHUNK_SECONDS", np.inf)  # chunks of 1, 2, 4 ... steps
        interrupted_during(patch, 13)
        runs = run(checkpoint=tmp_path / "run", every=1e-9)
    assert runs.stopped == 4096 and runs.step.tolist() == [0, 10, 500]
    assert signal.getsignal(signal.SIGINT) is before
    return tmp_path / "run"


def test_an_interrupted_run_is_resumed_to_the_same_bits(stopped, whole, monkeypatch):
    assert sorted(path.name for path in stopped.iterdir()) == ["4095", "4096", "lock", "run.json"]
    # The chunks end elsewhere: of one step each.
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)
    runs = run(checkpoint=stopped)
    assert runs.stopped == -1
    np.testing.assert_array_equal(runs.excess, whole)


def test_a_finished_run_is_read_not_run(stopped, whole, monkeypatch):
    run(checkpoint=stopped)
    real, steps = one_pass.take, []

    def spy(state, stop, *arguments, **program):
        steps.append(stop - state.t)
        return real(state, stop, *arguments, **program)

    monkeypatch.setattr(one_pass, "take", spy)
    np.testing.assert_array_equal(run(checkpoint=stopped).excess, whole)
    assert steps == [0]


def test_an_interrupt_before_anything_is_recorded_is_passed_on(monkeypatch):
    interrupted_during(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        run(steps=[300, 301, 302, 303, 304])


def test_checkpoints_are_as_far_apart_as_asked(tmp_path, whole):
    runs = run(checkpoint=tmp_path / "run", every=60)
    np.testing.assert_array_equal(runs.excess, whole)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "4500",
        "lock",
        "run.json",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": 3}, "Here `seeds` is 3, there it is 2"),
        ({"key": jax.random.key(8)}, r"`key` is threefry2x32 \[0, 8\], there it is .* \[0, 7\]"),
        ({"dtype": "float32"}, "`dtype` is float32, there it is float64"),
        ({"along": "seeds"}, "`along` is seeds, there it is modes"),
        ({"steps": [0, 10, 500, 600, 4501]}, "`steps` is 5 up to 4501 .*, there it is 5 up to"),
        ({"rule": SGD(0.2)}, r"`rule` is SGD\(gamma=0.2, B=1\) .*, there it is SGD\(gamma=Cos"),
        ({"problem": PowerLaw(alpha=1.0, beta=0.4, v=10)}, "`problem` is .*beta=0.4"),
    ],
)
def test_a_folder_of_another_run_is_refused(stopped, change, message):
    with pytest.raises(
        ValueError, match=f"`checkpoint` must be the folder of this very .*{message}"
    ):
        run(checkpoint=stopped, **change)


def test_another_version_is_refused(stopped):
    file = stopped / "run.json"
    file.write_text(file.read_text().replace("solvable ", "solvable 99."))
    with pytest.raises(ValueError, match=r"`versions` is solvable .*, there it is solvable 99\."):
        run(checkpoint=stopped)
    file.unlink()
    with pytest.raises(ValueError, match=r"must be a folder for this run alone, .*and no run"):
        run(checkpoint=stopped)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_serves(stopped, whole):
    manifest = stopped / "4096" / "default" / "manifest.ocdbt"
    manifest.write_bytes(manifest.read_bytes()[:20])
    match = "must hold a whole checkpoint, .*4096.* Delete it to resume from step 4095"
    with pytest.raises(ValueError, match=match):
        run(checkpoint=stopped)
    shutil.rmtree(stopped / "4096")
    np.testing.assert_array_equal(run(checkpoint=stopped).excess, whole)


def test_a_description_has_no_place_in_memory():
    """Schedules are known by their rates: the same function, defined twice, is the same."""
    of = lambda rate: describe(KEY, DRAW, SGD(rate), np.array([0, 50]), jax.devices())["rule"]
    halving = lambda: lambda t: 0.1 * 0.5 ** (t / 50)
    assert of(halving()) == of(halving()) != of(lambda t: 0.1 * 0.5 ** (t / 51))
    rates = np.full(50, 0.1)
    other = np.where(np.arange(50) == 37, 0.2, rates)
    assert of(rates) != of(other)


def test_without_orbax_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "orbax", None)
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with pytest.raises(ImportError, match=r'pip install "solvable\[cluster\]"'):
        run(checkpoint=tmp_path / "run")
    assert run(steps=[0, 10, 20, 30, 40]).excess.shape == (2, 5)


# What may go wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"along": "layers"}, "`along` must be one of modes, seeds, but is 'layers'"),
        ({"every": 0}, "`every` must be a positive finite number, but is 0"),
        ({"every": np.inf}, "`every` must be a positive finite number, but is inf"),
        ({"devices": []}, r"`devices` must hold a device, each one once, but is \[\]"),
        ({"seeds": 0}, "`seeds` must be at least 1, but is 0"),
        ({"steps": [3, 2]}, "`steps` must be strictly increasing"),
        ({"dtype": "float16"}, "`dtype` must be one of float32, float64, but is 'float16'"),
        ({"checkpoint": __file__}, "`checkpoint` must name a folder, but is '.*test_large.py'"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        run(**change)
