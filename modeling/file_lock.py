"""Locks between processes, on one machine or on several that share a disk; who dies gives his up.

A lock is flock(2) on a file opened for writing. On NFS, Linux makes of it a lock of the whole file at the
server, so it holds between machines (NFSv4, or NFSv3 with its lock daemon); a folder, or a file opened for
reading, cannot be locked there. Unlike a lock of fcntl(2) it also holds between two threads of a process, and
is not lost when another part of the process closes the same file. While it is held the file says by whom, for
those who come in vain.
"""

import errno
import fcntl
import getpass
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from centrabert.errors import UserError

LOCK = ".lock"
MOST = 1000  # bytes that are read of who holds a lock
# What a file system says that has no locks: some network disks, NFSv3 without its daemon, object stores.
UNSUPPORTED = frozenset([errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL])


@contextmanager
def exclusive(folder: Path, wait: bool = False, what: str = "", dry_run: bool = False) -> Iterator[None]:
    """Keeps other processes out of `folder` while the block runs.

    The lock is on the file LOCK in it, which stays: whoever removed it could let two processes in.

    Args:
      wait: Whether to wait for another process, which is right where each one is done soon.
      what: What is done in the block, for who wants to come in meanwhile.
      dry_run: Whether to write nothing, so that who comes in vain is not told who is there.

    Raises:
      UserError: Another process is in it, and `wait` is false; it names that process. Or the file system has
        no locks.
      OSError: The folder is not writable, or the lock a symbolic link.
    """
    if dry_run and not (folder / LOCK).exists():  # nobody was ever there
        yield
        return
    descriptor = _open(folder / LOCK)
    try:
        _lock(descriptor, folder, wait)
        if dry_run:
            yield
            return
        _say(descriptor, holder(what))
        try:
            yield
        finally:
            _say(descriptor, "")
    finally:
        os.close(descriptor)


def holder(what: str = "") -> str:
    """Who holds a lock: this process, its user, its machine and the time."""
    since = datetime.now(timezone.utc).isoformat(timespec="seconds")
    doing = f"{what}, " if what else ""
    return f"{doing}process {os.getpid()} of {user_name()} on {platform.node()}, since {since}"


def user_name() -> str:
    """The user's name on this machine, or the number of one that has none, as in many a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)


def _say(descriptor: int, text: str) -> None:
    with suppress(OSError):  # the disk is full: whoever waits then is not told for whom
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def _lock(descriptor: int, folder: Path, wait: bool) -> None:
    try:
        with missing_locks_told(folder):
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.pread(descriptor, MOST, 0).decode(errors="replace")
        who = f" ({said})" if said.isprintable() and said else ""
        raise UserError(
            f"{folder}: another process is at work here{who}; wait for it, or choose another folder"
        ) from None


@contextmanager
def missing_locks_told(folder: Path) -> Iterator[None]:
    """Raises UserError where a block that locks a file in `folder` finds that this disk has no locks."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        raise UserError(
            f"{folder}: its file system has no locks ({error.strerror}), so nothing would keep two processes "
            "from writing there at once; choose a folder on a local disk or on NFSv4"
        ) from None


def check_locks(folder: Path, told: Path) -> None:
    """Raises UserError that names `told` if the file system of `folder` has no locks; leaves LOCK in it."""
    with missing_locks_told(told):
        if (descriptor := hold(folder / LOCK)) is not None:
            os.close(descriptor)


def hold(file: Path) -> int | None:
    """Makes `file` and locks it for as long as the descriptor that is returned is open.

    Returns None if another process has locked it, or has removed it meanwhile.

    Raises:
      OSError: Its folder is not there, or the file system has no locks (UNSUPPORTED).
    """
    descriptor = _open(file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    if os.fstat(descriptor).st_nlink:
        return descriptor
    os.close(descriptor)
    return None
