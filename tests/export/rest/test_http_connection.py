"""Which connections are open, and which gives way, whatever happens in between."""

import asyncio
from types import SimpleNamespace
from typing import Any

from centrabert.export.rest.http_connection import HttpConnections


class Connection:
    """What HttpConnections asks of one."""

    def __init__(self) -> None:
        self.aborted = self.finished = False
        self.seconds: float | None = None

    def wait(self, seconds: float) -> None:
        self.seconds = seconds

    def wait_no_more(self) -> None:
        self.seconds = None

    def finish(self) -> None:
        self.finished = True

    def abort(self) -> None:
        self.aborted = True


def request(connection: Any) -> Any:
    return SimpleNamespace(protocol=connection)


def opened(most: int, number: int) -> tuple[Any, list[Any]]:
    connections, several = HttpConnections(most, 1.0, 2.0), [Connection() for _ in range(number)]
    for connection in several:
        connections.add(connection)
    return connections, several


def test_who_was_answered_last_gives_way_last() -> None:
    connections, (first, second, third) = opened(most=3, number=3)
    with connections.processing(request(first)):
        assert first.seconds is None
    assert first.seconds == 2.0
    for _ in range(2):
        connections.add(Connection())
    assert [each.aborted for each in (first, second, third)] == [False, True, True]
    assert len(connections) == 3


def test_the_new_one_gives_way_if_all_others_are_being_answered() -> None:
    connections, (first,) = opened(most=1, number=1)
    late = Connection()
    with connections.processing(request(first)):
        connections.add(late)
    assert (first.aborted, late.aborted, len(connections)) == (False, True, 1)


def test_a_request_that_came_as_its_connection_gave_way_counts_for_nothing() -> None:
    connections, (first, _) = opened(most=1, number=2)
    assert first.aborted
    with connections.processing(request(first)):
        assert len(connections) == 1
    connections.remove(first)
    assert len(connections) == 1


def test_a_client_that_goes_while_it_is_answered_is_gone() -> None:
    connections, (first, _) = opened(most=2, number=2)
    with connections.processing(request(first)):
        connections.remove(first)
    assert len(connections) == 1
    assert first.seconds is None


def test_who_sends_the_rest_of_a_request_slowly_gives_way_and_then_counts_for_nothing() -> None:
    connections, (first, _) = opened(most=2, number=2)
    with connections.processing(request(first)), connections.reading(request(first)):
        for _ in range(2):
            connections.add(Connection())
        assert first.aborted
    assert (len(connections), connections.reading_bodies) == (2, 0)
    assert first.seconds is None


def test_who_has_sent_all_of_a_request_does_not_give_way() -> None:
    connections, (first,) = opened(most=1, number=1)
    with connections.processing(request(first)):
        with connections.reading(request(first)):
            assert connections.reading_bodies == 1
        assert connections.reading_bodies == 0
        connections.add(Connection())
    assert not first.aborted
    assert first.seconds == 2.0


def test_a_server_that_ends_waits_for_those_with_a_request_alone() -> None:
    async def life() -> None:
        connections, (idle, reading, busy) = opened(most=3, number=3)
        with (
            connections.processing(request(busy)),
            connections.processing(request(reading)),
            connections.reading(request(reading)),
        ):
            await connections.drain(0.01)
        assert [each.finished for each in (idle, reading, busy)] == [True, False, False]
        draining = asyncio.ensure_future(connections.drain(1000.0))
        for each in (idle, reading):
            connections.remove(each)
        await asyncio.sleep(0)  # every callback that is due has run
        assert not draining.done()
        connections.remove(busy)
        await draining

    asyncio.run(life())
