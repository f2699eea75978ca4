"""gRPC requests that are too many, that never arrive, or that are none."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from abused_server import CONCURRENT, AbusedServer
from exported import small_predictor
from grpc_requests import TEXT_A, message
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from waiting import eventually

from centrabert.export.serving import grpc_interceptor
from centrabert.export.serving.concurrency_limit import overloaded
from centrabert.export.serving.grpc_interceptor import abort

PREDICT = "/tensorflow.serving.PredictionService/Predict"
REQUEST = message("tone", {"text_a": TEXT_A[:1]})
SECONDS = 20.0
FULL = ("RESOURCE_EXHAUSTED", "overloaded: too many requests at once; try again later")


class Stalled:
    """A request whose message does not come until `send`."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._messages: SimpleQueue[bytes | None] = SimpleQueue()
        self.call = channel.stream_unary(PREDICT).future(iter(self._messages.get, None), timeout=SECONDS)

    def send(self, *messages: bytes) -> "Stalled":
        for each in (*messages, None):
            self._messages.put(each)
        return self


@contextmanager
def connected(server: AbusedServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.server.port}") as channel:
        yield channel


def stalled(server: AbusedServer, channel: grpc.Channel, number: int) -> list[Stalled]:
    """So many, the longest first."""
    several = []
    for waiting in range(1, number + 1):
        several.append(Stalled(channel))
        eventually(lambda waiting=waiting: server.interceptor.arriving == waiting)
    return several


def check(response: bytes) -> None:
    label = small_predictor().predict("tone", {"text_a": TEXT_A[:1]})["label"]
    assert list(PredictResponse.FromString(response).outputs["label"].string_val) == label.tolist()


def refusal(call: Any) -> tuple[str, str]:
    error = call.exception(SECONDS)
    return error.code().name, error.details()


def counted(server: AbusedServer, code: str) -> int:
    """Refusals in the metrics for which no task can be named."""
    start = f'centrabert_requests_total{{code="{code}",task=""}} '
    lines = server.server._metrics.text().decode().splitlines()
    return sum(int(float(line.removeprefix(start))) for line in lines if line.startswith(start))


@pytest.fixture
def arrival_timeout(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Gives messages so many seconds to arrive."""
    return lambda seconds: monkeypatch.setattr(grpc_interceptor, "ARRIVAL_TIMEOUT_SECONDS", seconds)


def test_requests_without_a_message_keep_no_other_out(
    server: AbusedServer, arrival_timeout: Callable[[float], None]
) -> None:
    arrival_timeout(0.0)
    with connected(server) as channel:
        waiting = stalled(server, channel, CONCURRENT)
        for _ in range(2 * CONCURRENT):
            check(PredictionServiceStub(channel).Predict(REQUEST, SECONDS).SerializeToString())
        assert (server.interceptor.limit.in_use, server.interceptor.arriving) == (0, CONCURRENT - 1)
        for each in waiting[1:]:
            check(each.send(REQUEST.SerializeToString()).call.result(SECONDS))


def test_the_messages_that_have_not_come_the_longest_give_way(
    server: AbusedServer, arrival_timeout: Callable[[float], None]
) -> None:
    arrival_timeout(0.0)
    before = counted(server, "RESOURCE_EXHAUSTED")
    with connected(server) as channel:
        waiting = stalled(server, channel, CONCURRENT)
        late = [Stalled(channel) for _ in range(2)]
        told = ("RESOURCE_EXHAUSTED", "overloaded: the request took too long to arrive")
        assert [refusal(each.call) for each in waiting[:2]] == [told] * 2
        assert counted(server, "RESOURCE_EXHAUSTED") == before + 2
        for each in [*waiting[2:], *late]:
            check(each.send(REQUEST.SerializeToString()).call.result(SECONDS))


def test_requests_that_are_too_many_are_told_and_counted(
    server: AbusedServer, arrival_timeout: Callable[[float], None]
) -> None:
    arrival_timeout(1000.0)
    before = counted(server, "RESOURCE_EXHAUSTED")
    with connected(server) as channel, server.held():
        predict = PredictionServiceStub(channel).Predict
        (arriving,) = stalled(server, channel, 1)
        answered = [predict.future(REQUEST, SECONDS) for _ in range(CONCURRENT - 1)]
        eventually(lambda: server.interceptor.limit.in_use == CONCURRENT - 1)
        assert refusal(predict.future(REQUEST, SECONDS)) == FULL  # the one that arrives has only begun to
        answered.append(arriving.send(REQUEST.SerializeToString()).call)
        eventually(lambda: server.interceptor.limit.in_use == CONCURRENT)
        assert refusal(predict.future(REQUEST, SECONDS)) == FULL
        assert counted(server, "RESOURCE_EXHAUSTED") == before + 2
        server.gate.set()
        assert all(each.result(SECONDS) for each in answered)
        check(predict(REQUEST, SECONDS).SerializeToString())


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "the request holds no message"),
        ([b"\xff\xff"], "Error parsing message with type 'tensorflow.serving.PredictRequest'"),
    ],
)
def test_what_is_no_request_is_told_and_counted(
    server: AbusedServer, messages: list[bytes], told: str
) -> None:
    before = counted(server, "INVALID_ARGUMENT")
    with connected(server) as channel:
        assert refusal(Stalled(channel).send(*messages).call) == ("INVALID_ARGUMENT", told)
    assert counted(server, "INVALID_ARGUMENT") == before + 1


def test_methods_that_are_not_served_fill_no_log(server: AbusedServer) -> None:
    with connected(server) as channel:
        call = PredictionServiceStub(channel).Classify.future(ClassificationRequest(), SECONDS)
        assert refusal(call) == ("UNIMPLEMENTED", "Method not found!")


def test_who_leaves_before_the_message_leaves_nothing(server: AbusedServer) -> None:
    before = counted(server, "RESOURCE_EXHAUSTED")
    with connected(server) as channel:
        (waiting,) = stalled(server, channel, 1)
        waiting.call.cancel()
        eventually(lambda: not server.interceptor.arriving)
        server.check_that_nothing_is_left()
    assert counted(server, "RESOURCE_EXHAUSTED") == before


def test_an_error_that_nobody_waits_for_ends_the_request() -> None:
    """gRPC writes any other exception to the log."""

    async def fails(*_: Any) -> None:
        raise grpc.aio.InternalError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(abort(SimpleNamespace(abort=fails), overloaded()))
