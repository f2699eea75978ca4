"""LoRA in the graph and in NumPy: what stands still, where training begins, and what is merged."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import encode
from centrabert.modeling.layers.lora import MATRICES, LowRankUpdate

CONFIG = dataclasses.replace(
    tiny.CONFIG, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_hidden_layers=2
)
BRANCH = Branch(tiny.task("rte"), frozen=1, tuned=1)
UPDATE = LowRankUpdate(3, 6.0, tuple(MATRICES))
SHAPES = UPDATE.shapes(BRANCH, CONFIG)
LAYER = "bert/encoder/layer_1"
WEIGHTS = tiny.tensors({n: s for n, s in BRANCH.owned_shapes(CONFIG).items() if n.startswith(LAYER)}, seed=2)
X = np.random.default_rng(3).standard_normal([2, 5, 32]).astype(np.float32)
IDS = np.array([[7, 8, 9, 0, 0], [7, 8, 9, 4, 5]])


def test_matrices_and_shapes() -> None:
    query_and_value = LowRankUpdate(2, 8.0, ("query", "value")).shapes(Branch(BRANCH.task, 0, 2), CONFIG)
    assert query_and_value == {
        f"bert/encoder/layer_{layer}/attention/self/{matrix}/{part}": shape
        for layer in (0, 1)
        for matrix in ("query", "value")
        for part, shape in (("lora_a", (32, 2)), ("lora_b", (2, 32)))
    }
    assert len(SHAPES) == 12
    assert SHAPES[f"{LAYER}/intermediate/dense/lora_b"] == (3, 37)
    assert SHAPES[f"{LAYER}/output/dense/lora_a"] == (37, 3)


def test_merged_is_the_paper_s_sum() -> None:
    tensors = {**WEIGHTS, **tiny.tensors(SHAPES, seed=5)}
    merged = UPDATE.merged(tensors)
    assert merged.keys() == {f"{LAYER}/{matrix}" for matrix in MATRICES.values()}
    for name, found in merged.items():
        a, b = (tensors[name.replace("kernel", part)] for part in ("lora_a", "lora_b"))
        np.testing.assert_allclose(found, WEIGHTS[name] + 6 / 3 * np.dot(a, b), rtol=1e-5, atol=1e-6)
        assert found.dtype == np.float32
        assert np.linalg.matrix_rank(found - WEIGHTS[name], tol=1e-4) == 3
    assert UPDATE.merged(WEIGHTS) == {}


class Layer:
    """One own layer as training builds it, under the getter or plain.

    Attributes:
      starts: Variables as they are initialised.
      gradients: Of the sum of squares of the output, by the name of a variable; None where there is none.
    """

    def __init__(self, updated: bool, weights: dict[str, Any]) -> None:
        getter = UPDATE.getter(BRANCH, CONFIG, seed=4) if updated else None
        with tf.Graph().as_default(), tf.Session() as session:
            with tf.variable_scope("", custom_getter=getter):
                dropout = Dropout(0, tf.constant(0, tf.int64))
                top = encode(tf.constant(X), attention_mask(tf.constant(IDS), 0), CONFIG, [1], dropout)
            variables = {v.op.name: v for v in tf.global_variables()}
            self.trainable = {v.op.name for v in tf.trainable_variables()}
            found = dict(zip(variables, tf.gradients(tf.square(top), list(variables.values())), strict=True))
            session.run(tf.global_variables_initializer())
            self.starts = session.run(variables)
            for name, value in weights.items():
                variables[name].load(value, session)
            self.top = session.run(top)
            reached = {name: gradient for name, gradient in found.items() if gradient is not None}
            self.gradients = {**dict.fromkeys(variables), **session.run(reached)}


@pytest.fixture(scope="module")
def start() -> Layer:
    return Layer(True, WEIGHTS)


def test_training_begins_with_the_matrices_as_they_are(start: Layer) -> None:
    np.testing.assert_array_equal(start.top, Layer(False, WEIGHTS).top)
    for name in SHAPES:
        assert start.starts[name].any() == name.endswith("lora_a"), name
    a = [start.starts[name].ravel() for name in SHAPES if name.endswith("lora_a")]
    assert len({each[:5].tobytes() for each in a}) == 6  # each has numbers of its own
    assert 0.015 < np.concatenate(a).std() < 0.025


def test_what_stands_still_has_no_gradient(start: Layer) -> None:
    assert start.trainable == SHAPES.keys()
    assert {name for name, gradient in start.gradients.items() if gradient is not None} == SHAPES.keys()
    for name in SHAPES:  # B is zero, and so is what passes through it to A
        assert start.gradients[name].any() == name.endswith("lora_b"), name


def test_the_graph_computes_with_the_merged_matrices() -> None:
    tensors = {**WEIGHTS, **tiny.tensors(SHAPES, seed=5)}
    plain = Layer(False, {**WEIGHTS, **UPDATE.merged(tensors)}).top
    np.testing.assert_allclose(Layer(True, tensors).top, plain, atol=1e-5)


@pytest.mark.parametrize(
    ("update", "branch", "message"),
    [
        (LowRankUpdate(33, 8.0, ("query",)), BRANCH, "=33 is above 32, the width of the matrices"),
        (UPDATE, Branch(BRANCH.task, 0, 2, True), "trains them; give --fine_tuning_layers=2, or distil a"),
        (UPDATE, Branch(BRANCH.task, 2, 0), "a head alone has no layer to update"),
    ],
)
def test_a_branch_that_does_not_fit_is_refused(update: LowRankUpdate, branch: Branch, message: str) -> None:
    with pytest.raises(ValueError, match=f"^task rte: .*{re.escape(message)}"):
        update.check(branch, CONFIG)
    LowRankUpdate(32, 8.0, ("query",)).check(BRANCH, CONFIG)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0, 8.0, ("query",)), "--lora_rank=0 is below 1"),
        ((1, 0.0, ("query",)), "--lora_alpha=0.0 is not above 0"),
        ((1, float("nan"), ("query",)), "--lora_alpha=nan is not above 0"),
        ((1, 8.0, ("query", "quay")), "--lora_matrices: 'quay' is none of query, key, value, attention_out"),
        ((1, 8.0, ()), "--lora_matrices=: name at least one matrix, and none twice"),
        ((1, 8.0, ("key", "key")), "--lora_matrices=key,key: name at least one matrix, and none twice"),
    ],
)
def test_values_out_of_range_are_refused(values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        LowRankUpdate(*values)
