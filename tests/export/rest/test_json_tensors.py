"""From JSON values to arrays: every form that TF Serving reads, and what is told of others."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from exported import predictor

from centrabert.export.rest.json_codec import read_body
from centrabert.export.rest.json_tensors import read_inputs
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.input_validation import RequestLimits

LIMITS = RequestLimits(rows=4, text_bytes=30, length=13, vocabulary=99, segments=2, padding=0)
ROW, COLUMN = "instances", "inputs"


def read(form: str, values: Any, signature: str = "tone") -> dict[str, list[Any]]:
    arrays = read_inputs(form, values, predictor().signatures[signature], LIMITS)
    for array in arrays.values():
        assert array.dtype in (np.object_, np.int32)
    return {name: array.tolist() for name, array in arrays.items()}


def refusal(form: str, values: Any, signature: str = "tone") -> str:
    with pytest.raises(ServingError) as error:
        read(form, values, signature)
    assert error.value.code == "INVALID_ARGUMENT"
    return error.value.message


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


@pytest.mark.parametrize(
    ("form", "values"),
    [
        (ROW, ["a", "é"]),
        (ROW, [{"text_a": "a"}, {"text_a": "é"}]),
        (ROW, [b64(b"a"), "é"]),
        (ROW, [{"text_a": b64(b"a")}, {"text_a": b64("é".encode())}]),
        (COLUMN, ["a", "é"]),
        (COLUMN, {"text_a": ["a", "é"]}),
        (COLUMN, {"text_a": [b64(b"a"), "é"]}),
        (COLUMN, [{"b64": "YQ"}, {"b64": " w6\nk="}]),
    ],
)
def test_a_single_input_in_every_form(form: str, values: Any) -> None:
    """Padding and white space of base64 are free, as in TF Serving."""
    assert read(form, values) == {"text_a": [b"a", "é".encode()]}


def test_several_inputs_in_both_forms() -> None:
    expected = {"text_a": [b"a", b"c"], "text_b": [b"b", b"d"]}
    rows = [{"text_a": "a", "text_b": "b"}, {"text_b": "d", "text_a": "c"}]
    assert read(ROW, rows, "rte") == expected
    assert read(COLUMN, {"text_b": ["b", "d"], "text_a": ["a", "c"]}, "rte") == expected


def test_word_pieces_in_both_forms() -> None:
    expected = {"input_ids": [[1, 2, 3], [4, 5, 0]], "segment_ids": [[0, 0, 1], [0, 1, 0]]}
    rows = [dict(zip(expected, row, strict=True)) for row in zip(*expected.values(), strict=True)]
    assert read(ROW, rows, "tone_ids") == expected
    assert read(COLUMN, expected, "tone_ids") == expected


def test_a_batch_without_rows_is_a_column() -> None:
    assert read(COLUMN, []) == {"text_a": []}
    assert refusal(ROW, []) == "instances: [] is not a list of at least one row"


ANY_ROW = {"text_a": "a", "text_b": "b"}
SEVERAL = "signature rte reads several inputs; name them: text_a, text_b"


@pytest.mark.parametrize(
    ("form", "values", "message"),
    [
        (ROW, "a", 'instances: "a" is not a list of at least one row'),
        (ROW, ANY_ROW, 'instances: {"text_a": "a", "text_b": "b"} is not a list of at least one row'),
        (ROW, ["a"], f"instances: {SEVERAL}"),
        (ROW, [{"b64": "YQ=="}], f"instances: {SEVERAL}"),
        (COLUMN, ["a"], f"inputs: {SEVERAL}"),
        (COLUMN, {"b64": "YQ=="}, f"inputs: {SEVERAL}"),
        (ROW, [ANY_ROW, "a"], "instances: row 0 is an object, but row 1 is a plain value"),
        (ROW, [ANY_ROW, {"text_a": "a"}], "instances: row 1: signature rte: inputs missing: text_b"),
        (ROW, [{}], "instances: row 0: signature rte: inputs missing: text_a, text_b"),
        (ROW, [{**ANY_ROW, "text_c": "c"}], "instances: row 0: signature rte: inputs unknown: text_c"),
        (COLUMN, {"text_a": ["a"]}, "signature rte: inputs missing: text_b"),
        (
            COLUMN,
            {"text_a": ["a"], "text_b": ["b"], "text_c": ["c"]},
            "signature rte: inputs unknown: text_c",
        ),
        (
            COLUMN,
            {"text_a": ["a", "b"], "text_b": ["c"]},
            "inputs of different batch sizes: text_a 2, text_b 1",
        ),
        (ROW, [ANY_ROW] * 5, "instances: 5 rows, more than 4; send them in several requests"),
        (
            COLUMN,
            {"text_a": ["a"] * 5, "text_b": []},
            "input text_a: 5 rows, more than 4; send them in several requests",
        ),
    ],
)
def test_names_and_forms_that_do_not_fit_are_told(form: str, values: Any, message: str) -> None:
    assert refusal(form, values, "rte").endswith(message)


@pytest.mark.parametrize(
    ("form", "values", "message"),
    [
        (COLUMN, "a", "input text_a: shape [] is not [batch]"),
        (COLUMN, {"b64": "YQ=="}, "input text_a: shape [] is not [batch]"),
        (COLUMN, None, "input text_a: shape [] is not [batch]"),
        (ROW, [["a"]], "input text_a: shape [1, 1] is not [batch]"),
        (COLUMN, [[[[[[[["a"]]]]]]]], "input text_a: shape [1, 1, 1, 1, 1] is not [batch]"),
        (ROW, ["a", {"text_a": "a"}], "instances: row 0 is a plain value, but row 1 is an object"),
        (ROW, [7], "input text_a: row 0: 7 is a number, not a string"),
        (ROW, ["a", 0.5], "row 1: 0.5 is a number, not a string"),
        (ROW, ["a", None], "row 1: null is null, not a string"),
        (ROW, ["a", True], "row 1: true is a boolean, not a string"),
        (ROW, ["a", ["b"]], 'row 1: ["b"] is a list, not a string'),
        (ROW, ["a", float("nan")], "row 1: NaN is a number, not a string"),
        (ROW, [{"text_a": {}}], 'row 0: {} is neither a string nor {"b64": "<base64>"}'),
        (
            ROW,
            [{"text_a": {"b64": 1}}],
            'row 0: {"b64": 1} is neither a string nor {"b64": "<base64>"}',
        ),
        (ROW, [{"b64": "a"}], 'input text_a: row 0: {"b64": "a"} is not base64'),
        (ROW, [{"b64": "-_-_"}], 'input text_a: row 0: {"b64": "-_-_"} is not base64'),
        (ROW, [{"b64": "é===\ud800"}], " is not base64"),
        (ROW, [b64(b"a\xff")], "input text_a: row 0: not UTF-8 at byte 1"),
        (ROW, ["a", "b\ud83d"], "input text_a: row 1: half of a surrogate pair at character 1"),
        (ROW, ["x" * 31], "input text_a: row 0: 31 bytes, more than 30; shorten the text"),
        (ROW, ["é" * 16], "input text_a: row 0: 32 bytes, more than 30; shorten the text"),
    ],
)
def test_texts_that_do_not_fit_are_told(form: str, values: Any, message: str) -> None:
    assert refusal(form, values).endswith(message)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, 2], "input input_ids: shape [2] is not [batch, length]"),
        ([], "input input_ids: shape [0] is not [batch, length]"),
        ([[], []], "input input_ids: rows of length 0, not of 1 to 13"),
        ([[0] * 14] * 2, "input input_ids: rows of length 14, not of 1 to 13"),
        ([[[1, 2]], [[1, 2]]], "input input_ids: shape [2, 1, 2] is not [batch, length]"),
        (
            [[1, 2], [1]],
            "input input_ids: row 1: 1 values, but 2 in row 0; pad the ids with 0",
        ),
        (
            [[1, 2], 3],
            "row 1: 3 is a number, not a list",
        ),
        ([[1, 2], [[1], 2]], "row 1: [1] is a list, not an int32"),
        ([[1, 2], [1, 2.0]], "row 1: 2.0 is a number, not an int32"),
        ([[1, 2], [1, True]], "row 1: true is a boolean, not an int32"),
        ([[1, 2], [1, False]], "row 1: false is a boolean, not an int32"),
        ([[1, 2], [1, "2"]], 'row 1: "2" is a string, not an int32'),
        ([[1, 2], [1, {"b64": ""}]], 'row 1: {"b64": ""} is an object, not an int32'),
        ([[1, 2], [1, 2**31]], "row 1: 2147483648 is a number, not an int32"),
        ([[1, 2], [1, 99]], "input input_ids: row 1, column 1: 99 is not in 0..98"),
        (
            [[1, 0], [0, 0]],
            "input input_ids: row 1: nothing but padding (id 0); a row begins with [CLS] and ends with [SEP]",
        ),
        ([[1, 2], [-1, 2]], "input input_ids: row 1, column 0: -1 is not in 0..98"),
        ([[1, 2, 3], [1, 2, 3]], "inputs of different lengths: input_ids 3, segment_ids 2"),
        ([[1, 2]], "inputs of different batch sizes: input_ids 1, segment_ids 2"),
    ],
)
def test_word_pieces_that_do_not_fit_are_told(ids: Any, message: str) -> None:
    values = {"input_ids": ids, "segment_ids": [[0, 0], [0, 1]]}
    assert refusal(COLUMN, values, "tone_ids").endswith(message)


def test_rows_of_unequal_length_are_told_in_row_format() -> None:
    rows = [{"input_ids": [1] * length, "segment_ids": [0] * length} for length in (2, 3)]
    assert refusal(ROW, rows, "tone_ids") == (
        "input input_ids: row 1: 3 values, but 2 in row 0; pad the ids with 0"
    )


GOOD = (
    {"signature_name": "rte", "instances": [ANY_ROW, {"text_a": b64(b"a"), "text_b": "\u20ac"}]},
    {"signature_name": "tone_ids", "inputs": {"input_ids": [[1, 2]], "segment_ids": [[0, 1]]}},
)
PIECES = (
    *(bytes([byte]) for byte in range(256)),
    *(b"null", b"true", b"NaN", b"1e9", b"-1", b"[]", b"{}", b"[[", b"]]", b'"', b'":', b"\\ud800"),
    *(b'{"b64": ""}', b'"instances"', b'"inputs"', b'"signature_name"', b'"tone_ids"', b'"text_b"'),
)


def test_whatever_a_body_holds_it_is_read_or_refused() -> None:
    """Good bodies, with pieces put in at random."""
    chance, told = np.random.default_rng(0), set()
    for number in range(4000):
        content = bytearray(json.dumps(GOOD[number % 2]).encode())
        for _ in range(chance.integers(1, 4)):
            start, piece = chance.integers(len(content)), PIECES[chance.integers(len(PIECES))]
            content[start : start + chance.integers(len(piece) + 1)] = piece
        try:
            body = read_body(bytes(content))
            name = body.signature if body.signature in predictor().signatures else "route"
            read(body.form, body.values, name)
        except ServingError as error:
            assert error.code == "INVALID_ARGUMENT"
            told.add(error.message)
    assert len(told) > 100
