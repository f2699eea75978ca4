"""CoNLL columns: a word and its tag on each line, an empty line behind every sentence."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.readers.table import Table, count_of_columns
from centrabert.glue_data.readers.text_file import read_lines

WORDS, TAGS = "words", "tags"  # the columns of the table
DOCUMENT = "-DOCSTART-"


def read_conll(path: Path, word: int, tag: int, must_have_tags: bool = True) -> Table:
    """Reads every sentence as one row: its words and its tags, tuples of the same length.

    Columns are parted by a tab, in a line that has one, or by spaces. Lines that begin a
    document (-DOCSTART-) are left out, and so are sentences without words.

    Args:
      word, tag: The columns, counted from 0.
      must_have_tags: False leaves the column of tags out where no line of the file has one.

    Raises:
      UserError: A line has too few columns, or the file has no sentence, is not UTF-8 or a Git LFS pointer.
      OSError: The file cannot be read.
    """
    lines = [(number, _fields(line)) for number, line in enumerate(read_lines(path), start=1)]
    tagged = must_have_tags or any(any(fields[tag : tag + 1]) for _, fields in lines if _is_word(fields))
    columns = {WORDS: word, TAGS: tag} if tagged else {WORDS: word}
    sentences = list(_sentences(path, lines, tuple(columns.values())))
    if not sentences:
        raise UserError(f"{path}: there is no sentence")
    first_lines, rows = zip(*sentences, strict=True)
    return Table(path, tuple(columns), rows, first_lines)


def _fields(line: str) -> list[str]:
    """The columns of a line; none of an empty one."""
    if not line.strip():
        return []
    return line.split("\t") if "\t" in line else [field for field in line.split(" ") if field]


def _is_word(fields: Sequence[str]) -> bool:
    return bool(fields) and fields[0] != DOCUMENT


def _sentences(
    path: Path, lines: Sequence[tuple[int, Sequence[str]]], columns: tuple[int, ...]
) -> Iterator[tuple[int, tuple[tuple[str, ...], ...]]]:
    """(first line, the wanted columns of its words) of each."""
    words: list[list[str]] = []
    for number, fields in [*lines, (len(lines) + 1, [])]:
        if not _is_word(fields):
            if words:
                yield number - len(words), tuple(zip(*words, strict=True))
            words = []
            continue
        if len(fields) <= max(columns):
            raise UserError(
                f"{path}:{number}: the line has {count_of_columns(len(fields))}, but column "
                f"{max(columns)} is wanted, counted from 0; an empty line ends a sentence"
            )
        words.append([fields[column] for column in columns])
