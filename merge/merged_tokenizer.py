"""The tokenizer of a merged model, proved to be the one that its branches were trained with."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.merge.manifest import Manifest
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer
from centrabert.modeling.tokenization.vocabulary import vocabulary_file


def read_merged_tokenizer(folder: Path, manifest: Manifest) -> Tokenizer:
    """Reads the tokenizer of a merged folder; raises UserError if it is not that of its manifest."""
    file = vocabulary_file(folder)
    tokenizer = read_tokenizer(file, manifest.do_lower_case)
    if tokenizer.digest != manifest.vocabulary_digest:
        raise UserError(f"{file}: is not the vocabulary of manifest.json; merge again")
    return tokenizer
