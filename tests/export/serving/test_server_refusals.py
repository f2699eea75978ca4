"""What a client of the local server did wrong, told over gRPC."""

import numpy as np
import pytest
from exported import predictor
from grpc_requests import IDS, PIECES, SEGMENTS, TASKS, TEXT_A, TEXT_B, TEXTS, ask, message, refusal, same
from running_server import NAME
from tensorflow_serving.apis.predict_pb2 import PredictRequest

REFUSED = [
    (message("tone", {"text_a": TEXT_A}, name=""), "INVALID_ARGUMENT", "the request names no model"),
    (PredictRequest(), "INVALID_ARGUMENT", "the request has no model_spec"),
    (
        message("tone", {"text_a": TEXT_A}, name="bert"),
        "NOT_FOUND",
        "model bert is not served; tiny is",
    ),
    (message("nli", TEXTS), "FAILED_PRECONDITION", 'there is no signature "nli"; the model has describe, '),
    (
        message("rte", {"text_a": TEXT_A}),
        "INVALID_ARGUMENT",
        "signature rte: inputs missing: text_b",
    ),
    (
        message("tone", {"text": TEXT_A}),
        "INVALID_ARGUMENT",
        "signature tone: inputs missing: text_a; unknown: text",
    ),
    (
        message("sim", TEXTS, "label"),
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: label; there are score",
    ),
    (
        message("sim", TEXTS, "score", "score"),
        "INVALID_ARGUMENT",
        "the output score is named twice",
    ),
    (
        message("tone", {"text_a": np.ones([2], np.float32)}),
        "INVALID_ARGUMENT",
        "input text_a: type float32 is not string",
    ),
    (
        message("tone", {"text_a": TEXT_A[:, None]}),
        "INVALID_ARGUMENT",
        "input text_a: shape [5, 1] is not [batch]",
    ),
    (
        message("tone", {"text_a": b"one"}),
        "INVALID_ARGUMENT",
        "input text_a: shape [] is not [batch]",
    ),
    (
        message("rte", {"text_a": TEXT_A, "text_b": TEXT_B[:2]}),
        "INVALID_ARGUMENT",
        "inputs of different batch sizes: text_a 5, text_b 2",
    ),
    (
        message("tone", {"text_a": np.array([b"fine", b"no\xffne"], np.object_)}),
        "INVALID_ARGUMENT",
        "input text_a: row 1: not UTF-8 at byte 2",
    ),
    (
        message("tone", {"text_a": np.array([b"x" * 1001], np.object_)}),
        "INVALID_ARGUMENT",
        "input text_a: row 0: 1001 bytes, more than 1000; shorten the text",
    ),
    (
        message("tone", {"text_a": np.array([b""] * 51, np.object_)}),
        "INVALID_ARGUMENT",
        "input text_a: 51 rows, more than 50; send them in several requests",
    ),
    (
        message("tone_ids", {"input_ids": IDS + 90, "segment_ids": SEGMENTS}),
        "INVALID_ARGUMENT",
        "input input_ids: row 0, column 0: ",
    ),
    (
        message("tone_ids", {"input_ids": IDS, "segment_ids": SEGMENTS - 1}),
        "INVALID_ARGUMENT",
        "input segment_ids: row 0, column 0: -1 is not in 0..1",
    ),
    (
        message("tone_ids", {"input_ids": IDS, "segment_ids": SEGMENTS[:, :4]}),
        "INVALID_ARGUMENT",
        "inputs of different lengths: input_ids 11, segment_ids 4",
    ),
    (
        message("sim_ids", {"input_ids": IDS * np.int32([[1], [0], [1], [0], [1]]), "segment_ids": SEGMENTS}),
        "INVALID_ARGUMENT",
        "input input_ids: row 1: nothing but padding (id 0); a row begins with [CLS] and ends with [SEP]",
    ),
    (
        message("route_ids", {"input_ids": IDS * 0, "segment_ids": SEGMENTS * 0, "tasks": TASKS}),
        "INVALID_ARGUMENT",
        "input input_ids: row 0: nothing but padding (id 0); a row begins with [CLS] and ends with [SEP]",
    ),
    (
        message("tone_ids", {name: np.zeros([2, 14], np.int32) for name in PIECES}),
        "INVALID_ARGUMENT",
        "rows of length 14, not of 1 to 13",
    ),
    (
        message("tone_ids", {name: np.zeros([2, 0], np.int32) for name in PIECES}),
        "INVALID_ARGUMENT",
        "rows of length 0, not of 1 to 13",
    ),
]


@pytest.mark.parametrize(("request_", "code", "text"), REFUSED, ids=[text for *_, text in REFUSED])
def test_a_mistake_is_told(request_: PredictRequest, code: str, text: str) -> None:
    found = refusal(request_)
    assert found[0] == code
    assert text in found[1]


@pytest.mark.parametrize("sizes", [[10**9], [-1], [2**62]])
def test_a_shape_without_values_fills_no_memory(sizes: list[int]) -> None:
    request = message("tone", {"text_a": TEXT_A})
    request.inputs["text_a"].ClearField("tensor_shape")
    for size in sizes:
        request.inputs["text_a"].tensor_shape.dim.add(size=size)
    assert refusal(request)[0] == "INVALID_ARGUMENT"


def test_a_shape_of_texts_without_values_is_of_empty_texts() -> None:
    request = message("tone", {"text_a": TEXT_A})
    request.inputs["text_a"].ClearField("string_val")
    empty = {"text_a": np.array([b""] * len(TEXT_A), np.object_)}
    same(ask(request), predictor().predict("tone", empty))


@pytest.mark.parametrize("sign", ["x", "\u00e4"])
def test_an_error_is_told_however_long_it_is(sign: str) -> None:
    """Whether gRPC takes metadata of 8 to 16 KB, it leaves to chance."""
    request = message("tone", {"text_a": TEXT_A}, name=sign * 20_000)
    start = f"model {sign * 1000}"
    for _ in range(30):
        code, details = refusal(request)
        assert code == "NOT_FOUND"
        assert details.startswith(start)
        assert details.endswith("...")


def test_values_that_do_not_fit_their_shape_are_told() -> None:
    request = message("tone", {"text_a": TEXT_A})
    request.inputs["text_a"].tensor_shape.dim[0].size = 3
    assert refusal(request) == ("INVALID_ARGUMENT", "input text_a: its values do not fit its shape")


def test_versions_and_labels_that_are_not_served() -> None:
    request = message("tone", {"text_a": TEXT_A})
    request.model_spec.version.value = 1
    same(ask(request), predictor().predict("tone", {"text_a": TEXT_A}))
    request.model_spec.version.value = 7
    assert refusal(request) == ("NOT_FOUND", f"no version 7 of model {NAME} is served")
    request.model_spec.version_label = "canary"
    assert refusal(request) == ("INVALID_ARGUMENT", f"model {NAME} has no version label canary")


def test_a_message_over_the_limit_is_refused() -> None:
    request = message("tone", {"text_a": np.array([b"x" * 200_000], np.object_)})
    code, text = refusal(request)
    assert code == "RESOURCE_EXHAUSTED"
    assert "larger than max" in text
