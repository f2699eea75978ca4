"""How scripts start and end: help, mistakes in one line, exit codes, signals; and each call starts anew."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from absl import flags

from centrabert import command, interruption
from centrabert.errors import UserError
from centrabert.flag_text import flag_texts

Main = Callable[[], None]


@pytest.fixture
def values() -> flags.FlagValues:
    flag_values = flags.FlagValues()
    flags.DEFINE_string("base", None, "Where it comes\n  from.", flag_values=flag_values, required=True)
    flags.DEFINE_list("branches", None, "Folders.", flag_values=flag_values)
    flags.mark_flag_as_required("branches", flag_values=flag_values)
    flags.DEFINE_enum("pooling", "cls", ["cls", "mean"], "What is pooled.", flag_values=flag_values)
    flags.DEFINE_integer("layers", 3, "How many.", flag_values=flag_values)
    flags.DEFINE_bool("lower", True, "Lower case.", flag_values=flag_values)
    flags.DEFINE_float("rate", None, "How fast.", flag_values=flag_values)
    return flag_values


GOOD = ["--base=b", "--branches=x,y"]


def nothing() -> None:
    """A main that has nothing to do."""


def raising(error: BaseException) -> Main:
    def main() -> None:
        raise error

    main.__module__ = __name__
    return main


def status(main: Main, values: flags.FlagValues, *arguments: str) -> int:
    return command.status(main, values, ["somewhere/run_merge.py", *arguments])


def test_flags_are_parsed_and_main_runs(values: flags.FlagValues) -> None:
    seen = []
    assert status(lambda: seen.append((values.base, values.branches, values.layers)), values, *GOOD) == 0
    assert seen == [("b", ["x", "y"], 3)]


def test_tensorflow_is_quiet_and_uses_onednn_unless_told_otherwise(
    values: flags.FlagValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    assert status(nothing, values, *GOOD) == 0
    assert (os.environ["TF_ENABLE_ONEDNN_OPTS"], os.environ["TF_CPP_MIN_LOG_LEVEL"]) == ("1", "0")


def test_nothing_stays_from_an_earlier_call(
    values: flags.FlagValues, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    assert status(nothing, values, *GOOD, "--layers=5", "--debug") == 0
    assert status(lambda: seen.append((values.layers, values.debug)), values, *GOOD) == 0
    assert seen == [(3, False)]
    assert status(nothing, values) == 1
    assert (
        capsys.readouterr().err == "run_merge.py: error: missing --base, --branches; --help lists the flags\n"
    )


@pytest.mark.parametrize("wish", ["--help", "-h"])
def test_help_is_the_docstring_and_the_own_flags(
    values: flags.FlagValues, wish: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(raising(RuntimeError("called")), values, wish) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        (__doc__ or "").strip(),
        "",
        "Flags:",
        "  --base (string, required)",
        "      Where it comes from.",
        "  --branches (comma-separated list, required)",
        "      Folders.",
        "  --pooling (cls or mean, default cls)",
        "      What is pooled.",
        "  --layers (integer, default 3)",
        "      How many.",
        "  --lower (true or false, default true)",
        "      Lower case.",
        "  --rate (number)",
        "      How fast.",
        "  --debug (true or false, default false)",
        "      Print the traceback of an error.",
    ]


def test_flags_tell_defaults_that_are_lists_or_empty() -> None:
    flag_values = flags.FlagValues()
    flags.DEFINE_list("tasks", ["rte", "mrpc"], "Tasks.", flag_values=flag_values)
    flags.DEFINE_string("data", "", "Data.", flag_values=flag_values)
    flags.DEFINE_integer("seed", 0, "Seed.", flag_values=flag_values)
    assert [text.default for text in flag_texts(flag_values)] == ["rte,mrpc", None, "0"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--base=b"], "missing --branches; --help lists the flags"),
        (
            [*GOOD, "--poolin=mean"],
            "Unknown command line flag 'poolin'. Did you mean: pooling ?; --help lists the flags",
        ),
        (
            [*GOOD, "--pooling=max"],
            "flag --pooling=max: value should be one of <cls|mean>; --help lists the flags",
        ),
        (
            [*GOOD, "--layers=x"],
            "flag --layers=x: invalid literal for int() with base 10: 'x'; --help lists the flags",
        ),
        ([*GOOD, "--layers"], "Missing value for flag --layers; --help lists the flags"),
        ([*GOOD, "x"], "unexpected argument 'x'; flags are written --name=value"),
    ],
)
def test_a_mistake_in_flags_is_one_line(
    values: flags.FlagValues, arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(raising(RuntimeError("called")), values, *arguments) == 1
    assert capsys.readouterr() == ("", f"run_merge.py: error: {line}\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("a.tsv:3: two\n   columns"), "a.tsv:3: two columns"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "a.tsv"),
            "a.tsv: No such file or directory",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "[Errno 28] No space left on device"),
        (FileExistsError("out: exists already"), "out: exists already"),
        (UserError(), "UserError"),
        (flags.ValidationError("L is out of range."), "L is out of range; --help lists the flags"),
    ],
)
def test_a_mistake_in_files_is_one_line(
    values: flags.FlagValues, error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(raising(error), values, *GOOD) == 1
    assert capsys.readouterr() == ("", f"run_merge.py: error: {line}\n")


def test_debug_adds_the_traceback(values: flags.FlagValues, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(raising(UserError("wrong")), values, *GOOD, "--debug") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2:] == ["centrabert.errors.UserError: wrong", "run_merge.py: error: wrong"]


@pytest.mark.parametrize("error", [KeyError("defect"), ValueError("operands could not be broadcast")])
def test_a_defect_of_ours_keeps_its_traceback(values: flags.FlagValues, error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        status(raising(error), values, *GOOD)


def test_ctrl_c_is_130(values: flags.FlagValues, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(raising(KeyboardInterrupt()), values, *GOOD) == 130
    assert capsys.readouterr() == ("", "run_merge.py: stopped; run the same command again to resume\n")


@pytest.fixture
def handler() -> Iterator[Callable[[int, object], None]]:
    """A handler of SIGTERM that whoever calls a script may have set."""

    def ours(number: int, frame: object) -> None:
        raise AssertionError("the script did not take the signal")

    before = signal.signal(signal.SIGTERM, ours)
    yield ours
    signal.signal(signal.SIGTERM, before)


def test_sigterm_cleans_up_and_is_143(
    values: flags.FlagValues, handler: Callable[[int, object], None]
) -> None:
    cleaned = []

    def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleaned.append(True)

    assert status(main, values, *GOOD) == 143
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) is handler


def test_sigterm_is_143_whatever_an_import_makes_of_it(
    values: flags.FlagValues, handler: Callable[[int, object], None]
) -> None:
    def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        except KeyboardInterrupt:
            raise ImportError("initialization failed") from None

    assert status(main, values, *GOOD) == 143
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_script_runs_in_another_thread(values: flags.FlagValues) -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(status(nothing, values, *GOOD)))
    thread.start()
    thread.join()
    assert codes == [0]


def test_run_exits_with_the_status(values: flags.FlagValues) -> None:
    with pytest.raises(SystemExit) as stop:
        command.run(raising(UserError("wrong")), values, ["run_merge.py", *GOOD])
    assert stop.value.code == 1


def test_terminated_is_told_from_ctrl_c() -> None:
    assert interruption.exit_code(KeyboardInterrupt()) == 130
    assert interruption.exit_code(interruption.Terminated()) == 143


SCRIPT = """
'''A script.'''
from absl import flags
from centrabert import command
FLAGS = flags.FlagValues()
flags.DEFINE_integer("lines", 1, "Lines.", flag_values=FLAGS)
def main():
    for line in range(FLAGS.lines):
        print("line", line)
command.run(main, FLAGS)
"""


UNBUFFERED = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])


@UNBUFFERED
def test_a_reader_that_leaves_is_no_error(tmp_path: Path, unbuffered: str) -> None:
    script = tmp_path / "lines.py"
    script.write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, script, "--lines=100000"],
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == "line 0\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@UNBUFFERED
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_output_that_cannot_be_written_is_an_error(tmp_path: Path, unbuffered: str) -> None:
    script = tmp_path / "lines.py"
    script.write_text(SCRIPT)
    with open("/dev/full", "w") as full:
        environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        result = subprocess.run(
            [sys.executable, script], env=environment, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (result.returncode, result.stderr) == (1, "lines.py: error: [Errno 28] No space left on device\n")
