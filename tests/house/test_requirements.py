"""requirements/*.txt name what a server and a client import: not less, not more, nothing that trains."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from source_tree import ROOT, imported, module_name, python_files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CLIENT, GRPC = "centrabert.export.client", "centrabert.export.client.grpc_transport"
SERVER = ("centrabert.export.run_server", "centrabert.export.run_predict", CLIENT)
# Per list, the modules that a user starts or imports, and those that they import late and not with this list.
LISTS = {"serving.txt": (SERVER, frozenset()), "client.txt": ((CLIENT,), frozenset([GRPC]))}
GRAPHS = "centrabert.modeling.kinds."  # they import TensorFlow late, to build graphs, which no client does
SOURCES = {module_name(path): ROOT.joinpath(path).read_text() for path in python_files()}


def requirements(name: str) -> list[Requirement]:
    lines = ROOT.joinpath("requirements", name).read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def distributions(name: str) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements(name)}


def with_dependencies(names: set[str]) -> set[str]:
    """The distributions, and all that pip installs with them."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            needed = map(Requirement, distribution(name).requires or [])
            here = (each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""}))
            waiting += [canonicalize_name(each.name) for each in here]
    return found


def reached(name: str) -> tuple[list[str], set[str]]:
    """(own modules, names from elsewhere) that imports with this list can lead to, late imports included."""
    start, without = LISTS[name]
    own: list[str] = []
    foreign: set[str] = set()
    waiting = list(start)
    while waiting:
        module = waiting.pop()
        if module in own or module in without:
            continue
        own.append(module)
        late = name != "client.txt" or not module.startswith(GRAPHS)
        for full in imported(SOURCES[module], late=late, for_types=False):
            inside = [step for step in steps(full) if step in SOURCES]
            waiting += inside
            if not inside:
                foreign.add(full)
    return sorted(own), foreign


def steps(name: str) -> Iterator[str]:
    """`a`, `a.b` and `a.b.c` of `a.b.c`: an import of the last imports them all."""
    parts = name.split(".")
    return (".".join(parts[: end + 1]) for end in range(len(parts)))


@pytest.mark.parametrize("name", LISTS)
def test_specifiers_are_those_of_the_package(name: str) -> None:
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text())["project"]
    stated = set(map(Requirement, project["dependencies"]))
    assert set(requirements(name)) <= stated


@pytest.mark.parametrize("name", LISTS)
def test_a_list_names_what_is_imported_and_nothing_else(name: str) -> None:
    _, foreign = reached(name)
    providers = {**packages_distributions(), "google": ["protobuf"]}  # all that we import of google.*
    assert not [full for full in foreign if full.startswith("google.") and "protobuf" not in full]
    tops = {full.partition(".")[0] for full in foreign} - set(sys.stdlib_module_names)
    assert {canonicalize_name(each) for top in tops for each in providers[top]} == distributions(name)


@pytest.mark.parametrize("name", LISTS)
def test_what_a_list_is_for_runs_with_nothing_else(name: str) -> None:
    own, _ = reached(name)
    assert not [
        module for module in own if module.startswith(("centrabert.modeling.training", "centrabert.dis"))
    ]
    installed = with_dependencies(distributions(name))
    hidden = [
        top
        for top, providers in packages_distributions().items()
        if top != "centrabert" and installed.isdisjoint(map(canonicalize_name, providers))
    ]
    assert "official" in hidden
    assert ("tensorflow" in hidden) == (name == "client.txt")
    code = f"""
import importlib, importlib.abc, sys
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {set(hidden)}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
for module in {own}:
    importlib.import_module(module)
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
