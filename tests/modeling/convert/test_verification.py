"""--verify: encoders of two hands agree on a converted folder, and see a weight that is wrong."""

import dataclasses
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy_bert
import pytest
from pretrained_folders import CONFIG, VOCABULARY, convert, only_line

from centrabert.modeling import scopes
from centrabert.modeling.convert import huggingface_folder
from centrabert.modeling.convert.pretrained import Pretrained
from centrabert.modeling.convert.verification import official_name, sample_rows, verify
from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.vocabulary import Vocabulary

SMALL = dataclasses.replace(CONFIG, num_hidden_layers=2, hidden_act="gelu_exact")
TOKENIZER = BertTokenizer(Vocabulary(tuple(VOCABULARY.split())))
BERT = Pretrained(SMALL, TOKENIZER, numpy_bert.random_weights(SMALL, seed=1))


def changed(name: str, place: tuple[int, ...], by: float) -> Pretrained:
    tensor = BERT.tensors[name].copy()
    tensor[place] += by
    return dataclasses.replace(BERT, tensors={**BERT.tensors, name: tensor})


def test_rows_reach_every_position_and_both_segments() -> None:
    ids, segments = sample_rows(BERT)
    assert ids.shape == segments.shape == (6, 9)
    assert (ids[0] != TOKENIZER.padding_id).all()
    assert set(segments.flat) == {0, 1}
    assert TOKENIZER.unknown_id not in ids
    single = dataclasses.replace(SMALL, type_vocab_size=1)
    one_segment = dataclasses.replace(BERT, config=single, tensors=numpy_bert.random_weights(single, seed=1))
    assert not sample_rows(one_segment)[1].any()


def test_names() -> None:
    assert len({official_name(name) for name in scopes.base_shapes(SMALL)}) == len(BERT.tensors)
    assert official_name("bert/encoder/layer_10/attention/output/dense/bias") == (
        "transformer/layer_10/self_attention/attention_output/bias"
    )


@pytest.mark.filterwarnings("ignore:Input dict contained keys")
def test_both_encoders_agree_until_a_weight_or_the_activation_differs() -> None:
    agreed = verify(BERT, BERT, Path("folder"))
    assert max(agreed.sequence_output, agreed.pooled_output) < 5e-6
    for wrong in (
        changed("bert/encoder/layer_1/intermediate/dense/kernel", (3, 5), 0.01),
        dataclasses.replace(BERT, config=dataclasses.replace(SMALL, hidden_act="gelu")),
    ):
        with pytest.raises(ValueError, match=r"folder: does not compute what .* sequence_output .* 2e-05"):
            verify(BERT, wrong, Path("folder"))


@pytest.mark.filterwarnings("ignore:Input dict contained keys")
def test_pooler() -> None:
    """Which the sequence does not show."""
    with pytest.raises(ValueError, match=r"sequence_output .*e-0[6-8], pooled_output"):
        verify(BERT, changed("bert/pooler/dense/bias", (2,), 0.01), Path("folder"))


@pytest.mark.filterwarnings("ignore:Input dict contained keys")
def test_a_folder_that_is_wrong_is_not_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    source = tmp_path / "a"
    source.mkdir()
    BERT.write_google(source)
    flags = (f"--source={source}", "--to=huggingface", "--verify")
    assert convert(*flags, f"--output_dir={tmp_path / 'b'}") == 0
    assert re.search(r"verified with tf-models-official: .* sequence_output \S+e-0[6-8], pooled", caplog.text)
    write = huggingface_folder.write_safetensors

    def spoil(path: Path, tensors: dict[str, Any]) -> None:
        name = "encoder.layer.1.attention.self.key.weight"
        write(path, {**tensors, name: np.ascontiguousarray(tensors[name].T)})

    monkeypatch.setattr(huggingface_folder, "write_safetensors", spoil)
    assert convert(*flags, f"--output_dir={tmp_path / 'c'}") == 1
    assert f"{tmp_path / 'c'}: does not compute what tf-models-official does" in only_line(capsys)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b"]
