"""Which reader a file wants: by the format that is declared, or by the ending of its name."""

from collections.abc import Mapping
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.readers import conll, seq_files
from centrabert.glue_data.readers.conll import read_conll
from centrabert.glue_data.readers.csv_table import read_csv
from centrabert.glue_data.readers.jsonl import read_jsonl
from centrabert.glue_data.readers.seq_files import read_seq
from centrabert.glue_data.readers.table import Table
from centrabert.glue_data.readers.text_file import GZIPPED
from centrabert.glue_data.readers.tsv import read_table

TSV, CSV, JSONL, CONLL, SEQ, CENTRABERT = FORMATS = ("tsv", "csv", "jsonl", "conll", "seq", "centrabert")
ENDINGS = {".tsv": TSV, ".csv": CSV, ".jsonl": JSONL, ".conll": CONLL}
# The columns that hold text, label and, for a tagging, tags, unless a declaration says otherwise.
COLUMNS: Mapping[str, tuple[str, str, str]] = {
    **dict.fromkeys((TSV, CSV, JSONL), ("text", "label", "tags")),
    CONLL: (conll.WORDS, conll.TAGS, conll.TAGS),
    SEQ: (seq_files.TEXT, seq_files.LABEL, seq_files.TAGS),
    CENTRABERT: ("query", "intent", "tags"),
}
WITH_HEADER = (TSV, CSV)


def format_of(path: Path) -> str:
    """The format that a file's name tells; raises UserError for an ending that tells none."""
    ending = path.with_suffix("").suffix if path.suffix == GZIPPED else path.suffix
    if ending not in ENDINGS:
        raise UserError(
            f"{path}: its ending tells no format; name it *{', *'.join(ENDINGS)}, or declare its format: "
            f"{', '.join(FORMATS)}"
        )
    return ENDINGS[ending]


def read_rows(
    path: Path,
    of_format: str,
    header: bool = True,
    word: int = 0,
    tag: int = 1,
    must_have_labels: bool = True,
) -> Table:
    """Reads a file, or the folder of `seq`; raises as the reader of the format.

    Args:
      header: Whether the first line of a TSV or CSV file names its columns.
      word, tag: The columns of a CoNLL file.
      must_have_labels: False reads a CoNLL file without tags too.
    """
    if of_format == TSV:
        return read_table(path, header=header)
    if of_format == CSV:
        return read_csv(path, header)
    if of_format == CONLL:
        return read_conll(path, word, tag, must_have_labels)
    return read_seq(path) if of_format == SEQ else read_jsonl(path)
