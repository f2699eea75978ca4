"""Hugging Face's names, configs and files, and Transformers as the judge of them."""

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy_bert
import pytest
from bert_graph import BertGraph
from pretrained_folders import (
    CONFIG,
    WEIGHTS,
    assert_bits_equal,
    convert,
    google_folder,
    huggingface_folder,
    huggingface_tensors,
    only_line,
)
from safetensors.numpy import load_file

from centrabert.modeling.convert.conversion import Source
from centrabert.modeling.convert.huggingface_config import google_config, huggingface_config
from centrabert.modeling.convert.huggingface_names import WORDS, huggingface_name, model_names

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")


def test_names_are_those_of_bert_model() -> None:
    assert (
        huggingface_name("bert/embeddings/token_type_embeddings") == "embeddings.token_type_embeddings.weight"
    )
    assert huggingface_name("bert/embeddings/LayerNorm/gamma") == "embeddings.LayerNorm.weight"
    attention = "bert/encoder/layer_10/attention"
    assert huggingface_name(f"{attention}/self/query/bias") == "encoder.layer.10.attention.self.query.bias"
    assert huggingface_name(f"{attention}/output/LayerNorm/beta") == (
        "encoder.layer.10.attention.output.LayerNorm.bias"
    )
    assert huggingface_name("bert/pooler/dense/kernel") == "pooler.dense.weight"
    assert len({huggingface_name(name) for name in WEIGHTS}) == len(WEIGHTS)


@pytest.mark.parametrize("name", ["output_weights", "bert/encoder/layer_0/alpha", "cls/predictions/kernel"])
def test_no_name_for_what_is_not_bert(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        huggingface_name(name)


def test_old_names_prefix_and_heads() -> None:
    names = {
        "bert.embeddings.LayerNorm.gamma": "embeddings.LayerNorm.weight",
        "bert.encoder.layer.3.output.LayerNorm.beta": "encoder.layer.3.output.LayerNorm.bias",
        "pooler.dense.weight": "pooler.dense.weight",
    }
    heads = ["cls.predictions.decoder.weight", "cls.seq_relationship.bias", "classifier.weight"]
    buffers = ["bert.embeddings.position_ids", "embeddings.position_ids"]
    words = f"bert.{WORDS}"
    assert model_names([words, *names, *heads, *buffers], "x") == {
        WORDS: words,
        **{new: old for old, new in names.items()},
    }


def test_one_variable_under_two_names() -> None:
    names = [WORDS, "bert.pooler.dense.bias", "pooler.dense.bias"]
    with pytest.raises(ValueError, match=r"file: bert\.pooler\.dense\.bias and pooler\.dense\.bias are"):
        model_names(names, "file")


# A head, beside a model of each of these prefixes, as Transformers, PyTorch's wrappers and others write them.
@pytest.mark.parametrize(
    ("prefix", "head"),
    [
        ("", "classifier.weight"),
        ("bert.", "cls.predictions.decoder.weight"),
        ("module.", "module_list.0.weight"),
        ("module.bert.", "module.classifier.weight"),
        ("model.", "lm_head.bias"),
        ("encoder.bert.", "encoder.crf.transitions"),
        ("encoder.", "decoder.layer.0.attention.self.query.weight"),
        ("_orig_mod.bert.", "_orig_mod.dropout.weight"),
        ("0.auto_model.", "2.linear.weight"),
    ],
)
def test_any_prefix_of_the_encoder(prefix: str, head: str, tmp_path: Path) -> None:
    """What is outside it is left out, whatever it is; both are said."""
    named = {prefix + name: array for name, array in huggingface_tensors().items()}
    pretrained = Source(str(huggingface_folder(tmp_path / "a", {**named, head: np.zeros(3)}))).read()
    assert_bits_equal(pretrained.tensors, WEIGHTS)
    taken_off = f"the encoder's names begin with {prefix!r}, which was taken off"
    assert pretrained.notes == (*([] if prefix in ("", "bert.") else [taken_off]), f"left out {head}")


@pytest.mark.parametrize("prefix", ["", "bert.", "module."])
def test_an_encoder_must_be_whole_under_any_prefix(prefix: str, tmp_path: Path) -> None:
    """A variable more or less in it is an error, though it would be none beside it."""
    lacking, more = "encoder.layer.3.attention.self.query.bias", "encoder.layer.3.adapter.weight"
    tensors = {prefix + name: array for name, array in huggingface_tensors().items() if name != lacking}
    folder = huggingface_folder(tmp_path / "a", {**tensors, prefix + more: np.zeros(1, np.float32)})
    with pytest.raises(ValueError, match=f"does not fit: missing: {lacking}; unknown: {more}$"):
        Source(str(folder)).read()


def test_several_encoders_and_none() -> None:
    with pytest.raises(ValueError, match=r"f: holds several encoders, .* with 'ctx\.' and 'query\.'"):
        model_names([f"ctx.{WORDS}", f"query.{WORDS}", "ctx.pooler.dense.bias"], "f")
    with pytest.raises(ValueError, match=rf"no variable is called {WORDS}, .* are h\.0, wte$"):
        model_names(["wte", "h.0"], "f")


def test_kernels_are_transposed(tmp_path: Path) -> None:
    """The sizes differ, so a missing transpose shows; square kernels are checked by value."""
    ours = Source(str(huggingface_folder(tmp_path / "a"))).read().tensors
    theirs = load_file(tmp_path / "a/model.safetensors")
    name = "encoder.layer.2.attention.self.key.weight"
    assert np.array_equal(ours["bert/encoder/layer_2/attention/self/key/kernel"].T, theirs[name])
    words = ours["bert/embeddings/word_embeddings"]
    assert np.array_equal(words, theirs["embeddings.word_embeddings.weight"])


def test_old_huggingface_file(tmp_path: Path) -> None:
    """As the first bert-base-uncased: `bert.`, gamma and beta, and the heads of pretraining."""
    old = {f"bert.{name}": array for name, array in huggingface_tensors().items()}
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): array
        for name, array in old.items()
    }
    heads = {"cls.predictions.bias": np.zeros(23, np.float32), "bert.embeddings.position_ids": np.arange(9)}
    pretrained = Source(str(huggingface_folder(tmp_path / "a", {**old, **heads}))).read()
    assert_bits_equal(pretrained.tensors, WEIGHTS)
    assert pretrained.notes == ("left out bert.embeddings.position_ids, cls.predictions.bias",)


@pytest.mark.parametrize("kind", ["F16", "BF16"])
def test_sixteen_bits_are_widened(kind: str, tmp_path: Path) -> None:
    import ml_dtypes

    narrow = np.float16 if kind == "F16" else ml_dtypes.bfloat16
    tensors = {name: array.astype(narrow) for name, array in huggingface_tensors().items()}
    pretrained = Source(str(huggingface_folder(tmp_path / "a", tensors))).read()
    rounded = {name: array.astype(narrow).astype(np.float32) for name, array in WEIGHTS.items()}
    assert_bits_equal(pretrained.tensors, rounded)
    assert pretrained.notes == (f"{len(WEIGHTS)} variables were {kind}, now float32",)


def test_float64_is_refused(tmp_path: Path) -> None:
    tensors = {**huggingface_tensors(), "pooler.dense.bias": np.zeros(12)}
    with pytest.raises(
        ValueError, match=r"model\.safetensors: wanted float32.*: pooler\.dense\.bias is F64$"
    ):
        Source(str(huggingface_folder(tmp_path / "a", tensors))).read()


def torch_folder(folder: Path, state: Any) -> Path:
    import torch

    huggingface_folder(folder)
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    return folder


@needs_torch
@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
def test_torch_file(kind: str, tmp_path: Path) -> None:
    import torch

    tensors = {n: torch.from_numpy(a).to(getattr(torch, kind)) for n, a in huggingface_tensors().items()}
    pretrained = Source(str(torch_folder(tmp_path / "a", tensors))).read()
    rounded = {n: torch.from_numpy(a).to(getattr(torch, kind)).float().numpy() for n, a in WEIGHTS.items()}
    assert_bits_equal(pretrained.tensors, rounded)


class Touch:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@needs_torch
def test_torch_file_runs_no_code(tmp_path: Path) -> None:
    folder = torch_folder(tmp_path / "a", {"pooler.dense.bias": Touch(tmp_path / "run")})
    with pytest.raises(ValueError, match=r"pytorch_model\.bin: damaged, or holds more than tensors"):
        Source(str(folder)).read()
    assert not (tmp_path / "run").exists()


@needs_torch
@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04"])
def test_damaged_torch_file(content: bytes, tmp_path: Path) -> None:
    folder = torch_folder(tmp_path / "a", {})
    (folder / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"pytorch_model\.bin: damaged"):
        Source(str(folder)).read()


def test_without_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = huggingface_folder(tmp_path / "a")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert convert(f"--source={folder}", f"--output_dir={tmp_path / 'b'}") == 1
    assert "pip install torch" in only_line(capsys)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("gelu", "gelu_exact"), ("gelu_new", "gelu"), ("gelu_pytorch_tanh", "gelu"), ("relu", "relu")],
)
def test_activation(theirs: str, ours: str) -> None:
    config, ignored = google_config({**huggingface_config(CONFIG, padding_id=0), "hidden_act": theirs}, "x")
    assert config == dataclasses.replace(CONFIG, hidden_act=ours)
    assert ignored == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("layer_norm_eps", 1e-5),
        ("position_embedding_type", "relative_key"),
        ("is_decoder", True),
        ("add_cross_attention", True),
        ("model_type", "roberta"),
        ("hidden_act", "swish"),
        ("hidden_act", ["gelu"]),
        ("pruned_heads", {"1": [0]}),
        ("hidden_size", 13),
    ],
)
def test_another_graph_than_berts(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^config\.json: .*{key}"):
        google_config({**huggingface_config(CONFIG, padding_id=0), key: value}, "config.json")


def test_config_keys() -> None:
    keys = huggingface_config(CONFIG, padding_id=0)
    for optional in ("layer_norm_eps", "position_embedding_type", "pad_token_id", "model_type"):
        del keys[optional]  # files of 2019 lack them
    extra = {"transformers_version": "4.8.2", "use_cache": True, "my_key": 1, "label2id": {}}
    assert google_config({**keys, **extra}, "x") == (CONFIG, ["my_key"])
    del keys["hidden_size"], keys["vocab_size"]
    with pytest.raises(ValueError, match="x: lacks the keys hidden_size, vocab_size"):
        google_config(keys, "x")


@needs_torch
@pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="needs transformers")
def test_transformers_computes_the_same(tmp_path: Path) -> None:
    """Reads our folders and computes the same, in a process of its own: it does not bear TensorFlow."""
    ids, segments = numpy_bert.random_ids(CONFIG, 5, 9, seed=2)
    np.savez(tmp_path / "in.npz", input_ids=ids, attention_mask=ids != 0, token_type_ids=segments)
    configs = {act: dataclasses.replace(CONFIG, hidden_act=act) for act in ("gelu", "gelu_exact")}
    for act, config in configs.items():
        folder = google_folder(tmp_path / f"google_{act}")
        (folder / "bert_config.json").write_text(json.dumps(config.to_json()))
        assert convert(f"--source={folder}", "--to=huggingface", f"--output_dir={tmp_path / act}") == 0
    command = [sys.executable, "-c", TRANSFORMERS, *configs]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    for act, config in configs.items():
        theirs = np.load(tmp_path / f"{act}.npz")
        ours = BertGraph(config, WEIGHTS).run(ids, segments)
        assert np.abs(ours["depths"][-1] - theirs["top"])[ids != 0].max() < 1e-5
        assert np.abs(ours["first"] - theirs["first"]).max() < 1e-5


TRANSFORMERS = """
import sys, numpy, torch
from transformers import AutoModel
feed = {name: torch.from_numpy(array.astype("int64")) for name, array in numpy.load("in.npz").items()}
for folder in sys.argv[1:]:
    with torch.no_grad():
        outputs = AutoModel.from_pretrained(folder).eval()(**feed)
    top, first = outputs.last_hidden_state.numpy(), outputs.pooler_output.numpy()
    numpy.savez(f"{folder}.npz", top=top, first=first)
"""
