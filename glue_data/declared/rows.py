"""The rows of a data file as a declaration reads them: texts, and what the kind's labels are made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.glue_data.declared import row_values
from centrabert.glue_data.declared.declaration import (
    CLASSIFICATION,
    MULTILABEL,
    REGRESSION,
    TAGGING,
    Declaration,
    DeclarationError,
)
from centrabert.glue_data.declared.official import Official, row_ids
from centrabert.glue_data.declared.tagged_texts import read_tagged
from centrabert.glue_data.readers.formats import COLUMNS, CONLL, WITH_HEADER, format_of, read_rows
from centrabert.glue_data.readers.table import Table

TEXT = "text"  # as a task of a user's own calls it, and none of GLUE's
UNSET: tuple[Any, ...] = (None, "", [])  # what a file without labels may have in their place


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    Attributes:
      lines: Where each stands.
      labels: For every row a label, a score, a tuple of labels or a tuple of tags, as the kind has them; None
        for a file without labels.
      ids: What an official file calls its rows; () where it does not.
    """

    path: Path
    lines: tuple[int, ...]
    text_a: tuple[str, ...]
    text_b: tuple[str, ...]
    labels: tuple[Any, ...] | None
    ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, rows: Sequence[int]) -> "Rows":
        """The rows numbered `rows`, in that order."""

        def taken(column: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(column[row] for row in rows)

        labels = None if self.labels is None else taken(self.labels)
        return Rows(self.path, taken(self.lines), taken(self.text_a), taken(self.text_b), labels)

    def wrong(self, row: int, message: str) -> UserError:
        """The error that names file and line."""
        return UserError(f"{self.path}:{self.lines[row]}: {message}")


def read_declared(declaration: Declaration, path: Path, must_have_labels: bool) -> Rows:
    """Reads a file.

    Raises:
      UserError: With file and line, for whatever does not fit.
      OSError: The file cannot be read.
    """
    if declaration.official:
        return _read_official(declaration, declaration.official, path, must_have_labels)
    of_format = declaration.format or format_of(path)
    try:
        declaration = replace(declaration, format=of_format)  # what an ending tells is checked as well
    except DeclarationError as error:
        raise UserError(f"{path}: {error}") from None
    text, label = _columns(declaration, of_format)
    header = not text.isdecimal()
    if of_format in WITH_HEADER and label.isdecimal() == header:
        raise declaration.wrong(
            "text" if declaration.text else "label",
            f"of text {text!r} and label {label!r} only one is a number; a file without a header has numbers "
            "for all its columns",
        )
    columns = dict(declaration.columns)
    if of_format == CONLL:
        columns |= _numbers(declaration)
        text, label = COLUMNS[CONLL][:2]
    table = read_rows(path, of_format, header, **columns, must_have_labels=must_have_labels)
    labelled = must_have_labels or (label in table.names and _any_set(table.column(label)))
    if declaration.kind == TAGGING:
        texts, labels = read_tagged(declaration, table, text, label if labelled else None)
    else:
        texts = _read(table, text, row_values.text)
        labels = _read(table, label, FIELDS[declaration.kind]) if labelled else None
    return Rows(table.path, table.lines, texts, _second(declaration, table), labels)


def _read_official(declaration: Declaration, official: Official, path: Path, labelled: bool) -> Rows:
    """As `read_declared`; a file without labels may name its rows."""
    table = official.read(path)
    if declaration.text not in table.names and TEXT in table.names:
        raise UserError(
            f"{path}:1: there is a column {TEXT}, unlike in the files of GLUE's {declaration.name}; give a "
            "task of your own another name"
        )
    texts, text_b = _read(table, declaration.text, row_values.text), _second(declaration, table)
    if not labelled:
        return Rows(path, table.lines, texts, text_b, None, row_ids(table))
    in_range = partial(row_values.score, between=official.score_range)
    read = in_range if declaration.kind == REGRESSION else FIELDS[declaration.kind]
    labels = _read(table, declaration.label, read)
    return Rows(path, table.lines, texts, text_b, labels)


def _second(declaration: Declaration, table: Table) -> tuple[str, ...]:
    """The second texts, or "" for every row."""
    column = declaration.text_b
    return _read(table, column, row_values.text) if column else ("",) * len(table)


FIELDS: Mapping[str, Callable[[Any, str], Any]] = {
    CLASSIFICATION: row_values.label,
    REGRESSION: row_values.score,
    MULTILABEL: row_values.labels,
}


def _columns(declaration: Declaration, of_format: str) -> tuple[str, str]:
    """The columns of text and label."""
    text, label, tags = COLUMNS[of_format]
    usual = tags if declaration.kind == TAGGING else label
    return declaration.text or text, declaration.label or usual


def _numbers(declaration: Declaration) -> dict[str, int]:
    """Of a CoNLL file, the columns that text and label say; none where they say its names, words and tags."""
    found = {}
    for column, key, name in zip(("word", "tag"), ("text", "label"), COLUMNS[CONLL][:2], strict=True):
        given = getattr(declaration, key)
        if given.isdecimal():
            found[column] = int(given)
        elif given not in ("", name):
            raise declaration.wrong(key, f"{key} {given!r}: the columns of CoNLL files have numbers, from 0")
    return found


def _any_set(fields: Sequence[Any]) -> bool:
    return any(field not in UNSET for field in fields)


def _read(table: Table, column: str, read: Callable[[Any, str], Any]) -> tuple[Any, ...]:
    values = []
    for field, line in zip(table.column(column), table.lines, strict=True):
        try:
            values.append(read(field, column))
        except UserError as error:
            raise UserError(f"{table.path}:{line}: {error}") from None
    return tuple(values)
