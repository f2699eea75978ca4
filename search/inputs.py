"""What a search's results rest on besides their specs: the bytes of its BERT and of its data.

A job's spec names folders. So that no result of other data counts as one of these, the folder of a search
keeps the digests of what its jobs read.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.json_file import dump, read_json

FILE = "inputs.json"
CHUNK = 2**20


def check_inputs(
    output_dir: Path, bert_dir: Path, data_root: Path, tasks: Iterable[str]
) -> Mapping[str, str]:
    """The digests of what a search reads, by folder, for `note_inputs`; writes nothing.

    Raises:
      UserError: BERT or data have changed since the folder's first search with them.
      OSError: A file cannot be read.
    """
    known = _noted(output_dir)
    found = {str(folder): _digest(folder) for folder in _folders(bert_dir, data_root, tasks)}
    for folder, digest in found.items():
        if known.get(folder, digest) != digest:
            raise UserError(
                f"{folder}: has changed since {output_dir} was begun, whose results are of the old files; "
                "choose another --output_dir"
            )
    return found


def note_inputs(output_dir: Path, digests: Mapping[str, str]) -> None:
    """Adds digests to those that the folder keeps; raises OSError if the disk is full."""
    known = _noted(output_dir)
    if not digests.keys() <= known.keys():
        write_text(output_dir / FILE, dump({**known, **digests}))


def _noted(output_dir: Path) -> Mapping[str, str]:
    path = output_dir / FILE
    return read_json(path) if path.exists() else {}


def _folders(bert_dir: Path, data_root: Path, tasks: Iterable[str]) -> list[Path]:
    files = [file for task in tasks for file in find_task(task, data_root=data_root).splits.values()]
    return [bert_dir, *dict.fromkeys(file.parent for file in files)]


def _digest(folder: Path) -> str:
    """Of all files in it, names included; folders in it are not looked at."""
    whole = hashlib.sha256()
    for file in sorted(file for file in folder.iterdir() if file.is_file()):
        whole.update(f"{file.name}\n".encode())
        with file.open("rb") as read:
            while chunk := read.read(CHUNK):
                whole.update(chunk)
    return whole.hexdigest()
