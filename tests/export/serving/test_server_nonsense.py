"""Requests that are none: each is told what is wrong in TF Serving's shape, and others get their answers."""

import gzip
from concurrent.futures import ThreadPoolExecutor

import pytest
from abused_server import (
    BODY_BYTES,
    CONCURRENT,
    GOOD,
    PREDICT,
    STATUS,
    AbusedServer,
    check,
    many,
)
from raw_http import RawClient, head, post
from running_server import NAME

BODY = b'{"inputs": 1}'
MALFORMED = "malformed request: "  # and aiohttp's reason
NONSENSE = [
    (b"hello\r\n\r\n", 400, MALFORMED),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 99, 400, MALFORMED),
    (b"GET / HTTP/9.9\r\n\r\n", 400, MALFORMED),
    (head("GET", "/" + "x" * 20_000), 400, MALFORMED),
    (head("GET", "/", X="x" * 20_000), 400, MALFORMED),
    (head("GET", "/", **{f"X{n}": n for n in range(500)}), 400, MALFORMED),
    (head("GET", STATUS, Host="localhost\r\nHost: evil"), 400, MALFORMED),
    (head("GET", f"{STATUS}\xff"), 400, MALFORMED),
    (head("POST", PREDICT, Content_Length=-1), 400, MALFORMED),
    (
        head("POST", PREDICT, Content_Length="1\r\nContent-Length: 2"),
        400,
        MALFORMED,
    ),
    (
        head("POST", PREDICT, Content_Length=4, Transfer_Encoding="chunked"),
        400,
        MALFORMED,
    ),
    (
        head("POST", PREDICT, Transfer_Encoding="chunked") + b"zz\r\n",
        400,
        MALFORMED,
    ),
    (post(PREDICT, b"no gzip", Content_Encoding="gzip"), 400, "the body is no gzip: "),
    (
        post(PREDICT, gzip.compress(BODY)[:-8], Content_Encoding="gzip"),
        400,
        "the body is no gzip: it ends",
    ),
    (post(PREDICT, BODY, Content_Encoding="br"), 400, "Content-Encoding br is not supported; send gzip"),
    (post(PREDICT, BODY, Expect="the best"), 417, "Expect: the best is not supported"),
    (head("POST", PREDICT), 400, "the body is no JSON: it is empty"),
    (head("PUT", PREDICT), 400, f"{MALFORMED}PUT {PREDICT}"),
    (head("OPTIONS", PREDICT), 400, f"{MALFORMED}OPTIONS {PREDICT}"),
    (head("DELETE", STATUS), 400, f"{MALFORMED}DELETE {STATUS}"),
    (head("OPTIONS", "*"), 404, ""),
    (head("GET", "/v1/../../etc/passwd"), 400, f"{MALFORMED}GET /v1/../../etc/passwd"),
    (head("GET", "/../../etc/passwd"), 404, "there is nothing at /../../etc/passwd"),
    (head("POST", "/metrics"), 404, "there is nothing at /metrics"),
    (head("GET", "/v1/models/..%2F..%2Fetc"), 404, "no version of model ../../etc was seen"),
    (head("GET", "/v1/models/%00%ff"), 404, "no version of model \0\ufffd was seen"),
    (head("GET", f"/v1/models/{'m' * 8000}"), 404, "no version of model mmm"),
    (
        head("POST", f"/v1/models/{NAME}:classify"),
        400,
        "the model has no signature for :classify;",
    ),
    (head("GET", "/v1/models/bert/versions/9"), 404, "no version 9 of model bert was seen"),
    (head("GET", f"{STATUS}/versions/9"), 404, f"no version 9 of model {NAME} was seen"),
    (head("POST", f"{STATUS}/versions/9:predict"), 400, "the body is no JSON: it is empty"),
    (
        post(f"{STATUS}/versions/9:predict", b'{"inputs": 1}'),
        404,
        f"no version 9 of model {NAME} is served",
    ),
    (
        post(f"{STATUS}/labels/no:predict", b'{"inputs": 1}'),
        400,
        f"model {NAME} has no version label no",
    ),
    (
        post(PREDICT, b'{"signature_name": "nonsense", "inputs": 1}'),
        400,
        'there is no signature "nonsense"; the model has ',
    ),
    (
        post(PREDICT, b'{"signature_name": "\\ud800", "inputs": 1}'),
        400,
        'there is no signature "\ud800"; the model has ',
    ),
    (post(PREDICT, b'{"instances": [' + b"[" * 100_000), 400, "the body is no JSON: it is nested too deeply"),
    (post(PREDICT, b'{"instances": ["\xff"]}'), 400, "the body is no JSON: not UTF-8 at byte 16"),
    (many(10_000), 400, "instances: 10000 rows, more than 50; send them in several requests"),
    (
        post(PREDICT, b'{"signature_name": "tone", "inputs": ["%s"]}' % (b"x" * 1_000_000)),
        400,
        "input text_a: row 0: 1000000 bytes, more than 1000; shorten the text",
    ),
    (
        head("POST", PREDICT, Content_Length=10**15),
        413,
        f"a body of more than {BODY_BYTES} bytes; send its rows in several requests",
    ),
]


@pytest.mark.parametrize(
    ("sent", "status", "message"), NONSENSE, ids=[ascii(message[:60]) for *_, message in NONSENSE]
)
def test_nonsense_is_told_in_tf_serving_s_shape(
    server: AbusedServer, sent: bytes, status: int, message: str
) -> None:
    with RawClient(server.port) as client:
        found = client.send(sent).answer().error
    assert found[0] == status
    assert found[1].startswith(message)
    assert found[1] != MALFORMED
    assert "\n" not in found[1]


def test_the_others_are_answered_amid_nonsense(server: AbusedServer) -> None:
    def send(nonsense: tuple[bytes, int, str]) -> int:
        with RawClient(server.port) as client:
            return client.send(nonsense[0]).answer().status

    with ThreadPoolExecutor(CONCURRENT - 1) as clients, RawClient(server.port) as client:
        sent = [clients.submit(send, each) for each in NONSENSE * 3]
        while not all(future.done() for future in sent):
            check(client.send(GOOD).answer())
        assert [future.result() for future in sent] == [status for _, status, _ in NONSENSE] * 3
