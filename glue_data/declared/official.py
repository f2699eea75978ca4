"""What a benchmark's own files of a task have that no key of a declaration says: those of GLUE."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.readers.known_bad_rows import KnownDefect
from centrabert.glue_data.readers.table import Table
from centrabert.glue_data.readers.tsv import read_table

# What numbers the rows of a test file: GLUE's "index", QQP's "id", Hugging Face's "idx"; in any case.
ROW_IDS = ("index", "id", "idx")


@dataclass(frozen=True)
class SplitFile:
    """One file of a task's folder, tab-separated.

    Attributes:
      name: "train", "dev" or "test"; MNLI has "dev_mismatched" and "test_mismatched" too.
      file: Its name in the folder.
      columns: The columns of a file without a header; () where the first line names them.
      defect: Rows of the official file that may be skipped; None if there are none.
      submission: The file of predictions that is expected for it; "" if none is.
    """

    name: str
    file: str
    columns: tuple[str, ...] = ()
    defect: KnownDefect | None = None
    submission: str = ""


@dataclass(frozen=True)
class Official:
    """The files, and how the benchmark scores them.

    Attributes:
      folder: The name of the task's folder among those of other tasks.
      files: All of them; those named "test..." have no labels.
      metrics: All that are reported; by the first a checkpoint is chosen.
      score_range: The lowest and highest score of a regression; None for a classification.
    """

    folder: str
    files: tuple[SplitFile, ...]
    metrics: tuple[str, ...]
    score_range: tuple[float, float] | None = None

    def paths(self, data: Path) -> Mapping[str, Path]:
        """The file of every split in the folder `data`."""
        return {each.name: data / each.file for each in self.files}

    def read(self, path: Path) -> Table:
        """Reads one of the files; raises UserError as `read_table`, and where it is absent."""
        if not path.is_file():
            raise self._absent(path)
        (source,) = (each for each in self.files if each.file == path.name)
        return read_table(path, source.columns, source.defect)

    def _absent(self, path: Path) -> UserError:
        folder = path.parent
        problem = f"there is no {path.name}" if folder.is_dir() else "there is no such folder"
        files = ", ".join(each.file for each in self.files)
        inner = folder / self.folder
        fix = f"did you mean {inner}?" if inner.is_dir() else f"a {self.folder} folder holds {files}"
        return UserError(f"{folder}: {problem}; {fix}")


def row_ids(table: Table) -> tuple[str, ...]:
    """What a file calls its rows; () if it has no column for that."""
    names = {name.lower(): name for name in table.names}
    key = next((names[name] for name in ROW_IDS if name in names), None)
    return table.unique_column(key) if key else ()
