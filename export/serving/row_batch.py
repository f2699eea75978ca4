"""Rows that are computed together, whichever request they came in."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

TEXT, IDS = ("text_a", "text_b"), ("input_ids", "segment_ids")  # the kinds of input that a row can have
BYTES_PER_PIECE = 5  # of English text


@dataclass(frozen=True)
class RowBatch:
    """Some rows with the same kind of input.

    Attributes:
      input_kind: TEXT or IDS; rows of both cannot be computed at once.
      columns: By the names of `input_kind`; texts object [rows] of bytes, ids int32 [rows, length], padded.
      tasks: The tasks that are to answer each row, at least one.
    """

    input_kind: tuple[str, str]
    columns: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    tasks: tuple[frozenset[str], ...]

    @property
    def rows(self) -> int:
        return len(self.tasks)

    @cached_property
    def length(self) -> int:
        """The length of the longest row in bytes of text. Rows of like length waste little padding."""
        if self.input_kind == IDS:
            return BYTES_PER_PIECE * int(self.columns[0].shape[1])
        return max(len(a) + len(b) for a, b in zip(*self.columns, strict=True))


def concatenate(batches: list[RowBatch], padding_id: int) -> RowBatch:
    """All rows of batches with one kind of input; ids are padded to the longest, and segments with 0."""
    input_kind = batches[0].input_kind
    a, b = zip(*(batch.columns for batch in batches), strict=True)
    if input_kind == IDS:
        length = max(batch.columns[0].shape[1] for batch in batches)
        a = [_padded(ids, length, padding_id) for ids in a]
        b = [_padded(segments, length, 0) for segments in b]
    columns = np.concatenate(a), np.concatenate(b)
    return RowBatch(input_kind, columns, tuple(tasks for batch in batches for tasks in batch.tasks))


def _padded(ids: npt.NDArray[np.int32], length: int, value: int) -> npt.NDArray[np.int32]:
    return np.pad(ids, [(0, 0), (0, length - ids.shape[1])], constant_values=value)
