"""From places in normalised text back to bytes of the text as it was given.

What normalisation makes of a text is what it makes of its characters one by one, put together. So the bytes
that each character became are counted, and a byte of the normalised text leads back to its character.
"""

import tensorflow.compat.v1 as tf

from centrabert.modeling.tokenization.basic_tokenizer import ACCENTS, normalize
from centrabert.modeling.tokenization.normalization import Normalization


def places_in_text(
    text: tf.Tensor,
    normalization: Normalization,
    words: tf.RaggedTensor,
    starts: tf.RaggedTensor,
    ends: tf.RaggedTensor,
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Where in `text` the pieces of its words stand.

    A piece begins with the first character that it has a byte of and ends with the last; an accent that was
    taken off belongs to the character before it.

    Args:
      text: string [batch].
      words: string [batch, (words)], from `basic_tokenize` without `one_space`: the normalised text is these
        with a space between.
      starts, ends: int64 [batch, (words), (pieces)], byte offsets into the words.

    Returns:
      Starts and ends, int64 [batch, (pieces)], byte offsets into `text`.
    """
    characters, begin = tf.strings.unicode_split_with_offsets(text, "UTF-8", errors="ignore")
    flat, row_starts = characters.flat_values, characters.row_starts()
    became = tf.cast(tf.strings.length(normalize(flat, normalization, one_space=False)), tf.int64)
    # Of every byte of normalised text, all rows one after the other, the character that it came from.
    origin = tf.repeat(tf.range(tf.size(flat)), became)
    bytes_before = tf.gather(tf.concat([[0], tf.cumsum(became)], 0), row_starts)  # [batch]
    word_starts = _word_starts(words, bytes_before)
    in_word = starts.values.value_rowids()
    first = tf.gather(origin, tf.gather(word_starts, in_word) + starts.flat_values)
    last = tf.gather(origin, tf.gather(word_starts, in_word) + ends.flat_values - 1)
    end = begin.flat_values + tf.cast(tf.strings.length(flat), tf.int64)
    if normalization.strips_accents:
        end = ends_with_removed(end, row_starts, tf.strings.regex_full_match(flat, ACCENTS))
    return (
        starts.with_flat_values(tf.gather(begin.flat_values, first)).merge_dims(1, 2),
        ends.with_flat_values(tf.gather(end, last)).merge_dims(1, 2),
    )


def _word_starts(words: tf.RaggedTensor, bytes_before: tf.Tensor) -> tf.Tensor:
    """int64 [all words]: where a word stands in the normalised texts, one after the other without a gap."""
    with_space = tf.cast(tf.strings.length(words.flat_values), tf.int64) + 1
    before = tf.cumsum(with_space, exclusive=True)  # as if there were a space behind every text
    rows = words.value_rowids()
    first_of_row = tf.gather(tf.concat([before, [0]], 0), tf.gather(words.row_starts(), rows))
    return tf.gather(bytes_before, rows) + before - first_of_row


def ends_with_removed(end: tf.Tensor, row_starts: tf.Tensor, removed: tf.Tensor) -> tf.Tensor:
    """Where each character ends in its text, with those behind it that are taken off.

    Args:
      end: int64 [characters of all texts], where each ends alone.
      row_starts: int64 [batch], the first character of each text.
      removed: bool [characters].
    """
    total = tf.size(end, out_type=tf.int64)
    starts_a_row = tf.scatter_nd(row_starts[:, None], tf.ones_like(row_starts), [total + 1])[:-1] > 0
    group = tf.cumsum(tf.cast(tf.logical_or(starts_a_row, tf.logical_not(removed)), tf.int64))
    return tf.gather(tf.math.segment_max(end, group), group)
