"""Workers on the nodes of a Ray cluster."""

import sys
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from absl import logging

from centrabert.errors import UserError
from centrabert.search.jobs.job_folder import LOG, one_line, prepare, write_failure
from centrabert.search.jobs.job_result import FAILURE, RESULT
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.workers.job_attempt import Attempt, Ending, work
from centrabert.search.workers.local_pool import Command
from centrabert.search.workers.ray_cluster import Share, connect
from centrabert.search.workers.shared_disk import appears
from centrabert.search.workers.worker_pool import Outcome

WAIT_SECONDS = 60.0  # between two looks whether any node is left


@dataclass(frozen=True)
class _Task:
    """A job on its way; `ref` is what Ray calls it, None if it could not be started."""

    spec: JobSpec
    deaths: int = 0
    ref: Any = None


class RayPool:
    """A Pool whose jobs are tasks of Ray, each a process on whatever node Ray chooses, with its share of it.

    Every node must see `jobs_dir`, and whatever else the jobs read, under the same path, and have centrabert
    installed; each uses its own Python. What a job prints is kept in its folder, in job.log.

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
        self._jobs_dir, self._command, self._attempts = jobs_dir, command, retries + 1
        self._share = Share(cpus_per_job, gpus_per_job)
        self._tasks: dict[Future[Ending], _Task] = {}
        self._marker = jobs_dir / f".seen-{uuid.uuid4().hex}"
        self._ray = connect(address)
        self._work = self._ray.remote(work).options(
            num_cpus=cpus_per_job, num_gpus=gpus_per_job, max_retries=0, scheduling_strategy="SPREAD"
        )
        self._begin(address)

    @property
    def workers(self) -> int:
        """How many jobs the nodes that are alive take at the same time."""
        return self._share.times(self._ray.nodes())

    @property
    def free(self) -> int:
        """As Pool's; one job may always wait for a node: a search that can start none is over."""
        return max(0, max(1, self.workers) - len(self._tasks))

    def submit(self, spec: JobSpec) -> None:
        self._start(_Task(spec))

    def next(self) -> Outcome:
        """As Pool's.

        Raises:
          UserError: A node does not see `jobs_dir`.
        """
        while self._tasks:
            ended = self._wait()
            outcome = self._outcome(self._tasks.pop(ended), ended)
            if outcome is not None:
                return outcome
        raise LookupError("no job is running")

    def stop(self) -> None:
        """As Pool's; a Ctrl-C while it waits leaves the jobs to themselves: they stop when Ray lets go."""
        try:
            for task in self._tasks.values():
                if task.ref is not None:
                    self._ray.cancel(task.ref, force=False)
            wait(self._tasks)
        finally:
            self._tasks.clear()
            self._marker.unlink(missing_ok=True)
            self._ray.shutdown()

    def _begin(self, address: str) -> None:
        try:
            if not self.workers:
                raise UserError(
                    f"--ray_address={address}: no node has {self._share} for a job; "
                    "lower --cpus_per_job or --gpus_per_job, or add larger nodes"
                )
            self._jobs_dir.mkdir(parents=True, exist_ok=True)
            self._marker.touch()
        except (UserError, OSError):
            self._ray.shutdown()
            raise

    def _start(self, task: _Task) -> None:
        try:
            folder = prepare(self._jobs_dir, task.spec)
            (folder / FAILURE).unlink(missing_ok=True)  # an earlier search's
            command = tuple(self._command(task.spec, ()))
        except OSError as error:  # the folder cannot be written
            failed: Future[Ending] = Future()
            failed.set_result(Ending("", one_line(str(error))))
            self._tasks[failed] = task
            return
        ref = self._work.remote(Attempt(command, sys.executable, folder, self._marker))
        self._tasks[ref.future()] = replace(task, ref=ref)

    def _wait(self) -> Future[Ending]:
        while not (done := wait(self._tasks, WAIT_SECONDS, FIRST_COMPLETED).done):
            if not self.workers:
                logging.warning("no node has %s for a job any more; waiting for one", self._share)
        return done.pop()

    def _outcome(self, task: _Task, ended: Future[Ending]) -> Outcome | None:
        """How the job ended; None if it is tried again."""
        errors = self._ray.exceptions
        folder = self._jobs_dir / task.spec.digest
        try:
            ending = ended.result()
        except errors.RayTaskError as error:  # centrabert is missing there, or another
            last = str(error).strip().splitlines()[-1]
            return Outcome(task.spec, one_line(f"a node could not begin: {last}"))
        except errors.RayError as error:  # the worker or the node is gone
            ending = Ending("", death=type(error).__name__)
        if not ending.sees_folder:
            raise UserError(
                f"node {ending.node} does not see {self._jobs_dir} as it is here; "
                "--output_dir must be on a disk that all nodes share, under the same path"
            )
        if ending.death:
            return self._died(task, ending)
        if not ending.error and not appears(folder / RESULT):
            return Outcome(
                task.spec, f"{folder / RESULT}: node {ending.node} wrote it, but it is not seen here"
            )
        return Outcome(task.spec, ending.error)

    def _died(self, task: _Task, ending: Ending) -> Outcome | None:
        where = f" on node {ending.node}" if ending.node else ""
        death, deaths = f"{ending.death}{where}", task.deaths + 1
        logging.warning("%s: its process died (%s)", task.spec.title, death)
        if deaths < self._attempts:
            self._start(_Task(task.spec, deaths))
            return None
        folder = self._jobs_dir / task.spec.digest
        error = f"its process died {deaths} times, at last by {death}; see {folder / LOG}"
        write_failure(folder, error)
        return Outcome(task.spec, error)
