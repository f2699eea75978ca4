"""Texts that have no label: a teacher says what a student learns of them."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.readers.text_file import read_lines


def unlabelled_file(folder: Path, task: str) -> Path:
    """Of a task, in a folder that has such files of several."""
    return folder / f"{task}.tsv"


def read_unlabelled(path: Path, pair: bool) -> tuple[list[str], list[str]]:
    """Reads one text, or two with a tab between them, from each line; lines without any are left out.

    Returns:
      The first and the second texts; "" where there is one.

    Raises:
      UserError: A line has another number of texts, or there is no line; and what `read_lines` raises.
      OSError: The file cannot be read.
    """
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        texts = line.split("\t")
        if not line.strip():
            continue
        if len(texts) != 1 + pair:
            wanted = "two texts with a tab between them" if pair else "one text"
            raise UserError(f"{path}:{number}: has {len(texts)} columns; the task reads {wanted}")
        rows.append((texts[0], texts[1] if pair else ""))
    if not rows:
        raise UserError(f"{path}: there is no text in it")
    first, second = zip(*rows, strict=True)
    return list(first), list(second)
