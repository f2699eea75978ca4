"""The local pool and the search on it, with jobs that train nothing: failures, deaths, stops, kills."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import fake_job
import fake_search
import numpy as np
import pytest
import tiny_result
import tiny_search

from centrabert.search.finish import Rule, selectable
from centrabert.search.jobs.job_folder import LOG, job_folder, read_failure, state
from centrabert.search.jobs.job_result import read_result
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.search_loop import Findings
from centrabert.search.strategy.search_space import teachers
from centrabert.search.workers import cores
from centrabert.search.workers.cores import (
    THREADS,
    default_workers,
    partition_cores,
    pin_process,
    worker_cores,
)
from centrabert.search.workers.job_command import JobCommand
from centrabert.search.workers.local_pool import LocalPool
from centrabert.search.workers.worker_pool import Outcome

SPECS = teachers(fake_search.SPACE)
UNDISTURBED, _ = tiny_search.searched(fake_search.SPACE, {"rte": 10, "cola": 10})


def pool_of(
    jobs_dir: Path, how: Callable[[JobSpec], str] = lambda spec: "work", steps: int = 2, workers: int = 2
) -> LocalPool:
    return LocalPool(
        jobs_dir, [(core,) for core in range(workers)], fake_search.command(jobs_dir, steps, how)
    )


def outcome_of(jobs_dir: Path, how: str) -> Outcome:
    """Of one job that ends so."""
    pool = pool_of(jobs_dir, lambda spec: how)
    try:
        pool.submit(SPECS[0])
        return pool.next()
    finally:
        pool.stop()


def starts(jobs_dir: Path, spec: JobSpec = SPECS[0]) -> int:
    return len((job_folder(jobs_dir, spec.digest) / fake_job.STARTS).read_text().splitlines())


def test_jobs_run_side_by_side_each_on_its_own_cores(tmp_path: Path) -> None:
    pool = pool_of(tmp_path)
    assert pool.free == 2
    for spec in SPECS[:3]:
        pool.submit(spec)
    assert pool.free == 0
    outcomes = [pool.next() for _ in range(3)]
    pool.stop()
    assert {outcome.spec for outcome in outcomes} == set(SPECS[:3])
    assert all(outcome.error is None for outcome in outcomes)
    assert pool.free == 2
    for spec in SPECS[:3]:
        found = read_result(job_folder(tmp_path, spec.digest))
        assert found is not None and found.quality == tiny_result.quality(spec)
    given = [(job_folder(tmp_path, spec.digest) / fake_job.CORES).read_text() for spec in SPECS[:3]]
    assert set(given) == {"0", "1"}
    with pytest.raises(LookupError):
        pool.next()


def test_a_job_that_fails_says_why_and_is_not_tried_again(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, "fail").error == "train.tsv:3: label 'x' is none of 0, 1"
    assert starts(tmp_path) == 1


def test_a_job_that_crashes_is_told_by_its_last_line(tmp_path: Path) -> None:
    folder = job_folder(tmp_path, SPECS[0].digest)
    error = outcome_of(tmp_path, "crash").error
    assert error == f"RuntimeError: a bug (exit code 1; see {folder / LOG})"
    assert starts(tmp_path) == 1
    assert read_failure(folder) == error
    assert "Traceback" in (folder / LOG).read_text()


def test_a_job_whose_process_dies_is_tried_three_times(tmp_path: Path) -> None:
    error = outcome_of(tmp_path, "die").error
    assert error is not None
    assert error.startswith("its process died 3 times, at last by SIGKILL; see ")
    assert starts(tmp_path) == 3
    assert state(job_folder(tmp_path, SPECS[0].digest)) == "failed"


def test_one_death_is_survived(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, "die once").error is None
    assert starts(tmp_path) == 2


def test_an_earlier_failure_is_forgotten(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, "fail").error
    assert outcome_of(tmp_path, "die once").error is None
    assert state(job_folder(tmp_path, SPECS[0].digest)) == "done"


def test_a_folder_that_cannot_be_made_fails_its_job_only(tmp_path: Path) -> None:
    (tmp_path / SPECS[0].digest).write_text("in the way")
    assert "File exists" in (outcome_of(tmp_path, "work").error or "")


def test_a_stop_lets_jobs_write_a_checkpoint(tmp_path: Path) -> None:
    """The fake job's checkpoint is every step; nothing of it is done twice after the stop."""
    pool = pool_of(tmp_path, steps=10000, workers=1)
    for spec in SPECS[:2]:
        pool.submit(spec)
    first, second = (job_folder(tmp_path, spec.digest) for spec in SPECS[:2])
    wait_for(lambda: fake_job.count(first) >= 2)
    pool.stop()
    assert state(first) == "waiting" and not (second / fake_job.STARTS).exists()
    assert (first / fake_job.STOPPED).exists()
    with pytest.raises(LookupError):
        pool.next()
    done = fake_job.count(first)
    wait_for(lambda: not fake_job.alive(first))
    assert fake_job.count(first) == done
    again = pool_of(tmp_path, steps=done + 1)
    again.submit(SPECS[0])
    assert again.next().error is None
    again.stop()
    assert fake_job.count(first) == done + 1


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("numbers", "workers", "wanted"),
    [
        ((0, 1), 1, ((0, 1),)),
        ((0, 1), 2, ((0,), (1,))),
        ((2, 3, 5, 7, 11), 2, ((2, 3, 5), (7, 11))),
        ((2, 3, 5, 7, 11), 3, ((2, 3), (5, 7), (11,))),
        ((4, 6), 3, ((4,), (6,), (4,))),
    ],
)
def test_cores_are_shared_out(
    numbers: tuple[int, ...], workers: int, wanted: tuple[tuple[int, ...], ...]
) -> None:
    assert partition_cores(numbers, workers) == wanted
    with pytest.raises(ValueError, match="--workers=0 is below 1"):
        partition_cores(numbers, 0)


def test_under_a_quota_no_worker_has_cores_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available", lambda: (0, 1, 2, 3))
    assert worker_cores(4, 2) == ((0, 1), (2, 3))
    assert worker_cores(3, 2) == ((), ())
    command = JobCommand(Path("jobs"), (), (), threads=2)
    assert "--cores=0,1" in command(SPECS[0], (0, 1)) and "--threads=2" not in command(SPECS[0], (0, 1))
    assert "--threads=2" in command(SPECS[0], ())


def test_workers_are_one_for_each_core_as_far_as_memory_goes() -> None:
    assert [default_workers(count, 24 * 2**30) for count in (1, 2, 64)] == [1, 2, 6]
    assert default_workers(8, 2**30) == 1


def test_a_process_keeps_to_its_cores_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda *given: kept.append(given))
    for variable in THREADS:
        monkeypatch.setenv(variable, "99")
    pin_process((1, 3), 2)
    pin_process((), 4)
    assert kept == [(0, (1, 3))]
    assert {os.environ[variable] for variable in THREADS} == {"4"}


def check(findings: Findings) -> None:
    """It found what an undisturbed search does."""
    assert findings.errors == {}
    assert findings.scores == UNDISTURBED


def test_a_search_ends_with_all_that_was_wanted(tmp_path: Path) -> None:
    check(fake_search.run(tmp_path))
    ledger = (tmp_path / "ledger.tsv").read_text().splitlines()[1:]
    assert len(ledger) == len(UNDISTURBED) == 12
    assert {line.split("\t")[0] for line in ledger} == {"done"}


class Killer(threading.Thread):
    """Kills running jobs at random, so many times."""

    def __init__(self, jobs_dir: Path, kills: int) -> None:
        super().__init__(daemon=True)
        self._jobs_dir, self.left, self._random = jobs_dir, kills, np.random.default_rng(7)
        self.over = threading.Event()

    def run(self) -> None:
        while self.left and not self.over.wait(self._random.uniform(0, 0.1)):
            running = [
                folder
                for folder in self._jobs_dir.glob("*")
                if (folder / fake_job.STARTS).exists() and state(folder) == "running"
            ]
            if running:
                self._kill(running[self._random.integers(len(running))])

    def _kill(self, folder: Path) -> None:
        pid = int((folder / fake_job.STARTS).read_text().splitlines()[-1])
        try:
            os.kill(pid, signal.SIGKILL)
            self.left -= 1
        except ProcessLookupError:
            pass  # it has just ended


def test_a_search_whose_jobs_are_killed_at_random_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """A dozen kills; a job that was killed three times is tried again by the same search, given again."""
    killer = Killer(tmp_path / "jobs", 12)
    killer.start()
    findings = fake_search.run(tmp_path, steps=20)
    while findings.errors:
        assert all("its process died 3 times" in error for error in findings.errors.values())
        findings = fake_search.run(tmp_path, steps=20)
    killer.over.set()
    killer.join()
    assert killer.left == 0
    check(findings)
    search = fake_search.search(tmp_path)
    selected = Rule().select(selectable(findings.finished(search.jobs_dir), search.space, search.dev_rows))
    undisturbed = Findings({spec: tiny_result.result(tiny_result.fraction(spec)) for spec in UNDISTURBED})
    jobs = undisturbed.finished(search.jobs_dir)
    assert selected == Rule().select(selectable(jobs, search.space, search.dev_rows))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_jobs_do_not_outlive_a_search_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    driver = subprocess.Popen([sys.executable, fake_search.__file__, str(tmp_path), "10000"])
    jobs_dir = tmp_path / "jobs"
    wait_for(lambda: sum(fake_job.count(folder) > 0 for folder in jobs_dir.glob("*")) == 2)
    driver.send_signal(number)
    driver.wait()
    begun = list(jobs_dir.glob("*"))
    wait_for(lambda: all(state(folder) == "waiting" for folder in begun))
    check(fake_search.run(tmp_path))


def test_the_end_of_input_is_a_sigterm() -> None:
    watch = "from centrabert.search.workers import parent_watch; parent_watch.exit_with_parent()"
    code = f"{watch}; import time; time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait() == -signal.SIGTERM
