"""Tab-separated files as GLUE writes them: UTF-8, one row a line, no quoting, columns found by name.

Refuses whatever does not fit, with file and line; it never guesses and never drops a row silently.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.glue_data.known_bad_rows import KnownDefect
from centrabert.modeling.formats.git_lfs import check_not_pointer

BYTE_ORDER_MARK = "\ufeff"  # at the start of the official MRPC files
SHOWN_CHARACTERS = 200  # of a header in a message: one line, even where the header is a sentence


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    Attributes:
      names: Of its columns.
      rows: The fields of every row.
      lines: Where every row stands, from 1.
    """

    path: Path
    names: tuple[str, ...]
    rows: tuple[Sequence[str], ...]
    lines: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> tuple[str, ...]:
        """The fields of a column; raises UserError if there is none of that name, or more than one."""
        if name not in self.names:
            raise UserError(f"{self.path}:1: there is no column {name!r}, only {_shown(self.names)}")
        if self.names.count(name) > 1:
            raise UserError(f"{self.path}:1: column {name!r} occurs twice in {_shown(self.names)}")
        position = self.names.index(name)
        return tuple(fields[position] for fields in self.rows)

    def unique_column(self, name: str) -> tuple[str, ...]:
        """As `column`; raises UserError for a field that is empty or stands there twice."""
        fields, seen = self.column(name), dict[str, int]()
        for field, line in zip(fields, self.lines, strict=True):
            if not field:
                raise UserError(f"{self.path}:{line}: column {name!r} is empty; give the row its {name}")
            if field in seen:
                raise UserError(
                    f"{self.path}:{line}: {name} {field} stands on line {seen[field]} already; "
                    "give every row one of its own"
                )
            seen[field] = line
        return fields


def read_table(path: Path, columns: Sequence[str] = (), defect: KnownDefect | None = None) -> Table:
    """Reads every row.

    Args:
      path: The file.
      columns: The names of all columns of a file without a header; () where the first line names them.
      defect: Rows that may be skipped, with a warning that counts them; None if there are none.

    Raises:
      UserError: The file is empty, is not UTF-8, is a Git LFS pointer, or has a row of another width.
      OSError: The file cannot be read.
    """
    data = path.read_bytes()
    lines = list(enumerate(_text(path, data).split("\n"), start=1))
    if not lines[-1][1]:
        lines.pop()  # what follows the last line break
    if not lines:
        raise UserError(f"{path}: the file is empty")
    names = tuple(columns) or tuple(_fields(lines.pop(0)[1]))
    if not lines:
        raise UserError(f"{path}: there is a header but no row")
    numbers, rows = zip(*_whole_rows(path, lines, names, defect), strict=True)
    return Table(path, names, rows, numbers)


def _text(path: Path, data: bytes) -> str:
    check_not_pointer(path, data)
    try:
        return data.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise UserError(f"{path}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from error


def _fields(line: str) -> list[str]:
    return line.removesuffix("\r").split("\t")


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
