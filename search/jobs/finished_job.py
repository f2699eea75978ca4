"""A job that has ended well: what was asked, what it brought, and where it lies."""

from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.search.jobs.job_result import BRANCH, JobResult
from centrabert.search.jobs.job_spec import JobSpec


@dataclass(frozen=True)
class FinishedJob:
    """A job with its result.

    Attributes:
      folder: The job's folder, in which its branch lies.

    Raises:
      UserError: The folder has no name.
    """

    spec: JobSpec
    result: JobResult
    folder: str

    def __post_init__(self) -> None:
        if not self.folder:
            raise UserError(f"job {self.spec.title}: folder {self.folder!r} names no job folder")

    @property
    def percent(self) -> float:
        """The dev metric in percent."""
        return 100 * self.result.quality

    @property
    def seconds(self) -> float:
        """Wall time, preparation included."""
        return self.result.seconds + self.result.setup_seconds

    @property
    def branch_folder(self) -> str:
        return str(Path(self.folder) / BRANCH)

    @property
    def judged(self) -> bool:
        """Whether its quality is a number that a metric can take; that of a run that diverged is not."""
        return -1 <= self.result.quality <= 1
