"""A Hugging Face BERT on disk: config.json, vocab.txt, model.safetensors or pytorch_model.bin."""

import json
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.convert.huggingface_config import (
    google_config,
    huggingface_config,
    lower_case,
    tokenizer_config,
)
from centrabert.modeling.convert.huggingface_names import huggingface_name, is_transposed, model_names
from centrabert.modeling.convert.huggingface_weights import (
    float32,
    read_safetensors,
    read_torch,
    write_safetensors,
)
from centrabert.modeling.convert.pretrained import POOLER, Pretrained
from centrabert.modeling.formats.json_file import read_json

READERS = {"model.safetensors": read_safetensors, "pytorch_model.bin": read_torch}


def weights_file(folder: Path) -> Path | None:
    """The file that holds the variables, model.safetensors first; None if there is none."""
    return next((folder / name for name in READERS if (folder / name).is_file()), None)


def read(folder: Path, do_lower_case: bool | None = None, vocab_file: Path | None = None) -> Pretrained:
    """Reads the folder; variables in 16 bits become float32, heads are left out, and the notes say so.

    Args:
      do_lower_case: None takes it from tokenizer_config.json, or True, BERT's own default.
      vocab_file: Instead of the folder's vocab.txt.

    Raises:
      UserError: Names the file and all that is missing, unknown or of another shape.
    """
    config, ignored = google_config(read_json(folder / "config.json"), str(folder / "config.json"))
    weights = weights_file(folder)
    if weights is None:
        raise UserError(f"{folder}: holds neither {' nor '.join(READERS)}")
    vocab_file = vocab_file or folder / "vocab.txt"
    if not vocab_file.is_file():
        raise UserError(f"{vocab_file}: no such file; pass the model's vocab.txt by --vocab_file")
    if do_lower_case is None:
        tokenizer_file = folder / "tokenizer_config.json"
        keys = read_json(tokenizer_file) if tokenizer_file.is_file() else {}
        do_lower_case = lower_case(keys, str(tokenizer_file))
    tensors, notes = _variables(config, weights)
    if ignored:
        notes.append(f"{folder / 'config.json'}: ignored the keys {', '.join(ignored)}")
    return Pretrained(config, vocab_file, do_lower_case, tensors, tuple(notes))


def write(pretrained: Pretrained, folder: Path) -> None:
    """Writes config.json, tokenizer_config.json, vocab.txt and model.safetensors into `folder`."""
    _write_json(folder / "config.json", huggingface_config(pretrained.config))
    _write_json(
        folder / "tokenizer_config.json", tokenizer_config(pretrained.config, pretrained.do_lower_case)
    )
    (folder / "vocab.txt").write_bytes(pretrained.vocab_file.read_bytes())
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


def _write_json(path: Path, keys: dict[str, Any]) -> None:
    path.write_text(json.dumps(keys, indent=2) + "\n", encoding="utf-8")
