"""What `pip install` puts on a user's disk: the package centrabert, whole, and nothing beside it."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from source_tree import PARTS, ROOT, module_name, python_files, scripts

import centrabert
from centrabert.export.deploy.render import FILES

SOURCES = (
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "run_classifier.py",
    "centrabert",
)
DIST_INFO = f"centrabert-{centrabert.__version__}.dist-info"
PAGE_TEMPLATES = [
    f"export/page/templates/{name}"
    for name in ("page.html", "store_page.html", "palette.css", "model_diagram.css", "model_diagram.svg")
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source distribution and the wheel that was built from it, without the network."""
    clone, dist = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("dist")
    for name in (*SOURCES, *PARTS):
        copy = shutil.copytree if ROOT.joinpath(name).is_dir() else shutil.copy
        copy(ROOT / name, clone / name, **({"symlinks": True} if copy is shutil.copytree else {}))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(clone)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return dist


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    (path,) = built.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked, as in site-packages."""
    folder = tmp_path_factory.mktemp("site-packages")
    shutil.unpack_archive(str(wheel.filename), folder, "zip")
    return folder


def packaged() -> set[str]:
    """The modules of the package, by the path they are to have in the wheel."""
    own = (
        path for path in python_files() if path.split("/")[0] in (*PARTS, "centrabert", "run_classifier.py")
    )
    return {path if path.startswith("centrabert/") else f"centrabert/{path}" for path in own}


def test_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if not name.startswith(f"{DIST_INFO}/")}
    files = (
        *("py.typed", *PAGE_TEMPLATES),
        *(f"export/deploy/templates/{name}" for name in FILES),
        *("search/report/templates/report.html", "search/report/templates/report.md"),
        *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("glue_data/samples/*/*.tsv")),
        "glue_data/samples/tasks.yaml",
    )
    assert names == packaged() | {f"centrabert/{file}" for file in files}


def test_wheel_holds_files_and_no_links(wheel: zipfile.ZipFile) -> None:
    script = wheel.read("centrabert/run_classifier.py").decode()
    assert script == ROOT.joinpath("run_classifier.py").read_text()
    assert not [
        info.filename for info in wheel.infolist() if (info.external_attr >> 16) & 0o170000 == 0o120000
    ]


def test_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    lines = wheel.read(f"{DIST_INFO}/METADATA").decode().splitlines()
    assert f"Version: {centrabert.__version__}" in lines
    assert "License-Expression: Apache-2.0" in lines
    assert "# CentraBERT" in lines  # the readme
    licence = wheel.read(f"{DIST_INFO}/licenses/LICENSE").decode()
    assert licence == ROOT.joinpath("LICENSE").read_text()


def test_wheel_installs_the_console_program(wheel: zipfile.ZipFile) -> None:
    entry_points = wheel.read(f"{DIST_INFO}/entry_points.txt").decode()
    assert entry_points.split("\n")[:2] == ["[console_scripts]", "centrabert = centrabert.console:main"]


def test_source_distribution_holds_what_the_wheel_needs(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers()}
    assert not [name for name, member in members.items() if member.issym() or member.islnk()]
    own = {path for path in python_files() if path.split("/")[0] in (*PARTS, *SOURCES)}
    assert own | set(SOURCES) <= members.keys()


def test_wheel_works_in_another_folder(installed: Path, tmp_path: Path) -> None:
    names = [module_name(script.path) for script in scripts() if not script.path.startswith("benchmarks/")]
    code = f"""
import importlib, importlib.util, sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
sys.path.insert(0, {str(installed)!r})
for name in {names}:
    module = importlib.import_module(name)
    assert module.__file__.startswith({str(installed)!r}), module.__file__
import centrabert
assert centrabert.__version__ == {centrabert.__version__!r}
for part in {PARTS}:
    assert importlib.util.find_spec(part) is None, part
"""
    elsewhere = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=elsewhere, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["centrabert.run_classifier", "centrabert.modeling.run_convert"])
def test_scripts_run_from_the_wheel(installed: Path, tmp_path: Path, name: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", name, "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "--output_dir (string, required)" in result.stdout


def test_links_show_the_parts_to_an_uninstalled_clone() -> None:
    links = {
        path.name: path.readlink().as_posix()
        for path in ROOT.joinpath("centrabert").iterdir()
        if path.is_symlink()
    }
    assert links == {name: f"../{name}" for name in (*PARTS, "run_classifier.py")}
