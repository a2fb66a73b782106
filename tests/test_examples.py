"""Every example a reader may try: those in docstrings, and the Python blocks of the documents."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import jax
import numpy as np
import pytest

import solvable

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(solvable.__path__, "solvable.")
    if "__main__" not in m.name
)
NAMES = {name: getattr(solvable, name) for name in solvable.__all__} | {"jax": jax, "np": np}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=FLAGS)
    for example in finder.find(module, extraglobs=NAMES):
        runner.run(example)
    assert runner.failures == 0


DOCUMENTS = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "node_modules" not in path.parts and "\n```python\n" in path.read_text()
]
"""Those with code to run. (Cells of notebooks are run as the documents are built.)"""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_documents(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S):
        exec(compile(block, path.name, "exec"), scope)
