"""Requests of words, and answers whose axes are as long as the longest row of a batch."""

import json

import numpy as np
import pytest

from centrabert.export.contract.signature_spec import SignatureSpec, TensorSpec
from centrabert.export.rest.json_codec import response_body
from centrabert.export.rest.json_tensors import read_inputs
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.input_validation import RequestLimits
from centrabert.export.serving.request_rows import read_rows, request_outputs
from centrabert.export.serving.row_batch import WORDS, RowBatch, concatenate

OUTPUTS = {
    "tags": TensorSpec("string", (None, None)),
    "entity_words": TensorSpec("int32", (None, None, 2)),
}
SIGNATURE = SignatureSpec("slots_words", {"words": TensorSpec("string", (None, None))}, OUTPUTS)
LIMITS = RequestLimits(rows=4, text_bytes=9, length=3, vocabulary=99, segments=2, padding=0)


def words(*rows: list[str]) -> np.ndarray:
    return np.array([[word.encode() for word in row] for row in rows], np.object_)


def test_rows_of_words_share_a_batch() -> None:
    """Padded to the longest; their length is that of the text that they are."""
    rows = read_rows(SIGNATURE, {"words": words(["a", "new"], ["é", ""])}, ["tags"], ["slots"])
    assert (rows.input_kind, rows.tasks) == (WORDS, {"slots"})
    ((_, batch),) = rows.batches(8)
    other = RowBatch(WORDS, (words(["x", "y", "z"]),), (frozenset(["slots"]),))
    joined = concatenate([batch, other], padding_id=0)
    assert joined.columns[0].tolist() == words(["a", "new", ""], ["é", "", ""], ["x", "y", "z"]).tolist()
    assert (joined.rows, batch.length, other.length) == (3, 6, 6)


def test_an_answer_is_as_long_as_its_own_rows() -> None:
    """However long the others of its batches were; several batches are put together."""
    rows = read_rows(SIGNATURE, {"words": words(*[["a"]] * 3)}, ["tags", "entity_words"], ["slots"])
    computed = [
        ([0, 2], {"slots/tags": words(["O", "", "", ""], ["O", "B-x", "", ""]),
                  "slots/entity_words": np.array([[[0, 0]] * 3, [[1, 2], [0, 0], [0, 0]]], np.int32)}),
        ([1], {"slots/tags": words(["O"]), "slots/entity_words": np.zeros([1, 0, 2], np.int32)}),
    ]  # fmt: skip
    found = request_outputs(SIGNATURE, ["tags", "entity_words"], rows, computed)
    assert found["tags"].tolist() == words(["O", ""], ["O", ""], ["O", "B-x"]).tolist()
    assert found["entity_words"].tolist() == [[[0, 0]], [[0, 0]], [[1, 2]]]
    body = json.loads(response_body({name: found[name] for name in OUTPUTS}, "instances"))
    assert body["predictions"][2] == {"tags": ["O", "B-x"], "entity_words": [[1, 2]]}


def test_nothing_at_all_has_the_right_number_of_axes() -> None:
    rows = read_rows(SIGNATURE, {"words": words(["a"])}, ["tags", "entity_words"], ["slots"])
    computed = [([0], {"slots/tags": words([""]), "slots/entity_words": np.zeros([1, 3, 2], np.int32)})]
    found = request_outputs(SIGNATURE, ["tags", "entity_words"], rows, computed)
    assert (found["tags"].shape, found["entity_words"].shape) == ((1, 0), (1, 0, 2))


@pytest.mark.parametrize("values", [{"words": [["a", "é"], ["b", ""]]}, [["a", "é"], ["b", ""]]])
def test_words_in_json(values: object) -> None:
    found = read_inputs("inputs", values, SIGNATURE, LIMITS)["words"]
    assert found.tolist() == words(["a", "é"], ["b", ""]).tolist()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([["a", "b"], ["c"]], 'row 1: 1 values, but 2 in row 0; pad with "" behind the words'),
        ([["a", 1]], "row 0: 1 is a number, not a string"),
        (["a b"], r"shape \[1\] is not \[batch, length\]"),
        ([["a"] * 4], "rows of length 4, not of 1 to 3"),
        ([["a", "b" * 10]], "row 0: 10 bytes, more than 9"),
    ],
)
def test_what_is_no_row_of_words(values: object, message: str) -> None:
    with pytest.raises(ServingError, match=message):
        read_inputs("inputs", values, SIGNATURE, LIMITS)
