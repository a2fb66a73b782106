"""What a sweep file may say, and how it is told what it may not."""

import copy
from pathlib import Path

import numpy as np
import pytest

from solvable.sweeps import sweep
from solvable.sweeps.cells import all_cells
from solvable.sweeps.file import Grid, dimensions, read_file
from tests.sweeps.small import DATA_SET, FRONTIER, PREDICT, SIMULATE, changed

EXAMPLES = sorted((Path(__file__).parents[2] / "experiments" / "sweeps").glob("*.toml"))

ONE = changed(PREDICT, "problem.alpha", 1.0)
THREE = "solvable.rules:ThreeRates"


@pytest.mark.parametrize(
    ("base", "path", "value", "message"),
    [
        # Keys
        (
            PREDICT,
            "problem.alhpa",
            1.0,
            r"unknown field `alhpa` - at `\$\.problem`\. Did you mean `alpha`\? Why: .*sweeps\.md",
        ),
        (PREDICT, "training.lr", 0.1, r"`lr` - at `\$\.training`\. Did you mean `gamma`\?"),
        (PREDICT, "data.samples", 10, r"`samples` - at `\$\.data`\. Did you mean `n`\?"),
        (PREDICT, "banana", 1.0, r"unknown field `banana` - at `\$`"),
        (PREDICT, "run.seeds", 3, r"no meaning for compute = 'predict' - at `\$\.run\.seeds`"),
        (FRONTIER, "problem.d", 100, r"no meaning for compute = 'frontier' - at `\$\.problem\.d`"),
        (FRONTIER, "training.mu", 0.5, r"no meaning for .* - at `\$\.training\.mu`"),
        (FRONTIER, "problem.ratio", None, r"needed for compute = 'frontier' - at `\$\.problem"),
        (PREDICT, "run.steps", None, r"`\$\.run\.steps` must be given"),
        (PREDICT, "problem.d", None, r"`\$\.problem\.ratio` must come with `d`"),
        (PREDICT, "problem.v", 400, r"`\$\.problem\.ratio` must be left out beside `v`"),
        (PREDICT, "training.gamma", 0.1, r"`\$\.training\.fraction` must be left out beside"),
        # Types
        (PREDICT, "compute", "guess", r"'guess' - at `\$\.compute`"),
        (PREDICT, "problem.alpha", "one", r"got `str` - at `\$\.problem\.alpha`"),
        (PREDICT, "problem.alpha", [0.5, True], r"got `bool` - at `\$\.problem\.alpha\[1\]`"),
        (PREDICT, "training.schedule", ["linear", "stairs"], r"'stairs'.*schedule\[1\]"),
        (PREDICT, "problem.beta", {"start": 0, "stop": 1}, r"`num` - at `\$\.problem\.beta`"),
        (SIMULATE, "run.dtype", "float16", r"'float16' - at `\$\.run\.dtype`"),
        # Values
        (PREDICT, "problem.alpha", [0.5, -1], r"`\$\.problem\.alpha\[1\]` must be a positive.*-1"),
        (PREDICT, "problem.alpha", [], r"`\$\.problem\.alpha` must hold at least one value"),
        (PREDICT, "problem.alpha", [1.0, 1.0], r"`\$\.problem\.alpha` must hold values that diff"),
        (
            PREDICT,
            "problem.beta",
            {"start": 0, "stop": 1, "num": 3, "spacing": "log"},
            r"`\$\.problem\.beta` must be positive, as stop, for log spacing",
        ),
        (PREDICT, "problem.beta", {"start": 0, "stop": 1, "num": 2.5}, r"beta` must be a whole nu"),
        (PREDICT, "problem.d", [40, 99.5], r"`\$\.problem\.d\[1\]` must be a whole number.*99\.5"),
        (PREDICT, "problem.ratio", 0.5, r"`\$\.problem\.ratio` must be at least 1, but is 0\.5"),
        (PREDICT, "problem.noise", -1, r"`\$\.problem\.noise` must be at least 0, but is -1"),
        (PREDICT, "training.fraction", [0.5, 1.0], r"fraction\[1\]` must be below 1, but is 1\.0"),
        (PREDICT, "training.B", 0, r"`\$\.training\.B` must be at least 1, but is 0"),
        (PREDICT, "training.mu", 1.0, r"`\$\.training\.mu` must lie in \[0, 1\), but is 1\.0"),
        (PREDICT, "training.ema", 1.0, r"`\$\.training\.ema` must lie in \[0, 1\)"),
        (PREDICT, "training.warmup", 100, r"warmup` must be below the last step, 100"),
        (PREDICT, "run.steps", 10.5, r"`\$\.run\.steps` must be a whole number, but is 10\.5"),
        (PREDICT, "run.steps", [10, 5], r"`\$\.run\.steps` must be strictly increasing"),
        (SIMULATE, "run.steps", 1e10, r"`\$\.run\.steps` must be at most 2\.1"),
        (SIMULATE, "training.tail", 100, r"tail` must be below the last step, 100"),
        (SIMULATE, "run.inputs", "rademacher", r"`\$\.run\.inputs` must be Gaussian for the mode"),
        (SIMULATE, "run.inputs", "student-t", r"`\$\.run\.dof` must be given with `inputs` stud"),
        (SIMULATE, "run.dof", 3, r"`\$\.run\.dof` must be given with `inputs` student-t"),
        (SIMULATE, "run.seed", 2**32, r"`\$\.run\.seed` must be at most 4\.29497e\+09"),
        (FRONTIER, "run.flops", -1.0, r"`\$\.run\.flops` must be a positive"),
        (FRONTIER, "run.flops", [1e10, 1e9], r"`\$\.run\.flops` must be strictly increasing"),
        (FRONTIER, "run.flops", [], r"`\$\.run\.flops` must be a non-empty"),
        (
            changed(PREDICT, "run.steps", 1e9),
            "training.schedule",
            ["constant", "linear"],
            r"`\$\.run\.steps` must end by 1e\+08.*\(At .*schedule = linear\.\)",
        ),
        # Sizes that no machine holds
        (SIMULATE, "problem.v", 1e18, r"`\$\.problem\.v` must be at most 1e\+08"),
        (SIMULATE, "problem.v", 3, r"`\$\.problem\.d` must not exceed v = 3, but is 4"),
        (SIMULATE, "run.seeds", 0, r"`\$\.run\.seeds` must be at least 1, but is 0"),
        (SIMULATE, "run.seeds", 1e30, r"`\$\.run\.seeds` must be at most 1e\+06"),
        (
            changed(SIMULATE, "run.seeds", 1e6),
            "problem.d",
            [4, 10**4],
            r"`\$\.problem\.d\[1\]` must not exceed",
        ),
        # Data sets
        (PREDICT, "data.n", 10, r"`\$\.data\.n` must come with `full_batch` or `flow` or `ridge`"),
        (DATA_SET, "training.B", 2, r"`\$\.training\.B` must be left out beside `flow`"),
        (DATA_SET, "run.times", None, r"`\$\.run\.times` must be given"),
        (DATA_SET, "run.times", [1, 0], r"`\$\.run\.times` must be strictly increasing"),
        (DATA_SET, "run.ridge", 0.1, r"must be left out beside `(flow|ridge)`"),
        (DATA_SET, "data.n", [5, 0], r"`\$\.data\.n\[1\]` must be at least 1, but is 0"),
        (changed(DATA_SET, "compute", "expect"), "x", 1, r"`x` - at `\$`"),
        # Classes of one's own
        (ONE, "training.rule", "Nesterov", r"training\.rule` must name a class as module:Class"),
        (ONE, "training.rule", "no_such:Rule", r"training\.rule` must name a class that can be"),
        (ONE, "training.rule", "os:path", r"must name a class that derives from Rule"),
        (ONE, "training.rule", THREE, r"fraction` must be left out, as ThreeRates has no gamma"),
        (ONE, "training.rule_fields", {"nu": 1}, r"rule_fields` must come with `rule`"),
        (
            changed(changed(ONE, "training.fraction", None), "training.rule", THREE),
            "training.rule_fields",
            {"Delta": 0.1},
            r"rule_fields` must be the fields of ThreeRates: Delta, gamma1,",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(base, path, value, message):
    with pytest.raises(ValueError, match=message):
        sweep.read(changed(base, path, value))


def test_a_message_is_a_sentence_with_the_cell():
    words = changed(SIMULATE, "problem.d", [4, 50])
    with pytest.raises(ValueError) as caught:
        sweep.read(words)
    expected = "`$.problem.d[1]` must not exceed v = 8, but is 50. Take v >= d. (At d = 50.)"
    assert str(caught.value) == f"sweep: {expected}"


def test_too_many_cells_are_refused_before_they_are_made():
    many = {"start": 0, "stop": 1, "num": 10**6}
    words = changed(changed(PREDICT, "problem.beta", many), "training.fraction", [0.2, 0.3])
    with pytest.raises(ValueError, match=r"has 1\.6e\+07 cells; a sweep has 1e\+06 at most"):
        sweep.read(words)


class TestFiles:
    def test_a_file_that_is_no_toml(self, tmp_path):
        file = tmp_path / "bad.toml"
        file.write_text("compute = predict")
        with pytest.raises(ValueError, match=r"bad\.toml is no TOML: .*line 1"):
            sweep.read(file)

    @pytest.mark.parametrize(("name", "message"), [("absent.toml", "no file"), (".", "no file")])
    def test_a_file_that_is_none(self, tmp_path, name, message):
        with pytest.raises(FileNotFoundError, match=message):
            sweep.read(tmp_path / name)

    def test_a_file_that_is_too_long(self, tmp_path):
        file = tmp_path / "long.toml"
        file.write_bytes(b"#" * (2**20 + 1))
        with pytest.raises(ValueError, match="is no sweep file: it has 1048577 bytes"):
            sweep.read(file)

    def test_its_name_is_in_the_message(self, tmp_path):
        file = tmp_path / "plane.toml"
        file.write_text('compute = "predict"\n[problem]\nalpha = 1\nbeta = -x\n')
        with pytest.raises(ValueError, match=r"plane\.toml"):
            sweep.read(file)

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_examples_are_read(self, path):
        plan = sweep.read(path)
        assert plan.file.title
        assert len({cell.name for cell in plan.cells}) == len(plan.cells) > 10

    def test_there_are_examples(self):
        assert {path.stem for path in EXAMPLES} == {
            "phase_diagram",
            "exponents",
            "universality",
            "learning_rate_transfer",
            "finite_data",
        }


class TestAxes:
    def test_lists_and_grids_are_dimensions_in_the_order_of_the_schema(self):
        assert list(dimensions(read_file(PREDICT))) == ["alpha", "d", "B"]
        assert list(dimensions(read_file(DATA_SET))) == ["n"]

    def test_one_value_in_a_list_is_a_dimension(self):
        assert dimensions(read_file(changed(SIMULATE, "problem.d", [4]))) == {"d": (4,)}

    def test_grids(self):
        assert Grid(0.1, 0.5, 5).values() == [0.1, 0.2, 0.3, 0.4, 0.5]
        np.testing.assert_allclose(Grid(1, 100, 3, "log").values(), [1, 10, 100])
        words = changed(SIMULATE, "problem.d", {"start": 1, "stop": 8, "num": 4, "spacing": "log"})
        assert dimensions(read_file(words))["d"] == (1, 2, 4, 8)

    def test_the_last_key_changes_fastest(self):
        cells = sweep.read(PREDICT).cells
        keys = [(c.values["alpha"], c.values["d"], c.values["B"]) for c in cells]
        assert keys == sorted(keys)
        assert len(keys) == 8

    def test_vectors_are_none_and_fields_of_a_class_are(self):
        words = changed(ONE, "training.rule", THREE)
        fields = {"Delta": [0.1, 0.2], "gamma2": 0.0, "gamma3": 0.02}
        words = changed(changed(words, "training.rule_fields", fields), "training.fraction", None)
        words = changed(words, "training.label_noise", [0.0, 1.0])
        words = changed(words, "training.label_probability", [0.5, 0.5])
        assert list(dimensions(read_file(words))) == ["d", "B", "rule.Delta"]
        rule = sweep.read(words).cells[-1].setup().rule
        assert rule.rule.Delta == 0.2 and rule.rule.B == 4
        assert rule.noise.tolist() == [0.0, 1.0]


class TestNames:
    def name(self, words: dict) -> str:
        return all_cells(read_file(words))[0].name

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("problem.alpha", 1.0000001),
            ("problem.noise", 1e-9),
            ("training.fraction", 0.4),
            ("training.B", 2),
            ("training.mu", 0.0),
            ("training.schedule", "cosine"),
            ("training.warmup", 3),
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
        ("path", "value"),
        [
            ("title", "x"),
            ("problem.alpha", [1.0, 2.0]),
            ("problem.noise", 0),
            ("training.B", [1, 2]),
            ("training.schedule", "constant"),
            ("data.bags", 1),
        ],
    )
    def test_nothing_else_does(self, path, value):
        """Neither does what is the default anyway."""
        assert self.name(changed(SIMULATE, path, value)) == self.name(SIMULATE)
        assert self.name(copy.deepcopy(SIMULATE)) == self.name(SIMULATE)

    def test_a_version_of_the_package_has_its_own(self, monkeypatch):
        before = self.name(SIMULATE)
        monkeypatch.setattr("solvable.sweeps.cells.release", lambda: "99")
        assert self.name(SIMULATE) != before
