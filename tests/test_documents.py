"""The documents and the course: what they must hold, read from their text."""

import re
import runpy
import tomllib
from pathlib import Path

import jupytext
import nbformat
import pytest

import solvable
from solvable.util import errors as _checks

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
LESSONS = sorted((DOCS / "course").glob("[0-9]*.py"))
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


ROOMS = ("models", "rules", "schedules", "inputs", "spectra", "dynamics", "asymptotics", "design",
         "simulation", "verify", "sweeps", "plot", "exercises")  # fmt: skip


def public() -> dict[str, str]:
    """The place of every public name, by all its names: ``solvable.models.Modes`` and the like."""
    found = {}
    for package in (solvable, *(getattr(solvable, room) for room in ROOMS)):
        homes = getattr(package, "_HOMES", {package.__name__.removeprefix("solvable."): []})
        where = {name: home for home, names in homes.items() for name in names}
        for name in set(package.__all__) - set(getattr(package, "_MODULES", ())):
            home = where.get(name, package.__name__.removeprefix("solvable."))
            found[f"{package.__name__}.{name}"] = f"solvable.{home}.{name}"
    return found


class TestReference:
    def test_every_public_name_is_there_once(self):
        places = public()
        assert len(places) > 150
        pages = "".join(path.read_text() for path in sorted((DOCS / "reference").glob("*.md")))
        shown = re.findall(r"^\.\. auto(?!module)\w+:: (solvable\.[\w.]+)$", pages, re.M)
        shown = [places.get(name, name) for name in shown]
        assert sorted(shown) == sorted(set(places.values()))

    def test_every_room_is_in_the_index(self):
        index = (DOCS / "reference" / "index.md").read_text()
        assert set(ROOMS) <= set(re.findall(r"`(\w+)`", index))

    def test_every_message_leads_to_a_page(self):
        sources = [path.read_text() for path in Path(solvable.__file__).parent.rglob("*.py")]
        pages = set(re.findall(r"""why\(["'](.+?)["']\)""", "".join(sources)))
        assert len(pages) > 5
        for page in pages:
            assert (DOCS / f"{page}.md").is_file(), page

    def test_every_name_in_a_page_is_public(self):
        pages = [path.read_text() for path in [*DOCS.glob("*.md"), *DOCS.glob("*/*.md")]]
        roles = re.findall(r"\{py:obj\}`(?:[^`<]*<)?(solvable\.[\w.]+)>?`", "".join(pages))
        names, places = set(roles), public()
        assert len(names) > 50
        assert {n for n in names if n not in places and n.rpartition(".")[0] not in places} == set()

    def test_the_address_is_that_of_the_project(self):
        assert _checks.DOCUMENTS == f"{REPOSITORY}/blob/main/docs"
        message = "must satisfy 2 .*theory/random_features.md$"
        with pytest.raises(ValueError, match=message):
            solvable.phase(0.1, 0.1)

    def test_every_page_is_in_the_contents(self):
        contents = (DOCS / "index.md").read_text()
        pages = [*DOCS.glob("*.md"), *LESSONS]
        for room in ("theory", "course", "how_to", "reference"):
            pages += (DOCS / room).glob("*.md")
        pages = {str(page.relative_to(DOCS).with_suffix("")) for page in pages} - {"index"}
        assert set(re.findall(r"^[\w/]+$", contents, re.M)) == pages


class TestLessons:
    def test_there_are_ten(self):
        assert len(LESSONS) == 10

    @every_lesson
    def test_has_its_parts(self, lesson):
        text = lesson.read_text()
        parts = [
            "## Goals",
            "## A question first",
            "my_prediction",
            "## Exercises",
            "## References",
        ]
        places = [text.index(part) for part in parts]
        assert places == sorted(places)
        badge = f"{REPOSITORY.replace('github.com', 'colab.research.google.com/github')}/blob/main"
        assert f"[![Open in Colab](colab.svg)]({badge}/docs/course/{lesson.stem}.ipynb)" in text
        assert f"git+{REPOSITORY}" in text

    @every_lesson
    def test_every_exercise_asks_checks_and_is_solved(self, lesson):
        text = lesson.read_text()
        levels = dict(
            re.findall(r"^# ### Exercise (\d+) \((easy|medium|hard|research)\)", text, re.M)
        )
        assert len(levels) >= 4
        assert {"easy", "research"} <= set(levels.values())
        assert list(levels) == [str(k + 1) for k in range(len(levels))]
        for k in levels:
            assert re.search(rf"^answer_{k} = \.\.\.", text, re.M)
            assert f"exercise_{k}(answer_{k})" in text
            assert f"exercise_{k}.solution(" in text
            assert re.search(rf"exercise_{k} = Exercise\((?:.|\n)*?mistakes=", text)
        solutions = re.findall(r"^# %%.*hide-cell.*Solution.*\n((?:(?!# %%).*\n)*)", text, re.M)
        assert len(solutions) == len(levels)
        assert not [x for x in solutions if re.search(r"\bprint\(|\.show\(", x)], "it says too much"
        collapsed = re.findall(r"^# %%.*(hide-\w+).*source_hidden.*form", text, re.M)
        assert collapsed.count("hide-input") >= len(levels)
        assert collapsed.count("hide-cell") >= len(levels)

    @every_lesson
    def test_its_notebook_is_current(self, lesson):
        """Made by ``jupytext --to ipynb docs/course/[0-9]*.py``, without outputs."""
        notebook = lesson.with_suffix(".ipynb")
        found, made = jupytext.read(notebook), jupytext.read(lesson)
        content = lambda book: [(c.cell_type, c.source, dict(c.metadata)) for c in book.cells]
        assert content(found) == content(made)
        assert not any(cell.get("outputs") for cell in found.cells)


class TestForInstructors:
    def test_figures_are_written_for_slides(self, tmp_path):
        lesson = tmp_path / "00_tiny.py"
        draw = "import matplotlib.pyplot as plt\nfrom solvable import plot\n"
        draw += "fig, ax = plt.subplots()\npicture, _ = plot.panels()\n"
        lesson.write_text(draw)
        write = runpy.run_path(str(DOCS / "course" / "figures.py"))["write"]
        written = write(lesson, tmp_path)
        assert [path.name for path in written] == [
            f"00_tiny_{k}.{end}" for k in (1, 2) for end in ("svg", "png")
        ]
        assert all(path.stat().st_size > 1000 for path in written)

    def test_answers_are_graded(self, tmp_path, monkeypatch, capsys):
        """A right answer, a wrong one, and a solution that does not count."""
        said = {
            "exercise_1(answer_1)": "✓ Right.",
            "exercise_2(answer_2)": "✗ The sign is wrong.",
            "exercise_2.solution(1)": "✓ Right.",
        }
        book = nbformat.v4.new_notebook()
        for source, text in said.items():
            output = nbformat.v4.new_output("execute_result", {"text/plain": text})
            book.cells.append(nbformat.v4.new_code_cell(source, outputs=[output]))
        (tmp_path / "handed_in").mkdir()
        nbformat.write(book, tmp_path / "handed_in" / "ada.ipynb")
        monkeypatch.chdir(tmp_path)
        page = (DOCS / "course" / "instructors.md").read_text()
        exec(re.search(r"^```python\n(.*?)^```", page, re.M | re.S)[1], {})
        assert capsys.readouterr().out == "ada 1 right of 2\n"
