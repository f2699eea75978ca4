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
    flat = words.flat_values
    too_long = tf.strings.length(flat, unit="UTF8_CHAR") > MAX_INPUT_CHARS_PER_WORD
    words = words.with_flat_values(tf.where_v2(too_long, TOO_LONG, flat))
    op = tf_text.FastWordpieceTokenizer(model_buffer=tf.constant(model), token_out_type=tf.int32)
    return op.tokenize(words)
