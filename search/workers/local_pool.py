"""Workers on this machine: each job is a process with cores of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from signal import SIGKILL, SIGTERM

from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.workers.job_attempt import Attempt, AttemptResult, StopRequest, run_attempt
from centrabert.search.workers.worker_pool import RetryingPool

ATTEMPTS = 3
# (job, its cores) -> the command that runs it.
Command = Callable[[JobSpec, Sequence[int]], Sequence[str]]


class LocalPool(RetryingPool):
    """A Pool of one worker for each share of the cores.

    Args:
      shares: The cores of each worker; () leaves the choice to the system.
    """

    def __init__(self, jobs_dir: Path, shares: Sequence[Sequence[int]], command: Command) -> None:
        super().__init__(jobs_dir, ATTEMPTS)
        self._command, self._workers, self._stop = command, len(shares), StopRequest()
        self._shares: SimpleQueue[Sequence[int]] = SimpleQueue()
        for cores in shares:
            self._shares.put(cores)
        self._threads = ThreadPoolExecutor(self._workers)

    @property
    def workers(self) -> int:
        return self._workers

    def stop(self) -> None:
        """As Pool's; a Ctrl-C while it waits kills the jobs, which loses what no checkpoint holds."""
        self._stop.signal = SIGTERM
        try:
            self._threads.shutdown(cancel_futures=True)
        except KeyboardInterrupt:
            self._stop.signal = SIGKILL
            raise
        finally:
            self._running.clear()  # a job that was cancelled before it began never ends

    def _launch(self, spec: JobSpec, folder: Path) -> Future[AttemptResult]:
        return self._threads.submit(self._run, spec, folder)

    def _run(self, spec: JobSpec, folder: Path) -> AttemptResult:
        """What a thread does."""
        cores = self._shares.get()
        try:
            return run_attempt(Attempt(tuple(self._command(spec, cores)), folder), self._stop)
        finally:
            self._shares.put(cores)
