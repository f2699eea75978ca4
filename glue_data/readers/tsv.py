"""Tab-separated files as GLUE writes them: UTF-8, one row a line, no quoting, columns found by name.

Refuses whatever does not fit, with file and line; it never guesses and never drops a row silently.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.glue_data.readers.known_bad_rows import KnownDefect
from centrabert.glue_data.readers.table import Table, check_width, numbered
from centrabert.glue_data.readers.text_file import read_lines


def read_table(
    path: Path,
    columns: Sequence[str] = (),
    defect: KnownDefect | None = None,
    header: bool = True,
    blank_rows: bool = False,
) -> Table:
    """Reads every row.

    Args:
      path: The file.
      columns: The names of all columns of a file without a header; () where the first line names them.
      defect: Rows that may be skipped, with a warning that counts them; None if there are none.
      header: False calls the columns of a file without a header "0", "1" and so on.
      blank_rows: Whether a line without any character is a row, all of whose fields are empty.

    Raises:
      UserError: The file is empty, is not UTF-8, is a Git LFS pointer, or has a row of another width.
      OSError: The file cannot be read.
    """
    lines = list(enumerate(read_lines(path), start=1))
    first = lines[0][1].split("\t")
    names = tuple(columns) or (tuple(first) if header else numbered(len(first)))
    lines = lines[1:] if header and not columns else lines
    if not lines:
        raise UserError(f"{path}: there is a header but no row")
    if blank_rows:
        lines = [(line, text or "\t" * (len(names) - 1)) for line, text in lines]
    numbers, rows = zip(*_whole_rows(path, lines, names, defect), strict=True)
    return Table(path, names, rows, numbers)


def _whole_rows(
    path: Path, lines: Iterable[tuple[int, str]], names: Sequence[str], defect: KnownDefect | None
) -> list[tuple[int, list[str]]]:
    """The rows of the right width; skips those of the known defect."""
    rows, skipped = [], []
    for line, text in lines:
        fields = text.split("\t")
        if len(fields) != len(names) and defect and defect.matches(fields):
            skipped.append(line)
            continue
        check_width(path, line, fields, names)
        rows.append((line, fields))
    if defect and skipped:
        _report_skipped(path, skipped, defect)
    if not rows:
        raise UserError(f"{path}: every row is broken")
    return rows


def _report_skipped(path: Path, skipped: Sequence[int], defect: KnownDefect) -> None:
    if len(skipped) > defect.limit:
        raise UserError(
            f"{path}:{skipped[0]}: this and {len(skipped) - 1} more rows are {defect.what}, but the official "
            f"file has at most {defect.limit}; write every row on one line, without quoting"
        )
    logging.warning(
        "%s: skipped %d rows that are %s: lines %s",
        path,
        len(skipped),
        defect.what,
        ", ".join(map(str, skipped)),
    )
