"""Writing files so that a reader never sees half of one: write aside, then rename."""

import fcntl
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from centrabert.errors import UserError

ASIDE = ".tmp"  # ends the name of a folder that is being written


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to; it replaces `path` in one step when the block ends well."""
    # Every container's process may be number 1, so a number is no name. In front: np.save wants the suffix.
    aside = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        yield aside
        aside.replace(path)
    except BaseException as error:
        aside.unlink(missing_ok=True)
        _name(error, path)
        raise


def clear_abandoned_files(folder: Path) -> None:
    """Removes the files aside that processes left in `folder` when they were killed.

    Only for who holds `exclusive(folder)`, as all others do that write files there.
    """
    for file in folder.iterdir():
        if re.fullmatch(r"\.[0-9a-f]{32}\..+", file.name):
            file.unlink()


def write_text(path: Path, text: str) -> None:
    """Replaces the file `path` by `text` (UTF-8) in one step.

    Raises:
      OSError: The disk is full or the folder is not writable; the old file is untouched.
    """
    with new_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def check_new(path: Path) -> None:
    """Raises FileExistsError if there is anything but an empty folder at `path`."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path}: exists already; choose another folder or remove it first")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside `path` that becomes `path` when the block ends well.

    Clears what a process left that was killed while it wrote the same folder.

    Raises:
      FileExistsError: `path` is there already and is not an empty folder.
      OSError: The disk is full or the parent is not writable; nothing is left behind.
    """
    check_new(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_abandoned(path.parent, re.escape(path.name))
    aside, lock = _folder_aside(path)
    try:
        yield aside
        aside.chmod(0o755)  # mkdtemp makes private folders; a model is for others to read
        aside.replace(path)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        _name(error, path)
        raise
    finally:
        os.close(lock)


def clear_abandoned(parent: Path, name: str) -> None:
    """Removes the folders aside that processes left in `parent` when they were killed.

    A folder aside is locked as long as its process lives. Where the file system has no locks, none is
    removed.

    Args:
      name: A regular expression for the names that the folders were to get.
    """
    pattern = re.compile(rf"\.(?:{name})\.[a-z0-9_]{{8}}{re.escape(ASIDE)}")  # as tempfile makes them
    for folder in parent.iterdir():
        if pattern.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            with suppress(UserError, OSError), exclusive(folder):
                shutil.rmtree(folder)


def _folder_aside(path: Path) -> tuple[Path, int]:
    """A new folder beside `path`, and the descriptor that holds its lock."""
    while True:
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=ASIDE, dir=path.parent))
        with suppress(FileNotFoundError):  # cleared by another process before it was locked
            lock = os.open(aside, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            if aside.exists():
                return aside, lock
            os.close(lock)


def _name(error: BaseException, path: Path) -> None:
    """Tells an error of the system what it is about: one of a write, as on a full disk, names no file."""
    if isinstance(error, OSError) and error.errno is not None and error.filename is None:
        error.filename = str(path)


@contextmanager
def exclusive(folder: Path, wait: bool = False) -> Iterator[None]:
    """Keeps other processes out of `folder` while the block runs; leaves no file, not even after a kill.

    Args:
      wait: Whether to wait for another process, which is right where each one is done soon.

    Raises:
      UserError: Another process is in it, and `wait` is false.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if wait:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"{folder}: another process is at work here; wait for it, or choose another folder"
        ) from None
