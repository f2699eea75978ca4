"""Writing aside and renaming: a reader sees the old file or the new one, and a failure leaves nothing."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from full_disk import largest_file

from centrabert.modeling.files import exclusive, new_file, new_folder, write_text

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


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "none" / "branch.json", "text")


def test_new_file_appears_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "scores.npy"
    path.write_text("old")
    with new_file(path) as aside:
        aside.write_text("half")
        assert path.read_text() == "old"
        assert (aside.parent, aside.suffix) == (tmp_path, ".npy")
        assert aside.name.startswith(".")
        aside.write_text("whole")
    assert path.read_text() == "whole"
    assert names(tmp_path) == ["scores.npy"]


@pytest.mark.parametrize("stop", STOPS)
def test_new_file_given_up(stop: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "scores.npy"
    path.write_text("old")
    with pytest.raises(stop), new_file(path) as aside:
        aside.write_text("half")
        raise stop
    assert path.read_text() == "old"
    assert names(tmp_path) == ["scores.npy"]


def test_new_file_never_written(tmp_path: Path) -> None:
    """The block ended well but wrote nothing: that is no new file."""
    path = tmp_path / "scores.npy"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), new_file(path):
        pass
    assert path.read_text() == "old"


def test_new_folder_appears_in_one_step(tmp_path: Path) -> None:
    """With the folders above it; others may read it."""
    path = tmp_path / "serving" / "rte" / "1"
    with new_folder(path) as aside:
        assert aside.parent == path.parent
        assert aside.name.startswith(".")
        assert names(aside) == []
        (aside / "variables").mkdir()
        (aside / "saved_model.pb").write_text("graph")
        assert not path.exists()
    assert names(path) == ["saved_model.pb", "variables"]
    assert names(path.parent) == ["1"]
    assert path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("stop", STOPS)
def test_new_folder_given_up(stop: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(stop), new_folder(tmp_path / "merged") as aside:
        (aside / "variables").mkdir()
        (aside / "variables" / "data").write_text("half")
        raise stop
    assert names(tmp_path) == []


def test_full_disk_leaves_no_folder(tmp_path: Path) -> None:
    failing = pytest.raises(OSError, match="File too large")
    with largest_file(99), failing, new_folder(tmp_path / "merged") as aside:
        (aside / "manifest.json").write_text("new " * 999)
    assert names(tmp_path) == []


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "merged").mkdir()
    with new_folder(tmp_path / "merged") as aside:
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
    with pytest.raises(FileExistsError, match=f"^{re.escape(message)}$"), new_folder(path):
        pytest.fail("the block was entered")
    assert kept.read_text() == "old"
    assert names(tmp_path) == ["merged"]


def test_somebody_was_faster(tmp_path: Path) -> None:
    """The folder that another process made meanwhile stays as it is."""
    path = tmp_path / "merged"
    with pytest.raises(OSError, match="not empty"), new_folder(path) as aside:
        (aside / "manifest.json").write_text("ours")
        path.mkdir()
        (path / "manifest.json").write_text("theirs")
    assert (path / "manifest.json").read_text() == "theirs"
    assert names(tmp_path) == ["merged"]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A folder opened twice is locked as if by two processes."""
    message = rf"{re.escape(str(tmp_path))}: another process is at work here"
    with exclusive(tmp_path):
        for _ in range(2):  # the refused one left the first its lock
            with pytest.raises(ValueError, match=message), exclusive(tmp_path):
                pass
    with pytest.raises(KeyError), exclusive(tmp_path):
        raise KeyError("given back all the same")
    with exclusive(tmp_path):
        assert names(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from centrabert.modeling.files import new_folder
with new_folder(Path(sys.argv[1])) as aside:
    (aside / "variables").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    """By the next one that writes the same folder; the folder of a process at work stays."""
    path = tmp_path / "rte"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)])
    assert killed.returncode == -signal.SIGKILL
    (litter,) = names(tmp_path)
    for other in (".rte.notes", ".rte2.abcd1234.tmp", "rte.abcd1234.tmp"):
        (tmp_path / other).mkdir()
    with new_folder(path) as ours, pytest.raises(KeyError), new_folder(path) as aside:
        assert ours.exists() and ours != aside
        assert litter not in names(tmp_path)
        raise KeyError
    assert names(tmp_path) == [".rte.notes", ".rte2.abcd1234.tmp", "rte", "rte.abcd1234.tmp"]
