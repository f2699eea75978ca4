"""From words to word pieces: Google's WordpieceTokenizer as a TensorFlow op."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf
import tensorflow_text as tf_text
from tensorflow_text.core.pybinds import pywrap_fast_wordpiece_tokenizer_model_builder as builder

from centrabert.modeling.tokenization.vocabulary import UNK

# As in google-research/bert, with which BERT was trained. The copy in tf-models-official raised it to 400.
MAX_INPUT_CHARS_PER_WORD = 200
MAX_BYTES_PER_WORD = 4 * MAX_INPUT_CHARS_PER_WORD  # a character has at most 4 bytes in UTF-8
TOO_LONG = "x" * (MAX_BYTES_PER_WORD + 1)  # the op makes [UNK] of it, whatever the vocabulary


def wordpiece_model(tokens: Sequence[str]) -> npt.NDArray[np.uint8]:
    """The vocabulary as the op wants it, some 43 bytes a token: a constant of the graph, so no table to fill.

    Pieces that no word can equal (empty, or with a NUL) may repeat in a vocabulary but not in the op, so each
    gets a name that no word can equal either.
    """
    names = [token if token and "\0" not in token else f" {place}" for place, token in enumerate(tokens)]
    model = builder.build_fast_wordpiece_model(names, MAX_BYTES_PER_WORD, "##", UNK, True, False)
    return np.frombuffer(model, np.uint8)


def wordpiece_tokenize(words: tf.RaggedTensor, model: npt.NDArray[np.uint8]) -> tf.RaggedTensor:
    """Greedy longest match first; a word that pieces cannot cover, or above 200 characters, is [UNK].

    Args:
      words: string [batch, (words)], valid UTF-8; an empty word has no pieces.
      model: From `wordpiece_model`.

    Returns:
      int32 [batch, (words), (pieces)].
    """
    return _op(model).tokenize(_shortened(words))


def wordpiece_offsets(
    words: tf.RaggedTensor, model: npt.NDArray[np.uint8]
) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
    """As `wordpiece_tokenize`, and where in its word a piece begins and ends.

    Returns:
      int32 [batch, (words), (pieces)], and twice int64 of that shape, in bytes.
    """
    pieces, starts, ends = _op(model).tokenize_with_offsets(_shortened(words))
    in_word, words_flat = ends.values.value_rowids(), words.flat_values
    lengths = tf.gather(tf.cast(tf.strings.length(words_flat), tf.int64), in_word)
    # A word that is too long ends where it did, and not where TOO_LONG does.
    end = tf.where_v2(tf.gather(_too_long(words_flat), in_word), lengths, ends.flat_values)
    return pieces, starts, ends.with_flat_values(end)


def _shortened(words: tf.RaggedTensor) -> tf.RaggedTensor:
    flat = words.flat_values
    return words.with_flat_values(tf.where_v2(_too_long(flat), TOO_LONG, flat))


def _too_long(words: tf.Tensor) -> tf.Tensor:
    return tf.strings.length(words, unit="UTF8_CHAR") > MAX_INPUT_CHARS_PER_WORD


def _op(model: npt.NDArray[np.uint8]) -> tf_text.FastWordpieceTokenizer:
    return tf_text.FastWordpieceTokenizer(model_buffer=tf.constant(model), token_out_type=tf.int32)
