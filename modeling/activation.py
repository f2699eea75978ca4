"""BERT's activation functions, with gradients that keep one tensor instead of ten."""

import math
from collections.abc import Callable

import tensorflow.compat.v1 as tf

Activation = Callable[[tf.Tensor], tf.Tensor]


def gelu_tanh(x: tf.Tensor) -> tf.Tensor:
    """Google's gelu: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) (modeling.py of BERT)."""
    return 0.5 * x * (1.0 + tf.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * tf.pow(x, 3))))


def gelu_exact(x: tf.Tensor) -> tf.Tensor:
    """The gelu of Hugging Face checkpoints: 0.5 x (1 + erf(x / sqrt(2)))."""
    return 0.5 * x * (1.0 + tf.math.erf(x * math.sqrt(0.5)))


def activation(hidden_act: str) -> Activation:
    """The function that `BertConfig.hidden_act` names."""
    return {"gelu": gelu_tanh, "gelu_exact": gelu_exact, "relu": tf.nn.relu}[hidden_act]
