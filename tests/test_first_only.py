"""The last layer of a branch that reads [CLS] computes [CLS] alone: same answers and gradients, less work."""

import dataclasses
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import numpy_bert
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.modeling.dropout import Dropout
from centrabert.modeling.encoder import attention_mask, embed, encode, pool_first

Array = npt.NDArray[Any]
TOLERANCE = 1e-6  # of the largest
ROWS, LENGTH, LAYERS = 5, 9, 2
WITHOUT_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


class Pass:
    """The pooled output of two layers, its gradients, and the rows of every matrix product with a kernel.

    Attributes:
      rows: First dimension of what every dense layer of the last transformer layer reads.
    """

    def __init__(self, first_only: bool, training: bool, rate: float = 0.0) -> None:
        config = dataclasses.replace(tiny.CONFIG, num_hidden_layers=LAYERS, **WITHOUT_DROPOUT)
        config = dataclasses.replace(config, hidden_dropout_prob=rate)
        input_ids, segment_ids = tiny.random_ids(ROWS, LENGTH, seed=3)
        with tf.Graph().as_default() as graph, tf.Session() as session:
            dropout = Dropout(7, tf.constant(0, tf.int64)) if training else None
            ids = tf.constant(input_ids)
            x = embed(ids, tf.constant(segment_ids), config, dropout)
            top = encode(x, attention_mask(ids), config, range(LAYERS), dropout, first_only)
            self.length = session.run(tf.shape(top)[1])
            pooled = pool_first(top, config)
            slopes = np.random.default_rng(1).standard_normal(pooled.shape)
            variables = {variable.op.name: variable for variable in tf.trainable_variables()}
            gradients = tf.gradients(tf.reduce_sum(pooled * slopes), list(variables.values()))
            tiny.load(session, numpy_bert.random_weights(config, seed=7))
            products = {
                operation.name.removesuffix("/MatMul"): operation.inputs[0]
                for operation in graph.get_operations()
                if operation.type == "MatMul" and operation.name.startswith("bert/encoder/layer_1/")
            }
            self.rows = {name: value.shape[0] for name, value in session.run(products).items()}
            dense = map(tf.convert_to_tensor, gradients)
            self.pooled, self.gradients = session.run([pooled, dict(zip(variables, dense, strict=True))])


@cache
def graph_pass(first_only: bool, training: bool) -> Pass:
    return Pass(first_only, training)


@pytest.mark.parametrize("training", [False, True], ids=["serving", "training"])
def test_equals_the_full_layer(training: bool) -> None:
    full, first = graph_pass(False, training), graph_pass(True, training)
    assert (full.length, first.length) == (LENGTH, 1)
    assert np.abs(first.pooled - full.pooled).max() < TOLERANCE
    largest = max(np.abs(gradient).max() for gradient in full.gradients.values())
    assert first.gradients.keys() == full.gradients.keys()
    for name, gradient in full.gradients.items():
        assert np.abs(first.gradients[name] - gradient).max() < TOLERANCE * largest, name


def test_computes_keys_and_values_of_all_tokens_and_all_else_of_the_first() -> None:
    of_all = {name for name, rows in graph_pass(True, False).rows.items() if rows == ROWS * LENGTH}
    of_first = {name for name, rows in graph_pass(True, False).rows.items() if rows == ROWS}
    layer = "bert/encoder/layer_1"
    assert of_all == {f"{layer}/attention/self/{name}" for name in ("key", "value")}
    assert of_first == {
        f"{layer}/attention/self/query",
        f"{layer}/attention/output/dense",
        f"{layer}/intermediate/dense",
        f"{layer}/output/dense",
    }
    assert set(graph_pass(False, False).rows.values()) == {ROWS * LENGTH}


def test_dropout_is_drawn_for_the_first_alone_and_again_the_same() -> None:
    one, same, none = (Pass(True, True, rate) for rate in (0.5, 0.5, 0.0))
    assert np.array_equal(one.pooled, same.pooled)
    assert np.abs(one.pooled - none.pooled).max() > 0.1
