"""The tokenizer that the files of a model ask for: vocab.txt, and tokenizer_config.json beside it."""

from pathlib import Path

from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.normalization import read_normalization
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.tokenization.vocabulary import Vocabulary


def read_tokenizer(vocabulary_file: Path, do_lower_case: bool | None = None) -> Tokenizer:
    """The tokenizer of a vocabulary and of what stands beside it.

    Args:
      do_lower_case: As in `read_normalization`.

    Raises:
      UserError: A file is damaged, or says otherwise.
    """
    normalization = read_normalization(vocabulary_file, do_lower_case)
    return BertTokenizer(Vocabulary.from_file(vocabulary_file), normalization, str(vocabulary_file))
