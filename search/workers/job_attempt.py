"""One attempt at a job on a node of a cluster: what Ray calls there."""

import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from centrabert.search.jobs.job_folder import LOG, one_line, read_failure, write_failure
from centrabert.search.jobs.job_result import RESULT
from centrabert.search.workers.exit_code import signal_name, unexpected_exit

POLL_SECONDS = 0.1  # Ray's cancellation is seen between two looks at the process


@dataclass(frozen=True)
class Attempt:
    """What a node is asked to do; all paths are absolute.

    Attributes:
      command: Program and arguments.
      python: The interpreter of who asks: where it is the program, the node takes its own.
      folder: The job's.
      marker: A file that is there for who sees the same disk.
    """

    command: tuple[str, ...]
    python: str
    folder: Path
    marker: Path


@dataclass(frozen=True)
class Ending:
    """How it went; with neither error nor death, the job's folder holds its result.

    Attributes:
      node: The node's host name.
      error: Why the job failed.
      death: What ended its process without a word, as in SIGKILL.
      sees_folder: False if the node does not see the disk on which the folder is.
    """

    node: str
    error: str | None = None
    death: str | None = None
    sees_folder: bool = True


def work(attempt: Attempt) -> Ending:
    """Runs the job's process to its end, its output added to the job's log.

    An interruption, as Ray's cancellation is, is passed on as a SIGTERM and waited for. The process holds the
    other end of a pipe as its standard input: when this one is gone, it sees that end.
    """
    # A cluster started in the background of a script ignores it, and so Ray's cancellation.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    node = socket.gethostname()
    if not attempt.marker.exists():
        return Ending(node, sees_folder=False)
    try:
        code = _run(attempt)
        if (attempt.folder / RESULT).exists():
            return Ending(node)
        error = read_failure(attempt.folder) or unexpected_exit(code, attempt.folder)
    except OSError as problem:
        return Ending(node, one_line(f"node {node}: {problem}"))
    if error is None:
        return Ending(node, death=signal_name(code))
    write_failure(attempt.folder, error)
    return Ending(node, error)


def _run(attempt: Attempt) -> int:
    program, *arguments = attempt.command
    with (
        (attempt.folder / LOG).open("ab") as log,
        subprocess.Popen(
            [sys.executable if program == attempt.python else program, *arguments],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # what Ray sends its worker's group is not for the job
        ) as process,
    ):
        return _exit_code(process)


def _exit_code(process: subprocess.Popen[bytes]) -> int:
    terminated = False
    while True:
        try:
            while process.poll() is None:
                time.sleep(POLL_SECONDS)
            return process.returncode
        except KeyboardInterrupt:
            if not terminated:  # Ray may cancel twice, and a second SIGTERM loses the checkpoint
                process.terminate()
            terminated = True
