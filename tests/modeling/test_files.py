"""Writing aside and renaming: a reader sees the old file or the new one, and a failure leaves nothing."""

import errno
import fcntl
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from another_user import another_user
from full_disk import largest_file

from centrabert.modeling import files
from centrabert.modeling.file_lock import LOCK, UNSUPPORTED, hold
from centrabert.modeling.files import atomic_file, atomic_folder, clear_abandoned, write_text

STOPS = [ValueError, OSError, KeyboardInterrupt, SystemExit]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_text(tmp_path: Path) -> None:
    """As UTF-8, and with the line ends it was given."""
    path = tmp_path / "branch.json"
    for text in ("first\n", "schön\r\n日本"):
        write_text(path, text)
        assert path.read_bytes() == text.encode("utf-8")
    assert names(tmp_path) == ["branch.json"]


def test_full_disk_keeps_the_old_text(tmp_path: Path) -> None:
    path = tmp_path / "branch.json"
    write_text(path, "old")
    with largest_file(99), pytest.raises(OSError, match="File too large"):
        write_text(path, "new " * 999)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["branch.json"]


def test_full_disk_leaves_no_file(tmp_path: Path) -> None:
    with largest_file(99), pytest.raises(OSError, match="File too large"):
        write_text(tmp_path / "branch.json", "new " * 999)
    assert names(tmp_path) == []


def test_atomic_file_appears_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "scores.npy"
    path.write_text("old")
    with atomic_file(path) as aside:
        aside.write_text("half")
        assert path.read_text() == "old"
        assert (aside.parent.parent, aside.name) == (tmp_path, "scores.npy")
        assert aside.parent.name.startswith(".scores.npy.") and aside.parent.name.endswith(".tmp")
        aside.write_text("whole")
    assert path.read_text() == "whole"
    assert names(tmp_path) == ["scores.npy"]


@pytest.mark.parametrize("stop", STOPS)
def test_atomic_file_given_up(stop: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "scores.npy"
    path.write_text("old")
    with pytest.raises(stop), atomic_file(path) as aside:
        aside.write_text("half")
        raise stop
    assert path.read_text() == "old"
    assert names(tmp_path) == ["scores.npy"]


def test_atomic_file_never_written(tmp_path: Path) -> None:
    """The block ended well but wrote nothing: that is no new file."""
    path = tmp_path / "scores.npy"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_file(path):
        pass
    assert path.read_text() == "old"


def test_atomic_folder_appears_in_one_step(tmp_path: Path) -> None:
    """With the folders above it; others may read it."""
    path = tmp_path / "serving" / "rte" / "1"
    with atomic_folder(path) as aside:
        assert (aside.parent.parent, aside.name) == (path.parent, "1")
        assert names(aside) == []
        (aside / "variables").mkdir()
        (aside / "saved_model.pb").write_text("graph")
        assert not path.exists()
    assert names(path) == ["saved_model.pb", "variables"]
    assert names(path.parent) == ["1"]
    assert path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("stop", STOPS)
def test_atomic_folder_given_up(stop: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(stop), atomic_folder(tmp_path / "merged") as aside:
        (aside / "variables").mkdir()
        (aside / "variables" / "data").write_text("half")
        raise stop
    assert names(tmp_path) == []


def test_full_disk_leaves_no_folder(tmp_path: Path) -> None:
    failing = pytest.raises(OSError, match="File too large")
    with largest_file(99), failing, atomic_folder(tmp_path / "merged") as aside:
        (aside / "manifest.json").write_text("new " * 999)
    assert names(tmp_path) == []


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "merged").mkdir()
    with atomic_folder(tmp_path / "merged") as aside:
        (aside / "manifest.json").write_text("{}")
    assert names(tmp_path / "merged") == ["manifest.json"]
    assert names(tmp_path) == ["merged"]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_there_is_kept(what: str, tmp_path: Path) -> None:
    """And told before any work is done."""
    path = tmp_path / "merged"
    if what == "folder":
        path.mkdir()
    kept = path / "manifest.json" if what == "folder" else path
    kept.write_text("old")
    message = f"{path}: exists already; choose another folder or remove it first"
    with pytest.raises(FileExistsError, match=f"^{re.escape(message)}$"), atomic_folder(path):
        pytest.fail("the block was entered")
    assert kept.read_text() == "old"
    assert names(tmp_path) == ["merged"]


def test_somebody_was_faster(tmp_path: Path) -> None:
    """The folder that another process made meanwhile stays as it is."""
    path = tmp_path / "merged"
    with pytest.raises(OSError, match="not empty"), atomic_folder(path) as aside:
        (aside / "manifest.json").write_text("ours")
        path.mkdir()
        (path / "manifest.json").write_text("theirs")
    assert (path / "manifest.json").read_text() == "theirs"
    assert names(tmp_path) == ["merged"]


KILLED = """
import os, signal, sys
from pathlib import Path
from centrabert.modeling import files
path = Path(sys.argv[2])
with getattr(files, sys.argv[1])(path) as aside:
    file = aside / "variables" if aside.is_dir() else aside
    file.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("what", ["atomic_file", "atomic_folder"])
def test_what_a_killed_process_left_is_cleared(what: str, tmp_path: Path) -> None:
    """By the next writer in the same place, whatever it writes; what is being written, or not ours, stays."""
    killed = subprocess.run([sys.executable, "-c", KILLED, what, str(tmp_path / "rte")])
    assert killed.returncode == -signal.SIGKILL
    (litter,) = names(tmp_path)
    assert litter.startswith(".rte.") and (tmp_path / litter / "rte").exists()
    for other in (".rte.notes", ".backup.abcd1234.tmp"):
        (tmp_path / other).mkdir()
        (tmp_path / other / "letter").touch()
    with atomic_folder(tmp_path / "rte") as ours:
        (ours / "saved_model.pb").write_text("graph")
        write_text(tmp_path / "branch.json", "{}")
        assert ours.exists() and litter not in names(tmp_path)
    assert names(tmp_path) == [".backup.abcd1234.tmp", ".rte.notes", "branch.json", "rte"]


def test_what_another_user_left_is_cleared_by_who_may(tmp_path: Path) -> None:
    """What is aside lets in whom the folder will let in: here, by the umask of a shared disk, the group."""
    place = tmp_path / "store"
    place.mkdir()
    place.chmod(0o775)
    killed = subprocess.run([sys.executable, "-c", KILLED, "atomic_file", str(place / "rte")], umask=0o002)
    assert killed.returncode == -signal.SIGKILL
    with another_user(tmp_path):
        clear_abandoned(Path("store"))
    assert names(place) == []


def test_what_another_user_left_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".rte.abcd1234.tmp").mkdir()
    (tmp_path / ".rte.abcd1234.tmp" / LOCK).touch()

    def refused(file: Path) -> int | None:
        if file.parent.name == ".rte.abcd1234.tmp":
            raise PermissionError(errno.EACCES, "Permission denied")
        return hold(file)

    monkeypatch.setattr(files, "hold", refused)
    write_text(tmp_path / "branch.json", "{}")
    assert names(tmp_path) == [".rte.abcd1234.tmp", "branch.json"]


@pytest.mark.parametrize("error", sorted(UNSUPPORTED))
def test_a_file_system_without_locks(error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes files as others do; what was left there stays."""

    def refused(descriptor: int, operation: int) -> None:
        raise OSError(error, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    (tmp_path / ".rte.abcd1234.tmp").mkdir()
    (tmp_path / ".rte.abcd1234.tmp" / LOCK).touch()
    write_text(tmp_path / "branch.json", "{}")
    assert names(tmp_path) == [".rte.abcd1234.tmp", "branch.json"]


def test_the_disk_has_the_bytes_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file and folder of what is new, then the name, then the folder that has got it."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def flushed(descriptor: int) -> None:
        done.append(f"flush {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        fsync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        done.append(f"rename {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    write_text(tmp_path / "branch.json", "{}")
    assert done == ["flush branch.json", "rename branch.json", f"flush {tmp_path.name}"]
    done.clear()
    with atomic_folder(tmp_path / "merged") as aside:
        (aside / "golden").mkdir()
        for name in ("manifest.json", "golden/rte.json"):
            (aside / name).write_text("{}")
    assert sorted(done[:4]) == ["flush golden", "flush manifest.json", "flush merged", "flush rte.json"]
    assert done[4:] == ["rename merged", f"flush {tmp_path.name}"]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        write_text(tmp_path / "none" / "branch.json", "text")
    assert error.value.filename == str(tmp_path / "none" / "branch.json")


def test_nothing_is_cleared_through_a_symbolic_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    for name in (LOCK, "letter"):
        (victim / name).touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / ".branch.json.abcd1234.tmp").symlink_to(victim)
    write_text(tmp_path / "folder" / "branch.json", "{}")
    assert names(victim) == [LOCK, "letter"]


def test_folders_aside_without_a_lock_are_cleared(tmp_path: Path) -> None:
    """As who is killed just after making one leaves it, or just before it is gone; others' stay."""
    for name in (".rte.abcd1234.tmp", ".other", "folder.tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / ".full.abcd1234.tmp").mkdir()
    (tmp_path / ".full.abcd1234.tmp" / "letter").touch()
    write_text(tmp_path / "branch.json", "{}")
    assert names(tmp_path) == [".full.abcd1234.tmp", ".other", "branch.json", "folder.tmp"]


def test_the_lock_goes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what a process leaves that is killed while it removes its folder would stay for good."""
    removed: list[str] = []
    unlink = os.unlink

    def noted(path: object, **keys: int) -> None:
        removed.append(Path(os.fsdecode(path)).name)
        unlink(path, **keys)

    monkeypatch.setattr(os, "unlink", noted)
    with pytest.raises(KeyError), atomic_folder(tmp_path / "merged") as aside:
        for name in ("a", "z"):
            (aside / name).touch()
        raise KeyError
    assert (sorted(removed[:-1]), removed[-1]) == (["a", "z"], LOCK)


def test_a_folder_aside_that_another_process_took_for_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Path] = []

    def hold_late(file: Path) -> int | None:
        if not taken:
            taken.append(file.parent)
            file.parent.rmdir()
        return hold(file)

    monkeypatch.setattr(files, "hold", hold_late)
    write_text(tmp_path / "branch.json", "{}")
    assert (len(taken), names(tmp_path)) == (1, ["branch.json"])
