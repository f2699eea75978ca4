"""One state of a teacher for every row of a data set, on disk: [batch, ...] without the padding."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.task_kind import TOKENS
from centrabert.modeling.layers.layer_states import ATTENTION, ATTENTION_SCORES, HIDDEN, LayerState
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.token_dataset import Rows
from centrabert.modeling.training.trunk_output_file import (
    TrunkOutputFile,
    TrunkOutputWriter,
    new_trunk_output_file,
)

LENGTH = None  # an axis as long as the row has tokens
Axes = tuple[int | None, ...]


def logits_axes(task: TaskSpec) -> Axes:
    """The axes of a row's logits, without the batch."""
    outputs = len(task.labels) or 1
    return (LENGTH, outputs) if task.reads == TOKENS else (outputs,)


def state_axes(state: LayerState, config: BertConfig) -> Axes:
    """The axes of a row's state, without the batch."""
    if state.kind == HIDDEN:
        return (LENGTH, config.hidden_size)
    if state.kind in (ATTENTION, ATTENTION_SCORES):
        return (config.num_attention_heads, LENGTH, LENGTH)
    return (config.num_attention_heads, LENGTH, config.head_size)


@dataclass(frozen=True)
class StateLayout:
    """Where each row's numbers lie in a file: one row after the other.

    Attributes:
      axes: Of a row's state; LENGTH stands for its number of tokens.
      lengths: int64 [rows].
    """

    axes: Axes
    lengths: Rows

    def shape(self, length: int) -> tuple[int, ...]:
        """Of the state of a row with so many tokens."""
        return tuple(length if size is LENGTH else size for size in self.axes)

    @cached_property
    def sizes(self) -> Rows:
        """How many numbers each row has, int64 [rows]."""
        of_length = [prod(self.shape(length)) for length in range(int(self.lengths.max(initial=0)) + 1)]
        return np.array(of_length, np.int64)[self.lengths]

    @cached_property
    def offsets(self) -> Rows:
        """int64 [rows + 1]; row r has the numbers offsets[r] to offsets[r + 1]."""
        return np.concatenate([[0], np.cumsum(self.sizes)])


@dataclass(frozen=True)
class StateFile:
    """A finished file, read as a feature of the rows."""

    file: Path
    layout: StateLayout

    @cached_property
    def _numbers(self) -> TrunkOutputFile:
        return TrunkOutputFile(self.file)

    def batch(self, rows: Rows, length: int) -> npt.NDArray[np.float32]:
        """float32 [batch, ...]: the rows' states with zeros for tokens up to `length`."""
        layout = self.layout
        numbers = self._numbers.padded(layout.offsets[rows], layout.sizes[rows])
        states = np.zeros((len(rows), *layout.shape(length)), np.float32)
        for index, row in enumerate(rows):
            shape = layout.shape(int(layout.lengths[row]))
            at_tokens: tuple[Any, ...] = (index, *map(slice, shape))
            states[at_tokens] = numbers[index, : layout.sizes[row], 0].reshape(shape)
        return states


class StateWriter:
    """Writes the states of rows in any order."""

    def __init__(self, numbers: TrunkOutputWriter, layout: StateLayout) -> None:
        self._numbers, self._layout = numbers, layout

    def write(self, rows: Rows, states: npt.NDArray[Any]) -> None:
        """Writes float32 [batch, ...], of which what stands at padding is left out."""
        layout = self._layout
        sizes = [size for size, axis in zip(states.shape[1:], layout.axes, strict=True) if axis is not LENGTH]
        if sizes != [axis for axis in layout.axes if axis is not LENGTH]:
            raise ValueError(f"states are {states.shape[1:]}, and their axes are {layout.axes}")
        for row, state in zip(rows, states, strict=True):
            shape = layout.shape(int(layout.lengths[row]))
            self._numbers.write(int(layout.offsets[row]), state[tuple(map(slice, shape))])


@contextmanager
def new_state_file(file: Path, layout: StateLayout) -> Iterator[StateWriter]:
    """Yields the writer of a new file, which is there when the block ends well.

    Raises:
      OSError: The disk is full; told before anything is computed.
    """
    with new_trunk_output_file(file, int(layout.offsets[-1]), 1, "float32") as numbers:
        yield StateWriter(numbers, layout)
