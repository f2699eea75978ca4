"""Tags of words that the tokenizer leaves without a piece, such as combining marks or control characters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf

from centrabert.modeling.kinds.tag_scheme import INSIDE, split_tag
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.kinds.word_logits import has_piece, is_word, places_of_words
from centrabert.modeling.words.word_places import CHARACTER_END, CHARACTER_START

REOPENED = {"E": "I", "S": "B"}  # of IOBES, where a span goes on behind its end


def with_pieceless_words(head: Head, tags: tf.Tensor, scores: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The tags and scores, in which words without a piece belong to the span that they are part of.

    Such a word is part of a span that stands directly before it, without white space between them, as an
    accent is; and of one that goes on behind it. It has the score of the last word with a piece. Everywhere
    else it is O, with the score that it has.

    Args:
      tags: int32 [batch, words].
      scores: float32 [batch, words].
    """
    has = has_piece(head)
    count = tf.cumsum(tf.cast(has, tf.int32), 1)  # words with a piece, up to each
    total = count[:, -1:]
    number = tf.cumsum(total, exclusive=True) + count  # of the last of them, from 1, in all rows together

    def of_last(values: tf.Tensor, further: int = 0) -> tf.Tensor:
        """What the last word with a piece has, or one further behind; 0 where the row has none."""
        listed = tf.pad(tf.boolean_mask(values, has), [[1, 1]])
        there = (count > 0) if further == 0 else (count < total)
        return tf.where_v2(there, tf.gather(listed, number + further), tf.zeros([], values.dtype))

    places = places_of_words(head)
    starts, ends = places[:, 1:, CHARACTER_START], places[:, :-1, CHARACTER_END]
    parted = tf.cumsum(tf.pad(tf.cast(tf.not_equal(starts, ends), tf.int32), [[0, 0], [1, 0]]), 1)
    before, after = of_last(tags), of_last(tags, 1)
    maps = _of_labels(head.labels)
    inside, ending, reopened, types, goes_on, is_open = (
        tf.constant(maps[name]) for name in ("inside", "ending", "reopened", "types", "goes_on", "is_open")
    )
    joined = (
        tf.gather(is_open, before)
        & tf.gather(goes_on, after)
        & tf.equal(tf.gather(types, before), tf.gather(types, after))
    )
    attached = tf.not_equal(before, 0) & tf.equal(parted, of_last(parted))
    carried = is_word(head) & ~has & (attached | joined)
    followed = tf.pad(carried[:, 1:], [[0, 0], [0, 1]])
    own = tf.where_v2(joined | followed, tf.gather(inside, before), tf.gather(ending, before))
    kept = tf.where_v2(has & followed, tf.gather(reopened, tags), tf.where_v2(has, tags, 0))
    return tf.where_v2(carried, own, kept), tf.where_v2(carried, of_last(scores), scores)


def _of_labels(labels: Sequence[str]) -> Mapping[str, npt.NDArray[Any]]:
    """For each label, by name: the labels `inside` its span and `ending` it, and itself `reopened`; its type,
    whether it goes on with a span, and whether one may go on behind it."""
    places = {label: place for place, label in enumerate(labels)}
    parts = [split_tag(label) for label in labels]

    def of_type(type_: str, *prefixes: str) -> int:
        """The first of these labels that there is, else O."""
        return next((places[tag] for prefix in prefixes if (tag := f"{prefix}-{type_}") in places), 0)

    return {
        "inside": np.array([of_type(of, "I") for _, of in parts], np.int32),
        "ending": np.array([of_type(of, "E", "I") for _, of in parts], np.int32),  # BIO marks no end
        "reopened": np.array([of_type(of, REOPENED.get(own, own)) for own, of in parts], np.int32),
        "types": np.array([[of for _, of in parts].index(of) for _, of in parts], np.int32),
        "goes_on": np.array([own in INSIDE for own, _ in parts]),
        "is_open": np.array([own in ("B", "I") for own, _ in parts]),
    }
