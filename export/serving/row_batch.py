"""Rows that are computed together, whichever request they came in."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

# The kinds of input that a row can have; of words there is one column.
TEXT, IDS, WORDS = ("text_a", "text_b"), ("input_ids", "segment_ids"), ("words",)
BYTES_PER_PIECE = 5  # of English text


@dataclass(frozen=True)
class RowBatch:
    """Some rows with the same kind of input.

    Attributes:
      input_kind: TEXT, IDS or WORDS; rows of two cannot be computed at once.
      columns: By the names of `input_kind`; texts object [rows] of bytes, ids int32 [rows, length], padded,
        words object [rows, words] of bytes, padded with b"".
      tasks: The tasks that are to answer each row, at least one.
    """

    input_kind: tuple[str, ...]
    columns: tuple[npt.NDArray[Any], ...]
    tasks: tuple[frozenset[str], ...]

    @property
    def rows(self) -> int:
        return len(self.tasks)

    @cached_property
    def length(self) -> int:
        """The length of the longest row in bytes of text. Rows of like length waste little padding."""
        if self.input_kind == IDS:
            return BYTES_PER_PIECE * int(self.columns[0].shape[1])
        if self.input_kind == WORDS:
            return max(sum(map(len, words)) + len(words) for words in self.columns[0])
        return max(len(a) + len(b) for a, b in zip(*self.columns, strict=True))


def concatenate(batches: list[RowBatch], padding_id: int) -> RowBatch:
    """All rows of batches with one kind of input; ids and words are padded to the longest."""
    input_kind = batches[0].input_kind
    padding = {"input_ids": padding_id, "segment_ids": 0, "words": b""}
    columns = []
    for name, *parts in zip(input_kind, *(batch.columns for batch in batches), strict=True):
        if name in padding:
            length = max(part.shape[1] for part in parts)
            parts = [padded(part, length, padding[name]) for part in parts]
        columns.append(np.concatenate(parts))
    return RowBatch(input_kind, tuple(columns), tuple(tasks for batch in batches for tasks in batch.tasks))


def padded(array: npt.NDArray[Any], length: int, value: Any) -> npt.NDArray[Any]:
    """[rows, length], filled up with `value`."""
    whole = np.full([len(array), length], value, array.dtype)
    whole[:, : array.shape[1]] = array
    return whole
