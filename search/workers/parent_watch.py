"""A child process that does not outlive its parent, not even one that was killed."""

import os
import signal
import sys
import threading


def exit_with_parent() -> None:
    """Sends this process a SIGTERM once standard input ends, as a pipe does when its writer is gone."""
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
