"""An exported model in this process answers as its signatures do."""

from pathlib import Path

import pytest
from exported import exported, predictor
from tiny import TEXT_A, TEXT_B

import centrabert
from centrabert.export.engine.exported_model import ExportedModel

PAIRS = list(zip(TEXT_A, TEXT_B, strict=True))


@pytest.fixture(scope="module")
def model() -> ExportedModel:
    return centrabert.load_version(exported().version.parent)


def test_the_highest_version_is_loaded(model: ExportedModel) -> None:
    assert model.folder == exported().version
    assert list(model.tasks) == ["rte", "rte2", "sim", "tone", "whole"]
    assert model.tasks["sim"].kind == "regression"


def test_answers_are_those_of_the_signatures(model: ExportedModel) -> None:
    wanted = predictor().predict("rte", {"text_a": TEXT_A, "text_b": TEXT_B})
    scores = predictor().predict("sim", {"text_a": TEXT_A, "text_b": TEXT_B})["score"]
    rows = model.predict(PAIRS, tasks=["sim", "rte"], batch_size=3)
    assert [list(row) for row in rows] == [["sim", "rte"]] * len(PAIRS)
    assert [row["rte"]["label"].encode() for row in rows] == list(wanted["label"])
    for row, probabilities, score in zip(rows, wanted["probabilities"], scores, strict=True):
        assert list(row["rte"]["probabilities"].values()) == pytest.approx(list(probabilities), abs=2e-6)
        assert row["sim"]["score"] == pytest.approx(score, abs=2e-5)


def test_all_tasks_read_a_pair_and_tasks_of_single_texts_its_first(model: ExportedModel) -> None:
    (row,) = model.predict([PAIRS[0]])
    (alone,) = model.predict([TEXT_A[0]], tasks=["tone"])
    assert list(row) == list(model.tasks)
    assert row["tone"]["label"] == alone["tone"]["label"]
    assert row["tone"]["probabilities"] == pytest.approx(alone["tone"]["probabilities"], abs=2e-6)


def test_no_texts_no_answers(model: ExportedModel) -> None:
    assert model.predict([]) == []


def test_a_task_of_pairs_refuses_a_single_text(model: ExportedModel) -> None:
    with pytest.raises(centrabert.UserError, match="row 1: task 'rte' reads a pair of texts, not"):
        model.predict([("a", "b"), "one"], tasks=["tone", "rte"])


def test_a_task_that_is_not_there(model: ExportedModel) -> None:
    with pytest.raises(centrabert.UserError, match="no task 'tune'; the model has rte, rte2"):
        model.predict(["one"], tasks=["tune"])


def test_a_folder_without_a_version(tmp_path: Path) -> None:
    with pytest.raises(centrabert.UserError, match=r"holds neither saved_model\.pb nor a version"):
        centrabert.load_version(tmp_path)
