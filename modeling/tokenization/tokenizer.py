"""The tokenizer of training, evaluation and serving: text in, BERT's input out, in one TensorFlow graph."""

import tensorflow.compat.v1 as tf

from centrabert.modeling.tokenization.basic_tokenizer import basic_tokenize
from centrabert.modeling.tokenization.packing import pack
from centrabert.modeling.tokenization.vocabulary import Vocabulary
from centrabert.modeling.tokenization.wordpiece_tokenizer import wordpiece_model, wordpiece_tokenize


class Tokenizer:
    """Google's FullTokenizer (tokenization.py of google-research/bert) as TensorFlow ops.

    Works in graph mode and eagerly. The graph has no tables, assets or variables: the vocabulary is a
    constant (1.3 MB for 30,522 pieces), one per call of `tokenize` or `encode`. Where one graph needs several
    lengths, call `tokenize` once and `pack` for each.

    A program that loads such a graph must import tensorflow_text first; TF Serving has its ops built in.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._model = wordpiece_model(vocabulary.tokens)

    def tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Word pieces of each text, without [CLS] and [SEP].

        Args:
          text: string [batch] in UTF-8; what is not UTF-8 is ignored, as Google's tokenizer does.

        Returns:
          int32 [batch, (pieces)]. "[SEP]" and the like in a text are words as any other.

        Raises:
          UserError: `text` has not one dimension.
        """
        text = tf.convert_to_tensor(text, tf.string)
        text.shape.assert_has_rank(1)
        words = basic_tokenize(text, self.vocabulary.do_lower_case)  # [batch, (words)]
        return wordpiece_tokenize(words, self._model).merge_dims(1, 2)

    def pack(
        self, first: tf.RaggedTensor, second: tf.RaggedTensor, max_seq_length: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """[CLS] a [SEP] b [SEP], or [CLS] a [SEP] where b has no pieces: see `packing.pack`.

        Returns:
          `input_ids` and `segment_ids`, int32 [batch, longest], padded with 0.
        """
        return pack(first, second, max_seq_length, self.vocabulary.cls_id, self.vocabulary.sep_id)

    def encode(
        self, text_a: tf.Tensor, text_b: tf.Tensor, max_seq_length: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`tokenize` and `pack` at once.

        Args:
          text_a: string [batch].
          text_b: string [batch]; "" where there is one text only. White space and whatever else has no pieces
            counts as "", as in BERT's `convert_single_example`.
          max_seq_length: The longest row with its special tokens; what is longer is truncated.

        Returns:
          `input_ids` and `segment_ids`, int32 [batch, longest], padded with 0.

        Raises:
          UserError: `max_seq_length` is below 3, or a text has not one dimension.
        """
        text_a, text_b = (tf.convert_to_tensor(text, tf.string) for text in (text_a, text_b))
        pieces = self.tokenize(tf.concat([text_a, text_b], axis=0))  # [2 * batch, (pieces)]
        return self.pack(*_parted(pieces, tf.size(text_a)), max_seq_length)


def _parted(pieces: tf.RaggedTensor, rows: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """The first so many rows, and the others; in fewer ops than two slices."""
    splits, values = pieces.row_splits, pieces.flat_values
    middle = splits[rows]
    return (
        tf.RaggedTensor.from_row_splits(values[:middle], splits[: rows + 1], validate=False),
        tf.RaggedTensor.from_row_splits(values[middle:], splits[rows:] - middle, validate=False),
    )
