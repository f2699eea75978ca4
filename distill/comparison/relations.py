"""How far what the tokens of a text have to do with each other differs between a student and its teacher.

A relation is a score for every pair of tokens, [batch, heads, length, length]: that of attention, or the
product of two values (Wang et al. 2020, "MiniLM"). Both models have as many heads, for they come from one
BERT, or from two with as many; widths of heads may differ. No label is needed, so any text will do.
"""

import tensorflow.compat.v1 as tf

from centrabert.distill.comparison.hidden_states import token_mean

NEVER = -1e9  # a score whose softmax is 0


def products(vectors: tf.Tensor) -> tf.Tensor:
    """The relation of each vector to each, their product over the root of their width.

    Args:
      vectors: Queries, keys or values, float32 [batch, heads, length, width].

    Returns:
      float32 [batch, heads, length, length].
    """
    width = tf.cast(tf.shape(vectors)[3], tf.float32)
    return tf.matmul(vectors, vectors, transpose_b=True) / tf.sqrt(width)


def divergence(student: tf.Tensor, teacher: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """The KL divergence of the student's softmax over the tokens from the teacher's; float32 [batch].

    It is the mean over heads and tokens.

    Args:
      student, teacher: Relations, float32 [batch, heads, length, length]; what is there at padding is not
        read.
      real: bool [batch, length], False at padding.
    """
    own, target = (
        tf.nn.log_softmax(tf.where_v2(real[:, None, None, :], scores, NEVER)) for scores in (student, teacher)
    )
    of_tokens = tf.reduce_sum(tf.exp(target) * (target - own), 3)  # [batch, heads, length]
    return token_mean(tf.reduce_mean(of_tokens, 1), real)


def squared_error(student: tf.Tensor, teacher: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """The mean squared difference of the scores over heads and pairs of tokens; float32 [batch].

    Arguments as those of `divergence`.
    """
    of_pairs = tf.reduce_mean(tf.math.squared_difference(student, teacher), 1)  # [batch, length, length]
    among = real[:, None, :] & real[:, :, None]
    tokens = tf.reduce_sum(tf.cast(real, tf.float32), 1)
    return tf.reduce_sum(tf.where_v2(among, of_pairs, 0.0), [1, 2]) / tf.maximum(tf.square(tokens), 1.0)
