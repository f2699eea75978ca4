"""Relations between tokens against NumPy, written out token by token, with rubbish at padding."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.distill.comparison import relations

RANDOM = np.random.default_rng(6)
LENGTHS, HEADS, LENGTH = (5, 2, 1), 3, 5
REAL = np.arange(LENGTH) < np.array(LENGTHS)[:, None]
SHAPE = (len(LENGTHS), HEADS, LENGTH, LENGTH)


def scores(rubbish: float) -> tiny.Array:
    pairs = np.broadcast_to(REAL[:, None, None, :] & REAL[:, None, :, None], SHAPE)
    return np.where(pairs, 2 * RANDOM.standard_normal(SHAPE), rubbish)


# What BERT adds to the scores of padding, and what is read of a row that is kept without padding.
STUDENT, TEACHER = scores(-10000.0), scores(0.0)


def tensors() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    return tf.constant(STUDENT, tf.float32), tf.constant(TEACHER, tf.float32), tf.constant(REAL)


def test_products_by_hand() -> None:
    """Of two vectors of four numbers, so that the root of their width is 2."""
    vectors = tf.constant([[[[1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 3.0, -1.0]]]])
    assert relations.products(vectors).numpy().tolist() == [[[[3.0, 0.5], [0.5, 5.5]]]]


def test_divergence() -> None:
    expected = []
    for row, length in enumerate(LENGTHS):
        total = 0.0
        for head in range(HEADS):
            for token in range(length):
                own, target = (np.exp(each[row, head, token, :length]) for each in (STUDENT, TEACHER))
                own, target = own / own.sum(), target / target.sum()
                total += np.sum(target * np.log(target / own))
        expected.append(total / (HEADS * length))
    found = relations.divergence(*tensors()).numpy()
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert found[2] == 0  # a token alone looks at itself


def test_squared_error() -> None:
    expected = [
        np.mean((STUDENT[row, :, :length, :length] - TEACHER[row, :, :length, :length]) ** 2)
        for row, length in enumerate(LENGTHS)
    ]
    assert relations.squared_error(*tensors()).numpy() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("compare", [relations.divergence, relations.squared_error])
def test_no_gradient_reaches_padding(compare: object) -> None:
    student, teacher, real = tensors()
    with tf.GradientTape() as tape:
        tape.watch(student)
        loss = compare(student, teacher, real)  # type: ignore[operator]
    gradient = tape.gradient(loss, student).numpy()
    pairs = np.broadcast_to(REAL[:, None, None, :] & REAL[:, None, :, None], SHAPE)
    assert np.isfinite(gradient).all() and not gradient[~pairs].any() and gradient[0].any()
