"""Ctrl-C and SIGTERM end a script alike: by an exception, so that whatever is half-written is removed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """A SIGTERM, as a job scheduler or `docker stop` sends it."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raises Terminated on a SIGTERM inside the block; signals can only be caught in the main thread.

    At once, and again at the block's end, whatever became of it there: a module in C that is being imported
    makes an ImportError of it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received = False

    def terminate(number: int, frame: FrameType | None) -> None:
        nonlocal received
        received = True
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if received:
            raise Terminated


def exit_code(stop: KeyboardInterrupt) -> int:
    """As a shell reports it: 128 and the number of the signal."""
    return 128 + (signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)
