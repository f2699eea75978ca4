"""One attempt at a job: its process from beginning to end, on whatever machine a pool has chosen."""

import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

from centrabert.search.jobs.job_folder import LOG, one_line, read_failure, write_failure
from centrabert.search.jobs.job_result import RESULT

POLL_SECONDS = 0.1  # a request to stop is seen between two looks at the process


@dataclass(frozen=True)
class Attempt:
    """What is to be run; all paths are absolute.

    Attributes:
      command: Program and arguments.
      folder: The job's.
      python: The interpreter of the search: where it is the program, another machine takes its own.
      marker: A file that every machine sees that has the search's disk; None on the search's own machine.
    """

    command: tuple[str, ...]
    folder: Path
    python: str = ""
    marker: Path | None = None


@dataclass(frozen=True)
class AttemptResult:
    """How it went; with neither error nor death, the job's folder holds its result.

    Attributes:
      node: Host name of the machine; "" for the search's own.
      error: Why the job failed.
      death: What ended its process without a word, as in SIGKILL.
      sees_folder: False if the machine does not see the disk on which the folder is.
    """

    node: str = ""
    error: str | None = None
    death: str | None = None
    sees_folder: bool = True


@dataclass
class StopRequest:
    """The signal that processes are to be sent; None lets them work. Threads share it."""

    signal: Signals | None = None


def run_attempt(attempt: Attempt, stop: StopRequest | None = None) -> AttemptResult:
    """Runs the job's process to its end, its output added to the job's log.

    A signal in `stop` is passed on and waited for; so is an interruption of this thread, such as Ray's
    cancellation, as a SIGTERM. The process has the other end of a pipe as its standard input: when this one
    is gone, however it went, it sees that end.
    """
    stop = stop or StopRequest()
    node = socket.gethostname() if attempt.marker else ""
    if attempt.marker and not attempt.marker.exists():
        return AttemptResult(node, sees_folder=False)
    if stop.signal:
        return AttemptResult(node, death=stop.signal.name)
    try:
        code = _run(attempt, stop)
        if (attempt.folder / RESULT).exists():
            return AttemptResult(node)
        error = read_failure(attempt.folder) or _unexpected_exit(code, attempt.folder)
    except OSError as problem:  # the log cannot be written, or the program is not there
        return AttemptResult(node, one_line(f"node {node}: {problem}" if node else str(problem)))
    if error is None:
        return AttemptResult(node, death=_signal_name(code))
    write_failure(attempt.folder, error)
    return AttemptResult(node, error)


def _run(attempt: Attempt, stop: StopRequest) -> int:
    program, *arguments = attempt.command
    with (
        (attempt.folder / LOG).open("ab") as log,
        subprocess.Popen(
            [sys.executable if program == attempt.python else program, *arguments],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is ours to pass on: two of them lose a checkpoint
        ) as process,
    ):
        return _exit_code(process, stop)


def _exit_code(process: subprocess.Popen[bytes], stop: StopRequest) -> int:
    """As Popen gives it. Each signal is sent once: a second SIGTERM loses a checkpoint."""
    sent = None
    while True:
        try:
            while True:  # within the try: an interruption may come between two rounds
                with suppress(subprocess.TimeoutExpired):
                    return process.wait(POLL_SECONDS)
                if stop.signal and stop.signal != sent:
                    sent = stop.signal
                    process.send_signal(sent)
        except KeyboardInterrupt:
            stop.signal = stop.signal or SIGTERM


def _unexpected_exit(code: int, folder: Path) -> str | None:
    """What to say of a process that ended by itself without a result; None if a signal ended it."""
    if code < 0 or code - 128 in (SIGINT, SIGTERM):
        return None
    lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines() or ["no output"]
    return one_line(f"{lines[-1]} (exit code {code}; see {folder / LOG})")


def _signal_name(code: int) -> str:
    """SIGKILL for -9; 128 and the signal's number, as a shell reports it, will do too."""
    number = -code if code < 0 else code - 128
    return Signals(number).name if number in set(Signals) else f"signal {number}"
