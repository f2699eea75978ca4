"""SHA-256 of the files of a folder: how the store names what never changes, and finds what did."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from centrabert.errors import UserError

DIGEST = re.compile("[0-9a-f]{64}")


def file_digest(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_digests(folder: Path) -> dict[str, str]:
    """By the path in the folder, with slashes, of every file below it."""
    return {
        path.relative_to(folder).as_posix(): file_digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check_digests(files: Mapping[str, str]) -> None:
    """Raises UserError unless each name is that of a file in a folder, and each digest a SHA-256."""
    for name, digest in files.items():
        if not name.isprintable() or not {"", ".", ".."}.isdisjoint(name.split("/")):
            raise UserError(f"the file {name!r} would lie outside of its folder")
        if not DIGEST.fullmatch(digest):
            raise UserError(f"{digest!r} of the file {name!r} is no SHA-256")


def differing_file(expected: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """The first file that is absent, not expected, or of other bytes; None if all are as expected."""
    names = sorted(expected.keys() | found.keys())
    return next((name for name in names if expected.get(name) != found.get(name)), None)
