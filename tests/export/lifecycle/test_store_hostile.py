"""A store that somebody made to do harm: what leads out of it is refused by name, before it is followed."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tiny_store import copy

from centrabert.errors import UserError
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.merge.store import labels, store_record, version_record
from centrabert.merge.store.garbage import Garbage, clean, discard
from centrabert.merge.store.sealed_json import MAX_BYTES, write_sealed
from centrabert.modeling.formats.json_file import Keys, dump

PRECIOUS = {"new/letter": "to my aunt", "7.removed/letter": "to my uncle", "letter": "to nobody", ".lock": ""}
# Where a link may stand, and whether something of the store stood there.
LINKS = ("store.json", ".lock", "tokenizer", "layers", "branches", "versions", "cache", "versions/2")
DEEPER = ("versions/2/version.json", "versions/2/model", "versions/2/model/saved_model.pb", "branches/*")
ADDED = (
    "labels.json",
    ".2.abcd1234.tmp",
    "branches/new",
    "versions/8",
    "versions/7.removed",
    f"branches/{'0' * 64}",
)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return copy(tmp_path / "store")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is no part of the store."""
    for name, text in PRECIOUS.items():
        (tmp_path / "outside" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "outside" / name).write_text(text)
    return tmp_path / "outside"


@pytest.mark.parametrize("place", [*LINKS, *DEEPER, *ADDED])
def test_a_symbolic_link(place: str, store: ModelStore, outside: Path) -> None:
    """To a folder, as one to a file is refused the same way; a link elsewhere would be as good."""
    root = store.folder.root
    path = next(iter(sorted(root.glob(place))), root / place)
    if path.exists():
        path.rename(outside / "moved")
        path.symlink_to(outside / "moved")
    else:
        path.symlink_to(outside)
    there = sorted(outside.rglob("*"))
    told = f"^{path}: is a symbolic link to {outside}"
    with pytest.raises(UserError, match=told):
        ModelStore(root)
    with pytest.raises(UserError, match=told):  # where it appeared after the store was opened
        clean(store.folder)
    with pytest.raises((UserError, OSError), match=f"symbolic link.*{path}" if place == ".lock" else told):
        store.gc(keep=1)
    assert sorted(outside.rglob("*")) == there
    assert all((outside / name).read_text() == text for name, text in PRECIOUS.items())


def test_nothing_is_removed_through_a_link(store: ModelStore, outside: Path) -> None:
    """Even where one appears after the store was looked through."""
    place = store.folder.version(8)
    place.symlink_to(outside)
    with pytest.raises(OSError, match="symbolic link"):
        discard(place)
    assert all((outside / name).read_text() == text for name, text in PRECIOUS.items())


def crafted_version(store: ModelStore, edit: Callable[[Keys], Any]) -> str:
    """The message on a version.json whose digest is right and whose content is `edit`ed."""
    file = store.folder.version(2) / "version.json"
    keys = asdict(store.version(2))
    edit(keys)
    write_sealed(file, version_record.FORMAT, keys)
    for use in (store.versions, lambda: store.remove("rte")):
        with pytest.raises(UserError) as error:
            use()
        assert str(error.value).startswith(f"{file}: ")
    assert str(error.value) in "\n".join(store.verify())
    stored = store.folder.stored()
    assert store.gc(keep=1) == Garbage((), (), damaged=(2,))
    assert (store.folder.numbers(), store.folder.stored()) == ([1, 2], stored)
    return str(error.value)


def _task(name: str) -> Callable[[Keys], Any]:
    return lambda keys: keys["tasks"].update({name: keys["tasks"]["tone"]})


def _file(name: str, digest: str = "0" * 64) -> Callable[[Keys], Any]:
    return lambda keys: keys["files"].update({name: digest})


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (_task("../x"), "task name '../x' is not of the form"),
        (_task("all"), "task name 'all' is reserved"),
        (_task(""), "task name '' is not of the form"),
        (lambda keys: keys.update(tasks={}), "a version without tasks"),
        (_file("../../../etc/passwd"), "the file '../../../etc/passwd' would lie outside of its folder"),
        (_file("a/../../b"), "the file 'a/../../b' would lie outside of its folder"),
        (_file("/etc/passwd"), "the file '/etc/passwd' would lie outside of its folder"),
        (_file(".."), "the file '..' would lie outside of its folder"),
        (_file("a\0b"), "the file 'a\\x00b' would lie outside of its folder"),
        (_file("a", "../x"), "'../x' of the file 'a' is no SHA-256"),
        (_file("a", "A" * 64), "is no SHA-256"),
        (lambda keys: keys["tasks"]["rte"]["files"].pop("golden.json"), "task 'rte' has the files"),
        (lambda keys: keys["tasks"]["rte"]["files"].update({"../x": "0" * 64}), "task 'rte' has the files"),
        (lambda keys: keys["tasks"]["rte"]["files"].update({"golden.json": "x"}), "is no SHA-256"),
        (lambda keys: keys.update(number=3), "is of version 3, not 2"),
        (lambda keys: keys.update(number=10**17), "number 100000000000000000 is none of 1 to"),
        (
            lambda keys: keys["tasks"].update(
                {f"t{each}": {"files": {}, "owners": []} for each in range(10_000)}
            ),
            "10,002 tasks are more than the 10,000 of a version",
        ),
    ],
)
def test_a_crafted_version(edit: Callable[[Keys], Any], told: str, store: ModelStore) -> None:
    assert told in crafted_version(store, edit)


def test_a_manifest_of_a_million_branches_is_not_even_read(store: ModelStore) -> None:
    file = store.folder.version(2) / "version.json"
    file.unlink()
    with file.open("wb") as opened:
        opened.truncate(MAX_BYTES + 1)
    with pytest.raises(
        UserError, match=f"^{file}: has 67,108,865 bytes, more than the 67,108,864 of a version"
    ):
        store.version(2)


def test_a_crafted_base(store: ModelStore) -> None:
    keys = store.base.to_json()
    keys["layers"][1]["files"]["../x"] = "0" * 64
    write_sealed(store.folder.record, store_record.FORMAT, keys)
    with pytest.raises(UserError, match=rf"^{store.folder.record}: .*'\.\./x' would lie outside"):
        ModelStore(store.folder.root)


def test_crafted_labels(store: ModelStore) -> None:
    """A history that begins with a roll back, and one that leads to no version."""
    author = asdict(store.version(2).author)
    for moves, verb in (
        ([{"version": 1, "author": author, "reason": "roll back"}], lambda: store.roll_back("stable")),
        ([{"version": 9, "author": author, "reason": "promote"}], lambda: store.gc(keep=1)),
        ([], lambda: store.gc(keep=1)),
    ):
        write_sealed(store.folder.labels, labels.FORMAT, {"moves": {"stable": moves}})
        with pytest.raises(UserError, match=r"nowhere|points to version 9, which is not there"):
            verb()
    assert store.folder.numbers() == [1, 2]


def test_foreign_files_stay_and_stop_nothing(store: ModelStore) -> None:
    for place in (store.folder.branches, store.folder.versions, store.folder.cache, store.folder.root):
        (place / "README").write_text(dump({"by": "the administrator"}))
        (place / "notes").mkdir()
    shutil.rmtree(store.folder.version(2))
    store.gc(keep=1)
    assert len(store.folder.stored()) == 1
    assert store.verify() == []
    assert len(list(store.folder.root.rglob("README"))) == 4
