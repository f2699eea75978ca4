"""From pieces to BERT's input: truncate, put special tokens around, pad."""

from dataclasses import dataclass

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.errors import UserError

# Where `pack` finds the special tokens, before all pieces.
_CLS, _SEP, _PAD = (np.int64(index) for index in range(3))


@dataclass(frozen=True)
class PairLayout:
    """How a text or a pair becomes one row.

    BERT: [CLS] a [SEP], or [CLS] a [SEP] b [SEP] with segment 1 on b and its [SEP]. XLM-RoBERTa has two
    separators between a and b, and segment 0 everywhere.

    Attributes:
      cls_id, sep_id, padding_id: The ids of the special tokens.
      separators: Between the texts of a pair.
      second_segment: The segment id of b and the separator behind it.
    """

    cls_id: int
    sep_id: int
    padding_id: int
    separators: int = 1
    second_segment: int = 1

    @property
    def shortest(self) -> int:
        """Special tokens of a pair; in less room, BERT's truncation does not end."""
        return 2 + self.separators


def pack(
    first: tf.RaggedTensor, second: tf.RaggedTensor, max_seq_length: int, layout: PairLayout
) -> tuple[tf.Tensor, tf.Tensor]:
    """A row for each pair, or for a alone where b has no pieces (BERT's `convert_single_example`).

    Args:
      first, second: int32 [batch, (pieces)].
      max_seq_length: The longest row; what is longer is truncated.

    Returns:
      `input_ids` and `segment_ids`, both int32 [batch, longest], padded to the longest row of the batch, ids
      with `layout.padding_id` and segments with 0.

    Raises:
      UserError: `max_seq_length` leaves no room for the special tokens.
    """
    lengths = truncated_lengths(first.row_lengths(), second.row_lengths(), max_seq_length, layout)
    a, b = (kept[:, None] for kept in lengths)  # [batch, 1]
    pair = tf.minimum(b, 1)  # 1 where there is a b
    longest = tf.reduce_max(a + b + pair * layout.separators) + 2
    place = tf.range(tf.maximum(longest, 0))  # [longest]
    in_a, in_b = place - 1, place - a - 1 - layout.separators  # place within the text
    of_a = _places(first, in_a)
    of_b = _places(second, in_b) + tf.size(first.flat_values, out_type=tf.int64)
    up_to_a = tf.where_v2(in_a < 0, _CLS, tf.where_v2(in_a < a, of_a, _SEP))
    up_to_b = tf.where_v2(in_b < b, of_b, tf.where_v2(in_b < b + pair, _SEP, _PAD))
    # Of a alone, what would separate it from b is padding, but for the first.
    if layout.separators > 1:
        up_to_a = tf.where_v2(tf.logical_and(in_a > a, pair < 1), _PAD, up_to_a)
    special = [layout.cls_id, layout.sep_id, layout.padding_id]
    pieces = tf.concat([special, first.flat_values, second.flat_values], 0)
    input_ids = tf.gather(pieces, tf.where_v2(in_b < 0, up_to_a, up_to_b))
    segment_ids = tf.cast(tf.logical_and(in_b >= 0, in_b < b + pair), tf.int32)
    return input_ids, segment_ids if layout.second_segment == 1 else segment_ids * layout.second_segment


def _places(text: tf.RaggedTensor, place: tf.Tensor) -> tf.Tensor:
    """Where in the flat pieces, after the three special ones, a row's piece stands; [batch, longest]."""
    return text.row_starts()[:, None] + place + _PAD + 1


def truncated_lengths(
    first: tf.Tensor, second: tf.Tensor, max_seq_length: int, layout: PairLayout
) -> tuple[tf.Tensor, tf.Tensor]:
    """What BERT's truncation leaves of texts this long.

    A pair loses one piece at a time from the end of the longer text, of the second if both are equal, until
    it fits with its special tokens (`_truncate_seq_pair` of BERT's run_classifier.py). In closed form: the
    first keeps half of the room, rounded up, and what the second leaves over.

    Args:
      first, second: int64 [batch], numbers of pieces; a second of 0 is no second text.
      max_seq_length: Room for pieces and special tokens.

    Returns:
      The numbers of pieces kept, int64 [batch] and int64 [batch].

    Raises:
      UserError: `max_seq_length` leaves no room for the special tokens.
    """
    if max_seq_length < layout.shortest:
        raise UserError(
            f"max_seq_length {max_seq_length} is below {layout.shortest}, the special tokens of a pair"
        )
    room = max_seq_length - 2 - layout.separators * tf.minimum(second, 1)  # [batch]
    kept = tf.minimum(first, tf.maximum(room - second, (room + 1) // 2))
    return kept, tf.minimum(second, room - kept)
