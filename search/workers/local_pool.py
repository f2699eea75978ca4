"""Workers on this machine: each job is a process with cores of its own."""

import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from signal import SIGTERM

from absl import logging

from centrabert.search.jobs.job_folder import LOG, one_line, prepare, read_failure, write_failure
from centrabert.search.jobs.job_result import FAILURE, RESULT
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.workers.exit_code import signal_name, unexpected_exit
from centrabert.search.workers.worker_pool import Outcome

ATTEMPTS = 3
STOPPED = "stopped"
# (job, its cores) -> the command that does it.
Command = Callable[[JobSpec, Sequence[int]], Sequence[str]]


class LocalPool:
    """A Pool of one worker for each share of the cores; what a job prints is kept in its folder, in job.log.

    Processes hold the other end of a pipe as their standard input: when this one is gone, however it went,
    they see it end.
    """

    def __init__(self, jobs_dir: Path, shares: Sequence[Sequence[int]], command: Command) -> None:
        self._jobs_dir, self._command, self._workers = jobs_dir, command, len(shares)
        self._shares: SimpleQueue[Sequence[int]] = SimpleQueue()
        for cores in shares:
            self._shares.put(cores)
        self._threads = ThreadPoolExecutor(self._workers)
        self._futures: set[Future[Outcome]] = set()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopping = False
        self._lock = threading.Lock()  # of the two above

    @property
    def free(self) -> int:
        return max(0, self._workers - len(self._futures))

    def submit(self, spec: JobSpec) -> None:
        self._futures.add(self._threads.submit(self._work, spec))

    def next(self) -> Outcome:
        if not self._futures:
            raise LookupError("no job is running")
        ended = wait(self._futures, return_when=FIRST_COMPLETED).done.pop()
        self._futures.remove(ended)
        return ended.result()

    def stop(self) -> None:
        """As Pool's; a Ctrl-C while it waits kills them, which loses what no checkpoint holds."""
        with self._lock:
            self._stopping = True
            for process in self._processes:
                process.terminate()
        try:
            self._threads.shutdown(cancel_futures=True)
        except KeyboardInterrupt:
            for process in list(self._processes):
                process.kill()
            raise
        finally:
            self._futures.clear()  # a job that was cancelled before it began never ends

    def _work(self, spec: JobSpec) -> Outcome:
        """What a thread does: the job, from its first attempt to its outcome."""
        cores = self._shares.get()
        try:
            return Outcome(spec, self._error(spec, cores))
        except OSError as error:  # the folder or the log cannot be written
            return Outcome(spec, one_line(str(error)))
        finally:
            self._shares.put(cores)

    def _error(self, spec: JobSpec, cores: Sequence[int]) -> str | None:
        folder = prepare(self._jobs_dir, spec)
        (folder / FAILURE).unlink(missing_ok=True)  # an earlier search's
        death = ""
        for _ in range(ATTEMPTS):
            code = self._attempt(folder, self._command(spec, cores))
            if (folder / RESULT).exists():
                return None
            if self._stopping:
                return STOPPED
            if error := read_failure(folder) or unexpected_exit(code, folder):
                write_failure(folder, error)
                return error
            death = signal_name(code)
            logging.warning("%s: its process died (%s)", spec.title, death)
        error = f"its process died {ATTEMPTS} times, at last by {death}; see {folder / LOG}"
        write_failure(folder, error)
        return error

    def _attempt(self, folder: Path, command: Sequence[str]) -> int:
        """Runs the process to its end and returns its exit code, negative for a signal."""
        with (folder / LOG).open("ab") as log:
            with self._lock:
                if self._stopping:
                    return -SIGTERM
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # a Ctrl-C is ours to pass on: two of them lose a checkpoint
                )
                self._processes.add(process)
            with process:
                code = process.wait()
            with self._lock:
                self._processes.remove(process)
            return code
