"""The tokenizer that the files of a model ask for: a vocabulary, and tokenizer_config.json beside it."""

from pathlib import Path

from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.normalization import read_normalization
from centrabert.modeling.tokenization.sentencepiece_convention import read_convention
from centrabert.modeling.tokenization.sentencepiece_model import SentencePieceModel
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.tokenization.vocabulary import SENTENCEPIECE_ENDING, Vocabulary


def read_tokenizer(vocabulary_file: Path, do_lower_case: bool | None = None) -> Tokenizer:
    """The tokenizer of a vocabulary and of what stands beside it: SentencePiece's where it ends in .model.

    Args:
      do_lower_case: As in `read_normalization`.

    Raises:
      UserError: A file is damaged, or says otherwise.
    """
    if vocabulary_file.suffix == SENTENCEPIECE_ENDING:
        model = SentencePieceModel.from_file(vocabulary_file)
        return SentencePieceTokenizer(model, read_convention(model, vocabulary_file, do_lower_case))
    normalization = read_normalization(vocabulary_file, do_lower_case)
    return BertTokenizer(Vocabulary.from_file(vocabulary_file), normalization, str(vocabulary_file))
