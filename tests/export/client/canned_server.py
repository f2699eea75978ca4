"""A server of canned answers in TF Serving's protocols, gRPC and REST, for the tests of the client.

It stands in for servers that misbehave, and tells what it was asked. An answer holds the texts that it is
for, so no row can be taken for another.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from canned_answers import TASKS, answer_names, canned
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse, SignatureDefMap
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceServicer,
    add_PredictionServiceServicer_to_server,
)

from centrabert.export.client.client import Client
from centrabert.export.contract.task_selector import parse_task_selector
from centrabert.export.rest.rest_api import METADATA, RestAddress, read_address
from centrabert.export.serving.errors import HTTP_STATUS, ServingError, invalid

MODEL = "canned"
Refusal = tuple[str, str]  # code, message


@dataclass(frozen=True)
class Seen:
    """A Predict request; `outputs` and `seconds`, its filter and deadline, only gRPC has."""

    model: str
    version: int | None
    label: str | None
    signature: str
    inputs: dict[str, list[str]]
    outputs: tuple[str, ...] = ()
    seconds: float | None = field(default=None, compare=False)


@dataclass
class Canned:
    """What the server offers and how it behaves.

    Attributes:
      refusals: Used up one a request, metadata included.
      refused: Texts that are always refused.
      slow: Texts whose answer waits for `gate`.
      descriptions: What it says of itself, used up one a request but for the last; () as versions of before.
      seen, described: The Predict requests, and (model, version, label) of those for metadata.
    """

    tasks: dict[str, tuple[int, bool]] = field(default_factory=lambda: dict(TASKS))
    version: int = 1
    refusals: list[Refusal] = field(default_factory=list)
    refused: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    gate: Event = field(default_factory=Event)
    seen: list[Seen] = field(default_factory=list)
    described: list[tuple[str, int | None, str | None]] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)

    def refuse(self) -> None:
        with self.lock:
            if self.refusals:
                raise ServingError(*self.refusals.pop(0))

    def describe(self) -> str:
        with self.lock:
            text, *rest = self.descriptions
            self.descriptions = tuple(rest) or (text,)
        return text

    def answer(self, seen: Seen) -> dict[str, list[Any]]:
        """By output, batch first."""
        if seen.signature == "describe":
            assert seen.inputs == {"text_a": [""]}
            return {"description": [self.describe()]}
        with self.lock:
            self.seen.append(seen)
        self.refuse()
        if seen.inputs["text_a"][0] in self.refused:
            raise invalid("refused")
        if seen.inputs["text_a"][0] in self.slow:
            self.gate.wait(30)
        for name in seen.outputs:
            if name not in self.offered():
                raise invalid(f"output tensor alias not found in signature: {name} Outputs expected to be")
        rows = list(zip(*(seen.inputs[name] for name in ("text_a", "text_b", "tasks")), strict=True))
        wanted = [parse_task_selector(said, list(self.tasks)) for _, _, said in rows]
        found: dict[str, list[Any]] = {
            "unknown": [row[2] if asked is None else "" for row, asked in zip(rows, wanted, strict=True)]
        }
        for task, (labels, _) in self.tasks.items():
            asked = [own is not None and task in own for own in wanted]
            found[f"{task}/asked"] = asked
            pairs = list(zip(rows, asked, strict=True))
            for answer in answer_names(labels):
                values = [canned(task, answer, labels, *row[:2], yes) for row, yes in pairs]
                found[f"{task}/{answer}"] = values
        return {name: values for name, values in found.items() if not seen.outputs or name in seen.outputs}

    def offered(self) -> set[str]:
        """The outputs of `route`."""
        answers = {task: (*answer_names(labels), "asked") for task, (labels, _) in self.tasks.items()}
        return {"unknown"} | {f"{task}/{name}" for task, own in answers.items() for name in own}

    def signatures(self) -> dict[str, tuple[set[str], set[str]]]:
        """Inputs and outputs by signature."""
        own = {
            task: ({"text_a", "text_b"} if pair else {"text_a"}, set(answer_names(labels)))
            for task, (labels, pair) in self.tasks.items()
        }
        if self.descriptions:
            own["describe"] = ({"text_a"}, {"description"})
        return {**own, "route": ({"text_a", "text_b", "tasks"}, self.offered())}


class _Grpc(PredictionServiceServicer):
    def __init__(self, canned: Canned) -> None:
        self._canned = canned

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802
        spec = request.model_spec
        inputs = {name: _texts(proto) for name, proto in request.inputs.items()}
        left = context.time_remaining()
        seen = Seen(*_target(spec), spec.signature_name, inputs, tuple(request.output_filter), left)
        outputs = _or_abort(context, lambda: self._canned.answer(seen))
        response = PredictResponse()
        response.model_spec.version.value = self._canned.version
        for name, values in outputs.items():
            kind = np.float32 if name.endswith(("score", "probabilities")) else None
            response.outputs[name].CopyFrom(tf.make_tensor_proto(values, kind))
        return response

    def GetModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._canned.described.append(_target(request.model_spec))
        assert list(request.metadata_field) == ["signature_def"]
        _or_abort(context, self._canned.refuse)
        found, response = SignatureDefMap(), GetModelMetadataResponse()
        for name, (inputs, outputs) in self._canned.signatures().items():
            for key in inputs:
                found.signature_def[name].inputs[key].name = f"{key}:0"
            for key in outputs:
                found.signature_def[name].outputs[key].name = f"{key}:0"
        response.model_spec.version.value = self._canned.version
        response.metadata["signature_def"].Pack(found)
        return response


def _texts(proto: Any) -> list[str]:
    array = tf.make_ndarray(proto)
    assert array.dtype == object
    assert array.ndim == 1
    return [text.decode() for text in array]


def _target(spec: Any) -> tuple[str, int | None, str | None]:
    version = spec.version.value if spec.HasField("version") else None
    return spec.name, version, spec.version_label if spec.HasField("version_label") else None


def _or_abort(context: Any, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except ServingError as error:
        context.abort(grpc.StatusCode[error.code], error.message)


class RestHandler(BaseHTTPRequestHandler):
    """Answers for `canned`, which a subclass sets."""

    canned: Canned
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet; else each waits for the other's acknowledgement

    def do_GET(self) -> None:
        self.respond()

    def do_POST(self) -> None:
        self.respond()

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            self.send(200, self.found(read_address(self.command, self.path), body))
        except ServingError as error:
            self.send(HTTP_STATUS.get(error.code, 500), {"error": error.message})

    def found(self, path: RestAddress, body: bytes) -> Any:
        if path.action == METADATA:
            self.canned.described.append((path.name, path.number, path.label))
            self.canned.refuse()
            definitions = {
                name: {"inputs": {key: {} for key in inputs}, "outputs": {key: {} for key in outputs}}
                for name, (inputs, outputs) in self.canned.signatures().items()
            }
            spec = {"name": path.name, "signature_name": "", "version": str(self.canned.version)}
            return {"model_spec": spec, "metadata": {"signature_def": {"signature_def": definitions}}}
        asked = json.loads(body)
        assert asked.keys() == {"signature_name", "inputs"}
        seen = Seen(path.name, path.number, path.label, asked["signature_name"], asked["inputs"])
        outputs = self.canned.answer(seen)
        return {"outputs": next(iter(outputs.values())) if len(outputs) == 1 else outputs}

    def send(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        with suppress(ConnectionError):  # a client that has given up
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _HttpServer(ThreadingHTTPServer):
    request_queue_size = 64  # a connection too many waits for a second


@contextmanager
def grpc_server(canned: Canned, credentials: Any = None) -> Iterator[str]:
    """Its address."""
    server = grpc.server(ThreadPoolExecutor(8))
    add_PredictionServiceServicer_to_server(_Grpc(canned), server)
    address = "127.0.0.1:0"
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        canned.gate.set()
        server.stop(None).wait()


@contextmanager
def rest_server(
    canned: Canned, handler: type[RestHandler] = RestHandler, context: Any = None
) -> Iterator[str]:
    """Its URL; https with an SSL context."""
    own = type("Handler", (handler,), {"canned": canned})
    server = _HttpServer(("127.0.0.1", 0), own)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        canned.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def client(protocol: str, canned: Canned, **keys: Any) -> Iterator[Client]:
    """A client of a server of its own, by "grpc" or "rest"."""
    server = grpc_server if protocol == "grpc" else rest_server
    connect = Client.grpc if protocol == "grpc" else Client.rest
    with server(canned) as address, connect(address, **{"model": MODEL, "timeout": 20.0, **keys}) as made:
        yield made
