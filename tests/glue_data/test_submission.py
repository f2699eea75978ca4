"""Prediction files of GLUE: exact contents and names, and what is refused."""

import numpy as np
import pytest

from centrabert.glue_data.glue_tasks import GLUE_TASKS
from centrabert.glue_data.task_lookup import find_task


def submission(task, predictions, split="test", ids=None):
    ids = tuple(map(str, range(len(predictions)))) if ids is None else ids
    return find_task(task).submission(split, ids, np.asarray(predictions))


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
def test_contents(task, predictions, rows):
    numbered = [f"{index}\t{row}" for index, row in enumerate(rows)]
    assert submission(task, predictions).text == "\n".join(["index\tprediction", *numbered, ""])


def test_rows_are_called_what_their_file_calls_them():
    text = submission("sst2", [1, 0, 1], ids=("7", "3", "12")).text
    assert text == "index\tprediction\n7\t1\n3\t0\n12\t1\n"


def test_names_are_those_of_the_server():
    names = {
        submission(task.name, [0, 1], source.name).file
        for task in GLUE_TASKS
        for source in task.official.files
        if source.name.startswith("test")
    }
    glue = {"CoLA", "SST-2", "MRPC", "STS-B", "QQP", "MNLI-m", "MNLI-mm", "QNLI", "RTE"}
    assert names == {f"{name}.tsv" for name in glue}


def test_matched_and_mismatched_are_not_swapped():
    assert submission("mnli", [0]).file == "MNLI-m.tsv"
    assert submission("mnli", [0], "test_mismatched").file == "MNLI-mm.tsv"


@pytest.mark.parametrize(
    ("task", "split", "predictions", "message"),
    [
        ("rte", "dev", [0], "task rte: nobody takes predictions for dev, only for test files"),
        ("rte", "test", [], "task rte: there are no predictions"),
        ("stsb", "test", [[1.0], [2.0]], "task stsb: predictions have shape [2, 1], not [2]"),
        ("rte", "test", [0, 2], "task rte: prediction 1 is 2, not one of the classes 0 to 1"),
        ("mnli", "test", [0, 1, -1], "task mnli: prediction 2 is -1, not one of the classes 0 to 2"),
        ("rte", "test", [0.2, 0.8], "task rte: predictions are of type float64, not class indices"),
        ("rte", "test", ["entailment"], "task rte: predictions are of type <U10, not class indices"),
        ("stsb", "test", [1.0, float("nan")], "task stsb: prediction 1 is nan, not a finite score"),
        ("stsb", "test", [float("inf")], "task stsb: prediction 0 is inf, not a finite score"),
        ("stsb", "test", ["1.0"], "task stsb: predictions are of type <U3, not scores"),
    ],
)
def test_wrong_predictions_are_refused(task, split, predictions, message):
    with pytest.raises(ValueError) as caught:
        submission(task, predictions, split)
    assert str(caught.value) == message


def test_a_prediction_for_every_row():
    with pytest.raises(ValueError, match=r"predictions have shape \[2\], not \[3\]"):
        submission("rte", [0, 1], ids=("0", "1", "2"))
