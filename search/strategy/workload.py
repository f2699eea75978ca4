"""How much there is to read in a task, as far as can be told without its vocabulary."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.example import Example
from centrabert.glue_data.glue_tasks import glue_task
from centrabert.glue_data.reader import read
from centrabert.search.strategy.search_space import SearchSpace

WORD = re.compile(r"\w+|[^\w\s]")
PIECES_PER_WORD = 1.05  # BERT's English vocabulary: RTE 1.02, CoLA 1.04, STS-B 1.06, MRPC 1.07


@dataclass(frozen=True)
class Workload:
    """The rows of a task, and the word pieces of one pass over them in batches of like length.

    Attributes:
      train_tokens, dev_tokens: Estimates, padding included.

    Raises:
      UserError: A split has no rows.
    """

    task: str
    train_rows: int
    dev_rows: int
    train_tokens: int
    dev_tokens: int

    def __post_init__(self) -> None:
        for split, rows in (("train", self.train_rows), ("dev", self.dev_rows)):
            if rows < 1:
                raise UserError(f"task {self.task}: {split} has no rows")


def read_workload(task: str, space: SearchSpace) -> Workload:
    """Reads a task's train and dev files; raises UserError for one that is missing or malformed."""
    glue = glue_task(task)
    folder, specials = Path(space.data_root) / glue.folder, 3 if glue.pair else 2
    train, dev = (
        [_length(row, specials, space.max_seq_length) for row in read(glue, folder, split)]
        for split in ("train", "dev")
    )
    train = train[: space.max_train_rows or None]
    tokens = (batched_tokens(lengths, space.train_batch_size) for lengths in (train, dev))
    return Workload(task, len(train), len(dev), *tokens)


def _length(row: Example, specials: int, max_seq_length: int) -> int:
    """Word pieces with [CLS] and [SEP]."""
    words = sum(len(WORD.findall(text)) for text in (row.text_a, row.text_b))
    return min(max_seq_length, round(PIECES_PER_WORD * words) + specials)


def batched_tokens(lengths: Sequence[int], batch_size: int) -> int:
    """Word pieces of the rows in batches of like length, each padded to its longest."""
    ordered = sorted(lengths)
    batches = [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]
    return sum(len(batch) * batch[-1] for batch in batches)
