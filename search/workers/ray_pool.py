"""Workers on the nodes of a Ray cluster."""

import signal
import sys
import time
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.search.jobs.job_folder import one_line
from centrabert.search.jobs.job_result import RESULT
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.workers.job_attempt import Attempt, AttemptResult, run_attempt
from centrabert.search.workers.local_pool import Command
from centrabert.search.workers.ray_cluster import ResourceRequest, connect
from centrabert.search.workers.worker_pool import RetryingPool

WAIT_SECONDS = 60.0  # between two looks whether any node is left
NFS_SECONDS = 60.0  # as long as NFS, by default, keeps what it knows of a folder
POLL_SECONDS = 0.1


def run_on_node(attempt: Attempt) -> AttemptResult:
    """What Ray calls on a node."""
    # A cluster started in the background of a script ignores it, and so Ray's cancellation.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run_attempt(attempt)


def wait_for_file(file: Path, seconds: float = NFS_SECONDS) -> bool:
    """Waits until a file that another machine has written is seen here; False if it does not come."""
    end = time.monotonic() + seconds
    while file not in file.parent.iterdir():  # a listing is asked of the server, a lookup that failed is not
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


@dataclass(frozen=True)
class Ray:
    """A Ray cluster, and what a job takes of it."""

    address: str
    cpus_per_job: float
    gpus_per_job: float

    @property
    def threads(self) -> int:
        """Of a job."""
        return max(1, int(self.cpus_per_job))


class RayPool(RetryingPool):
    """A Pool whose jobs are tasks of Ray, each a process on whatever node Ray chooses, with its share of it.

    Every node must see `jobs_dir`, and whatever else the jobs read, under the same path, and have centrabert
    installed; each uses its own Python.

    Args:
      address: The cluster: "auto", host:port or ray://host:port.
      retries: How often a job is tried again whose process or node died.

    Raises:
      UserError: No cluster answers at `address`, or no node of it is large enough for a job.
      OSError: `jobs_dir` is not writable.
    """

    def __init__(
        self,
        address: str,
        jobs_dir: Path,
        command: Command,
        cpus_per_job: float = 1.0,
        gpus_per_job: float = 0.0,
        retries: int = 3,
    ) -> None:
        if not jobs_dir.is_absolute():
            raise UserError(f"{jobs_dir}: a node needs an absolute path")
        super().__init__(jobs_dir, retries + 1)
        self._command, self._request = command, ResourceRequest(cpus_per_job, gpus_per_job)
        self._tasks: dict[Future[AttemptResult], object] = {}  # what Ray calls each
        self._marker = jobs_dir / f".seen-{uuid.uuid4().hex}"
        self._ray = connect(address)
        self._remote = self._ray.remote(run_on_node).options(
            num_cpus=cpus_per_job, num_gpus=gpus_per_job, max_retries=0, scheduling_strategy="SPREAD"
        )
        self._begin(address)

    @property
    def workers(self) -> int:
        """How many jobs the nodes that are alive take at the same time."""
        return self._request.times(self._ray.nodes())

    def stop(self) -> None:
        """As Pool's; a Ctrl-C while it waits leaves the jobs to themselves: they stop when Ray lets go."""
        try:
            for task in self._tasks.values():
                self._ray.cancel(task, force=False)
            wait(self._running)
        finally:
            self._running.clear()
            self._marker.unlink(missing_ok=True)
            self._ray.shutdown()

    def _begin(self, address: str) -> None:
        try:
            if not self.workers:
                raise UserError(
                    f"--ray_address={address}: no node has {self._request} for a job; "
                    "lower --cpus_per_job or --gpus_per_job, or add larger nodes"
                )
            self._jobs_dir.mkdir(parents=True, exist_ok=True)
            self._marker.touch()
        except (UserError, OSError):
            self._ray.shutdown()
            raise

    def _launch(self, spec: JobSpec, folder: Path) -> Future[AttemptResult]:
        command = tuple(self._command(spec, ()))
        task = self._remote.remote(Attempt(command, folder, sys.executable, self._marker))
        future: Future[AttemptResult] = task.future()
        self._tasks[future] = task
        return future

    def _wait(self) -> Future[AttemptResult]:
        while not (done := wait(self._running, WAIT_SECONDS, FIRST_COMPLETED).done):
            if not self.workers:
                logging.warning("no node has %s for a job any more; waiting for one", self._request)
        return done.pop()

    def _result(self, spec: JobSpec, ended: Future[AttemptResult]) -> AttemptResult:
        """Raises UserError if a node does not see `jobs_dir`."""
        self._tasks.pop(ended, None)
        errors, file = self._ray.exceptions, self._jobs_dir / spec.digest / RESULT
        try:
            result = ended.result()
        except errors.RayTaskError as error:  # centrabert is missing there, or another
            last = str(error).strip().splitlines()[-1]
            return AttemptResult(error=one_line(f"a node could not begin: {last}"))
        except errors.RayError as error:  # the worker or the node is gone
            return AttemptResult(death=type(error).__name__)
        if not result.sees_folder:
            raise UserError(
                f"node {result.node} does not see {self._jobs_dir} as it is here; "
                "--output_dir must be on a disk that all nodes share, under the same path"
            )
        if result.error is None and result.death is None and not wait_for_file(file):
            return AttemptResult(error=f"{file}: node {result.node} wrote it, but it is not seen here")
        return result
