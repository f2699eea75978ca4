"""The texts of a request as word pieces, tokenised once, from which any reading of a row is packed.

A task of single texts reads text_a alone, a pair task both: that is how they were trained. So a row that is
for tasks of both kinds is read twice, unless it has no second text, for then both readings are one.
"""

from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.merge.manifest import Manifest
from centrabert.modeling.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True)
class RequestTexts:
    """The pieces of both texts of every row.

    Attributes:
      first: int32 [batch, (pieces)], of text_a.
      second: int32 [batch, (pieces)], of text_b; without any where there is no second text.
    """

    tokenizer: Tokenizer
    max_seq_length: int
    first: tf.RaggedTensor
    second: tf.RaggedTensor

    @property
    def rows(self) -> tf.Tensor:
        """int64 scalar."""
        return self.first.nrows()

    @property
    def has_second(self) -> tf.Tensor:
        """bool [batch], whether the second text has any piece."""
        return self.second.row_lengths() > 0

    def pairs(self) -> tuple[tf.Tensor, tf.Tensor]:
        """`input_ids` and `segment_ids`, int32 [batch, length], padded: every row with both of its texts."""
        return self.tokenizer.pack(self.first, self.second, self.max_seq_length)

    def read(self, rows: tf.Tensor, pair: tf.Tensor | bool) -> tuple[tf.Tensor, tf.Tensor]:
        """As `pairs`, of some rows, with both of their texts or without the second.

        Args:
          rows: int64 [readings].
          pair: Whether both texts are read or the first alone; bool [readings] or scalar.
        """
        splits = tf.concat([self.second.row_splits, self.second.row_splits[-1:]], 0)  # and a row of none
        behind = tf.RaggedTensor.from_row_splits(self.second.flat_values, splits, validate=False)
        second = tf.where_v2(pair, rows, tf.fill(tf.shape(rows), self.rows))
        return self.tokenizer.pack(
            tf.gather(self.first, rows), tf.gather(behind, second), self.max_seq_length
        )


def request_texts(
    tokenizer: Tokenizer, manifest: Manifest, text_a: tf.Tensor, text_b: tf.Tensor
) -> RequestTexts:
    """Tokenises the texts.

    Args:
      text_a: string [batch].
      text_b: string [batch], or [0] where there is none. A model without a pair task does not read it.
    """
    pairs = any(branch.task.pair for branch in manifest.plan.branches)
    given = text_b if pairs else tf.zeros([0], tf.string)
    missing = tf.where_v2(tf.size(given) > 0, 0, tf.size(text_a))
    first, second = tokenizer.tokenize_both(text_a, tf.concat([given, tf.fill([missing], "")], 0))
    return RequestTexts(tokenizer, manifest.max_seq_length, first, second)


def fed_ids(ids: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """The same int32 [batch, length] ids and segment ids, unless a client with a tokenizer feeds its own."""
    return (
        tf.placeholder_with_default(ids[0], [None, None], "input_ids"),
        tf.placeholder_with_default(ids[1], [None, None], "segment_ids"),
    )
