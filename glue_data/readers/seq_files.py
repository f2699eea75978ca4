"""The three files of ATIS and SNIPS: seq.in has the words of a text, seq.out their tags, label its intent."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.readers.table import Table
from centrabert.glue_data.readers.text_file import GZIPPED, read_lines

TEXT, TAGS, LABEL = "text", "tags", "label"  # the columns of the table
FILES = {TEXT: "seq.in", TAGS: "seq.out", LABEL: "label"}


def read_seq(folder: Path) -> Table:
    """Reads every row of a folder; only seq.in must be there.

    Raises:
      UserError: A file has another number of lines than seq.in, or is empty, not UTF-8 or a Git LFS pointer.
      OSError: A file cannot be read.
    """
    columns = {name: read_lines(path) for name, path in _files(folder).items()}
    if TEXT not in columns:
        raise UserError(
            f"{folder}: there is no {FILES[TEXT]}; such a folder holds {', '.join(FILES.values())}"
        )
    texts = _files(folder)[TEXT]
    for name, lines in columns.items():
        if len(lines) != len(columns[TEXT]):
            line = min(len(lines), len(columns[TEXT])) + 1
            raise UserError(
                f"{_files(folder)[name]}:{line}: has {len(lines)} lines, but {texts} has "
                f"{len(columns[TEXT])}; line by line they belong together"
            )
    rows = tuple(zip(*columns.values(), strict=True))
    return Table(texts, tuple(columns), rows, tuple(range(1, len(rows) + 1)))


def _files(folder: Path) -> dict[str, Path]:
    """Those that are there, gzipped or not."""
    candidates = {
        name: [each for each in (folder / file, folder / f"{file}{GZIPPED}") if each.is_file()]
        for name, file in FILES.items()
    }
    return {name: found[0] for name, found in candidates.items() if found}
