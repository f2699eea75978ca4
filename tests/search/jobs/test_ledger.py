"""Where a job is, told by its folder alone: states, locks, failures, seconds, and the ledger of all."""

import dataclasses
import errno
import fcntl
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fake_job
import pytest
import tiny_result
import tiny_search
from full_disk import largest_file

from centrabert.search.jobs import resumable_timer
from centrabert.search.jobs.evaluation_errors import EvaluationErrors
from centrabert.search.jobs.job_folder import (
    FAILURE,
    LOCK,
    job_folder,
    job_lock,
    prepare,
    read_failure,
    read_spec,
    read_specs,
    state,
    write_failure,
)
from centrabert.search.jobs.job_result import read_result
from centrabert.search.jobs.ledger import HEADER, write_ledger
from centrabert.search.jobs.resumable_timer import Moment, ResumableTimer
from centrabert.search.strategy.search_space import teachers

SPECS = teachers(tiny_search.SPACE)
UNSAID = ("dev_rows", "metric_error")


def test_a_folder_tells_its_jobs_state(tmp_path: Path) -> None:
    spec = SPECS[0]
    assert state(job_folder(tmp_path, spec.digest)) == "waiting"
    folder = prepare(tmp_path, spec)
    assert folder == tmp_path / spec.digest
    assert state(folder) == "waiting"
    with job_lock(folder):
        assert state(folder) == "running"
    assert state(folder) == "waiting"
    write_failure(folder, "no space\n  left")
    assert (state(folder), read_failure(folder)) == ("failed", "no space left")
    with job_lock(folder):
        assert state(folder) == "running"
    tiny_result.result(0.7).write(folder)
    assert (state(folder), read_result(folder)) == ("done", tiny_result.result(0.7))


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    folder = prepare(tmp_path, SPECS[0])
    arguments = ["work", "1000", str(folder / "spec.json"), str(tmp_path)]
    process = subprocess.Popen([sys.executable, fake_job.__file__, *arguments], stdin=subprocess.PIPE)
    while state(folder) != "running":
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert state(folder) == "waiting"
    assert (folder / LOCK).exists()


def test_a_disk_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(descriptor: Any, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    folder = prepare(tmp_path, SPECS[0])
    monkeypatch.setattr(fcntl, "flock", refused)
    message = f"^{re.escape(str(folder))}: its file system has no locks .* NFSv4$"
    with pytest.raises(ValueError, match=message), job_lock(folder):
        pass
    with pytest.raises(ValueError, match=message):
        state(folder)


def test_a_job_that_another_process_does_is_waited_for(tmp_path: Path) -> None:
    folder = prepare(tmp_path, SPECS[0])
    arguments = [sys.executable, fake_job.__file__, "work", "5", str(folder / "spec.json"), str(tmp_path)]
    both = [subprocess.Popen(arguments, stdin=subprocess.PIPE) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len((folder / fake_job.STARTS).read_text().splitlines()) == 1


def test_specs_come_back(tmp_path: Path) -> None:
    for spec in SPECS[:3]:
        prepare(tmp_path, spec)
    assert set(read_specs(tmp_path)) == set(SPECS[:3])
    file = tmp_path / SPECS[0].digest / "spec.json"
    keys = json.loads(file.read_text())
    for wrong, message in (
        ({**keys, "colour": "red"}, "unknown keys: 'colour'"),
        ({**keys, "kind": "tutor"}, "job kind 'tutor' is none of"),
        ({**keys, "fine_tuning_layers": "two"}, "key 'fine_tuning_layers' is 'two', wanted a whole number"),
    ):
        file.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match=rf"{SPECS[0].digest}/spec\.json: .*{message}"):
            read_spec(file)


@pytest.mark.parametrize("version", [{}, {"format_version": 1}], ids=["0", "1"])
def test_results_of_earlier_versions_are_read(tmp_path: Path, version: dict[str, int]) -> None:
    """They said the quality too, and neither the rows of dev nor how exact the quality is."""
    result = tiny_result.result(0.7)
    keys = {name: value for name, value in result.to_json().items() if name not in UNSAID}
    (tmp_path / "result.json").write_text(json.dumps({**version, **keys, "quality": 0.7}))
    assert read_result(tmp_path) == dataclasses.replace(result, dev_rows=None)
    assert result.quality == 70.0


def test_version_2_did_not_say_how_exact_a_quality_is(tmp_path: Path) -> None:
    result = dataclasses.replace(tiny_result.result(0.7), metric_error=0.04)
    keys = {name: value for name, value in result.to_json().items() if name != "metric_error"}
    (tmp_path / "result.json").write_text(json.dumps({"format_version": 2, **keys}))
    older = read_result(tmp_path)
    assert older is not None and older.sampling_error is None
    result.write(tmp_path)
    assert read_result(tmp_path) == dataclasses.replace(older, metric_error=0.04) == result
    assert result.sampling_error == 4.0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"metric": "f1"}, "metric 'f1' is none of accuracy"),
        ({"metric_error": -0.1}, r"metric_error -0\.1 is not in 0\.\.1"),
    ],
)
def test_a_damaged_result_is_told(tmp_path: Path, keys: dict[str, object], message: str) -> None:
    written = {"format_version": 3, **tiny_result.result(0.7).to_json(), **keys}
    (tmp_path / "result.json").write_text(json.dumps(written))
    with pytest.raises(ValueError, match=rf"result\.json: {message}"):
        read_result(tmp_path)


def test_the_error_is_that_of_the_evaluation_that_is_kept(tmp_path: Path) -> None:
    """The first of equals; None of one that an older version made."""
    file = tmp_path / "evaluation_errors.json"
    for value, error in ((0.5, 0.05), (0.7, 0.04), (0.7, 0.03)):
        EvaluationErrors.read(file).with_one(value, error).write(file)
    noted = EvaluationErrors.read(file)
    assert (noted.of(0.7), noted.of(0.5), noted.of(0.9)) == (0.04, 0.05, None)


def test_a_long_error_is_cut_to_a_line(tmp_path: Path) -> None:
    write_failure(tmp_path, "first\n" + "graph " * 1000)
    assert len(read_failure(tmp_path) or "") == 500


def test_a_failure_that_cannot_be_written_is_logged(tmp_path: Path, warnings: list[str]) -> None:
    with largest_file(1):
        write_failure(tmp_path, "no space left")
    assert not (tmp_path / FAILURE).exists()
    assert "failure.json: cannot be written" in warnings[0]


def test_the_ledger_says_where_every_job_is(tmp_path: Path) -> None:
    done, failed, running, waiting = SPECS[:4]
    tiny_result.result(0.71234).write(prepare(tmp_path, done))
    write_failure(prepare(tmp_path, failed), "label 'x' is none of 0, 1")
    with job_lock(prepare(tmp_path, running)):
        entries = write_ledger(tmp_path, SPECS[:4], tmp_path / "ledger.tsv")
    assert [entry.state for entry in entries] == ["done", "failed", "running", "waiting"]
    lines = [line.split("\t") for line in (tmp_path / "ledger.tsv").read_text().splitlines()]
    assert lines[0] == list(HEADER)
    assert lines[1] == [
        *("done", done.title, "71.23", "accuracy", "10.0", "2.0", "11.0", "1", "99", done.digest, ""),
    ]
    assert lines[2] == ["failed", failed.title, *[""] * 7, failed.digest, "label 'x' is none of 0, 1"]
    assert lines[4] == ["waiting", waiting.title, *[""] * 7, waiting.digest, ""]


def test_an_old_failure_is_not_told_of_a_job_that_is_done(tmp_path: Path) -> None:
    folder = prepare(tmp_path, SPECS[0])
    write_failure(folder, "an earlier one")
    tiny_result.result(0.5).write(folder)
    (entry,) = write_ledger(tmp_path, SPECS[:1], tmp_path / "ledger.tsv")
    assert (entry.state, entry.error) == ("done", None)


def test_a_job_is_named_by_all_that_decides_it(tmp_path: Path) -> None:
    folders = {prepare(tmp_path, dataclasses.replace(SPECS[0], seed=seed)) for seed in (0, 1)}
    assert len(folders) == 2


class Clock:
    """Time that is set by hand, of the wall and of the process, which works half of it."""

    def __init__(self) -> None:
        self.now = 100.0

    def cpu(self) -> float:
        return self.now / 2

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(resumable_timer.time, "perf_counter", clock)
    monkeypatch.setattr(resumable_timer.time, "process_time", clock.cpu)
    return clock


def test_seconds_go_on_where_they_stopped(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "seconds.json"
    with pytest.raises(KeyboardInterrupt), ResumableTimer(file).running("seconds"):
        clock.now += 7
        raise KeyboardInterrupt
    again = ResumableTimer(file)
    assert (again.seconds("seconds"), again.seconds("setup_seconds")) == (7, 0)
    since = Moment.now()
    clock.now += 2
    with again.running("setup_seconds", since):
        clock.now += 1
    with again.running("seconds"):
        clock.now += 4
    assert json.loads(file.read_text())["seconds"] == {"seconds": 11, "setup_seconds": 3, "cpu_seconds": 7}


def test_seconds_are_written_at_checkpoints(tmp_path: Path, clock: Clock) -> None:
    """What kill -9 leaves; the rest of the block is counted once."""
    timer, file = ResumableTimer(tmp_path / "seconds.json"), tmp_path / "seconds.json"
    timer.note()
    assert not file.exists()
    with timer.running("seconds"):
        clock.now += 30
        timer.note()
        assert json.loads(file.read_text())["seconds"] == {"seconds": 30, "cpu_seconds": 15}
        clock.now += 4
    assert json.loads(file.read_text())["seconds"] == {"seconds": 34, "cpu_seconds": 17}


def test_damaged_notes_of_a_job_are_told(tmp_path: Path) -> None:
    errors = '{"format_version": 1, "evaluations": [[0.7]]}'
    for name, read, text, message in (
        (
            *("seconds.json", ResumableTimer, '{"seconds": "long"}'),
            "key 'seconds.seconds' is 'long', wanted a number",
        ),
        (
            *("failure.json", lambda file: read_failure(file.parent), '{"error": ["no space left"]}'),
            "key 'error' is .*, wanted a text",
        ),
        ("evaluation_errors.json", EvaluationErrors.read, errors, "key 'evaluations.* is .*, wanted"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=f"{name}: {message}"):
            read(tmp_path / name)
