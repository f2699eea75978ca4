"""Disks that are full, read-only or cut files short: one line names the file; the old version is whole."""

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from another_user import another_user
from file_trace import listening
from full_disk import small_disk
from store_command import refusal
from tiny_store import copy, tiny_store

from centrabert import command
from centrabert.export.lifecycle import run_store
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.version_change import ChangeOptions
from centrabert.modeling.files import atomic_folder

CHEAP = ChangeOptions(replay="changed")


def unchanged(store: ModelStore) -> bool:
    """Whether nothing but the two versions is there, whole."""
    opened = ModelStore(store.folder.root)
    left = [
        path for path in opened.folder.root.rglob("*") if path.name.startswith(".") and path.name != ".lock"
    ]
    return (opened.folder.numbers(), len(opened.folder.stored()), left, opened.verify()) == (
        [1, 2],
        2,
        [],
        [],
    )


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return copy(tmp_path / "store")


def test_the_disk_is_full_at_any_step(store: ModelStore) -> None:
    """An update in which one operation on files fails, every fifth of them in turn; then it is made."""
    steps, failing = 0, 0

    def fail(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        steps += 1
        if steps == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))

    failed = 0
    while True:
        steps, failing = 0, failing + 5
        try:
            with listening(fail):
                store.update(tiny_store().rte2, options=CHEAP)
        except OSError as error:
            assert (error.errno, str(store.folder.root) in str(error.filename)) == (errno.ENOSPC, True)
            failed += 1
            assert store.folder.numbers() == [1, 2]
            assert failed % 4 or unchanged(store)
            continue
        if steps < failing:
            break
        shutil.rmtree(store.folder.version(3))  # it was one that the command can do without
        store.gc(keep=2)
    assert failed > 4
    assert store.folder.numbers() == [1, 2, 3]
    assert store.verify() == []


def test_a_disk_that_is_really_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_disk(tmp_path / "disk", kilobytes=4096) as disk:
        store = ModelStore(
            Path(shutil.copytree(tiny_store().store, disk / "store", copy_function=shutil.copy))
        )
        free = shutil.disk_usage(disk).free
        for left in (0, 20_000, 40_000):
            (disk / "filler").write_bytes(bytes(free - left))
            branch = f"--branches={tiny_store().rte2}"
            line = refusal(capsys, "update", f"--store={store.folder.root}", branch)
            assert str(disk) in line and "No space left on device" in line
            assert unchanged(store)
            assert store.gc(keep=10).versions == ()  # which needs no room
            (disk / "filler").unlink()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_store_that_may_only_be_read(
    number: int, store: ModelStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = store.folder.root
    real = os.open

    def read_only(path: Any, flags: int, *mode: int, **keys: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and str(path).startswith(str(root)):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, flags, *mode, **keys)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        raise AssertionError(f"{event} {arguments}: writes into the store before it has the lock")

    monkeypatch.setattr(os, "open", read_only)
    with listening(refuse):
        for verb in (
            f"update --branches={tiny_store().rte2}",
            "remove --task=rte",
            "rename --task=rte --to=x",
            "promote --version=1",
            "gc",
        ):
            line = refusal(capsys, *verb.split(), f"--store={root}")
            assert line == f"{root}/.lock: {os.strerror(number)}"
        for verb in ("list", "show", "log", "diff --version=1", "verify"):
            arguments = ["store", *verb.split(), f"--store={root}"]
            assert command.status(run_store.main, run_store.FLAGS, arguments) == 0


def test_a_folder_that_may_not_be_written(store: ModelStore) -> None:
    """As one of another user in a store whose lock everybody may hold."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.mkdir" and str(store.folder.versions) in str(arguments[0]):
            raise PermissionError(errno.EACCES, "Permission denied", str(arguments[0]))

    with listening(refuse), pytest.raises(PermissionError) as error:
        store.update(tiny_store().rte2, options=CHEAP)
    assert error.value.filename == str(store.folder.version(3))
    assert unchanged(store)


def test_another_user_reads_while_one_writes(store: ModelStore, tmp_path: Path) -> None:
    """And after a kill, whatever the umask of whom it hit."""
    (store.folder.versions / ".3.abcd1234.tmp").mkdir(mode=0o700)
    with atomic_folder(store.folder.version(3)) as aside:
        (aside / "model").mkdir()
        with another_user(tmp_path):
            opened = ModelStore(Path("store"))
            assert (list(opened.versions()), opened.verify()) == ([1, 2], [])
            assert (aside.relative_to(tmp_path) / "model").is_dir()


def test_an_old_version_that_is_damaged_stops_nothing(
    store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is shown; gc keeps whatever it may need; `verify` names it."""
    file = store.folder.version(1) / "version.json"
    file.unlink()  # the copy's name of it
    file.write_text("{")
    said = {}
    for verb in ("list", "log", "remove --task=rte", "gc --keep=1"):
        arguments = ["store", *verb.split(), f"--store={store.folder.root}"]
        assert command.status(run_store.main, run_store.FLAGS, arguments) == 0
        said[verb] = capsys.readouterr().out
    assert f"damaged: {file}:1: " in said["list"] and f"version 1: damaged\n    {file}:1: " in said["log"]
    assert "damaged: 1; what they need is not known" in said["gc --keep=1"]
    assert (store.folder.numbers(), len(store.folder.stored())) == ([1, 3], 2)
    (fault,) = store.verify()
    assert fault.startswith(f"{file}:1: not JSON")
    arguments = ["store", "verify", "--json", f"--store={store.folder.root}"]
    assert command.status(run_store.main, run_store.FLAGS, arguments) == command.MISTAKE
    assert json.loads(capsys.readouterr().out) == {"versions": 2, "faults": [fault]}


CUT = (
    "store.json",
    "versions/2/version.json",
    "versions/2/proof.json",
    "versions/2/model/saved_model.pb",
    "versions/2/model/variables/variables.index",
    "branches/TONE/branch.json",
    "branches/TONE/golden.json",
    "branches/TONE/model.ckpt.data-00000-of-00001",
    "branches/TONE/model.ckpt.index",
    "layers/LOWEST/layer.ckpt.data-00000-of-00001",
    "layers/LOWEST/layer.ckpt.index",
    "cache/TONE.index",
)


@pytest.mark.parametrize("share", [0.0, 0.6])
@pytest.mark.parametrize("name", CUT)
def test_a_file_that_is_cut_short(
    name: str, share: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`verify` names it, and a change does not stand on it; but what is in the cache is made again."""
    root = Path(shutil.copytree(tiny_store().store, tmp_path / "store"))
    store = ModelStore(root)
    tone = store.version(2).tasks["tone"].branch
    file = root / name.replace("TONE", tone).replace("LOWEST", store.base.layers[0].digest)
    file.chmod(0o644)
    os.truncate(file, int(file.stat().st_size * share))
    update = ["update", f"--store={root}", f"--branches={tiny_store().rte2}"]
    if file.parent == store.folder.cache:
        assert command.status(run_store.main, run_store.FLAGS, ["store", *update]) == 0
        assert store.verify() == []
        return
    assert str(file) in refusal(capsys, "verify", f"--store={root}")
    if file.name in ("proof.json", "model.ckpt.index"):  # nothing stands on them
        return
    line = refusal(capsys, *update)
    assert str(file.parents[1] if file.name == "variables.index" else file) in line
    assert len(line.replace(str(root), "")) < 300 and ".tmp" not in line
    assert store.folder.numbers() == [1, 2]
    assert len(store.folder.stored()) == 2
