"""Publishing a model: its version, its label and what starts a server on it, in steps that can be resumed."""

from contextlib import suppress
from pathlib import Path

from absl import logging

from centrabert.export.contract.models_config import label_version, read_labels
from centrabert.export.contract.version_folder import EXTRA, SETTINGS, version_path
from centrabert.export.deploy.render import write_deployment
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.merge.merged_folder import MANIFEST
from centrabert.modeling.files import check_new, clear_abandoned

NOTE = """\
run_export is at work on version {version}, or was stopped before it had labelled the version in models.config
and written what starts a server. If it was stopped, run the same command again: it finishes the work.
"""


def publish(merged: Path, export_dir: Path, version: int, label: str, serving: TfServing) -> Path:
    """Exports a merged model as `export_dir`/`version`/, which it returns, and labels it.

    Whatever stops it, a full disk or a kill, the same call finishes the work: what lies about is cleared, and
    a version that is there already gets its label and its files. A note beside models.config tells such a
    version from one that was published whole, which is not touched again.

    Raises:
      UserError: `merged` or models.config is damaged, or an answer differs.
      FileExistsError: That version is there.
      OSError, tf.errors.OpError: The disk is full.
    """
    folder, settings = version_path(export_dir, version), export_dir / SETTINGS
    read_labels(settings)  # a damaged models.config is told before anything is exported
    note = settings / f"version-{version}.unfinished"
    if export_dir.is_dir():
        clear_abandoned(export_dir)
    if note.exists() and _is_export_of(folder, merged):
        logging.info("%s: was exported before; its label and the deployment files follow", folder)
    else:
        _export(merged, folder, note)
    label_version(settings, serving.name, serving.base_path, label, version)
    write_deployment(folder, serving)
    note.unlink(missing_ok=True)
    return folder


def _export(merged: Path, folder: Path, note: Path) -> None:
    """Writes the version; the note outlasts it, but for a version that was not written."""
    from centrabert.export.export_version import export  # with TensorFlow, which takes seconds

    check_new(folder)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(NOTE.format(version=folder.name), encoding="utf-8")
    try:
        export(merged, folder.parent, int(folder.name))
    finally:
        if not folder.exists():
            note.unlink(missing_ok=True)
            with suppress(OSError):  # other exports are at work there
                note.parent.rmdir()


def _is_export_of(folder: Path, merged: Path) -> bool:
    """Whether the version was made of that merged model: a manifest holds a digest of every weight."""
    exported, wanted = folder / EXTRA / MANIFEST, merged / MANIFEST
    return exported.is_file() and wanted.is_file() and exported.read_bytes() == wanted.read_bytes()
