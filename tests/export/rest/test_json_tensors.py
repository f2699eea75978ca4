"""From JSON values to arrays: every form that TF Serving reads, and its words for what it does not."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from exported import predictor

from centrabert.export.rest.json_codec import read_body
from centrabert.export.rest.json_tensors import read_arrays
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.input_validation import RequestLimits

LIMITS = RequestLimits(rows=4, text_bytes=30, length=13, vocabulary=99, segments=2)
ROW, COLUMN = "instances", "inputs"


def read(form: str, values: Any, signature: str = "tone") -> dict[str, list[Any]]:
    arrays = read_arrays(form, values, predictor().signatures[signature], LIMITS)
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
    assert refusal(ROW, []) == "JSON Value: [] No values in 'instances' array"


ANY_ROW = {"text_a": "a", "text_b": "b"}
PLAIN = (
    "is a plain {}, but expecting {} as multiple input tensors required as per tensorinfo_map: text_a,text_b"
)
ELEMENT = "Failed to process element: {} of 'instances' list. "


@pytest.mark.parametrize(
    ("form", "values", "message"),
    [
        (ROW, "a", "JSON Value: \"a\" Excepting 'instances' to be an list/array"),
        (ROW, ANY_ROW, "Excepting 'instances' to be an list/array"),
        (ROW, ["a"], "instances " + PLAIN.format("list", "list of objects")),
        (ROW, [{"b64": "YQ=="}], "instances " + PLAIN.format("list", "list of objects")),
        (COLUMN, ["a"], "inputs " + PLAIN.format("value/list", "an object")),
        (COLUMN, {"b64": "YQ=="}, "inputs " + PLAIN.format("value/list", "an object")),
        (ROW, [ANY_ROW, "a"], "Expecting object but got list at item 1 of input list"),
        (
            ROW,
            [ANY_ROW, {"text_a": "a"}],
            ELEMENT.format(1) + 'JSON object: {"text_a": "a"} keys must be equal to: text_a,text_b',
        ),
        (ROW, [{}], ELEMENT.format(0) + "JSON object: {} keys must be equal to: text_a,text_b"),
        (
            ROW,
            [{**ANY_ROW, "text_c": "c"}],
            ELEMENT.format("0 key: text_c")
            + "Error: INVALID_ARGUMENT: JSON object: does not have named input: text_c",
        ),
        (COLUMN, {"text_a": ["a"]}, "Missing named input: text_b in 'inputs' object."),
        (
            COLUMN,
            {"text_a": ["a"], "text_b": ["b"], "text_c": ["c"]},
            "JSON object: does not have named input: text_c",
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
        (ROW, ["a", {"text_a": "a"}], "Expecting value/list but got object at item 1 of input list"),
        (ROW, [7], "input text_a: row 0: JSON Value: 7 Type: Number is not of expected type: string"),
        (ROW, ["a", 0.5], "row 1: JSON Value: 0.5 Type: Number is not of expected type: string"),
        (ROW, ["a", None], "row 1: JSON Value: null Type: Null is not of expected type: string"),
        (ROW, ["a", True], "row 1: JSON Value: true Type: True is not of expected type: string"),
        (ROW, ["a", ["b"]], 'row 1: JSON Value: ["b"] Type: Array is not of expected type: string'),
        (ROW, ["a", float("nan")], "row 1: JSON Value: NaN Type: Number is not of expected type: string"),
        (ROW, [{"text_a": {}}], "row 0: JSON Value: {} not formatted correctly for base64 data"),
        (
            ROW,
            [{"text_a": {"b64": 1}}],
            'row 0: JSON Value: {"b64": 1} not formatted correctly for base64 data',
        ),
        (ROW, [{"b64": "a"}], "input text_a: row 0: Unable to base64 decode"),
        (ROW, [{"b64": "-_-_"}], "input text_a: row 0: Unable to base64 decode"),
        (ROW, [{"b64": "é===\ud800"}], "input text_a: row 0: Unable to base64 decode"),
        (ROW, [b64(b"a\xff")], "input text_a: row 0: not UTF-8 at byte 1"),
        (ROW, ["a", "b\ud83d"], "input text_a: row 1: The surrogate pair in string is invalid."),
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
            "input input_ids: row 1: Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        (
            [[1, 2], 3],
            "row 1: JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        ([[1, 2], [[1], 2]], "row 1: JSON Value: [1] Type: Array is not of expected type: int32"),
        ([[1, 2], [1, 2.0]], "row 1: JSON Value: 2.0 Type: Number is not of expected type: int32"),
        ([[1, 2], [1, True]], "row 1: JSON Value: true Type: True is not of expected type: int32"),
        ([[1, 2], [1, False]], "row 1: JSON Value: false Type: False is not of expected type: int32"),
        ([[1, 2], [1, "2"]], 'row 1: JSON Value: "2" Type: String is not of expected type: int32'),
        ([[1, 2], [1, {"b64": ""}]], "Type: Object is not of expected type: int32"),
        ([[1, 2], [1, 2**31]], "row 1: JSON Value: 2147483648 Type: Number is not of expected type: int32"),
        ([[1, 2], [1, 99]], "input input_ids: row 1, column 1: 99 is not in 0..98"),
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
        "input input_ids: row 1: Encountered list at unexpected size: 3 at level: 1 expected size: 2"
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
