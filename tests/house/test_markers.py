"""`make quick` leaves out what the patterns name, and every pattern names a test."""

import re
from fnmatch import fnmatch

import pytest
from markers import NOT_QUICK, PATTERNS, markers
from source_tree import ROOT, functions, python_files


@pytest.mark.parametrize("pattern", [each for patterns in PATTERNS.values() for each in patterns])
def test_a_pattern_names_a_test(pattern: str) -> None:
    file, _, name = pattern.partition("::")
    files = [path for path in python_files() if fnmatch(path, file) and "/test_" in path]
    assert files
    assert not name or any(fnmatch(each.name, name) for path in files for each in functions(path))


def test_markers_of_a_test() -> None:
    assert markers("tests/search/workers/test_ray_pool.py::test_one[a-b]") == ["ray", "slow"]
    assert markers("tests/house/test_style.py::test_types") == ["slow"]
    assert markers("tests/house/test_style.py::test_lint") == []
    assert markers("tests/export/serving/test_server_grpc.py::test_one") == ["server"]


def test_make_quick_leaves_out_all_of_them() -> None:
    recipe = re.search(r'^quick:.*\n\t.*-m "(.*)"', ROOT.joinpath("Makefile").read_text(), re.MULTILINE)
    assert recipe and recipe[1] == NOT_QUICK
    assert set(re.findall(r"\w+", NOT_QUICK)) == {"not", "or", "browser", *PATTERNS}
