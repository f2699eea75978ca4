"""A disk that is really full: every step says so in one line and leaves nothing half-written."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from full_disk import small_disk

from centrabert import command, run_classifier
from centrabert.distill import run_distill
from centrabert.export import run_export
from centrabert.merge import run_merge
from centrabert.merge.merge_branches import merge
from centrabert.modeling import run_convert
from centrabert.modeling.branch_folder import RECORD
from centrabert.task_runner import TaskRunner

BLOCK = 4096  # of the file system
ROOM = {
    "convert": 8,
    "train": 8,
    "train uncached": 8,
    "train late": 128,
    "distil": 8,
    "merge": 8,
    "export": 8,
}


@pytest.fixture(scope="module")
def merged(runner: TaskRunner, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model to go on from."""
    folder = tmp_path_factory.mktemp("made") / "merged"
    merge(_bert(runner), [finished], folder)
    return folder


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", ROOM[request.param]) as folder:
        yield folder


def _bert(runner: TaskRunner) -> Path:
    return runner.bert.config_file.parent


@pytest.mark.parametrize(("disk", "step"), [(step, step) for step in ROOM], indirect=["disk"])
def test_no_space_left_is_one_line(
    runner: TaskRunner,
    finished: Path,
    merged: Path,
    disk: Path,
    step: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bert, output = _bert(runner), disk / "output"
    train = [
        "--task_name=RTE",
        f"--data_dir={runner.task.splits['train'].parent}",
        f"--bert_dir={bert}",
        "--max_seq_length=13",
        f"--fine_tuning_layers={2 if step == 'train late' else 1}",
        "--do_train",
    ]
    distil = [
        f"--teacher={finished}",
        "--student_layers=1",
        f"--data_dir={runner.task.splits['train'].parent}",
        f"--bert_dir={bert}",
    ]
    calls = {
        "convert": (run_convert, [f"--source={bert}", "--to=huggingface"]),
        "train": (run_classifier, train),
        "train uncached": (run_classifier, [*train, "--activation_cache_gb=0"]),
        "train late": (run_classifier, [*train, "--activation_cache_gb=0"]),
        "distil": (run_distill, distil),
        "merge": (run_merge, [f"--base={bert}", f"--branches={finished}"]),
        "export": (run_export, [f"--merged={merged}", "--version=1"]),
    }
    script, flags = calls[step]
    where = "--export_dir" if step == "export" else "--output_dir"
    status = command.status(script.main, script.FLAGS, ["script.py", *flags, f"{where}={output}"])
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 1 and line.startswith(f"script.py: error: {disk}/"), line
    assert line.endswith("No space left on device"), line
    assert not (output / RECORD).exists()
    if step in ("convert", "merge"):
        assert not any(disk.iterdir())
    if step == "export":
        assert not any(output.iterdir())
