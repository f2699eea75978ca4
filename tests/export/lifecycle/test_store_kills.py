"""A kill or a power cut at any moment leaves the old version or the new one, never half of it."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from file_trace import listening, snapshot, state
from tiny_store import copy, tiny_store

from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.version_change import ChangeOptions
from centrabert.merge.store.garbage import clean

LEFTOVERS = ("**/*.tmp", "**/new", "**/*.new", "**/*.removed")


def change(store: ModelStore) -> None:
    """Every kind of write that a store does, on the cheap."""
    store.update(tiny_store().rte2, options=ChangeOptions(replay="changed"))
    store.promote("stable", 3)
    store.gc(keep=1)


def test_killed_at_any_step(tmp_path: Path) -> None:
    """Before every operation on files the folder is kept as it is; each of these states is then opened."""
    store = copy(tmp_path / "store")
    kept: dict[object, Path] = {}

    def keep(event: str, arguments: tuple[Any, ...]) -> None:
        if "/killed/" in str(arguments) or (now := state(store.folder.root)) in kept:
            return
        kept[now] = tmp_path / "killed" / str(len(kept))
        snapshot(store.folder.root, kept[now])

    with listening(keep):
        change(store)
    assert len(kept) > 40
    seen = set()
    for number, folder in enumerate(kept.values()):
        left = ModelStore(folder)
        latest = left.latest
        assert latest is not None
        seen.add((latest.number, left.labels.versions.get("stable")))
        if number % 5 == 0:  # the others differ from it by one operation
            clean(left.folder)
            assert [path for pattern in LEFTOVERS for path in folder.glob(pattern)] == []
            assert left.verify() == []
            left.gc(keep=10)
            assert left.verify() == []
        shutil.rmtree(folder)
    assert seen == {(2, None), (3, None), (3, 3)}


def test_what_gets_its_name_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of flushes: files before the rename that makes them count, its folder before the next rename.

    So after a power cut at any moment what has a name is whole, and nothing refers to what was lost.
    """
    store = copy(tmp_path / "store")
    durable = {path.stat().st_ino for path in store.folder.root.rglob("*")}
    unflushed: set[int] = set()  # folders with a new name in them
    renames: list[str] = []
    fsync = os.fsync

    def flushed(descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        durable.add(inode)
        unflushed.discard(inode)
        fsync(descriptor)

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "os.rename":
            return
        source, target = Path(os.fsdecode(arguments[0])), Path(os.fsdecode(arguments[1]))
        if target.suffix == ".removed" or ".tmp" in target.parent.as_posix():
            return
        inner = [source, *source.rglob("*")] if source.is_dir() else [source]
        assert [path for path in inner if path.stat().st_ino not in durable] == []
        assert unflushed == set(), f"{target} gets its name before an earlier name is on the disk"
        unflushed.add(target.parent.stat().st_ino)
        renames.append(target.relative_to(store.folder.root).parts[0])

    monkeypatch.setattr(os, "fsync", flushed)
    with listening(check):
        change(store)
    assert unflushed == set()
    assert renames[-2:] == ["versions", "labels.json"]
    assert {"branches", "cache"} <= set(renames[:-2])
