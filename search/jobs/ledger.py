"""The ledger: where every job is, read from the jobs' folders and from nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.files import write_text
from centrabert.search.jobs.job_folder import FAILED, job_folder, read_failure, state
from centrabert.search.jobs.job_result import JobResult, read_result
from centrabert.search.jobs.job_spec import JobSpec

FILE = "ledger.tsv"
HEADER = (
    "state",
    "job",
    "quality",
    "metric",
    "seconds",
    "setup_seconds",
    "cpu_seconds",
    "threads",
    "tokens",
    "folder",
    "error",
)


@dataclass(frozen=True)
class Entry:
    """One job.

    Attributes:
      state: One of job_folder.STATES.
      error: Why it failed, else None.
    """

    spec: JobSpec
    state: str
    result: JobResult | None = None
    error: str | None = None


def entry(jobs_dir: Path, spec: JobSpec) -> Entry:
    """What a job's folder says now; one whose files are damaged has failed."""
    folder = job_folder(jobs_dir, spec.digest)
    found = state(folder)
    try:
        return Entry(spec, found, read_result(folder), read_failure(folder) if found == FAILED else None)
    except UserError as error:
        return Entry(spec, FAILED, error=str(error))


def write_ledger(jobs_dir: Path, specs: Iterable[JobSpec], file: Path) -> tuple[Entry, ...]:
    """Writes a line for each job, tabs between the columns, in one step; returns what it wrote.

    Raises:
      OSError: The disk is full; the old file is untouched.
    """
    entries = tuple(entry(jobs_dir, spec) for spec in specs)
    rows = [HEADER, *map(_row, entries)]
    write_text(file, "".join("\t".join(row) + "\n" for row in rows))
    return entries


def _row(entry: Entry) -> Sequence[str]:
    result = entry.result
    figures = (
        (
            f"{result.quality:.2f}",
            result.metric,
            f"{result.seconds:.1f}",
            f"{result.setup_seconds:.1f}",
            f"{result.cpu_seconds:.1f}",
            str(result.threads),
            str(result.tokens),
        )
        if result
        else ("",) * 7
    )
    return (entry.state, entry.spec.title, *figures, entry.spec.digest, entry.error or "")
