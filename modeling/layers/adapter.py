"""Adapters: small bottlenecks in layers that otherwise stand still (Houlsby et al., 2019)."""

import zlib
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.dense import vector
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.gelu import activation
from centrabert.modeling.layers.normalization import bias_add_with_gradient

DEVIATION = 1e-2  # of the paper, section 3.6: below it all is well, far above it training fails


@dataclass(frozen=True)
class Adapter:
    """x + up(activation(down(x))): hidden -> size -> hidden, and at the start nearly x.

    Its variables are `adapter/down` and `adapter/up` of the enclosing scope. The activation is the encoder's.

    Attributes:
      size: The paper's m.
      seed: Of the first weights; those of each adapter depend on the names of its variables, too.
    """

    size: int
    seed: int = 0

    def __call__(self, x: tf.Tensor, config: BertConfig, dropout: Dropout | None = None) -> tf.Tensor:
        """float32 [rows, hidden] -> [rows, hidden]; with `dropout` it has the gradients of training."""
        activate = activation(config.hidden_act, training=dropout is not None)
        with tf.variable_scope("adapter"):
            narrow = activate(self._dense(x, config.hidden_size, self.size, "down", dropout))
            return x + self._dense(narrow, self.size, config.hidden_size, "up", dropout)

    def _dense(
        self, x: tf.Tensor, inputs: int, outputs: int, name: str, dropout: Dropout | None
    ) -> tf.Tensor:
        bias_add = tf.nn.bias_add if dropout is None else bias_add_with_gradient
        with tf.variable_scope(name) as scope:
            seed = self.seed + zlib.crc32(scope.name.encode())
            start = tf.truncated_normal_initializer(stddev=DEVIATION, seed=seed)
            kernel = tf.get_variable("kernel", [inputs, outputs], tf.float32, start, use_resource=True)
            bias = vector("bias", outputs, tf.zeros_initializer())
            return bias_add(tf.matmul(x, kernel), tf.convert_to_tensor(bias))
