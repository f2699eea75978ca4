"""How much there is to read in a task, as far as can be told without its vocabulary."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.task_data import Examples
from centrabert.glue_data.task_lookup import find_task
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
    data = find_task(task, data_root=Path(space.data_root))
    specials = 3 if data.pair else 2
    train, dev = (_lengths(data.read(split), specials, space.max_seq_length) for split in ("train", "dev"))
    train = train[: space.max_train_rows or None]
    tokens = (batched_tokens(lengths, space.train_batch_size) for lengths in (train, dev))
    return Workload(task, len(train), len(dev), *tokens)


def _lengths(examples: Examples, specials: int, max_seq_length: int) -> list[int]:
    """Word pieces of every row with [CLS] and [SEP]."""
    words = (
        len(WORD.findall(text_a)) + len(WORD.findall(text_b))
        for text_a, text_b in zip(examples.text_a, examples.text_b, strict=True)
    )
    return [min(max_seq_length, round(PIECES_PER_WORD * count) + specials) for count in words]


def batched_tokens(lengths: Sequence[int], batch_size: int) -> int:
    """Word pieces of the rows in batches of like length, each padded to its longest."""
    ordered = sorted(lengths)
    batches = [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]
    return sum(len(batch) * batch[-1] for batch in batches)
