"""JSONL files: a JSON object on every line, whose keys are the columns."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.readers.table import Table, check_not_empty
from centrabert.glue_data.readers.text_file import read_lines
from centrabert.modeling.formats.json_file import parse_json


def read_jsonl(path: Path) -> Table:
    """Reads every row; a key that a row has not is None there.

    Raises:
      UserError: A line is no JSON object, or the file is empty, not UTF-8 or a Git LFS pointer.
      OSError: The file cannot be read.
    """
    lines = list(enumerate(read_lines(path), start=1))
    for number, line in lines:
        check_not_empty(path, number, line.strip())
    objects = [parse_json(line, str(path), number) for number, line in lines]
    names = tuple(dict.fromkeys(key for row in objects for key in row))
    if not names:
        raise UserError(f"{path}: no row has a key")
    rows = tuple([row.get(name) for name in names] for row in objects)
    return Table(path, names, rows, tuple(range(1, len(rows) + 1)))
