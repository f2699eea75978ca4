"""The versions under an export folder, as TF Serving finds them: serving/<version>/saved_model.pb."""

from pathlib import Path

from centrabert.errors import UserError

SAVED_MODEL, ASSETS, EXTRA = "saved_model.pb", "assets", "assets.extra"  # TensorFlow's names
VARIABLES = "variables/variables"  # where a SavedModel keeps its checkpoint
SETTINGS = "tf_serving"  # beside the versions: no number, so no version to TF Serving
STABLE = "stable"  # a label
HIGHEST = 2**63 - 1  # TF Serving's messages hold no higher version


def version_path(export_dir: Path, version: int) -> Path:
    """The folder of a version; raises UserError unless `version` is a positive integer of 64 bits."""
    if version < 1:
        raise UserError(f"--version={version} is not a positive integer")
    if version > HIGHEST:
        raise UserError(f"--version={version} is above {HIGHEST}, the highest that TF Serving knows")
    path = export_dir / str(version)
    if (other := version_folder(export_dir, version)) != path:
        raise UserError(f"{other}: is version {version} already, to TF Serving too; choose another --version")
    return path


def version_folder(export_dir: Path, version: int) -> Path:
    """The folder of a version, which need not be there; TF Serving takes 00000123 for version 123, too."""
    path = export_dir / str(version)
    padded = (folder for folder in sorted(export_dir.glob(f"0*{version}")) if _number(folder) == version)
    return path if path.exists() else next(padded, path)


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
    numbers = {_number(entry) for entry in folder.iterdir() if (entry / SAVED_MODEL).is_file()}
    return {number: version_folder(folder, number) for number in numbers if number is not None}


def _number(entry: Path) -> int | None:
    """The version that a folder's name says; those still being written have names that are no number."""
    digits = entry.name.lstrip("0") or "0"
    is_number = entry.name.isascii() and entry.name.isdigit() and len(digits) <= len(str(HIGHEST))
    return int(digits) if is_number and int(digits) <= HIGHEST else None
