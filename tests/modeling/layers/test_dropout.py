"""Dropout: a mask of seed, step and place alone, dropped at the rate, the others scaled."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow.compat.v1 as tf

from centrabert.modeling.layers.dropout import Dropout, drop

Array = npt.NDArray[Any]
MANY = 400_001  # odd: the last of the 16-bit levels is drawn for nothing


def masks(seed: int, steps: list[int], shape: list[int], rate: float, places: int = 1) -> Array:
    """What becomes of ones: float32 [steps, places, *shape]."""
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int64, [])
        dropout = Dropout(seed, step)
        dropped = [dropout(tf.ones(shape), rate) for _ in range(places)]
        return np.array([session.run(dropped, {step: number}) for number in steps])


def test_the_same_seed_step_and_place_give_the_same_bits() -> None:
    """In another session, in another order of steps, and in a graph with more after it."""
    one = masks(7, [3, 4], [13, 5], 0.3, places=2)
    other = masks(7, [4, 3], [13, 5], 0.3, places=3)
    assert np.array_equal(one, other[::-1, :2])


def test_another_seed_step_or_place_gives_another_mask() -> None:
    drawn = np.stack([masks(seed, [0, 1, 2], [13, 5], 0.5, places=3) for seed in (0, 1, 2)])
    different = {mask.tobytes() for mask in drawn.reshape(27, -1)}
    assert len(different) == 27


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.013])
def test_rate(rate: float) -> None:
    mask = masks(1, [5], [MANY], rate)
    sigma = np.sqrt(rate * (1 - rate) / MANY)
    assert abs((mask == 0).mean() - rate) < 4 * sigma


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.013])
def test_survivors_are_scaled(rate: float) -> None:
    mask = masks(1, [5], [9999], rate)
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / (1 - rate))}


def test_masks_are_independent() -> None:
    """Of neighbouring seeds, steps and places: each pair agrees as often as chance has it."""
    dropped = np.stack([masks(seed, [0, 1], [MANY], 0.5, places=2) for seed in (0, 1)]).reshape(8, -1) == 0
    agreeing = np.array([(one == other).mean() for n, one in enumerate(dropped) for other in dropped[:n]])
    assert np.abs(agreeing - 0.5).max() < 4 * np.sqrt(0.25 / MANY)


def test_neighbours_in_a_mask_are_independent() -> None:
    """Two 16-bit levels are cut from each random word: of those, and of those of two words."""
    dropped = masks(3, [0], [MANY], 0.5)[0, 0] == 0
    for start, stride in ((0, 2), (1, 2), (0, 1)):
        pairs = np.stack([dropped[:-1], dropped[1:]])[:, start::stride]
        agreeing = (pairs[0] == pairs[1]).mean()
        assert abs(agreeing - 0.5) < 4 * np.sqrt(0.25 / pairs.shape[1])


@pytest.mark.parametrize("shape", [(1,), (7, 13), (3, 5, 7), (2, 3, 5, 7), (0, 4), ()])
def test_odd_sizes(shape: tuple[int, ...]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None] * len(shape))
        y = Dropout(0, tf.constant(1, tf.int64))(x, 0.4)
        assert session.run(y, {x: np.ones(shape)}).shape == shape


def test_a_value_survives_scaled_or_not_at_all() -> None:
    """And its gradient is dropped with it."""
    values = np.random.default_rng(0).standard_normal([37, 13]).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(values)
        y = Dropout(0, tf.constant(2, tf.int64))(x, 0.4)
        dropped, gradient = session.run([y, tf.gradients(y, x)[0]])
    assert np.array_equal(dropped, values * gradient)
    assert set(np.unique(gradient)) == {np.float32(0), np.float32(1 / 0.6)}


def test_nothing_happens_without_dropout() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.ones([3])
        dropout = Dropout(0, tf.constant(0, tf.int64))
        before = len(graph.get_operations())
        assert drop(x, 0.5, None) is x
        assert drop(x, 0.0, dropout) is x
        assert len(graph.get_operations()) == before
        assert drop(x, 0.5, dropout) is not x


def test_a_rate_of_zero_is_no_place() -> None:
    """So that a config without dropout draws no masks, and the others keep theirs."""
    with tf.Graph().as_default(), tf.Session() as session:
        dropout = Dropout(7, tf.constant(3, tf.int64))
        x = tf.ones([13, 5])
        dropout(x, 0.0)
        found = session.run(dropout(x, 0.3))
    assert np.array_equal(found, masks(7, [3], [13, 5], 0.3)[0, 0])


def test_the_step_is_read_when_the_graph_runs() -> None:
    """From the global step, which is a variable."""
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        y = Dropout(7, step)(tf.ones([13, 5]), 0.3)
        session.run(tf.global_variables_initializer())
        session.run(step.assign(4))
        found = session.run(y)
    assert np.array_equal(found, masks(7, [4], [13, 5], 0.3)[0, 0])
