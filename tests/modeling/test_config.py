"""BertConfig: Google's keys and no others, checked one by one."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from centrabert.modeling.config import BertConfig

# bert_config.json of uncased_L-12_H-768_A-12, as Google ships it.
UNCASED = {
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 768,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "type_vocab_size": 2,
    "vocab_size": 30522,
}
# What chinese_L-12_H-768_A-12 and multi_cased_L-12_H-768_A-12 have besides.
POOLER = {
    "directionality": "bidi",
    "pooler_fc_size": 768,
    "pooler_num_attention_heads": 12,
    "pooler_num_fc_layers": 3,
    "pooler_size_per_head": 128,
    "pooler_type": "first_token_transform",
}


def write(folder: Path, keys: Any) -> Path:
    path = folder / "bert_config.json"
    path.write_text(json.dumps(keys))
    return path


def test_googles_file(tmp_path: Path) -> None:
    config = BertConfig.from_json_file(write(tmp_path, UNCASED))
    assert (config.vocab_size, config.hidden_size, config.head_size) == (30522, 768, 64)
    assert config.to_json() == UNCASED


def test_keys_of_other_poolers_are_no_matter(tmp_path: Path) -> None:
    config = BertConfig.from_json_file(write(tmp_path, UNCASED | POOLER))
    assert config == BertConfig.from_json(UNCASED)


def test_round_trip() -> None:
    config = BertConfig.from_json(UNCASED)
    assert BertConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize("key", UNCASED)
def test_a_missing_key_is_named(key: str, tmp_path: Path) -> None:
    path = write(tmp_path, {other: value for other, value in UNCASED.items() if other != key})
    with pytest.raises(ValueError, match=re.escape(f"{path}: lacks the keys {key};")):
        BertConfig.from_json_file(path)


def test_all_missing_and_unknown_keys_are_named(tmp_path: Path) -> None:
    keys = {**UNCASED, "my_key": 1, "layer_norm_eps": 1e-12, "activation": "gelu"}
    del keys["vocab_size"], keys["hidden_act"]
    message = "lacks the keys hidden_act, vocab_size; .*; has unknown keys: activation, my_key; .*remove them"
    with pytest.raises(ValueError, match=message):
        BertConfig.from_json_file(write(tmp_path, keys))


# What tools of later years add; every value is the one that BERT's graph has, or says nothing of the graph.
LATER = {
    "architectures": ["BertForMaskedLM"],
    "classifier_dropout": None,
    "embedding_size": 768,
    "is_decoder": False,
    "layer_norm_eps": 1e-12,
    "model_type": "bert",
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "transformers_version": "4.8.2",
    "use_cache": True,
}


def test_keys_that_say_what_is_done_here_anyway(tmp_path: Path) -> None:
    assert BertConfig.from_json_file(write(tmp_path, UNCASED | LATER)) == BertConfig.from_json(UNCASED)


@pytest.mark.parametrize(
    ("key", "value", "supported"),
    [
        ("layer_norm_eps", 1e-5, "1e-12"),
        ("model_type", "roberta", "'bert'"),
        ("position_embedding_type", "relative_key", "'absolute'"),
        ("is_decoder", True, "False"),
        ("embedding_size", 128, "768"),
    ],
)
def test_keys_that_ask_for_another_graph(key: str, value: Any, supported: str, tmp_path: Path) -> None:
    path = write(tmp_path, {**UNCASED, **LATER, key: value})
    message = f"{path}: {key} is {value!r}, only {supported} is supported"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BertConfig.from_json_file(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        *((key, 0, f"{key} 0 is not a positive integer") for key in UNCASED if isinstance(UNCASED[key], int)),
        ("hidden_size", -32, "hidden_size -32 is not a positive integer"),
        ("hidden_size", 32.0, "hidden_size 32.0 is not a positive integer"),
        ("num_hidden_layers", 10**9, "num_hidden_layers 1000000000 is above 1024"),
        ("num_hidden_layers", True, "num_hidden_layers True is not a positive integer"),
        ("vocab_size", "30522", "vocab_size '30522' is not a positive integer"),
        ("vocab_size", None, "vocab_size None is not a positive integer"),
        ("hidden_size", 769, "hidden_size 769 is not a multiple of num_attention_heads 12"),
        ("hidden_act", "swish", "hidden_act 'swish' is none of gelu, gelu_exact, relu"),
        ("hidden_act", None, "hidden_act None is none of gelu, gelu_exact, relu"),
        ("hidden_act", ["gelu"], "hidden_act ['gelu'] is none of gelu, gelu_exact, relu"),
        ("hidden_dropout_prob", 1, "hidden_dropout_prob 1 is not in [0, 1)"),
        ("hidden_dropout_prob", -0.1, "hidden_dropout_prob -0.1 is not in [0, 1)"),
        ("attention_probs_dropout_prob", "0.1", "attention_probs_dropout_prob '0.1' is not in [0, 1)"),
        (
            "attention_probs_dropout_prob",
            float("nan"),
            "key 'attention_probs_dropout_prob' is nan, which is no number in JSON",
        ),
        ("initializer_range", 0, "initializer_range 0 is not a positive number"),
        ("initializer_range", "0.02", "initializer_range '0.02' is not a positive number"),
        ("initializer_range", float("nan"), "key 'initializer_range' is nan, which is no number in JSON"),
        ("initializer_range", float("inf"), "key 'initializer_range' is inf, which is no number in JSON"),
    ],
)
def test_bad_values(key: str, value: Any, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, {**UNCASED, key: value})
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {message}')}$"):
        BertConfig.from_json_file(path)


@pytest.mark.parametrize("key", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
def test_no_dropout(key: str) -> None:
    assert getattr(BertConfig.from_json({**UNCASED, key: 0}), key) == 0


@pytest.mark.parametrize("hidden_act", ["gelu", "gelu_exact", "relu"])
def test_activations(hidden_act: str) -> None:
    assert BertConfig.from_json({**UNCASED, "hidden_act": hidden_act}).hidden_act == hidden_act
