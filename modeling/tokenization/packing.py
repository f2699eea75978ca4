"""From word pieces to BERT's input: truncate, put [CLS] and [SEP] around, pad."""

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.errors import UserError

_CLS, _SEP, _PAD = (np.int64(place) for place in range(3))  # where `pack` finds them, before all pieces
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
      UserError: `max_seq_length` is below 3.
    """
    lengths = truncated_lengths(first.row_lengths(), second.row_lengths(), max_seq_length)
    a, b = (kept[:, None] for kept in lengths)  # [batch, 1]
    pair = tf.minimum(b, 1)  # 1 where b has its [SEP]
    place = tf.range(tf.maximum(tf.reduce_max(a + b + pair) + 2, 0))  # [longest]
    in_a, in_b = place - 1, place - a - 2  # place within the text
    of_a = _places(first, in_a)
    of_b = _places(second, in_b) + tf.size(first.flat_values, out_type=tf.int64)
    up_to_a = tf.where_v2(in_a < 0, _CLS, tf.where_v2(in_a < a, of_a, _SEP))
    up_to_b = tf.where_v2(in_b < b, of_b, tf.where_v2(in_b < b + pair, _SEP, _PAD))
    pieces = tf.concat([[cls_id, sep_id, 0], first.flat_values, second.flat_values], 0)
    input_ids = tf.gather(pieces, tf.where_v2(in_b < 0, up_to_a, up_to_b))
    return input_ids, tf.cast(tf.logical_and(in_b >= 0, in_b < b + pair), tf.int32)


def _places(text: tf.RaggedTensor, place: tf.Tensor) -> tf.Tensor:
    """Where in the flat pieces, after the three special ones, a row's piece stands; [batch, longest]."""
    return text.row_starts()[:, None] + place + _PAD + 1


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
      UserError: `max_seq_length` is below 3.
    """
    if max_seq_length < SHORTEST:
        raise UserError(f"max_seq_length {max_seq_length} is below {SHORTEST}: no room for [CLS] and [SEP]")
    room = max_seq_length - 2 - tf.minimum(second, 1)  # [batch]
    kept = tf.minimum(first, tf.maximum(room - second, (room + 1) // 2))
    return kept, tf.minimum(second, room - kept)
