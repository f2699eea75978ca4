"""CPU seconds of a training over all processes that worked on it, however they ended."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from centrabert.search.jobs.resumable_timer import ResumableTimer

TRAINING = "training"
NOTED_EVERY = 20.0  # seconds; so much is lost where a process is killed


@contextmanager
def counted(timer: ResumableTimer) -> Iterator[None]:
    """Adds what the block takes to the timer's file, now and then while it runs."""
    ended = threading.Event()

    def note() -> None:
        while not ended.wait(NOTED_EVERY):
            timer.note()

    thread = threading.Thread(target=note, daemon=True)
    with timer.running(TRAINING):
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
