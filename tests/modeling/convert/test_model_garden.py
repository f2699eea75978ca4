"""Checkpoints of tf-models-official by their keys; layers/test_encoder.py compares with official ones."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pretrained_folders import CONFIG, VOCABULARY, WEIGHTS, assert_bits_equal

from centrabert.modeling import checkpoint
from centrabert.modeling.convert import model_garden
from centrabert.modeling.convert.conversion import Source

Tensors = dict[str, Any]


def object_checkpoint(
    prefix: Path, numbered: bool = False, under: str = "", extra: Tensors | None = None
) -> Path:
    """A checkpoint as tf-models-official writes it; `extra` adds or replaces variables."""
    parts = model_garden._numbered(CONFIG) if numbered else model_garden._named(CONFIG)
    tensors = {
        under + model_garden._key(name, parts) + model_garden.VALUE: array.reshape(
            model_garden.object_shape(name, CONFIG)
        )
        for name, array in WEIGHTS.items()
    }
    tensors["_CHECKPOINTABLE_OBJECT_GRAPH"] = np.array(b"graph", object)
    checkpoint.write(prefix, {**tensors, **(extra or {})})
    (prefix.parent / "bert_config.json").write_text(json.dumps(CONFIG.to_json()))
    (prefix.parent / "vocab.txt").write_text(VOCABULARY)
    return prefix


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("under", ["", "encoder/", "model/", "model/layer_with_weights-0/"])
def test_model_garden(numbered: bool, under: str, tmp_path: Path) -> None:
    """Eleven layers, so that layer_with_weights-10 meets layer_with_weights-1."""
    slot = f"{under}_pooler_layer/bias/.OPTIMIZER_SLOT/optimizer/m{model_garden.VALUE}"
    dropped = {
        slot: np.zeros(12, np.float32),
        f"optimizer/_variables/1{model_garden.VALUE}": np.zeros(1, np.float32),
        f"save_counter{model_garden.VALUE}": np.array(1),
    }
    prefix = object_checkpoint(tmp_path / "ckpt-1", numbered, under, dropped)
    pretrained = Source(str(tmp_path)).read()
    assert_bits_equal(pretrained.tensors, WEIGHTS)
    assert pretrained.config == CONFIG
    assert Source(str(prefix)).known_format == "model_garden"
    assert pretrained.notes == ("left out " + ", ".join(sorted(dropped)),)


def test_model_garden_unknown_variable(tmp_path: Path) -> None:
    adapter = f"_transformer_layers/0/_adapter/kernel{model_garden.VALUE}"
    object_checkpoint(tmp_path / "ckpt", extra={adapter: np.zeros(3, np.float32)})
    with pytest.raises(ValueError, match=f"ckpt: does not fit: unknown: {adapter}$"):
        Source(str(tmp_path)).read()


def test_model_garden_head_beside_the_encoder(tmp_path: Path) -> None:
    """Left out whatever it is called; in the encoder the same is an error."""
    head, inside = (f"{where}crf/transitions{model_garden.VALUE}" for where in ("", "encoder/"))
    object_checkpoint(tmp_path / "ckpt", under="encoder/", extra={head: np.zeros(3, np.float32)})
    pretrained = Source(str(tmp_path)).read()
    assert_bits_equal(pretrained.tensors, WEIGHTS)
    assert pretrained.notes == (f"left out {head}",)
    object_checkpoint(tmp_path / "ckpt", under="encoder/", extra={inside: np.zeros(3, np.float32)})
    with pytest.raises(ValueError, match=f"does not fit: unknown: {inside}$"):
        Source(str(tmp_path)).read()


def test_model_garden_two_encoders(tmp_path: Path) -> None:
    twin = f"teacher/_embedding_norm_layer/gamma{model_garden.VALUE}"
    object_checkpoint(tmp_path / "ckpt", under="student/", extra={twin: np.zeros(12, np.float32)})
    with pytest.raises(ValueError, match="found 2: student/, teacher/"):
        Source(str(tmp_path)).read()


def test_model_garden_of_another_size(tmp_path: Path) -> None:
    object_checkpoint(tmp_path / "ckpt")
    other = dataclasses.replace(CONFIG, num_attention_heads=4)
    (tmp_path / "bert_config.json").write_text(json.dumps(other.to_json()))
    with pytest.raises(ValueError, match=r"other shape: .*_key_dense/bias.* is \[3, 4\], wanted \[4, 3\]"):
        Source(str(tmp_path)).read()


def test_files_elsewhere(tmp_path: Path) -> None:
    prefix = object_checkpoint(tmp_path / "ckpt")
    (tmp_path / "other").mkdir()
    files = [
        (tmp_path / name).rename(tmp_path / "other" / name) for name in ("bert_config.json", "vocab.txt")
    ]
    with pytest.raises(ValueError, match=r"bert_config\.json: no such file"):
        Source(str(prefix)).read()
    assert Source(str(prefix), config_file=files[0], vocab_file=files[1]).read().config == CONFIG
