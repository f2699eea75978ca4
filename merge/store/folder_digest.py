"""SHA-256 of the files of a folder: how the store names what never changes, and finds what did."""

import hashlib
from collections.abc import Mapping
from pathlib import Path


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


def differing_file(expected: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """The first file that is absent, not expected, or of other bytes; None if all are as expected."""
    names = sorted(expected.keys() | found.keys())
    return next((name for name in names if expected.get(name) != found.get(name)), None)
