"""Unpacking a zip archive that somebody else made: nothing lands outside the folder; all of it or nothing."""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from centrabert.errors import UserError
from centrabert.modeling.files import atomic_folder

LITTER = ("__MACOSX", ".DS_Store")


def extract(archive: Path, folder: Path) -> None:
    """Unpacks `archive` as `folder`, without the one folder that may surround all its files.

    Raises:
      UserError: It is no sound zip archive, or holds a link or a path that leads outside.
      FileExistsError: `folder` is there and not empty.
      OSError: The disk is full; nothing is left behind.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            _extract(opened, archive, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{archive}: not a sound zip archive ({error})") from None


def _extract(opened: zipfile.ZipFile, archive: Path, folder: Path) -> None:
    members = [info for info in opened.infolist() if not info.is_dir()]
    linked = [info.filename for info in members if stat.S_ISLNK(info.external_attr >> 16)]
    if linked:
        raise UserError(f"{archive}: {linked[0]!r} is a link; refused")
    try:
        targets = targets_of([info.orig_filename for info in members])
    except ValueError as error:
        raise UserError(f"{archive}: {error}") from None
    with atomic_folder(folder) as aside:
        _check_space(sum(info.file_size for info in members), archive, folder.parent)
        for info in members:
            if info.orig_filename in targets:
                _unpack(opened, info, aside / targets[info.orig_filename])


def targets_of(names: Iterable[str]) -> dict[str, PurePosixPath]:
    """Member name -> path inside the folder; litter is left out, one surrounding folder is dropped.

    Raises:
      UserError: A name leads outside, two files would land in one place, or there is none.
    """
    paths = {name: _inside(name) for name in names}
    paths = {name: path for name, path in paths.items() if not set(LITTER) & set(path.parts)}
    if not paths:
        raise UserError("holds no files")
    tops = {path.parts[0] for path in paths.values()}
    if len(tops) == 1 and all(len(path.parts) > 1 for path in paths.values()):
        paths = {name: PurePosixPath(*path.parts[1:]) for name, path in paths.items()}
    if len(set(paths.values())) < len(paths):
        raise UserError("holds two files of one name")
    return paths


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or set(name) & set("\\:\0"):
        raise UserError(f"the path {name!r} leads outside; refused")
    return path


def _check_space(needed: int, archive: Path, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            f"{folder}: the disk is too full: {archive.name} needs {needed:,} bytes, {free:,} are free"
        )


def _unpack(opened: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
