"""MRPC's GLUE folder from the three files it is published in.

Microsoft's corpus has no dev set; GLUE's authors drew one and publish its pairs of sentence ids. The lines
are those that download_glue_data.py of the GLUE authors writes.
"""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.files import atomic_folder

TEST_HEADER = "index\t#1 ID\t#2 ID\t#1 String\t#2 String"
COLUMNS = 5


def assemble(train: Path, test: Path, dev_ids: Path, folder: Path) -> None:
    """Writes train.tsv, dev.tsv and test.tsv (without labels) into the new folder `folder`.

    Raises:
      UserError: A file is not UTF-8, or a line has not the columns it should have.
      FileExistsError: `folder` is there and not empty.
    """
    chosen = {tuple(_fields(dev_ids, number, line, 2)) for number, line in enumerate(_lines(dev_ids), 1)}
    header, *rows = _rows(train)
    dev = [row for row in rows if tuple(row[1:3]) in chosen]
    rest = [row for row in rows if tuple(row[1:3]) not in chosen]
    if len(dev) != len(chosen):
        raise UserError(f"{dev_ids}: names {len(chosen)} pairs, of which {train} has {len(dev)}")
    unlabelled = [[str(i), *row[1:]] for i, row in enumerate(_rows(test)[1:])]
    with atomic_folder(folder) as aside:
        _write(aside / "train.tsv", [header, *rest])
        _write(aside / "dev.tsv", [header, *dev])
        _write(aside / "test.tsv", [TEST_HEADER.split("\t"), *unlabelled])


def _rows(path: Path) -> list[list[str]]:
    return [_fields(path, number, line, COLUMNS) for number, line in enumerate(_lines(path), 1)]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}") from None


def _fields(path: Path, number: int, line: str, count: int) -> list[str]:
    fields = line.strip().split("\t")
    if len(fields) != count:
        raise UserError(f"{path}:{number}: {len(fields)} columns where {count} are expected")
    return fields


def _write(path: Path, rows: list[list[str]]) -> None:
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8", newline="\n")
