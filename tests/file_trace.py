"""What a block does to the files of a folder, operation by operation: for tests of kills and power cuts."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

OPERATIONS = ("os.rename", "os.link", "os.mkdir", "os.rmdir", "os.remove", "os.chmod", "shutil.rmtree")
Listener = Callable[[str, tuple[Any, ...]], None]
_listeners: list[Listener] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _listeners and (event in OPERATIONS or (event == "open" and arguments[1] not in (None, "r", "rb"))):
        for listener in tuple(_listeners):
            listener(event, arguments)


sys.addaudithook(_hook)


class Crash(BaseException):
    """Which nobody catches."""


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Calls `listener` with name and arguments of every operation that changes files, before it happens."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def snapshot(folder: Path, to: Path) -> None:
    """`folder` as a kill would leave it now; files are hard links."""
    for place, _, names in os.walk(folder):
        there = to / Path(place).relative_to(folder)
        there.mkdir(parents=True)
        for name in names:
            os.link(Path(place, name), there / name)


def state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells one state of a folder from another: names, files and sizes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple((str(path.relative_to(folder)), path.stat().st_ino, path.stat().st_size) for path in files)


def crash_at(moment: int) -> Listener:
    """Raises what nobody catches instead of the operation on files of that number; of number 0, never."""
    steps = count(1)

    def crash(event: str, arguments: tuple[Any, ...]) -> None:
        if next(steps) == moment:
            raise Crash

    return crash
