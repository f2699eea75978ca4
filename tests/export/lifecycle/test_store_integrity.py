"""A flipped byte anywhere, in the store or in an exported version, is found and named."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_store import tiny_store

from centrabert.errors import UserError
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.store_export import export_faults, export_labelled
from centrabert.export.lifecycle.version_change import ChangeOptions

STEP = 10_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """Copied byte for byte: a flip here is nobody else's."""
    root = tmp_path_factory.mktemp("flips")
    store = ModelStore(Path(shutil.copytree(tiny_store().store, root / "store")))
    store.promote("stable", 2)
    export_labelled(store, root / "serving", TfServing("nlp", 1))
    return store


def places(root: Path) -> Iterator[tuple[Path, int]]:
    """Each file with every 10,000th of its bytes, from its middle where it is shorter."""
    for file in sorted(root.rglob("*")):
        if file.is_file() and (size := file.stat().st_size):
            for place in range(min(size // 2, STEP // 2), size, STEP):
                yield file, place


def flip(file: Path, place: int) -> None:
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[place] ^= 0x04
    file.write_bytes(content)


def found(store: ModelStore) -> str:
    try:
        return "\n".join(store.verify())
    except UserError as error:  # store.json, without which nothing can be judged
        return str(error)


def test_in_the_store(store: ModelStore) -> None:
    """But for the cache: an index that is damaged there does not pass the proof of the next change."""
    assert store.verify() == []
    root = store.folder.root
    checked = [(file, place) for file, place in places(root) if file.parent != store.folder.cache]
    missed = []
    for file, place in checked:
        flip(file, place)
        if str(file.relative_to(root)) not in found(store):
            missed.append(f"{file} at {place}")
        flip(file, place)
    assert missed == []
    assert len(checked) > 60
    assert store.verify() == []


def test_in_an_exported_version(store: ModelStore) -> None:
    serving = store.folder.root.parent / "serving"
    assert export_faults(store, serving) == []
    for file, place in places(serving / "2"):
        flip(file, place)
        assert str(file.relative_to(serving)) in "\n".join(export_faults(store, serving))
        flip(file, place)
    assert export_faults(store, serving) == []


@pytest.mark.parametrize("damage", ["flipped", "cut short", "removed"])
def test_a_damaged_branch_is_repaired(damage: str, store: ModelStore) -> None:
    """By the folder that it came from; versions and what was exported are links to the same file."""
    serving = store.folder.root.parent / "serving"
    branch = store.folder.branch(store.version(2).tasks["tone"].branch)
    file = branch / "model.ckpt.data-00000-of-00001"
    if damage == "flipped":
        flip(file, 100)
    elif damage == "cut short":
        file.chmod(0o644)
        os.truncate(file, 100)
    else:
        (file := branch / "golden.json").unlink()
    assert str(file) in found(store)
    dry = store.repair(tiny_store().tone, options=ChangeOptions(dry_run=True))
    assert (dry, str(file) in found(store)) == ({branch.name: [file.name]}, True)
    assert store.repair(tiny_store().tone) == dry
    assert (store.verify(), export_faults(store, serving)) == ([], [])
    assert file.stat().st_mode & 0o777 == 0o444
    with pytest.raises(UserError, match="rte2: the store has no branch of these files"):
        store.repair(tiny_store().rte2)
    assert store.verify() == []


def test_an_export_that_was_stopped_is_finished(store: ModelStore) -> None:
    """Killed after the version had got its name: the same call leaves no note of it."""
    serving = store.folder.root.parent / "serving"
    note = serving / "tf_serving" / "version-2.unfinished"
    note.touch()
    export_labelled(store, serving, TfServing("nlp", 1))
    assert not note.exists()
    assert export_faults(store, serving) == []
