"""From word pieces to BERT's input: truncate, put [CLS] and [SEP] around, pad."""

import tensorflow.compat.v1 as tf

SHORTEST = 3  # [CLS] and two [SEP]; with less, BERT's truncation of a pair does not end


def pack(
    first: tf.RaggedTensor, second: tf.RaggedTensor, max_seq_length: int, cls_id: int, sep_id: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """[CLS] a [SEP] b [SEP], or [CLS] a [SEP] where b has no pieces (BERT's `convert_single_example`).

    Args:
      first, second: int32 [batch, (pieces)].
      max_seq_length: The longest row; what is longer is truncated.
      cls_id, sep_id: The ids of [CLS] and [SEP].

    Returns:
      `input_ids` and `segment_ids`, both int32 [batch, longest], padded with 0 to the longest row of the
      batch. `segment_ids` is 1 on b and its [SEP].

    Raises:
      ValueError: `max_seq_length` is below 3.
    """
    a, b = truncated_lengths(first.row_lengths(), second.row_lengths(), max_seq_length)  # [batch]
    one, pair = tf.ones_like(a), tf.minimum(b, 1)  # [batch], pair is 1 where b has its [SEP]
    parts = [
        _repeat(cls_id, one),
        _head(first, a),
        _repeat(sep_id, one),
        _head(second, b),
        _repeat(sep_id, pair),
    ]
    input_ids = tf.concat(parts, axis=1).to_tensor()  # [batch, longest]
    longest = tf.shape(input_ids)[1]
    up_to_a = tf.sequence_mask(a + 2, longest, tf.int32)  # [batch, longest]
    up_to_b = tf.sequence_mask(a + 2 + b + pair, longest, tf.int32)
    return input_ids, up_to_b - up_to_a


def truncated_lengths(
    first: tf.Tensor, second: tf.Tensor, max_seq_length: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """What BERT's truncation leaves of texts this long.

    A pair loses one piece at a time from the end of the longer text, of the second if both are equal, until
    it fits with its three special tokens (`_truncate_seq_pair` of BERT's run_classifier.py). In closed form:
    the first keeps half of the room, rounded up, and what the second leaves over.

    Args:
      first, second: int64 [batch], numbers of pieces; a second of 0 is no second text.
      max_seq_length: Room for pieces and special tokens.

    Returns:
      The numbers of pieces kept, int64 [batch] and int64 [batch].

    Raises:
      ValueError: `max_seq_length` is below 3.
    """
    if max_seq_length < SHORTEST:
        raise ValueError(f"max_seq_length {max_seq_length} is below {SHORTEST}: no room for [CLS] and [SEP]")
    room = max_seq_length - 2 - tf.minimum(second, 1)  # [batch]
    kept = tf.minimum(first, tf.maximum(room - second, (room + 1) // 2))
    return kept, tf.minimum(second, room - kept)


def _head(pieces: tf.RaggedTensor, lengths: tf.Tensor) -> tf.RaggedTensor:
    """The first `lengths[i]` pieces of row i."""
    starts = pieces.row_starts()
    return tf.gather(pieces.flat_values, tf.ragged.range(starts, starts + lengths))


def _repeat(token: int, times: tf.Tensor) -> tf.RaggedTensor:
    """Rows of `times[i]` (0 or 1) copies of one token."""
    values = tf.fill([tf.reduce_sum(times)], token)
    return tf.RaggedTensor.from_row_lengths(values, times, validate=False)
