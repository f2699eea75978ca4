"""Goldens: what counts as the same answer, and what does not."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import task

from centrabert.errors import UserError
from centrabert.modeling.golden import ROWS, Golden, golden_of, golden_rows

TOLERANCE = 1e-4
Array = npt.NDArray[Any]
TEXT_A, TEXT_B = ("The dog sees.", "", 'schön "日本"'), ("", "one", "🐕")
SENSE = task("sense", labels=("a", "b"))
PROBABILITIES = np.array([[0.25, 0.75], [1 / 3, 2 / 3], [1, 1e-45]], np.float32)
LABELS = np.array([b"b", b"b", b"a"], object)
ANSWER = {"label": LABELS, "probabilities": PROBABILITIES}
GOLDEN = golden_of(SENSE, TEXT_A, TEXT_B, {"logits": PROBABILITIES, **ANSWER})
SIZE = task("size", "regression")


def refusal(golden: Golden, answer: dict[str, Array], spec: Any = SENSE) -> str:
    with pytest.raises(UserError) as error:
        golden.check(spec, answer, "rte")
    return str(error.value)


def scores(*values: float) -> Golden:
    return golden_of(SIZE, ("x",) * len(values), ("",) * len(values), {"score": np.float32(values)})


def test_all_outputs_are_kept_and_no_others() -> None:
    assert {name: array.tolist() for name, array in GOLDEN.outputs.items()} == {
        "label": ["b", "b", "a"],
        "probabilities": PROBABILITIES.tolist(),
    }


@pytest.mark.parametrize("by", [0, 0.9 * TOLERANCE, -0.9 * TOLERANCE])
def test_equal_answers_pass(by: float) -> None:
    GOLDEN.check(SENSE, {**ANSWER, "probabilities": PROBABILITIES + np.float32(by)}, "rte")


@pytest.mark.parametrize("by", [1.1 * TOLERANCE, -1.1 * TOLERANCE, 0.5])
@pytest.mark.parametrize("place", [*np.ndindex(3, 2)])
def test_one_different_number(place: tuple[int, int], by: float) -> None:
    """Told with its row, its text and how far it is."""
    probabilities = PROBABILITIES.copy()
    probabilities[place] += np.float32(by)
    told = refusal(GOLDEN, {**ANSWER, "probabilities": probabilities})
    assert told.startswith(f"rte: golden row {place[0]} ({TEXT_A[place[0]]!r}): probabilities differs by ")


def test_the_worst_row_is_told() -> None:
    probabilities = PROBABILITIES + np.array([[0.1, 0], [0, -0.3], [0.2, 0]], np.float32)
    told = refusal(GOLDEN, {**ANSWER, "probabilities": probabilities})
    assert told == "rte: golden row 1 (''): probabilities differs by 0.3, more than 0.0001"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_answer_that_is_no_number(value: float) -> None:
    probabilities = PROBABILITIES.copy()
    probabilities[2, 0] = value
    assert re.search(
        rf"golden row 2 .* differs by {value}, more than",
        refusal(GOLDEN, {**ANSWER, "probabilities": probabilities}),
    )


@pytest.mark.parametrize("shape", [(3, 3), (2, 2), (3, 1), (3,), (2, 3)])
def test_answers_of_another_shape(shape: tuple[int, ...]) -> None:
    told = refusal(GOLDEN, {**ANSWER, "probabilities": np.zeros(shape, np.float32)})
    assert told == f"rte: golden probabilities are (3, 2), got {shape}"


@pytest.mark.parametrize("label", [b"a", b"c", b"", b"B", b"\xff"])
def test_a_different_label(label: bytes) -> None:
    """Though every probability is right."""
    labels = LABELS.copy()
    labels[1] = label
    told = refusal(GOLDEN, {**ANSWER, "label": labels})
    assert told == f"rte: golden row 1 (''): label is {label.decode(errors='backslashreplace')!r}, not 'b'"


def test_a_tie_may_be_decided_otherwise_but_not_by_a_stranger() -> None:
    """Another CPU moves each of two nearly equal probabilities by less than the tolerance."""
    close = np.array([[0.5 - 0.9 * TOLERANCE, 0.5 + 0.9 * TOLERANCE]], np.float32)
    golden = golden_of(SENSE, ("x",), ("",), {"label": np.array([b"b"], object), "probabilities": close})
    turned = {"label": np.array([b"a"], object), "probabilities": close}
    golden.check(SENSE, turned, "rte")
    assert "label is 'c', not 'b'" in refusal(golden, {**turned, "label": np.array([b"c"], object)})
    apart = golden_of(
        SENSE,
        ("x",),
        ("",),
        {"label": np.array([b"b"], object), "probabilities": close - np.float32([TOLERANCE, 0])},
    )
    assert "label is 'a', not 'b'" in refusal(
        apart, {**turned, "probabilities": close - np.float32([TOLERANCE, 0])}
    )


@pytest.mark.parametrize("largest", [1e-3, 0.05, 1.0, 5.0, 5000.0, 1e9])
def test_a_regression_of_any_range(largest: float) -> None:
    """What rounds by 1e-5 of the largest score passes, a thousandth of it never, whatever the range.

    Below 0.01 the rounding of the activations, which are of order 1, is allowed for: 1e-5.
    """
    golden = scores(0.0, largest / 3, -largest)
    found = golden.outputs["score"]
    golden.check(SIZE, {"score": found + np.float32(1e-5 * largest)}, "size")
    golden.check(SIZE, {"score": found + np.float32(2e-6)}, "size")
    wrong = found + np.float32([0, max(1e-3 * largest, 1.1e-5), 0])
    assert "golden row 1 ('x'): score differs by" in refusal(golden, {"score": wrong}, SIZE)


@pytest.mark.parametrize(
    ("text_a", "text_b", "rows"), [(("a",), ("b", "c"), 2), (("a", "b"), ("", ""), 3), ((), (), 0)]
)
def test_as_many_texts_as_outputs(text_a: tuple[str, ...], text_b: tuple[str, ...], rows: int) -> None:
    with pytest.raises(UserError, match=r"^golden: texts and outputs differ in number, or there are none$"):
        Golden(text_a, text_b, {"score": np.zeros(rows, np.float32)})


def rows_of(lengths: list[int]) -> npt.NDArray[np.int64]:
    return golden_rows(np.array(lengths, np.int64))


@given(st.lists(st.integers(2, 128), min_size=1, max_size=99))
def test_golden_rows(lengths: list[int]) -> None:
    """Eight, or all; the shortest and the longest among them; each once and in order."""
    rows = rows_of(lengths)
    picked = [lengths[row] for row in rows]
    assert len(rows) == min(ROWS, len(lengths))
    assert list(rows) == sorted(set(rows))
    assert (min(picked), max(picked)) == (min(lengths), max(lengths))


def test_golden_rows_are_spread_over_the_lengths() -> None:
    assert [8 - row for row in rows_of(list(range(15, 0, -2)))][::-1] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(rows_of(list(range(71)))) == [0, 10, 20, 30, 40, 50, 60, 70]
