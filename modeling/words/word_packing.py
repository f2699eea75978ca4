"""From words to BERT's input: tokenised one by one, cut between two words, packed as one row."""

from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.words.word_places import PADDING
from centrabert.modeling.words.words import Words

SPECIAL = 2  # tokens around a single text; one of them stands before it


@dataclass(frozen=True)
class PackedWords:
    """Rows of BERT's input, and where their words are.

    Attributes:
      input_ids, segment_ids: int32 [batch, length], as `Tokenizer.pack` pads them.
      places: int32 [batch, words, COLUMNS], see `word_places.py`, of the words that were kept.
      cut: int32 [batch], how many words behind those had no room.
    """

    input_ids: tf.Tensor
    segment_ids: tf.Tensor
    places: tf.Tensor
    cut: tf.Tensor


def pack_words(tokenizer: Tokenizer, words: Words, max_seq_length: int) -> PackedWords:
    """The row of each text: as many of its words as there is room for, each with all of its pieces.

    SentencePiece begins every word with a space. Where the space is a piece of its own and the word directly
    follows another one in its text, as Chinese characters do, it is left out: the text has no space there.
    """
    ragged = words.words
    pieces = tokenizer.tokenize(ragged.flat_values)  # [words of all rows, (pieces)]
    if tokenizer.space_id is not None:
        pieces = _without_spaces(pieces, words, tokenizer.space_id)
    counts, rows = pieces.row_lengths(), ragged.value_rowids()
    first, behind = (_in_row(counts, ragged, exclusive) for exclusive in (True, False))
    kept = behind <= max_seq_length - SPECIAL  # all words of a row up to some word
    places = tf.concat(
        [
            tf.where_v2(counts > 0, tf.cast(first, tf.int32) + 1, 0)[:, None],
            words.characters,
            words.bytes,
        ],
        1,
    )
    batch = ragged.nrows()
    kept_rows = tf.boolean_mask(rows, kept)
    piece_rows = tf.gather(
        rows, tf.boolean_mask(pieces.value_rowids(), tf.gather(kept, pieces.value_rowids()))
    )
    kept_pieces = tf.boolean_mask(pieces.flat_values, tf.gather(kept, pieces.value_rowids()))
    first_text = tf.RaggedTensor.from_value_rowids(kept_pieces, piece_rows, batch, validate=False)
    no_text = tf.RaggedTensor.from_row_splits(
        tf.zeros([0], tf.int32), tf.zeros([batch + 1], tf.int64), validate=False
    )
    table = tf.RaggedTensor.from_value_rowids(tf.boolean_mask(places, kept), kept_rows, batch, validate=False)
    return PackedWords(
        *tokenizer.pack(first_text, no_text, max_seq_length),
        table.to_tensor(PADDING),
        tf.cast(ragged.row_lengths() - table.row_lengths(), tf.int32),
    )


def _without_spaces(pieces: tf.RaggedTensor, words: Words, space_id: int) -> tf.RaggedTensor:
    """The pieces of all words without a space that is not in the text; each word keeps one piece at least."""
    flat, of_word, rows = pieces.flat_values, pieces.value_rowids(), words.words.value_rowids()
    starts, ends = words.characters[:, 0], words.characters[:, 1]
    follows = tf.equal(rows[1:], rows[:-1]) & tf.equal(starts[1:], ends[:-1])
    follows = tf.concat([tf.zeros([tf.minimum(tf.size(rows), 1)], tf.bool), follows], 0)
    begins = tf.concat(
        [tf.ones([tf.minimum(tf.size(flat), 1)], tf.bool), tf.not_equal(of_word[1:], of_word[:-1])], 0
    )
    left_out = begins & tf.equal(flat, space_id) & tf.gather(follows & (pieces.row_lengths() > 1), of_word)
    return tf.RaggedTensor.from_value_rowids(
        *(tf.boolean_mask(each, ~left_out) for each in (flat, of_word)), pieces.nrows(), validate=False
    )


def _in_row(counts: tf.Tensor, ragged: tf.RaggedTensor, exclusive: bool) -> tf.Tensor:
    """How many pieces the words of its row have before the end of a word, or before its beginning."""
    total = tf.cumsum(counts, exclusive=True)
    before = tf.gather(tf.concat([total, [0]], 0), ragged.row_starts())
    return total - tf.gather(before, ragged.value_rowids()) + (0 if exclusive else counts)
