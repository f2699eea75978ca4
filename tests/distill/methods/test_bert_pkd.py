"""Patient distillation: which layers it compares, and what it refuses."""

import pytest
import tiny

from centrabert.distill.methods.bert_pkd import BertPKD
from centrabert.distill.methods.method import ComparedStates
from centrabert.errors import UserError
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import LayerState

TASK = tiny.task("rte")
FULL = Branch(TASK, 0, 12, full_fine_tuning=True)


def hidden(*depths: int) -> tuple[LayerState, ...]:
    return tuple(LayerState("hidden", depth) for depth in depths)


@pytest.mark.parametrize(
    ("patience", "expected"), [("skip", hidden(2, 4, 6, 8, 10)), ("last", hidden(7, 8, 9, 10, 11))]
)
def test_layers_of_the_paper(patience: str, expected: tuple[LayerState, ...]) -> None:
    found = BertPKD(patience=patience).compared_states(FULL, FULL.student(6))
    assert found == ComparedStates(hidden(1, 2, 3, 4, 5), expected)


def test_own_layers_alone_are_compared() -> None:
    found = BertPKD().compared_states(Branch(TASK, 8, 4), Branch(TASK, 8, 2))
    assert found == ComparedStates(hidden(9), hidden(10))


def test_a_student_of_one_layer_is_refused() -> None:
    with pytest.raises(UserError, match=r"--student_layers=1 leaves none; take 2 or more"):
        BertPKD().compared_states(FULL, FULL.student(1))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"patience": "first"}, "--patience=first is none of skip, last"),
        ({"patience_weight": -1.0}, "--patience_weight=-1.0 is no weight"),
        ({"patience_weight": float("nan")}, "--patience_weight=nan is no weight"),
        ({"temperature": 0.0}, "--temperature=0.0 is not above 0"),
    ],
)
def test_settings_are_checked(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        BertPKD(**wrong)  # type: ignore[arg-type]
