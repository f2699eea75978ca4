"""Where jobs run: the seam between a search and its workers, on this machine or on many."""

from dataclasses import dataclass
from typing import Protocol

from centrabert.search.jobs.job_spec import JobSpec


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
