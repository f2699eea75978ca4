"""Attention: of all tokens, and of [CLS] alone, over all tokens of a text."""

import math

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.dense import dense, kernel_and_bias
from centrabert.modeling.layers.dropout import Dropout, drop
from centrabert.modeling.layers.layer_states import (
    ATTENTION,
    ATTENTION_SCORES,
    KEY,
    NO_STATES,
    QUERY,
    VALUE,
    Record,
)

MASKED = -10000.0  # added to the attention scores of padding (modeling.py of BERT)


def attention_mask(input_ids: tf.Tensor, padding_id: int) -> tf.Tensor:
    """float32 [batch, 1, 1, length]: 0 at tokens, MASKED where the id is that of padding.

    Reshaped, and to a shape that says its rank: TensorFlow knows nothing of the shape of a tensor that is
    fed, and adds to the scores, in one pass with their product and scale, only what is known to be of rank 4.
    """
    shape = tf.shape(input_ids)
    masked = tf.cast(tf.equal(input_ids, padding_id), tf.float32) * MASKED
    return tf.reshape(masked, tf.stack([shape[0], 1, 1, shape[1]]))


def real_tokens(mask: tf.Tensor) -> tf.Tensor:
    """bool [batch, length]: where a mask from `attention_mask` has a token."""
    return tf.equal(mask[:, 0, 0], 0.0)


def head_shape(batch: tf.Tensor, length: "tf.Tensor | int", config: BertConfig) -> tf.Tensor:
    """The shape that attention splits rows into: [batch, length, heads, head]."""
    return tf.stack([batch, length, config.num_attention_heads, config.head_size])


def self_attention(
    rows: tf.Tensor,
    heads: tf.Tensor,
    mask: tf.Tensor,
    config: BertConfig,
    dropout: Dropout | None,
    record: Record,
) -> tf.Tensor:
    """Scaled dot-product attention of all tokens, before the output's dense layer.

    Args:
      rows: float32 [batch * length, hidden].
      heads: From `head_shape`.
      mask: From `attention_mask`.
      record: Is told queries, keys, values and attention; see `LayerState`.

    Returns:
      float32 [batch * length, hidden].
    """
    return _attention(rows, heads, rows, heads, mask, config, dropout, record)


def attention_of_first(
    tokens: tf.Tensor, mask: tf.Tensor, config: BertConfig, dropout: Dropout | None
) -> tf.Tensor:
    """`self_attention` for the first token of each text alone.

    In serving without keys and values, which would be as many as there are tokens. A score is the product of
    a query and a token's key; instead the query meets the key's kernel, and that the token. What attention
    sums are tokens, and the sum meets the value's kernel. The key's bias adds the same to all scores of a
    query, which softmax does not feel; the weights add up to one, and so the value's is added once.

    Args:
      tokens: float32 [batch, length, hidden].
      mask: From `attention_mask`.

    Returns:
      float32 [batch, hidden].
    """
    if dropout is not None:
        shape = tf.shape(tokens)
        one, all_of_them = (head_shape(shape[0], length, config) for length in (1, shape[1]))
        rows = tf.reshape(tokens, [-1, config.hidden_size])
        return _attention(tokens[:, 0], one, rows, all_of_them, mask, config, dropout, NO_STATES.at(1))
    hidden, heads = config.hidden_size, config.num_attention_heads
    with tf.variable_scope("attention/self"):
        query = dense(tokens[:, 0], hidden, hidden, "query", config)
        with tf.variable_scope("key"):
            kernel, _ = kernel_and_bias(hidden, hidden, config)
            # A row for each head: the query in the head's own columns, zero in all others.
            queries = tf.reshape(query[:, None] * _head_columns(config), [-1, hidden])
            met = tf.reshape(tf.matmul(queries, kernel, transpose_b=True), [-1, heads, hidden])
        weights = tf.nn.softmax(tf.matmul(met, tokens, transpose_b=True) + mask[:, 0])
        seen = tf.reshape(tf.matmul(weights, tokens), [-1, hidden])
        with tf.variable_scope("value"):
            kernel, bias = kernel_and_bias(hidden, hidden, config)
            summed = tf.reshape(tf.matmul(seen, kernel), [-1, heads * heads, config.head_size])
            # Of each head's row its own columns: pieces 0, heads + 1, 2 * (heads + 1)... of heads * heads.
            return tf.nn.bias_add(tf.reshape(summed[:, :: heads + 1], [-1, hidden]), bias)


def _head_columns(config: BertConfig) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """float32 [heads, hidden]: the scale of scores in a head's own columns, zero elsewhere."""
    scale = 1.0 / math.sqrt(config.head_size)
    return np.kron(scale * np.eye(config.num_attention_heads), np.ones(config.head_size)).astype(np.float32)


def _attention(
    x: tf.Tensor,
    x_heads: tf.Tensor,
    rows: tf.Tensor,
    heads: tf.Tensor,
    mask: tf.Tensor,
    config: BertConfig,
    dropout: Dropout | None,
    record: Record,
) -> tf.Tensor:
    """Scaled dot-product attention of the rows `x` over all `rows` of their text; the shape of `x`."""
    hidden = config.hidden_size
    with tf.variable_scope("attention/self"):
        query, key, value = (
            _swapped(tf.reshape(dense(source, hidden, hidden, name, config, dropout), shape), dropout)
            for name, source, shape in (("query", x, x_heads), ("key", rows, heads), ("value", rows, heads))
        )  # [batch, heads, length, head]
        scores = tf.matmul(query, key, transpose_b=True)  # [batch, heads, length of x, length]
        scores = scores * (1.0 / math.sqrt(config.head_size)) + mask
        weights = tf.nn.softmax(scores)
        for kind, tensor in (
            *((QUERY, query), (KEY, key), (VALUE, value)),
            *((ATTENTION_SCORES, scores), (ATTENTION, weights)),
        ):
            record(kind, tensor)
        weights = drop(weights, config.attention_probs_dropout_prob, dropout)
        return tf.reshape(_swapped(tf.matmul(weights, value), dropout), [-1, hidden])


def _swapped(x: tf.Tensor, dropout: Dropout | None) -> tf.Tensor:
    """Axes 1 and 2 of four exchanged.

    For serving as a sum of products without a sum: oneDNN's transposition, which TensorFlow would take, needs
    three times as long for one short text. Its gradient is the dearer one.
    """
    if dropout is not None:
        return tf.transpose(x, [0, 2, 1, 3])
    return tf.raw_ops.Einsum(inputs=[x], equation="abcd->acbd")
