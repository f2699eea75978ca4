"""TaskSpec: its fields, its names, and what it refuses."""

import json
import re
from typing import Any

import pytest

from centrabert.modeling.task import RESERVED_NAMES, TaskSpec, check_name

PAIR: dict[str, Any] = {
    "name": "rte",
    "kind": "classification",
    "labels": ("not_entailment", "entailment"),
    "pair": True,
    "metric": "accuracy",
}
SCORE: dict[str, Any] = {**PAIR, "name": "stsb", "kind": "regression", "labels": (), "metric": "pearson"}
SLOTS: dict[str, Any] = {
    **PAIR,
    "kind": "tagging",
    "labels": ("O", "B-x", "I-x"),
    "pair": False,
    "metric": "entity_f1",
    "split": "bert",
}


def test_defaults_are_berts() -> None:
    task = TaskSpec(**PAIR)
    assert (task.max_seq_length, task.pooling) == (128, "cls")


def test_what_the_head_reads() -> None:
    assert [TaskSpec(**{**PAIR, "pooling": pooling}).reads for pooling in ("cls", "mean")] == ["cls", "mean"]


@pytest.mark.parametrize("keys", [PAIR, SCORE, SLOTS, {**PAIR, "max_seq_length": 13, "pooling": "mean"}])
def test_round_trip(keys: dict[str, Any]) -> None:
    task = TaskSpec(**keys)
    written = json.loads(json.dumps(task.to_json()))
    assert TaskSpec.from_json(written) == task
    usual = ["name", "kind", "labels", "pair", "metric", "max_seq_length", "pooling"]
    assert list(written) == usual + ["split"] * bool(task.split)  # as before there was a split


def test_the_order_of_labels_is_kept() -> None:
    task = TaskSpec(**{**PAIR, "labels": ("b", "c", "a")})
    assert TaskSpec.from_json(task.to_json()).labels == ("b", "c", "a")


def test_missing_and_unknown_keys() -> None:
    keys = TaskSpec(**PAIR).to_json()
    del keys["pair"]
    with pytest.raises(ValueError, match=r"^task: missing keys: 'pair'; unknown keys: 'threshold'$"):
        TaskSpec.from_json({**keys, "threshold": 0.5})


@pytest.mark.parametrize("name", ["a", "rte", "sst2", "sst_2", "mnli_mm", "ids", "bert2", "text_a", "z9_"])
def test_names(name: str) -> None:
    check_name(name)
    assert TaskSpec(**{**PAIR, "name": name}).name == name


@pytest.mark.parametrize(
    "name", ["", "RTE", "2sst", "_rte", "sst-2", "rte/x", "rte ", "rte\n", "rté", "rte.1"]
)
def test_malformed_names(name: str) -> None:
    """None that would not do as scope, file and signature at once."""
    message = f"task name {name!r} is not of the form [a-z][a-z0-9_]*"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_name(name)
    with pytest.raises(ValueError, match="is not of the form"):
        TaskSpec(**{**PAIR, "name": name})


def test_reserved_names() -> None:
    """The trunk's scope, what BERT's checkpoints hold besides, and the signatures of an export."""
    assert {"bert", "cls", "global_step", "serving_default"} <= RESERVED_NAMES
    for name in [*RESERVED_NAMES, "rte_ids"]:
        with pytest.raises(ValueError, match=f"^task name '{name}' is reserved; choose another$"):
            check_name(name)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {**PAIR, "kind": "ranking"},
            "kind 'ranking' is none of classification, regression, multilabel, tagging, crf_tagging",
        ),
        ({**PAIR, "split": "bert"}, "split 'bert' is for a tagging, not a classification"),
        ({**SLOTS, "split": ""}, "split '' is none of whitespace, characters, bert"),
        ({**SLOTS, "pair": True}, "a tagging reads single texts, not pairs"),
        (
            {**SLOTS, "labels": ("B-x", "O")},
            "a tagging needs the label 'O', which comes first, and others: ('B-x', 'O')",
        ),
        ({**PAIR, "pooling": "max"}, "pooling 'max' is none of cls, mean"),
        ({**PAIR, "labels": ()}, "a classification needs two labels or more"),
        ({**PAIR, "labels": ("one",)}, "a classification needs two labels or more"),
        ({**PAIR, "labels": ("a", "b", "a")}, "a label occurs twice in ('a', 'b', 'a')"),
        ({**PAIR, "kind": "regression"}, "a regression has no labels, got ('not_entailment', 'entailment')"),
        ({**PAIR, "labels": ("a", "")}, "a label is empty; give every label a name"),
        (
            {**PAIR, "labels": ("a", "b|c\nd")},
            "label 'b|c\\nd' holds the control character '\\n'; remove it from the label",
        ),
        (
            {**PAIR, "metric": "pearson"},
            "metric 'pearson' is not for a classification; choose one of "
            "accuracy, auc, f1, macro_f1, matthews, micro_f1",
        ),
        (
            {**SCORE, "name": "rte", "metric": "f1"},
            "metric 'f1' is not for a regression; choose one of pearson, spearman",
        ),
        ({**PAIR, "max_seq_length": 4}, "max_seq_length 4 is below 5"),
        ({**PAIR, "pair": False, "max_seq_length": 2}, "max_seq_length 2 is below 3"),
    ],
)
def test_refusals(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'task rte: {message}')}$"):
        TaskSpec(**keys)


def test_shortest_sequences() -> None:
    """[CLS] a [SEP] b [SEP], and [CLS] a [SEP]."""
    assert TaskSpec(**{**PAIR, "max_seq_length": 5}).max_seq_length == 5
    assert TaskSpec(**{**PAIR, "pair": False, "max_seq_length": 3}).max_seq_length == 3
