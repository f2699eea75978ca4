"""The frozen trunk as training sees it: the bits of a text's tokens do not depend on its batch.

How TensorFlow's kernels round depends on the length that a batch is padded to, as vectors hold 16 numbers.
Padded to a multiple of 16, a text has the same bits alone, in any batch, and read back from a cache.
"""

from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode

ALIGNMENT = 16


def trunk_outputs(
    input_ids: tf.Tensor,
    segment_ids: tf.Tensor,
    padding_id: int,
    config: BertConfig,
    depths: Sequence[int],
) -> dict[int, tf.Tensor]:
    """What the trunk says after `depths` layers each, computed in one pass.

    Args:
      input_ids, segment_ids: int32 [batch, length].

    Returns:
      Depth -> float32 [batch, length, hidden]; what stands at padding means nothing.
    """
    length = tf.shape(input_ids)[1]
    missing = tf.minimum(-length % ALIGNMENT, config.max_position_embeddings - length)
    ids = tf.pad(input_ids, [[0, 0], [0, missing]], constant_values=padding_id)
    segments = tf.pad(segment_ids, [[0, 0], [0, missing]])
    mask = attention_mask(ids, padding_id)
    x, outputs, done = embed(ids, segments, config), {}, 0
    for depth in sorted(set(depths)):
        x, done = encode(x, mask, config, range(done, depth)), depth
        outputs[depth] = x[:, :length]
    return outputs
