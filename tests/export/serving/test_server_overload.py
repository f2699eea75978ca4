"""More requests, rows and connections than a server takes, and clients that do not wait for their answers."""

import asyncio
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import grpc
import pytest
from abused_server import (
    CONCURRENT,
    GOOD,
    LIMITS,
    PREDICT,
    AbusedServer,
    check,
    is_delivered,
    many,
)
from grpc_requests import TEXT_A, message
from raw_http import RawClient, head
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from waiting import eventually, until

from centrabert.export.rest.http_server import HttpServer
from centrabert.export.serving.concurrency_limit import CONNECTIONS_PER_REQUEST

ROWS = LIMITS.request_rows
FULL = "overloaded: too many requests at once; try again later"


def test_requests_that_are_too_many_are_told_and_probes_are_answered(server: AbusedServer) -> None:
    with ExitStack() as stack, server.held():
        clients = [stack.enter_context(RawClient(server.port)).send(GOOD) for _ in range(CONCURRENT)]
        eventually(lambda: server.in_flight == CONCURRENT)
        late = stack.enter_context(RawClient(server.port))
        assert late.send(GOOD).answer().error == (429, FULL)
        for path in ("/healthz", "/metrics", "/", "/v1/models/tiny", "/v1/models/tiny/metadata"):
            assert late.send(head("GET", path)).answer().status == 200
        assert b'code="RESOURCE_EXHAUSTED",task=""' in late.send(head("GET", "/metrics")).answer().body
        server.gate.set()
        for client in clients:
            check(client.answer())
        check(late.send(GOOD).answer())


def test_rows_that_are_too_many_are_told(server: AbusedServer) -> None:
    waiting = ROWS - LIMITS.batch_rows
    with RawClient(server.port) as first, RawClient(server.port) as second, server.held():
        first.send(many(ROWS))
        eventually(lambda: server.batcher.waiting == waiting)
        reason = f"{waiting} rows wait and {ROWS} more would be over {LIMITS.waiting_rows}"
        assert second.send(many(ROWS)).answer().error == (429, f"overloaded: {reason}; try again later")
        server.gate.set()
        check(first.answer(), ROWS)


def test_a_request_that_waits_too_long_is_told_and_frees_its_place(impatient: AbusedServer) -> None:
    server = impatient
    with RawClient(server.port) as client, server.held():
        found = client.send(many(ROWS)).answer().error
        assert found == (504, "the deadline passed before the outputs were computed")
        eventually(lambda: not server.batcher.waiting and not server.in_flight)


def test_requests_that_the_server_is_too_busy_to_look_at_wait(server: AbusedServer) -> None:
    """gRPC itself would tell some of more than a thousand CANCELLED, which is no answer to an overload."""
    with grpc.insecure_channel(f"127.0.0.1:{server.server.port}") as channel, server.busy() as idle:
        predict = PredictionServiceStub(channel).Predict
        request = message("tone", {"text_a": TEXT_A[:1]})
        sent = [predict.future(request, timeout=60) for _ in range(2000)]
        eventually(lambda: all(is_delivered(server.server.port) for _ in range(100)))
        idle.set()
        codes = {future.code().name for future in sent}
    assert codes == {"OK", "RESOURCE_EXHAUSTED"}


def reset(client: RawClient) -> None:
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def half_close(client: RawClient) -> None:
    client.socket.shutdown(socket.SHUT_WR)


def test_who_leaves_frees_its_place(server: AbusedServer) -> None:
    with RawClient(server.port) as stays, RawClient(server.port) as leaves, server.held():
        stays.send(GOOD)
        eventually(lambda: server.in_flight == 1)
        leaves.send(many(ROWS))
        eventually(lambda: server.batcher.waiting == ROWS)
        reset(leaves)
        eventually(lambda: server.batcher.waiting == 0 and server.in_flight == 1 == server.connections)
        server.gate.set()
        check(stays.answer())


@pytest.mark.parametrize("number", [1, 3])
def test_who_closes_its_half_gets_its_responses(server: AbusedServer, number: int) -> None:
    """Of all requests that it has sent whole, as `nc -N` or a shell's redirection sends them."""
    with RawClient(server.port) as client, server.held():
        client.send(GOOD * number)
        half_close(client)
        eventually(lambda: server.in_flight == 1)
        server.gate.set()
        for _ in range(number):
            check(client.answer())
        assert client.ends()


def test_who_closes_after_a_whole_request_leaves_nothing(server: AbusedServer) -> None:
    """It cannot be told from one that still reads; so its rows are computed, within the deadline."""
    with server.held():
        with RawClient(server.port) as client:
            client.send(GOOD)
            eventually(lambda: server.in_flight == 1)
        server.gate.set()
        server.check_that_nothing_is_left()


@pytest.mark.parametrize("leave", [RawClient.close, reset, half_close])
@pytest.mark.parametrize(
    "sent", [b"", GOOD[:20], GOOD[:-5], head("POST", PREDICT, Transfer_Encoding="chunked")]
)
def test_who_leaves_in_the_middle_leaves_nothing(
    server: AbusedServer, sent: bytes, leave: Callable[[RawClient], None]
) -> None:
    with RawClient(server.port) as client:
        client.send(sent)
        eventually(lambda: server.connections == 1)
        leave(client)
        server.check_that_nothing_is_left()


def test_the_connection_that_has_waited_longest_gives_way(server: AbusedServer) -> None:
    """Those whose request is being answered never do."""
    most = CONNECTIONS_PER_REQUEST * CONCURRENT
    with ExitStack() as stack:
        busy = stack.enter_context(RawClient(server.port))
        with server.held():
            busy.send(GOOD)
            eventually(lambda: server.in_flight == 1)
            idle = []
            for _ in range(most + 3):
                client = stack.enter_context(RawClient(server.port))
                assert client.send(head("GET", "/healthz")).answer().body == b"ok\n"
                idle.append(client)
                assert server.connections <= most
            for client in idle[:4]:
                assert client.ends()
            for client in idle[4:]:
                assert client.send(head("GET", "/healthz")).answer().body == b"ok\n"
        check(busy.answer())


def test_a_flood_of_connections_keeps_nobody_out(server: AbusedServer) -> None:
    def flood(number: int) -> None:
        with RawClient(server.port) as client, suppress(ConnectionError):  # when it has given way
            client.send(b"POST / HT" if number % 2 else b"")

    def ask(number: int) -> int:
        """Tries until it is answered."""
        for attempt in range(1, 200):
            with suppress(ConnectionError, ValueError), RawClient(server.port) as client:
                answer = client.send(GOOD).answer()  # unless it has given way
                if answer.status != 429:
                    check(answer)
                    return attempt
        pytest.fail("it was kept out")

    with ThreadPoolExecutor(8) as clients:
        flooding = [clients.submit(flood, number) for number in range(200)]
        assert all(clients.map(ask, range(10)))
        for future in flooding:
            future.result()


def test_bodies_that_do_not_come_keep_nobody_out(server: AbusedServer) -> None:
    """The one that has waited longest gives way."""
    start, body = GOOD[:-5], GOOD[-5:]
    most = CONNECTIONS_PER_REQUEST * CONCURRENT
    with ExitStack() as stack:
        waiting = []
        for number in range(1, most + 1):
            waiting.append(stack.enter_context(RawClient(server.port)).send(start))
            eventually(lambda number=number: server.server.http.connections.reading_bodies == number)
        assert server.in_flight == 0
        for _ in range(2):
            with RawClient(server.port) as client:
                check(client.send(GOOD).answer())
            eventually(lambda: server.connections == most - 1)
        assert waiting[0].ends()
        for client in waiting[1:]:
            check(client.send(body).answer())


def test_a_request_that_is_arriving_when_the_server_ends_is_answered(server: AbusedServer) -> None:
    async def life() -> bytes:
        http = HttpServer(server.server._service, 1000.0, 1000, 10)
        reader, writer = await asyncio.open_connection("127.0.0.1", await http.listen("127.0.0.1", 0))
        writer.write(GOOD[:-5])
        await until(lambda: http.connections.reading_bodies == 1)
        ending = asyncio.ensure_future(http.stop(1000.0))
        await until(lambda: http._stopping)
        writer.write(GOOD[-5:])
        await asyncio.wait_for(ending, 20)
        answer = await reader.read()
        writer.close()
        return answer

    answer = asyncio.run(life())
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nConnection: close\r\n" in answer
    assert b'"predictions"' in answer


@pytest.mark.parametrize(("sent", "grace"), [(b"", 1000.0), (head("POST", PREDICT, Content_Length=100), 0.2)])
def test_a_server_that_ends_waits_neither_for_the_idle_nor_for_ever(
    server: AbusedServer, sent: bytes, grace: float
) -> None:
    """The body that does not come would be waited for a thousand seconds."""

    async def life() -> None:
        http = HttpServer(server.server._service, 1000.0, 1000, 10)
        port = await http.listen("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head("GET", "/healthz") + sent)
        assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200 OK")
        await until(lambda: http.connections.reading_bodies == bool(sent))
        await asyncio.wait_for(http.stop(grace), 20)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
        await until(lambda: not http.connections)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)

    asyncio.run(life())
