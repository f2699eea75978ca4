"""The house rules that a machine can check: format, lint, types, sizes, names."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from source_tree import ROOT, functions, parsed, python_files

MAX_FILE, MAX_FUNCTION, MAX_FOLDER = 300, 50, 15
# Longer than MAX_FILE, and why.
LONG_FILES: dict[str, str] = {}
NAMELESS = ("utils", "util", "helpers", "helper", "common", "misc")
# Paths of the machine it was written on, and hosts that packages may come from.
FOREIGN = re.compile(r"/work/|/tmp/wt?\b|/opt/(venv|pypi)|/root/|pythonhosted")
OWN_CODE = [path for path in python_files() if not path.startswith("tests/")]


def run(*command: str) -> None:
    result = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_lint() -> None:
    run("ruff", "check", ".")


def test_format() -> None:
    run("ruff", "format", "--check", ".")


def test_types() -> None:
    run("mypy", "--package=centrabert")


def lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_files_are_short() -> None:
    lengths = {path: len(ROOT.joinpath(path).read_text().splitlines()) for path in python_files()}
    too_long = {path: length for path, length in lengths.items() if length > MAX_FILE}
    assert too_long.keys() == LONG_FILES.keys(), too_long


def test_functions_are_short() -> None:
    too_long = [
        f"{path}:{node.lineno} {node.name} has {lines(node)} lines, more than {MAX_FUNCTION}"
        for path in python_files()
        for node in functions(path)
        if lines(node) > MAX_FUNCTION
    ]
    assert too_long == []


def test_files_are_named_by_a_noun() -> None:
    assert [path for path in python_files() if Path(path).stem in NAMELESS] == []


def test_files_say_what_they_are_for() -> None:
    silent = [
        path for path in python_files() if not ast.get_docstring(parsed(ROOT.joinpath(path).read_text()))
    ]
    assert silent == []


def breaches(source: str) -> list[str]:
    """Asserts, and handlers that catch everything without raising it again."""
    found = []
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Assert):
            found.append(f"{node.lineno}: assert; raise ValueError for what a user can cause")
        if isinstance(node, ast.ExceptHandler) and swallows(node):
            found.append(f"{node.lineno}: catches everything; name the errors")
    return found


def swallows(handler: ast.ExceptHandler) -> bool:
    """`except BaseException` is for cleaning up: its last statement raises again."""
    caught = (
        {name.id for name in ast.walk(handler.type) if isinstance(name, ast.Name)}
        if handler.type
        else {"all"}
    )
    if "BaseException" in caught:
        last = handler.body[-1]
        return not (isinstance(last, ast.Raise) and last.exc is None)
    return bool(caught & {"all", "Exception"})


@pytest.mark.parametrize("path", OWN_CODE)
def test_no_assert_and_no_broad_except(path: str) -> None:
    assert breaches(ROOT.joinpath(path).read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "assert 1",
        "try: f()\nexcept: g()",
        "try: f()\nexcept Exception: raise",
        "try: f()\nexcept (OSError, Exception) as error: g()",
        "try: f()\nexcept BaseException: g()",
    ],
)
def test_breaches_are_seen(source: str) -> None:
    assert breaches(source)


def test_cleaning_up_is_no_breach() -> None:
    assert breaches("try: f()\nexcept BaseException:\n    g()\n    raise\nexcept OSError: h()") == []


def tracked_files() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if ROOT.joinpath(name).is_file()]


def test_folders_are_small() -> None:
    """Without __init__.py, files that are empty, and the links in centrabert/."""
    folders = Counter(
        Path(name).parent.as_posix()
        for name in tracked_files()
        if Path(name).name != "__init__.py"
        and not (ROOT / name).is_symlink()
        and (ROOT / name).stat().st_size
    )
    assert {folder: files for folder, files in folders.items() if files > MAX_FOLDER} == {}


def test_no_path_of_one_machine() -> None:
    named = []
    for name in tracked_files():
        text = ROOT.joinpath(name).read_bytes().decode("utf-8", errors="ignore")
        named += [
            f"{name}: {found[0]}" for found in FOREIGN.finditer(text) if name != "tests/house/test_style.py"
        ]
    assert named == []


def test_every_file_is_utf8_and_ends_with_a_newline() -> None:
    for path in python_files():
        data = ROOT.joinpath(path).read_bytes()
        assert data.decode("utf-8").endswith("\n") or not data, path
        assert b"\r" not in data, path
