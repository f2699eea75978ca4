"""Rows that are computed together, however they were asked for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

TEXT, IDS = ("text_a", "text_b"), ("input_ids", "segment_ids")  # what a lane's rows are made of
BYTES = 5  # of English text in a word piece


@dataclass(frozen=True)
class Piece:
    """Some rows of one request.

    Attributes:
      lane: TEXT or IDS; rows of both cannot be computed at once.
      columns: By the lane's names; texts object [rows] of bytes, ids int32 [rows, length], zero-padded.
      tasks: What each row wants, at least one task.
    """

    lane: tuple[str, str]
    columns: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    tasks: tuple[frozenset[str], ...]

    @property
    def rows(self) -> int:
        return len(self.tasks)

    @cached_property
    def length(self) -> int:
        """How long the longest row is, in bytes of text. Rows of like length waste little padding."""
        if self.lane == IDS:
            return BYTES * int(self.columns[0].shape[1])
        return max(len(a) + len(b) for a, b in zip(*self.columns, strict=True))


def joined(pieces: list[Piece]) -> Piece:
    """All rows of pieces of one lane; ids are padded to the longest."""
    a, b = zip(*(piece.columns for piece in pieces), strict=True)
    if pieces[0].lane == IDS:
        length = max(piece.columns[0].shape[1] for piece in pieces)
        a, b = ([_padded(ids, length) for ids in column] for column in (a, b))
    columns = np.concatenate(a), np.concatenate(b)
    return Piece(pieces[0].lane, columns, tuple(task for piece in pieces for task in piece.tasks))


def _padded(ids: npt.NDArray[np.int32], length: int) -> npt.NDArray[np.int32]:
    return np.pad(ids, [(0, 0), (0, length - ids.shape[1])])
