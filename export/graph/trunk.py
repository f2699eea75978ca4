"""The trunk's part of the serving graph: embeddings, and one layer after the other."""

import tensorflow.compat.v1 as tf

from centrabert.export.graph.pieces import piece
from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.encoder import embed, encode


def trunk_outputs(
    input_ids: tf.Tensor, segment_ids: tf.Tensor, mask: tf.Tensor, config: BertConfig, depth: int
) -> list[tf.Tensor]:
    """float32 [batch, length, hidden] after the embeddings and after each of `depth` layers.

    Args:
      input_ids, segment_ids: int32 [batch, length].
      mask: From `attention_mask`.
    """
    with tf.name_scope("bert"):
        outputs = [embedded(input_ids, segment_ids, config)]
        for layer in range(depth):
            with tf.name_scope(f"layer_{layer}"):
                outputs.append(one_layer(outputs[-1], mask, first=layer, config=config))
    return outputs


def embedded(input_ids: tf.Tensor, segment_ids: tf.Tensor, config: BertConfig) -> tf.Tensor:
    """The embeddings; float32 [batch, length, hidden]."""
    with tf.name_scope("embeddings"):
        return _embed(input_ids, segment_ids, config=config)


@piece
def _embed(input_ids: tf.Tensor, segment_ids: tf.Tensor, *, config: BertConfig) -> tf.Tensor:
    return embed(input_ids, segment_ids, config)


@piece
def one_layer(x: tf.Tensor, mask: tf.Tensor, *, first: int, config: BertConfig) -> tf.Tensor:
    """The layer with the number `first`, in a scope of its own; float32 [batch, length, hidden]."""
    return encode(x, mask, config, [first])
