"""Locks between processes, on one machine or on several that share a disk; who dies gives his up.

A lock is flock(2) on a file opened for writing. On NFS, Linux makes of it a lock of the whole file at the
server, so it holds between machines (NFSv4, or NFSv3 with its lock daemon); a folder, or a file opened for
reading, cannot be locked there. Unlike a lock of fcntl(2) it also holds between two threads of a process, and
is not lost when another part of the process closes the same file.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from centrabert.errors import UserError

LOCK = ".lock"
# What a file system says that has no locks: some network disks, NFSv3 without its daemon, object stores.
UNSUPPORTED = frozenset([errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL])


@contextmanager
def exclusive(folder: Path, wait: bool = False) -> Iterator[None]:
    """Keeps other processes out of `folder` while the block runs.

    The lock is on the file LOCK in it, which stays: whoever removed it could let two processes in.

    Args:
      wait: Whether to wait for another process, which is right where each one is done soon.

    Raises:
      UserError: Another process is in it, and `wait` is false; or the file system has no locks.
      OSError: The folder is not writable.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor, folder, wait)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"{folder}: another process is at work here; wait for it, or choose another folder"
        ) from None
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        raise UserError(
            f"{folder}: its file system has no locks ({error.strerror}), so nothing would keep two processes "
            "from writing there at once; choose a folder on a local disk or on NFSv4"
        ) from None


def hold(file: Path) -> int | None:
    """Makes `file` and locks it for as long as the descriptor that is returned is open.

    Returns None if another process has locked it, or has removed it meanwhile.

    Raises:
      OSError: Its folder is not there, or the file system has no locks (UNSUPPORTED).
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
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
