"""States on disk: without padding, read back for any batch, in the axes of every kind of state."""

from pathlib import Path

import numpy as np
import pytest
import tiny

from centrabert.distill.state_file import (
    LENGTH,
    StateFile,
    StateLayout,
    logits_axes,
    new_state_file,
    state_axes,
)
from centrabert.modeling.layers.layer_states import LayerState

LENGTHS = np.array([3, 5, 2, 4])
AXES = [(3,), (LENGTH, 2), (2, LENGTH, 3), (2, LENGTH, LENGTH)]


def numbered(layout: StateLayout) -> list[tiny.Array]:
    """The state of every row, filled with 1, 2, 3 and so on, so that a swap cannot hide."""
    ends = np.cumsum(layout.sizes)
    return [
        np.arange(end - size + 1, end + 1, dtype=np.float32).reshape(layout.shape(length))
        for end, size, length in zip(ends, layout.sizes, LENGTHS, strict=True)
    ]


def padded(states: list[tiny.Array], length: int, layout: StateLayout, filler: float) -> tiny.Array:
    batch = np.full([len(states), *layout.shape(length)], filler, np.float32)
    for index, state in enumerate(states):
        batch[(index, *map(slice, state.shape))] = state
    return batch


@pytest.mark.parametrize("axes", AXES, ids=str)
def test_what_is_written_is_read(axes: tuple[int | None, ...], tmp_path: Path) -> None:
    layout = StateLayout(axes, LENGTHS)
    rows = numbered(layout)
    file = tmp_path / "state.npy"
    with new_state_file(file, layout) as writer:
        for order, length in (([2, 0], 3), ([3, 1], 7)):  # the second padded further than its longest row
            writer.write(np.array(order), padded([rows[row] for row in order], length, layout, np.nan))
    assert np.load(file).ravel().tolist() == list(range(1, 1 + sum(row.size for row in rows)))
    for order, length in (([0, 1, 2, 3], 5), ([2], 2), ([2], 6), ([3, 3, 0], 4)):
        batch = StateFile(file, layout).batch(np.array(order), length)
        np.testing.assert_array_equal(batch, padded([rows[row] for row in order], length, layout, 0))


def test_states_of_other_axes_are_refused(tmp_path: Path) -> None:
    layout = StateLayout((LENGTH, 2), LENGTHS)
    for shape in ([1, 3, 4], [1, 3]):
        with pytest.raises(ValueError), new_state_file(tmp_path / "state.npy", layout) as writer:
            writer.write(np.array([0]), np.zeros(shape, np.float32))
    assert list(tmp_path.iterdir()) == []


def test_axes() -> None:
    config = tiny.CONFIG
    assert state_axes(LayerState("hidden", 1), config) == (LENGTH, 32)
    for kind in ("query", "key", "value"):
        assert state_axes(LayerState(kind, 1), config) == (4, LENGTH, 8)
    for kind in ("attention", "attention_scores"):
        assert state_axes(LayerState(kind, 1), config) == (4, LENGTH, LENGTH)
    assert logits_axes(tiny.task("rte", labels=("a", "b", "c"))) == (3,)
    assert logits_axes(tiny.task("sim", "regression")) == (1,)
