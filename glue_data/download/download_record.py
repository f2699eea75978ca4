"""DOWNLOADS.json: what was downloaded, byte for byte, so that the next download can be held against it.

Copied to another machine it pins the same files there.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.files import write_text

NAME = "DOWNLOADS.json"


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


def read(folder: Path) -> dict[str, Entry]:
    """File name -> entry; empty where nothing was recorded.

    Raises:
      UserError: The record is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {name: Entry(**keys) for name, keys in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not a record of downloads ({error}); mend or remove it") from None


def add(folder: Path, name: str, entry: Entry) -> None:
    """Records one more file, or the same again."""
    entries = {**read(folder), name: entry}
    files = {name: asdict(entries[name]) for name in sorted(entries)}
    write_text(folder / NAME, json.dumps({"files": files}, indent=2) + "\n")
