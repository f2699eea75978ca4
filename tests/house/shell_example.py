"""The commands of a documented shell example, and what is wrong with one of them."""

import copy
import re
import shlex
from collections.abc import Iterator
from itertools import takewhile

from absl import flags
from source_tree import ROOT, Script, module_name, scripts

from centrabert.command import HELP, define_common, with_verb

ENDS = frozenset(["&&", "||", ";", "|", "&", "do", "done", "then", "fi"])
REDIRECTIONS = frozenset([">", ">>", "<"])
ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=.*")
# Programs and modules that are not ours: their arguments are not checked.
FOREIGN_PROGRAMS = frozenset(
    [
        "cat",
        "cd",
        "curl",
        "docker",
        "export",
        "for",
        "git",
        "head",
        "kubectl",
        "ls",
        "mkdir",
        "pip",
        "rm",
        "sbatch",
        "sh",
        "source",
    ]
)
FOREIGN_MODULES = frozenset(["build", "mypy", "pip", "pytest", "ruff", "venv"])
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = frozenset(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
VARIABLES = frozenset(re.findall(r"^([A-Z]+) \?=", MAKEFILE, re.MULTILINE))


def commands(block: str) -> Iterator[list[str]]:
    """Each command of a shell script in words, without assignments in front and redirections."""
    for line in block.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in ENDS:
                words.append(word)
            elif command := _plain(words):
                yield command
            if word in ENDS:
                words = []


def mistake(words: list[str]) -> str | None:
    """What is wrong with a command, or None."""
    program, *arguments = words
    program = program.removeprefix(".venv/bin/")
    if program == "make":
        return _make_mistake(arguments)
    if program == "python":
        return _python_mistake(arguments)
    if program == "centrabert":
        return _console_mistake(arguments)
    return None if program in FOREIGN_PROGRAMS else f"unknown command {program}"


def _plain(words: list[str]) -> list[str]:
    in_front = len(list(takewhile(ASSIGNMENT.fullmatch, words)))
    kept, skip = [], False
    for word in words[in_front:]:
        if not skip and word not in REDIRECTIONS:
            kept.append(word)
        skip = word in REDIRECTIONS
    return kept


def _make_mistake(arguments: list[str]) -> str | None:
    for argument in arguments:
        assignment = ASSIGNMENT.fullmatch(argument)
        if assignment and assignment[1] not in VARIABLES:
            return f"the Makefile has no variable {assignment[1]}"
        if not assignment and argument not in TARGETS:
            return f"the Makefile has no target {argument}"
    return None


def _python_mistake(arguments: list[str]) -> str | None:
    if arguments[:1] == ["-m"]:
        name, *rest = arguments[1:]
        known = {module_name(script.path): script for script in scripts()}
    else:
        name, *rest = arguments
        known = {script.path: script for script in scripts() if "/" not in script.path}
    if name in known:
        return _flag_mistake(known[name], rest)
    return None if name in FOREIGN_MODULES and arguments[0] == "-m" else f"no script {name}"


def _console_mistake(arguments: list[str]) -> str | None:
    known = {script.command: script for script in scripts()}
    if not arguments or arguments[0] in {*HELP, "--version"}:
        return None
    name = f"centrabert {arguments[0]}"
    return _flag_mistake(known[name], arguments[1:]) if name in known else f"no command {name}"


def _flag_mistake(script: Script, arguments: list[str]) -> str | None:
    if not HELP.isdisjoint(arguments):
        return None
    flag_values = copy.deepcopy(script.flags)
    define_common(flag_values)
    flag_values.unparse_flags()
    try:
        words = (_without_variable(flag_values, word) for word in arguments)
        rest = flag_values(with_verb(flag_values, [script.path, *words]))[1:]
    except flags.Error as error:
        return f"{script.path}: {error}"
    return f"{script.path}: unexpected argument {rest[0]}" if rest else None


def _without_variable(flag_values: flags.FlagValues, word: str) -> str:
    """`--task=$task` with a value that the flag takes, for a shell variable has none here."""
    name, _, value = word.removeprefix("--").partition("=")
    if "$" not in value or name not in flag_values:
        return word
    flag = flag_values[name]
    stand_in = (getattr(flag.parser, "enum_values", None) or ["1"])[0]
    return f"--{name}={stand_in}"
