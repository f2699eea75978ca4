"""What the end of a job's process tells."""

from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

from centrabert.search.jobs.job_folder import LOG, one_line


def unexpected_exit(code: int, folder: Path) -> str | None:
    """What to say of a process that ended by itself without a result; None if a signal ended it.

    Args:
      code: As Popen gives it, negative for a signal.
      folder: The job's, with its log.
    """
    if code < 0 or code - 128 in (SIGINT, SIGTERM):
        return None
    lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines() or ["no output"]
    return one_line(f"{lines[-1]} (exit code {code}; see {folder / LOG})")


def signal_name(code: int) -> str:
    """SIGKILL for -9; 128 and the signal's number, as a shell reports it, will do too."""
    number = -code if code < 0 else code - 128
    return Signals(number).name if number in set(Signals) else f"signal {number}"
