"""Files are tested in their order, a file by one process, and all that share a model by one."""

from fnmatch import fnmatch
from types import SimpleNamespace

import pytest
from schedule import FIRST, TOGETHER, Scheduling, rank
from source_tree import python_files
from xdist.remote import Producer


@pytest.mark.parametrize("pattern", FIRST)
def test_a_pattern_names_a_file(pattern: str) -> None:
    assert [path for path in python_files() if fnmatch(path, pattern) and "/test_" in path]


def test_what_takes_longest_begins_first() -> None:
    files = ("house/test_docs.py", "scripts/test_pipeline.py", "export/rest/test_rest_api.py")
    tests = [f"tests/{file}::test_one[tests/export/x]" for file in files]
    assert sorted(tests, key=rank) == tests[::-1]


def test_files_that_share_a_model_are_one_processs() -> None:
    option = SimpleNamespace(loadscopereorder=True, debug=False)
    config = SimpleNamespace(option=option, getvalue=lambda name: ["popen"])
    scheduling = Scheduling(config, Producer("dsession", enabled=False))
    own = ["tests/merge/test_c.py", "tests/export/lifecycle/test_d.py"]
    files = ["tests/export/test_a.py", "tests/export/rest/test_b.py", *own]
    scopes = [scheduling._split_scope(f"{file}::test_one[x]") for file in files]
    assert scopes == [TOGETHER, TOGETHER, *own]
    assert not option.loadscopereorder
