"""The words of a data set and their places: one table of all rows, cut into batches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from centrabert.modeling.words.word_places import COLUMNS, FIRST_PIECE, PADDING


@dataclass(frozen=True)
class WordTable:
    """Where the words of every row stand, see `words/word_places.py`.

    Attributes:
      places: int32 [words of all rows, COLUMNS], of the words that were kept.
      offsets: int64 [rows + 1]; row r has the words offsets[r] to offsets[r + 1].
      cut: int32 [rows], how many words of a row had no room.
    """

    places: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    cut: npt.NDArray[np.int32]

    @property
    def words(self) -> npt.NDArray[np.int64]:
        """int64 [rows], words of each row, with those that were cut."""
        return np.asarray(np.diff(self.offsets) + self.cut, np.int64)

    def take(self, rows: npt.NDArray[np.int64]) -> "WordTable":
        """Those of the rows numbered `rows`, in that order."""
        tables = [self.places[self.offsets[row] : self.offsets[row + 1]] for row in rows]
        lengths = np.diff(self.offsets)[rows]
        return WordTable(
            np.concatenate([np.zeros([0, COLUMNS], np.int32), *tables]),
            np.concatenate([[0], np.cumsum(lengths)]),
            self.cut[rows],
        )

    def followed_by(self, other: "WordTable") -> "WordTable":
        """The words of these rows and behind them of others."""
        return WordTable(
            np.concatenate([self.places, other.places]),
            np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
            np.concatenate([self.cut, other.cut]),
        )

    def batch(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """int32 [batch, words of the longest, COLUMNS]."""
        lengths = np.diff(self.offsets)[rows]
        padded = np.full([len(rows), int(lengths.max(initial=0)), COLUMNS], PADDING, np.int32)
        for place, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            padded[place, :length] = self.places[self.offsets[row] : self.offsets[row] + length]
        return padded


def word_table(tables: Sequence[npt.NDArray[np.int32]], cut: Sequence[npt.NDArray[np.int32]]) -> WordTable:
    """The table of rows that were read in chunks, [rows, words, COLUMNS] and [rows] each."""
    real = [table[:, :, FIRST_PIECE] != PADDING for table in tables]
    lengths = np.concatenate([each.sum(1) for each in real])
    places = np.concatenate([table[each] for table, each in zip(tables, real, strict=True)])
    return WordTable(places, np.concatenate([[0], np.cumsum(lengths)]), np.concatenate(cut))
