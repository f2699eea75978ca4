"""Tab-separated files as GLUE writes them: UTF-8, one row a line, no quoting, columns found by name.

Refuses whatever does not fit, with file and line; it never guesses and never drops a row silently.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from absl import logging

from centrabert.errors import UserError
from centrabert.glue_data.known_bad_rows import KnownDefect

BYTE_ORDER_MARK = "\ufeff"  # at the start of the official MRPC files
SHOWN_CHARACTERS = 200  # of a header in a message: one line, even where the header is a sentence


class Row(NamedTuple):
    """The wanted fields of one row and the line (from 1) where they stand."""

    line: int
    values: tuple[str, ...]


def read_rows(
    path: Path, wanted: Sequence[str], columns: Sequence[str] = (), defect: KnownDefect | None = None
) -> list[Row]:
    """Reads the columns `wanted`, in this order, of every row.

    Args:
      path: The file.
      wanted: Names of the columns to return; others may be there.
      columns: The names of all columns of a file without a header; () where the first line names them.
      defect: Rows that may be skipped, with a warning that counts them; None if there are none.

    Raises:
      UserError: The file is empty, is not UTF-8, lacks a column, or has a row of another width.
    """
    lines = list(enumerate(_text(path).split("\n"), start=1))
    if not lines[-1][1]:
        lines.pop()  # what follows the last line break
    if not lines:
        raise UserError(f"{path}: the file is empty")
    names = list(columns) or _fields(lines.pop(0)[1])
    places = _places(path, names, wanted)
    if not lines:
        raise UserError(f"{path}: there is a header but no row")
    rows = _whole_rows(path, lines, names, defect)
    return [Row(line, tuple(fields[place] for place in places)) for line, fields in rows]


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise UserError(f"{path}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from error


def _fields(line: str) -> list[str]:
    return line.removesuffix("\r").split("\t")


def _places(path: Path, names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where the wanted columns stand."""
    for name in wanted:
        if name not in names:
            raise UserError(f"{path}:1: there is no column {name!r}, only {_shown(names)}")
        if names.count(name) > 1:
            raise UserError(f"{path}:1: column {name!r} occurs twice in {_shown(names)}")
    return [names.index(name) for name in wanted]


def _shown(names: Sequence[str]) -> str:
    text = ", ".join(map(repr, names))
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."


def _whole_rows(
    path: Path, lines: Iterable[tuple[int, str]], names: Sequence[str], defect: KnownDefect | None
) -> list[tuple[int, list[str]]]:
    """The rows of the right width; skips those of the known defect."""
    rows, skipped = [], []
    for line, text in lines:
        fields = _fields(text)
        if len(fields) == len(names):
            rows.append((line, fields))
        elif defect and defect.matches(fields):
            skipped.append(line)
        else:
            raise UserError(
                f"{path}:{line}: the row has {_columns(len(fields))}, expected {len(names)}: {_shown(names)}"
            )
    if defect and skipped:
        _report_skipped(path, skipped, defect)
    if not rows:
        raise UserError(f"{path}: every row is broken")
    return rows


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


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
