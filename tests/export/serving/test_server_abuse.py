"""Clients that dawdle, and unusual ways to speak HTTP.

After every test nothing may be left: no connection, no task, no row in the queue, no place of a request.
"""

import pytest
from abused_server import (
    BODY_BYTES,
    GOOD,
    PREDICT,
    SOON,
    STATUS,
    AbusedServer,
    check,
    eventually,
    many,
)
from raw_http import RawClient, head, post


def test_head_has_no_body(server: AbusedServer) -> None:
    with RawClient(server.port) as client:
        client.send(
            head("HEAD", STATUS), head("HEAD", "/healthz"), head("GET", "/healthz", Connection="close")
        )
        lines = client.socket.makefile("rb").read()
        assert lines.split(b"\r\n")[0] == b"HTTP/1.1 400 Bad Request"
        assert lines.count(b"HTTP/1.1 200 OK") == 2
        assert lines.count(b"ok\n") == 1


def test_a_body_in_chunks_is_read_and_one_too_large_is_refused(server: AbusedServer) -> None:
    start = head("POST", PREDICT, Transfer_Encoding="chunked")
    body = GOOD.partition(b"\r\n\r\n")[2]
    with RawClient(server.port) as client:
        client.send(start, *(b"1\r\n%c\r\n" % byte for byte in body), b"0\r\n\r\n")
        check(client.answer())
    with RawClient(server.port) as client:
        client.send(start, *[b"10000\r\n" + b"x" * 2**16 + b"\r\n"] * (BODY_BYTES // 2**16 + 1))
        assert client.answer().error[0] == 413


def test_a_body_may_wait_for_leave(server: AbusedServer) -> None:
    start, _, body = GOOD.partition(b"\r\n\r\n")
    with RawClient(server.port) as client:
        assert client.send(start + b"\r\nExpect: 100-continue\r\n\r\n").answer().status == 100
        check(client.send(body).answer())


def test_requests_without_waiting_for_answers_are_answered_in_order(server: AbusedServer) -> None:
    with RawClient(server.port) as client:
        client.send(many(2) + head("GET", "/healthz") + post(PREDICT, b"[") + many(3) * 50)
        check(client.answer(), 2)
        assert client.answer().body == b"ok\n"
        assert client.answer().error[0] == 400
        for _ in range(50):
            check(client.answer(), 3)


def test_an_upgrade_is_declined(server: AbusedServer) -> None:
    with RawClient(server.port) as client:
        client.send(head("GET", "/healthz", Connection="Upgrade", Upgrade="websocket"))
        assert client.answer().body == b"ok\n"
        check(client.send(GOOD).answer())


@pytest.mark.parametrize("begun", [b"", GOOD[:30], head("GET", "/healthz") + GOOD[:30]])
def test_a_head_that_never_ends_is_given_up(impatient: AbusedServer, begun: bytes) -> None:
    with RawClient(impatient.port) as client:
        client.send(begun)
        if b"healthz" in begun:
            assert client.answer().body == b"ok\n"
        assert client.ends()


def trickle(client: RawClient) -> None:
    """A byte now and then until the server has had enough."""
    client.socket.settimeout(0.1)
    for _ in range(1000):
        try:
            client.send(b"x")
            if client.socket.recv(1) == b"":
                return
        except TimeoutError:
            pass
        except ConnectionError:
            return
    pytest.fail("it never had enough")


def test_a_head_that_trickles_is_given_up(impatient: AbusedServer) -> None:
    with RawClient(impatient.port) as client:
        trickle(client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "))


def test_a_connection_without_a_request_is_given_up(impatient: AbusedServer) -> None:
    with RawClient(impatient.port) as client:
        check(client.send(GOOD).answer())
        assert client.ends()


def test_a_body_that_does_not_come_is_told(impatient: AbusedServer) -> None:
    with RawClient(impatient.port) as client:
        client.send(head("POST", PREDICT, Content_Length=1000), b'{"inputs": ')
        assert client.answer().error == (504, f"the body did not arrive within {SOON:g} s")
        trickle(client)


def test_a_client_that_takes_no_answer_is_given_up(impatient: AbusedServer) -> None:
    with RawClient(impatient.port, buffer=4096) as client:
        client.send(head("GET", "/") * 400)  # answers of about 9 MB
        eventually(lambda: impatient.connections == 1)
        impatient.check_that_nothing_is_left()
