"""golden.json: the last bit through the file, files of older versions, and what is refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import task

from centrabert.errors import UserError
from centrabert.modeling.golden import Golden, golden_of
from centrabert.modeling.golden_file import read_golden, write_golden

TEXT_A = ("The dog sees.", "", 'schön "日本"\n\t\\ \u2028')
TEXT_B = ("", "one\x00", "🐕")
PROBABILITIES = np.array([[0.25, 0.75], [1 / 3, 2 / 3], [1e-45, 1.0]], np.float32)
ANSWER = {"label": np.array(["schön", "b", "b"], object), "probabilities": PROBABILITIES}
GOLDEN = Golden(TEXT_A, TEXT_B, ANSWER)
SENSE, SIZE = task("sense", labels=("schön", "b")), task("size", "regression")


def test_round_trip(tmp_path: Path) -> None:
    """Every bit of every float32, and every character."""
    write_golden(tmp_path / "golden.json", GOLDEN)
    found = read_golden(tmp_path / "golden.json", SENSE)
    assert (found.text_a, found.text_b) == (TEXT_A, TEXT_B)
    assert found.outputs["label"].tolist() == ["schön", "b", "b"]
    assert found.outputs["probabilities"].dtype == np.float32
    assert found.outputs["probabilities"].tobytes() == PROBABILITIES.tobytes()


def test_round_trip_of_any_float(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 9999, dtype=np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    texts = ("",) * len(values)
    write_golden(tmp_path / "golden.json", golden_of(SIZE, texts, texts, {"score": values}))
    assert read_golden(tmp_path / "golden.json", SIZE).outputs["score"].tobytes() == values.tobytes()


@pytest.mark.parametrize("version", [{}, {"format_version": 1}])
def test_files_from_before_outputs_had_names(version: dict[str, int], tmp_path: Path) -> None:
    """Of a classification the probabilities, which tell the label, of a regression the score."""
    path = tmp_path / "golden.json"
    rows = [
        {"text_a": a, "text_b": b, "outputs": row}
        for a, b, row in zip(TEXT_A, TEXT_B, PROBABILITIES.tolist(), strict=True)
    ]
    path.write_text(json.dumps({**version, "rows": rows}))
    found = read_golden(path, SENSE)
    assert found.outputs["label"].tolist() == ["b", "b", "b"]
    assert found.outputs["probabilities"].tobytes() == PROBABILITIES.tobytes()
    path.write_text(json.dumps({**version, "rows": [{"text_a": "a", "text_b": "", "outputs": [4.5]}]}))
    assert read_golden(path, SIZE).outputs["score"].tolist() == [4.5]


ROW = {"text_a": "a", "text_b": "", "outputs": {"label": "b", "probabilities": [0.5, 0.5]}}
OLD = {"text_a": "a", "text_b": "", "outputs": [0.5, 0.5]}


def of(**outputs: Any) -> dict[str, Any]:
    return {**ROW, "outputs": {**ROW["outputs"], **outputs}}  # type: ignore[dict-item]


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
        {"rows": [OLD, {**OLD, "outputs": [1.0]}]},
        {"rows": [{**OLD, "outputs": [0.25, 0.25, 0.5]}]},
        {"rows": [{**OLD, "outputs": ["high", "low"]}]},
        {"rows": [{**OLD, "outputs": [None, 0.5]}]},
        {"rows": [{**OLD, "outputs": 1}]},
        {"rows": [{**OLD, "outputs": [[0.5, 0.5], [0.5, 0.5]]}]},
        {"format_version": 2, "rows": [OLD]},
        {"format_version": 2, "rows": [{**ROW, "outputs": {"label": "b"}}]},
        {"format_version": 2, "rows": [{**ROW, "outputs": {"score": 1.0}}]},
        {"format_version": 2, "rows": [of(score=1.0)]},
        {"format_version": 2, "rows": [of(label=1)]},
        {"format_version": 2, "rows": [of(label=["b"])]},
        {"format_version": 2, "rows": [of(probabilities=0.5)]},
        {"format_version": 2, "rows": [of(probabilities=[0.5, True])]},
        {"format_version": 2, "rows": [of(probabilities=[0.5, "0.5"])]},
        {"format_version": 2, "rows": [of(probabilities=[[0.5], [0.5]])]},
        {"format_version": 2, "rows": [ROW, of(probabilities=[0.5])]},
        {"format_version": 2, "rows": [of(probabilities=[0.5, 10**400])]},
    ],
)
def test_a_damaged_file(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(value))
    with pytest.raises(UserError, match=f"^{re.escape(str(path))}: "):
        read_golden(path, SENSE)


def test_another_kind_of_task(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    write_golden(path, GOLDEN)
    message = f"{path}: a row has the outputs ['label', 'probabilities'], wanted ['score']"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        read_golden(path, SIZE)


def test_a_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    write_golden(path, GOLDEN)
    path.write_text(path.read_text()[:99])
    with pytest.raises(UserError, match=rf"^{re.escape(str(path))}:\d+: not JSON: "):
        read_golden(path, SENSE)
    path.unlink()
    with pytest.raises(UserError, match=f"^{re.escape(str(path))}: no such file$"):
        read_golden(path, SENSE)
