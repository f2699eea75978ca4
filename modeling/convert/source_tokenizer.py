"""The tokenizer of a BERT to convert: WordPiece, or SentencePiece where the vocabulary ends in .model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.convert.huggingface_tokenizer import (
    TOKENIZER_JSON,
    added_tokens,
    check_special_tokens,
    read_bert_tokenizer,
    with_ids,
)
from centrabert.modeling.formats.json_file import read_json
from centrabert.modeling.tokenization.normalization import TOKENIZER_CONFIG
from centrabert.modeling.tokenization.sentencepiece_check import check_usable
from centrabert.modeling.tokenization.sentencepiece_convention import parse_convention
from centrabert.modeling.tokenization.sentencepiece_model import SentencePieceModel
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.tokenization.vocabulary import SENTENCEPIECE_ENDING


def read_source_tokenizer(
    folder: Path, vocab_file: Path, do_lower_case: bool | None
) -> tuple[Tokenizer, dict[str, Any]]:
    """As `read_bert_tokenizer`, for either kind of vocabulary."""
    if vocab_file.suffix != SENTENCEPIECE_ENDING:
        return read_bert_tokenizer(folder, vocab_file, do_lower_case)
    model = SentencePieceModel.from_file(vocab_file)
    check_usable(model)
    config_file, fast_file = folder / TOKENIZER_CONFIG, folder / TOKENIZER_JSON
    config = read_json(config_file) if config_file.is_file() else {}
    fast = read_json(fast_file) if fast_file.is_file() else {}
    tokenizer = SentencePieceTokenizer(
        model, parse_convention(config, str(config_file), model, do_lower_case)
    )
    check_special_tokens(folder, tokenizer.convention.special)
    _check_fast(fast, tokenizer.tokens, str(fast_file), str(vocab_file))
    special = set(tokenizer.convention.special.values())
    for source, added in added_tokens(folder, config, fast):
        _check_ids(with_ids(added), tokenizer.tokens, source, str(vocab_file))
        if others := sorted(added.keys() - special):
            raise UserError(
                f"{source}: adds the pieces {', '.join(map(repr, others))}, which this model reads whole "
                "wherever they stand in a text; SentencePiece would cut them up. This is not supported; if "
                "no text of yours holds them, remove them from the file: the other ids stay as they are"
            )
    return tokenizer, config


def _check_fast(fast: dict[str, Any], tokens: Sequence[str], source: str, vocab_file: str) -> None:
    """tokenizer.json has a copy of the pieces, which must be the same."""
    model = fast.get("model") or {}
    if fast and model.get("type") not in (None, "Unigram", "BPE"):
        raise UserError(f"{source}: its model is {model.get('type')!r}, but {vocab_file} is SentencePiece")
    pieces = model.get("vocab") or []
    if isinstance(pieces, dict):
        return _check_ids(pieces, tokens, source, vocab_file)
    return _check_ids({piece[0]: index for index, piece in enumerate(pieces)}, tokens, source, vocab_file)


def _check_ids(ids: dict[str, Any], tokens: Sequence[str], source: str, vocab_file: str) -> None:
    for token, index in ids.items():
        known = isinstance(index, int) and 0 <= index < len(tokens)
        if not known or tokens[index] != token:
            there = repr(tokens[index]) if known else "nothing"
            raise UserError(
                f"{source}: {token!r} has id {index}, but by {vocab_file} that is {there}; are the files of "
                "two models?"
            )
