"""A job that trains nothing: it counts steps, one after the other and in a file, and ends as it is told.

python fake_job.py HOW STEPS SPEC JOBS_DIR, where HOW is "work", or how it ends instead.
"""

import os
import signal
import sys
import time
from pathlib import Path

import tiny_result

from centrabert import interruption
from centrabert.modeling.files import write_text
from centrabert.search.jobs.job_folder import job_lock, prepare, read_spec, write_failure
from centrabert.search.jobs.job_result import RESULT
from centrabert.search.workers import parent_watch

STEP_SECONDS = 0.02
STEPS, STARTS, CORES, DIED, STOPPED = "steps", "starts", "cores", "died", "stopped"


def main(how: str, steps: int, spec_file: Path, jobs_dir: Path) -> None:
    parent_watch.exit_with_parent()
    spec = read_spec(spec_file)
    folder = prepare(jobs_dir, spec)
    with job_lock(folder):
        if (folder / RESULT).exists():
            return
        with (folder / STARTS).open("a") as starts:
            starts.write(f"{os.getpid()}\n")
        end(how, folder)
        try:
            train(folder, steps)
        except KeyboardInterrupt as stop:
            (folder / STOPPED).touch()
            sys.exit(interruption.exit_code(stop))
        tiny_result.result(tiny_result.fraction(spec)).write(folder)


def train(folder: Path, steps: int) -> None:
    with interruption.terminable():
        for step in range(count(folder) + 1, steps + 1):
            time.sleep(STEP_SECONDS)
            write_text(folder / STEPS, str(step))


def end(how: str, folder: Path) -> None:
    """Ends the process before its time, unless it is told to work."""
    if how == "fail":
        write_failure(folder, "train.tsv:3: label 'x'\nis none of 0, 1")
        sys.exit(1)
    if how == "crash":
        raise RuntimeError("a bug")
    if how == "die" or (how == "die once" and not (folder / DIED).exists()):
        (folder / DIED).touch()
        os.kill(os.getpid(), signal.SIGKILL)


def count(folder: Path) -> int:
    """Steps that were done before."""
    return int((folder / STEPS).read_text()) if (folder / STEPS).exists() else 0


def alive(folder: Path) -> bool:
    """Whether the process that worked in `folder` last is still there."""
    process = int((folder / STARTS).read_text().splitlines()[-1])
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
