"""What is particular to the client over gRPC."""

import pytest
from canned_answers import TASKS, expected
from canned_server import MODEL, Canned, client, grpc_server

from centrabert.export.client.client import Client
from centrabert.export.client.errors import Overloaded, RequestError
from centrabert.export.client.grpc_transport import OPTIONS
from centrabert.export.client.retry import Retry


def test_unless_told_to_it_does_not_filter_outputs() -> None:
    canned = Canned()
    with client("grpc", canned) as asking:
        assert asking.ask("near", "one", "two") == expected("near", "one", "two")
    assert [request.outputs for request in canned.seen] == [()]


def test_each_request_has_the_deadline_that_is_left() -> None:
    canned = Canned(refusals=[("RESOURCE_EXHAUSTED", "busy")] * 2)
    with client("grpc", canned, retry=Retry(sleep=lambda seconds: None)) as asking:
        asking.ask("mood", "one", timeout=300.0)
        asking.ask("mood", "one", timeout=30.0)
    first, second = (request.seconds for request in canned.seen)
    assert 100.0 < first < 301.0  # the server's reckoning is rounded
    assert second < 31.0


def test_answers_may_be_larger_than_grpc_takes_by_itself() -> None:
    text = "x" * (3 << 20)  # two labels repeat it
    with client("grpc", Canned()) as asking:
        assert asking.ask_all(text, "") == {name: expected(name, text) for name in TASKS}


def test_a_request_that_is_too_large_is_not_sent_again() -> None:
    canned = Canned()
    with client("grpc", canned, retry=Retry(sleep=lambda seconds: pytest.fail("paused"))) as asking:
        with pytest.raises(
            RequestError, match=r"RESOURCE_EXHAUSTED: .*Received message larger than max"
        ) as error:
            asking.ask("mood", "x" * (5 << 20))
        with pytest.raises(RequestError, match=r"RESOURCE_EXHAUSTED: .*Sent message larger than max"):
            asking.ask("mood", "x" * (65 << 20))
    assert not isinstance(error.value, Overloaded)
    assert canned.seen == []


def test_grpc_does_not_try_again_by_itself() -> None:
    assert dict(OPTIONS)["grpc.enable_retries"] == 0


def test_all_servers_behind_a_name_are_asked() -> None:
    both = Canned(), Canned()
    with (
        grpc_server(both[0]) as first,
        grpc_server(both[1]) as second,
        Client.grpc(f"ipv4:{first},{second}", MODEL, timeout=20.0) as asking,
    ):
        while not all(canned.seen for canned in both):
            assert sum(len(canned.seen) for canned in both) < 1000
            assert asking.ask("mood", "one") == expected("mood", "one")


def test_no_ping_is_more_frequent_than_servers_allow() -> None:
    assert dict(OPTIONS)["grpc.keepalive_time_ms"] >= 300_000
    assert "grpc.keepalive_permit_without_calls" not in dict(OPTIONS)


@pytest.mark.parametrize("address", ["", "http://localhost:8500"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="give host:port"):
        Client.grpc(address, MODEL)
