"""A tiny pretrained BERT in each format that the converter reads, and the converter as a script."""

import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy_bert
import pytest
from safetensors.numpy import save_file
from session import session

from centrabert import command
from centrabert.modeling import checkpoint, run_convert
from centrabert.modeling.config import BertConfig
from centrabert.modeling.convert.huggingface_config import huggingface_config
from centrabert.modeling.convert.huggingface_names import huggingface_name

CONFIG = BertConfig(
    vocab_size=23,
    hidden_size=12,
    num_hidden_layers=11,
    num_attention_heads=3,
    intermediate_size=7,
    hidden_act="gelu",
    hidden_dropout_prob=0.1,
    attention_probs_dropout_prob=0.2,
    max_position_embeddings=9,
    type_vocab_size=2,
    initializer_range=0.02,
)
WEIGHTS = numpy_bert.random_weights(CONFIG, seed=1)
VOCABULARY = "".join(f"{token}\n" for token in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrs"])


def google_folder(folder: Path, tensors: dict[str, Any] | None = None) -> Path:
    folder.mkdir()
    (folder / "bert_config.json").write_text(json.dumps(CONFIG.to_json()))
    (folder / "vocab.txt").write_text(VOCABULARY)
    if tensors is not None:
        checkpoint.write(folder / "bert_model.ckpt", tensors)
        return folder
    for file in _checkpoint().iterdir():
        shutil.copyfile(file, folder / file.name)
    return folder


@cache
def _checkpoint() -> Path:
    """A folder with the checkpoint of WEIGHTS, written once."""
    folder = Path(session.enter_context(TemporaryDirectory()))
    checkpoint.write(folder / "bert_model.ckpt", WEIGHTS)
    return folder


def huggingface_tensors() -> dict[str, Any]:
    return {
        huggingface_name(name): np.ascontiguousarray(array.T if name.endswith("kernel") else array)
        for name, array in WEIGHTS.items()
    }


def huggingface_folder(folder: Path, tensors: dict[str, Any] | None = None, **keys: Any) -> Path:
    """A Hugging Face folder; `keys` change its config."""
    folder.mkdir()
    config = {**huggingface_config(CONFIG, padding_id=0), **keys}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text(VOCABULARY)
    save_file(huggingface_tensors() if tensors is None else tensors, folder / "model.safetensors")
    return folder


def convert(*arguments: str) -> int:
    return command.status(run_convert.main, run_convert.FLAGS, ["run_convert.py", *map(str, arguments)])


def assert_bits_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        assert one[name].shape == other[name].shape
        assert one[name].tobytes() == other[name].tobytes(), name


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if "error:" in line]
    assert len(errors) == 1, lines
    return errors[0]
