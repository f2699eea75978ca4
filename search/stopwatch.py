"""Time that goes on counting where an interrupted process stopped."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from centrabert.modeling.config import read_json
from centrabert.modeling.files import write_text

INTERVAL = 10.0


class Stopwatch:
    """Wall seconds by name, in a file.

    The file is written every INTERVAL seconds and whenever a block ends, however it ends: kill -9 loses the
    last INTERVAL seconds at most, and nothing else does.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds: dict[str, float] = read_json(file) if file.exists() else {}

    def seconds(self, name: str) -> float:
        return self._seconds.get(name, 0.0)

    @contextmanager
    def running(self, name: str, since: float | None = None) -> Iterator[None]:
        """Adds the time of the block, or the time since `since` (of time.perf_counter), to `name`."""
        start, before = time.perf_counter() if since is None else since, self.seconds(name)
        over = threading.Event()

        def note() -> None:
            self._seconds[name] = before + time.perf_counter() - start
            write_text(self._file, json.dumps(self._seconds) + "\n")

        def keep_noting() -> None:
            while not over.wait(INTERVAL):
                with suppress(OSError):  # a full disk is told at the end
                    note()

        notes = threading.Thread(target=keep_noting, daemon=True)
        notes.start()
        try:
            yield
        finally:
            over.set()
            notes.join()
            note()
