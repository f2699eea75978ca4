"""BERT's graph: embeddings, a range of transformer layers, pooling; variables named as Google's.

Functions create variables in the enclosing scope: called at the root they build `bert/encoder/layer_3/...`,
called inside `variable_scope("rte")` they build `rte/bert/encoder/layer_3/...`. Without `dropout`, as in
serving and in frozen layers, no gradient is prepared.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.modeling.activation import activation
from centrabert.modeling.config import BertConfig
from centrabert.modeling.dropout import Dropout, drop
from centrabert.modeling.normalization import layer_norm, trained_bias_add, trained_layer_norm

MASKED = -10000.0  # added to the attention scores of padding (modeling.py of BERT)


def embed(
    input_ids: tf.Tensor, segment_ids: tf.Tensor, config: BertConfig, dropout: Dropout | None = None
) -> tf.Tensor:
    """Word, token type and position embeddings, normalised.

    Args:
      input_ids, segment_ids: int32 [batch, length].

    Returns:
      float32 [batch, length, hidden].
    """
    hidden = config.hidden_size
    with tf.variable_scope("bert/embeddings"):
        words = _variable("word_embeddings", [config.vocab_size, hidden], config)
        types = _variable("token_type_embeddings", [config.type_vocab_size, hidden], config)
        positions = _variable("position_embeddings", [config.max_position_embeddings, hidden], config)
        x = tf.gather(words, input_ids)
        x += tf.gather(types, segment_ids)
        x += positions[: tf.shape(input_ids)[1]]
        return drop(_layer_norm(x, hidden, dropout), config.hidden_dropout_prob, dropout)


def attention_mask(input_ids: tf.Tensor) -> tf.Tensor:
    """float32 [batch, 1, 1, length]: 0 at tokens, MASKED at padding, which is where the id is 0.

    Reshaped, and to a shape that says its rank: TensorFlow knows nothing of the shape of a tensor that is
    fed, and adds to the scores, in one pass with their product and scale, only what is known to be of rank 4.
    """
    shape = tf.shape(input_ids)
    masked = tf.cast(tf.equal(input_ids, 0), tf.float32) * MASKED
    return tf.reshape(masked, tf.stack([shape[0], 1, 1, shape[1]]))


def encode(
    x: tf.Tensor,
    mask: tf.Tensor,
    config: BertConfig,
    layers: Iterable[int],
    dropout: Dropout | None = None,
    first_only: bool = False,
) -> tf.Tensor:
    """Applies the transformer layers numbered `layers`, in that order.

    Args:
      x: float32 [batch, length, hidden].
      mask: From `attention_mask`.
      first_only: The last layer computes what [CLS] needs and no more: keys and values of all tokens, query,
        feed-forward and all else of the first. About a sixth of a layer.

    Returns:
      float32 [batch, length, hidden], or [batch, 1, hidden] for `first_only`.
    """
    shape, numbers = tf.shape(x), list(layers)
    rows = tf.reshape(x, [-1, config.hidden_size])  # [batch * length, hidden]; reshaped once, not per layer
    heads = _heads(shape[0], shape[1], config)
    for layer in numbers[:-1] if first_only else numbers:
        with tf.variable_scope(f"bert/encoder/layer_{layer}"):
            rows = _layer(rows, heads, _Text(rows, heads, mask), config, dropout)
    if not first_only:
        return tf.reshape(rows, [shape[0], shape[1], config.hidden_size])
    first = tf.reshape(rows, [shape[0], shape[1], config.hidden_size])[:, 0]
    with tf.variable_scope(f"bert/encoder/layer_{numbers[-1]}"):
        text = _Text(rows, heads, mask)
        return _layer(first, _heads(shape[0], 1, config), text, config, dropout)[:, None]


@dataclass(frozen=True)
class _Text:
    """What a layer attends to: rows of all tokens, the shape that attention splits them into, the mask."""

    rows: tf.Tensor
    heads: tf.Tensor
    mask: tf.Tensor


def _heads(batch: tf.Tensor, length: "tf.Tensor | int", config: BertConfig) -> tf.Tensor:
    """The shape that attention splits rows into: [batch, length, heads, head]."""
    return tf.stack([batch, length, config.num_attention_heads, config.head_size])


def pool_first(x: tf.Tensor, config: BertConfig) -> tf.Tensor:
    """BERT's pooler: tanh of a dense layer on [CLS]; float32 [batch, hidden]."""
    with tf.variable_scope("bert/pooler"):
        return tf.tanh(_dense(x[:, 0], config.hidden_size, config.hidden_size, "dense", config))


def pool_mean(x: tf.Tensor, input_ids: tf.Tensor) -> tf.Tensor:
    """Mean over all tokens that are not padding, with [CLS] and [SEP]; float32 [batch, hidden]."""
    tokens = tf.cast(tf.not_equal(input_ids, 0), tf.float32)[:, :, None]
    return tf.reduce_sum(x * tokens, 1) / tf.reduce_sum(tokens, 1)


def _layer(
    x: tf.Tensor, heads: tf.Tensor, text: _Text, config: BertConfig, dropout: Dropout | None
) -> tf.Tensor:
    """One layer for the rows `x`, all of a text or the first of each; attention splits them into `heads`."""
    hidden, inner, rate = config.hidden_size, config.intermediate_size, config.hidden_dropout_prob
    activate = activation(config.hidden_act, training=dropout is not None)
    with tf.variable_scope("attention"):
        attended = _attention(x, heads, text, config, dropout)
        with tf.variable_scope("output"):
            attended = _dense(attended, hidden, hidden, "dense", config, dropout)
            x = _layer_norm(drop(attended, rate, dropout) + x, hidden, dropout)
    with tf.variable_scope("intermediate"):
        wide = activate(_dense(x, hidden, inner, "dense", config, dropout))
    with tf.variable_scope("output"):
        narrow = _dense(wide, inner, hidden, "dense", config, dropout)
        return _layer_norm(drop(narrow, rate, dropout) + x, hidden, dropout)


def _attention(
    x: tf.Tensor, heads: tf.Tensor, text: _Text, config: BertConfig, dropout: Dropout | None
) -> tf.Tensor:
    """Scaled dot-product attention of the rows `x` over all tokens of their text; the shape of `x`."""
    hidden = config.hidden_size
    with tf.variable_scope("self"):
        query, key, value = (
            _swapped(tf.reshape(_dense(rows, hidden, hidden, name, config, dropout), shape), dropout)
            for name, rows, shape in (
                ("query", x, heads),
                ("key", text.rows, text.heads),
                ("value", text.rows, text.heads),
            )
        )  # [batch, heads, length, head]
        scores = tf.matmul(query, key, transpose_b=True)  # [batch, heads, length of x, length]
        scores = scores * (1.0 / math.sqrt(config.head_size)) + text.mask
        weights = drop(tf.nn.softmax(scores), config.attention_probs_dropout_prob, dropout)
        return tf.reshape(_swapped(tf.matmul(weights, value), dropout), [-1, hidden])


def _swapped(x: tf.Tensor, dropout: Dropout | None) -> tf.Tensor:
    """Axes 1 and 2 of four exchanged.

    For serving as a sum of products without a sum: oneDNN's transposition, which TensorFlow would take, needs
    three times as long for one short text. Its gradient is the dearer one.
    """
    if dropout is not None:
        return tf.transpose(x, [0, 2, 1, 3])
    return tf.raw_ops.Einsum(inputs=[x], equation="abcd->acbd")


def _dense(
    x: tf.Tensor, inputs: int, outputs: int, name: str, config: BertConfig, dropout: Dropout | None = None
) -> tf.Tensor:
    """x kernel + bias; [rows, inputs] -> [rows, outputs]."""
    bias_add = tf.nn.bias_add if dropout is None else trained_bias_add
    with tf.variable_scope(name):
        kernel = _variable("kernel", [inputs, outputs], config)
        bias = _vector("bias", outputs, tf.zeros_initializer())
        return bias_add(tf.matmul(x, kernel), bias)


def _layer_norm(x: tf.Tensor, size: int, dropout: Dropout | None) -> tf.Tensor:
    with tf.variable_scope("LayerNorm"):
        gamma = _vector("gamma", size, tf.ones_initializer())
        beta = _vector("beta", size, tf.zeros_initializer())
        return (layer_norm if dropout is None else trained_layer_norm)(x, gamma, beta)


def _vector(name: str, size: int, initializer: "tf.Initializer") -> tf.Tensor:
    return tf.convert_to_tensor(tf.get_variable(name, [size], tf.float32, initializer, use_resource=True))


def _variable(name: str, shape: list[int], config: BertConfig) -> tf.Variable:
    initializer = tf.truncated_normal_initializer(stddev=config.initializer_range)
    return tf.get_variable(name, shape, tf.float32, initializer, use_resource=True)
