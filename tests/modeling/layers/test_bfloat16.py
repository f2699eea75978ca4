"""Products in bfloat16 against rounding in NumPy, and which layers have them."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.modeling.layers import bfloat16
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import encode

Array = npt.NDArray[Any]
RANDOM = np.random.default_rng(5)
X, KERNEL, SLOPE = (RANDOM.standard_normal(shape, np.float32) for shape in ((40, 24), (24, 56), (40, 56)))
ONE_STEP = 2.0**-7  # the largest distance of two neighbours in bfloat16, relative


def rounded(x: Array) -> Array:
    return x.astype(ml_dtypes.bfloat16).astype(np.float64)


class Pass:
    """The product of X and KERNEL, and the gradients of its linear form by SLOPE."""

    def __init__(self, dtype: tf.DType) -> None:
        with tf.Graph().as_default(), tf.Session() as session:
            x, kernel = tf.constant(X), tf.constant(KERNEL)
            y = bfloat16.product(x, tf.cast(kernel, dtype))
            self.y, self.dx, self.dkernel = session.run([y, *tf.gradients(y, [x, kernel], [SLOPE])])


def test_product_and_gradients_are_of_rounded_factors() -> None:
    """What is summed has 24 bits; of the sums, 8 are left."""
    found = Pass(tf.bfloat16)
    x, kernel, slope = rounded(X), rounded(KERNEL), rounded(SLOPE)
    for tensor, exact in (
        (found.y, x @ kernel),
        (found.dx, slope @ kernel.T),
        (found.dkernel, x.T @ slope),
    ):
        assert tensor.dtype == np.float32
        np.testing.assert_array_equal(tensor, rounded(tensor))
        np.testing.assert_allclose(tensor, exact, rtol=ONE_STEP, atol=1e-5)


def test_a_kernel_in_float32_has_the_bits_of_the_plain_product() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        plain = session.run(tf.matmul(tf.constant(X), tf.constant(KERNEL)))
    np.testing.assert_array_equal(Pass(tf.float32).y, plain)


class Layers:
    """The outputs of two layers in training: of the first, and of both.

    Attributes:
      rounded: The names of the products in bfloat16.
    """

    def __init__(self, getter: Callable[..., Any] | None) -> None:
        input_ids, _ = tiny.random_ids(4, 7, seed=2)
        x = np.random.default_rng(0).standard_normal([4, 7, tiny.CONFIG.hidden_size], np.float32)
        with tf.Graph().as_default() as graph, tf.Session() as session:
            mask = attention_mask(tf.constant(input_ids), 0)
            dropout = Dropout(3, tf.constant(0, tf.int64))
            with tf.variable_scope("", custom_getter=getter):
                first = encode(tf.constant(x), mask, tiny.CONFIG, [0], dropout)
                both = encode(first, mask, tiny.CONFIG, [1], dropout)
            tiny.load(session, tiny.tensors({v.op.name: tuple(v.shape) for v in tf.global_variables()}, 1))
            self.first, self.both = session.run([first, both])
            products = [each for each in graph.get_operations() if each.type == "MatMul"]
            self.rounded = {each.name for each in products if each.outputs[0].dtype == tf.bfloat16}


def test_all_six_matrices_of_layers_that_train_and_no_others() -> None:
    plain = Layers(None)
    found = Layers(bfloat16.rounding(lambda name: "layer_1/" in name))
    assert not plain.rounded
    assert len(found.rounded) == 6 and all("layer_1/" in name for name in found.rounded)
    np.testing.assert_array_equal(found.first, plain.first)
    difference = np.abs(found.both - plain.both).max()
    assert 1e-4 < difference < 0.1, difference


@pytest.mark.parametrize(
    "name", ["bert/embeddings/word_embeddings", "bert/pooler/dense/kernel", "output_weights", "kernel"]
)
def test_what_is_no_matrix_of_a_layer_is_read_as_it_is(name: str) -> None:
    getter = bfloat16.rounding(lambda name: True)
    with tf.Graph().as_default(), tf.variable_scope("", custom_getter=getter):
        read = tf.get_variable(name, [2, 2], tf.float32, use_resource=True)
    assert read.dtype.base_dtype == tf.float32
