"""The project's own files, as the tests of imports, style, documentation and packaging see them."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from absl import flags

from centrabert.console import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PARTS = tuple(
    sorted(path.name for path in (ROOT / "centrabert").iterdir() if path.is_symlink() and path.is_dir())
)
PIPELINE = (
    *("modeling", "glue_data", "", "distill", "merge", "export", "export/lifecycle"),
    *("search", "benchmarks", "benchmarks/paper"),
)
FOLDERS = ("centrabert", *PARTS, "benchmarks", "docs", "tests")


@cache
def python_files() -> tuple[str, ...]:
    """Every Python file by its path from the root, each once."""
    nested = [path for folder in FOLDERS for path in ROOT.joinpath(folder).glob("**/*.py")]
    files = [path for path in [*ROOT.glob("*.py"), *nested] if not path.is_symlink()]
    return tuple(sorted({path.relative_to(ROOT).as_posix() for path in files}))


def module_name(path: str) -> str:
    """The name a file is imported by: `merge/plan.py` is centrabert.merge.plan."""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return f"centrabert.{name}" if name == "run_classifier" or name.split(".")[0] in PARTS else name


def imported(source: str, late: bool = True, for_types: bool = True) -> Iterator[str]:
    """The full names a module imports: `from a.b import c` is a.b.c, `from . import c` begins with a dot.

    Args:
      late: Imports inside of functions too.
      for_types: Imports under `if TYPE_CHECKING:` too.
    """
    waiting: list[ast.AST] = [parsed(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not late:
            continue
        elif not for_types and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += statements(node)


@cache
def parsed(source: str) -> ast.Module:
    """The tree of a file; several tests look at the same ones."""
    return ast.parse(source)


def statements(node: ast.AST) -> list[ast.AST]:
    """What stands in a statement and may hold others; no expression does, and most of a tree are those."""
    return [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]


def functions(path: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    waiting: list[ast.AST] = [parsed(ROOT.joinpath(path).read_text())]
    found = []
    while waiting:
        node = waiting.pop()
        waiting += statements(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node)
    return found


@dataclass(frozen=True)
class Script:
    """A Python file with flags of its own: run_*.py, and what benchmarks/ lets a user run."""

    path: str

    @property
    def command(self) -> str:
        """How a user starts it."""
        names = [name for name, module in COMMANDS.items() if module == module_name(self.path)]
        return f"centrabert {names[0]}" if names else self.python_command

    @property
    def python_command(self) -> str:
        """How Python starts it in a clone."""
        return f"python -m {module_name(self.path)}" if "/" in self.path else f"python {self.path}"

    @property
    def module(self) -> ModuleType:
        return importlib.import_module(module_name(self.path))

    @property
    def flags(self) -> flags.FlagValues:
        values: flags.FlagValues = self.module.FLAGS
        return values


@cache
def scripts() -> tuple[Script, ...]:
    """All of them, in the order in which a user meets them."""
    found = [Script(path) for path in python_files() if is_script(path)]
    return tuple(sorted(found, key=lambda script: PIPELINE.index(script.path.rpartition("/")[0])))


def is_script(path: str) -> bool:
    """Whether a file may define flags."""
    folder, _, name = path.rpartition("/")
    return name.startswith("run_") or (
        folder in ("benchmarks", "benchmarks/paper") and "\nFLAGS = " in ROOT.joinpath(path).read_text()
    )
