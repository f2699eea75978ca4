"""Publishing a model: its version, its label and what starts a server on it, in steps that can be resumed."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from absl import logging

from centrabert.export.contract.models_config import label_version, read_labels
from centrabert.export.contract.version_folder import EXTRA, SETTINGS, version_path
from centrabert.export.deploy.render import write_deployment
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.merge.merged_folder import MANIFEST
from centrabert.modeling.files import check_new, clear_abandoned
from centrabert.modeling.formats.json_file import read_json

NOTE = """\
run_export is at work on version {version}, or was stopped before it had labelled the version in models.config
and written what starts a server. If it was stopped, run the same command again: it finishes the work.
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
    finish(folder, label, serving)
    return folder


def finish(folder: Path, label: str, serving: TfServing) -> None:
    """Labels an exported version and writes what starts a server on it; it is published whole then."""
    label_version(folder.parent / SETTINGS, serving.name, serving.base_path, label, int(folder.name))
    write_deployment(folder, serving)
    _note(folder).unlink(missing_ok=True)


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
