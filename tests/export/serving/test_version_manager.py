"""How versions take each other's place, with versions that load in no time."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from version_folder import Folder, run, served, states
from waiting import until

from centrabert.export.serving import version_manager
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.version_manager import RETRIES, ModelVersions


def test_the_highest_is_served_and_replaced_by_a_higher(tmp_path: Path) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        for number in (2, 10):
            folder.write(number)
        await versions.update()
        assert (served(versions), states(versions), folder.loads) == (10, {10: "AVAILABLE"}, [10])
        folder.write(11)
        await versions.update()
        assert (served(versions), states(versions)) == (11, {11: "AVAILABLE", 10: "END"})
        await folder.closes([10])

    run(tmp_path, test)


def test_the_old_version_ends_after_its_last_request(tmp_path: Path) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        await versions.update()
        with versions.acquire(None, None) as old:
            folder.write(2)
            await versions.update()
            assert (old.number, served(versions)) == (1, 2)
            assert (states(versions), folder.closed) == ({2: "AVAILABLE", 1: "UNLOADING"}, [])
        assert states(versions) == {2: "AVAILABLE", 1: "END"}
        await folder.closes([1])

    run(tmp_path, test)


def test_requests_are_answered_while_a_version_is_closed(tmp_path: Path) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        await versions.update()
        held = threading.Event()
        versions.statuses[0].servable.predictor.close = lambda: held.wait(60) and folder.closed.append(1)
        folder.write(2)
        await versions.update()
        assert (served(versions), states(versions)) == (2, {2: "AVAILABLE", 1: "END"})
        held.set()
        await folder.closes([1])

    run(tmp_path, test)


def test_a_version_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        await versions.update()
        folder.write(2, "bad")
        for _ in range(3):
            await versions.update()
        assert (served(versions), states(versions), folder.closed) == (1, {2: "END", 1: "AVAILABLE"}, [])
        assert "golden answers differ" in versions.statuses[0].error
        assert folder.loads == [1, 2]  # once
        folder.write(2, "good")
        os.utime(tmp_path / "2" / "saved_model.pb", ns=(1, 1))
        await versions.update()
        assert served(versions) == 2
        await folder.closes([1])

    run(tmp_path, test)


def test_a_version_seen_half_copied_is_served_when_it_is_whole(tmp_path: Path) -> None:
    """A copy in the order of names brings the graph before the variables."""

    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        await versions.update()
        folder.write(2, "half")
        await versions.update()
        assert served(versions) == 1
        (tmp_path / "2" / "variables").mkdir()
        (tmp_path / "2" / "variables" / "rest").touch()
        await versions.update()
        assert (served(versions), folder.loads) == (2, [1, 2, 2])

    run(tmp_path, test)


@pytest.mark.parametrize("name", ["9223372036854775808", "9" * 255, "1.writing"])
def test_a_folder_whose_name_is_no_version_is_none(tmp_path: Path, name: str) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").write_text("good")
        await versions.update()
        assert folder.loads == [1]

    run(tmp_path, test)


def test_zeros_in_front_of_a_version_change_nothing(tmp_path: Path) -> None:
    """As for TF Serving."""

    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(7)
        (tmp_path / "7").rename(tmp_path / "00000007")
        await versions.update()
        assert (served(versions), folder.loads) == (7, [7])

    run(tmp_path, test)


def test_whatever_a_version_fails_with_the_next_is_tried(
    tmp_path: Path,
) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        await versions.update()
        folder.write(2, "strange")
        await versions.update()
        assert (served(versions), states(versions)) == (1, {2: "END", 1: "AVAILABLE"})
        assert versions.statuses[0].error == "KeyError('score')"
        folder.write(3)
        await versions.update()
        assert served(versions) == 3

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("content", "seconds", "loads"),
    [("busy", 0.0, 3), ("busy", 60.0, 1), ("strange", 0.0, 1 + RETRIES), ("wrong", 0.0, 1)],
)
def test_what_may_pass_is_tried_again(
    content: str, seconds: float, loads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goldens that differ do not."""
    monkeypatch.setattr(version_manager, "RETRY_SECONDS", seconds)

    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1, content)
        for _ in range(10):
            await versions.update()
        assert folder.loads == [1] * loads
        assert states(versions) == {1: "AVAILABLE" if loads == 3 else "END"}
        folder.write(1, "good")
        await versions.update()
        assert served(versions) == 1

    run(tmp_path, test)


def test_loading_is_given_up_when_the_server_ends(tmp_path: Path) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1, "slow")
        watch = asyncio.ensure_future(versions.watch(0.01))
        await until(lambda: bool(folder.loads))
        watch.cancel()
        await asyncio.wait([watch])
        assert await asyncio.to_thread(folder.given_up.wait, 60)

    run(tmp_path, test)


def test_a_version_that_is_removed_gives_way_to_a_lower(tmp_path: Path) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        folder.write(2)
        await versions.update()
        folder.remove(2)
        await versions.update()
        assert (served(versions), states(versions)) == (1, {2: "END", 1: "AVAILABLE"})

    run(tmp_path, test)


def test_the_last_version_stays_when_its_folder_is_emptied(tmp_path: Path) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        await versions.update()
        folder.remove(1)
        await versions.update()
        assert served(versions) == 1

    run(tmp_path, test)


def test_what_is_not_served_is_not_found(tmp_path: Path) -> None:
    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        await versions.update()
        for number, label, code, message in (
            (3, None, "NOT_FOUND", "no version 3 of model tiny is served"),
            (None, "canary", "INVALID_ARGUMENT", "model tiny has no version label canary"),
        ):
            with pytest.raises(ServingError, match=message) as error:
                served(versions, number, label)
            assert error.value.code == code

    run(tmp_path, test)


def config(file: Path, **labels: int) -> None:
    numbers = [f"versions: {number}" for number in sorted(set(labels.values()))]
    names = [f'version_labels {{ key: "{label}" value: {number} }}' for label, number in labels.items()]
    policy = f"model_version_policy {{ specific {{ {' '.join(numbers)} }} }}"
    file.write_text(f'model_config_list {{ config {{ name: "tiny" {policy} {" ".join(names)} }} }}')


def test_labels_choose_versions_and_move_when_theirs_is_there(tmp_path: Path) -> None:
    file = tmp_path / "models.config"

    async def test(folder: Folder, versions: ModelVersions) -> None:
        for number in (1, 2, 4):
            folder.write(number)
        config(file, stable=1, canary=2)
        await versions.update()
        assert states(versions) == {2: "AVAILABLE", 1: "AVAILABLE"}
        assert [served(versions, None, label) for label in ("stable", "canary")] == [1, 2]
        folder.write(3, "bad")
        config(file, stable=2, canary=3)
        await versions.update()
        assert [served(versions, None, label) for label in ("stable", "canary")] == [2, 2]
        assert states(versions) == {3: "END", 2: "AVAILABLE", 1: "END"}
        config(file, stable=4)
        await versions.update()
        assert served(versions, None, "stable") == 4
        with pytest.raises(ServingError, match="label canary"):
            served(versions, None, "canary")

    run(tmp_path, test, file)


def test_a_label_is_rolled_back_while_another_version_loads(tmp_path: Path) -> None:
    file = tmp_path / "models.config"

    async def test(folder: Folder, versions: ModelVersions) -> None:
        for number in (1, 2):
            folder.write(number)
        config(file, stable=2, former=1)
        await versions.update()
        watch = asyncio.ensure_future(versions.watch(0.01))
        folder.write(3, "slow")
        config(file, stable=2, former=1, canary=3)
        await until(lambda: 3 in folder.loads)
        config(file, stable=1, former=1, canary=3)
        await until(lambda: served(versions, None, "stable") == 1)
        assert states(versions)[3] == "LOADING"
        assert served(versions, 2) == 2, "nothing ends before the new one is there"
        watch.cancel()

    run(tmp_path, test, file)


@pytest.mark.parametrize("content", ["nonsense", 'model_config_list { config { name: "tiny" } }'])
def test_a_damaged_config_changes_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "models.config"

    async def test(folder: Folder, versions: ModelVersions) -> None:
        folder.write(1)
        config(file, stable=1)
        await versions.update()
        file.write_text(content)
        with pytest.raises(ValueError, match=r"models\.config: (is not|lists no)"):
            await versions.update()
        assert served(versions, None, "stable") == 1

    run(tmp_path, test, file)
