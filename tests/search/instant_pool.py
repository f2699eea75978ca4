"""A pool that needs no process: a job ends at once, when it is asked for."""

from collections.abc import Callable
from pathlib import Path

import tiny_result

from centrabert.search.jobs.job_folder import prepare, write_failure
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.workers.worker_pool import Outcome


class InstantPool:
    """Runs the jobs in the order in which they were submitted.

    Args:
      error: What a job fails with, None for one that brings its quality.
    """

    def __init__(
        self, jobs_dir: Path, workers: int = 2, error: Callable[[JobSpec], str | None] = lambda spec: None
    ) -> None:
        self._jobs_dir, self._workers, self._error = jobs_dir, workers, error
        self._waiting: list[JobSpec] = []
        self.submitted: list[JobSpec] = []
        self.stopped = False

    @property
    def free(self) -> int:
        return self._workers - len(self._waiting)

    def submit(self, spec: JobSpec) -> None:
        assert self.free and spec not in self.submitted
        self._waiting.append(spec)
        self.submitted.append(spec)

    def next(self) -> Outcome:
        spec = self._waiting.pop(0)
        folder, error = prepare(self._jobs_dir, spec), self._error(spec)
        if error:
            write_failure(folder, error)
        else:
            tiny_result.result(tiny_result.fraction(spec)).write(folder)
        return Outcome(spec, error)

    def stop(self) -> None:
        self.stopped = True
