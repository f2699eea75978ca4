"""What every reader makes of a file: rows, the names of their columns, and the line of each row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from centrabert.errors import UserError

SHOWN_CHARACTERS = 200  # of a header in a message: one line, even where the header is a sentence


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    Attributes:
      names: Of its columns.
      rows: The fields of every row: str, but what JSON has in a JSONL file, None where a key is missing.
      lines: Where every row stands, from 1.
    """

    path: Path
    names: tuple[str, ...]
    rows: tuple[Sequence[Any], ...]
    lines: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> tuple[Any, ...]:
        """The fields of a column; raises UserError if there is none of that name, or more than one."""
        if name not in self.names:
            raise UserError(f"{self.path}:1: there is no column {name!r}, only {shown(self.names)}")
        if self.names.count(name) > 1:
            raise UserError(f"{self.path}:1: column {name!r} occurs twice in {shown(self.names)}")
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


def check_not_empty(path: Path, line: int, content: str | Sequence[str]) -> None:
    """Raises UserError for a line without anything, where every line is a row."""
    if not content:
        raise UserError(f"{path}:{line}: the line is empty; remove it")


def check_width(path: Path, line: int, fields: Sequence[str], names: Sequence[str]) -> None:
    """Raises UserError unless a row has a field for every column."""
    if len(fields) != len(names):
        found = count_of_columns(len(fields))
        raise UserError(f"{path}:{line}: the row has {found}, expected {len(names)}: {shown(names)}")


def shown(names: Sequence[str]) -> str:
    """Names in a message."""
    text = ", ".join(map(repr, names))
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."


def numbered(count: int) -> tuple[str, ...]:
    """The names of the columns of a file without a header: "0", "1" and so on."""
    return tuple(map(str, range(count)))


def count_of_columns(count: int) -> str:
    """The number of a row's columns in a message."""
    return "1 column" if count == 1 else f"{count} columns"
