"""A pretrained BERT on disk: its three files, and a checkpoint that is exactly what its config says."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import tiny

from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder, beside_encoder
from centrabert.modeling.digest import tensor_digest

HIDDEN = tiny.CONFIG.hidden_size


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.bert_folder(tmp_path / "base")


def rewrite(folder: Path, change: dict[str, np.ndarray | None]) -> None:
    """Adds, replaces or (None) removes variables of the checkpoint."""
    tensors = {**checkpoint.read(folder / "bert_model.ckpt"), **change}
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    checkpoint.write(folder / "bert_model.ckpt", kept)


def test_files(folder: Path) -> None:
    bert = BertFolder.at(folder)
    assert bert.config() == tiny.CONFIG
    assert bert.tokenizer().vocabulary_size == len(tiny.TOKENS)
    assert bert.tokenizer().do_lower_case is True
    assert bert.tokenizer(do_lower_case=False).do_lower_case is False
    bert.check()


def test_read(folder: Path) -> None:
    """The encoder and nothing that a pretrained checkpoint holds besides; or some of it, or none."""
    expected = tiny.tensors(scopes.base_shapes(tiny.CONFIG), seed=0)
    bert = BertFolder.at(folder)
    found = bert.read()
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    names = ["bert/pooler/dense/bias", "bert/embeddings/word_embeddings"]
    assert bert.read(names).keys() == set(names)
    assert bert.read([]) == {}


def test_digests(folder: Path) -> None:
    expected = tiny.tensors(scopes.base_shapes(tiny.CONFIG), seed=0)
    found = BertFolder.at(folder).digests
    assert found == {name: tensor_digest(tensor) for name, tensor in expected.items()}


@pytest.mark.parametrize("name", ["bert_config.json", "vocab.txt", "bert_model.ckpt.index"])
def test_a_file_is_missing(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(
        ValueError, match=f"^{re.escape(str(folder / name))}: no such file; a BERT folder holds"
    ):
        BertFolder.at(folder)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none/bert_config.json: no such file"):
        BertFolder.at(tmp_path / "none")


def test_the_data_file_is_missing(folder: Path) -> None:
    (folder / "bert_model.ckpt.data-00000-of-00001").unlink()
    with pytest.raises(
        ValueError, match=r"bert_model.ckpt: damaged checkpoint: .*No such file or directory$"
    ):
        BertFolder.at(folder).read()


def test_a_vocabulary_of_another_model(folder: Path) -> None:
    with open(folder / "vocab.txt", "a") as vocab:
        vocab.write("more\n")
    with pytest.raises(
        ValueError, match=r"vocab.txt has 100 tokens but vocab_size in .*bert_config.json is 99"
    ):
        BertFolder.at(folder).tokenizer()


def test_a_checkpoint_of_another_size(folder: Path) -> None:
    """Of a BERT with one layer less, and with a narrower feed-forward."""
    config = dataclasses.replace(tiny.CONFIG, num_hidden_layers=4, intermediate_size=29)
    (folder / "bert_config.json").write_text(json.dumps(config.to_json()))
    with pytest.raises(ValueError, match=r"bert_model.ckpt: does not fit: unknown: ") as caught:
        BertFolder.at(folder).check()
    message = str(caught.value)
    assert "missing" not in message
    assert message.count("bert/encoder/layer_4/") == checkpoint.LISTED
    assert "and 8 more; other shape: " in message
    assert f"bert/encoder/layer_0/output/dense/kernel is [37, {HIDDEN}], wanted [29, {HIDDEN}]" in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bert/pooler/dense/bias": None}, "missing: bert/pooler/dense/bias"),
        (
            {"bert/encoder/layer_5/output/dense/bias": np.zeros([HIDDEN])},
            "unknown: bert/encoder/layer_5/output",
        ),
        ({"bert/embeddings/word_embeddings_2": np.zeros([3])}, "unknown: bert/embeddings/word_embeddings_2"),
        (
            {"bert/pooler/dense/bias": np.zeros([7])},
            "other shape: bert/pooler/dense/bias is [7], wanted [32]",
        ),
    ],
)
def test_any_other_variable_is_an_error(
    change: dict[str, np.ndarray | None], message: str, folder: Path
) -> None:
    rewrite(folder, change)
    bert = BertFolder.at(folder)
    for ask in (bert.check, bert.read, lambda: bert.digests, lambda: bert.read([])):
        with pytest.raises(ValueError, match=re.escape(message)):
            ask()


def test_what_training_leaves_in_a_checkpoint_is_dropped(folder: Path) -> None:
    """Pretraining heads, slots of Adam, the step, and the heads of other tasks."""
    names = [
        "cls/predictions/transform/dense/kernel",
        "cls/predictions/output_bias",
        "cls/seq_relationship/output_weights",
        "bert/encoder/layer_0/output/dense/kernel/adam_m",
        "bert/encoder/layer_0/output/dense/kernel/adam_v",
        "output_weights/Adam",
        "output_weights/Adam_1",
        "global_step",
        "beta1_power",
        "beta2_power",
        "output_weights",
        "output_bias",
        "cls/squad/output_weights",
        "crf_loss/transition",
        "loss_scale",
        "bert/pooler/dense/kernel/ExponentialMovingAverage",
    ]
    rewrite(folder, {name: np.zeros([3], np.float32) for name in names})
    bert = BertFolder.at(folder)
    bert.check()
    assert bert.read().keys() == scopes.base_shapes(tiny.CONFIG).keys()


@pytest.mark.parametrize("name", [*scopes.base_shapes(tiny.CONFIG), "bert/adapter/kernel", "bert/adam_n"])
def test_nothing_of_the_encoder_is_beside_it(name: str) -> None:
    assert beside_encoder([name]) == []


def test_a_checkpoint_that_convert_would_mend(folder: Path) -> None:
    """Without a pooler, or with another prefix: the error says how to go on."""
    rewrite(folder, {"bert/pooler/dense/bias": None, "bert/pooler/dense/kernel": None})
    with pytest.raises(
        ValueError,
        match=r"bert_model\.ckpt: has no pooler; .*centrabert convert --source=/.*bert_model\.ckpt ",
    ):
        BertFolder.at(folder).check()
    other = {f"model/{name}": array for name, array in checkpoint.read(folder / "bert_model.ckpt").items()}
    checkpoint.write(folder / "bert_model.ckpt", other)
    with pytest.raises(ValueError, match=r"begin with 'model/bert/', not with 'bert/'; .*centrabert convert"):
        BertFolder.at(folder).check()


def test_spare_rows_are_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = dataclasses.replace(tiny.CONFIG, vocab_size=103)
    (folder / "bert_config.json").write_text(json.dumps(config.to_json()))
    assert BertFolder.at(folder).tokenizer().vocabulary_size == 99
    assert "the last 4 rows of the embedding are treated as unused" in caplog.text


def test_the_folder_says_how_text_is_read(folder: Path) -> None:
    """What it says counts, and a contradiction names the file."""
    lowered = BertFolder.at(folder).tokenizer().digest
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    bert = BertFolder.at(folder)
    assert bert.tokenizer().do_lower_case is False
    assert bert.tokenizer(do_lower_case=False).digest == bert.tokenizer().digest != lowered
    with pytest.raises(ValueError, match=f"{re.escape(str(folder))}/tokenizer_config.json says false"):
        bert.tokenizer(do_lower_case=True)
