"""`centrabert COMMAND` is the script of that command: its flags, its messages, its exit codes."""

import json
import subprocess
import sys

import pytest
from source_tree import module_name, scripts

import centrabert
from centrabert import command, console

# What other scripts start, or what rewrites files of this project: `python -m` is enough for them.
NO_COMMAND = {
    "centrabert.glue_data.run_samples",
    "centrabert.search.run_job",
}
Capture = pytest.CaptureFixture[str]


def test_every_script_of_the_package_is_a_command() -> None:
    own = {module_name(script.path) for script in scripts() if not script.path.startswith("benchmarks/")}
    assert set(console.COMMANDS.values()) == own - NO_COMMAND
    assert own >= NO_COMMAND


def test_help_lists_the_commands_with_a_sentence_each(capsys: Capture) -> None:
    assert console.main(["centrabert", "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "Usage: centrabert COMMAND --flag=value ...\n" in out
    listed = " ".join(out.partition("\nCommands:\n")[2].split())
    sentences = [f"{name} {console.sentence(module)}" for name, module in console.COMMANDS.items()]
    assert listed == " ".join(sentences)
    assert all(len(sentence) > len("inspect A short sentence.") for sentence in sentences)


def test_the_sentence_is_the_docstrings_first() -> None:
    assert console.sentence("centrabert.merge.run_inspect") == (
        "Prints the tasks of a merged model and what it costs; reads only its manifest."
    )


@pytest.mark.parametrize("name", console.COMMANDS)
def test_help_of_a_command_is_that_of_its_script(name: str, capsys: Capture) -> None:
    assert console.main(["centrabert", name, "--help"]) == 0
    of_command = capsys.readouterr()
    script = sys.modules[console.COMMANDS[name]]
    assert command.status(script.main, script.FLAGS, [name, "--help"]) == 0
    assert of_command == capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["mrge"], "centrabert: error: there is no command 'mrge'; did you mean 'merge'?"),
        (
            ["finetune", "--help"],
            "centrabert: error: there is no command 'finetune'; did you mean 'fine-tune'?",
        ),
        (["--base=b"], "centrabert: error: there is no command '--base=b';"),
        (["merge", "--base=b"], "centrabert merge: error: missing --branches, --output_dir;"),
        (["inspect", "--merged=nowhere"], "centrabert inspect: error: nowhere/manifest.json: no such file"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], line: str, capsys: Capture) -> None:
    assert console.main(["centrabert", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert err.count("\n") == 1


def test_no_command_is_a_mistake_that_shows_the_commands(capsys: Capture) -> None:
    assert console.main(["centrabert"]) == 1
    assert capsys.readouterr() == ("", f"{console.usage()}\n")


def test_the_version(capsys: Capture) -> None:
    assert console.main(["centrabert", "--version"]) == 0
    assert capsys.readouterr().out == f"{centrabert.__version__}\n"


def test_python_m_starts_it_and_help_imports_no_script() -> None:
    code = """
import json, runpy, sys
sys.argv = ["centrabert", "--help"]
try:
    runpy.run_module("centrabert", run_name="__main__")
except SystemExit as stop:
    print(json.dumps([stop.code, sorted(sys.modules)]))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *text, last = result.stdout.splitlines()
    status, modules = json.loads(last)
    assert status == 0
    assert "\n".join(text) == console.usage()
    assert {"tensorflow", *console.COMMANDS.values()}.isdisjoint(modules)
