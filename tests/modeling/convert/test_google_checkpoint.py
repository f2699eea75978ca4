"""Checkpoints with Google's names, as people make them: heads, optimisers, prefixes, no pooler."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pretrained_folders import CONFIG, WEIGHTS, assert_bits_equal, convert, google_folder

from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import POOLER, BertFolder
from centrabert.modeling.convert.conversion import Source

ZERO = np.zeros(3, np.float32)
BESIDE = (
    "cls/squad/output_weights",
    "crf_loss/transition",
    "global_step",
    "output_bias",
    "bert/pooler/dense/bias/adam_m",
)


def read(folder: Path, tensors: dict[str, Any]) -> Any:
    return Source(str(google_folder(folder, tensors))).read()


def without_pooler() -> dict[str, Any]:
    return {name: array for name, array in WEIGHTS.items() if name not in POOLER}


def test_what_is_beside_the_encoder_is_left_out(tmp_path: Path) -> None:
    pretrained = read(tmp_path / "a", {**WEIGHTS, **dict.fromkeys(BESIDE, ZERO)})
    assert_bits_equal(pretrained.tensors, WEIGHTS)
    assert pretrained.notes == (f"left out {', '.join([*BESIDE[:4], BESIDE[4]])}",)


@pytest.mark.parametrize("prefix", ["", "model/bert/", "electra/"])
def test_any_prefix_of_the_encoder(prefix: str, tmp_path: Path) -> None:
    renamed = {prefix + name.removeprefix("bert/"): array for name, array in WEIGHTS.items()}
    slot = f"{prefix}pooler/dense/bias/adam_v"
    pretrained = read(tmp_path / "a", {**renamed, slot: ZERO, "head/bias": ZERO})
    assert_bits_equal(pretrained.tensors, WEIGHTS)
    assert pretrained.notes[-1] == f"the encoder's names began with {prefix!r}, now with 'bert/'"
    assert "head/bias" in pretrained.notes[0]
    assert slot in pretrained.notes[0]


def test_the_encoder_must_be_whole(tmp_path: Path) -> None:
    lacking, more = "bert/encoder/layer_3/output/dense/bias", "bert/encoder/layer_3/adapter/bias"
    tensors = {name: array for name, array in WEIGHTS.items() if name != lacking}
    with pytest.raises(ValueError, match=f"does not fit: missing: {lacking}; unknown: {more}$"):
        read(tmp_path / "a", {**tensors, more: ZERO, "head/bias": ZERO})
    renamed = {f"module/{name}": array for name, array in tensors.items()}
    with pytest.raises(ValueError, match=f"missing: {lacking}$"):
        read(tmp_path / "b", renamed)


def test_several_encoders(tmp_path: Path) -> None:
    twice = {f"{who}/{name}": array for who in ("a", "b") for name, array in WEIGHTS.items()}
    with pytest.raises(ValueError, match="several encoders, a/bert/, b/bert/; keep the variables"):
        read(tmp_path / "a", twice)


def test_a_pooler_is_drawn_where_there_is_none(tmp_path: Path) -> None:
    folder = google_folder(tmp_path / "a", without_pooler())
    assert convert(f"--source={folder}", f"--output_dir={tmp_path / 'b'}", "--seed=5") == 0
    bert = BertFolder.at(tmp_path / "b")
    bert.check()
    found = bert.read()
    assert {name: array.shape for name, array in found.items()} == scopes.base_shapes(CONFIG)
    assert found[POOLER[0]].any()
    assert_bits_equal({name: found[name] for name in without_pooler()}, without_pooler())


@pytest.mark.parametrize(("act", "notes"), [("gelu", 1), ("gelu_exact", 0)])
def test_a_config_with_keys_of_hugging_face_may_mean_the_other_gelu(
    act: str, notes: int, tmp_path: Path
) -> None:
    folder = google_folder(tmp_path / "a")
    keys = {**CONFIG.to_json(), "hidden_act": act, "transformers_version": "4.8.2"}
    (folder / "bert_config.json").write_text(json.dumps(keys))
    pretrained = Source(str(folder)).read()
    assert pretrained.config.hidden_act == act
    assert (
        sum("if the model was trained with that, write 'gelu_exact'" in n for n in pretrained.notes) == notes
    )


def test_half_a_pooler_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"missing: {POOLER[0]}$"):
        read(tmp_path / "a", {**without_pooler(), POOLER[1]: WEIGHTS[POOLER[1]]})


@pytest.mark.parametrize("end", ["index", "data-00000-of-00001", "meta"])
def test_a_file_of_the_checkpoint_in_place_of_its_prefix(end: str, tmp_path: Path) -> None:
    prefix = google_folder(tmp_path / "a") / "bert_model.ckpt"
    file = prefix.with_name(f"{prefix.name}.{end}")
    file.touch()
    for ask in (Source(str(file)).read, lambda: checkpoint.shapes(file)):
        with pytest.raises(ValueError, match=rf"\.{end}: is one of the files of a checkpoint; .*: {prefix}$"):
            ask()
