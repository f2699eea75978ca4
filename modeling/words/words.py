"""From raw text to the words that a tagging task tags, and where they stand in it: TensorFlow ops.

Words are cut out of the text as it was given: nothing that a tokenizer does to them can shift their places.
"""

from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.errors import UserError
from centrabert.modeling.tokenization.basic_tokenizer import INVALID, WHITESPACE, standing_alone
from centrabert.modeling.tokenization.normalization import Normalization
from centrabert.modeling.words.word_places import BY_BERT, BY_CHARACTERS, SPLITS

# At what Python's str.split() parts words; some of it BERT drops.
PYTHONS_WHITESPACE = r"[\t-\r\x{1C}-\x{1F}\x{85}\p{Z}]"


@dataclass(frozen=True)
class Words:
    """The words of a batch of texts.

    Attributes:
      words: string [batch, (words)].
      characters, bytes: Where each stands in its text: its first character and the one behind its last, in
        code points and in bytes of UTF-8; int32 [words of all rows, 2].
    """

    words: tf.RaggedTensor
    characters: tf.Tensor
    bytes: tf.Tensor


def split_words(text: tf.Tensor, split: str) -> Words:
    """Cuts texts into words.

    Args:
      text: string [batch] in UTF-8; bytes that are not UTF-8 are ignored.
      split: "whitespace", where the text has white space, as Python's `str.split()`; "characters", every code
        point that is no white space; "bert", as Google's BasicTokenizer: also around punctuation and around
        CJK characters, and characters that it drops begin no word.

    Raises:
      UserError: There is no such split.
    """
    if split not in SPLITS:
        raise UserError(f"split {split!r} is none of {', '.join(SPLITS)}")
    characters, begin = tf.strings.unicode_split_with_offsets(text, "UTF-8", errors="ignore")
    flat, rows = characters.flat_values, characters.value_rowids()
    place = tf.range(tf.size(rows, out_type=tf.int64)) - tf.gather(characters.row_starts(), rows)
    end = begin.flat_values + tf.cast(tf.strings.length(flat), tf.int64)
    space = tf.strings.regex_full_match(flat, WHITESPACE if split == BY_BERT else PYTHONS_WHITESPACE)
    dropped = space | tf.strings.regex_full_match(flat, INVALID) if split == BY_BERT else space
    kept = tf.where(~dropped)[:, 0]
    first, last = (kept, kept) if split == BY_CHARACTERS else _ends(flat, rows, space, kept, split)
    starts, ends = tf.gather(begin.flat_values, first), tf.gather(end, last)
    word_rows = tf.gather(rows, first)
    words = tf.strings.substr(tf.gather(text, word_rows), starts, ends - starts)
    return Words(
        tf.RaggedTensor.from_value_rowids(words, word_rows, characters.nrows(), validate=False),
        tf.cast(tf.stack([tf.gather(place, first), tf.gather(place, last) + 1], 1), tf.int32),
        tf.cast(tf.stack([starts, ends], 1), tf.int32),
    )


def given_words(words: tf.Tensor, split: str) -> Words:
    """Words that were split already, as of the text that they make.

    Args:
      words: string [batch, words] in UTF-8, padded with "" behind the last word of a row; a "" before it is a
        word without pieces.
      split: How they were split: characters make a text without spaces, other words one with a space between
        two of them.
    """
    ragged = tf.RaggedTensor.from_tensor(words, padding="")
    flat = ragged.flat_values
    rows, before = ragged.value_rowids(), ragged.row_starts()
    places, space = [], 0 if split == BY_CHARACTERS else 1
    for unit in ("UTF8_CHAR", "BYTE"):
        length = tf.strings.length(flat, unit=unit)
        start = tf.cumsum(length + space, exclusive=True)
        start -= tf.gather(tf.gather(tf.concat([start, [0]], 0), before), rows)
        places.append(tf.stack([start, start + length], 1))
    return Words(ragged, *places)


def _ends(
    characters: tf.Tensor, rows: tf.Tensor, space: tf.Tensor, kept: tf.Tensor, split: str
) -> tuple[tf.Tensor, tf.Tensor]:
    """The first and the last character of every word, int64 [words]: places in `characters`.

    Args:
      characters: string, of all rows.
      rows: int64, of which row each is.
      space: bool, which of them are white space.
      kept: int64, the places of those that words are made of.
    """
    # Characters of one word are between the same spaces, and none of them stands alone.
    row, chunk = tf.gather(rows, kept), tf.gather(tf.cumsum(tf.cast(space, tf.int32)), kept)
    parted = tf.not_equal(row[1:], row[:-1]) | tf.not_equal(chunk[1:], chunk[:-1])
    if split == BY_BERT:
        alone = tf.strings.regex_full_match(tf.gather(characters, kept), standing_alone(Normalization()))
        parted = parted | alone[1:] | alone[:-1]
    edge = tf.ones([tf.minimum(tf.size(kept), 1)], tf.bool)
    return tf.boolean_mask(kept, tf.concat([edge, parted], 0)), tf.boolean_mask(
        kept, tf.concat([parted, edge], 0)
    )
