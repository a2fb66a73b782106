"""The rules of the house, read from the source: what imports what, and how much of it there is."""

import ast
import importlib
import inspect
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import FunctionType

import pytest

import solvable

# Arrows between wings, each to wings above it only: `wing: what it may import`. Every arrow that is
# allowed is there, and what is not here is forbidden, also inside a function.
ARROWS = {
    "util": "",
    "exercises": "util",
    "schedules": "util",
    "inputs": "util",
    "numerics": "util",
    "models": "util numerics",
    "rules": "util numerics schedules models",
    "spectra": "util models",
    "dynamics": "util numerics schedules models rules spectra",
    "asymptotics": "util schedules models rules",
    "design": "util numerics schedules models rules spectra dynamics asymptotics",
    "simulation": "util numerics schedules inputs models rules",
    "verify": "util schedules models rules spectra dynamics asymptotics design simulation",
    "sweeps": "util schedules inputs numerics models rules dynamics design simulation",
    "plot": "util asymptotics dynamics design simulation verify",
    "cli": "util dynamics asymptotics design simulation verify sweeps plot",
}
PREDICTING = {"spectra", "dynamics", "asymptotics", "design"}

SOURCE = Path(solvable.__file__).parent
FILES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
PACKAGES = [
    "solvable",
    *(f"solvable.{p.parent.name}" for p in sorted(SOURCE.glob("*/__init__.py"))),
]
every_module = pytest.mark.parametrize("module", FILES)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text())


@cache
def type_checking(module: str) -> frozenset[ast.AST]:
    """What only a type checker reads."""
    blocks = [
        node
        for node in ast.walk(tree(module))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return frozenset(inner for block in blocks for node in block.body for inner in ast.walk(node))


def imported(node: ast.AST) -> set[str]:
    """Dotted names that a node imports."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports are not for this package"
        return {f"{node.module}.{alias.name}" for alias in node.names}
    return set()


@cache
def imports(module: str) -> frozenset[str]:
    """Dotted names of all that a module imports, anywhere in its text, and of all that it takes
    from packages by attribute: ``solvable.predict`` imports that name when it is run."""
    nodes = [node for node in ast.walk(tree(module)) if node not in type_checking(module)]
    names = set().union(*map(imported, nodes))
    called = {
        alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else "solvable"
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.split(".")[0] == "solvable"
    }
    for node in nodes:
        if isinstance(node, ast.Attribute):
            head, *rest = ast.unparse(node).split(".")
            if head in called:
                names.add(".".join([called[head], *rest]))
    return frozenset(names)


def home(name: str) -> str | None:
    """The module of ours that a dotted name is in; None if it is in the package itself."""
    parts = name.split(".")[1:]
    tables = importlib.import_module("solvable")
    where = {public: module for module, names in tables._HOMES.items() for public in names}
    if parts and parts[0] in where:
        return where[parts[0]]
    if parts and parts[0] in tables._MODULES:
        parts[:1] = tables._MODULES[parts[0]].split(".")
    while parts and ".".join(parts) not in FILES:
        parts.pop()
    return ".".join(parts) or None


def wings_of(module: str) -> set[str]:
    """The other wings that a module imports from."""
    names = (name for name in imports(module) if name.split(".")[0] == "solvable")
    homes = {home(name) for name in names} - {None}
    return {found.split(".")[0] for found in homes} - {module.split(".")[0]}


def fresh(code: str) -> str:
    """What a new Python prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class TestArrows:
    def test_every_wing_is_in_the_table(self):
        wings = {module.split(".")[0] for module in FILES} - {"", "__main__", "__init__"}
        assert wings == set(ARROWS)

    def test_arrows_go_one_way(self):
        above = set()
        for wing, allowed in ARROWS.items():
            assert set(allowed.split()) <= above, wing
            above.add(wing)

    @pytest.mark.parametrize("wing", ARROWS)
    def test_what_a_wing_imports(self, wing):
        """No more than the table says, and no less: an arrow that nothing needs is struck out."""
        modules = [module for module in FILES if module.split(".")[0] == wing]
        found = {module: wings_of(module) for module in modules}
        allowed = set(ARROWS[wing].split())
        assert not {m: extra for m, others in found.items() if (extra := others - allowed)}
        assert set().union(*found.values()) == allowed

    def test_neither_side_sees_the_other(self):
        """What a simulation finds owes nothing to what the theory says, nor the other way."""
        reached = {}
        for wing, allowed in ARROWS.items():
            straight = set(allowed.split())
            reached[wing] = straight.union(*(reached[other] for other in straight))
        assert not reached["simulation"] & PREDICTING
        assert not any("simulation" in reached[wing] for wing in PREDICTING)

    def test_the_reader_of_imports_sees_all_ways(self):
        """In a function, by attribute, by another name, from a package: planted and found."""
        code = """
            def inside():
                from solvable.dynamics import curve
                import solvable as s
                s.simulate(1); s.verify.POINTS
            """
        module = "models.planted"
        FILES[module] = SOURCE / "models" / "planted.py"
        try:
            tree.cache_clear()
            planted = ast.parse(inspect.cleandoc(code))
            globals()["tree"], real = lambda _: planted, tree
            assert wings_of(module) == {"dynamics", "simulation", "verify"}
        finally:
            globals()["tree"] = real
            del FILES[module]


class TestImports:
    def test_what_waits_for_what(self):
        """The package for nothing; the verbs for JAX, but not for what only some of them need."""
        show = lambda heavy: f"print([m for m in {heavy} if m in sys.modules]);"
        code = "import sys, solvable;" + show(["jax", "numpy", "matplotlib", "scipy", "xarray"])
        code += "from solvable import predict, simulate, PowerLaw, KernelFeatures;"
        code += show(["matplotlib", "scipy.stats", "xarray", "h5py", "optax"])
        assert fresh(code).splitlines() == ["[]", "[]"]

    def test_no_setting_of_jax_is_changed(self):
        names = [f"solvable.{name}" for name in FILES if name not in ("", "__main__", "__init__")]
        code = (
            "import jax, importlib; before = dict(jax.config.values);"
            f"[importlib.import_module(name) for name in {names}];"
            "print(before == jax.config.values)"
        )
        assert fresh(code) == "True"

    @every_module
    def test_only_what_jax_documents(self, module):
        """Of ``jax.core`` the tracer alone; no setting touched, at import or later."""
        private = ("jax._src", "jax.core", "jax.extend", "jax.interpreters", "jaxlib")
        attributes = {
            ast.unparse(x) for x in ast.walk(tree(module)) if isinstance(x, ast.Attribute)
        }
        used = {name for name in imports(module) | attributes if name.startswith(private)}
        assert used <= {"jax.core", "jax.core.Tracer"}
        calls = {ast.unparse(x.func) for x in ast.walk(tree(module)) if isinstance(x, ast.Call)}
        assert not {"jax.config.update", "os.environ.update", "os.environ.setdefault"} & calls

    @every_module
    def test_matplotlib_has_one_room(self, module):
        draws = any(name.split(".")[0] == "matplotlib" for name in imports(module))
        assert not draws or module.split(".")[0] == "plot"


@every_module
def test_a_module_is_one_idea(module):
    assert len(FILES[module].read_text().splitlines()) <= 300
    assert ast.get_docstring(tree(module))


class TestNames:
    @pytest.mark.parametrize("package", PACKAGES)
    def test_a_type_checker_reads_what_python_does(self, package):
        """The imports under TYPE_CHECKING are those of the lazy table, and all are exported."""
        found = importlib.import_module(package)
        homes = getattr(found, "_HOMES", {})
        lazy = {f"solvable.{module}.{name}": name for module, names in homes.items()
                for name in names}  # fmt: skip
        lazy |= {
            f"solvable.{where}": name for name, where in getattr(found, "_MODULES", {}).items()
        }
        read = {}
        for node in type_checking(package.removeprefix("solvable").removeprefix(".") or "__init__"):
            if isinstance(node, ast.ImportFrom):
                read |= {f"{node.module}.{a.name}": a.asname for a in node.names}
        assert read == lazy
        if lazy:
            assert dir(found) == found.__all__ == sorted(set(lazy.values()))

    @pytest.mark.parametrize("package", PACKAGES)
    def test_every_public_name_is_documented(self, package):
        found = importlib.import_module(package)
        for name in getattr(found, "__all__", []):
            thing = getattr(found, name)
            assert inspect.getdoc(thing), name
            if inspect.isclass(thing):
                for key, value in vars(thing).items():
                    if not key.startswith("_") and isinstance(
                        value, (FunctionType, property, classmethod)
                    ):
                        assert inspect.getdoc(value), f"{name}.{key}"

    def test_unknown_names_are_attribute_errors(self):
        with pytest.raises(AttributeError, match="'solvable' has no attribute 'banana'"):
            _ = solvable.banana
