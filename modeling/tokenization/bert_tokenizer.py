"""Google's FullTokenizer (tokenization.py of google-research/bert) as TensorFlow ops."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf

from centrabert.modeling.tokenization.basic_tokenizer import basic_tokenize
from centrabert.modeling.tokenization.byte_offsets import places_in_text
from centrabert.modeling.tokenization.normalization import TOKENIZER_CONFIG, Normalization
from centrabert.modeling.tokenization.packing import PairLayout
from centrabert.modeling.tokenization.tokenizer import PiecesWithOffsets, Tokenizer, text_tensor
from centrabert.modeling.tokenization.vocabulary import CLS, PAD, SEP, UNK, WORDPIECES, Vocabulary
from centrabert.modeling.tokenization.wordpiece_tokenizer import (
    wordpiece_model,
    wordpiece_offsets,
    wordpiece_tokenize,
)


class BertTokenizer(Tokenizer):
    """Word pieces of normalised text.

    The graph has no tables, assets or variables: the vocabulary is a constant (1.3 MB for 30,522 pieces), one
    per call of `tokenize` or `encode`. Where one graph needs several lengths, call `tokenize` once and `pack`
    for each. "[SEP]" and the like in a text are words as any other.

    A program that loads such a graph must import tensorflow_text first; TF Serving has its ops built in.

    Raises:
      UserError: The vocabulary is plainly of the other case than the normalisation.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        normalization: Normalization = Normalization(),  # noqa: B008 (frozen)
        source: str = "vocabulary",
    ) -> None:
        normalization.check_case(vocabulary.tokens, source)
        self.vocabulary = vocabulary
        self.normalization = normalization

    @cached_property
    def layout(self) -> PairLayout:
        return PairLayout(*(self.vocabulary.id_of(token) for token in (CLS, SEP, PAD)))

    @cached_property
    def unknown_id(self) -> int:
        return self.vocabulary.id_of(UNK)

    @property
    def vocabulary_size(self) -> int:
        return len(self.vocabulary.tokens)

    @property
    def words(self) -> Sequence[str]:
        return [token for token in self.vocabulary.tokens if token and not token.startswith(("[", "<", "##"))]

    @property
    def do_lower_case(self) -> bool:
        return self.normalization.do_lower_case

    @cached_property
    def digest(self) -> str:
        """Of the pieces, and of `do_lower_case` alone where all else is as Google has it."""
        normalization = self.normalization
        first = normalization.do_lower_case if normalization.is_google else normalization.to_json()
        return hashlib.sha256(json.dumps([first, *self.vocabulary.tokens]).encode()).hexdigest()

    @property
    def assets(self) -> Mapping[str, bytes]:
        lines = "".join(f"{token}\n" for token in self.vocabulary.tokens).encode()
        config = json.dumps(self.normalization.to_json(), indent=2) + "\n"
        return {WORDPIECES: self.vocabulary.content or lines, TOKENIZER_CONFIG: config.encode()}

    @cached_property
    def _model(self) -> npt.NDArray[np.uint8]:
        return wordpiece_model(self.vocabulary.tokens)

    def tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        words = basic_tokenize(text_tensor(text), self.normalization)  # [batch, (words)]
        return wordpiece_tokenize(words, self._model).merge_dims(1, 2)

    def tokenize_with_offsets(self, text: tf.Tensor) -> PiecesWithOffsets:
        text = text_tensor(text)
        words = basic_tokenize(text, self.normalization, one_space=False)
        pieces, starts, ends = wordpiece_offsets(words, self._model)  # [batch, (words), (pieces)]
        return PiecesWithOffsets(
            pieces.merge_dims(1, 2), *places_in_text(text, self.normalization, words, starts, ends)
        )
