"""The trunk's output for every token of a data set, on disk, mapped into memory."""

import io
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.modeling.files import atomic_file

RESIDENT_BYTES = 2**28  # pages read since they were last given back


@dataclass
class TrunkOutputFile:
    """One file of [tokens, hidden], float32 or float16; padding is not kept.

    Pages that were read are given back now and then, so that memory stays flat however long the file is.
    """

    file: Path

    @cached_property
    def _tokens(self) -> Any:
        self._unreturned = 0
        return np.load(self.file, mmap_mode="r")

    def mapped(self) -> "TrunkOutputFile":
        """Itself, once the file is open; raises FileNotFoundError if it is not there."""
        _ = self._tokens
        return self

    @property
    def shape(self) -> tuple[int, int]:
        tokens, hidden = self._tokens.shape
        return int(tokens), int(hidden)

    @property
    def dtype(self) -> str:
        return str(self._tokens.dtype)

    def padded(
        self, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], least: int = 0
    ) -> npt.NDArray[np.float32]:
        """float32 [batch, length, hidden]: `lengths[r]` tokens from token `starts[r]` on, then zeros.

        Args:
          least: Zeros up to this length, if no row is longer.
        """
        tokens = self._tokens
        batch = np.zeros((len(starts), lengths.max(initial=least), tokens.shape[1]), np.float32)
        for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            batch[row, :length] = tokens[start : start + length]
        self._give_back(int(lengths.sum()) * tokens.shape[1] * tokens.itemsize)
        return batch

    def _give_back(self, read: int) -> None:
        self._unreturned += read
        if self._unreturned > RESIDENT_BYTES:
            self._tokens._mmap.madvise(mmap.MADV_DONTNEED)
            self._unreturned = 0


class TrunkOutputWriter:
    """Writes tokens in any order, without holding them in memory."""

    def __init__(self, descriptor: int, hidden: int, dtype: str, start: int) -> None:
        self._descriptor, self._dtype, self._start = descriptor, np.dtype(dtype), start
        self._token_bytes = hidden * self._dtype.itemsize

    def write(self, token: int, values: npt.NDArray[np.float32]) -> None:
        """Writes float32 [tokens, hidden] from number `token` on."""
        left = memoryview(np.ascontiguousarray(values, self._dtype).tobytes())
        position = self._start + token * self._token_bytes
        while left:
            written = os.pwrite(self._descriptor, left, position)
            left, position = left[written:], position + written


@contextmanager
def new_trunk_output_file(file: Path, tokens: int, hidden: int, dtype: str) -> Iterator[TrunkOutputWriter]:
    """Yields the writer of a new file of [tokens, hidden], which is there when the block ends well.

    Raises:
      OSError: The disk is full; told before anything is computed.
    """
    header = _header(tokens, hidden, dtype)
    with atomic_file(file) as aside, aside.open("wb") as out:
        os.posix_fallocate(out.fileno(), 0, file_bytes(tokens, hidden, dtype))
        out.write(header)
        out.flush()
        yield TrunkOutputWriter(out.fileno(), hidden, dtype, len(header))


def file_bytes(tokens: int, hidden: int, dtype: str) -> int:
    """The size of a file of trunk outputs."""
    return len(_header(tokens, hidden, dtype)) + tokens * hidden * np.dtype(dtype).itemsize


def _header(tokens: int, hidden: int, dtype: str) -> bytes:
    """Of NumPy's own file format."""
    header = io.BytesIO()
    description = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (tokens, hidden)}
    file_format: Any = np.lib.format  # not typed in every NumPy
    file_format.write_array_header_1_0(header, description)
    return header.getvalue()
