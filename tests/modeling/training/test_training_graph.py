"""The forms of the graph for training against the plain ones: values and hand-written gradients."""

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import numpy_bert
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers import gelu, normalization
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import embed, encode, pool_first

Array = npt.NDArray[Any]
TOLERANCE = 1e-5
CONFIG = dataclasses.replace(
    tiny.CONFIG, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_hidden_layers=2
)


class Pass:
    """Values and gradients of embeddings, two layers and the pooler.

    Attributes:
      ops: The types of the graph's operations.
      values: `top` [batch, length, hidden] and `pooled` [batch, hidden].
      gradients: Of a random linear form of both, by variable; `input` is that of the embeddings.
    """

    def __init__(self, config: BertConfig, training: bool) -> None:
        input_ids, segment_ids = tiny.random_ids(5, 9, seed=3)
        weights = numpy_bert.random_weights(config, seed=7)
        with tf.Graph().as_default() as graph, tf.Session() as session:
            dropout = Dropout(0, tf.constant(0, tf.int64)) if training else None
            ids = tf.constant(input_ids)
            embedded = embed(ids, tf.constant(segment_ids), config, dropout)
            top = encode(embedded, attention_mask(ids, padding_id=0), config, [0, 1], dropout)
            outputs = {"top": top, "pooled": pool_first(top, config)}
            random = np.random.default_rng(1)
            slopes = {"top": random.standard_normal([5, 9, 32]), "pooled": random.standard_normal([5, 32])}
            loss = tf.add_n([tf.reduce_sum(outputs[name] * slopes[name]) for name in outputs])
            variables = {v.op.name: v for v in tf.trainable_variables()}
            gradients = tf.gradients(loss, [*variables.values(), embedded])
            named = dict(zip([*variables, "input"], map(tf.convert_to_tensor, gradients), strict=True))
            tiny.load(session, weights)
            self.values, self.gradients = session.run([outputs, named])
            self.ops = {operation.type for operation in graph.get_operations()}


@cache
def graph_pass(hidden_act: str, training: bool) -> Pass:
    return Pass(dataclasses.replace(CONFIG, hidden_act=hidden_act), training)


@pytest.mark.parametrize("hidden_act", numpy_bert.ACTIVATIONS)
def test_forms_for_training_equal_the_plain_ones(hidden_act: str) -> None:
    plain, trained = graph_pass(hidden_act, training=False), graph_pass(hidden_act, training=True)
    assert len(trained.gradients) == 5 + 2 * 16 + 2 + 1
    for name, value in plain.values.items():
        assert np.abs(trained.values[name] - value).max() < TOLERANCE * np.abs(value).max(), name
    largest = max(np.abs(gradient).max() for gradient in plain.gradients.values())
    for name, gradient in plain.gradients.items():
        # Softmax does not feel a shift of all scores, so that the bias of the key has no gradient but noise.
        scale = largest if name.endswith("key/bias") else np.abs(gradient).max()
        assert np.abs(trained.gradients[name] - gradient).max() < TOLERANCE * scale, name


def test_training_uses_the_forms_for_training() -> None:
    """Without their own gradients TensorFlow would put its slow ones: the test above would compare equals."""
    plain, trained = graph_pass("gelu", training=False), graph_pass("gelu", training=True)
    assert {"RsqrtGrad", "Pow"} <= plain.ops
    assert not {"RsqrtGrad", "Pow"} & trained.ops


def test_dropout_of_zero_draws_no_mask() -> None:
    assert not [kind for kind in graph_pass("gelu", training=True).ops if "Random" in kind]


def central_difference(function: Callable[[Array], Array], x: Array, dy: Array, step: float) -> Array:
    """The gradient of sum(dy * function(x)), in double precision."""
    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        moved = [x.copy(), x.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        gradient[place] = np.sum(dy * (function(moved[0]) - function(moved[1]))) / (2 * step)
    return gradient


def numpy_layer_norm(x: Array, gamma: Array, beta: Array) -> Array:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12) * gamma + beta


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 7), (13, 3), (1, 37)], ids=str)
@pytest.mark.parametrize("mean", [0.0, 50.0])
def test_layer_norm_equals_finite_differences(shape: tuple[int, ...], mean: float) -> None:
    random = np.random.default_rng(2)
    x, dy = mean + random.standard_normal(shape), random.standard_normal(shape)
    gamma, beta = random.standard_normal(shape[-1]), random.standard_normal(shape[-1])
    inputs = [array.astype(np.float32).astype(np.float64) for array in (x, gamma, beta)]
    value, gradients = run(normalization.layer_norm_with_gradient, inputs, dy)
    relative = TOLERANCE * (1 + mean)  # single precision keeps less of a deviation from a larger mean
    np.testing.assert_allclose(value, numpy_layer_norm(*inputs), atol=relative)
    for place, gradient in enumerate(gradients):

        def function(moved: Array, place: int = place) -> Array:
            all_three = [moved if other == place else inputs[other] for other in range(3)]
            return numpy_layer_norm(all_three[0], all_three[1], all_three[2])

        expected = central_difference(function, inputs[place], dy, 1e-6)
        np.testing.assert_allclose(gradient, expected, atol=relative * np.abs(expected).max())


def test_layer_norm_of_a_row_without_variance() -> None:
    """Only epsilon divides there: x is scaled by 1e6, and so is the gradient, less its mean."""
    x, dy = np.full([3, 7], 0.5), np.random.default_rng(2).standard_normal([3, 7])
    value, (gradient, _, _) = run(normalization.layer_norm_with_gradient, [x, np.ones(7), np.zeros(7)], dy)
    assert np.array_equal(value, np.zeros([3, 7]))
    np.testing.assert_allclose(gradient, 1e6 * (dy - dy.mean(-1, keepdims=True)), rtol=1e-4, atol=1)


def test_layer_norm_of_one_element() -> None:
    value, gradients = run(normalization.layer_norm_with_gradient, [[[3.0]], [2.0], [5.0]], [[7.0]])
    assert [float(array.squeeze()) for array in (value, *gradients)] == [5.0, 0.0, 0.0, 7.0]


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 7), (0, 7)], ids=str)
def test_bias_add(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(2)
    x, dy, bias = random.standard_normal(shape), random.standard_normal(shape), random.standard_normal(7)
    value, gradients = run(normalization.bias_add_with_gradient, [x, bias], dy)
    np.testing.assert_allclose(value, x + bias, atol=1e-6)
    np.testing.assert_allclose(gradients[0], dy, atol=1e-6)
    np.testing.assert_allclose(gradients[1], dy.reshape(-1, 7).sum(0), atol=1e-6)


# Zero, the bend, where the tails end, and beyond the squares and cubes of what single precision can tell.
POINTS = np.array([0, 1e-9, 0.1, 0.7517, 1, 2, 3, 5, 8, 15, 40, 300])


@pytest.mark.parametrize("hidden_act", ["gelu", "gelu_exact"])
def test_gelu_equals_finite_differences_in_double_precision(hidden_act: str) -> None:
    points = np.concatenate([-POINTS, POINTS])
    dy = np.random.default_rng(2).standard_normal(points.shape)
    function = numpy_bert.ACTIVATIONS[hidden_act]
    value, (gradient,) = run(gelu.WITH_GRADIENT[hidden_act], [points], dy, tf.float64)
    expected = central_difference(function, points, dy, 1e-5)
    np.testing.assert_allclose(value, function(points), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("hidden_act", ["gelu", "gelu_exact"])
def test_gelu_is_finite_at_large_activations(hidden_act: str) -> None:
    points = np.array([-1e9, -1e4, 1e4, 1e9])
    value, (gradient,) = run(gelu.WITH_GRADIENT[hidden_act], [points], np.ones(4))
    np.testing.assert_allclose(value, [0, 0, 1e4, 1e9], atol=1e-6)
    np.testing.assert_allclose(gradient, [0, 0, 1, 1], atol=1e-6)


def run(
    function: Callable[..., tf.Tensor], inputs: list[Any], dy: Any, dtype: tf.DType = tf.float32
) -> tuple[Array, list[Array]]:
    """The value, and the gradient of sum(dy * value) by each of `inputs`."""
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = [tf.constant(array, dtype) for array in inputs]
        value = function(*tensors)
        found, gradients = session.run([value, tf.gradients(value, tensors, tf.constant(dy, dtype))])
    return found, gradients
