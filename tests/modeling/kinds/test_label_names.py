"""Label names: what `route`, tables and pages could not tell apart is refused; everything else is a label."""

import pytest

from centrabert.errors import UserError
from centrabert.modeling.kinds.label_names import check_label_names


@pytest.mark.parametrize(
    "label", ["a b", "a|b", "<script>", "*", "0", " ", "日本", "🐕‍🦺", "é", "`", "\u00a0"]
)
def test_labels(label: str) -> None:
    check_label_names(["other", label])


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\t", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"]
)
def test_a_control_character_is_refused(character: str) -> None:
    with pytest.raises(UserError, match="holds the control character"):
        check_label_names(["other", f"a{character}b"])


def test_an_empty_label_is_refused() -> None:
    """`route` answers "" where a task was not asked for."""
    with pytest.raises(UserError, match=r"^a label is empty; give every label a name$"):
        check_label_names(["other", ""])


def test_a_label_occurs_once() -> None:
    with pytest.raises(UserError, match=r"^a label occurs twice in \('a', 'b', 'a'\)$"):
        check_label_names(["a", "b", "a"])
