"""What every tokenizer offers: text in, BERT's input out, in one TensorFlow graph."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.errors import UserError
from centrabert.modeling.tokenization.packing import PairLayout, pack
from centrabert.modeling.tokenization.pair_segments import check_segments


@dataclass(frozen=True)
class PiecesWithOffsets:
    """The pieces of a batch of texts, and where each one stands in its text.

    Attributes:
      ids: int32 [batch, (pieces)].
      starts, ends: int64 [batch, (pieces)], byte offsets into the text as it was given, in UTF-8, so that
        `text[start:end]` is what the piece was made of. Pieces come in the text's order and do not overlap,
        but where one character became several.
    """

    ids: tf.RaggedTensor
    starts: tf.RaggedTensor
    ends: tf.RaggedTensor


class Tokenizer(ABC):
    """The tokenizer of training, evaluation and serving, all of them the same TensorFlow ops.

    Works in graph mode and eagerly. Nothing outside this folder knows which id is padding, how a pair is laid
    out, or whether text is lower-cased: all of it is asked here.
    """

    @property
    @abstractmethod
    def layout(self) -> PairLayout:
        """The special tokens around a text and between a pair, and the id of padding."""

    @property
    @abstractmethod
    def unknown_id(self) -> int:
        """The id of what no piece covers; a token like any other, so never padding."""

    @property
    @abstractmethod
    def vocabulary_size(self) -> int:
        """Ids are below; the word embeddings have at least so many rows."""

    @property
    def space_id(self) -> int | None:
        """The id of the piece that is a space alone; None where no piece is."""
        return None

    @property
    @abstractmethod
    def words(self) -> Sequence[str]:
        """Words of the vocabulary, of which sample texts are made."""

    @property
    @abstractmethod
    def do_lower_case(self) -> bool:
        """Whether text is lower-cased first."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """SHA-256 in hex of all that decides the ids of a text: equal for all branches that share a trunk."""

    @property
    @abstractmethod
    def assets(self) -> Mapping[str, bytes]:
        """File name -> content of the files that the tokenizer can be read from again."""

    @abstractmethod
    def tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        """The pieces of each text, without special tokens.

        Args:
          text: string [batch] in UTF-8; what is not UTF-8 is ignored.

        Returns:
          int32 [batch, (pieces)].

        Raises:
          UserError: `text` has not one dimension.
        """

    @abstractmethod
    def tokenize_with_offsets(self, text: tf.Tensor) -> PiecesWithOffsets:
        """As `tokenize`, with the place of every piece in the text; slower, for who needs the places."""

    @property
    def padding_id(self) -> int:
        """What rows of ids are padded with; no text has it among its pieces."""
        return self.layout.padding_id

    def pack(
        self, first: tf.RaggedTensor, second: tf.RaggedTensor, max_seq_length: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """One text or a pair as one row, in the tokenizer's own layout: see `packing.pack`.

        Returns:
          `input_ids` and `segment_ids`, int32 [batch, longest], padded.
        """
        return pack(first, second, max_seq_length, self.layout)

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
          `input_ids` and `segment_ids`, int32 [batch, longest], padded.

        Raises:
          UserError: `max_seq_length` leaves no room for the special tokens, or a text has not one dimension.
        """
        return self.pack(*self.tokenize_both(text_a, text_b), max_seq_length)

    def tokenize_both(self, text_a: tf.Tensor, text_b: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """The pieces of the first texts and of the second, string [batch] each, by one call of `tokenize`."""
        text_a, text_b = (tf.convert_to_tensor(text, tf.string) for text in (text_a, text_b))
        pieces = self.tokenize(tf.concat([text_a, text_b], axis=0))  # [2 * batch, (pieces)]
        return _parted(pieces, tf.size(text_a))

    def check_fits(self, config_vocab_size: int, vocab_file: str, config_file: str) -> str | None:
        """What the user should know where the embedding table has more rows than there are pieces, or None.

        Such rows are spare (rounded up for speed, or room for more pieces) and never looked up; but a
        vocabulary that lost a line looks the same, and nothing in the files tells one from the other.

        Raises:
          UserError: There are more pieces than rows, so the vocabulary belongs to another model.
        """
        pieces, spare = self.vocabulary_size, config_vocab_size - self.vocabulary_size
        told = f"{vocab_file} has {pieces} tokens but vocab_size in {config_file} is {config_vocab_size}"
        if spare < 0:
            raise UserError(f"{told}; use the vocabulary that came with this model")
        if spare == 0:
            return None
        rows = f"{spare} rows of the embedding are" if spare > 1 else "row of the embedding is"
        return (
            f"{told}: the last {rows} treated as unused. If instead a line is missing from this vocabulary, "
            "every later id is wrong, and so are the answers; then use the model's own vocabulary"
        )

    def check_reads_pairs(self, task: str, type_vocab_size: int, source: str) -> None:
        """Raises UserError as `check_segments`, if a BERT of so many segments cannot read pairs."""
        check_segments(task, self.layout.second_segment, type_vocab_size, source)


def text_tensor(text: tf.Tensor) -> tf.Tensor:
    """A string [batch]; raises ValueError if it has not one dimension."""
    text = tf.convert_to_tensor(text, tf.string)
    text.shape.assert_has_rank(1)
    return text


def _parted(pieces: tf.RaggedTensor, rows: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """The first so many rows, and the others; in fewer ops than two slices."""
    splits, values = pieces.row_splits, pieces.flat_values
    middle = splits[rows]
    return (
        tf.RaggedTensor.from_row_splits(values[:middle], splits[: rows + 1], validate=False),
        tf.RaggedTensor.from_row_splits(values[middle:], splits[rows:] - middle, validate=False),
    )
