"""The documents: built by ``sphinx-build -W docs build/docs``, every notebook executed."""

import os
import tempfile
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]

project = "solvable"
author = "The solvable developers"
copyright = author
version = release = installed("solvable")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["conf.py", "explorer", "course/figures.py", "course/*.ipynb"]

html_theme = "furo"
html_title = f"solvable {version}"
html_theme_options = {
    f"{mode}_css_variables": {"code-font-size": "0.78em"} for mode in ("light", "dark")
}

# The pages need no network: MathJax and the explorer are copied beside them.
mathjax = find_spec("sphinx-mathjax-offline")
html_css_files = ["solvable.css"]
html_static_path = ["_static", str(Path(mathjax.origin).parent / "static")]
mathjax_path = "mathjax/tex-chtml.js"
html_extra_path = [str(ROOT / "theory" / "solvable" / "cli" / "explorer.html")]

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3

# A lesson is a script whose comments are text; it is executed once, here.
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True

os.environ.pop("MPLBACKEND", None)  # notebooks show their figures, whatever the shell is set to
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    # What one page has compiled the others read.
    PROGRAMS = tempfile.TemporaryDirectory(prefix="programs-", ignore_cleanup_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = PROGRAMS.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"
