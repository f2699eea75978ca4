"""run_merge and run_inspect: the same table from both, no TensorFlow for inspect, one line for a mistake."""

import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from centrabert import command
from centrabert.merge import run_inspect, run_merge
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.summary_table import table
from centrabert.modeling.branch import Branch


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.bert_folder(tmp_path_factory.mktemp("scripts") / "base")


@pytest.fixture(scope="module")
def branches(base: Path) -> str:
    return ",".join(map(str, tiny.branches(base.parent / "branches", base, golden=False)))


def merge_script(*flags: str) -> int:
    return command.status(run_merge.main, run_merge.FLAGS, ["run_merge", *flags])


def inspect_script(*flags: str) -> int:
    return command.status(run_inspect.main, run_inspect.FLAGS, ["run_inspect", *flags])


def test_both_print_the_table(
    base: Path, branches: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merged = tmp_path / "merged"
    assert merge_script(f"--base={base}", f"--branches={branches}", f"--output_dir={merged}") == 0
    printed = capsys.readouterr().out
    assert printed == table(read_manifest(merged))
    assert "all 5 tasks: 16 layers against 25 (64.0%)" in printed
    assert inspect_script(f"--merged={merged}") == 0
    assert capsys.readouterr().out == printed


def test_what_branches_would_cost(base: Path, branches: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Unmerged, and with adapters: all layers are computed for these, and few parameters are stored."""
    shape = Branch.with_adapters(tiny.task("bottle"), 7, tiny.CONFIG)
    adapters = tiny.branch(base.parent / "bottle", base, shape, golden=False)
    assert inspect_script(f"--branches={branches},{adapters}") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [
        *("bottle", "classification", "adapters", "of", "7", "0", "5", "5", "accuracy", "0.1250", "6,632")
    ]
    assert lines[-3].startswith("trunk: 4 layers, ") and lines[-1].startswith(
        "all 6 tasks: 21 layers against 30 (70.0%), "
    )
    assert lines[-2] == (
        "adapters: 1 task, each of which computes all of its layers, on parameters of the trunk; "
        "merge refuses them"
    )
    for flags in ((), (f"--branches={branches}", "--merged=m")):
        assert inspect_script(*flags) == 1
        assert capsys.readouterr().err == "run_inspect: error: give either --merged or --branches\n"


@pytest.mark.parametrize("flags", [(), ("--base=b",), ("--base=b", "--branches=c")])
def test_every_flag_is_required(flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert merge_script(*flags) == 1
    error = capsys.readouterr().err
    assert error.startswith("run_merge: error: ")
    assert error.count("\n") == 1


def test_a_mistake_is_one_line(
    base: Path, branches: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "other").touch()
    flags = f"--base={base}", f"--branches={branches}", f"--output_dir={tmp_path}/merged"
    assert merge_script(*flags) == 1
    assert capsys.readouterr().err == (
        f"run_merge: error: {tmp_path}/merged: exists already; choose another folder or remove it first\n"
    )
    assert merge_script(f"--base={base}", "--branches=", f"--output_dir={tmp_path}/new") == 1
    assert "no branches" in capsys.readouterr().err
    assert inspect_script(f"--merged={tmp_path}/none") == 1
    assert capsys.readouterr().err == f"run_inspect: error: {tmp_path}/none/manifest.json: no such file\n"


@pytest.mark.parametrize("arguments", ["run_inspect --merged={}", "run_inspect --help", "run_merge --help"])
def test_without_tensorflow(base: Path, branches: str, tmp_path: Path, arguments: str) -> None:
    """TensorFlow takes seconds to import: what only reads a manifest must not."""
    merged = tmp_path / "merged"
    assert merge_script(f"--base={base}", f"--branches={branches}", f"--output_dir={merged}") == 0
    script, *flags = arguments.format(merged).split()
    code = (
        f"import sys; sys.modules['tensorflow'] = None; from centrabert import command; "
        f"from centrabert.merge import {script} as script; command.run(script.main, script.FLAGS)"
    )
    done = subprocess.run([sys.executable, "-c", code, *flags], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    wanted = "--debug" if "--help" in flags else table(read_manifest(merged))
    assert wanted in done.stdout
