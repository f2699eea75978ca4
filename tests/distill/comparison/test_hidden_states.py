"""Distances of hidden states on numbers that can be checked by hand, with rubbish at padding."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from centrabert.distill.comparison import hidden_states

RUBBISH = [np.nan, 7.0]
STUDENT = tf.constant([[[3.0, 4.0], [1.0, 0.0], [1.0, 1.0]], [[0.0, 2.0], RUBBISH, [9.0, 9.0]]])
TEACHER = tf.constant([[[3.0, 0.0], [0.0, 5.0], [2.0, 2.0]], [[0.0, -2.0], [0.0, 0.0], [0.0, 0.0]]])
REAL = tf.constant([[True, True, True], [True, False, False]])


def test_squared_error() -> None:
    """The first row: 16/2, (1 + 25)/2 and (1 + 1)/2; the second has one token, 16/2."""
    found = hidden_states.squared_error(STUDENT, TEACHER, REAL)
    assert found.numpy() == pytest.approx([(8 + 13 + 1) / 3, 8])


def test_cosine_distance() -> None:
    """3/5, at a right angle, the same direction; and the opposite one."""
    found = hidden_states.cosine_distance(STUDENT, TEACHER, REAL)
    assert found.numpy() == pytest.approx([(0.4 + 1 + 0) / 3, 2])


def test_errors_of_one_vector() -> None:
    """Of length 1 the first ones are (3/5, 4/5) and (1, 0)."""
    own, other = STUDENT[:, 0], TEACHER[:, 0]
    assert hidden_states.vector_error(own, other).numpy() == pytest.approx([8, 8])
    found = hidden_states.direction_error(own, other)
    assert found.numpy() == pytest.approx([(0.4**2 + 0.8**2) / 2, 4 / 2])
