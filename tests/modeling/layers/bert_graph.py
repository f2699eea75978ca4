"""A whole BERT of modeling/layers/encoder.py in a session of its own, for tests to run."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf

from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import embed, encode, pool_first, pool_mean

Array = npt.NDArray[Any]


class RecordedDropout(Dropout):
    """Drops nothing, and remembers what it was asked: the graph of training, without its chance."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, int]] = []

    def __call__(self, x: tf.Tensor, rate: float) -> tf.Tensor:
        self.asked.append((rate, x.shape.rank))
        return x


class BertGraph:
    """Embeddings, every layer and both poolings, with `weights` under Google's names.

    Args:
      training: Builds the graph as for training, whose gradients are written by hand.

    Attributes:
      depths: The activations at every depth, embeddings first; float32 [batch, length, hidden] each.
      first, mean: The two poolings; float32 [batch, hidden].
    """

    def __init__(self, config: BertConfig, weights: Mapping[str, Array], training: bool = False) -> None:
        self.graph = tf.Graph()
        dropout = RecordedDropout() if training else None
        with self.graph.as_default():
            self.ids = tf.placeholder(tf.int32, [None, None])
            self.segments = tf.placeholder(tf.int32, [None, None])
            mask = attention_mask(self.ids, padding_id=0)
            self.depths = [embed(self.ids, self.segments, config, dropout)]
            for layer in range(config.num_hidden_layers):
                self.depths.append(encode(self.depths[-1], mask, config, [layer], dropout))
            self.first = pool_first(self.depths[-1], config)
            self.mean = pool_mean(self.depths[-1], mask)
            self.variables = {variable.op.name: variable for variable in tf.global_variables()}
            self.session = tf.Session()
            starts = {name: variable.initializer for name, variable in self.variables.items()}
            self.session.run(list(starts.values()), {s.inputs[1]: weights[n] for n, s in starts.items()})

    def run(self, ids: Array, segments: Array) -> dict[str, Array]:
        """`depths` [layers + 1, batch, length, hidden], `first` and `mean` [batch, hidden]."""
        fetches = {"depths": self.depths, "first": self.first, "mean": self.mean}
        outputs = self.session.run(fetches, {self.ids: ids, self.segments: segments})
        return {**outputs, "depths": np.stack(outputs["depths"])}
