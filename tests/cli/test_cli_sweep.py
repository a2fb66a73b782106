"""The commands ``solvable sweep``, as typed."""

import json

import pytest
import xarray

from solvable.cli import main as cli

FILE = """
compute = "simulate"
[problem]
alpha = [0.75, 1.0]
beta = 0.3
v = 8
d = 4
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
    assert (code, err) == (0, "Saved cells/sweep.nc; 0 cells are missing.\n")
    assert xarray.load_dataset("cells/sweep.nc").excess.dims == ("alpha", "seed", "step")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sweep run absent.toml --out x", "absent.toml"),
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


def test_cells_above_the_threshold_are_counted(run, tmp_path):
    text = """compute = "predict"
problem = { alpha = 1.0, beta = 0.5, d = 10, ratio = 4 }
training = { gamma = [0.1, 500.0] }
run = { steps = [0, 10] }
"""
    (tmp_path / "bold.toml").write_text(text)
    assert run("sweep run bold.toml --out cells")[0] == 0
    code, _, err = run("sweep collect cells")
    assert code == 0 and "0 cells are missing, 1 are NaN: their learning rates are above" in err


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
