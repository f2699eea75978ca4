"""What a Hugging Face folder says of its tokenizer, in up to four files that must agree."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.formats.json_file import read_json
from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.normalization import (
    TOKENIZER_CONFIG,
    parse_normalization,
)
from centrabert.modeling.tokenization.vocabulary import CLS, PAD, SEP, UNK, Vocabulary

TOKENIZER_JSON, ADDED_TOKENS = "tokenizer.json", "added_tokens.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
MORE_SPECIAL = ("additional_special_tokens", "extra_special_tokens")  # keys of lists, or of objects
# Classes that read a vocab.txt as Google's tokenizer does; each has a twin with Fast behind its name. The
# last two say nothing themselves: tokenizer.json does.
CLASSES = frozenset(
    [
        *("BertTokenizer", "ConvBertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"),
        *("LayoutLMTokenizer", "MobileBertTokenizer", "RetriBertTokenizer", "SqueezeBertTokenizer"),
        *("PreTrainedTokenizer", "TokenizersBackend"),
    ]
)
MASK = "[MASK]"
SPECIAL = {"pad_token": PAD, "unk_token": UNK, "cls_token": CLS, "sep_token": SEP, "mask_token": MASK}
# Keys that would change the pieces of a text, with the values under which they do not.
FIXED: dict[str, tuple[Any, ...]] = {"do_basic_tokenize": (True,), "never_split": (None, [])}
LISTED = 5  # tokens that a message spells out


def read_bert_tokenizer(
    folder: Path, vocab_file: Path, do_lower_case: bool | None
) -> tuple[BertTokenizer, dict[str, Any]]:
    """Reads the vocabulary, and whichever of the four files are there.

    Args:
      vocab_file: Mostly, but not always, in `folder`.
      do_lower_case: What was asked for; None asks for what the files say, or True, BERT's default.

    Returns:
      The tokenizer, and all keys of tokenizer_config.json, to be passed on.

    Raises:
      UserError: The files contradict each other, the vocabulary or `do_lower_case`, or ask for another
        tokenisation than ours; the message names the files.
    """
    if not vocab_file.is_file():
        raise UserError(f"{vocab_file}: no such file; pass the model's vocab.txt by --vocab_file")
    vocabulary = Vocabulary.from_file(vocab_file)
    config_file, fast_file = folder / TOKENIZER_CONFIG, folder / TOKENIZER_JSON
    config = read_json(config_file) if config_file.is_file() else {}
    fast = read_json(fast_file) if fast_file.is_file() else {}
    _check_config(config, str(config_file))
    check_special_tokens(folder, SPECIAL)
    _check_fast(fast, vocabulary.tokens, str(fast_file), str(vocab_file))
    _check_added(folder, config, fast, vocabulary.tokens, str(vocab_file))
    fast_keys = _fast_normalization(fast)
    _check_agree(config, str(config_file), fast_keys, str(fast_file))
    said = {**fast_keys, **{key: value for key, value in config.items() if value is not None}}
    source = config_file if "do_lower_case" in config or not fast else fast_file
    normalization = parse_normalization(said, str(source), do_lower_case)
    return BertTokenizer(vocabulary, normalization, str(vocab_file)), config


def tokenizer_config(
    keys: Mapping[str, Any], said: Mapping[str, Any], max_position_embeddings: int
) -> dict[str, Any]:
    """The keys of tokenizer_config.json: the source's, and `said`, which decides the pieces of a text."""
    usual = {**SPECIAL, "model_max_length": max_position_embeddings}
    return {**usual, **keys, **said, "tokenizer_class": keys.get("tokenizer_class", said["tokenizer_class"])}


def _check_config(config: dict[str, Any], source: str) -> None:
    name = config.get("tokenizer_class")
    if name is not None and str(name).removesuffix("Fast") not in CLASSES:
        raise UserError(f"{source}: tokenizer_class is {name!r}; only BERT's WordPiece is supported here")
    for key, values in FIXED.items():
        if key in config and config[key] not in values:
            raise UserError(f"{source}: {key} is {config[key]!r}, only {values[0]!r} is supported")
    _check_special(config, source, SPECIAL)


def check_special_tokens(folder: Path, special: Mapping[str, str]) -> None:
    """Raises UserError if special_tokens_map.json has another token than `special` has for a key of it."""
    _check_special(_special_tokens_map(folder), str(folder / SPECIAL_TOKENS_MAP), special)


def _check_special(keys: dict[str, Any], source: str, special: Mapping[str, str]) -> None:
    for key, token in special.items():
        said = _content(keys.get(key, token))
        if said not in (token, None):
            raise UserError(f"{source}: {key} is {said!r}, only {token!r} is supported")


def _special_tokens_map(folder: Path) -> dict[str, Any]:
    file = folder / SPECIAL_TOKENS_MAP
    return read_json(file) if file.is_file() else {}


def _check_fast(fast: dict[str, Any], tokens: Sequence[str], source: str, vocab_file: str) -> None:
    """tokenizer.json: a pipeline of parts, each with a type."""
    if not fast:
        return
    for part, kind in (
        ("normalizer", "BertNormalizer"),
        ("pre_tokenizer", "BertPreTokenizer"),
        ("model", "WordPiece"),
    ):
        found = fast.get(part)
        said = found.get("type", kind) if isinstance(found, dict) else found
        if said != kind:
            raise UserError(f"{source}: its {part} is {said!r}, only {kind} is supported")
    if fast["normalizer"].get("clean_text", True) is not True:
        raise UserError(f"{source}: clean_text is false, only true is supported")
    prefix = fast["model"].get("continuing_subword_prefix", "##")
    if prefix != "##":
        raise UserError(f"{source}: continuing_subword_prefix is {prefix!r}, only '##' is supported")
    vocabulary = fast["model"].get("vocab")
    if isinstance(vocabulary, dict):
        _check_ids({str(token): index for token, index in vocabulary.items()}, tokens, source, vocab_file)


def _check_ids(ids: dict[str, Any], tokens: Sequence[str], source: str, vocab_file: str) -> None:
    """Raises UserError unless each of these pieces stands on its line: one line too few shifts all ids."""
    for token, index in ids.items():
        known = isinstance(index, int) and 0 <= index < len(tokens)
        if not known or tokens[index] not in (token, token.strip()):
            there = repr(tokens[index]) if known else "nothing"
            raise UserError(
                f"{source}: {token!r} has id {index}, but in {vocab_file} line {index + 1} holds {there}; "
                "is a line missing, or are the files of two models?"
            )


def _check_added(
    folder: Path, config: dict[str, Any], fast: dict[str, Any], tokens: Sequence[str], vocab_file: str
) -> None:
    """Raises UserError for pieces that are matched whole in a text, which WordPiece would cut up."""
    for source, added in added_tokens(folder, config, fast):
        special = {token: index for token, index in added.items() if token in SPECIAL.values()}
        _check_ids(with_ids(special), tokens, source, vocab_file)
        if others := [_shown(token, index) for token, index in added.items() if token not in special]:
            more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
            raise UserError(
                f"{source}: adds the pieces {', '.join(others[:LISTED])}{more}, which this model reads whole "
                "wherever they stand in a text; WordPiece would cut them up. This is not supported; if no "
                "text of yours holds them, remove them from the file: the other ids stay as they are"
            )


def added_tokens(
    folder: Path, config: dict[str, Any], fast: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each file's added tokens, with their ids, or None where a file tells none."""
    for name, keys in ((TOKENIZER_CONFIG, config), (SPECIAL_TOKENS_MAP, _special_tokens_map(folder))):
        for key in MORE_SPECIAL:
            more = keys.get(key) or []
            tokens = more.values() if isinstance(more, dict) else more
            yield f"{folder / name}: {key}", {str(_content(token)): None for token in tokens}
    file = folder / ADDED_TOKENS
    if file.is_file():
        yield str(file), read_json(file)
    decoder = config.get("added_tokens_decoder") or {}
    yield (
        f"{folder / TOKENIZER_CONFIG}: added_tokens_decoder",
        {str(_content(token)): _number(index) for index, token in decoder.items()},
    )
    yield (
        f"{folder / TOKENIZER_JSON}: added_tokens",
        {str(_content(token)): token.get("id") for token in fast.get("added_tokens") or []},
    )


def with_ids(added: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the added tokens whose ids a file tells."""
    return {token: index for token, index in added.items() if index is not None}


def _shown(token: str, index: Any) -> str:
    return repr(token) if index is None else f"{token!r} ({index})"


def _content(token: Any) -> Any:
    """A token is its text, or an object that holds it."""
    return token.get("content") if isinstance(token, dict) else token


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _fast_normalization(fast: dict[str, Any]) -> dict[str, Any]:
    """What the normaliser of tokenizer.json says, in the keys of tokenizer_config.json."""
    names = {
        "lowercase": "do_lower_case",
        "strip_accents": "strip_accents",
        "handle_chinese_chars": "tokenize_chinese_chars",
    }
    normalizer = fast.get("normalizer") or {}
    return {ours: normalizer[theirs] for theirs, ours in names.items() if normalizer.get(theirs) is not None}


def _check_agree(config: dict[str, Any], config_file: str, fast: dict[str, Any], fast_file: str) -> None:
    for key in fast.keys() & config.keys():
        if config[key] is not None and config[key] != fast[key]:
            raise UserError(
                f"{config_file}: {key} is {config[key]!r}, but {fast_file} says {fast[key]!r}; correct the "
                "one that is wrong"
            )
