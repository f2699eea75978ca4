"""Writes docs/COMMANDS.md, the flags of every script, from the scripts themselves: `make docs`."""

import textwrap

from source_tree import ROOT, Script, scripts

from centrabert.command import define_common
from centrabert.flag_text import FlagText, flag_texts

PAGE = ROOT / "docs" / "COMMANDS.md"
INTRODUCTION = """# Commands

Every script and its flags, as `--help` prints them. Written by `make docs`: edit the scripts, not this page.

Flags are written `--name=value`; one that is true or false also `--name` and `--noname`. A mistake in flags,
files or data is reported in one line and the exit code is 1; `--debug` adds the traceback. Ctrl-C ends with
130, SIGTERM with 143. `python -m centrabert` is the same as `centrabert`, where the package is not installed.
"""


def page() -> str:
    """The whole text of docs/COMMANDS.md."""
    return "\n".join([INTRODUCTION, *(section(script) for script in scripts())])


def section(script: Script) -> str:
    """Heading, docstring and table of flags of one script."""
    flag_values = script.flags
    define_common(flag_values)
    rows = [row(text) for text in flag_texts(flag_values)]
    head = [f"## {script.command}", "", docstring(script), *also(script), ""]
    return "\n".join([*head, "| Flag | Value | Meaning |", "|---|---|---|", *rows, ""])


def also(script: Script) -> list[str]:
    """The other way to start a script that has two."""
    return [] if script.command == script.python_command else ["", f"The same as `{script.python_command}`."]


def docstring(script: Script) -> str:
    """The module's docstring; its examples become fenced blocks."""
    paragraphs = (script.module.__doc__ or "").strip().split("\n\n")
    return "\n\n".join(
        fenced(text) if text.lstrip().startswith(("centrabert ", "python ")) else text for text in paragraphs
    )


def fenced(example: str) -> str:
    return f"```bash\n{textwrap.dedent(example)}\n```"


def row(text: FlagText) -> str:
    cells = (f"`--{text.name}`", text.note, text.help)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
