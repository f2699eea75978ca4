"""The console program `centrabert`: one command for each script that a user starts."""

import ast
import difflib
import importlib
import importlib.util
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import centrabert
from centrabert import command

PROGRAM = "centrabert"
# In the order of the README: from a pretrained BERT to answers.
COMMANDS = {
    "download": "centrabert.glue_data.run_download",
    "convert": "centrabert.modeling.run_convert",
    "describe": "centrabert.glue_data.run_describe",
    "collect-texts": "centrabert.glue_data.run_collect_texts",
    "fine-tune": "centrabert.run_classifier",
    "distill": "centrabert.distill.run_distill",
    "compress": "centrabert.distill.run_compress",
    "train-jointly": "centrabert.modeling.run_joint",
    "import": "centrabert.merge.run_import",
    "search": "centrabert.search.run_search",
    "select": "centrabert.search.run_select",
    "merge": "centrabert.merge.run_merge",
    "inspect": "centrabert.merge.run_inspect",
    "extract": "centrabert.merge.run_extract",
    "export": "centrabert.export.run_export",
    "store": "centrabert.export.lifecycle.run_store",
    "predict": "centrabert.export.run_predict",
    "serve": "centrabert.export.run_server",
}
WIDTH = 100


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the script of the command `argv[1]` with the arguments after it, and returns the exit code.

    `centrabert merge --base=...` is `python -m centrabert.merge.run_merge --base=...`: the same code, flags,
    messages and exit codes.
    """
    _, *arguments = sys.argv if argv is None else argv
    if not arguments:
        print(usage(), file=sys.stderr)
        return command.MISTAKE
    name, *rest = arguments
    if name in command.HELP:
        print(usage())
        return 0
    if name == "--version":
        print(centrabert.__version__)
        return 0
    if name not in COMMANDS:
        print(f"{PROGRAM}: error: {_unknown(name)}", file=sys.stderr)
        return command.MISTAKE
    script = importlib.import_module(COMMANDS[name])
    return command.status(script.main, script.FLAGS, [f"{PROGRAM} {name}", *rest])


def usage() -> str:
    """What `centrabert --help` prints: each command, and the first sentence of its script's docstring."""
    width = max(map(len, COMMANDS))
    lines = [
        textwrap.fill(
            f"  {name:{width}}  {sentence(module)}",
            WIDTH,
            subsequent_indent=" " * (width + 4),
            break_on_hyphens=False,  # of tf-models-official
        )
        for name, module in COMMANDS.items()
    ]
    head = (
        f"{centrabert.__doc__}\n\nUsage: {PROGRAM} COMMAND --flag=value ...\n\n"
        f"`{PROGRAM} COMMAND --help` lists the flags of a command; `{PROGRAM} --version` prints the version."
    )
    return "\n".join([head, "", "Commands:", *lines])


def sentence(module: str) -> str:
    """The first sentence of a module's docstring, read without importing what the module needs."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ImportError(f"centrabert is not installed completely: there is no module {module}")
    source = Path(spec.origin).read_text(encoding="utf-8")
    paragraph = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0]
    return f"{' '.join(paragraph.split()).partition('. ')[0].rstrip('.')}."


def _unknown(name: str) -> str:
    nearest = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"there is no command {name!r}; {hint}{PROGRAM} --help lists the commands"
