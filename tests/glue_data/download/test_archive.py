"""Unpacking a stranger's zip archive: nothing outside the folder, all or nothing."""

import shutil
import stat
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from file_server import names, zipped

from centrabert.glue_data.download import archive

BODY = bytes(range(256)) * 997  # 255,232 bytes


def test_the_surrounding_folder_and_litter_are_dropped() -> None:
    found = archive.targets_of(["RTE/train.tsv", "RTE/sub/dev.tsv", "__MACOSX/RTE/._a", "RTE/.DS_Store"])
    assert {name: str(path) for name, path in found.items()} == {
        "RTE/train.tsv": "train.tsv",
        "RTE/sub/dev.tsv": "sub/dev.tsv",
    }
    flat = archive.targets_of(["vocab.txt", "bert_config.json"])
    assert {str(path) for path in flat.values()} == {"vocab.txt", "bert_config.json"}


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:/evil", "RTE/..", "."]
)
def test_a_path_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    packed = tmp_path / "RTE.zip"
    packed.write_bytes(zipped({"RTE/train.tsv": b"1", name: b"2"}))
    with pytest.raises(ValueError, match=r"RTE.zip: the path .* leads outside; refused"):
        archive.extract(packed, tmp_path / "out" / "RTE")
    assert names(tmp_path) == {"RTE.zip"}


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("RTE/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "RTE.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    with pytest.raises(ValueError, match=r"'RTE/link' is a link; refused"):
        archive.extract(tmp_path / "RTE.zip", tmp_path / "RTE")
    assert names(tmp_path) == {"RTE.zip"}


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "twice"])
def test_a_damaged_archive_leaves_nothing(tmp_path: Path, damage: str) -> None:
    content = zipped({"RTE/train.tsv": BODY})
    content = {
        "cut": content[: len(content) // 2],
        "flipped": content[:80] + bytes([content[80] ^ 255]) + content[81:],
        "text": b"<html>not here</html>",
        "twice": zipped({"RTE/a": b"1", "RTE/./a": b"2"}),
    }[damage]
    (tmp_path / "RTE.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"RTE.zip: (not a sound zip archive|holds two files of one name)"):
        archive.extract(tmp_path / "RTE.zip", tmp_path / "RTE")
    assert names(tmp_path) == {"RTE.zip"}


def test_an_archive_larger_than_the_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big.zip").write_bytes(zipped({"a/big": BODY}))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match=r"big.zip needs 255,232 bytes, 1,000 are free"):
        archive.extract(tmp_path / "big.zip", tmp_path / "a")
    assert names(tmp_path) == {"big.zip"}
