"""Exports of a store: what a server follows before, during and after, and what answers then."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from file_trace import listening, snapshot, state
from tiny_store import copy, tiny_store
from version_folder import served, states

from centrabert.export import publication
from centrabert.export.contract.models_config import DesiredVersions, desired_versions, read_labels
from centrabert.export.deploy.render import FILES
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.store_export import StoredVersion, export_labelled
from centrabert.export.serving.version_manager import ModelVersions
from centrabert.modeling.file_lock import LOCK, exclusive

SERVING = TfServing("nlp", 1)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return copy(tmp_path / "store")


def load(folder: Path, stopped: threading.Event, loaded: Sequence[Any]) -> Any:
    """A stand-in for a loaded version."""
    return SimpleNamespace(number=int(folder.name), predictor=SimpleNamespace(close=lambda: None))


def test_a_server_follows_the_labels_of_the_store(
    store: ModelStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A promotion, its rollback and a canary; the highest version with a label answers who names none."""
    serving = tmp_path / "serving"
    store.promote("stable", 1)
    export_labelled(store, serving, SERVING)

    async def test() -> None:
        versions = ModelVersions("nlp", serving, lambda: desired_versions(serving, None), load)

        async def exported() -> tuple[int, int]:
            export_labelled(store, serving, SERVING)
            await versions.update()
            return served(versions, None, "stable"), served(versions)

        assert await exported() == (1, 1)
        store.promote("stable", 2)
        assert await exported() == (2, 2)
        store.roll_back("stable")
        assert await exported() == (1, 1)
        assert states(versions) == {2: "END", 1: "AVAILABLE"}
        assert (serving / "2").is_dir()
        assert caplog.text.count("answers requests that name none") == 0
        store.promote("canary", 2)
        assert await exported() == (1, 2)
        assert "version 2, the highest with a label, answers requests that name none" in caplog.text
        assert "ask for the label stable to get version 1" in caplog.text
        assert served(versions, None, "canary") == 2
        assert store.unlabel("canary") == 2
        assert await exported() == (1, 1)
        assert read_labels(serving / "tf_serving") == {"stable": 1}

    asyncio.run(test())


def moves(store: ModelStore) -> None:
    """From `stable` alone to two labels that both move to other versions."""
    store.update(tiny_store().rte2)
    store.promote("stable", 2)
    store.promote("canary", 3)


def test_a_killed_export_leaves_the_old_labels_or_the_new_ones(store: ModelStore, tmp_path: Path) -> None:
    """Before every operation on files the folder is kept as it is; the same call finishes each of them."""
    serving, kept = tmp_path / "serving", dict[object, Path]()
    store.promote("stable", 1)
    store.promote("canary", 1)
    old = export_labels(store, serving)
    moves(store)

    def keep(event: str, arguments: tuple[Any, ...]) -> None:
        if "/killed/" not in str(arguments) and (now := state(serving)) not in kept:
            kept[now] = tmp_path / "killed" / str(len(kept))
            snapshot(serving, kept[now])

    with listening(keep):
        export_labelled(store, serving, SERVING)
    assert len(kept) > 20
    new, seen = {"stable": 2, "canary": 3}, []
    for place, folder in enumerate(kept.values()):
        desired = desired_versions(folder, None)
        seen.append(desired.labels)
        for (number,) in desired.choices:
            assert StoredVersion(store, number).is_in(folder / str(number))
        if place % 8 == 0:  # the others differ from it by one operation
            assert export_labels(store, folder) == new
            assert names(folder) == names(serving)
    moved = seen.index(new)
    assert seen == [old] * moved + [new] * (len(seen) - moved)
    for file in FILES:
        found = list(kept.values())[moved] / "tf_serving" / file
        assert found.read_bytes() == (serving / "tf_serving" / file).read_bytes(), "labels move last"


def export_labels(store: ModelStore, serving: Path) -> dict[str, int]:
    export_labelled(store, serving, SERVING)
    return dict(read_labels(serving / "tf_serving"))


def names(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.name != LOCK)
    return {path.as_posix() for path in found if path.parts[0] in ("1", "2", "3", "tf_serving")}


def test_an_export_that_comes_late_moves_no_label_back(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began when `stable` was at 1; before its turn came, another one wrote that it is at 2."""
    serving = tmp_path / "serving"
    store.promote("stable", 1)

    def locked(folder: Path, wait: bool) -> AbstractContextManager[None]:
        monkeypatch.undo()
        store.promote("stable", 2)
        assert export_labels(store, serving) == {"stable": 2}
        return exclusive(folder, wait)

    monkeypatch.setattr(publication, "exclusive", locked)
    assert export_labelled(store, serving, SERVING) == {"stable": serving / "2"}
    assert read_labels(serving / "tf_serving") == {"stable": 2}


def test_a_dry_run_of_an_export_checks_and_writes_nothing(store: ModelStore, tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    store.promote("stable", 2)
    assert export_labelled(store, serving, SERVING, dry_run=True) == {"stable": serving / "2"}
    assert not serving.exists()
    (serving / "2").mkdir(parents=True)
    (serving / "2" / "mine").touch()
    with pytest.raises(FileExistsError, match="2: exists already"):
        export_labelled(store, serving, SERVING, dry_run=True)
    assert [path.name for path in serving.rglob("*")] == ["2", "mine"]


def test_a_first_export_is_served_once_it_is_whole(store: ModelStore, tmp_path: Path) -> None:
    """At no moment does a server find one of two versions alone, or a label without its version."""
    serving, seen = tmp_path / "serving", list[DesiredVersions | None]()
    store.promote("stable", 1)
    store.promote("canary", 2)

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if serving.is_dir():
            try:
                seen.append(desired_versions(serving, None))
            except ValueError:
                seen.append(None)

    with listening(look):
        export_labelled(store, serving, SERVING)
    assert len(seen) > 20
    empty, whole = DesiredVersions(((),), {}), DesiredVersions(((1,), (2,)), {"stable": 1, "canary": 2})
    assert [desired for desired in seen if desired not in (None, empty, whole)] == []
