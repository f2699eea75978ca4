"""Comma-separated files: quoting of RFC 4180, fields that may hold commas and line breaks, strict."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.readers.table import Table, check_not_empty, check_width, numbered
from centrabert.glue_data.readers.text_file import read_text

FIELD = r'(?:"(?:[^"]|"")*"|[^",]*)'  # quoted, or without a quote anywhere
RECORD = re.compile(rf"{FIELD}(?:,{FIELD})*[\r\n]*")
MAX_FIELD = csv.field_size_limit()  # 131,072 characters


def read_csv(path: Path, header: bool = True) -> Table:
    """Reads every row.

    Args:
      header: False calls the columns of a file without a header "0", "1" and so on.

    Raises:
      UserError: A quote stands in a field without quotes or is never closed, a row has another width, or the
        file is empty, not UTF-8 or a Git LFS pointer.
      OSError: The file cannot be read.
    """
    records = list(_records(path, read_text(path)))
    if not records:
        raise UserError(f"{path}: the file is empty")
    first = records[0][1]
    names = tuple(first) if header else numbered(len(first))
    records = records[1:] if header else records
    if not records:
        raise UserError(f"{path}: there is a header but no row")
    for line, fields in records:
        check_not_empty(path, line, fields)
        check_width(path, line, fields, names)
    lines, rows = zip(*records, strict=True)
    return Table(path, names, rows, lines)


def _records(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Every record with the line on which it begins."""
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, strict=True)
    while True:
        begin = reader.line_num
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(f"{path}:{begin + 1}: {_reason(str(error))}") from error
        raw = "".join(lines[begin : reader.line_num])
        if '"' in raw and not RECORD.fullmatch(raw):
            raise UserError(
                f"{path}:{begin + 1}: a quote stands in a field that is not quoted; "
                'put the field in quotes and double those within it, as in "5"" disk"'
            )
        yield begin + 1, fields


def _reason(error: str) -> str:
    """What Python's csv finds wrong, in words that help; the row is the one that begins there."""
    if error == "unexpected end of data" or error.startswith("field larger"):
        return f"a quote is never closed, or a field has more than {MAX_FIELD:,} characters"
    if "expected after" in error:
        return 'text stands behind a closing quote; double the quotes within a field, as in "5"" disk"'
    return f"not CSV: {error}"
