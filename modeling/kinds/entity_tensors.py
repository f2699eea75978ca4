"""What a tagging answers, from the tags of the words: their names, and the entities that they mark."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.modeling.kinds.tag_scheme import INSIDE, LAST, OUTSIDE, split_tag
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.kinds.word_logits import is_word, places_of_words
from centrabert.modeling.words.word_places import BYTES, CHARACTERS


def tagging_outputs(
    head: Head, tags: tf.Tensor, log_probabilities: tf.Tensor, labels: Sequence[str]
) -> dict[str, tf.Tensor]:
    """The outputs of a tagging by name.

    Args:
      tags: int32 [batch, words].
      log_probabilities: float32 [batch, words], of these tags.
    """
    inside, places = is_word(head), places_of_words(head)
    scores = tf.exp(log_probabilities) * tf.cast(inside, tf.float32)
    in_range = tf.maximum(places, 0)  # what is padding is 0
    spans = _entities(tags, inside, labels)
    types = tf.constant([split_tag(label)[1] for label in labels])
    return {
        "tags": tf.where_v2(inside, tf.gather(tf.constant(list(labels)), tags), ""),
        "tag_scores": scores,
        "word_characters": in_range[:, :, CHARACTERS],
        "word_bytes": in_range[:, :, BYTES],
        "entity_labels": spans.by_row(tf.gather(types, tf.gather_nd(tags, spans.first))),
        "entity_scores": spans.by_row(spans.mean(scores)),
        "entity_words": spans.by_row(tf.stack([spans.first[:, 1], spans.last[:, 1] + 1], 1)),
        "entity_characters": spans.by_row(spans.range(in_range[:, :, CHARACTERS])),
        "entity_bytes": spans.by_row(spans.range(in_range[:, :, BYTES])),
    }


@dataclass(frozen=True)
class _Spans:
    """The spans of a batch, row by row.

    Attributes:
      first, last: int32 [spans of all rows, 2]: row and number of the first word, and of the last.
      member: bool [batch, words], whether a word is in a span.
      begins: bool [batch, words], whether a span begins there.
    """

    first: tf.Tensor
    last: tf.Tensor
    member: tf.Tensor
    begins: tf.Tensor

    def by_row(self, values: tf.Tensor) -> tf.Tensor:
        """[batch, spans, ...] of values [spans of all rows, ...], padded with "" or 0."""
        rows = tf.shape(self.member, out_type=tf.int64)[0]
        of_rows = tf.RaggedTensor.from_value_rowids(
            values, tf.cast(self.first[:, 0], tf.int64), rows, validate=False
        )
        return of_rows.to_tensor()

    def range(self, places: tf.Tensor) -> tf.Tensor:
        """int32 [spans of all rows, 2]: from where the first word begins to where the last ends."""
        ends = [tf.gather_nd(places[:, :, side], words) for side, words in enumerate((self.first, self.last))]
        return tf.stack(ends, 1)

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """float32 [spans of all rows], of values [batch, words]."""
        number = tf.cumsum(tf.cast(tf.boolean_mask(self.begins, self.member), tf.int32)) - 1
        return tf.math.segment_mean(tf.boolean_mask(values, self.member), number)


def _entities(tags: tf.Tensor, inside: tf.Tensor, labels: Sequence[str]) -> _Spans:
    """The spans as `tag_scheme.spans` reads them."""
    prefixes, types = zip(*map(split_tag, labels), strict=True)

    def of_tags(values: Sequence[object]) -> tf.Tensor:
        return tf.gather(tf.constant(np.array(values)), tags)

    kind = of_tags([types.index(each) for each in types])
    member = inside & of_tags([prefix != OUTSIDE for prefix in prefixes])
    goes_on, last = (of_tags([prefix in some for prefix in prefixes]) for some in (INSIDE, LAST))
    joined = (
        member[:, :-1] & member[:, 1:] & ~last[:, :-1] & goes_on[:, 1:] & tf.equal(kind[:, :-1], kind[:, 1:])
    )
    edge = tf.zeros_like(member[:, :1])
    begins = member & ~tf.concat([edge, joined], 1)
    ends = member & ~tf.concat([joined, edge], 1)
    first, end = (tf.cast(tf.where(each), tf.int32) for each in (begins, ends))
    return _Spans(first, end, member, begins)
