"""Bodies of TF Serving's JSON: what is read, what is written, and what is refused in which words."""

import gc
import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from centrabert.export.rest.json_codec import Body, error_body, read_body, response_body
from centrabert.export.serving.errors import ServingError

BOM = b"\xef\xbb\xbf"


def refusal(content: bytes) -> str:
    with pytest.raises(ServingError) as error:
        read_body(content)
    assert error.value.code == "INVALID_ARGUMENT"
    json.loads(error_body(error.value.message))
    return error.value.message


def test_a_body_is_read() -> None:
    assert read_body(b'{"instances": ["a"]}') == Body("", "instances", ["a"])
    assert read_body(b'{"signature_name": "s", "inputs": {"a": [1]}, "other": 2}') == Body(
        "s", "inputs", {"a": [1]}
    )


def test_a_byte_order_mark_is_skipped() -> None:
    assert read_body(BOM + '{"inputs": "é"}'.encode()) == Body("", "inputs", "é")


def test_what_is_no_number_to_json_is_one_to_tf_serving() -> None:
    body = read_body(b'{"inputs": [NaN, Infinity, -Infinity, 1e999]}')
    np.testing.assert_array_equal(body.values, [np.nan, np.inf, -np.inf, np.inf])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the body is no JSON: it is empty"),
        (b" ", "the body is no JSON: Expecting value at byte 1"),
        (b"instances = [1]", "the body is no JSON: Expecting value at byte 0"),
        (b'{"instances": ["a"', "the body is no JSON: Expecting ',' delimiter at byte 18"),
        (b'{"instances": ["a', "the body is no JSON: Unterminated string starting at byte 15"),
        ('{"é": "a'.encode(), "the body is no JSON: Unterminated string starting at byte 7"),
        (b'{"instances": ["\\x"]}', "the body is no JSON: Invalid \\escape at byte 16"),
        (b'{"instances": ["\\u12"]}', "the body is no JSON: Invalid \\uXXXX escape at byte 17"),
        (b'{"instances": ["a\n"]}', "the body is no JSON: Invalid control character at byte 17"),
        (b'{"instances": ["a"]} {}', "the body is no JSON: Extra data at byte 21"),
        (b'{"instances": ["a",]}', "the body is no JSON: "),
        (b'{"instances": nan}', "the body is no JSON: Expecting value at byte 14"),
        (b"\xff\xfe{\x00}\x00", "the body is no JSON: not UTF-8 at byte 0"),
        (b"{\x00}\x00", "the body is no JSON: Expecting property name enclosed in double quotes at byte 1"),
        (b'{"instances": ["caf\xe9"]}', "the body is no JSON: not UTF-8 at byte 19"),
        (b'{"instances": ["\xed\xa0\x80"]}', "the body is no JSON: not UTF-8 at byte 16"),
        (b'{"inputs": ' + b"9" * 5000 + b"}", "the body is no JSON: a number is too large"),
        (b'{"instances": ' + b"[" * 100_000, "the body is no JSON: it is nested too deeply"),
        (b'{"a":' * 100_000, "the body is no JSON: it is nested too deeply"),
        (b'{"inputs": 1, "inputs": 2}', 'the body is no JSON: the key "inputs" is there twice'),
        (b'{"inputs": {"a": 1, "b": 2, "a": 1}}', 'the body is no JSON: the key "a" is there twice'),
        (b"[1, 2]", "the body is no JSON object: [1, 2]"),
        (b'"text"', 'the body is no JSON object: "text"'),
        (b"null", "the body is no JSON object: null"),
        (b"{}", "the body holds neither; give one of instances and inputs"),
        (
            b'{"signature_name": 100, "inputs": 1}',
            "signature_name: 100 is not a string",
        ),
        (
            b'{"inputs": 1, "instances": [1]}',
            "the body holds instances and inputs; give one of instances and inputs",
        ),
    ],
)
def test_what_is_no_request_is_told(content: bytes, message: str) -> None:
    found = refusal(content)
    assert found.startswith(message) if message.endswith(": ") else found == message


def test_a_message_shows_the_beginning_of_a_long_value() -> None:
    for content in (b"[" + b"1, " * 300_000 + b"1]", b'["' + b"x" * 1_000_000 + b'"]'):
        message = refusal(content)
        assert message.startswith(f"the body is no JSON object: {content[:77].decode()}...")
        assert len(message) < 120


def test_a_doubled_key_is_found_among_many() -> None:
    keys = ",".join(f'"{number}": 0' for number in range(100_000))
    assert (
        refusal(f'{{{keys}, "99999": 1}}'.encode()) == 'the body is no JSON: the key "99999" is there twice'
    )


@pytest.mark.parametrize("content", [b'{"inputs": 1}', b'{"inputs": ', b"[" * 100_000])
@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_collected_afterwards_as_before(content: bytes, enabled: bool) -> None:
    during = []
    (gc.enable if enabled else gc.disable)()
    try:
        with suppress(ServingError), pytest.MonkeyPatch.context() as patch:
            loads = json.loads
            patch.setattr(
                json, "loads", lambda *text, **keys: during.append(gc.isenabled()) or loads(*text, **keys)
            )
            read_body(content)
        assert (during, gc.isenabled()) == ([False], enabled)
    finally:
        gc.enable()


OUTPUTS = {
    "label": np.array([b"no", "é\u2028".encode()], np.object_),
    "probabilities": np.array([[0.1, 1e-8], [1.0, 0.5]], np.float32),
    "asked": np.array([True, False]),
}


@pytest.mark.parametrize(
    ("names", "form", "expected"),
    [
        (
            ["probabilities", "label"],
            "instances",
            {
                "predictions": [
                    {"label": "no", "probabilities": [0.1, 1e-08]},
                    {"label": "é\u2028", "probabilities": [1.0, 0.5]},
                ]
            },
        ),
        (
            ["label", "asked"],
            "inputs",
            {"outputs": {"asked": [True, False], "label": ["no", "é\u2028"]}},
        ),
        (["probabilities"], "instances", {"predictions": [[0.1, 1e-08], [1.0, 0.5]]}),
        (["label"], "inputs", {"outputs": ["no", "é\u2028"]}),
    ],
)
def test_answers(names: list[str], form: str, expected: dict[str, Any]) -> None:
    """A single output goes without its name; the order of the others is always the same."""
    body = response_body({name: OUTPUTS[name] for name in names}, form)
    assert json.loads(body) == expected
    assert body == response_body({name: OUTPUTS[name] for name in reversed(names)}, form)


def test_floats_are_written_by_their_shortest_decimal_and_read_back_the_same() -> None:
    values = np.random.default_rng(0).standard_normal(1000).astype(np.float32) ** 15
    body = response_body({"score": values}, "inputs")
    assert np.array_equal(np.array(json.loads(body)["outputs"], np.float32), values)
    assert response_body({"score": np.array([0.2, 3.0], np.float32)}, "inputs") == b'{"outputs": [0.2, 3.0]}'


def test_no_rows_have_no_answers() -> None:
    empty = {name: array[:0] for name, array in OUTPUTS.items()}
    assert json.loads(response_body(empty, "inputs")) == {
        "outputs": {"asked": [], "label": [], "probabilities": []}
    }
    assert json.loads(response_body(empty, "instances")) == {"predictions": []}


@pytest.mark.parametrize("message", ['"quoted"\n\\', "é\u2028\0", "half \ud83d of a pair"])
def test_an_error_says_what_it_was_given(message: str) -> None:
    body = error_body(message)
    assert json.loads(body.decode()) == {"error": message}
