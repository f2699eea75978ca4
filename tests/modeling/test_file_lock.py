"""Locks: one process at a time in a folder, on NFS too; a killed one is no obstacle."""

import errno
import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from centrabert.modeling.file_lock import LOCK, UNSUPPORTED, exclusive, hold, user_name

HOLDING = """
import sys
from pathlib import Path
from centrabert.modeling.file_lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.read()
"""


def test_one_process_at_a_time(tmp_path: Path) -> None:
    message = rf"^{re.escape(str(tmp_path))}: another process is at work here"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"in\n"
        with pytest.raises(ValueError, match=message), exclusive(tmp_path):
            pass
        other.kill()
    with exclusive(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_a_process_keeps_itself_out_too(tmp_path: Path) -> None:
    """Two threads are as two processes; and who was refused left the first its lock."""
    with exclusive(tmp_path):
        for _ in range(2):
            with pytest.raises(ValueError, match="another process is at work here"), exclusive(tmp_path):
                pass
    with pytest.raises(KeyError), exclusive(tmp_path):
        raise KeyError("given back all the same")
    with exclusive(tmp_path, wait=True):
        pass


def test_only_what_nfs_can_lock_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There an exclusive lock wants a regular file opened for writing; others are refused with EBADF."""
    flock = fcntl.flock

    def nfs_flock(descriptor: int, operation: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", nfs_flock)
    with exclusive(tmp_path), pytest.raises(ValueError, match="another process"), exclusive(tmp_path):
        pass
    descriptor = hold(tmp_path / "of a file")
    assert descriptor is not None
    os.close(descriptor)


@pytest.mark.parametrize("error", sorted(UNSUPPORTED))
def test_a_file_system_without_locks_is_told(
    error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(descriptor: int, operation: int) -> None:
        raise OSError(error, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    message = rf"^{re.escape(str(tmp_path))}: its file system has no locks \(No locks available\), .* NFSv4$"
    with pytest.raises(ValueError, match=message), exclusive(tmp_path):
        pass


def test_a_lock_is_held_until_its_descriptor_is_closed(tmp_path: Path) -> None:
    first = hold(tmp_path / LOCK)
    assert first is not None and hold(tmp_path / LOCK) is None
    os.close(first)
    again = hold(tmp_path / LOCK)
    assert again is not None
    os.close(again)


def test_a_lock_on_a_file_that_was_removed_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process cleared it between opening and locking."""
    flock = fcntl.flock

    def removed_first(descriptor: int, operation: int) -> None:
        (tmp_path / LOCK).unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", removed_first)
    assert hold(tmp_path / LOCK) is None


def test_who_holds_a_lock_is_told_while_it_is_held(tmp_path: Path) -> None:
    """What a killed process left in the file is not, nor what the last one did."""
    lock = tmp_path / LOCK
    lock.write_text("update tone, process 7 of mallory on elsewhere, since long ago, and a longer line")
    with exclusive(tmp_path, what="update rte"):
        told = rf"\(update rte, process {os.getpid()} of .+ on .+, since 20\S+\+00:00\); wait for it"
        with pytest.raises(ValueError, match=told), exclusive(tmp_path):
            pass
    assert lock.read_text() == ""
    descriptor = hold(lock)  # as one that has not yet said who it is
    with pytest.raises(ValueError, match="at work here; wait for it"), exclusive(tmp_path):
        pass
    assert descriptor is not None
    os.close(descriptor)


def test_a_lock_is_written_through_no_symbolic_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / LOCK).symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"), exclusive(folder):
        pass
    assert victim.read_text() == "precious"


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert user_name() == f"user {os.getuid()}"
