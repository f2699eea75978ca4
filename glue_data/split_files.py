"""Which file holds which split of a GLUE task, and how that file is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from centrabert.glue_data.known_bad_rows import KnownDefect


@dataclass(frozen=True)
class Split:
    """One file of a task's folder.

    Attributes:
      name: "train", "dev" or "test"; MNLI has "dev_mismatched" and "test_mismatched" too.
      file: Its name in the folder.
      columns: The columns of a file without a header; () where the first line names them.
      defect: Rows of the official file that may be skipped; None if there are none.
      submission: The prediction file that the GLUE server expects for it; "" if it expects none.
    """

    name: str
    file: str
    columns: tuple[str, ...] = ()
    defect: KnownDefect | None = None
    submission: str = ""

    @property
    def labelled(self) -> bool:
        """Test files carry no labels."""
        return not self.name.startswith("test")


def splits(folder: str, columns: Sequence[str] = (), defect: KnownDefect | None = None) -> tuple[Split, ...]:
    """The three files of most tasks; `columns` and `defect` concern train and dev alone."""
    return (
        Split("train", "train.tsv", tuple(columns), defect),
        Split("dev", "dev.tsv", tuple(columns), defect),
        Split("test", "test.tsv", submission=f"{folder}.tsv"),
    )


MNLI_SPLITS = (
    Split("train", "train.tsv"),
    Split("dev", "dev_matched.tsv"),
    Split("dev_mismatched", "dev_mismatched.tsv"),
    Split("test", "test_matched.tsv", submission="MNLI-m.tsv"),
    Split("test_mismatched", "test_mismatched.tsv", submission="MNLI-mm.tsv"),
)
