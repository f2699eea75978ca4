"""Splitting and packing as pieces of the serving graph; readings of a text repeat them."""

from dataclasses import dataclass, field

import tensorflow.compat.v1 as tf

from centrabert.export.graph.pieces import piece
from centrabert.modeling.tokenization.packing import PairLayout, pack
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.words.word_packing import PackedWords, pack_words
from centrabert.modeling.words.words import given_words, split_words


@dataclass(frozen=True)
class _Known:
    """A tokenizer, known by all that decides its ids."""

    digest: str
    tokenizer: Tokenizer = field(compare=False)


def packed(
    tokenizer: Tokenizer, first: tf.RaggedTensor, second: tf.RaggedTensor, max_seq_length: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """`Tokenizer.pack`."""
    texts = (*_parts(first), *_parts(second))
    with tf.name_scope("pack"):
        ids, segments = _pack(*texts, layout=tokenizer.layout, max_seq_length=max_seq_length)
    return ids, segments


def packed_words(
    tokenizer: Tokenizer, text: tf.Tensor, split: str, max_seq_length: int, given: bool = False
) -> PackedWords:
    """`pack_words` of what `split_words` makes of texts, or of words that are given.

    Args:
      text: string [batch]; given words are [batch, words], see `given_words`.
    """
    with tf.name_scope("pack_words"):
        known = _Known(tokenizer.digest, tokenizer)
        words = _pack_words(text, split=split, known=known, max_seq_length=max_seq_length, given=given)
        return PackedWords(**words)


@piece
def _pack(
    first: tf.Tensor,
    first_splits: tf.Tensor,
    second: tf.Tensor,
    second_splits: tf.Tensor,
    *,
    layout: PairLayout,
    max_seq_length: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    return pack(_ragged(first, first_splits), _ragged(second, second_splits), max_seq_length, layout)


@piece
def _pack_words(
    text: tf.Tensor, *, split: str, known: _Known, max_seq_length: int, given: bool
) -> dict[str, tf.Tensor]:
    words = given_words(text, split) if given else split_words(text, split)
    return vars(pack_words(known.tokenizer, words, max_seq_length))


def _parts(ragged: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
    return ragged.flat_values, ragged.row_splits


def _ragged(values: tf.Tensor, row_splits: tf.Tensor) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_splits(values, row_splits, validate=False)
