"""Writing files so that a reader never sees half of one, not even after a power cut.

What is new is written under its own name in a folder aside: beside what it will replace, named
`.NAME.RANDOM.tmp`, and locked as long as its writer lives. It is flushed to the disk, then renamed. The next
writer in the same place removes what a killed one left.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from centrabert.modeling.file_lock import LOCK, UNSUPPORTED, hold

ASIDE = ".tmp"
ASIDES = f".*.*{ASIDE}"  # how folders aside are called


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yields a path of the same name to write to; it replaces `path` in one step when the block ends well.

    Raises:
      OSError: The disk is full or the folder is not writable; the old file is untouched.
    """
    with _aside(path) as aside:
        yield aside
        flush(aside)
        aside.replace(path)


def write_text(path: Path, text: str) -> None:
    """Replaces the file `path` by `text` (UTF-8) in one step.

    Raises:
      OSError: The disk is full or the folder is not writable; the old file is untouched.
    """
    with atomic_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def check_new(path: Path) -> None:
    """Raises FileExistsError if there is anything but an empty folder at `path`.

    Raises NotADirectoryError if it can never be one, because one of its parents is a file.
    """
    there = next(parent for parent in path.absolute().parents if parent.exists())
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path}: exists already; choose another folder or remove it first")


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder of the same name that becomes `path` when the block ends well.

    Raises:
      FileExistsError: `path` is there already and is not an empty folder.
      OSError: The disk is full or the parent is not writable; nothing is left behind.
    """
    check_new(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _aside(path) as aside:
        aside.mkdir()
        yield aside
        for folder, _, names in os.walk(aside):
            for name in names:
                flush(Path(folder, name))
            flush(Path(folder))
        aside.replace(path)


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """A path of the same name in a folder of its own beside `path`, which is removed when the block ends."""
    folder, lock = None, None
    try:
        clear_abandoned(path.parent)
        folder, lock = _locked_folder(path)
        yield folder / path.name
        flush(path.parent)
    except OSError as error:
        _name(error, path)
        raise
    finally:
        if folder is not None:
            with suppress(OSError):
                _remove(folder)
        if lock is not None:
            os.close(lock)


def _locked_folder(path: Path) -> tuple[Path, int | None]:
    """A new folder beside `path`, and what holds its lock; None on a file system without locks."""
    while True:
        folder = path.parent / f".{path.name}.{secrets.token_hex(4)}{ASIDE}"
        try:
            folder.mkdir()  # who may read `path` may look in, and who may remove `path` may clear it
        except FileExistsError:
            continue
        try:
            lock = hold(folder / LOCK)
        except FileNotFoundError:  # another process took it for abandoned before it had a lock
            continue
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            return folder, None
        if lock is not None:  # else another process took it for abandoned before it was locked
            return folder, lock


def clear_abandoned(parent: Path) -> None:
    """Removes the folders aside that processes left in `parent` when they were killed.

    One whose lock is held is being written; where the file system has no locks, all stay.
    """
    for folder in parent.glob(ASIDES):
        if not folder.is_symlink():
            with suppress(OSError):  # another user's, or another process clears it
                if (folder / LOCK).exists():
                    _clear(folder / LOCK)
                else:  # its process was killed just after it made the folder, or before it removed it
                    folder.rmdir()


def _clear(lock_file: Path) -> None:
    lock = hold(lock_file)
    if lock is None:
        return
    try:
        _remove(lock_file.parent)
    finally:
        os.close(lock)


def _remove(folder: Path) -> None:
    """The lock last: who is killed here leaves what the next one can clear."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()
    shutil.rmtree(folder)


def flush(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk; raises OSError if it is full."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not path.is_dir() or error.errno not in (
            errno.EINVAL,
            errno.ENOTSUP,
        ):  # no such thing for a folder
            raise
    finally:
        os.close(descriptor)


def _name(error: OSError, path: Path) -> None:
    """Tells an error what it is about: one of a full disk names no file, others name the one aside."""
    if error.errno is not None and (error.filename is None or ASIDE in str(error.filename)):
        error.filename = str(path)
