"""Tags of words that the tokenizer leaves without a piece, such as combining marks or control characters."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf

from centrabert.modeling.kinds.tag_scheme import INSIDE, split_tag
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.kinds.word_logits import has_piece, is_word

OPEN = ("B", "I")  # what a span goes on behind


def with_pieceless_words(head: Head, tags: tf.Tensor, scores: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The tags and scores, in which a word without a piece goes on with the span of the word before it.

    So it neither parts an entity nor is cut off from its end. Of IOBES the last of such words is the last one
    of the span, unless the next word with a piece goes on with it. Where no span is open such a word is O.
    Its score is that of the word before it.

    Args:
      tags: int32 [batch, words].
      scores: float32 [batch, words].
    """
    has = has_piece(head)
    count = tf.cumsum(tf.cast(has, tf.int32), 1)  # words with a piece, up to each
    total = count[:, -1:]
    number = tf.cumsum(total, exclusive=True) + count  # of the last of them, from 1, in all rows together
    listed = tf.pad(tf.boolean_mask(tags, has), [[1, 1]])
    before = tf.where_v2(count > 0, tf.gather(listed, number), 0)
    after = tf.where_v2(count < total, tf.gather(listed, number + 1), 0)
    inside, last, types, goes_on = (tf.constant(each) for each in _of_labels(head.labels))
    joined = tf.gather(goes_on, after) & tf.equal(tf.gather(types, before), tf.gather(types, after))
    pieceless = is_word(head) & ~has
    followed = tf.pad(pieceless[:, 1:], [[0, 0], [0, 1]])  # by another one, which may be the last
    carried = tf.where_v2(joined | followed, tf.gather(inside, before), tf.gather(last, before))
    of_before = tf.gather(tf.pad(tf.boolean_mask(scores, has), [[1, 1]]), number)
    return (
        tf.where_v2(pieceless, carried, tags),
        tf.where_v2(pieceless & (count > 0), of_before, scores),
    )


def _of_labels(labels: Sequence[str]) -> tuple[npt.NDArray[Any], ...]:
    """For each label: what goes on behind it, what ends there, its type, and whether it goes on itself."""
    places = {label: place for place, label in enumerate(labels)}
    parts = [split_tag(label) for label in labels]

    def behind(*prefixes: str) -> list[int]:
        """The first of these tags of the same type that there is, where a span is open, else O."""
        return [
            next((places[tag] for prefix in prefixes if (tag := f"{prefix}-{of_type}") in places), 0)
            if own in OPEN
            else 0
            for own, of_type in parts
        ]

    types = [of_type for _, of_type in parts]
    return (
        np.array(behind("I"), np.int32),
        np.array(behind("E", "I"), np.int32),  # BIO marks no end
        np.array([types.index(each) for each in types], np.int32),
        np.array([own in INSIDE for own, _ in parts]),
    )
