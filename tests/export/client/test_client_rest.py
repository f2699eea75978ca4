"""What is particular to the client over REST."""

import json
import subprocess
import sys
from typing import Any

import pytest
import requests
from canned_answers import expected
from canned_server import MODEL, Canned, RestHandler, client, rest_server
from source_tree import ROOT

from centrabert.export.client.client import Client
from centrabert.export.client.errors import Overloaded, RequestError
from centrabert.export.client.rest_transport import RestTransport, call_with_timeout
from centrabert.export.client.retry import Retry
from centrabert.export.client.transport import RouteRequest, WantedModel
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import Output

OUTPUT = {f"mood/{output.name}": output for output in KINDS["classification"].outputs}
ASKED = RouteRequest(("one",), ("",), ("mood",), {**OUTPUT, "unknown": Output("unknown", "string")})


def refusal(status: int, body: bytes, *headers: tuple[str, str], url: str = "") -> RequestError:
    """What a Predict request raises that gets this answer."""

    class Handler(RestHandler):
        def respond(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for header in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(body)

    with rest_server(Canned(), Handler) as address, pytest.raises(RequestError) as error:
        RestTransport(address, WantedModel(MODEL)).route(ASKED, 20.0)
    return error.value


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (400, b'{"error": "no such input"}', "INVALID_ARGUMENT", "HTTP 400: no such input"),
        (401, b"", "UNAUTHENTICATED", "HTTP 401: Unauthorized"),
        (403, b"<html>no</html>", "PERMISSION_DENIED", "HTTP 403: <html>no</html>"),
        (404, b'{"error": "bad \\\' JSON"}', "NOT_FOUND", 'HTTP 404: {"error": "bad \\\' JSON"}'),
        (413, b"[]", "INVALID_ARGUMENT", "HTTP 413: []"),
        (418, b"tea", "UNKNOWN", "HTTP 418: tea"),
        (429, b'{"error": 5}', "RESOURCE_EXHAUSTED", 'HTTP 429: {"error": 5}'),
        (500, b"\xff", "INTERNAL", "HTTP 500: \ufffd"),
        (502, b"x" * 9999, "UNAVAILABLE", f"HTTP 502: {'x' * 500}"),
        (504, b"", "DEADLINE_EXCEEDED", "HTTP 504: Gateway Timeout"),
    ],
)
def test_a_status_is_told_as_grpc_tells_it(status: int, body: bytes, code: str, message: str) -> None:
    error = refusal(status, body)
    assert (error.code, error.message) == (code, message)
    assert error.overload == (status == 429)


def test_a_redirection_is_not_followed() -> None:
    canned = Canned()
    with rest_server(canned) as elsewhere:
        error = refusal(307, b"", ("Location", f"{elsewhere}/v1/models/{MODEL}:predict"))
    assert (error.code, error.message) == ("UNKNOWN", "HTTP 307: Temporary Redirect")
    assert canned.seen == []


OUTPUTS: dict[str, Any] = {"mood/label": ["good"], "mood/probabilities": [[0.5, 0.25, 0.25]], "unknown": [""]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"{", "no JSON object"),
        (b"[" * 100_000, "no JSON object"),
        (b"[1]", "no JSON object"),
        (b"{}", "no outputs by name"),
        (json.dumps({"outputs": ["good"]}).encode(), "no outputs by name"),
        (json.dumps({"outputs": {**OUTPUTS, "mood/label": [{"b64": "eA=="}]}}).encode(), "mood/label: "),
        (json.dumps({"outputs": {**OUTPUTS, "mood/label": 5}}).encode(), "mood/label: "),
        (
            json.dumps({"outputs": {**OUTPUTS, "mood/probabilities": [[1], []]}}).encode(),
            "mood/probabilities: ",
        ),
        (
            json.dumps({"outputs": {**OUTPUTS, "mood/probabilities": [["x"]]}}).encode(),
            "mood/probabilities: ",
        ),
    ],
)
def test_what_is_no_answer_is_refused(document: bytes, message: str) -> None:
    error = refusal(200, document)
    assert error.code == "INTERNAL"
    assert error.message.startswith("the server's answer is not TF Serving's: ")
    assert message in error.message


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"metadata": []},
        {"metadata": {"signature_def": {"signature_def": {"route": {}}}}, "model_spec": {}},
    ],
)
def test_what_is_no_metadata_is_refused(document: Any) -> None:
    class Handler(RestHandler):
        def respond(self) -> None:
            self.send(200, document)

    with (
        rest_server(Canned(), Handler) as url,
        pytest.raises(RequestError, match="has no signatures") as error,
    ):
        Client.rest(url, MODEL, timeout=20.0).tasks()
    assert error.value.code == "INTERNAL"


def test_a_server_that_hangs_up_is_told_at_once() -> None:
    asked: list[str] = []

    class Handler(RestHandler):
        def respond(self) -> None:
            asked.append(self.path)
            self.close_connection = True

    retry = Retry(sleep=lambda seconds: pytest.fail("paused"))
    with rest_server(Canned(), Handler) as url, pytest.raises(RequestError, match="UNAVAILABLE") as error:
        Client.rest(url, MODEL, timeout=20.0, retry=retry).tasks()
    assert not isinstance(error.value, Overloaded)
    assert asked == [f"/v1/models/{MODEL}/metadata"]


@pytest.mark.parametrize("head", [True, False])
def test_a_server_that_dribbles_does_not_hold_up_the_caller(head: bool) -> None:
    """It sends something before each read times out, for as long as the test runs."""

    class Handler(RestHandler):
        def respond(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n" + b"\r\n" * (not head))
            while not self.canned.gate.wait(0.02):
                self.wfile.write(b"x")
                self.wfile.flush()
            self.close_connection = True

    with rest_server(Canned(), Handler) as url, pytest.raises(RequestError, match="DEADLINE_EXCEEDED"):
        Client.rest(url, MODEL).tasks(timeout=0.3)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (requests.ConnectTimeout, "DEADLINE_EXCEEDED"),
        (requests.ReadTimeout, "DEADLINE_EXCEEDED"),
        (requests.ConnectionError, "UNAVAILABLE"),
        (requests.exceptions.ChunkedEncodingError, "UNAVAILABLE"),
    ],
)
def test_errors_of_requests_are_told(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], code: str
) -> None:
    def fail(*arguments: Any, **keys: Any) -> None:
        raise error("it broke")

    monkeypatch.setattr(requests.Session, "request", fail)
    with pytest.raises(RequestError, match=f"{code}: it broke"):
        Client.rest("http://localhost", MODEL).tasks()


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.excepthook", lambda told: None)
    with pytest.raises(ZeroDivisionError):
        call_with_timeout(20.0, lambda: 1 // 0)


def test_a_path_and_odd_names_reach_the_server() -> None:
    paths: list[str] = []

    class Handler(RestHandler):
        def respond(self) -> None:
            paths.append(self.path)
            self.send(404, {})

    with rest_server(Canned(), Handler) as url:
        for keys in ({"version": 12}, {"label": "a/b"}, {}):
            with Client.rest(f"{url}/bert/", "my model", **keys) as asking, pytest.raises(RequestError):
                asking.tasks()
    assert paths == [
        f"/bert/v1/models/my%20model{version}/metadata" for version in ("/versions/12", "/labels/a%2Fb", "")
    ]


def test_connections_are_used_again() -> None:
    opened: list[object] = []

    class Handler(RestHandler):
        def setup(self) -> None:
            opened.append(self.client_address)
            super().setup()

    canned = Canned()
    with rest_server(canned, Handler) as url, Client.rest(url, MODEL, timeout=20.0) as asking:
        for _ in range(5):
            asking.ask("mood", "one")
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("url", "keys", "message"),
    [
        ("localhost:8501", {}, "give http://host:port"),
        ("ftp://localhost", {}, "give http://host:port"),
        ("http://", {}, "give http://host:port"),
        ("http://localhost", {"connections": 0}, "connections=0"),
        ("http://localhost", {"timeout": 0.0}, "timeout=0.0"),
    ],
)
def test_what_cannot_be_asked_is_refused(url: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Client.rest(url, MODEL, **keys)


@pytest.mark.parametrize("keys", [{"batch_size": 0}, {"concurrency": 0}])
def test_a_batch_needs_rows_and_threads(keys: dict[str, int]) -> None:
    with client("rest", Canned()) as asking, pytest.raises(ValueError, match="need at least 1"):
        asking.ask_batch([], **keys)


def test_no_tensorflow_is_needed() -> None:
    with rest_server(Canned()) as url:
        code = f"""
import sys
from centrabert.export.client import Client
with Client.rest({url!r}, {MODEL!r}, timeout=20.0) as client: print(client.ask_all("one", "two"))
loaded = [name for name in ("tensorflow", "tensorflow_serving", "grpc") if name in sys.modules]
if loaded: sys.exit(f"imports {{loaded}}")
"""
        result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert repr(expected("same", "one", "two")) in result.stdout
