"""Prediction files of GLUE: exact contents, names, and nothing written where a prediction is wrong."""

import numpy as np
import pytest

from centrabert.glue_data import submission
from centrabert.glue_data.glue_tasks import TASKS, glue_task
from centrabert.glue_data.submission import write_submission


@pytest.mark.parametrize(
    ("task", "predictions", "rows"),
    [
        ("cola", [1, 0, 1], ["1", "0", "1"]),
        ("mrpc", [0, 1], ["0", "1"]),
        ("mnli", [2, 0, 1], ["neutral", "contradiction", "entailment"]),
        ("rte", [1, 0], ["not_entailment", "entailment"]),
        ("qnli", [0, 1], ["entailment", "not_entailment"]),
        ("stsb", [2.0, 3.14159, -0.2, 5.7], ["2.000", "3.142", "0.000", "5.000"]),
        ("stsb", [3], ["3.000"]),
        ("stsb", np.array([-0.0, 4.9996], np.float32), ["0.000", "5.000"]),
    ],
)
def test_contents(tmp_path, task, predictions, rows):
    path = write_submission(tmp_path, glue_task(task), predictions)
    numbered = [f"{index}\t{row}" for index, row in enumerate(rows)]
    assert path.read_bytes() == "\n".join(["index\tprediction", *numbered, ""]).encode()


def test_names_are_those_of_the_server(tmp_path):
    for task in TASKS:
        for split in task.splits:
            if split.submission:
                write_submission(tmp_path, task, [0, 1], split.name)
    names = {"CoLA", "SST-2", "MRPC", "STS-B", "QQP", "MNLI-m", "MNLI-mm", "QNLI", "RTE"}
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.tsv" for name in names}


def test_matched_and_mismatched_are_not_swapped(tmp_path):
    assert write_submission(tmp_path, glue_task("mnli"), [0]).name == "MNLI-m.tsv"
    assert write_submission(tmp_path, glue_task("mnli"), [0], "test_mismatched").name == "MNLI-mm.tsv"


def test_makes_the_folder_and_replaces_an_older_file(tmp_path):
    folder = tmp_path / "a" / "b"
    write_submission(str(folder), glue_task("rte"), [0, 1])
    path = write_submission(str(folder), glue_task("rte"), np.array([1], np.int32))
    assert path == folder / "RTE.tsv"
    assert path.read_text() == "index\tprediction\n0\tnot_entailment\n"
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize(
    ("task", "split", "predictions", "message"),
    [
        ("rte", "dev", [0], "task rte: GLUE takes no predictions for dev, only for test files"),
        ("rte", "test", [], "task rte: predictions have shape [0], not [n]"),
        ("stsb", "test", [[1.0], [2.0]], "task stsb: predictions have shape [2, 1], not [n]"),
        ("rte", "test", [0, 2], "task rte: prediction 1 is 2, not one of the classes 0 to 1"),
        ("mnli", "test", [0, 1, -1], "task mnli: prediction 2 is -1, not one of the classes 0 to 2"),
        ("rte", "test", [0.2, 0.8], "task rte: predictions are of type float64, not class indices"),
        ("rte", "test", ["entailment"], "task rte: predictions are of type <U10, not class indices"),
        ("stsb", "test", [1.0, float("nan")], "task stsb: prediction 1 is nan, not a finite score"),
        ("stsb", "test", [float("inf")], "task stsb: prediction 0 is inf, not a finite score"),
        ("stsb", "test", ["1.0"], "task stsb: predictions are of type <U3, not scores"),
    ],
)
def test_wrong_predictions_write_nothing(tmp_path, task, split, predictions, message):
    folder = tmp_path / "new"
    with pytest.raises(ValueError) as caught:
        write_submission(folder, glue_task(task), predictions, split)
    assert str(caught.value) == message
    assert not folder.exists()


def test_full_disk_keeps_the_older_file(tmp_path, monkeypatch):
    path = write_submission(tmp_path, glue_task("rte"), [0])
    before = path.read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_submission(tmp_path, glue_task("rte"), [1])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_is_written_through_the_atomic_writer():
    assert submission.write_text.__module__ == "centrabert.modeling.files"
