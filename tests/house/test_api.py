"""The public Python API: one list, light to import, all of it documented, and nothing else promised."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import api_page
import pytest
from source_tree import ROOT, imported
from test_docs import blocks, pages

import centrabert


def test_importing_it_imports_nothing_else() -> None:
    code = "import centrabert, json, sys; dir(centrabert); print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert output.returncode == 0, output.stderr
    found = {name.partition(".")[0] for name in json.loads(output.stdout)} - set(sys.stdlib_module_names)
    assert found == {"__main__", "centrabert"}


@pytest.mark.parametrize("name", centrabert.API)
def test_a_name_is_loaded_from_where_it_is_defined(name: str) -> None:
    value = getattr(centrabert, name)
    assert (value.__name__, value.__module__) == (name, centrabert.API[name])
    assert name in dir(centrabert) and name in centrabert.__all__


def test_type_checkers_see_the_same_names() -> None:
    source = Path(centrabert.__file__).read_text(encoding="utf-8")
    seen = {full for full in imported(source) if full.startswith("centrabert.")}
    assert seen == {f"{module}.{name}" for name, module in centrabert.API.items()}


def test_any_other_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'centrabert' has no attribute 'fine_tuned'"):
        _ = centrabert.fine_tuned


@pytest.mark.parametrize("name", centrabert.API)
def test_every_name_and_method_is_described(name: str) -> None:
    node = api_page.definition(name)
    described = [node]
    if isinstance(node, ast.ClassDef) and not api_page.is_record(node):
        described += api_page.public_methods(node)
    assert [each.name for each in described if not api_page.docstring(each)] == []


STEPS = [name for name, module in centrabert.API.items() if module == "centrabert.pipeline"]


@pytest.mark.parametrize("name", STEPS)
def test_every_argument_of_a_step_is_described(name: str) -> None:
    node = api_page.definition(name)
    assert isinstance(node, ast.FunctionDef)
    arguments = [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]
    described = re.findall(r"^  (\w+): ", api_page.docstring(node), re.MULTILINE)
    assert described == arguments


def test_the_page_is_up_to_date() -> None:
    written = api_page.PAGE.read_text(encoding="utf-8")
    assert written == api_page.page(), "docs/PYTHON.md is stale; run `make docs`"


@pytest.mark.parametrize("page", pages())
def test_examples_use_what_is_promised(page: str) -> None:
    code = [text for language, text in blocks(page) if language == "python" or "import centrabert" in text]
    for text in code:
        for name in imported(text):
            promised = name == "centrabert" or name.removeprefix("centrabert.") in centrabert.API
            assert promised or not name.startswith("centrabert"), f"{page} imports {name}"
        assert set(re.findall(r"\bcentrabert\.(\w+)", text)) <= {*centrabert.API, "__version__"}
