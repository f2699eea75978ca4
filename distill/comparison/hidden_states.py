"""How far the hidden states of a student are from those of its teacher: one number for each row.

Both are as wide, for they come from one BERT, or from two of one width; so nothing is projected.
"""

import tensorflow.compat.v1 as tf


def squared_error(student: tf.Tensor, teacher: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """The mean squared difference of the numbers of all tokens; float32 [batch].

    Args:
      student, teacher: float32 [batch, length, hidden].
      real: bool [batch, length], False at padding.
    """
    return token_mean(tf.reduce_mean(tf.math.squared_difference(student, teacher), 2), real)


def cosine_distance(student: tf.Tensor, teacher: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """The mean over the tokens of 1 - the cosine; arguments and result as those of `squared_error`."""
    cosine = tf.reduce_sum(tf.math.l2_normalize(student, 2) * tf.math.l2_normalize(teacher, 2), 2)
    return token_mean(1.0 - cosine, real)


def vector_error(student: tf.Tensor, teacher: tf.Tensor) -> tf.Tensor:
    """The mean squared difference of the numbers of one vector for each row; float32 [batch].

    Args:
      student, teacher: float32 [batch, hidden], such as the hidden states of [CLS].
    """
    return tf.reduce_mean(tf.math.squared_difference(student, teacher), 1)


def direction_error(student: tf.Tensor, teacher: tf.Tensor) -> tf.Tensor:
    """`vector_error` of the vectors divided by their lengths."""
    return vector_error(tf.math.l2_normalize(student, 1), tf.math.l2_normalize(teacher, 1))


def token_mean(of_tokens: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """float32 [batch], the mean over what is no padding.

    Args:
      of_tokens: float32 [batch, length].
    """
    tokens = tf.reduce_sum(tf.cast(real, tf.float32), 1)
    return tf.reduce_sum(tf.where_v2(real, of_tokens, 0.0), 1) / tf.maximum(tokens, 1.0)
