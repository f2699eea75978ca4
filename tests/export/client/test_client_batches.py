"""Many requests of one client at a time: order, errors that end the rest, threads that share it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, get_ident

import pytest
from canned_answers import expected
from canned_server import Canned, client

from centrabert.export.client.client import Client, parallel_map
from centrabert.export.client.errors import RequestError
from centrabert.export.client.retry import Retry
from centrabert.export.client.rows import Row
from centrabert.export.client.transport import Metadata, Reply, RouteRequest, Signature, WantedModel

PROTOCOLS = pytest.mark.parametrize("protocol", ["grpc", "rest"])


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("centrabert-client")]


@PROTOCOLS
def test_the_first_error_ends_the_rest(protocol: str) -> None:
    canned = Canned(refused=("bad",), slow=("good",))
    rows = [Row(text, None, ("size",)) for text in ["good", "bad", *["good"] * 40]]
    with client(protocol, canned) as asking:
        with pytest.raises(RequestError, match=r"INVALID_ARGUMENT: .*refused"):
            asking.ask_batch(rows, batch_size=1, concurrency=2)
        canned.gate.set()
        for worker in workers():
            worker.join(20)
    assert workers() == []
    assert 2 <= len(canned.seen) <= 3  # the refused one's thread may have begun one more


@PROTOCOLS
def test_answers_that_overtake_each_other_stand_in_order(protocol: str) -> None:
    canned = Canned(slow=("slow",))
    texts = ["slow", "", "a", "bb", "ccc", "dddd"]
    with client(protocol, canned) as asking, ThreadPoolExecutor(1) as other:
        asked = other.submit(
            asking.ask_batch, [Row(text, None, ("mood",)) for text in texts], batch_size=1, concurrency=3
        )
        while len(canned.seen) < len(texts):
            assert not asked.done()
        canned.gate.set()
        assert asked.result(20) == [{"mood": expected("mood", text)} for text in texts]


@PROTOCOLS
def test_one_deadline_holds_for_all_requests_of_a_call(protocol: str) -> None:
    canned = Canned(slow=("slow",))
    rows = [Row(text, None, ("size",)) for text in ("one", "slow", "two")]
    with client(protocol, canned) as asking:
        asking.tasks()
        with pytest.raises(RequestError, match="DEADLINE_EXCEEDED"):
            asking.ask_batch(rows, batch_size=1, concurrency=1, timeout=0.3)
    assert [request.inputs["text_a"] for request in canned.seen] == [["one"], ["slow"]]


class Busy:
    """A transport that is too busy for "busy", and refuses "bad" once a pause has begun."""

    def __init__(self, paused: Event) -> None:
        self.asked: list[str] = []
        self._paused = paused

    def metadata(self, seconds: float) -> Metadata:
        outputs = frozenset(["size/score", "unknown"])
        return Metadata(1, {"route": Signature(frozenset(["text_a", "text_b", "tasks"]), outputs)})

    def route(self, request: RouteRequest, seconds: float) -> Reply:
        self.asked += request.text_a
        if request.text_a == ("busy",):
            raise RequestError("RESOURCE_EXHAUSTED", "busy")
        assert self._paused.wait(20)
        raise RequestError("INVALID_ARGUMENT", "bad")

    def close(self) -> None:
        pass


def test_an_error_ends_the_tries_of_other_requests() -> None:
    paused, raised = Event(), Event()

    def sleep(seconds: float) -> None:
        paused.set()
        raised.wait(20)

    transport = Busy(paused)
    asking = Client(transport, WantedModel("m"), timeout=20.0, retry=Retry(random=lambda: 0.0, sleep=sleep))
    with pytest.raises(RequestError, match="bad"):
        asking.ask_batch([Row(text, None, ("size",)) for text in ("busy", "bad")], batch_size=1)
    raised.set()
    for worker in workers():
        worker.join(20)
    assert sorted(transport.asked) == ["bad", "busy"]


@PROTOCOLS
def test_threads_share_a_client(protocol: str) -> None:
    barrier = Barrier(8)

    def check(number: int) -> None:
        barrier.wait(20)
        for length in range(12):
            text_a, text_b = "a" * number, "b" * length
            assert asking.ask("near", text_a, text_b) == expected("near", text_a, text_b)

    with client(protocol, Canned()) as asking, ThreadPoolExecutor(8) as threads:
        list(threads.map(check, range(8)))


def never() -> None:
    pytest.fail("gave up")


def test_results_stand_in_order_of_their_items() -> None:
    later = Event()

    def work(number: int) -> int:
        if number == 0:
            assert later.wait(20)
        elif number == 3:
            later.set()
        return -number

    assert parallel_map(work, range(7), 2, never) == [-number for number in range(7)]


def test_one_thread_is_the_callers() -> None:
    assert parallel_map(lambda _: get_ident(), range(3), 1, never) == [get_ident()] * 3
    assert parallel_map(lambda _: get_ident(), [5], 4, never) == [get_ident()]
    assert get_ident() not in parallel_map(lambda _: get_ident(), range(3), 2, never)


def test_no_more_threads_than_allowed_work_at_a_time() -> None:
    barrier = Barrier(3)
    assert sorted(parallel_map(lambda _: barrier.wait(20), range(9), 3, never)) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("threads", [1, 3])
def test_what_has_not_begun_never_does(threads: int) -> None:
    begun: list[int] = []
    ended: list[int] = []
    given_up: list[bool] = []
    release = Event()

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise KeyError("zero")
        release.wait(20)
        ended.append(number)

    with pytest.raises(KeyError, match="zero"):
        parallel_map(work, range(50), threads, lambda: given_up.append(release.is_set()))
    assert ended == []  # what runs was not waited for
    release.set()
    for worker in workers():
        worker.join(20)
    assert len(begun) <= threads + 1
    assert given_up == ([] if threads == 1 else [False])


def test_the_first_of_several_errors_is_told() -> None:
    barrier = Barrier(3)

    def work(number: int) -> Callable[[], None]:
        barrier.wait(20)
        raise ValueError(f"number {number}")

    with pytest.raises(ValueError, match="number"):
        parallel_map(work, range(3), 3, lambda: None)
