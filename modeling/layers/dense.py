"""Dense layers and their variables, in the enclosing variable scope, named and initialised as BERT's."""

import tensorflow.compat.v1 as tf

from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.bfloat16 import product
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.normalization import bias_add_with_gradient


def dense(
    x: tf.Tensor, inputs: int, outputs: int, name: str, config: BertConfig, dropout: Dropout | None = None
) -> tf.Tensor:
    """x kernel + bias; [rows, inputs] -> [rows, outputs].

    With `dropout`, as in training, the bias has a gradient of its own: `bias_add_with_gradient`.
    """
    bias_add = tf.nn.bias_add if dropout is None else bias_add_with_gradient
    with tf.variable_scope(name):
        kernel, bias = kernel_and_bias(inputs, outputs, config)
        return bias_add(product(x, kernel), tf.convert_to_tensor(bias))


def kernel_and_bias(inputs: int, outputs: int, config: BertConfig) -> tuple[tf.Variable, tf.Variable]:
    """The variables of a dense layer, float32 [inputs, outputs] and [outputs]."""
    return variable("kernel", [inputs, outputs], config), vector("bias", outputs, tf.zeros_initializer())


def vector(name: str, size: int, initializer: "tf.Initializer") -> tf.Variable:
    """A float32 variable of one axis."""
    return tf.get_variable(name, [size], tf.float32, initializer, use_resource=True)


def variable(name: str, shape: list[int], config: BertConfig) -> tf.Variable:
    """A float32 variable that starts as BERT's: normal, cut off, with the deviation of bert_config.json."""
    initializer = tf.truncated_normal_initializer(stddev=config.initializer_range)
    return tf.get_variable(name, shape, tf.float32, initializer, use_resource=True)
