"""The texts of a request as word pieces, tokenised once, from which any reading of a row is packed.

A task of single texts reads text_a alone, a pair task both, a tagging the words of text_a: that is how they
were trained. So a row that is for tasks of several readings is read several times, unless they come to the
same: without a second text, and where the pieces of the words are those of the text.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.export.graph.text_pieces import packed, packed_words
from centrabert.modeling.task import TextReading
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.words.word_packing import PackedWords

Ids = tuple[tf.Tensor, tf.Tensor]  # `input_ids` and `segment_ids`, int32 [rows, length], padded


@dataclass(frozen=True)
class RequestTexts:
    """The pieces of both texts of every row.

    Attributes:
      first: int32 [batch, (pieces)], of text_a.
      second: int32 [batch, (pieces)], of text_b; without any where there is no second text.
      words: By split, text_a read word by word.
    """

    tokenizer: Tokenizer
    max_seq_length: int
    first: tf.RaggedTensor
    second: tf.RaggedTensor
    words: Mapping[str, PackedWords]

    @property
    def rows(self) -> tf.Tensor:
        """int64 scalar."""
        return self.first.nrows()

    @property
    def has_second(self) -> tf.Tensor:
        """bool [batch], whether the second text has any piece."""
        return self.second.row_lengths() > 0

    def pairs(self) -> Ids:
        """Every row with both of its texts."""
        return packed(self.tokenizer, self.first, self.second, self.max_seq_length)

    def same_pieces(self, split: str) -> tf.Tensor:
        """bool [batch], whether text_a has the same pieces word by word, none of them cut off."""
        ids, _ = self.read(tf.range(self.rows), False)
        length = tf.maximum(tf.shape(ids)[1], tf.shape(self.words[split].input_ids)[1])
        both = (
            _padded(each, length, self.tokenizer.padding_id) for each in (ids, self.words[split].input_ids)
        )
        return tf.reduce_all(tf.equal(*both), 1)

    def read(self, rows: tf.Tensor, pair: tf.Tensor | bool) -> Ids:
        """As `pairs`, of some rows, with both of their texts or without the second.

        Args:
          rows: int64 [readings].
          pair: Whether both texts are read or the first alone; bool [readings] or scalar.
        """
        splits = tf.concat([self.second.row_splits, self.second.row_splits[-1:]], 0)  # and a row of none
        behind = tf.RaggedTensor.from_row_splits(self.second.flat_values, splits, validate=False)
        second = tf.where_v2(pair, rows, tf.fill(tf.shape(rows), self.rows))
        texts = tf.gather(self.first, rows), tf.gather(behind, second)
        return packed(self.tokenizer, *texts, self.max_seq_length)

    def read_words(self, rows: tf.Tensor, split: str) -> Ids:
        """As `read`, of the words of some rows; no longer than the longest of them."""
        words, padding_id = self.words[split], self.tokenizer.padding_id
        return _trimmed(tf.gather(words.input_ids, rows), tf.gather(words.segment_ids, rows), padding_id)

    def read_as(self, rows: tf.Tensor, reading: TextReading) -> Ids:
        """Some rows, int64 [readings], all in one way."""
        return self.read_words(rows, reading.split) if reading.split else self.read(rows, reading.pair)

    def read_each(self, rows: tf.Tensor, pair: tf.Tensor, by_split: Mapping[str, tf.Tensor]) -> Ids:
        """Some rows, each in its own way.

        Args:
          rows: int64 [readings].
          pair: bool [readings], whether both texts are read.
          by_split: bool [readings] for each split, whether the words are read.
        """
        ids, segments = self.read(rows, pair)
        for split, here in by_split.items():
            own = self.read_words(rows, split)
            length = tf.maximum(tf.shape(ids)[1], tf.shape(own[0])[1])
            ids, segments = (
                tf.where_v2(here[:, None], _padded(mine, length, value), _padded(other, length, value))
                for mine, other, value in zip(
                    own, (ids, segments), (self.tokenizer.padding_id, 0), strict=True
                )
            )
        return _trimmed(ids, segments, self.tokenizer.padding_id) if by_split else (ids, segments)

    def places(self, rows: tf.Tensor, split: str) -> tf.Tensor | None:
        """int32 [readings, words, COLUMNS] of the words of some rows; None without a split."""
        return tf.gather(self.words[split].places, rows) if split else None


def request_texts(
    tokenizer: Tokenizer,
    max_seq_length: int,
    readings: Collection[TextReading],
    text_a: tf.Tensor,
    text_b: tf.Tensor,
) -> RequestTexts:
    """Tokenises the texts.

    Args:
      readings: Those of the model's tasks.
      text_a: string [batch].
      text_b: string [batch], or [0] where there is none. A model without a pair task does not read it.
    """
    given = text_b if any(reading.pair for reading in readings) else tf.zeros([0], tf.string)
    missing = tf.where_v2(tf.size(given) > 0, 0, tf.size(text_a))
    first, second = tokenizer.tokenize_both(text_a, tf.concat([given, tf.fill([missing], "")], 0))
    words = {
        split: packed_words(tokenizer, text_a, split, max_seq_length)
        for split in sorted({reading.split for reading in readings} - {""})
    }
    return RequestTexts(tokenizer, max_seq_length, first, second, words)


def fed_ids(ids: Ids) -> Ids:
    """The same ids and segment ids, unless a client with a tokenizer feeds its own."""
    return (
        tf.placeholder_with_default(ids[0], [None, None], "input_ids"),
        tf.placeholder_with_default(ids[1], [None, None], "segment_ids"),
    )


def _padded(ids: tf.Tensor, length: tf.Tensor, value: int) -> tf.Tensor:
    return tf.pad(ids, [[0, 0], [0, length - tf.shape(ids)[1]]], constant_values=value)


def _trimmed(ids: tf.Tensor, segments: tf.Tensor, padding_id: int) -> Ids:
    """Without columns in which every row is padding."""
    length = tf.reduce_max(tf.reduce_sum(tf.cast(tf.not_equal(ids, padding_id), tf.int32), 1))
    return ids[:, : tf.maximum(length, 0)], segments[:, : tf.maximum(length, 0)]
