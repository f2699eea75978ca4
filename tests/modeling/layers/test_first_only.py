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

from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import embed, encode, pool_first

Array = npt.NDArray[Any]
TOLERANCE = 1e-6  # of the largest
ROWS, LENGTH, LAYERS = 5, 9, 2
LAYER = "bert/encoder/layer_1"
SELF = f"{LAYER}/attention/self"
OF_FIRST = {
    f"{LAYER}/{name}": ROWS for name in ("attention/output/dense", "intermediate/dense", "output/dense")
}
WITHOUT_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


class Pass:
    """The pooled output of two layers, its gradients, and the rows of every matrix product with a kernel.

    Attributes:
      variables: The names of all.
      gradients: Of a random linear form of the output, by the variables it depends on.
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
            top = encode(x, attention_mask(ids, padding_id=0), config, range(LAYERS), dropout, first_only)
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
            found = {
                name: tf.convert_to_tensor(gradient)
                for name, gradient in zip(variables, gradients, strict=True)
                if gradient is not None
            }
            self.variables = variables.keys()
            self.pooled, self.gradients = session.run([pooled, found])


@cache
def graph_pass(first_only: bool, training: bool) -> Pass:
    return Pass(first_only, training)


@pytest.mark.parametrize("training", [False, True], ids=["serving", "training"])
def test_equals_the_full_layer(training: bool) -> None:
    full, first = graph_pass(False, training), graph_pass(True, training)
    assert (full.length, first.length) == (LENGTH, 1)
    assert np.abs(first.pooled - full.pooled).max() < TOLERANCE
    largest = max(np.abs(gradient).max() for gradient in full.gradients.values())
    assert first.variables == full.variables
    # Softmax does not feel the bias of the key, and serving does not read it.
    assert full.gradients.keys() - first.gradients.keys() == (set() if training else {f"{SELF}/key/bias"})
    for name, gradient in first.gradients.items():
        assert np.abs(gradient - full.gradients[name]).max() < TOLERANCE * largest, name


def test_padding_is_not_attended_to() -> None:
    config = dataclasses.replace(tiny.CONFIG, num_hidden_layers=1)
    input_ids = tiny.random_ids(ROWS, LENGTH, seed=3)[0]
    padded = np.pad(input_ids, [(0, 0), (0, 4)])
    with tf.Graph().as_default(), tf.Session() as session:
        ids = tf.placeholder(tf.int32, [None, None])
        x = embed(ids, tf.zeros_like(ids), config)
        pooled = pool_first(
            encode(x, attention_mask(ids, padding_id=0), config, [0], first_only=True), config
        )
        tiny.load(session, numpy_bert.random_weights(config, seed=7))
        short, long = (session.run(pooled, {ids: value}) for value in (input_ids, padded))
    assert np.abs(short - long).max() < TOLERANCE


def test_serving_computes_no_key_or_value_of_a_token() -> None:
    rows = graph_pass(True, training=False).rows
    per_head = ROWS * tiny.CONFIG.num_attention_heads
    assert rows == {
        f"{SELF}/query": ROWS,
        f"{SELF}/key": per_head,
        f"{SELF}/value": per_head,
        **OF_FIRST,
    }


def test_training_computes_keys_and_values_of_all_tokens_and_all_else_of_the_first() -> None:
    of_all = {f"{SELF}/{name}": ROWS * LENGTH for name in ("key", "value")}
    assert graph_pass(True, training=True).rows == {f"{SELF}/query": ROWS, **of_all, **OF_FIRST}
    assert set(graph_pass(False, training=True).rows.values()) == {ROWS * LENGTH}


def test_dropout_is_drawn_for_the_first_alone_and_again_the_same() -> None:
    one, same, none = (Pass(True, True, rate) for rate in (0.5, 0.5, 0.0))
    assert np.array_equal(one.pooled, same.pooled)
    assert np.abs(one.pooled - none.pooled).max() > 0.1
