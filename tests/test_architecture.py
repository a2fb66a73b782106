"""The rules of the house, read from the source: what imports what, and how much of it there is."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import solvable

SOURCE = Path(solvable.__file__).parent
MODULES = sorted(path.stem for path in SOURCE.rglob("*.py"))
every_module = pytest.mark.parametrize("module", MODULES)

PREDICTING = {
    *("prediction", "contour", "inversion", "secular", "recursion", "resolvent", "phases"),
    *("finite", "two_point", "residuals"),
}
SIMULATING = ["simulation", "engines", "runs"]
SIMULATING += ["full_batch_simulation", "full_batch_engine", "full_batch_runs"]
SIMULATING += ["placement", "large", "checkpoints"]


def tree(module: str) -> ast.Module:
    return ast.parse((SOURCE / f"{module}.py").read_text())


def imports(module: str) -> set[str]:
    """Dotted names of all a module imports, anywhere in its text."""
    names = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def neighbours(module: str) -> set[str]:
    """The modules of ours that a module imports, straight or through ``solvable.name``."""
    names = {name.split(".")[1] for name in imports(module) if name.startswith("solvable.")}
    return {solvable._HOME.get(name, name) for name in names} & set(MODULES)


def reachable(module: str) -> set[str]:
    seen, new = set(), {module}
    while new:
        seen |= new
        new = set().union(*map(neighbours, new)) - seen
    return seen - {module}


def fresh(code: str) -> str:
    """What a new Python prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class TestImports:
    def test_the_package_does_not_wait_for_jax(self):
        heavy = ["jax", "matplotlib", "scipy", "xarray"]
        code = f"import sys, solvable; print([m for m in {heavy} if m in sys.modules])"
        assert fresh(code) == "[]"

    def test_no_setting_of_jax_is_changed(self):
        code = (
            "import jax, pkgutil, importlib, solvable; before = dict(jax.config.values);"
            "names = [m.name for m in pkgutil.iter_modules(solvable.__path__)];"
            "[importlib.import_module('solvable.' + n) for n in names if n != '__main__'];"
            "print(before == jax.config.values)"
        )
        assert fresh(code) == "True"

    @every_module
    def test_no_internals_of_jax(self, module):
        """Of ``jax.core`` only the tracer, which JAX documents."""
        private = ("jax._src", "jax.core", "jax.extend", "jax.interpreters", "jaxlib")
        attributes = {
            ast.unparse(x) for x in ast.walk(tree(module)) if isinstance(x, ast.Attribute)
        }
        used = {name for name in imports(module) | attributes if name.startswith(private)}
        assert used <= {"jax.core", "jax.core.Tracer"}

    @every_module
    def test_matplotlib_has_one_room(self, module):
        draws = any(name.split(".")[0] == "matplotlib" for name in imports(module))
        assert draws == (module == "plot")

    @every_module
    def test_no_global_setting_is_touched(self, module):
        """No ``jax.config.update``, and no change of the environment, at import or later."""
        calls = {ast.unparse(x.func) for x in ast.walk(tree(module)) if isinstance(x, ast.Call)}
        assert not {"jax.config.update", "os.environ.update", "os.environ.setdefault"} & calls


class TestArrows:
    @every_module
    def test_no_module_needs_itself(self, module):
        assert module not in set().union(*map(reachable, neighbours(module)), neighbours(module))

    @pytest.mark.parametrize("module", SIMULATING)
    def test_the_simulation_never_sees_the_theory(self, module):
        assert not PREDICTING & reachable(module)

    def test_the_theory_never_sees_the_simulation(self):
        for module in PREDICTING:
            assert not set(SIMULATING) & reachable(module)

    def test_modes_are_the_waist(self):
        """A model does not know the rules of training, nor a rule the models."""
        rules = {"inversion", "secular", "recursion", "contour", "prediction", "thresholds"}
        assert not rules & reachable("problem")
        for rule in ("recursion", "secular", "inversion", "resolvent"):
            assert not {"problem", "sgd"} & reachable(rule)
            assert "modes" in neighbours(rule)


@every_module
def test_a_module_is_one_idea(module):
    assert len((SOURCE / f"{module}.py").read_text().splitlines()) <= 300


class TestNames:
    @pytest.mark.parametrize("name", solvable.__all__)
    def test_every_public_name_is_documented(self, name):
        thing = getattr(solvable, name)
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing):
            for key, value in vars(thing).items():
                if not key.startswith("_") and isinstance(
                    value, (FunctionType, property, classmethod)
                ):
                    assert inspect.getdoc(value), f"{name}.{key}"

    @every_module
    def test_every_module_is_documented(self, module):
        assert ast.get_docstring(tree(module))

    def test_unknown_names_are_attribute_errors(self):
        with pytest.raises(AttributeError, match="'solvable' has no attribute 'banana'"):
            _ = solvable.banana
        assert dir(solvable) == solvable.__all__ == sorted(set(solvable.__all__))
