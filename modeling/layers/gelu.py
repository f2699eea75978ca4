"""BERT's activation functions, and forms of them for training whose gradients take fewer passes."""

import math
from collections.abc import Callable

import tensorflow.compat.v1 as tf

SQRT_HALF = math.sqrt(0.5)
SQRT_2_BY_PI = math.sqrt(2 / math.pi)
CUBIC = 0.044715
Activation = Callable[[tf.Tensor], tf.Tensor]


def gelu_tanh(x: tf.Tensor) -> tf.Tensor:
    """Google's gelu: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) (modeling.py of BERT).

    TensorFlow orders the factors of a product by their names, and fuses only one order with the matrix
    product before it: the one where `gelu/...` comes after the `dense/BiasAdd` that x is.
    """
    with tf.name_scope("gelu"):
        return 0.5 * x * (1.0 + tf.tanh(SQRT_2_BY_PI * (x + CUBIC * tf.pow(x, 3))))


def gelu_exact(x: tf.Tensor) -> tf.Tensor:
    """The gelu of Hugging Face checkpoints: 0.5 x (1 + erf(x / sqrt(2)))."""
    return 0.5 * x * (1.0 + tf.math.erf(x * SQRT_HALF))


@tf.custom_gradient
def gelu_tanh_with_gradient(x: tf.Tensor) -> tuple[tf.Tensor, Activation]:
    """`gelu_tanh`; its derivative is 0.5 (1 + t) + 0.5 x (1 - t^2) u', t = tanh(u)."""
    square = tf.square(x)
    t = tf.tanh(SQRT_2_BY_PI * x * (1.0 + CUBIC * square))

    def gradient(dy: tf.Tensor) -> tf.Tensor:
        slope = SQRT_2_BY_PI * (1.0 + 3 * CUBIC * square)
        return dy * (0.5 * (1.0 + t) * (1.0 + x * (1.0 - t) * slope))

    return 0.5 * x * (1.0 + t), gradient


@tf.custom_gradient
def gelu_exact_with_gradient(x: tf.Tensor) -> tuple[tf.Tensor, Activation]:
    """`gelu_exact`; its derivative is P(x) + x p(x) with the normal distribution P and its density p."""
    distribution = 0.5 + 0.5 * tf.math.erf(x * SQRT_HALF)

    def gradient(dy: tf.Tensor) -> tf.Tensor:
        return dy * (distribution + x * (tf.exp(-0.5 * tf.square(x)) * (0.5 * SQRT_2_BY_PI)))

    return x * distribution, gradient


PLAIN = {"gelu": gelu_tanh, "gelu_exact": gelu_exact, "relu": tf.nn.relu}
WITH_GRADIENT = {"gelu": gelu_tanh_with_gradient, "gelu_exact": gelu_exact_with_gradient, "relu": tf.nn.relu}


def activation(hidden_act: str, training: bool) -> Activation:
    """The function that `BertConfig.hidden_act` names.

    Args:
      training: Whether gradients will be asked for. The plain forms are the ones that TensorFlow fuses.
    """
    return (WITH_GRADIENT if training else PLAIN)[hidden_act]
