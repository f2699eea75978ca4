"""Files that are not there: Git LFS leaves a pointer of three lines where a large file was not fetched."""

from pathlib import Path

from centrabert.errors import UserError

BEGINNING = b"version https://git-lfs.github.com/spec/"


def check_not_pointer(path: Path, data: bytes) -> None:
    """Raises UserError, which says how to fetch the file, if `data`, its contents, is or holds a pointer.

    A pointer may stand below other lines, where files were joined.
    """
    at = 0 if data.startswith(BEGINNING) else data.find(b"\n" + BEGINNING) + 1
    if at or data.startswith(BEGINNING):
        line = data.count(b"\n", 0, at) + 1
        raise UserError(
            f"{path}:{line}: is a Git LFS pointer, not the file itself; fetch the file with `git lfs pull`"
        )


def check_file(path: Path) -> None:
    """As `check_not_pointer`, for a file of any size that may be absent: its beginning is looked at."""
    if path.is_file():
        with path.open("rb") as file:
            check_not_pointer(path, file.read(len(BEGINNING)))
