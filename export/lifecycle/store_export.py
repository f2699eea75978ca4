"""Exporting from a store: the labelled versions, their labels and what starts a server, for TF Serving."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.export.contract.models_config import read_labels
from centrabert.export.contract.version_folder import EXTRA, SETTINGS, version_folders, version_path
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.proof import FILE as PROOF
from centrabert.export.lifecycle.proof import read_proof
from centrabert.export.publication import label_versions, write_version
from centrabert.merge.store.integrity import model_faults
from centrabert.merge.store.labels import Labels
from centrabert.merge.store.shards import link
from centrabert.merge.store.version_record import RECORD, read_record_at
from centrabert.modeling.files import atomic_folder, check_new


@dataclass(frozen=True)
class StoredVersion:
    """A version of a store, as the source of an exported one."""

    store: ModelStore
    number: int

    def is_in(self, folder: Path) -> bool:
        """Whether the version there was exported from this store."""
        file = folder / EXTRA / RECORD
        return file.is_file() and read_record_at(file) == self.store.version(self.number)

    def check_files(self) -> None:
        """Raises UserError that names the first file of the version's model that is not there."""
        model = self.store.folder.model(self.number)
        for path in self.store.version(self.number).files:
            if not (model / path).is_file():
                raise UserError(f"{model / path}: no such file; restore it from a copy of the store")

    def write(self, folder: Path) -> None:
        """Links every file of the version's model, and puts version.json and proof.json beside them.

        Raises:
          UserError: A file of the version is not there.
          FileExistsError: There is something at `folder`.
          OSError: The disk is full; nothing is left.
        """
        self.check_files()
        model = self.store.folder.model(self.number)
        with atomic_folder(folder) as aside:
            for path in self.store.version(self.number).files:
                (aside / path).parent.mkdir(parents=True, exist_ok=True)
                link(model / path, aside / path)
            for name in (RECORD, PROOF):
                shutil.copyfile(self.store.folder.version(self.number) / name, aside / EXTRA / name)


def export_labelled(
    store: ModelStore, export_dir: Path, serving: TfServing, dry_run: bool = False
) -> Mapping[str, Path]:
    """Exports every version that a label of the store points to; versions that are there already stay.

    A label that was removed from the store is removed from models.config, too.

    It is one transaction: each version appears whole or not at all, and when all are there, models.config
    moves all labels in one step, so that a server follows the old labels or the new ones. If something stops
    the export in between, the same call finishes it. Of several exports at once each waits for the one before
    it, and only then reads the labels. The weights are hard links where there can be some.

    Args:
      dry_run: Whether to check the export folder and to write nothing.

    Returns:
      The folder of the version of every label.

    Raises:
      UserError: No label points anywhere, or the export folder holds versions of another store, or lies in
        the store.
      FileExistsError: A version of that number is there and comes from elsewhere.
      OSError: The disk is full.
    """
    store.folder.check_outside(export_dir)
    labels = _some_labels(store).versions
    _check_ours(store, export_dir)
    if dry_run:
        read_labels(export_dir / SETTINGS)
        for number in sorted(set(labels.values())):
            source, folder = StoredVersion(store, number), version_path(export_dir, number)
            if not source.is_in(folder):
                check_new(folder)
                source.check_files()
        return {label: version_path(export_dir, number) for label, number in labels.items()}

    def moves() -> Mapping[str, int | None]:
        labels = _some_labels(store)
        for number in sorted(set(labels.versions.values())):
            _export(store, export_dir, number)
        return labels.last

    moved = label_versions(export_dir, moves, serving)
    return {label: version_path(export_dir, number) for label, number in moved.items()}


def _some_labels(store: ModelStore) -> Labels:
    """The labels as they are now; raises UserError if none points to a version."""
    if (labels := store.labels).versions:
        return labels
    raise UserError(
        f"{store.folder.root}: no label points to a version; promote one: "
        "`centrabert store promote --store=... --label=stable --version=NUMBER`"
    )


def _export(store: ModelStore, export_dir: Path, number: int) -> None:
    source = StoredVersion(store, number)
    if not source.is_in(version_path(export_dir, number)):
        write_version(source, export_dir, number)


def _check_ours(store: ModelStore, export_dir: Path) -> None:
    """Raises UserError if a version in the export folder comes from another store."""
    if not export_dir.is_dir():
        return
    for folder in version_folders(export_dir).values():
        file = folder / EXTRA / RECORD
        if file.is_file() and (found := read_record_at(file)).store != store.base.store:
            raise UserError(
                f"{export_dir}: version {found.number} there comes from another store; choose another "
                "--export_dir, or give the store that it belongs to"
            )


def export_faults(store: ModelStore, export_dir: Path) -> list[str]:
    """One line for everything in exported versions that is not as the store has it.

    Raises:
      UserError: There is none.
      OSError: `export_dir` cannot be read.
    """
    faults: list[str] = []
    if not (folders := version_folders(export_dir)):
        raise UserError(f"{export_dir}: holds no exported version to verify; name the folder of an export")
    for number, folder in sorted(folders.items()):
        if not (folder / EXTRA / RECORD).is_file():
            faults.append(f"{folder}: comes from no store")
            continue
        try:
            faults += _folder_faults(store, number, folder)
        except UserError as error:
            faults.append(str(error))
    return faults


def _folder_faults(store: ModelStore, number: int, folder: Path) -> Iterator[str]:
    version = read_record_at(folder / EXTRA / RECORD)
    if version != store.version(number):
        yield f"{folder}: is not version {number} of this store"
    read_proof(folder / EXTRA)
    yield from model_faults(folder, version, (f"{EXTRA}/{RECORD}", f"{EXTRA}/{PROOF}"))
