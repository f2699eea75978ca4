"""An export that is stopped anywhere is finished by the same command, and nobody loses a label."""

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree
from threading import Barrier

import pytest
from exported import exported

from centrabert import command
from centrabert.export import export_version, publication, run_export
from centrabert.export.contract import models_config
from centrabert.export.contract.models_config import read_labels
from centrabert.export.deploy import render
from centrabert.export.deploy.render import FILES
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.modeling import files
from centrabert.modeling.file_lock import LOCK

SERVING = TfServing("nlp", 2)
WHOLE = {"models.config", *FILES}


class Killed(BaseException):
    """No handler of ours catches it."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that copies the version which other tests export."""

    def copy(merged: Path, export_dir: Path, version: int) -> Path:
        with files.atomic_folder(export_dir / str(version)) as aside:
            copytree(exported().version, aside, dirs_exist_ok=True)
        return export_dir / str(version)

    monkeypatch.setattr(export_version, "export", copy)


def run(folder: Path, version: int = 3, label: str = "canary", merged: Path | None = None) -> int:
    given = f"--merged={merged or exported().merged}", f"--export_dir={folder}", f"--version={version}"
    argv = ["run_export", *given, f"--label={label}", "--model_name=nlp"]
    return command.status(run_export.main, run_export.FLAGS, argv)


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} - {LOCK}


def check_whole(folder: Path) -> None:
    assert names(folder) == {"3", "tf_serving"}
    assert names(folder / "tf_serving") == WHOLE
    assert read_labels(folder / "tf_serving") == {"canary": 3}
    assert '"canary=3"' in (folder / "tf_serving" / "kubernetes.yaml").read_text()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), Killed()])
@pytest.mark.parametrize("file", sorted(WHOLE))
def test_the_same_command_finishes_what_was_stopped(
    file: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the version has got its name, at any of the files that follow."""

    def stopped(path: Path, text: str) -> None:
        if path.name == file:
            raise error
        files.write_text(path, text)

    with monkeypatch.context() as patch:
        for module in (models_config, render):
            patch.setattr(module, "write_text", stopped)
        if isinstance(error, Killed):
            with pytest.raises(Killed):
                run(tmp_path)
        else:
            assert run(tmp_path) == 1
    assert names(tmp_path) == {"3", "tf_serving"}
    assert "run the same command again" in (tmp_path / "tf_serving" / "version-3.unfinished").read_text()
    litter = tmp_path / "tf_serving" / ".models.config.abcd1234.tmp"  # as a real kill leaves it
    litter.mkdir()
    for name in (LOCK, "models.config"):
        (litter / name).touch()
    inodes = {path: path.stat().st_ino for path in (tmp_path / "3").rglob("*")}
    assert run(tmp_path) == 0
    check_whole(tmp_path)
    assert {path: path.stat().st_ino for path in (tmp_path / "3").rglob("*")} == inodes, "exported anew"


def test_a_version_that_was_published_whole_is_not_touched(tmp_path: Path) -> None:
    """Or an old command, run again, would move a label back."""
    assert run(tmp_path) == 0
    assert run(tmp_path, version=4) == 0
    assert run(tmp_path) == 1
    assert read_labels(tmp_path / "tf_serving") == {"canary": 4}


def test_an_unfinished_version_of_another_model_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "serving") == 0
    (tmp_path / "serving" / "tf_serving" / "version-3.unfinished").touch()
    other = Path(copytree(exported().merged, tmp_path / "merged"))
    text = (other / "manifest.json").read_text()
    (other / "manifest.json").write_text(text.replace('"do_lower_case": true', '"do_lower_case": false'))
    assert run(tmp_path / "serving", merged=other) == 1
    assert f"{tmp_path}/serving/3: exists already" in capsys.readouterr().err


def test_an_export_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(merged: Path, export_dir: Path, version: int) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export_version, "export", fails)
    assert run(tmp_path) == 1
    assert names(tmp_path) == set()


def test_what_killed_exports_left_is_cleared(tmp_path: Path) -> None:
    """Whatever their version was; that of an export at work stays, and what others filled."""
    for name in (".7.abcd1234.tmp", ".backup.abcd1234.tmp", ".8.notes"):
        (tmp_path / name).mkdir()
    (tmp_path / ".7.abcd1234.tmp" / LOCK).touch()
    (tmp_path / ".backup.abcd1234.tmp" / "mine").touch()
    with pytest.raises(Killed), files.atomic_folder(tmp_path / "9") as aside:
        assert run(tmp_path) == 0
        assert names(tmp_path) == {"3", "tf_serving", ".backup.abcd1234.tmp", ".8.notes", aside.parent.name}
        raise Killed


def test_exports_at_once_lose_no_label(tmp_path: Path) -> None:
    """And what is written last tells the labels of all."""
    versions = range(1, 9)
    start = Barrier(len(versions))

    def export(version: int) -> None:
        start.wait(60)
        publication.publish(
            publication.MergedModel(exported().merged), tmp_path, version, f"v{version}", SERVING
        )

    with ThreadPoolExecutor(len(versions)) as threads:
        list(threads.map(export, versions))
    settings = tmp_path / "tf_serving"
    assert read_labels(settings) == {f"v{version}": version for version in versions}
    told = " ".join(f"v{version}={version}" for version in versions)
    assert f'"{told}"' in (settings / "kubernetes.yaml").read_text()
    assert names(settings) == WHOLE
