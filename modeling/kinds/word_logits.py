"""From logits of every word piece to those of words: what stands at the first piece of each."""

import tensorflow.compat.v1 as tf

from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.words.word_places import FIRST_PIECE


def word_logits(head: Head) -> tf.Tensor:
    """float32 [batch, words, tags]: what stands at the first piece, 0 without one and at padding."""
    logits = tf.gather(head.logits, tf.maximum(_first_piece(head), 0), batch_dims=1)
    return logits * tf.cast(has_piece(head), tf.float32)[:, :, None]


def has_piece(head: Head) -> tf.Tensor:
    """bool [batch, words], whether a word has a piece at all; False at padding."""
    return _first_piece(head) > 0


def is_word(head: Head) -> tf.Tensor:
    """bool [batch, words], False at padding."""
    return _first_piece(head) >= 0


def word_counts(head: Head) -> tf.Tensor:
    """int32 [batch], words of each row."""
    return tf.reduce_sum(tf.cast(is_word(head), tf.int32), 1)


def gold_tags(head: Head, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The labels of the words that were read, int32 [batch, words], and whether there is one, bool.

    Args:
      labels: int32 [batch, any number], below 0 behind the last word of a row.
    """
    words = tf.shape(head.places)[1]
    missing = tf.maximum(words - tf.shape(labels)[1], 0)
    own = tf.pad(labels, [[0, 0], [0, missing]], constant_values=-1)[:, :words]
    return tf.maximum(own, 0), (own >= 0) & is_word(head)


def places_of_words(head: Head) -> tf.Tensor:
    """int32 [batch, words, COLUMNS], see `word_places.py`."""
    if head.places is None:
        raise ValueError("a head that tags words knows their places")
    return head.places


def _first_piece(head: Head) -> tf.Tensor:
    return places_of_words(head)[:, :, FIRST_PIECE]
