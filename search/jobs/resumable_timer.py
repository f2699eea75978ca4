"""Time that goes on counting where an interrupted process stopped."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format
from centrabert.modeling.formats.json_file import Keys

CPU = "cpu_seconds"


def _in_an_object(keys: Keys) -> Keys:
    """Version 0 was the bare mapping."""
    return {"seconds": keys}


FORMAT = Format("seconds.json", version=1, upgrades={0: _in_an_object})


@dataclass(frozen=True)
class Spent:
    """The keys of seconds.json: seconds by name."""

    seconds: dict[str, float]


@dataclass(frozen=True)
class Moment:
    """Two clocks at once: of the wall, and of what all cores have worked for this process."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Moment":
        return cls(time.perf_counter(), time.process_time())

    @classmethod
    def of_start(cls) -> "Moment":
        """Now, with all that the process has worked up to now still to be counted."""
        return cls(time.perf_counter(), 0.0)


class ResumableTimer:
    """Wall seconds by name, and the process's CPU seconds under all names together, in a file.

    The file is written by `note`, to be called when a checkpoint has been written, and whenever a block ends,
    however it ends: kill -9 loses the time since the last checkpoint, as it loses the work.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds = read_dataclass(Spent, FORMAT.read(file), str(file)).seconds if file.exists() else {}
        self._running: tuple[str, Moment, float, float] | None = None  # name, start, seconds before it

    def seconds(self, name: str) -> float:
        return self._seconds.get(name, 0.0)

    @contextmanager
    def running(self, name: str, since: Moment | None = None) -> Iterator[None]:
        """Adds the time of the block, or the time since `since`, to `name` and to CPU."""
        start = Moment.now() if since is None else since
        self._running = name, start, self.seconds(name), self.seconds(CPU)
        try:
            yield
        finally:
            self.note()
            self._running = None

    def note(self) -> None:
        """Writes what has passed up to now; raises OSError if the disk is full."""
        if self._running is None:
            return
        name, start, before, cpu_before = self._running
        now = Moment.now()
        self._seconds[name] = before + now.wall - start.wall
        self._seconds[CPU] = cpu_before + now.cpu - start.cpu
        write_text(self._file, FORMAT.text(asdict(Spent(self._seconds))))
