"""Where jobs run: the seam between a search and its workers, and what all pools have in common."""

from abc import ABC, abstractmethod
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from absl import logging

from centrabert.search.jobs.job_folder import LOG, one_line, prepare, write_failure
from centrabert.search.jobs.job_result import FAILURE
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.workers.job_attempt import AttemptResult


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
      error: Why it failed, in one line; None if its folder holds a result.
    """

    spec: JobSpec
    error: str | None = None


class Pool(Protocol):
    """Runs jobs, each as a process of its own, and leaves no trace but the jobs' folders.

    A job whose process dies without a word (kill -9, no memory, a lost node) is tried again a few times; what
    it had trained up to a checkpoint is not lost.
    """

    @property
    def free(self) -> int:
        """How many more jobs it would start at once."""
        ...

    def submit(self, spec: JobSpec) -> None:
        """Starts a job, or does so as soon as a worker is free."""
        ...

    def next(self) -> Outcome:
        """Waits until one of the submitted jobs ends; raises LookupError if there is none left."""
        ...

    def stop(self) -> None:
        """Stops what runs, each job after a checkpoint, and waits for that."""
        ...


class RetryingPool(ABC):
    """A Pool that tries a job again whose process died; where an attempt runs, a subclass decides.

    What a job prints is kept in its folder, in job.log.

    Args:
      attempts: How often a job is tried at most.
    """

    def __init__(self, jobs_dir: Path, attempts: int) -> None:
        self._jobs_dir, self._attempts = jobs_dir, attempts
        self._running: dict[Future[AttemptResult], tuple[JobSpec, int]] = {}  # with the number of the attempt

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many jobs can run at the same time."""

    @abstractmethod
    def _launch(self, spec: JobSpec, folder: Path) -> Future[AttemptResult]:
        """Starts an attempt at a job, or does so as soon as a worker is free; raises OSError if it cannot."""

    @property
    def free(self) -> int:
        """As Pool's; one job may always wait for a worker: a search that can start none is over."""
        return max(0, max(1, self.workers) - len(self._running))

    def submit(self, spec: JobSpec) -> None:
        self._start(spec, attempt=1)

    def next(self) -> Outcome:
        while self._running:
            ended = self._wait()
            spec, attempt = self._running.pop(ended)
            outcome = self._outcome(spec, attempt, self._result(spec, ended))
            if outcome is not None:
                return outcome
        raise LookupError("no job is running")

    def _start(self, spec: JobSpec, attempt: int) -> None:
        try:
            folder = prepare(self._jobs_dir, spec)
            (folder / FAILURE).unlink(missing_ok=True)  # an earlier search's
            future = self._launch(spec, folder)
        except OSError as error:  # the folder cannot be written
            future = Future()
            future.set_result(AttemptResult(error=one_line(str(error))))
        self._running[future] = spec, attempt

    def _wait(self) -> Future[AttemptResult]:
        """One of the attempts that have ended, once there is one."""
        return wait(self._running, return_when=FIRST_COMPLETED).done.pop()

    def _result(self, spec: JobSpec, ended: Future[AttemptResult]) -> AttemptResult:
        return ended.result()

    def _outcome(self, spec: JobSpec, attempt: int, result: AttemptResult) -> Outcome | None:
        """How the job ended; None if it is tried again."""
        if result.death is None:
            return Outcome(spec, result.error)
        death = result.death + (f" on node {result.node}" if result.node else "")
        logging.warning("%s: its process died (%s)", spec.title, death)
        if attempt < self._attempts:
            self._start(spec, attempt + 1)
            return None
        folder = self._jobs_dir / spec.digest
        error = f"its process died {attempt} times, at last by {death}; see {folder / LOG}"
        write_failure(folder, error)
        return Outcome(spec, error)
