"""Goldens: the last bit through the file, the tolerance, and what does not answer alike."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from centrabert.modeling.golden import ROWS, TOLERANCE, Golden, golden_rows

TEXT_A = ("The dog sees.", "", 'schön "日本"\n\t\\ \u2028')
TEXT_B = ("", "one\x00", "🐕")
OUTPUTS = np.array([[0.25, 0.75], [1 / 3, 2 / 3], [1e-45, 1.0]], np.float32)
GOLDEN = Golden(TEXT_A, TEXT_B, OUTPUTS)


def test_round_trip(tmp_path: Path) -> None:
    """Every bit of every float32, and every character."""
    GOLDEN.write(tmp_path / "golden.json")
    found = Golden.read(tmp_path / "golden.json")
    assert (found.text_a, found.text_b) == (TEXT_A, TEXT_B)
    assert found.outputs.dtype == np.float32
    assert found.outputs.tobytes() == OUTPUTS.tobytes()


def test_round_trip_of_any_float(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 20_000, dtype=np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)][:9999].reshape(-1, 3)
    texts = ("",) * len(values)
    Golden(texts, texts, values).write(tmp_path / "golden.json")
    assert Golden.read(tmp_path / "golden.json").outputs.tobytes() == values.tobytes()


def test_a_score_is_a_column(tmp_path: Path) -> None:
    Golden(("a", "b"), ("", ""), np.array([[0.1], [4.7]], np.float32)).write(tmp_path / "golden.json")
    assert Golden.read(tmp_path / "golden.json").outputs.shape == (2, 1)


def test_equal_answers_pass() -> None:
    GOLDEN.check(OUTPUTS.copy(), "rte")
    GOLDEN.check(OUTPUTS + np.float32(0.9 * TOLERANCE), "rte")
    GOLDEN.check(OUTPUTS - np.float32(0.9 * TOLERANCE), "rte")


@pytest.mark.parametrize("by", [1.1 * TOLERANCE, -1.1 * TOLERANCE, 0.5])
@pytest.mark.parametrize("place", [*np.ndindex(3, 2)])
def test_one_different_answer(place: tuple[int, int], by: float) -> None:
    """Told with its row, its text and how far it is."""
    outputs = OUTPUTS.copy()
    outputs[place] += np.float32(by)
    text = re.escape(repr(TEXT_A[place[0]]))
    with pytest.raises(
        ValueError, match=rf"^rte: golden row {place[0]} \({text}\) differs by \S+, more than"
    ):
        GOLDEN.check(outputs, "rte")


def test_the_worst_row_is_told() -> None:
    outputs = OUTPUTS + np.array([[0.1, 0], [0, -0.3], [0.2, 0]], np.float32)
    with pytest.raises(ValueError, match=r"golden row 1 \(''\) differs by 0.3, more than 0.0001$"):
        GOLDEN.check(outputs, "rte")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_answer_that_is_no_number(value: float) -> None:
    outputs = OUTPUTS.copy()
    outputs[2, 0] = value
    with pytest.raises(ValueError, match=rf"golden row 2 .* differs by {value}, more than"):
        GOLDEN.check(outputs, "rte")


@pytest.mark.parametrize("shape", [(3, 3), (2, 2), (3, 1), (3,), (2, 3)])
def test_answers_of_another_shape(shape: tuple[int, ...]) -> None:
    message = f"rte: golden outputs are (3, 2), got {shape}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        GOLDEN.check(np.zeros(shape, np.float32), "rte")


@pytest.mark.parametrize(
    ("text_a", "text_b", "rows"), [(("a",), ("b", "c"), 2), (("a", "b"), ("", ""), 3), ((), (), 0)]
)
def test_as_many_texts_as_outputs(text_a: tuple[str, ...], text_b: tuple[str, ...], rows: int) -> None:
    with pytest.raises(ValueError, match=r"^golden: texts and outputs differ in number, or there are none$"):
        Golden(text_a, text_b, np.zeros([rows, 2], np.float32))


ROW = {"text_a": "a", "text_b": "", "outputs": [0.5, 0.5]}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"rows": []},
        {"rows": None},
        {"rows": ["a"]},
        {"rows": [7]},
        {"rows": {"text_a": "a"}},
        {"rows": [{"text_a": "a", "outputs": [0.5]}]},
        {"rows": [{"text_a": "a", "text_b": ""}]},
        {"rows": [ROW, {**ROW, "outputs": [1.0]}]},
        {"rows": [{**ROW, "outputs": ["high"]}]},
        {"rows": [{**ROW, "outputs": None}, {**ROW, "outputs": 1}]},
        {"rows": [{**ROW, "outputs": [[0.5, 0.5]]}]},
    ],
)
def test_a_damaged_file(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(value))
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: "):
        Golden.read(path)


def test_a_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    GOLDEN.write(path)
    path.write_text(path.read_text()[:99])
    with pytest.raises(ValueError, match=rf"^{re.escape(str(path))}:\d+: not JSON: "):
        Golden.read(path)
    path.unlink()
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: no such file$"):
        Golden.read(path)


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
