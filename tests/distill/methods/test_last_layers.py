"""The methods that compare last layers: what they read and start from, and what they refuse."""

from typing import Any

import pytest
import tiny

from centrabert.distill.methods.distilbert import DistilBERT
from centrabert.distill.methods.last_layer_kd import LastLayerKD
from centrabert.distill.methods.method import ComparedStates
from centrabert.distill.methods.minilm import MiniLM
from centrabert.errors import UserError
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.modeling.training.initialization import TEACHER, Initialization

TASK = tiny.task("rte")
TEACHER_BRANCH, STUDENT = Branch(TASK, 2, 6), Branch(TASK, 2, 3)


def last(*kinds: str) -> ComparedStates:
    return ComparedStates(*(tuple(LayerState(kind, depth) for kind in kinds) for depth in (5, 8)))


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (MiniLM(), last("attention_scores", "value")),
        (MiniLM(attention_weight=0.0), last("value")),
        (DistilBERT(), last("hidden")),
        (LastLayerKD(), last("attention_scores", "value", "hidden")),
        (LastLayerKD(attention_weight=0.0, value_weight=0.0), last("hidden")),
        (LastLayerKD(hidden_weight=0.0, value_weight=0.0), last("attention_scores")),
        (
            LastLayerKD(hidden_weight=0.0, first_weight=1.0, value_weight=0),
            last("attention_scores", "hidden"),
        ),
    ],
)
def test_a_weight_of_0_needs_no_states(method: Any, expected: ComparedStates) -> None:
    assert method.compared_states(TEACHER_BRANCH, STUDENT) == expected


def test_starts() -> None:
    """DistilBERT starts as every second layer of its teacher, the others as its lowest."""
    found = {
        type(each): each.initialization(TEACHER_BRANCH, STUDENT) for each in (DistilBERT(), LastLayerKD())
    }
    assert found == {
        DistilBERT: Initialization(TEACHER, (2, 4, 6)),
        LastLayerKD: Initialization(TEACHER, (2, 3, 4)),
    }


@pytest.mark.parametrize(
    ("method", "names"),
    [
        (MiniLM, ["attention_weight", "value_weight", "soft_weight"]),
        (DistilBERT, ["cosine_weight"]),
        (LastLayerKD, ["logit_weight", "hidden_weight", "first_weight", "value_weight"]),
    ],
)
def test_a_weight_below_0_is_refused(method: Any, names: list[str]) -> None:
    for name in names:
        with pytest.raises(UserError, match=f"--{name}=-1.0 is no weight: take a number of 0 or more"):
            method(**{name: -1.0})


def test_the_answers_must_be_learned() -> None:
    assert LastLayerKD(soft_weight=0.0, hard_weight=0.0, logit_weight=1.0).hard_weight == 0
    message = "--soft_weight=0.0 and --hard_weight=0.0 and --logit_weight=0.0: one of them must be above 0"
    with pytest.raises(UserError, match=message):
        LastLayerKD(hard_weight=0.0, logit_weight=0.0)
