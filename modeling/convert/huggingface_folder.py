"""A Hugging Face BERT on disk: config.json, a vocabulary, and the variables in one file or in shards."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.convert.huggingface_config import google_config, huggingface_config
from centrabert.modeling.convert.huggingface_names import (
    USUAL,
    encoder_prefix,
    huggingface_name,
    is_transposed,
    model_names,
)
from centrabert.modeling.convert.huggingface_weights import Float32, float32, write_safetensors
from centrabert.modeling.convert.pretrained import Pretrained, left_out, wanted_shapes
from centrabert.modeling.convert.sharded_weights import WANTED, read_weights, weights_file
from centrabert.modeling.convert.source_tokenizer import read_source_tokenizer
from centrabert.modeling.formats.json_file import dump, read_json
from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.tokenization.vocabulary import PAD, vocabulary_file

NO_HEAD: Mapping[str, Float32] = MappingProxyType({})
NO_KEYS: Mapping[str, Any] = MappingProxyType({})


def read(folder: Path, do_lower_case: bool | None = None, vocab_file: Path | None = None) -> Pretrained:
    """Reads the folder; variables in 16 bits become float32, heads are left out, and the notes say so.

    Args:
      do_lower_case: What was asked for; None takes what the folder's files say, or True, BERT's own default.
      vocab_file: Instead of the folder's own.

    Raises:
      UserError: Names the file and all that is missing, unknown or of another shape.
    """
    config_file = folder / "config.json"
    all_keys = read_json(config_file)
    config, ignored = google_config(all_keys, str(config_file))
    weights = weights_file(folder)
    if weights is None:
        raise UserError(f"{folder}: holds no {WANTED}")
    vocab_file = vocab_file or vocabulary_file(folder)
    tokenizer, keys = read_source_tokenizer(folder, vocab_file, do_lower_case)
    tensors, notes = _variables(config, weights)
    notes += _padding_notes(all_keys.get("pad_token_id"), tokenizer, str(config_file))
    if ignored:
        notes.append(f"{config_file}: ignored the keys {', '.join(ignored)}")
    files = str(vocab_file), str(config_file)
    return Pretrained(config, tokenizer, tensors, keys, tuple(notes), files)


def write(
    pretrained: Pretrained,
    folder: Path,
    head: Mapping[str, Float32] = NO_HEAD,
    keys: Mapping[str, Any] = NO_KEYS,
) -> None:
    """Writes config.json, tokenizer_config.json, the vocabulary and model.safetensors into `folder`.

    Args:
      head: Variables beside the encoder; with them its own names begin with USUAL, as in BERT's task models.
      keys: Of config.json, beside the encoder's or in their place.
    """
    encoder_keys = huggingface_config(pretrained.config, pretrained.tokenizer.padding_id)
    (folder / "config.json").write_text(dump({**encoder_keys, **keys}), encoding="utf-8")
    pretrained.write_tokenizer(folder)
    prefix = USUAL if head else ""
    tensors = {
        prefix + huggingface_name(name): tensor.T if is_transposed(name) else tensor
        for name, tensor in pretrained.tensors.items()
    }
    write_safetensors(folder / "model.safetensors", {**tensors, **head})


def _variables(config: BertConfig, weights: Path) -> tuple[checkpoint.Tensors, list[str]]:
    """The variables under Google's names, and what the user should know."""
    source = str(weights)
    stored = read_weights(weights)
    prefix, in_file = encoder_prefix(stored, source), model_names(stored, source)
    tensors, narrow = float32({name: stored[old] for name, old in in_file.items()}, source)
    ours = {huggingface_name(name): name for name in scopes.base_shapes(config)}
    shapes = wanted_shapes(config, [ours.get(name, name) for name in tensors])
    wanted = {huggingface_name(name): _stored_shape(name, shape) for name, shape in shapes.items()}
    checkpoint.match(wanted, {name: tensor.shape for name, tensor in tensors.items()}, source)
    notes = []
    if narrow:
        notes.append(f"{len(narrow)} variables were {', '.join(sorted(set(narrow.values())))}, now float32")
    if prefix not in ("", USUAL):
        notes.append(f"the encoder's names begin with {prefix!r}, which was taken off")
    notes += left_out(sorted(stored.keys() - set(in_file.values())))
    return {
        ours[name]: tensor.T if is_transposed(ours[name]) else tensor for name, tensor in tensors.items()
    }, notes


def _padding_notes(padding_id: Any, tokenizer: Tokenizer, config_file: str) -> list[str]:
    """Padding is masked, so the config's id, often BERT's default, is of no effect beside the tokenizer's.

    Raises:
      UserError: They differ, and the vocabulary is WordPiece: then it may be of another model.
    """
    if padding_id in (None, tokenizer.padding_id):
        return []
    told = f"{config_file}: pad_token_id is {padding_id!r}, but in the vocabulary"
    if isinstance(tokenizer, BertTokenizer):
        raise UserError(f"{told} {PAD} is piece {tokenizer.padding_id}")
    return [
        f"{told} padding is piece {tokenizer.padding_id}, which is taken; padding is masked, so the answers "
        "are the same"
    ]


def _stored_shape(name: str, shape: scopes.Shape) -> scopes.Shape:
    return shape[::-1] if is_transposed(name) else shape
