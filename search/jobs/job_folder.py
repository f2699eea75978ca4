"""A job's folder: jobs_dir/DIGEST, in which everything about the job stands, and nothing anywhere else.

Whoever dies, at whatever moment, leaves a folder that tells where its job is: result.json is written last,
and the lock of a process ends with it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.modeling.file_lock import missing_locks_told
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format, same_keys
from centrabert.modeling.formats.json_file import read_json
from centrabert.search.jobs.job_result import FAILURE, RESULT
from centrabert.search.jobs.job_spec import FORMAT, JobSpec

SPEC, LOCK, LOG = "spec.json", "lock", "job.log"
WAITING, RUNNING, DONE, FAILED = STATES = ("waiting", "running", "done", "failed")

LONGEST_ERROR = 500
# Version 0 did not say its version.
FAILURE_FORMAT = Format(FAILURE, version=1, upgrades={0: same_keys})


@dataclass(frozen=True)
class Failure:
    """The keys of failure.json: why a job failed, in one line."""

    error: str


def job_folder(jobs_dir: Path, digest: str) -> Path:
    return jobs_dir / digest


def prepare(jobs_dir: Path, spec: JobSpec) -> Path:
    """Makes the job's folder with its spec.json, which tells where BERT and data lie now, and returns it.

    Raises:
      OSError: The disk is full or the folder is not writable.
    """
    folder = job_folder(jobs_dir, spec.digest)
    folder.mkdir(parents=True, exist_ok=True)
    text = FORMAT.text(spec.to_json())
    if not (folder / SPEC).exists() or (folder / SPEC).read_text(encoding="utf-8", errors="replace") != text:
        write_text(folder / SPEC, text)
    return folder


def read_spec(file: Path) -> JobSpec:
    """Reads a spec.json; raises UserError naming the file for whatever does not fit."""
    return JobSpec.from_json(read_json(file), str(file))


def read_specs(jobs_dir: Path) -> list[JobSpec]:
    """Every job ever begun there, by digest; one whose spec cannot be read is skipped with a warning."""
    specs = []
    for file in sorted(jobs_dir.glob(f"*/{SPEC}")):
        try:
            if not file.parent.is_symlink():  # an earlier name of a job
                specs.append(read_spec(file))
        except (UserError, OSError) as error:
            logging.warning("skipped a job: %s", error)
    return specs


def state(folder: Path) -> str:
    """One of STATES; of a job that failed and is being tried again, "running"."""
    if (folder / RESULT).exists():
        return DONE
    if _is_held(folder):
        return RUNNING
    return FAILED if (folder / FAILURE).exists() else WAITING


def read_failure(folder: Path) -> str | None:
    """Why the job failed, in one line, or None if it did not."""
    file = folder / FAILURE
    return read_dataclass(Failure, FAILURE_FORMAT.read(file), str(file)).error if file.exists() else None


def write_failure(folder: Path, error: str) -> None:
    """Notes why the job failed; on a full disk it says so in the log, and the job is as if it never ran."""
    try:
        write_text(folder / FAILURE, FAILURE_FORMAT.text({"error": one_line(error)}))
    except OSError as reason:
        logging.warning("%s: cannot be written: %s", folder / FAILURE, reason)


def one_line(error: str) -> str:
    """The error without line breaks, cut where it becomes a graph's stack."""
    return " ".join(error.split())[:LONGEST_ERROR]


@contextmanager
def job_lock(folder: Path) -> Iterator[None]:
    """Keeps other processes from doing the same job; waits for one that does it now.

    Raises:
      UserError: The file system has no locks.
    """
    with (folder / LOCK).open("a") as lock:
        with missing_locks_told(folder):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_held(folder: Path) -> bool:
    if not (folder / LOCK).exists():
        return False
    with (folder / LOCK).open("a+") as lock:  # on NFS a shared lock wants reading
        try:
            with missing_locks_told(folder):
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
