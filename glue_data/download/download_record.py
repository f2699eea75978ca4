"""DOWNLOADS.json: what was downloaded, byte for byte, so that the next download can be held against it.

Copied to another machine it pins the same files there.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from centrabert.modeling.file_lock import exclusive
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format, same_keys

NAME = "DOWNLOADS.json"
# Version 0 did not say its version.
FORMAT = Format(NAME, version=1, upgrades={0: same_keys})


@dataclass(frozen=True)
class Entry:
    """One downloaded file.

    Attributes:
      url: Where it came from.
      bytes: Its size.
      sha256: Of its bytes, in hex.
    """

    url: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """The keys of DOWNLOADS.json: every file by its name."""

    files: dict[str, Entry]


def read(folder: Path) -> dict[str, Entry]:
    """File name -> entry; empty where nothing was recorded.

    Raises:
      UserError: The record is damaged.
    """
    path = folder / NAME
    return read_dataclass(Record, FORMAT.read(path), str(path)).files if path.exists() else {}


def add(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Records more files, or the same again; waits for another process that does so now."""
    with exclusive(folder, wait=True):
        files = {**read(folder), **entries}
        write_text(folder / NAME, FORMAT.text(asdict(Record(dict(sorted(files.items()))))))
