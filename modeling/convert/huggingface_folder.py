"""A Hugging Face BERT on disk: config.json, vocab.txt, model.safetensors or pytorch_model.bin."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.convert.huggingface_config import google_config, huggingface_config
from centrabert.modeling.convert.huggingface_names import huggingface_name, is_transposed, model_names
from centrabert.modeling.convert.huggingface_tokenizer import read_bert_tokenizer
from centrabert.modeling.convert.huggingface_weights import (
    float32,
    read_safetensors,
    read_torch,
    write_safetensors,
)
from centrabert.modeling.convert.pretrained import POOLER, Pretrained
from centrabert.modeling.formats.json_file import dump, read_json

READERS = {"model.safetensors": read_safetensors, "pytorch_model.bin": read_torch}


def weights_file(folder: Path) -> Path | None:
    """The file that holds the variables, model.safetensors first; None if there is none."""
    return next((folder / name for name in READERS if (folder / name).is_file()), None)


def read(folder: Path, do_lower_case: bool | None = None, vocab_file: Path | None = None) -> Pretrained:
    """Reads the folder; variables in 16 bits become float32, heads are left out, and the notes say so.

    Args:
      do_lower_case: What was asked for; None takes what the folder's files say, or True, BERT's own default.
      vocab_file: Instead of the folder's vocab.txt.

    Raises:
      UserError: Names the file and all that is missing, unknown or of another shape.
    """
    config_file = folder / "config.json"
    all_keys = read_json(config_file)
    config, ignored = google_config(all_keys, str(config_file))
    weights = weights_file(folder)
    if weights is None:
        raise UserError(f"{folder}: holds neither {' nor '.join(READERS)}")
    tokenizer, keys = read_bert_tokenizer(folder, vocab_file or folder / "vocab.txt", do_lower_case)
    padding_id = all_keys.get("pad_token_id")
    if padding_id not in (None, tokenizer.padding_id):
        raise UserError(
            f"{config_file}: pad_token_id is {padding_id!r}, but in the vocabulary [PAD] is piece "
            f"{tokenizer.padding_id}"
        )
    tensors, notes = _variables(config, weights)
    if ignored:
        notes.append(f"{config_file}: ignored the keys {', '.join(ignored)}")
    return Pretrained(config, tokenizer, tensors, keys, tuple(notes))


def write(pretrained: Pretrained, folder: Path) -> None:
    """Writes config.json, tokenizer_config.json, vocab.txt and model.safetensors into `folder`."""
    keys = huggingface_config(pretrained.config, pretrained.tokenizer.padding_id)
    (folder / "config.json").write_text(dump(keys), encoding="utf-8")
    pretrained.write_tokenizer(folder)
    tensors = {
        huggingface_name(name): tensor.T if is_transposed(name) else tensor
        for name, tensor in pretrained.tensors.items()
    }
    write_safetensors(folder / "model.safetensors", tensors)


def _variables(config: BertConfig, weights: Path) -> tuple[checkpoint.Tensors, list[str]]:
    """The variables under Google's names, and what the user should know."""
    stored = READERS[weights.name](weights)
    in_file = model_names(stored, str(weights))
    tensors, narrow = float32({name: stored[old] for name, old in in_file.items()}, str(weights))
    names = {huggingface_name(name): name for name in _wanted(config, tensors)}
    shapes = scopes.base_shapes(config)
    wanted = {theirs: _stored_shape(ours, shapes[ours]) for theirs, ours in names.items()}
    checkpoint.match(wanted, {name: tensor.shape for name, tensor in tensors.items()}, str(weights))
    notes = []
    if narrow:
        notes.append(f"{len(narrow)} variables were {', '.join(sorted(set(narrow.values())))}, now float32")
    if dropped := sorted(stored.keys() - set(in_file.values())):
        notes.append(f"left out {', '.join(dropped)}")
    return {
        ours: tensors[theirs].T if is_transposed(ours) else tensors[theirs] for theirs, ours in names.items()
    }, notes


def _wanted(config: BertConfig, tensors: checkpoint.Tensors) -> list[str]:
    """Google's names; without the pooler where the file has no part of one, as masked language models."""
    has_pooler = any(huggingface_name(name) in tensors for name in POOLER)
    return [name for name in scopes.base_shapes(config) if has_pooler or name not in POOLER]


def _stored_shape(name: str, shape: scopes.Shape) -> scopes.Shape:
    return shape[::-1] if is_transposed(name) else shape
