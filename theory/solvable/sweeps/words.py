"""The words of a sweep file, as the objects that they mean."""

from typing import Any

from solvable.simulation.inputs import Gaussian, Inputs, Rademacher, StudentT
from solvable.util.errors import requirement


def law_of(run: dict[str, Any]) -> Inputs:
    """The law of the inputs."""
    laws = {"gaussian": Gaussian, "rademacher": Rademacher}
    if (run["inputs"] == "student-t") != (run["dof"] is not None):
        must = "be given with inputs = 'student-t', and only then"
        raise requirement("dof", must, run["dof"])
    return StudentT(run["dof"]) if run["dof"] is not None else laws[run["inputs"]]()
