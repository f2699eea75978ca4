"""Writes docs/PYTHON.md, the public Python API, from its docstrings: `make docs`."""

import ast
import inspect
from functools import cache

from source_tree import ROOT, module_name, python_files

import centrabert

PAGE = ROOT / "docs" / "PYTHON.md"
INTRODUCTION = """# Python API

All that the package promises, importable from `centrabert` itself; the [README](../README.md#from-python)
shows it in ten lines. Anything else may change from one version to the next. `import centrabert` imports
neither TensorFlow nor NumPy: a name loads what it needs when it is first used. Written by `make docs`: edit
the docstrings, not this page.
"""
Definition = ast.FunctionDef | ast.ClassDef


def page() -> str:
    """The whole text of docs/PYTHON.md."""
    return "\n".join([INTRODUCTION, *(section(name) for name in centrabert.API)])


def section(name: str) -> str:
    """Heading, signature and docstring of one name; of a class its public methods too, but for a record's."""
    node = definition(name)
    parts = [f"## {name}\n", fenced(node, name)]
    if isinstance(node, ast.ClassDef) and not is_record(node):
        parts += [fenced(method, f"{name}.{method.name}") for method in public_methods(node)]
    return "\n".join(parts)


@cache
def definition(name: str) -> Definition:
    """Where a name of the API is defined."""
    (path,) = [path for path in python_files() if module_name(path) == centrabert.API[name]]
    body = ast.parse(ROOT.joinpath(path).read_text(encoding="utf-8")).body
    (found,) = [node for node in body if isinstance(node, Definition) and node.name == name]
    return found


def fenced(node: Definition, title: str) -> str:
    return f"```text\n{signature(node, title)}\n\n{docstring(node)}\n```\n"


def docstring(node: Definition) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


def signature(node: Definition, title: str) -> str:
    """As it is called: without self, on one line for each parameter if there are many."""
    if isinstance(node, ast.FunctionDef):
        if any(isinstance(each, ast.Name) and each.id == "property" for each in node.decorator_list):
            return f"{title}: {returned(node)}"
        return f"{title}({parameters(node)}) -> {returned(node)}"
    if is_record(node):
        return f"{title}({', '.join(fields(node))})"
    made = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    return f"{title}({parameters(made[0])})" if made else title


def returned(node: ast.FunctionDef) -> str:
    return ast.unparse(node.returns).strip("'\"") if node.returns else "None"


def parameters(node: ast.FunctionDef) -> str:
    text = ast.unparse(node.args)
    for own in ("self", "cls"):
        text = text.removeprefix(own).removeprefix(", ")
    return text


def fields(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(each) for each in node.body if isinstance(each, ast.AnnAssign)]


def is_record(node: ast.ClassDef) -> bool:
    """Whether it is a dataclass: its fields are its API."""
    return any("dataclass" in ast.unparse(each) for each in node.decorator_list)


def public_methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """Less the properties of a protocol, which its own docstring describes."""
    methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
    public = [each for each in methods if not each.name.startswith("_")]
    return [each for each in public if f"\n  {each.name}: " not in docstring(node)]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
