"""CoNLL columns: a word and its tag on each line, an empty line behind every sentence."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.readers.table import Table
from centrabert.glue_data.readers.text_file import read_lines

WORDS, TAGS = "words", "tags"  # the columns of the table
DOCUMENT = "-DOCSTART-"


def read_conll(path: Path, word: int, tag: int) -> Table:
    """Reads every sentence as one row: its words and its tags, tuples of the same length.

    Columns are parted by a tab, in a line that has one, or by spaces. Lines that begin a
    document (-DOCSTART-) are left out, and so are sentences without words.

    Args:
      word, tag: The columns, counted from 0.

    Raises:
      UserError: A line has too few columns, or the file has no sentence, is not UTF-8 or a Git LFS pointer.
      OSError: The file cannot be read.
    """
    sentences = list(_sentences(path, read_lines(path), (word, tag)))
    if not sentences:
        raise UserError(f"{path}: there is no sentence")
    lines, rows = zip(*sentences, strict=True)
    return Table(path, (WORDS, TAGS), rows, lines)


def _sentences(
    path: Path, lines: Sequence[str], columns: tuple[int, int]
) -> Iterator[tuple[int, tuple[tuple[str, ...], tuple[str, ...]]]]:
    """(first line, (words, tags)) of each."""
    words: list[tuple[str, str]] = []
    for number, line in enumerate([*lines, ""], start=1):
        fields = line.split("\t") if "\t" in line else [field for field in line.split(" ") if field]
        if not line.strip() or fields[0] == DOCUMENT:
            if words:
                yield number - len(words), (tuple(word for word, _ in words), tuple(tag for _, tag in words))
            words = []
            continue
        if len(fields) <= max(columns):
            raise UserError(
                f"{path}:{number}: the line has {len(fields)} columns, but column {max(columns)} is wanted, "
                "counted from 0; an empty line ends a sentence"
            )
        words.append((fields[columns[0]], fields[columns[1]]))
