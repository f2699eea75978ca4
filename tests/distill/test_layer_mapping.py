"""What `--start_from` says, as a mapping of layers."""

import pytest
import tiny

from centrabert.distill.layer_mapping import parse_initialization
from centrabert.distill.methods.method import lowest_layers
from centrabert.modeling.branch import Branch
from centrabert.modeling.training.initialization import PRETRAINED, TEACHER, Initialization

TASK = tiny.task("rte")
TEACHER_BRANCH, STUDENT = Branch(TASK, 2, 6), Branch(TASK, 2, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("teacher", Initialization(TEACHER, (2, 3, 4))),
        ("pretrained", Initialization(PRETRAINED, (2, 3, 4))),
        ("5,6,7", Initialization(TEACHER, (5, 6, 7))),
        ("7, 3,3", Initialization(TEACHER, (7, 3, 3))),
        ("0,2,4", Initialization(TEACHER, (0, 2, 4))),
    ],
)
def test_mappings(text: str, expected: Initialization) -> None:
    assert parse_initialization(text, TEACHER_BRANCH, STUDENT) == expected


def test_by_default_the_lowest_layers_of_the_teacher() -> None:
    assert lowest_layers(TEACHER_BRANCH, STUDENT) == Initialization(TEACHER, (2, 3, 4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("student", "--start_from=student is neither teacher, pretrained, nor numbers"),
        ("1,2,-3", "neither"),
        ("1,2,", "neither"),
        ("1,2,³", "neither"),
        ("", "neither"),
        ("2,3", "names 2 layers for the 3 of the student"),
        ("2,3,8", "the teacher's layers are 0 to 7"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_initialization(text, TEACHER_BRANCH, STUDENT)
