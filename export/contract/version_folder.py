"""The versions under an export folder, as TF Serving finds them: serving/<version>/saved_model.pb."""

from pathlib import Path

from centrabert.errors import UserError

SAVED_MODEL, ASSETS, EXTRA = "saved_model.pb", "assets", "assets.extra"  # TensorFlow's names
SETTINGS = "tf_serving"  # beside the versions: no number, so no version to TF Serving
STABLE = "stable"  # a label
HIGHEST = 2**63 - 1  # TF Serving's messages hold no higher version


def version_path(export_dir: Path, version: int) -> Path:
    """The folder of a version; raises UserError unless `version` is a positive integer of 64 bits."""
    if version < 1:
        raise UserError(f"--version={version} is not a positive integer")
    if version > HIGHEST:
        raise UserError(f"--version={version} is above {HIGHEST}, the highest that TF Serving knows")
    return export_dir / str(version)


def find_version(folder: Path) -> Path:
    """`folder` itself if it is a version, else the highest version in it; raises UserError if none is."""
    if (folder / SAVED_MODEL).is_file():
        return folder
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    versions = version_folders(folder)
    if not versions:
        raise UserError(f"{folder}: holds neither {SAVED_MODEL} nor a version folder with one")
    return versions[max(versions)]


def version_folders(folder: Path) -> dict[int, Path]:
    """The versions in a folder, by number; raises OSError if it cannot be read."""
    return {int(entry.name): entry for entry in folder.iterdir() if _is_version(entry)}


def _is_version(entry: Path) -> bool:
    """Folders still being written have names that are no number."""
    name = entry.name
    digits = name.isascii() and name.isdigit() and len(name) <= len(str(HIGHEST))
    number = digits and str(int(name)) == name and int(name) <= HIGHEST
    return number and (entry / SAVED_MODEL).is_file()
