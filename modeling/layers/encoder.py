"""BERT's graph: embeddings, a range of transformer layers, pooling; variables named as Google's.

Functions create variables in the enclosing scope: called at the root they build `bert/encoder/layer_3/...`,
called inside `variable_scope("rte")` they build `rte/bert/encoder/layer_3/...`. Without `dropout`, as in
serving and in frozen layers, no gradient is prepared.
"""

from collections.abc import Iterable

import tensorflow.compat.v1 as tf

from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.adapter import Adapter
from centrabert.modeling.layers.attention import attention_of_first, head_shape, real_tokens, self_attention
from centrabert.modeling.layers.dense import dense, variable, vector
from centrabert.modeling.layers.dropout import Dropout, drop
from centrabert.modeling.layers.gelu import activation
from centrabert.modeling.layers.layer_states import HIDDEN, NO_STATES, StateRecorder
from centrabert.modeling.layers.normalization import layer_norm, layer_norm_with_gradient


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
        words = variable("word_embeddings", [config.vocab_size, hidden], config)
        types = variable("token_type_embeddings", [config.type_vocab_size, hidden], config)
        positions = variable("position_embeddings", [config.max_position_embeddings, hidden], config)
        x = tf.gather(words, input_ids)
        x += tf.gather(types, segment_ids)
        x += positions[: tf.shape(input_ids)[1]]
        return drop(_layer_norm(x, hidden, dropout), config.hidden_dropout_prob, dropout)


def encode(
    x: tf.Tensor,
    mask: tf.Tensor,
    config: BertConfig,
    layers: Iterable[int],
    dropout: Dropout | None = None,
    first_only: bool = False,
    recorder: StateRecorder = NO_STATES,
    adapter: Adapter | None = None,
) -> tf.Tensor:
    """Applies the transformer layers numbered `layers`, in that order.

    Args:
      x: float32 [batch, length, hidden].
      mask: From `attention_mask`.
      first_only: The last layer, if there is one, computes what [CLS] needs and no more; see
        `attention_of_first`.
      recorder: Is told the states of the layers, and of `x` as what the first of them reads; of the last
        layer none for `first_only`.
      adapter: Stands in every layer behind the attention's output and the feed-forward output.

    Returns:
      float32 [batch, length, hidden], or [batch, 1, hidden] for `first_only`.
    """
    shape, numbers = tf.shape(x), list(layers)
    if first_only and not numbers:
        return x[:, :1]
    rows = tf.reshape(x, [-1, config.hidden_size])  # [batch * length, hidden]; reshaped once, not per layer
    heads = head_shape(shape[0], shape[1], config)
    recorder.record(min(numbers, default=0), HIDDEN, x)
    for layer in numbers[:-1] if first_only else numbers:
        depth = layer + 1
        with tf.variable_scope(f"bert/encoder/layer_{layer}"):
            attended = self_attention(rows, heads, mask, config, dropout, recorder.at(depth))
            rows = _layer(rows, attended, config, dropout, adapter)
        if recorder.wants(HIDDEN, depth):
            recorder.record(depth, HIDDEN, tf.reshape(rows, [shape[0], shape[1], config.hidden_size]))
    top = tf.reshape(rows, [shape[0], shape[1], config.hidden_size])
    if not first_only:
        return top
    with tf.variable_scope(f"bert/encoder/layer_{numbers[-1]}"):
        attended = attention_of_first(top, mask, config, dropout)
        return _layer(top[:, 0], attended, config, dropout, adapter)[:, None]


def pool_first(x: tf.Tensor, config: BertConfig) -> tf.Tensor:
    """BERT's pooler: tanh of a dense layer on [CLS]; float32 [batch, hidden]."""
    with tf.variable_scope("bert/pooler"):
        return tf.tanh(dense(x[:, 0], config.hidden_size, config.hidden_size, "dense", config))


def pool_mean(x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean over all tokens that are not padding, with [CLS] and [SEP]; float32 [batch, hidden].

    Of a row that is all padding the mean is 0.

    Args:
      x: float32 [batch, length, hidden].
      mask: From `attention_mask`.
    """
    tokens = tf.cast(real_tokens(mask), tf.float32)[:, :, None]
    return tf.reduce_sum(x * tokens, 1) / tf.maximum(tf.reduce_sum(tokens, 1), 1.0)


def _layer(
    x: tf.Tensor,
    attended: tf.Tensor,
    config: BertConfig,
    dropout: Dropout | None,
    adapter: Adapter | None,
) -> tf.Tensor:
    """The layer's output for the rows `x`, from what they attended to."""
    hidden, inner, rate = config.hidden_size, config.intermediate_size, config.hidden_dropout_prob
    activate = activation(config.hidden_act, training=dropout is not None)
    with tf.variable_scope("attention/output"):
        attended = dense(attended, hidden, hidden, "dense", config, dropout)
        attended = drop(attended, rate, dropout)
        attended = adapter(attended, config, dropout) if adapter else attended
        x = _layer_norm(attended + x, hidden, dropout)
    with tf.variable_scope("intermediate"):
        wide = activate(dense(x, hidden, inner, "dense", config, dropout))
    with tf.variable_scope("output"):
        narrow = dense(wide, inner, hidden, "dense", config, dropout)
        narrow = drop(narrow, rate, dropout)
        narrow = adapter(narrow, config, dropout) if adapter else narrow
        return _layer_norm(narrow + x, hidden, dropout)


def _layer_norm(x: tf.Tensor, size: int, dropout: Dropout | None) -> tf.Tensor:
    with tf.variable_scope("LayerNorm"):
        gamma = vector("gamma", size, tf.ones_initializer())
        beta = vector("beta", size, tf.zeros_initializer())
        read = map(tf.convert_to_tensor, (gamma, beta))
        return (layer_norm if dropout is None else layer_norm_with_gradient)(x, *read)
