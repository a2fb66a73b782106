"""The commands ``solvable sweep``, as typed."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray

from solvable.cli import main as cli

FILE = """
compute = "simulate"
[problem]
alpha = [0.75, 1.0]
beta = 0.3
v = 8
[run]
steps = 20
seeds = 2
"""


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(FILE)

    def run(line: str):
        code = cli.run(line.split())
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_from_file_to_dataset(run, tmp_path):
    code, out, err = run("sweep estimate plan.toml")
    assert (code, err) == (0, "") and out.startswith("2 cells in 1 program: ")
    code, out, err = run("sweep run plan.toml --out cells --shard 1/2")
    assert (code, err) == (0, "")
    done = json.loads(run("sweep status cells --json")[1])
    assert done["cells"] == 2 and done["failed"] == {}
    code, out, _ = run("sweep run plan.toml --out cells")
    assert code == 0
    assert out == ("2 of 2 cells done\nAll of them as one dataset: solvable sweep collect cells\n")
    code, out, err = run("sweep collect cells")
    assert (code, err) == (0, "Saved cells/sweep.nc.\n")
    assert xarray.load_dataset("cells/sweep.nc").excess.dims == ("alpha", "seed", "step")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sweep run absent.toml --out x", "There is no file 'absent.toml'."),
        ("sweep estimate .", "'.' is no file"),
        ("sweep run plan.toml", "--out"),
        ("sweep run plan.toml --out x --shard 2", "no shard such as 3/16"),
        ("sweep run plan.toml --out x --shard 2/2", "--shard must be (i, n) with 0 <= i < n"),
        ("sweep run plan.toml --out x --engine ray", "--engine"),
        ("sweep run plan.toml --out x --workers 2", "--workers must be given with another engine"),
        (
            "sweep run plan.toml --out x --engine processes --workers 0",
            "--workers must be at least",
        ),
        ("sweep run plan.toml --out plan.toml", "must be a folder"),
        ("sweep status .", "holds no sweep"),
        ("sweep collect nowhere", "holds no sweep"),
        ("sweep dance", "dance"),
    ],
)
def test_bad_use_is_one_line(run, line, message):
    code, out, err = run(line)
    assert code in (1, 2) and out == ""
    assert err.startswith("Error: ") and err.count("\n") == 1
    assert message in err


def test_a_wrong_key_has_its_path(run, tmp_path):
    (tmp_path / "plan.toml").write_text(FILE.replace("beta", "bata"))
    code, _, err = run("sweep estimate plan.toml")
    assert code == 2 and "plan.toml: Object contains unknown field `bata` - at `$.problem`" in err


def test_collecting_counts_what_is_missing_and_what_is_unstable(run, monkeypatch):
    """A dataset with holes is saved, and said to have them; the exit code says so too."""

    def compute(cells, device):
        value = {0.75: np.nan, 1.0: 1.0}
        return [{"excess": np.full((2, 21), value[cell.values["alpha"]])} for cell in cells]

    monkeypatch.setattr("solvable.sweeps.sweep.compute", compute)
    run("sweep run plan.toml --out cells")
    code, _, err = run("sweep collect cells")
    above = "1 cells are NaN: their learning rates are above the threshold"
    assert (code, err) == (0, f"Saved cells/sweep.nc; {above}.\n")
    sorted(Path("cells/cells").iterdir())[0].write_bytes(b"damaged")
    code, out, _ = run("sweep status cells")
    assert "1 of 2 cells done, 1 damaged, to be computed again" in out
    code, _, err = run("sweep collect cells")
    assert code == 1 and "; 1 of 2 cells are missing: run the sweep again" in err
    assert Path("cells/sweep.nc").exists()


def test_an_interrupt_is_said(run, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("solvable.sweeps.sweep.compute", interrupted)
    code, out, err = run("sweep run plan.toml --out cells")
    assert (code, err) == (130, "Interrupted: run it again to go on.\n")
    assert out.startswith("0 of 2 cells done")


def test_a_failure_is_named(run, monkeypatch):
    def fail(*_):
        raise ValueError("no luck")

    monkeypatch.setattr("solvable.sweeps.sweep.compute", fail)
    code, out, _ = run("sweep run plan.toml --out cells")
    assert code == 1
    assert "failed: solvable simulate --alpha 0.75" in out and "no luck" in out


def test_without_dask(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    code, _, err = run("sweep run plan.toml --out cells --engine dask")
    assert code == 1 and "pip install 'solvable[cluster]'" in err


def test_help_is_there(run):
    code, out, _ = run("sweep run --help")
    assert code == 0
    for word in ("--shard", "--engine", "--workers", "--extend", "goes on when run again"):
        assert word in out
