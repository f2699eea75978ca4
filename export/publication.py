"""Publishing a model: its version, its label and what starts a server on it, in steps that can be resumed.

What is served moves in one step, the last one, when models.config gets its name: until then no label points
to the new version, and a server loads only versions that have one.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from absl import logging

from centrabert.export.contract.models_config import read_labels, write_models_config
from centrabert.export.contract.version_folder import EXTRA, SETTINGS, STABLE, version_path
from centrabert.export.deploy.render import write_deployment
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.merge.merged_folder import MANIFEST
from centrabert.modeling.file_lock import exclusive
from centrabert.modeling.files import check_new, clear_abandoned
from centrabert.modeling.formats.json_file import read_json

NOTE = """\
An export of version {version} is at work, or was stopped before it had written what starts a server and
labelled the version in models.config. If it was stopped, run the same command again: it finishes the work.
"""


class VersionSource(Protocol):
    """Where the files of a version come from."""

    def is_in(self, folder: Path) -> bool:
        """Whether a version folder holds what `write` would write."""
        ...

    def write(self, folder: Path) -> None:
        """Writes the version folder, all of it or nothing; raises UserError or OSError."""
        ...


@dataclass(frozen=True)
class MergedModel:
    """A folder that `merge` wrote, as the source of a version."""

    merged: Path

    def is_in(self, folder: Path) -> bool:
        """Whether the version was made of that merged model: a manifest holds a digest of every weight."""
        files = folder / EXTRA / MANIFEST, self.merged / MANIFEST
        if not all(file.is_file() for file in files):
            return False
        exported, wanted = map(read_json, files)
        return exported == wanted

    def write(self, folder: Path) -> None:
        """As `export_version.export`."""
        from centrabert.export.export_version import export  # with TensorFlow, which takes seconds

        export(self.merged, folder.parent, int(folder.name))


def publish(source: VersionSource, export_dir: Path, version: int, label: str, serving: TfServing) -> Path:
    """Exports `source` as `export_dir`/`version`/, which it returns, and labels it.

    Whatever stops it, a full disk or a kill, the same call finishes the work: what lies about is cleared, and
    a version that is there already gets its label and its files. A note beside models.config tells such a
    version from one that was published whole, which is not touched again.

    Raises:
      As `write_version`.
    """
    folder = write_version(source, export_dir, version)
    label_versions(export_dir, lambda: {label: version}, serving)
    return folder


def write_version(source: VersionSource, export_dir: Path, version: int) -> Path:
    """Writes `export_dir`/`version`/, which it returns; it is not served before it is labelled.

    Raises:
      UserError: The source or models.config is damaged, or an answer differs.
      FileExistsError: That version is there.
      OSError, tf.errors.OpError: The disk is full.
    """
    folder, settings = version_path(export_dir, version), export_dir / SETTINGS
    read_labels(settings)  # a damaged models.config is told before anything is exported
    note = _note(folder)
    if export_dir.is_dir():
        clear_abandoned(export_dir)
    if note.exists() and source.is_in(folder):
        logging.info("%s: was exported before; its label and the deployment files follow", folder)
    else:
        _export(source, folder, note)
    return folder


def label_versions(
    export_dir: Path, moves: Callable[[], Mapping[str, int | None]], serving: TfServing
) -> Mapping[str, int]:
    """Writes what starts a server, and then models.config, with which all labels move at once.

    Where several processes export at once, each waits for the one before it, and the last one's files know
    the labels of all.

    Args:
      moves: The version of every label that moves, None for one that goes; other labels stay where they are.
        It is called when the turn has come, so that what it reads then is not older than what the export
        before has read. A label must be left.

    Returns:
      The version of every label that moved.

    Raises:
      UserError: models.config is damaged, or `moves` raises it.
      OSError: The disk is full; the old models.config is untouched.
    """
    settings = export_dir / SETTINGS
    settings.mkdir(parents=True, exist_ok=True)
    with exclusive(settings, wait=True):
        asked = moves()
        moved = {label: version for label, version in asked.items() if version is not None}
        others = {label: number for label, number in read_labels(settings).items() if label not in asked}
        labels = {**others, **moved}
        write_deployment(export_dir, labels, serving)
        write_models_config(settings, serving.name, serving.base_path, labels)
    highest = max(labels.values())
    if labels.get(STABLE, highest) < highest:
        logging.warning(
            "version %d, the highest with a label, answers requests that name none; "
            "ask for the label %s to get version %d",
            *(highest, STABLE, labels[STABLE]),
        )
    for version in set(moved.values()):
        _note(version_path(export_dir, version)).unlink(missing_ok=True)
    return moved


def _note(folder: Path) -> Path:
    """What tells a version that was not published whole."""
    return folder.parent / SETTINGS / f"version-{folder.name}.unfinished"


def _export(source: VersionSource, folder: Path, note: Path) -> None:
    """Writes the version; the note outlasts it, but for a version that was not written."""
    check_new(folder)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(NOTE.format(version=folder.name), encoding="utf-8")
    try:
        source.write(folder)
    finally:
        if not folder.exists():
            note.unlink(missing_ok=True)
            with suppress(OSError):  # other exports are at work there
                note.parent.rmdir()
