"""What a sweep file may say, and how it is told what it may not."""

import copy
from pathlib import Path

import numpy as np
import pytest

from solvable.sweeps import sweep
from solvable.sweeps.cells import all_cells
from solvable.sweeps.file import Grid, dimensions, read_file
from tests.sweep_words import FRONTIER, PREDICT, SIMULATE, changed

EXAMPLES = sorted((Path(__file__).parents[1] / "experiments" / "sweeps").glob("*.toml"))


@pytest.mark.parametrize(
    ("base", "path", "value", "message"),
    [
        (
            PREDICT,
            "problem.alhpa",
            1.0,
            r"unknown field `alhpa` - at `\$\.problem`. Did you mean `alpha`\? Why: .*sweeps\.md",
        ),
        (PREDICT, "banana", 1.0, r"unknown field `banana`"),
        (PREDICT, "compute", "guess", r"'guess' - at `\$\.compute`"),
        (PREDICT, "problem.alpha", "one", r"got `str` - at `\$\.problem\.alpha`"),
        (PREDICT, "problem.alpha", [0.5, True], r"got `bool` - at `\$\.problem\.alpha\[1\]`"),
        (PREDICT, "problem.alpha", [0.5, -1], r"positive.*-1.*`\$\.problem\.alpha\[1\]`"),
        (PREDICT, "problem.alpha", [], r"at least one value - at `\$\.problem\.alpha`"),
        (
            PREDICT,
            "problem.alpha",
            [1.0, 1.0],
            r"differ, but they are \[1\.0, 1\.0\] - at `\$\.problem\.alpha`",
        ),
        (PREDICT, "problem.beta", {"start": 0, "stop": 1}, r"`num` - at `\$\.problem\.beta`"),
        (
            PREDICT,
            "problem.beta",
            {"start": 0, "stop": 1, "num": 3, "spacing": "log"},
            r"`start` must be positive.*\$\.problem\.beta",
        ),
        (
            PREDICT,
            "problem.d",
            [50, 99.5],
            r"whole number, but is 99\.5 - at `\$\.problem\.d\[1\]`",
        ),
        (PREDICT, "problem.ratio", 0.5, r"at least 1, but is 0\.5 - at `\$\.problem\.ratio`"),
        (PREDICT, "problem.v", 400, r"`v` or `ratio`.*one of them - at `\$\.problem\.v`"),
        (PREDICT, "problem.noise", -1, r"at least 0, but is -1.*\$\.problem\.noise"),
        (
            PREDICT,
            "problem.d",
            None,
            r"needed, or `linear_regression = true` - at `\$\.problem\.d`",
        ),
        (PREDICT, "problem.linear_regression", True, r"no meaning for linear regression"),
        (PREDICT, "training.gamma", 0.1, r"`gamma` or `fraction`: one.*\$\.training\.gamma"),
        (PREDICT, "training.fraction", [0.5, 1.0], r"below 1, but is 1\.0.*fraction\[1\]"),
        (PREDICT, "training.B", 0, r"at least 1, but is 0.*\$\.training\.B"),
        (PREDICT, "training.mu", 1.0, r"below 1, but is 1\.0 - at `\$\.training\.mu`"),
        (PREDICT, "training.schedule", ["linear", "stairs"], r"'stairs'.*schedule\[1\]"),
        (PREDICT, "run.seeds", 3, r"no meaning for compute = 'predict' - at `\$\.run\.seeds`"),
        (PREDICT, "run.steps", None, r"needed for compute = 'predict' - at `\$\.run\.steps`"),
        (
            PREDICT,
            "run.steps",
            10.5,
            r"`steps` must be a whole number, but is 10\.5.*\$\.run\.steps",
        ),
        (PREDICT, "run.steps", [10, 5], r"strictly increasing.*\$\.run\.steps"),
        (SIMULATE, "problem.v", 5, r"`d` must not exceed v = 5.*\$\.problem\.d"),
        (SIMULATE, "run.seeds", 0, r"`seeds` must be at least 1.*\$\.run\.seeds"),
        (SIMULATE, "run.dtype", "float16", r"'float16' - at `\$\.run\.dtype`"),
        (SIMULATE, "run.inputs", "student-t", r"`inputs` must be 'gaussian'.*\$\.run\.inputs"),
        (SIMULATE, "run.dof", 3, r"`dof` must be given with.*\$\.run\.dof"),
        (FRONTIER, "problem.d", 100, r"all sizes: give `ratio`.*\$\.problem\.d"),
        (FRONTIER, "training.mu", 0.5, r"constant rate - at `\$\.training\.mu`"),
        (FRONTIER, "run.flops", -1.0, r"`flops\[0\]` must be a positive.*\$\.run\.flops"),
        (FRONTIER, "run.flops", [1e10, 1e9], r"increasing.* - at `\$\.run\.flops`$"),
        (FRONTIER, "run.flops", [], r"`flops` must be a non-empty.*\$\.run\.flops"),
        (FRONTIER, "problem.ratio", [4, 1e30], r"\$\.problem\.ratio\[1\]"),
        (SIMULATE, "run.steps", 1e10, r"at most 2\.1.*\$\.run\.steps"),
        (SIMULATE, "run.seed", 2**70, r"`seed` must be at most.*\$\.run\.seed|\$\.run\.seed"),
        (SIMULATE, "training.tail", 100, r"`tail` must be below the last step, 100.*\.tail"),
        (
            changed(PREDICT, "run.steps", 1e9),
            "training.schedule",
            ["constant", "linear"],
            r"`steps` must end by 1e\+08.*\$\.run\.steps.*schedule = linear",
        ),
        (PREDICT, "problem.beta", {"start": 0, "stop": 1, "num": 1e15}, r"`num` must be at most"),
        (FRONTIER, "problem.ratio", None, r"needed for compute = 'frontier'"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(base, path, value, message):
    with pytest.raises(ValueError, match=message):
        sweep.read(changed(base, path, value))


def test_the_cell_of_impossible_physics_is_named():
    words = changed(SIMULATE, "problem.d", [10, 50])
    with pytest.raises(ValueError, match=r"\$\.problem\.d\[1\]`, for d = 50"):
        sweep.read(words)


def test_a_file_that_is_no_toml(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text("compute = predict")
    with pytest.raises(ValueError, match=r"bad\.toml is no TOML: .*line 1"):
        sweep.read(file)
    with pytest.raises(FileNotFoundError):
        sweep.read(tmp_path / "absent.toml")


def test_the_name_of_the_file_is_in_the_message(tmp_path):
    file = tmp_path / "plane.toml"
    file.write_text('compute = "predict"\n[problem]\nalpha = 1\nbeta = -x\n')
    with pytest.raises(ValueError, match=r"plane\.toml"):
        sweep.read(file)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_read(path):
    plan = sweep.read(path)
    assert plan.file.title
    assert len({cell.name for cell in plan.cells}) == len(plan.cells) > 10


def test_there_are_examples():
    assert {path.stem for path in EXAMPLES} == {
        "phase_diagram",
        "exponents",
        "universality",
        "learning_rate_transfer",
    }


class TestAxes:
    def test_lists_and_grids_are_dimensions_in_the_order_of_the_schema(self):
        assert list(dimensions(read_file(PREDICT))) == ["alpha", "d", "B"]

    def test_one_value_in_a_list_is_a_dimension(self):
        assert dimensions(read_file(changed(SIMULATE, "problem.d", [10]))) == {"d": (10,)}

    def test_grids(self):
        assert Grid(0.1, 0.5, 5).values() == [0.1, 0.2, 0.3, 0.4, 0.5]
        np.testing.assert_allclose(Grid(1, 100, 3, "log").values(), [1, 10, 100])
        words = changed(SIMULATE, "problem.d", {"start": 5, "stop": 40, "num": 4, "spacing": "log"})
        assert dimensions(read_file(words))["d"] == (5, 10, 20, 40)

    def test_the_last_key_changes_fastest(self):
        cells = sweep.read(PREDICT).cells
        keys = [(c.values["alpha"], c.values["d"], c.values["B"]) for c in cells]
        assert keys == sorted(keys)
        assert len(keys) == 8


class TestNames:
    def name(self, words: dict) -> str:
        return all_cells(read_file(words))[0].name

    def test_a_name_is_a_function_of_the_configuration(self):
        assert self.name(SIMULATE) == self.name(copy.deepcopy(SIMULATE))

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("problem.alpha", 1.0000001),
            ("problem.noise", 1e-9),
            ("training.fraction", 0.4),
            ("training.B", 2),
            ("training.mu", 0.0),
            ("training.schedule", "cosine"),
            ("run.seed", 1),
            ("run.seeds", 4),
            ("run.steps", [0, 10, 101]),
            ("run.dtype", "float64"),
            ("run.engine", "features"),
        ],
    )
    def test_whatever_determines_the_numbers_changes_it(self, path, value):
        assert self.name(changed(SIMULATE, path, value)) != self.name(SIMULATE)

    @pytest.mark.parametrize(
        ("path", "value"), [("title", "x"), ("problem.alpha", [1.0, 2.0]), ("problem.noise", 0)]
    )
    def test_nothing_else_does(self, path, value):
        assert self.name(changed(SIMULATE, path, value)) == self.name(SIMULATE)

    def test_a_version_of_the_package_has_its_own(self, monkeypatch):
        before = self.name(SIMULATE)
        monkeypatch.setattr("solvable.sweeps.cells.release", lambda: "99")
        assert self.name(SIMULATE) != before
